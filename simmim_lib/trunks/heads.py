"""Put a head on a trunk."""

import functools
from typing import TYPE_CHECKING

from simmim_lib.foundation import keras_setup
from simmim_lib.trunks.building import ImageShape, cut_trunk
from simmim_lib.trunks.catalogue import SMALL_CNN, describe

if TYPE_CHECKING:
    import keras


@keras_setup.as_usual()
def add_head(trunk: "keras.Model", classes: int) -> "keras.Model":
    """Return the trunk's layers with a dense head of `classes` logits on top.

    The layers are shared with the trunk, not copied: training the network trains the trunk.

    Args:
        trunk: any one; a plain stack of layers remains one.
        classes: how many logits.
    """
    import keras

    head = keras.layers.Dense(classes, name="head")
    if not isinstance(trunk, keras.Sequential):
        return keras.Model(trunk.inputs[0], head(trunk.outputs[0]))
    return keras.Sequential([keras.Input(trunk.input_shape[1:]), *trunk.layers, head])


@functools.cache
@keras_setup.as_usual()
def classifier(
    classes: int,
    frozen: int = 0,
    trunk: str = SMALL_CNN.name,
    images: ImageShape = (28, 28, 1),
) -> "keras.Model":
    """Return the part of a network that is trained for one task, built once.

    It describes the computation; the weights are passed beside it (`stateless_call`), so many
    experiments use the same model, and what was compiled for it.

    Args:
        classes: how many logits.
        frozen: how many blocks of the trunk are left out, because they are frozen.
        trunk: its name.
        images: the shape of the images.
    """
    import keras

    back = cut_trunk(frozen, trunk, images, describe(trunk).size).back
    head = keras.layers.Dense(classes, name="head")
    return keras.Model(back.inputs[0], head(back.outputs[0]))
