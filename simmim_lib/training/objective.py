"""What training minimises: each task's loss on labelled examples, and on examples without labels.

The kind of a task decides what its labels look like and which loss it has.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from simmim_lib import information
from simmim_lib.losses import Tensor
from simmim_lib.training import replicas
from simmim_lib.training.seed_copies import Copies, Tensors

Loss = Callable[[Tensor, Tensor], Tensor]
"""From labels (seeds, n) and logits (seeds, n, classes) to a loss for each example, (seeds, n).

Where an example has several labels, they are (seeds, n, columns), and so are the outputs.
"""

EVERYTHING = slice(None)


def cross_entropy(labels: Tensor, logits: Tensor) -> Tensor:
    """`losses.cross_entropy` without its checks, and rounded as Keras's own loss rounds it.

    Adam blows up the last digit of a gradient near zero; this way the loop makes the same steps
    as a plain one in Keras.
    """
    import tensorflow as tf

    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)


def binary_cross_entropy(labels: Tensor, logits: Tensor) -> Tensor:
    """Return the mean over columns of the cross-entropy of labels that each hold or not."""
    import tensorflow as tf

    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels, logits), axis=-1)


def squared_error(labels: Tensor, outputs: Tensor) -> Tensor:
    """Return the mean over columns of the squared difference."""
    import tensorflow as tf

    return tf.reduce_mean(tf.math.squared_difference(outputs, labels), axis=-1)


@dataclass(frozen=True)
class Labels:
    """What a kind of task learns from, and by which loss.

    Attributes:
        dtype: of the labels.
        columns: whether an example has a label for each output, instead of one in all.
        loss: by default.
    """

    dtype: str
    columns: bool
    loss: Loss


LABELS = {
    "classification": Labels("int32", False, cross_entropy),
    "multi-label": Labels("float32", True, binary_cross_entropy),
    "regression": Labels("float32", True, squared_error),
}
"""By `simmim.Task.kind`."""


class Batch(NamedTuple):
    """What a step sees of one task.

    Attributes:
        inputs: this replica's share of all groups of examples, one group behind the other: the
            labelled ones, then each view of those without labels, (seeds, n, ...).
        labels: of the whole first group, for all replicas.
        prior: how often each class is expected without labels, (classes,); none without views.
        step: the number of the step since training began.
    """

    inputs: Tensor
    labels: Tensor
    prior: Tensor | None
    step: Tensor


class Objective:
    """Each seed's and each task's loss, and what it counts.

    Args:
        copies: of the model.
        loss: of every task; none for that of its kind.
        kind: what is done with examples that have no labels.

    Attributes:
        task_weights: what each task's loss counts in the sum, (tasks,).
    """

    def __init__(self, copies: Copies, loss: Loss | None, kind: information.Kind) -> None:
        import tensorflow as tf

        self.copies = copies
        self.kind = kind
        self.losses_of_tasks = [loss or LABELS[each].loss for each in copies.task_kinds]
        self.task_weights = tf.Variable(tf.ones(len(self.losses_of_tasks)))
        self._recipe = tf.Variable(tf.zeros(len(information.NUMBERS)))

    def reset(
        self, task_weights: Sequence[float] | None, recipe: information.Recipe | None
    ) -> None:
        """Take other numbers, for which nothing is compiled anew."""
        self.task_weights.assign(task_weights or np.ones(len(self.losses_of_tasks)))
        if recipe:
            self._recipe.assign(recipe.numbers)

    def number(self, name: str) -> Tensor:
        """Return a number of the recipe, one of `information.NUMBERS`."""
        return self._recipe[information.NUMBERS.index(name)]

    def logits(
        self, values: Tensors, state: Tensors, batch: list[Batch], tasks: slice = EVERYTHING
    ) -> tuple[Tensors, Tensors]:
        """Return the logits of some tasks, (seeds, n, outputs) each, and the state afterwards."""
        import tensorflow as tf

        inputs = [tf.unstack(task.inputs) for task in batch[tasks]]
        parts, after = self.copies.outputs(values, state, inputs, True, self.copies.names[tasks])
        return [replicas.gather(part) for part in parts], after

    def losses(self, logits: Tensors, batch: list[Batch], tasks: slice = EVERYTHING) -> Tensor:
        """Return the mean loss of each seed and of some tasks, (seeds, tasks)."""
        import tensorflow as tf

        positions = range(len(batch))[tasks]
        by_task = [
            self.loss(position, of_task, batch[position])
            for position, of_task in zip(positions, logits, strict=True)
        ]
        return tf.stack(by_task, axis=1)

    def loss(self, task: int, logits: Tensor, batch: Batch) -> Tensor:
        """Return the loss of the task at a position, for each seed, (seeds,)."""
        import tensorflow as tf

        loss = self.losses_of_tasks[task]
        if not self.kind.views_per_image:
            return tf.reduce_mean(loss(batch.labels, logits), axis=1)
        labelled = tf.shape(batch.labels)[1]
        total = tf.reduce_sum(loss(batch.labels, logits[:, :labelled]), axis=1)
        # A task without any label has empty batches, whose mean would be 0 / 0.
        mean = tf.math.divide_no_nan(total, tf.cast(labelled, tf.float32))
        return mean + self._ramp(batch.step) * self._without_labels(logits[:, labelled:], batch)

    def _ramp(self, step: Tensor) -> Tensor:
        import tensorflow as tf

        return tf.minimum(tf.cast(step, tf.float32) / self.number("ramp"), 1.0)

    def _without_labels(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return what the views without labels add to the loss of each seed, (seeds,)."""
        import tensorflow as tf

        weak, *strong = tf.split(logits, self.kind.views_per_image, axis=1)
        lack = information.lack_of_information(weak, self.number("spread"), batch.prior)
        extra = self.number("information") * lack
        if strong:
            disagreement = information.disagreement(weak, strong[0], self.number("confidence"))
            extra += self.number("agreement") * disagreement
        return extra
