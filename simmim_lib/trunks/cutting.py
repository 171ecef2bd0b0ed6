"""Cut a network between its blocks, and put a head on a trunk."""

import functools
from typing import TYPE_CHECKING

from simmim_lib.errors import check_whole
from simmim_lib.trunks.small_cnn import build_trunk

if TYPE_CHECKING:
    import keras


def add_head(trunk: "keras.Model", classes: int) -> "keras.Sequential":
    """Return the trunk's layers with a dense head of `classes` logits on top.

    The layers are shared with the trunk, not copied: training the network trains the trunk.
    """
    import keras

    head = keras.layers.Dense(classes, name="head")
    return keras.Sequential([keras.Input(trunk.input_shape[1:]), *trunk.layers, head])


def split(network: "keras.Model", frozen_layers: int) -> tuple["keras.Model", "keras.Model"]:
    """Cut a network behind its first `frozen_layers` layers that have weights.

    Layers without weights go with the layer before them. The two parts share the network's
    layers, so that `back(front(images))` equals `network(images)`.

    Args:
        network: a plain stack of layers.
        frozen_layers: how many layers with weights the first part has, 0 or more.

    Returns:
        The front, which frozen layers make a fixed map from images to features, and the back,
        which is trained.

    Raises:
        WorkbookError: `frozen_layers` is out of range.
    """
    with_weights = [i for i, layer in enumerate(network.layers) if layer.weights]
    check_whole("frozen_layers", frozen_layers, 0, len(with_weights))
    cuts = [0, *with_weights[1:], len(network.layers)]
    cut = cuts[frozen_layers]
    front = _stack(network.layers[:cut], network.input_shape[1:])
    back = _stack(network.layers[cut:], front.output_shape[1:])
    return front, back


def _stack(layers: "list[keras.Layer]", input_shape: tuple[int, ...]) -> "keras.Model":
    import keras

    inputs = outputs = keras.Input(input_shape)
    # Before version 3.15, Keras refuses a model that has no layer at all.
    for layer in layers or [keras.layers.Identity()]:
        outputs = layer(outputs)
    return keras.Model(inputs, outputs)


@functools.cache
def classifier(
    classes: int, frozen_layers: int = 0, channels: int = 1
) -> tuple["keras.Model", "keras.Model"]:
    """Return front and back of the workbook's network for a task, built once in a process.

    They describe the computation; the weights are passed beside them (`stateless_call`), so many
    experiments use the same two models, and what was compiled for them.
    """
    return split(add_head(build_trunk(channels), classes), frozen_layers)


def count_parameters(classes: int, frozen_layers: int) -> tuple[int, int]:
    """Return how many numbers of the workbook's network are trained, and how many are frozen."""
    front, back = classifier(classes, frozen_layers)
    return back.count_params(), front.count_params()
