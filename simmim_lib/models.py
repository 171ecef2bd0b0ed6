"""The networks: a trunk of named layers that is copied between tasks, and a head for each task."""

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib.datasets import IMAGE_SIZE
from simmim_lib.errors import check_whole
from simmim_lib.settings import FREEZABLE_LAYERS

if TYPE_CHECKING:
    import keras

    from simmim_lib.simmim import SimMIM as SimMIM
    from simmim_lib.simmim import Task as Task
    from simmim_lib.simmim import load as load

CONVOLUTION_FILTERS = (16, 32, 64)
DENSE_UNITS = 128

Weights = list[np.ndarray]
"""A network's weights in Keras's order; for several seeds at once with a leading axis of seeds."""


def build_trunk(channels: int = 1) -> "keras.Sequential":
    """Return a small convolutional network without a head, its weights fresh.

    Three 3 x 3 convolutions with stride 2 halve the image each time; a dense layer follows. The
    layers with weights are named as in `FREEZABLE_LAYERS`.

    Args:
        channels: 1 for grey images, 3 for colour.

    Returns:
        A model from images (n, 28, 28, channels) to features (n, DENSE_UNITS).
    """
    import keras
    from keras import layers

    *convolutions, dense = FREEZABLE_LAYERS
    return keras.Sequential(
        [
            keras.Input((IMAGE_SIZE, IMAGE_SIZE, channels), name="image"),
            *(
                layers.Conv2D(filters, 3, 2, padding="same", activation="relu", name=name)
                for name, filters in zip(convolutions, CONVOLUTION_FILTERS, strict=True)
            ),
            layers.Flatten(name="flatten"),
            layers.Dense(DENSE_UNITS, activation="relu", name=dense),
        ],
        name="trunk",
    )


def add_head(trunk: "keras.Model", classes: int) -> "keras.Sequential":
    """Return the trunk's layers with a dense head of `classes` logits on top.

    The layers are shared with the trunk, not copied: training the network trains the trunk.
    """
    import keras

    head = keras.layers.Dense(classes, name="head")
    return keras.Sequential([keras.Input(trunk.input_shape[1:]), *trunk.layers, head])


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
            keras.Input((IMAGE_SIZE, IMAGE_SIZE, 1), name="image"),
            layers.Conv2D(32, 3, activation="relu", name="convolution"),
            layers.Flatten(name="flatten"),
            layers.Dense(64, activation="relu", name="dense"),
            layers.Dense(classes, name="head"),
        ],
        name="article",
    )


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
def network(
    classes: int, frozen_layers: int = 0, channels: int = 1
) -> tuple["keras.Model", "keras.Model"]:
    """Return front and back of the workbook's network for a task, built once in a process.

    They describe the computation; the weights are passed beside them (`stateless_call`), so many
    experiments use the same two models, and what was compiled for them.
    """
    return split(add_head(build_trunk(channels), classes), frozen_layers)


@functools.cache
def joint_network(
    tasks: "tuple[Task, ...]",
    shared_heads: bool = False,
    frozen_layers: int = 0,
    channels: int = 1,
) -> "tuple[keras.Model, SimMIM]":
    """Return the frozen front of the workbook's trunk, and a SimMIM model of all behind it.

    Built once in a process and used like `network`, with the weights passed beside it.

    Args:
        tasks: what the heads predict.
        shared_heads: whether tasks with the same label space have one head in common.
        frozen_layers: how many layers with weights the front has, 0 or more; at most all of the
            trunk's.
        channels: 1 for grey images, 3 for colour.
    """
    from simmim_lib.simmim import SimMIM

    front, back = split(build_trunk(channels), frozen_layers)
    return front, SimMIM(back, tasks, shared_heads)


def fresh_weights(model: "keras.Model", seed: int) -> Weights:
    """Return new initial weights of a model: Glorot's for its kernels, zeros for its biases.

    The model itself is left alone, and so is every global random state.

    Source: Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward
        neural networks"; the default of Keras.
    """
    random = np.random.default_rng(seed)
    return [
        _glorot_uniform(tuple(weight.shape), random)
        if weight.name == "kernel"
        else np.zeros(weight.shape, np.float32)
        for weight in model.weights
    ]


def _glorot_uniform(shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    *window, inputs, outputs = shape
    limit = np.sqrt(6 / (np.prod(window, initial=1) * (inputs + outputs)))
    return random.uniform(-limit, limit, shape).astype(np.float32)


def count_parameters(classes: int, frozen_layers: int) -> tuple[int, int]:
    """Return how many numbers of the workbook's network are trained, and how many are frozen."""
    front, back = network(classes, frozen_layers)
    return back.count_params(), front.count_params()


def __getattr__(name: str) -> Any:
    """Import the SimMIM model when it is asked for: its class derives from one of Keras's."""
    if name not in ("SimMIM", "Task", "load"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from simmim_lib import simmim

    return getattr(simmim, name)
