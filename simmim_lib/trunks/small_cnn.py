"""The workbook's own network: three convolutions and a dense layer."""

from typing import TYPE_CHECKING

from simmim_lib.trunks.catalogue import SMALL_CNN

if TYPE_CHECKING:
    import keras

CONVOLUTION_FILTERS = (16, 32, 64)
DENSE_UNITS = 128


def build(size: int, channels: int) -> "keras.Sequential":
    """Return a small convolutional network without a head, its weights fresh.

    Three 3 x 3 convolutions with stride 2 halve the image each time; a dense layer follows. The
    layers with weights are named as in `SMALL_CNN.blocks`.

    Args:
        size: the height and width of the images.
        channels: 1 for grey images, 3 for colour.

    Returns:
        A model from images (n, size, size, channels) in [0, 1] to features (n, DENSE_UNITS).
    """
    import keras
    from keras import layers

    *convolutions, dense = SMALL_CNN.blocks
    return keras.Sequential(
        [
            keras.Input((size, size, channels), name="image"),
            *(
                layers.Conv2D(filters, 3, 2, padding="same", activation="relu", name=name)
                for name, filters in zip(convolutions, CONVOLUTION_FILTERS, strict=True)
            ),
            layers.Flatten(name="flatten"),
            layers.Dense(DENSE_UNITS, activation="relu", name=dense),
        ],
        name="trunk",
    )
