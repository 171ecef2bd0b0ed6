"""The workbook's own network: three convolutions and a dense layer."""

import functools
from typing import TYPE_CHECKING

from simmim_lib.trunks.blocks import CutTrunk, cut
from simmim_lib.trunks.catalogue import SMALL_CNN

if TYPE_CHECKING:
    import keras

CONVOLUTION_FILTERS = (16, 32, 64)
DENSE_UNITS = 128


def build_trunk(channels: int = 1) -> "keras.Sequential":
    """Return a small convolutional network without a head, its weights fresh.

    Three 3 x 3 convolutions with stride 2 halve the image each time; a dense layer follows. The
    layers with weights are named as in `SMALL_CNN.blocks`.

    Args:
        channels: 1 for grey images, 3 for colour.

    Returns:
        A model from images (n, 28, 28, channels) to features (n, DENSE_UNITS).
    """
    import keras
    from keras import layers

    *convolutions, dense = SMALL_CNN.blocks
    return keras.Sequential(
        [
            keras.Input((SMALL_CNN.size, SMALL_CNN.size, channels), name="image"),
            *(
                layers.Conv2D(filters, 3, 2, padding="same", activation="relu", name=name)
                for name, filters in zip(convolutions, CONVOLUTION_FILTERS, strict=True)
            ),
            layers.Flatten(name="flatten"),
            layers.Dense(DENSE_UNITS, activation="relu", name=dense),
        ],
        name="trunk",
    )


@functools.cache
def cut_trunk(frozen: int, channels: int = 1) -> CutTrunk:
    """Return the trunk, cut behind its first `frozen` blocks; built once in a process."""
    return cut(build_trunk(channels), SMALL_CNN.blocks, frozen)
