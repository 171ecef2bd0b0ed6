"""The readings of the article's formula at work: on one probability and on three classes.

Every reading is one function of `losses`; nothing here knows a loss or a slope of its own, so what
a picture shows is what a network would be trained by.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from simmim_lib import losses
from simmim_lib.errors import check_choice, check_positive, check_whole
from simmim_lib.training.objective import Loss

TURNING_POINT = float(np.exp(-1))
"""1/e, where the slope of -p log p is zero."""


@dataclass(frozen=True)
class Reading:
    """One way to read the formula.

    Attributes:
        title: its name in figures and tables.
        formula: the loss of one example in LaTeX, p being the probability of its label.
        loss: from labels (..., n) and logits (..., n, classes) to the examples' losses, (..., n).
    """

    title: str
    formula: str
    loss: Loss


def _entropy(_: losses.Tensor, logits: losses.Tensor) -> losses.Tensor:
    return losses.prediction_entropy(logits)


READINGS = {
    "written": Reading("(a) as written", r"-p\,\log p", losses.formula_from_logits),
    "cross-entropy": Reading("(b) cross-entropy", r"-\log p", losses.cross_entropy),
    "entropy": Reading("(c) entropy of the prediction", r"-\sum_k p_k\,\log p_k", _entropy),
    "expected-accuracy": Reading(
        "(d) expected accuracy", r"-\bar p\,\log p", losses.expected_accuracy
    ),
}
"""The four readings by name; in (d) the bar marks a factor that is held constant."""

LOSSES = {
    **READINGS,
    "focal": Reading("focal loss", r"-(1-p)^2\,\log p", losses.focal_loss),
}
"""The readings, and focal loss, the mirror image of the first."""


@dataclass(frozen=True, eq=False)
class Curves:
    """All losses as functions of one probability; each dictionary has an entry for each loss.

    Attributes:
        probabilities: of the label, shape (n,); the other classes share the rest evenly.
        values: the losses in nats, shape (n,).
        slopes: the derivatives of the losses with respect to that probability, shape (n,).
        descents: the probability of the label in each step of gradient descent on the logits that
            starts at each of `probabilities`, shape (steps + 1, n).
    """

    probabilities: np.ndarray
    values: dict[str, np.ndarray]
    slopes: dict[str, np.ndarray]
    descents: dict[str, np.ndarray]


@functools.cache
def curves(classes: int = 10, steps: int = 200, learning_rate: float = 1.0) -> Curves:
    """Compute losses, slopes and descents for p = 0.01, 0.02, ..., 0.99.

    Args:
        classes: how many; all but the label's have the same probability.
        steps: of gradient descent.
        learning_rate: the size of a step.
    """
    probabilities = np.arange(1, 100) / 100
    logits = spread_evenly(probabilities, classes)
    labels = np.zeros(len(probabilities), np.int32)
    values, slopes, descents = {}, {}, {}
    for name in LOSSES:
        values[name], gradients = value_and_gradient(name, labels, logits)
        # Along this family the label's logit is log p, and each of the others log((1 - p) / 9).
        others = gradients[:, 1:].sum(axis=1)
        slopes[name] = gradients[:, 0] / probabilities - others / (1 - probabilities)
        descents[name] = descend(name, labels, logits, steps, learning_rate)[..., 0]
    return Curves(probabilities, values, slopes, descents)


def spread_evenly(probabilities: np.ndarray, classes: int) -> np.ndarray:
    """Return logits that give class 0 these probabilities, and all other classes equal shares.

    Args:
        probabilities: above 0 and below 1, shape (n,).
        classes: at least 2.

    Returns:
        Logits, shape (n, classes).
    """
    check_whole("classes", classes, least=2)
    logits = np.repeat(np.log((1 - probabilities) / (classes - 1))[:, None], classes, axis=1)
    logits[:, 0] = np.log(probabilities)
    return logits.astype(np.float32)


@dataclass(frozen=True, eq=False)
class Simplex:
    """A loss over all distributions on three classes.

    Attributes:
        name: of the loss.
        label: the true class, 0 to 2.
        points: distributions on a grid of the triangle, shape (n, 3).
        values: the loss at each, shape (n,).
        moves: where a small step of gradient descent on the logits moves each distribution, shape
            (n, 3): tangent to the triangle, each row sums to 0.
    """

    name: str
    label: int
    points: np.ndarray
    values: np.ndarray
    moves: np.ndarray


@functools.cache
def simplex(name: str, label: int, spacing: int = 40) -> Simplex:
    """Compute a loss and its descent directions on a grid of the triangle.

    Args:
        name: a loss of `LOSSES`.
        label: the true class, 0 to 2.
        spacing: grid steps along a side.
    """
    check_whole("label", label, 0, 2)
    rows = [(i, j, spacing - i - j) for i in range(spacing + 1) for j in range(spacing + 1 - i)]
    # A certain prediction would need infinite logits: the outermost points stand just inside.
    points = (np.array(rows) + 0.02) / (spacing + 0.06)
    values, gradients = value_and_gradient(
        name, np.full(len(points), label, np.int32), np.log(points).astype(np.float32)
    )
    # The chain rule of the softmax: logits that move by -g move p_k by -p_k (g_k - sum_j p_j g_j).
    mean = (points * gradients).sum(axis=1, keepdims=True)
    return Simplex(name, label, points, values, -points * (gradients - mean))


def value_and_gradient(
    name: str, labels: np.ndarray, logits: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the losses of examples, and their gradients with respect to the logits.

    Args:
        name: a loss of `LOSSES`.
        labels: class numbers, shape (n,).
        logits: shape (n, classes).

    Returns:
        Values, shape (n,), and gradients, shape (n, classes).
    """
    import tensorflow as tf

    check_choice("loss", name, LOSSES)
    compute = _value_and_gradient(name, logits.shape[-1])
    values, gradients = compute(tf.constant(labels, tf.int32), tf.constant(logits, tf.float32))
    return values.numpy(), gradients.numpy()


def descend(
    name: str, labels: np.ndarray, logits: np.ndarray, steps: int = 200, learning_rate: float = 1.0
) -> np.ndarray:
    """Descend a loss by plain gradient descent on the logits, every example on its own.

    Args:
        name: a loss of `LOSSES`.
        labels: class numbers, shape (n,).
        logits: where to start, shape (n, classes).
        steps: how many.
        learning_rate: the size of a step.

    Returns:
        The probabilities of all classes before the first step and after each, shape
        (steps + 1, n, classes).
    """
    import tensorflow as tf

    check_choice("loss", name, LOSSES)
    check_whole("steps", steps, least=1)
    check_positive("learning_rate", learning_rate)
    start = (tf.constant(labels, tf.int32), tf.constant(logits, tf.float32))
    options = (tf.constant(steps), tf.constant(learning_rate, tf.float32))
    return _descent(name, logits.shape[-1])(*start, *options).numpy()


@functools.cache
def _value_and_gradient(name: str, classes: int) -> Callable[..., Any]:
    import tensorflow as tf

    def compute(labels: tf.Tensor, logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(logits)
            values = LOSSES[name].loss(labels, logits)
        return values, tape.gradient(values, logits)

    compiled = tf.function(compute, input_signature=_batch(classes), autograph=False)
    return compiled.get_concrete_function()


@functools.cache
def _descent(name: str, classes: int) -> Callable[..., Any]:
    import tensorflow as tf

    gradient = _value_and_gradient(name, classes)

    def compute(
        labels: tf.Tensor, logits: tf.Tensor, steps: tf.Tensor, learning_rate: tf.Tensor
    ) -> tf.Tensor:
        path = tf.TensorArray(tf.float32, steps + 1).write(0, tf.nn.softmax(logits))
        for step in tf.range(1, steps + 1):
            logits -= learning_rate * gradient(labels, logits)[1]
            path = path.write(step, tf.nn.softmax(logits))
        return path.stack()

    options = [tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.float32)]
    signature = [*_batch(classes), *options]
    return tf.function(compute, input_signature=signature).get_concrete_function()


def _batch(classes: int) -> list[Any]:
    import tensorflow as tf

    return [tf.TensorSpec([None], tf.int32), tf.TensorSpec([None, classes], tf.float32)]
