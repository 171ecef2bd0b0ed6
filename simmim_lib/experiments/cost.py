"""Cost: what an experiment takes in parameters, arithmetic and memory."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import simmim_lib
from simmim_lib import datasets
from simmim_lib.experiments.examples import BATCH_SIZE, UNLABELLED_BATCH_SIZE
from simmim_lib.experiments.network import ALL_LAYERS, joint_network
from simmim_lib.settings import Settings

if TYPE_CHECKING:
    import keras

    from simmim_lib.simmim import SimMIM

PASSES = 3
"""Backwards takes twice the arithmetic of forwards: once for the inputs, once for the weights.

Source: Kaplan et al. 2020, "Scaling Laws for Neural Language Models", section 2.1.
"""


@dataclass(frozen=True)
class Cost:
    """What one network takes for all targets of an experiment.

    Attributes:
        trained: parameters that training changes, of one seed.
        frozen: parameters that stay as copied, of one seed.
        flops: floating-point operations of the training, of all seeds, estimated.
    """

    trained: int
    frozen: int
    flops: float

    def __add__(self, other: "Cost") -> "Cost":
        """Return the cost of both."""
        return Cost(
            self.trained + other.trained, self.frozen + other.frozen, self.flops + other.flops
        )


def estimate(settings: Settings) -> Cost:
    """Return what training with these settings takes, from the shapes of the layers alone.

    Counted are multiplications and additions of the layers with weights, for each image of each
    batch; not counted are activations, the optimizer, and what the frozen layers compute once.

    Raises:
        WorkbookError: a dataset that is unknown or not here.
    """
    front, model = _network(settings, _depth(settings))
    flops = sum(
        PASSES * steps * images * _flops_for(_network(settings, depth)[1], target)
        for depth, steps in _stages(settings)
        for target, images in _images_in_a_step(settings)
    )
    return Cost(model.count_params(), front.count_params(), float(settings.seeds * flops))


def forward_flops(model: "keras.Model") -> int:
    """Return the floating-point operations that a model takes for one input.

    A multiplication and an addition for each weight, wherever it is used, and one addition for
    each bias.

    Args:
        model: of convolutions, dense layers, and layers without weights, which count nothing.
    """
    total = 0
    for layer in model.layers:
        if getattr(layer, "layers", None):
            total += forward_flops(layer)
        elif hasattr(layer, "kernel"):
            places = math.prod(layer.output.shape[1:-1])
            total += places * _products(layer.kernel.shape)
    return total


def _products(kernel: tuple[int, ...]) -> int:
    """Return the operations at one place: the kernel's products and sums, and the bias."""
    return 2 * math.prod(kernel) + kernel[-1]


def _flops_for(model: "SimMIM", target: str) -> int:
    """Return what one image of a target takes: the trunk and the target's own head."""
    head = model.weights[model.kernel_position(target)]
    return forward_flops(model.trunk) + _products(tuple(head.shape))


def _depth(settings: Settings) -> int:
    return ALL_LAYERS if settings.adaptation == "probe" else settings.frozen_layers


def _stages(settings: Settings) -> list[tuple[int, int]]:
    """Return how many layers are frozen for how many steps, in turn."""
    if settings.adaptation != "probe-then-fine-tune":
        return [(_depth(settings), settings.steps)]
    half = settings.steps // 2
    return [(ALL_LAYERS, half), (settings.frozen_layers, settings.steps - half)]


def _network(settings: Settings, depth: int) -> "tuple[keras.Model, SimMIM]":
    """Return the network as the experiment builds it: its frozen front, and what is trained."""
    data = {name: datasets.load(name) for name in settings.targets}
    tasks = tuple(simmim_lib.Task(name, each.class_names) for name, each in data.items())
    channels = data[settings.targets[0]].train.images.shape[-1]
    return joint_network(tasks, settings.shared_heads, depth, channels)


def _images_in_a_step(settings: Settings) -> Iterator[tuple[str, int]]:
    """Yield how many images of each target the network sees in a step, every view counted."""
    views = 0
    if settings.information or settings.agreement or settings.augmentation:
        views = 2 if settings.agreement else 1
    for target, labels_per_class in settings.labels_of.items():
        data = datasets.load(target)
        labelled = min(BATCH_SIZE, labels_per_class * len(data.class_names))
        others = len(data.train) - labels_per_class * len(data.class_names)
        yield target, labelled + views * min(UNLABELLED_BATCH_SIZE, others)
