"""Cost: what an experiment takes in parameters, arithmetic and memory."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simmim_lib import datasets
from simmim_lib.errors import check_at_least_zero, check_number, check_positive
from simmim_lib.experiments.examples import UNLABELLED_BATCH_SIZE
from simmim_lib.experiments.network import architecture
from simmim_lib.settings import Settings

if TYPE_CHECKING:
    import keras

    from simmim_lib.simmim import SimMIM

PASSES = 3
"""Backwards takes twice the arithmetic of forwards: once for the inputs, once for the weights.

Source: Kaplan et al. 2020, "Scaling Laws for Neural Language Models", section 2.1.
"""


BYTES = 4
COPIES = 4
"""Of a trained parameter: itself, its gradient, and Adam's two averages."""

WATTS = 65.0
"""What a processor of a desktop computer is built for, at full load."""

OVERHEAD = 1.5
"""Energy of a computing centre over that of its computers: cooling and losses.

Source: Uptime Institute, Global Data Center Survey; an average, which great centres stay far below.
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

    @property
    def bytes(self) -> int:
        """Memory that one seed's parameters take while Adam trains them.

        Each number has four bytes; beside a trained one stand its gradient and two averages.
        """
        return BYTES * (self.frozen + COPIES * self.trained)

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
    layers = architecture(settings)
    flops = sum(
        PASSES
        * stage.steps
        * images
        * _flops_for(architecture(settings, stage.frozen).model, target)
        for stage in settings.stages
        for target, images in _images_per_step(settings)
    )
    return Cost(layers.trained, layers.frozen, float(settings.seeds * flops))


def feature_flops(settings: Settings) -> float:
    """Return what the frozen blocks take, once, for the images that one seed learns from.

    Those are the labelled images, and those without labels where they teach. What testing takes is
    not counted: every way to learn is tested on the same images.

    Raises:
        WorkbookError: a dataset that is unknown or not here.
    """
    images = sum(
        len(chosen.labelled) + (len(chosen.unlabelled) if settings.unlabelled_views else 0)
        for _, chosen in _choices(settings)
    )
    return float(images * forward_flops(architecture(settings).front))


def watt_hours(seconds: float, watts: float = WATTS, overhead: float = OVERHEAD) -> float:
    """Return the energy that a computation takes: power times time times overhead.

    It is an estimate: nothing here measures power, and a computer that is not busy takes less than
    it is built for. Tools that watch a virtual machine multiply in the same way.

    Args:
        seconds: of computing.
        watts: of the processor at full load.
        overhead: energy of the whole centre over that of the computer, 1 for a computer at home.

    Raises:
        WorkbookError: less than nothing, or an overhead below 1.

    Source: Strubell, Ganesh and McCallum 2019, "Energy and Policy Considerations for Deep Learning
        in NLP", section 2.
    """
    check_at_least_zero("seconds", seconds)
    check_positive("watts", watts)
    check_number("overhead", overhead, lambda number: number >= 1, "of at least 1, like 1.5")
    return seconds / 3600 * watts * overhead


def forward_flops(model: "keras.Model") -> int:
    """Return the floating-point operations that a model takes for one input.

    A multiplication and an addition for each weight, wherever it is used, and one addition for
    each bias. Attention also multiplies what its weights have made.

    Args:
        model: of convolutions, dense layers, Keras's attention, products of matrices, and layers
            without weights or that only scale, which count nothing.
    """
    import keras

    total = 0
    for step in getattr(model, "operations", model.layers):
        if getattr(step, "layers", None):
            total += forward_flops(step)
        elif isinstance(step, keras.layers.MultiHeadAttention):
            total += _attention_flops(step)
        elif hasattr(step, "kernel"):
            total += layer_flops(step)
        elif type(step).__name__ == "Matmul":
            total += _product_flops(step)
    return total


def layer_flops(layer: "keras.layers.Layer") -> int:
    """Return the floating-point operations that a layer with a kernel takes for one input."""
    return math.prod(layer.output.shape[1:-1]) * _products(layer.kernel.shape)


def _product_flops(product: "keras.Operation") -> int:
    """Return the operations of a product of two matrices that the model has computed."""
    left, _ = product.input
    return 2 * math.prod(product.output.shape[1:]) * left.shape[-1]


def _attention_flops(layer: "keras.layers.MultiHeadAttention") -> int:
    """Return the operations of a layer in which a sequence attends to itself, for one input.

    At each place there are its four products with weights, and for each pair of places the product
    of query and key, and that of the share with the value.
    """
    (places,) = layer.output.shape[1:-1]
    weights = [weight.shape for weight in layer.weights]
    kernels = sum(2 * math.prod(shape) for shape in weights if len(shape) == 3)
    biases = sum(math.prod(shape) for shape in weights if len(shape) < 3)
    pairs = 2 * layer.num_heads * (layer.key_dim + layer.value_dim)
    return places * (kernels + biases + places * pairs)


def _products(kernel: tuple[int, ...]) -> int:
    """Return the operations at one place: the kernel's products and sums, and the bias."""
    return 2 * math.prod(kernel) + kernel[-1]


def _flops_for(model: "SimMIM", target: str) -> int:
    """Return what one image of a target takes: the trunk and the target's own head."""
    head = model.weights[model.kernel_position(target)]
    return forward_flops(model.trunk) + _products(tuple(head.shape))


def _images_per_step(settings: Settings) -> Iterator[tuple[str, int]]:
    """Yield how many images of each target the network sees in a step, every view counted."""
    views = settings.unlabelled_views
    for target, chosen in _choices(settings):
        labelled = min(settings.batch_size, len(chosen.labelled))
        yield target, labelled + views * min(UNLABELLED_BATCH_SIZE, len(chosen.unlabelled))


def _choices(settings: Settings) -> Iterator[tuple[str, datasets.Choice]]:
    """Yield which images of each target the first seed learns from."""
    for target, labels_per_class in settings.labels_of.items():
        data = datasets.load(target, settings.image_size)
        yield target, datasets.choose(data, labels_per_class, seed=0)
