"""The article's network, written anew."""

from typing import TYPE_CHECKING

from simmim_lib.foundation import keras_setup
from simmim_lib.trunks.catalogue import ARTICLE

if TYPE_CHECKING:
    import keras


@keras_setup.as_usual()
def build(size: int, channels: int) -> "keras.Sequential":
    """Return the article's network without its head: one convolution, though its text says two.

    Args:
        size: the height and width of the images.
        channels: 1 for grey images, 3 for colour.

    Returns:
        A model from images (n, size, size, channels) in [0, 1] to features (n, 64), its weights
        fresh.

    Source: the article that the workbook follows, section "Project practice".
    """
    import keras
    from keras import layers

    convolution, dense = ARTICLE.blocks
    return keras.Sequential(
        [
            keras.Input((size, size, channels), name="image"),
            layers.Conv2D(32, 3, activation="relu", name=convolution),
            layers.Flatten(name="flatten"),
            layers.Dense(64, activation="relu", name=dense),
        ],
        name="article",
    )


@keras_setup.as_usual()
def article_network(classes: int = 10) -> "keras.Sequential":
    """Return the article's whole network, from images (n, 28, 28, 1) to logits (n, classes)."""
    import keras

    trunk = build(ARTICLE.size, 1)
    head = keras.layers.Dense(classes, name="head")
    return keras.Sequential([keras.Input(trunk.input_shape[1:]), *trunk.layers, head])
