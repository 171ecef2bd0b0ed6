"""What task weights do: shares and their Pareto front, gradients in conflict, weightings raced."""

import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib import experiment, objective, training, weighting
from simmim_lib.errors import WorkbookError, check_positive
from simmim_lib.experiment import Course, Result
from simmim_lib.reference import Difference, difference
from simmim_lib.settings import Settings, check_task_weights

if TYPE_CHECKING:
    import tensorflow as tf

    from simmim_lib.simmim import SimMIM

Shares = tuple[float, ...]
"""Weights of the targets, in order, that sum to 1 (rounded to four digits)."""

FRONT = (1, 2, 5, 10, 15, 20, 30, 40, 50, 60, 70, 80, 85, 90, 95, 98, 99)
"""The first target's share, in percent, along the front of two targets.

0 and 100 are left out: a target of weight zero is not learnt at all, which is no trade."""

PARTS = 6
"""A triangle of shares has this many equal parts along each side."""


def start(**changes: Any) -> Settings:
    """Return settings of two unlike targets that share a dense layer, and train in a moment.

    Args:
        changes: other values of some fields.
    """
    few = {"targets": ("mnist", "fashion"), "labels_per_class": 20, "frozen_layers": 3, "steps": 72}
    return Settings(**{**few, **changes})


def shares(weights: Sequence[float], targets: Sequence[str]) -> Shares:
    """Return weights made to sum to 1.

    Adam takes steps of the same size whatever the loss is multiplied by, so only the weights'
    ratios matter, and only in what the targets share: a head of its own has one loss, and is
    trained alike for every weight above zero.

    Args:
        weights: one for each target, at least 0 and not all 0.
        targets: their names, at least two.

    Raises:
        WorkbookError: one target only, or weights that are not allowed.

    Source: Kingma and Ba 2015, "Adam: A Method for Stochastic Optimization", section 2.1.
    """
    check_several(targets)
    checked = check_task_weights(weights, targets)
    largest = max(checked)  # first, so that the sum of huge weights stays finite
    total = sum(weight / largest for weight in checked)
    return tuple(round(weight / largest / total, 4) for weight in checked)


def read_shares(text: str, targets: Sequence[str]) -> Shares:
    """Return the shares that a ratio stands for, such as "2 : 1" for (0.6667, 0.3333).

    Raises:
        WorkbookError: no ratio of numbers, and as `shares`.
    """
    try:
        weights = [float(part) for part in text.split(":")]
    except ValueError:
        example = " : ".join("21"[: len(targets)].ljust(len(targets), "1"))
        raise WorkbookError(
            f"The weights are {text!r}, but must be numbers with colons between them, one for "
            f"each of {', '.join(targets)}: try {example}."
        ) from None
    return shares(weights, targets)


def check_several(targets: Sequence[str]) -> None:
    """Raise a WorkbookError unless there are two targets or more to weigh against each other."""
    if len(targets) < 2:
        raise WorkbookError(
            f"Task weights weigh targets against each other, but there is only "
            f"{', '.join(targets) or 'none'}: choose at least two, such as 'mnist' and 'fashion'."
        )


def move(percent: Sequence[int], moved: int, to: int) -> list[int]:
    """Return whole percents after one of them was moved: the others keep their proportions.

    Args:
        percent: of all targets, at least two.
        moved: the position of the one that was moved.
        to: its new value, 0 to 100.

    Returns:
        Whole percents that sum to 100.
    """
    others = [value for position, value in enumerate(percent) if position != moved]
    rest = in_percent(others if any(others) else [1] * len(others), 100 - to)
    return [*rest[:moved], to, *rest[moved:]]


def in_percent(weights: Sequence[float], total: int = 100) -> list[int]:
    """Return weights, not all 0, as whole numbers that sum to a total: largest remainders go up."""
    exact = np.asarray(weights, dtype=float) / np.max(weights)
    exact *= total / exact.sum()
    whole = np.floor(exact + 1e-9).astype(int)
    up = np.argsort(whole - exact, kind="stable")[: total - whole.sum()]
    whole[up] += 1
    return [int(value) for value in whole]


def triangle() -> list[tuple[int, ...]]:
    """Return ratios of three weights at the points of a triangle, from its top row by row.

    The first weight is largest at the top, the second at the lower left, the third at the right.
    """
    return [
        (PARTS - row, row - column, column) for row in range(PARTS + 1) for column in range(row + 1)
    ]


def sweep(targets: Sequence[str]) -> list[Shares]:
    """Return the shares that show the whole trade between two targets or among three.

    Raises:
        WorkbookError: another number of targets.
    """
    ratios: dict[int, Sequence[Sequence[float]]] = {
        2: [(percent, 100 - percent) for percent in FRONT],
        3: triangle(),
    }
    if len(targets) not in ratios:
        raise WorkbookError(
            f"The trades of {len(targets)} targets ({', '.join(targets)}) have no picture: choose "
            "two of them, or three."
        )
    return [shares(ratio, targets) for ratio in ratios[len(targets)]]


def on_front(measured: Mapping[Shares, Result]) -> set[Shares]:
    """Return those shares that no other ones dominate in mean validation accuracy.

    Validation images decide, as always where something is chosen: the test comes after.
    """
    points = [
        [accuracy.mean() for accuracy in result.validation.values()] for result in measured.values()
    ]
    return set(itertools.compress(measured, weighting.pareto_front(points)))


GRADIENT_METHODS = tuple(
    name for name, kind in weighting.METHODS.items() if kind.sees == "gradients"
)


@dataclass(frozen=True, eq=False)
class Arrows:
    """Two task gradients in the plane, and what the gradient-based methods make of them.

    Attributes:
        angle: between the gradients, degrees.
        length: of the second gradient; the first has length 1.
        gradients: shape (tasks, 2).
        combined: by method.
    """

    angle: float
    length: float
    gradients: np.ndarray
    combined: dict[str, weighting.Combination]

    def falls(self, direction: np.ndarray) -> np.ndarray:
        """Return how each task's loss changes along a step against a direction, shape (tasks,).

        1 where it falls, -1 where it rises, 0 where it stays, to first order: the sign of the
        inner product of direction and gradient, of which rounding counts as 0.
        """
        norms = np.linalg.norm(self.gradients, axis=1)
        length = np.linalg.norm(direction)
        if length < 1e-9 * norms.min():
            return np.zeros(len(norms), int)
        cosines = self.gradients @ direction / (norms * length)
        return np.sign(np.where(np.abs(cosines) < 1e-6, 0.0, cosines)).astype(int)


def arrows(angle: float, length: float) -> Arrows:
    """Combine two gradients of a given angle by every gradient-based method.

    Args:
        angle: between the gradients, 0 to 180 degrees.
        length: of the second gradient relative to the first, above 0.

    Raises:
        WorkbookError: an angle or a length out of range.
    """
    if not 0 <= angle <= 180:
        raise WorkbookError(
            f"angle is {angle!r}, but two gradients lie 0 to 180 degrees apart: try 120."
        )
    check_positive("length", length)
    # Right angles and half turns are exact, so that "no conflict" is not decided by rounding.
    exact: dict[float, tuple[float, float]] = {0: (1.0, 0.0), 90: (0.0, 1.0), 180: (-1.0, 0.0)}
    turned = exact.get(angle, (np.cos(np.radians(angle)), np.sin(np.radians(angle))))
    gradients = np.array([[1.0, 0.0], np.multiply(length, turned)])
    combined = {name: weighting.combine(name, gradients) for name in GRADIENT_METHODS}
    return Arrows(angle, length, gradients, combined)


def rivals(settings: Settings, methods: Sequence[str]) -> list[Settings]:
    """Return an experiment with the plain sum, and with each of some weightings instead.

    They share seeds, so labelled images, batches and first weights are the same in all.

    Args:
        settings: the experiment; its own weighting is not used.
        methods: names of `weighting.METHODS`, at least one beside "fixed", the plain sum.

    Raises:
        WorkbookError: one target only, an unknown method or none.
    """
    check_several(settings.targets)
    others = [method for method in dict.fromkeys(methods) if method != "fixed"]
    if not others:
        raise WorkbookError(
            "Nothing is chosen to race against the plain sum: choose at least one weighting, such "
            "as 'uncertainty' or 'pcgrad'."
        )
    return [settings.replace(weighting=method) for method in ("fixed", *others)]


def against_plain_sum(courses: Mapping[str, Course]) -> dict[str, dict[str, Difference]]:
    """Compare each weighting's test accuracy with the plain sum's, seed by seed.

    Args:
        courses: finished ones by method, that of "fixed" among them, on the same seeds.

    Returns:
        By method (but "fixed") and by target, and under "mean" for the targets' mean accuracy.
    """
    accuracy = {}
    for method, course in courses.items():
        assert course.result is not None
        by_target = course.result.accuracy
        accuracy[method] = {**by_target, "mean": np.mean(list(by_target.values()), axis=0)}
    plain = accuracy.pop("fixed")
    return {
        method: {target: difference(values, plain[target]) for target, values in own.items()}
        for method, own in accuracy.items()
    }


@dataclass(frozen=True, eq=False)
class Conflict:
    """How the targets' gradients lie to each other in the course of a training.

    Attributes:
        settings: what was trained.
        steps: after how many steps the gradients were looked at, shape (looks,).
        cosines: between each two targets' gradients, shape (looks, seeds, targets, targets).
        norms: of the gradients, shape (looks, seeds, targets).
    """

    settings: Settings
    steps: np.ndarray
    cosines: np.ndarray
    norms: np.ndarray

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """The positions of each two targets."""
        return list(itertools.combinations(range(len(self.settings.targets)), 2))


def conflict_over_time(settings: Settings, progress: training.Progress | None = None) -> Conflict:
    """Train, and look every few steps at each target's gradient in what the targets share.

    A gradient is that of the mean cross-entropy over all labelled images of its target, without
    the target's weight: its direction does not depend on the batch that comes next.

    Args:
        settings: the experiment, with at least two targets and something that they share.
        progress: told after every few steps.

    Raises:
        WorkbookError: one target only, or all shared layers frozen; as `experiment.run`.

    Source: Yu et al. 2020, "Gradient Surgery for Multi-Task Learning", definition 1 (conflicting
        gradients are those with a negative cosine).
    """
    check_several(settings.targets)
    tasks = experiment.choose_tasks(settings)
    network = experiment.transfer(settings, tasks, experiment.initialise(settings))
    if not any(network.model.is_shared):
        raise WorkbookError(
            f"The targets {', '.join(settings.targets)} share no layer that is trained, so their "
            "gradients cannot conflict: freeze fewer layers, at most 3, and fine-tune."
        )
    steps, weights = [0], network.weights

    def tell(done: int, total: int) -> None:
        steps.append(done)
        if progress:
            progress(done, total)

    grams = [_grams(tasks, network, weights)]
    for weights in experiment.maximise_information(settings, tasks, network, tell):
        grams.append(_grams(tasks, network, weights))
    cosines = [[weighting.cosine(gram=gram) for gram in of_seeds] for of_seeds in grams]
    squares = np.diagonal(np.array(grams), axis1=2, axis2=3)
    return Conflict(settings, np.array(steps), np.array(cosines), np.sqrt(squares))


def _grams(
    tasks: Mapping[str, experiment.Target], network: experiment.Network, weights: Any
) -> np.ndarray:
    """Return the inner products of the targets' gradients, shape (seeds, targets, targets)."""
    compute = _gram(network.model)
    grams = []
    for seed in range(len(weights[0])):
        own = [tasks[name].choices[seed].labelled for name in tasks]
        parts = [network.features[name].train for name in tasks]
        images = [part.images[chosen] for part, chosen in zip(parts, own, strict=True)]
        labels = [part.labels[chosen] for part, chosen in zip(parts, own, strict=True)]
        grams.append(compute([weight[seed] for weight in weights], images, labels))
    return np.array(grams)


@functools.lru_cache(maxsize=16)
def _gram(model: "SimMIM") -> Callable[..., np.ndarray]:
    """Return a compiled function from weights, images and labels to the gradients' Gram matrix."""
    import tensorflow as tf

    names = [task.name for task in model.tasks]

    def gradient(
        name: str, weights: "list[tf.Tensor]", images: "tf.Tensor", labels: "tf.Tensor"
    ) -> "tf.Tensor":
        shared = list(itertools.compress(weights, model.is_shared))
        with tf.GradientTape() as tape:
            tape.watch(shared)
            logits, _ = model.stateless_call(weights, [], {name: images}, training=True)
            loss = tf.reduce_mean(objective.cross_entropy(labels, logits[name]))
        nothing = tf.UnconnectedGradients.ZERO
        found = tape.gradient(loss, shared, unconnected_gradients=nothing)
        return tf.concat([tf.reshape(each, [-1]) for each in found], axis=0)

    def gram(
        weights: "list[tf.Tensor]", images: "list[tf.Tensor]", labels: "list[tf.Tensor]"
    ) -> "tf.Tensor":
        own = zip(names, images, labels, strict=True)
        rows = tf.stack([gradient(name, weights, *given) for name, *given in own])
        rows = tf.cast(rows, tf.float64)  # squares of small gradients, and sums that cancel
        return tf.matmul(rows, rows, transpose_b=True)

    shapes = [tf.TensorSpec(weight.shape, tf.float32) for weight in model.weights]
    features = [tf.TensorSpec([None, *model.input_shape[1:]], tf.float32)] * len(names)
    labels = [tf.TensorSpec([None], tf.int32)] * len(names)
    compiled = tf.function(gram, input_signature=[shapes, features, labels], autograph=False)
    return lambda *given: compiled(*_constants(given)).numpy()


def _constants(given: Sequence[Sequence[np.ndarray]]) -> "list[list[tf.Tensor]]":
    import tensorflow as tf

    weights, images, labels = given
    return [
        [tf.constant(each, tf.float32) for each in weights],
        [tf.constant(each, tf.float32) for each in images],
        [tf.constant(each, tf.int32) for each in labels],
    ]
