"""How the gradients of several tasks lie to each other, and what weightings make of them."""

import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib import experiments, weighting
from simmim_lib.errors import WorkbookError, check_positive, shown
from simmim_lib.experiments.network import Network
from simmim_lib.foundation.progress import Progress
from simmim_lib.lessons.task_weights.shares import check_several_targets
from simmim_lib.settings import Settings
from simmim_lib.training import objective

if TYPE_CHECKING:
    import tensorflow as tf

    from simmim_lib.simmim import SimMIM

IN_THE_PLANE = ("mgda", "pcgrad", "cagrad", "imtl-g", "nash-mtl", "aligned-mtl")
"""The methods whose steps are drawn. Two of the later ones are seen in these: UPGrad's step is half
of PCGrad's, and ConFIG's points where IMTL-G's does."""

FIRST_ANGLE, FIRST_LENGTH = 120, 10**0.5
"""The lesson's example of two gradients: degrees between them, and the second one's length."""


@dataclass(frozen=True, eq=False)
class TwoGradients:
    """Two task gradients in the plane, and what gradient-based methods make of them.

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
        """Return how each task's loss changes, see the function `falls`."""
        return falls(self.gradients, direction)


def falls(gradients: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Return how each task's loss changes along a step against a direction, shape (tasks,).

    1 where it falls, -1 where it rises, 0 where it stays, to first order: the sign of the inner
    product of direction and gradient, of which rounding counts as 0.

    Args:
        gradients: one row for each task, shape (tasks, parameters), none zero.
        direction: shape (parameters,).
    """
    norms = np.linalg.norm(gradients, axis=1)
    length = np.linalg.norm(direction)
    if length < 1e-9 * norms.min():
        return np.zeros(len(norms), int)
    cosines = gradients @ direction / (norms * length)
    return np.sign(np.where(np.abs(cosines) < 1e-6, 0.0, cosines)).astype(int)


def two_gradients(angle: float, length: float) -> TwoGradients:
    """Combine two gradients of a given angle by the methods `IN_THE_PLANE`.

    Args:
        angle: between the gradients, 0 to 180 degrees.
        length: of the second gradient relative to the first, above 0.

    Raises:
        WorkbookError: an angle or a length out of range.
    """
    if not 0 <= angle <= 180:
        raise WorkbookError(
            f"angle is {shown(angle)}, but two gradients lie 0 to 180 degrees apart: try 120."
        )
    check_positive("length", length)
    # Right angles and half turns are exact, so that "no conflict" is not decided by rounding.
    exact: dict[float, tuple[float, float]] = {0: (1.0, 0.0), 90: (0.0, 1.0), 180: (-1.0, 0.0)}
    turned = exact.get(angle, (np.cos(np.radians(angle)), np.sin(np.radians(angle))))
    gradients = np.array([[1.0, 0.0], np.multiply(length, turned)])
    combined = {name: weighting.combine(name, gradients) for name in IN_THE_PLANE}
    return TwoGradients(angle, length, gradients, combined)


@dataclass(frozen=True, eq=False)
class Conflict:
    """How the targets' gradients lie to each other in the course of a training.

    Attributes:
        settings: what was trained.
        steps: after how many steps the gradients were looked at, shape (looks,).
        cosines: between every two targets' gradients, shape (looks, seeds, targets, targets).
        norms: of the gradients, shape (looks, seeds, targets).
    """

    settings: Settings
    steps: np.ndarray
    cosines: np.ndarray
    norms: np.ndarray

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """The positions of every two targets."""
        return list(itertools.combinations(range(len(self.settings.targets)), 2))


def conflict_over_time(settings: Settings, progress: Progress | None = None) -> Conflict:
    """Train, and look every few steps at each target's gradient in what the targets share.

    A gradient is that of the mean cross-entropy over all labelled images of its target, without
    the target's weight: its direction does not depend on the batch that comes next.

    Args:
        settings: the experiment, with at least two targets and something that they share.
        progress: told after every few steps.

    Raises:
        WorkbookError: one target only, or all shared layers frozen, or a trunk with a state; as
            `experiments.run`.

    Source: Yu et al. 2020, "Gradient Surgery for Multi-Task Learning", definition 1 (conflicting
        gradients are those with a negative cosine).
    """
    check_several_targets(settings.targets)
    tasks = experiments.choose_tasks(settings)
    network = experiments.transfer(settings, tasks, experiments.initialise(settings))
    if not any(network.model.is_shared):
        raise WorkbookError(
            f"The targets {', '.join(settings.targets)} share no layer that is trained, so their "
            "gradients cannot conflict: freeze fewer layers, at most 3, and fine-tune."
        )
    if network.model.non_trainable_variables:
        raise WorkbookError(
            f"The trunk {settings.trunk} keeps a state beside its weights, and gradients of such "
            "networks are not looked at here: use the small network."
        )
    steps, weights = [0], network.weights

    def tell(done: int, total: int) -> None:
        steps.append(done)
        if progress:
            progress(done, total)

    grams = [_grams(tasks, network, weights)]
    for weights in experiments.maximise_information(settings, tasks, network, tell):
        grams.append(_grams(tasks, network, weights))
    cosines = [[weighting.cosine(gram=gram) for gram in of_seeds] for of_seeds in grams]
    squares = np.diagonal(np.array(grams), axis1=2, axis2=3)
    return Conflict(settings, np.array(steps), np.array(cosines), np.sqrt(squares))


def _grams(tasks: Mapping[str, experiments.Target], network: Network, weights: Any) -> np.ndarray:
    """Return the inner products of the targets' gradients, shape (seeds, targets, targets)."""
    compute = _compiled_gram(network.model)
    grams = []
    for seed in range(len(weights[0])):
        images, labels = [], []
        for name, task in tasks.items():
            part = network.features[name].train
            labelled = task.choices[seed].labelled
            images.append(part.images[labelled])
            labels.append(part.labels[labelled])
        grams.append(compute([weight[seed] for weight in weights], images, labels))
    return np.array(grams)


@functools.lru_cache(maxsize=16)
def _compiled_gram(model: "SimMIM") -> Callable[..., np.ndarray]:
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
        zero = tf.UnconnectedGradients.ZERO
        gradients = tape.gradient(loss, shared, unconnected_gradients=zero)
        return tf.concat([tf.reshape(part, [-1]) for part in gradients], axis=0)

    def gram(
        weights: "list[tf.Tensor]", images: "list[tf.Tensor]", labels: "list[tf.Tensor]"
    ) -> "tf.Tensor":
        examples = zip(names, images, labels, strict=True)
        rows = tf.stack([gradient(name, weights, *batch) for name, *batch in examples])
        rows = tf.cast(rows, tf.float64)  # squares of small gradients, and sums that cancel
        return tf.matmul(rows, rows, transpose_b=True)

    shapes = [tf.TensorSpec(weight.shape, tf.float32) for weight in model.weights]
    features = [tf.TensorSpec([None, *model.input_shape[1:]], tf.float32)] * len(names)
    labels = [tf.TensorSpec([None], tf.int32)] * len(names)
    compiled = tf.function(gram, input_signature=[shapes, features, labels], autograph=False)

    def compute(
        weights: Sequence[np.ndarray], images: Sequence[np.ndarray], labels: Sequence[np.ndarray]
    ) -> np.ndarray:
        constants = _tensors(weights), _tensors(images), _tensors(labels, "int32")
        return compiled(*constants).numpy()

    return compute


def _tensors(arrays: Sequence[np.ndarray], dtype: Any = "float32") -> "list[tf.Tensor]":
    import tensorflow as tf

    return [tf.constant(array, dtype) for array in arrays]
