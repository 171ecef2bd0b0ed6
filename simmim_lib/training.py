"""Compiled training loops: several seeds side by side, on features that are computed once."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from simmim_lib import losses
from simmim_lib.models import Weights

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

Progress = Callable[[int, int], object]
"""Called with the steps done and the steps in all; what it raises ends the training."""

Loss = Callable[[losses.Tensor, losses.Tensor], losses.Tensor]
"""From labels (seeds, n) and logits (seeds, n, classes) to a loss for each example, (seeds, n)."""

STEPS_A_CALL = 20
"""Steps between two looks at the clock, the cancel button and the interrupt key."""

IMAGES_A_CALL = 1000


def draw_batches(examples: int, batch_size: int, steps: int, seed: int) -> np.ndarray:
    """Return which examples each training step sees, shape (steps, batch size).

    Every example is seen once before any is seen again; what is left over at the end of a pass
    and would not fill a batch is left out of that pass.

    Args:
        examples: how many there are.
        batch_size: examples in a batch; at most `examples` are taken.
        steps: how many batches.
        seed: chooses the order.
    """
    random = np.random.default_rng(seed)
    batch_size = min(batch_size, examples)
    a_pass = examples // batch_size
    passes = [
        random.permutation(examples)[: a_pass * batch_size].reshape(a_pass, batch_size)
        for _ in range(-(-steps // a_pass))
    ]
    return np.concatenate(passes)[:steps].astype(np.int32)


def cross_entropy(labels: losses.Tensor, logits: losses.Tensor) -> losses.Tensor:
    """`losses.cross_entropy` without its checks, and rounded as Keras's own loss rounds it.

    Adam blows up the last digit of a gradient near zero; this way the loop makes the same steps
    as a plain one in Keras.
    """
    import tensorflow as tf

    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)


def train(
    model: "keras.Model",
    weights: Weights,
    features: np.ndarray,
    labels: np.ndarray,
    batches: np.ndarray,
    optimizer: str = "adam",
    learning_rate: float = 1e-3,
    progress: Progress | None = None,
    loss: Loss = cross_entropy,
    watch: Callable[[Weights], object] | None = None,
) -> Weights:
    """Train copies of a model side by side, one for each seed.

    The loop is compiled once for each model, number of seeds, optimizer and loss, and used again by
    later calls, whatever the number of examples, steps and images in a batch.

    Args:
        model: gives the computation; its own weights are neither used nor changed.
        weights: initial weights, each (seeds, ...).
        features: (seeds, n, ...), the inputs of the model.
        labels: (seeds, n), whole numbers below the number of logits.
        batches: (seeds, steps, batch size), positions among the n examples.
        optimizer: a name from `settings.OPTIMIZERS`.
        learning_rate: size of a step.
        progress: told after every few steps.
        loss: what is minimised, on average over a batch; the same function object each time, or
            the loop is compiled anew.
        watch: given the weights as they are after every few steps.

    Returns:
        The trained weights, each (seeds, ...).
    """
    import tensorflow as tf

    loop = _loop(model, len(features), optimizer, loss)
    loop.reset(weights, learning_rate)
    inputs, targets = tf.constant(features), tf.constant(labels, tf.int32)
    steps = batches.shape[1]
    for start in range(0, steps, STEPS_A_CALL):
        loop.run(inputs, targets, tf.constant(batches[:, start : start + STEPS_A_CALL]))
        if watch:
            watch([variable.numpy() for variable in loop.variables])
        if progress:
            progress(min(start + STEPS_A_CALL, steps), steps)
    return [variable.numpy() for variable in loop.variables]


def predict(model: "keras.Model", weights: Weights, features: np.ndarray) -> np.ndarray:
    """Return the outputs of each seed's copy of a model for the same inputs.

    Args:
        model: gives the computation.
        weights: each (seeds, ...).
        features: (n, ...), the same for every seed.

    Returns:
        The outputs, (seeds, n, ...).
    """
    import tensorflow as tf

    compute = _prediction(model, len(weights[0]) if weights else 1)
    values = [tf.constant(weight) for weight in weights]
    pieces = [
        compute(values, tf.constant(features[start : start + IMAGES_A_CALL])).numpy()
        for start in range(0, len(features), IMAGES_A_CALL)
    ]
    return np.concatenate(pieces, axis=1)


@contextlib.contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
    """Show a bar with the time left, in a notebook or a terminal, if it takes over a second.

    The bar goes away at the end, so that a saved notebook does not depend on it.
    """
    from tqdm.auto import tqdm

    with tqdm(desc=title, unit="step", delay=1, leave=False) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield show


def in_parts(progress: Progress, parts: int) -> Callable[[], Progress]:
    """Share one progress among several pieces of work of equal length, one after the other.

    Returns:
        A function that gives each piece its own progress.
    """
    positions = iter(range(parts))

    def next_part() -> Progress:
        position = next(positions)
        return lambda done, total: progress(position * total + done, parts * total)

    return next_part


def make_optimizer(name: str) -> "keras.optimizers.Optimizer":
    """Return the Keras optimizer that a name in `settings.OPTIMIZERS` stands for."""
    from keras import optimizers

    classes = {
        "sgd": optimizers.SGD,
        "momentum": functools.partial(optimizers.SGD, momentum=0.9),
        "adam": optimizers.Adam,
        "rmsprop": optimizers.RMSprop,
    }
    return classes[name](learning_rate=1e-3)


class _Loop:
    """Variables, optimizer and compiled steps for copies of one model."""

    def __init__(self, model: "keras.Model", seeds: int, optimizer: str, loss: Loss) -> None:
        import keras
        import tensorflow as tf

        self.model, self.seeds, self.loss = model, seeds, loss
        self.variables = [
            keras.Variable(np.zeros((seeds, *weight.shape), np.float32)) for weight in model.weights
        ]
        self.optimizer = make_optimizer(optimizer)
        self.optimizer.build(self.variables)
        # The rules of these optimizers work number by number, so one call serves all seeds. Only
        # this part is fused by XLA: that halves its time, while convolutions would be slower.
        self._apply = tf.function(
            lambda gradients: self.optimizer.apply(gradients, self.variables), jit_compile=True
        )
        # A concrete function is traced here, once, and never again.
        self.run = tf.function(
            self._steps, input_signature=self._signature()
        ).get_concrete_function()

    def reset(self, weights: Weights, learning_rate: float) -> None:
        """Begin anew from given weights, with an optimizer that remembers nothing."""
        for variable in self.optimizer.variables:
            variable.assign(np.zeros(variable.shape, variable.dtype))
        self.optimizer.learning_rate.assign(learning_rate)
        for variable, value in zip(self.variables, weights, strict=True):
            variable.assign(value)

    def _signature(self) -> "list[tf.TensorSpec]":
        import tensorflow as tf

        shape = self.model.input_shape[1:]
        return [
            tf.TensorSpec([self.seeds, None, *shape], tf.float32),
            tf.TensorSpec([self.seeds, None], tf.int32),
            tf.TensorSpec([self.seeds, None, None], tf.int32),
        ]

    def _steps(self, features: "tf.Tensor", labels: "tf.Tensor", batches: "tf.Tensor") -> None:
        import tensorflow as tf

        for step in tf.range(tf.shape(batches)[1]):
            chosen = batches[:, step]
            inputs = tf.gather(features, chosen, batch_dims=1)
            targets = tf.gather(labels, chosen, batch_dims=1)
            values = [variable.value for variable in self.variables]
            with tf.GradientTape() as tape:
                tape.watch(values)
                logits = _side_by_side(self.model, values, tf.unstack(inputs), training=True)
                # A sum over seeds keeps each seed's gradient what it would be alone.
                loss = tf.reduce_sum(tf.reduce_mean(self.loss(targets, logits), axis=1))
            self._apply(tape.gradient(loss, values))


def _side_by_side(
    model: "keras.Model", weights: "list[tf.Tensor]", inputs: "list[tf.Tensor]", training: bool
) -> "tf.Tensor":
    """Return (seeds, n, ...): the model's outputs for each seed's weights and inputs."""
    import tensorflow as tf

    by_seed = list(zip(*(tf.unstack(weight) for weight in weights), strict=True))
    if not by_seed:
        by_seed = [()] * len(inputs)
    return tf.stack(
        [
            model.stateless_call(list(own), [], features, training=training)[0]
            for own, features in zip(by_seed, inputs, strict=True)
        ]
    )


# Small enough to hold every depth of every panel, and bounded for a session that lasts all day.
@functools.lru_cache(maxsize=64)
def _loop(model: "keras.Model", seeds: int, optimizer: str, loss: Loss) -> _Loop:
    return _Loop(model, seeds, optimizer, loss)


@functools.lru_cache(maxsize=64)
def _prediction(model: "keras.Model", seeds: int) -> "Callable[..., tf.Tensor]":
    import tensorflow as tf

    def compute(weights: "list[tf.Tensor]", features: "tf.Tensor") -> "tf.Tensor":
        return _side_by_side(model, weights, [features] * seeds, training=False)

    shapes = [tf.TensorSpec([seeds, *weight.shape], tf.float32) for weight in model.weights]
    inputs = tf.TensorSpec([None, *model.input_shape[1:]], tf.float32)
    return tf.function(compute, input_signature=[shapes, inputs]).get_concrete_function()
