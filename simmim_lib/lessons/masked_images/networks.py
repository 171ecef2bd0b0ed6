"""The networks of lesson 08, and what is looked at in them."""

import functools

import numpy as np

from simmim_lib import datasets, trunks
from simmim_lib.errors import WorkbookError, check_whole
from simmim_lib.experiments.pretexts import masked
from simmim_lib.experiments.pretexts.self_taught import Recipe, last
from simmim_lib.experiments.pretrained import Pretrained
from simmim_lib.experiments.pretraining import pretrained
from simmim_lib.foundation.progress import progress_bar
from simmim_lib.lessons.masked_images.pretrainings import TARGET, TRUNK
from simmim_lib.trunks import attention, vit


def shipped(pretext: str = "masked") -> Pretrained:
    """Return the network that comes with the workbook."""
    return pretrained(TARGET, TRUNK, pretext)


def pretrain_live(steps: int) -> Pretrained:
    """Train a small vision transformer to fill in clothes, now, with a bar."""
    how = Recipe(steps)
    with progress_bar("Pre-training, masked") as progress:
        return last(masked.follow(TARGET, TRUNK, how), steps, progress)


def test_images(count: int) -> np.ndarray:
    """Return the first test images of each class in turn, (count, 28, 28, 1).

    Raises:
        WorkbookError: none, or more than a hundred.
    """
    check_whole("count", count, 1, 100)
    test = datasets.load(TARGET).test
    first = [np.flatnonzero(test.labels == label) for label in range(10)]
    return np.stack([test.images[first[number % 10][number // 10]] for number in range(count)])


@functools.cache
def _attention_model(channels: int):  # type: ignore[no-untyped-def]
    import keras

    network = trunks.build_trunk(TRUNK, channels)
    layers = [attention.layer_name(f"block_{n}") for n in range(1, vit.SMALL.depth + 1)]
    return keras.Model(network.inputs, [network.get_layer(name).output for name in layers]), network


def attention_of(source: Pretrained, image: np.ndarray, patch: tuple[int, int]) -> np.ndarray:
    """Return what a patch takes from each patch, (blocks, heads, grid, grid).

    Args:
        source: a small vision transformer.
        image: (28, 28, channels).
        patch: row and column of the patch that looks.

    Raises:
        WorkbookError: an image of another size, or a patch outside it.
    """
    size = trunks.describe(TRUNK).size
    grid = size // vit.SMALL.patch
    if np.shape(image)[:2] != (size, size) or np.ndim(image) != 3:
        raise WorkbookError(
            f"The image has the shape {np.shape(image)}: give one of ({size}, {size}, channels)."
        )
    for name, place in zip(("row", "column"), patch, strict=True):
        check_whole(f"The patch's {name}", place, 0, grid - 1)
    model, network = _attention_model(image.shape[-1])
    parts = trunks.variables_of(network, trunks.describe(TRUNK).end_of)
    variables = [each for block in parts.values() for each in block]
    known = {id(v): value for v, value in zip(variables, source.trunk_weights, strict=True)}
    weights = [known[id(variable)] for variable in model.weights]
    found, _ = model.stateless_call(weights, [], [image[None]])
    row = patch[0] * grid + patch[1]
    return np.stack([np.asarray(of)[0, :, row].reshape(-1, grid, grid) for of in found])
