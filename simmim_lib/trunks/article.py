"""The article's network, written anew."""

from typing import TYPE_CHECKING

from simmim_lib.trunks.catalogue import SMALL_CNN

if TYPE_CHECKING:
    import keras


def article_network(classes: int = 10) -> "keras.Sequential":
    """Return the article's network, written anew: one convolution, though its text says two.

    Returns:
        A model from images (n, 28, 28, 1) to logits (n, classes), its weights fresh.

    Source: the article that the workbook follows, section "Project practice".
    """
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((SMALL_CNN.size, SMALL_CNN.size, 1), name="image"),
            layers.Conv2D(32, 3, activation="relu", name="convolution"),
            layers.Flatten(name="flatten"),
            layers.Dense(64, activation="relu", name="dense"),
            layers.Dense(classes, name="head"),
        ],
        name="article",
    )
