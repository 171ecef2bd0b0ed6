"""Put a head on a trunk."""

import functools
from typing import TYPE_CHECKING

from simmim_lib.trunks import small_cnn

if TYPE_CHECKING:
    import keras


def add_head(trunk: "keras.Model", classes: int) -> "keras.Sequential":
    """Return the trunk's layers with a dense head of `classes` logits on top.

    The layers are shared with the trunk, not copied: training the network trains the trunk.

    Args:
        trunk: a plain stack of layers.
        classes: how many logits.
    """
    import keras

    head = keras.layers.Dense(classes, name="head")
    return keras.Sequential([keras.Input(trunk.input_shape[1:]), *trunk.layers, head])


@functools.cache
def classifier(classes: int, frozen: int = 0, channels: int = 1) -> "keras.Model":
    """Return the part of the workbook's network that is trained for one task, built once.

    It describes the computation; the weights are passed beside it (`stateless_call`), so many
    experiments use the same model, and what was compiled for it.

    Args:
        classes: how many logits.
        frozen: how many blocks of the trunk are left out, because they are frozen.
        channels: 1 for grey images, 3 for colour.
    """
    import keras

    back = small_cnn.cut_trunk(frozen, channels).back
    head = keras.layers.Dense(classes, name="head")
    return keras.Model(back.inputs[0], head(back.outputs[0]))
