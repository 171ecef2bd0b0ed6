"""What a step sees of each task: which examples, and the views of them."""

from typing import TYPE_CHECKING, NamedTuple

from simmim_lib import information
from simmim_lib.losses import Tensor
from simmim_lib.training import replicas
from simmim_lib.training.objective import LABELS, Batch, Objective
from simmim_lib.training.seed_copies import Copies, Tensors

if TYPE_CHECKING:
    import tensorflow as tf

TaskTensors = dict[str, Tensor]
"""What a call of the loop is given of one task, by the names in `Batches.signature`."""


class Drawn(NamedTuple):
    """What a step draws of one task for all replicas: groups of examples, labels of the first."""

    groups: Tensors
    labels: Tensor
    prior: Tensor | None


class Batches:
    """Draws the batches of a step, in the shape and type that the model takes.

    Args:
        copies: of the model.
        kind: what is done with examples that have no labels.
        objective: says how strongly views are changed.
    """

    def __init__(self, copies: Copies, kind: information.Kind, objective: Objective) -> None:
        import tensorflow as tf

        self.copies = copies
        self.kind = kind
        self.objective = objective
        self.first_seed = tf.Variable(0)

    def signature(self, task_kind: str) -> "dict[str, tf.TensorSpec]":
        """Return the shapes and types of what a call is given of a task, by name."""
        import tensorflow as tf

        seeds = self.copies.seeds
        _, *shape = self.copies.input.shape
        dtype = self.copies.input.dtype
        labels = LABELS[task_kind]
        columns = [None] if labels.columns else []
        signature = {
            "features": tf.TensorSpec([seeds, None, *shape], dtype),
            "labels": tf.TensorSpec([seeds, None, *columns], labels.dtype),
            "batches": tf.TensorSpec([seeds, None, None], tf.int32),
        }
        if self.kind.views_per_image:
            signature["unlabelled_features"] = tf.TensorSpec([None, *shape], dtype)
            signature["unlabelled_batches"] = tf.TensorSpec([seeds, None, None], tf.int32)
            signature["prior"] = tf.TensorSpec([None], tf.float32)
        return signature

    def draw(self, task: TaskTensors, step: "tf.Tensor") -> Drawn:
        """Return what a task's step sees; `step` is the position among the batches given."""
        import tensorflow as tf

        chosen = task["batches"][:, step]
        labels = tf.gather(task["labels"], chosen, batch_dims=1)
        groups = [tf.gather(task["features"], chosen, batch_dims=1)]
        if not self.kind.views_per_image:
            return Drawn(groups, labels, None)
        unlabelled = tf.gather(task["unlabelled_features"], task["unlabelled_batches"][:, step])
        groups += [unlabelled] * self.kind.views_per_image
        return Drawn(groups, labels, task["prior"])

    def batch(self, drawn: Drawn, number: "tf.Tensor") -> Batch:
        """Return this replica's batch of one task: its share of all groups, changed into views."""
        import tensorflow as tf

        inputs = replicas.share(tf.concat(drawn.groups, axis=1))
        if self.kind.views:
            inputs = self._view(inputs, drawn.groups, number)
        return Batch(inputs, drawn.labels, drawn.prior, number)

    def _view(self, inputs: "tf.Tensor", groups: Tensors, number: "tf.Tensor") -> "tf.Tensor":
        """Change a replica's share of some groups as strongly as each group is to be.

        A seed's views are the same, whatever other seeds are trained beside it, on however many
        replicas.
        """
        import tensorflow as tf

        assert self.kind.views
        strengths = self._strengths(groups)
        shape = inputs.shape[2:]
        by_seed = [
            self.kind.views.draw(strengths, (self.first_seed + seed, number), shape)
            for seed in range(self.copies.seeds)
        ]
        drawn = replicas.share(tf.stack(by_seed))
        # Views know nothing of seeds: the examples of all copies are put one behind the other.
        flat = tf.reshape(inputs, (-1, *shape))
        changed = self.kind.views.apply(flat, tf.reshape(drawn, (-1, *drawn.shape[2:])))
        return tf.reshape(changed, tf.shape(inputs))

    def _strengths(self, groups: Tensors) -> "tf.Tensor":
        """Return how strongly each example of the groups is changed, (n,)."""
        import tensorflow as tf

        strongest = self.objective.number("augmentation")
        by_group = [
            tf.fill([tf.shape(group)[1]], strength * strongest)
            for group, strength in zip(groups, information.STRENGTHS, strict=False)
        ]
        return tf.concat(by_group, axis=0)
