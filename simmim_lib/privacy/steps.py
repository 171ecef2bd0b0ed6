"""Private training: every example's gradient clipped, the sum blurred, batches drawn at random.

Three things make the accountant's number true, and each is easily got wrong: an example is in a
batch by a chance of its own, not because a shuffled list was cut there; the noise fits the length
at which single gradients are clipped; and the sum is divided by the expected size of the batch,
since the real one says who is in it.

Source: Abadi et al. 2016, "Deep Learning with Differential Privacy", algorithm 1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simmim_lib.errors import (
    WorkbookError,
    check_choice,
    check_number,
    check_positive,
    check_whole,
    shown,
)
from simmim_lib.privacy.accounting import count_steps
from simmim_lib.privacy.examples import checked_examples

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

    from simmim_lib.simmim import SimMIM

MICROBATCH_SIZE = 32
"""So many examples' gradients are in memory at once: more do not fit a processor's cache."""


@dataclass(frozen=True)
class PrivateRecipe:
    """How private training is done; `accounting.epsilon` says what it promises.

    Attributes:
        noise_multiplier: the noise's standard deviation, in units of `clip`.
        batch_size: how many examples a step draws on average.
        epochs: how often each example is drawn on average.
        learning_rate: of plain gradient descent.
        clip: the largest length of one example's gradient.

    Raises:
        WorkbookError: a number that cannot be meant.
    """

    noise_multiplier: float
    batch_size: int
    epochs: float
    learning_rate: float
    clip: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        at_least_0 = "of at least 0, like 1.1"
        check_number("noise_multiplier", self.noise_multiplier, lambda n: n >= 0, at_least_0)
        check_whole("batch_size", self.batch_size, least=1)
        for name in ("epochs", "learning_rate", "clip"):
            check_positive(name, getattr(self, name))

    def steps(self, examples: int) -> int:
        """Return how many steps the epochs take."""
        return count_steps(examples, self.batch_size, self.epochs)


def draw_poisson(examples: int, batch_size: int, steps: int, seed: int) -> NDArray[np.int32]:
    """Return which examples each step sees, each drawn with a chance of its own.

    Args:
        examples: how many there are.
        batch_size: how many a step draws on average; a batch may be larger, smaller, even empty.
        steps: how many batches.
        seed: chooses them, of at least 0.

    Returns:
        Positions, (steps, the size of the largest batch), filled up with -1.

    Raises:
        WorkbookError: no examples, or a batch that is larger than all there is.
    """
    check_whole("examples", examples, least=1)
    check_whole("batch_size", batch_size, least=1, most=examples)
    check_whole("steps", steps, least=1)
    check_whole("seed", seed, least=0)
    random, share = np.random.default_rng(seed), batch_size / examples
    batches = [np.flatnonzero(random.random(examples) < share) for _ in range(steps)]
    widest = max(1, *map(len, batches))
    filled = [np.pad(batch, (0, widest - len(batch)), constant_values=-1) for batch in batches]
    return np.stack(filled).astype(np.int32)


class PrivateTraining:
    """Trains one head of a model, and what lies below it, privately.

    Args:
        model: what to train, from the weights that it has; frozen layers belong outside it.
        task: whose head learns.
        microbatch_size: how many examples' gradients are in memory at once; of a large network
            fewer fit. It changes nothing else.

    Raises:
        WorkbookError: a task that the model does not have, or BatchNormalization that learns, which
            would mix the examples of a batch.
    """

    def __init__(self, model: "SimMIM", task: str, microbatch_size: int = MICROBATCH_SIZE) -> None:
        names = [each.name for each in model.tasks]
        check_choice("task", task, names)
        _check_layers(model)
        self.model = model
        self.task = task
        self.microbatch_size = check_whole("microbatch_size", microbatch_size, least=1)
        self._task = model.tasks[names.index(task)]
        self._compiled: dict[int, Callable[..., Any]] = {}

    def train(
        self, inputs: np.ndarray, labels: np.ndarray, recipe: PrivateRecipe, seed: int = 0
    ) -> None:
        """Train privately; the model has the new weights then.

        Several views of an example, such as augmented ones, are one person's: the mean of their
        gradients is clipped, so that they count once, however many there are.

        Args:
            inputs: of the model, (n, ...), or views of each example, (n, views, ...).
            labels: (n,), or (n, columns) where the task has a label for each output.
            recipe: how.
            seed: of the batches and of the noise; who knows it can take the noise away again.

        Raises:
            WorkbookError: inputs that are no finite numbers, labels that the task cannot have or of
                another number, or a batch that is larger than all there is.
        """
        import tensorflow as tf

        inputs, labels = checked_examples(self._task, inputs, labels)
        batches = draw_poisson(len(inputs), recipe.batch_size, recipe.steps(len(inputs)), seed)
        step = self._step(batches.shape[1])
        inputs, labels = tf.constant(inputs), tf.constant(labels)
        numbers = [recipe.clip, recipe.noise_multiplier, recipe.learning_rate, recipe.batch_size]
        options = [tf.constant(number, tf.float32) for number in numbers]
        for number, batch in enumerate(batches):
            step(inputs, labels, tf.constant(batch), tf.constant([seed, number]), *options)

    def gradients(self, inputs: np.ndarray, labels: np.ndarray) -> list[np.ndarray]:
        """Return the gradient of each example's loss, (n, ...), by each trained variable."""
        import tensorflow as tf

        inputs, labels = checked_examples(self._task, inputs, labels)
        found = tf.vectorized_map(self._gradient, (tf.constant(inputs), tf.constant(labels)))
        return [np.asarray(each) for each in found]

    def clipped_sum(self, inputs: np.ndarray, labels: np.ndarray, clip: float) -> list[np.ndarray]:
        """Return the sum of the examples' gradients, each shortened to `clip` if it is longer."""
        import tensorflow as tf

        check_positive("clip", clip)
        inputs, labels = checked_examples(self._task, inputs, labels)
        everyone = tf.ones(len(inputs))
        found = self._clipped_sum(tf.constant(inputs), tf.constant(labels), everyone, clip)
        return [np.asarray(each) for each in found]

    def _gradient(self, example: "tuple[tf.Tensor, tf.Tensor]") -> "list[tf.Tensor]":
        import tensorflow as tf

        from simmim_lib.training.objective import LABELS

        given, label = example
        has_views = given.shape.rank == len(self.model.trunk.input_shape)
        views = given if has_views else given[None]
        labels = tf.repeat(label[None], views.shape[0], axis=0)
        with tf.GradientTape() as tape:
            outputs = self.model(views)[self.task]
            loss = tf.reduce_mean(LABELS[self._task.kind].loss(labels, outputs))
        variables = [variable.value for variable in self.model.variables_of(self.task)]
        return tape.gradient(loss, variables, unconnected_gradients="zero")

    def _clipped_sum(
        self, inputs: "tf.Tensor", labels: "tf.Tensor", counts: "tf.Tensor", clip: Any
    ) -> "list[tf.Tensor]":
        """Return the sum over examples of clipped gradients.

        A gradient that is not finite counts as zero: the sum would tell of that example otherwise.

        Args:
            inputs: (n, ...).
            labels: (n, ...).
            counts: 1 for an example, 0 for what fills the batch, (n,).
            clip: the largest length.
        """
        import tensorflow as tf

        each = tf.vectorized_map(self._gradient, (inputs, labels))
        squares = [tf.reduce_sum(part**2, axis=range(1, part.shape.rank)) for part in each]
        lengths = tf.sqrt(tf.add_n(squares))
        finite = tf.math.is_finite(lengths)
        factors = counts * tf.minimum(1.0, clip / tf.maximum(lengths, 1e-12))

        def without_others() -> "list[tf.Tensor]":
            chosen = tf.boolean_mask(factors, finite)
            return [tf.tensordot(chosen, tf.boolean_mask(part, finite), 1) for part in each]

        def of_all() -> "list[tf.Tensor]":
            return [tf.tensordot(factors, part, 1) for part in each]

        return tf.cond(tf.reduce_all(finite), of_all, without_others)

    def _step(self, width: int) -> Callable[..., Any]:
        """Return the compiled step for batches of a width."""
        import tensorflow as tf

        if width not in self._compiled:
            self._compiled[width] = tf.function(self._take_step, autograph=False)
        return self._compiled[width]

    def _take_step(
        self,
        inputs: "tf.Tensor",
        labels: "tf.Tensor",
        batch: "tf.Tensor",
        seed: "tf.Tensor",
        clip: "tf.Tensor",
        noise: "tf.Tensor",
        rate: "tf.Tensor",
        expected: "tf.Tensor",
    ) -> None:
        """Do one step; `batch` holds positions, -1 for nobody."""
        import tensorflow as tf

        def add_group(sums: "list[tf.Tensor]", some: "tf.Tensor") -> "list[tf.Tensor]":
            known = tf.maximum(some, 0)
            chosen = (tf.gather(inputs, known), tf.gather(labels, known))
            found = self._clipped_sum(*chosen, tf.cast(some >= 0, tf.float32), clip)
            return [before + more for before, more in zip(sums, found, strict=True)]

        variables = self.model.variables_of(self.task)
        nothing = [tf.zeros(variable.shape) for variable in variables]
        sums = tf.foldl(
            add_group, _in_groups(batch, self.microbatch_size), nothing, parallel_iterations=1
        )
        for position, (variable, clipped) in enumerate(zip(variables, sums, strict=True)):
            own_seed = tf.random.experimental.stateless_fold_in(seed, position)
            blur = tf.random.stateless_normal(variable.shape, own_seed)
            variable.value.assign_sub(rate * (clipped + noise * clip * blur) / expected)


def _in_groups(batch: "tf.Tensor", size: int) -> "tf.Tensor":
    """Return the positions in rows of a size, the last one filled up with -1."""
    import tensorflow as tf

    filled = tf.pad(batch, [[0, -batch.shape[0] % size]], constant_values=-1)
    return tf.reshape(filled, (-1, size))


def _check_layers(model: "keras.Model") -> None:
    from keras import layers

    for layer in model._flatten_layers():  # also those inside wrappers and layers of one's own
        if isinstance(layer, layers.BatchNormalization) and layer.trainable:
            raise WorkbookError(
                f"The layer {shown(layer.name)} normalises each example with the others of its "
                "batch, so that one example's gradient is no longer its own: freeze it "
                "(trainable=False), or use a network without BatchNormalization."
            )
