"""From the name of a trunk to a network: built once, cut, and fitted to the images it is given."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from simmim_lib.errors import WorkbookError, shown
from simmim_lib.foundation import keras_setup
from simmim_lib.trunks import (
    applications,
    article,
    bert,
    efficientnet,
    files,
    small_cnn,
    vit,
    words,
)
from simmim_lib.trunks.blocks import CutTrunk, cut, ended, nothing
from simmim_lib.trunks.catalogue import (
    ARTICLE,
    EFFICIENTNET_LITE0,
    EFFICIENTNET_LITE0_MIDDLE,
    SMALL_CNN,
    SMALL_VIT,
    WORDS,
    Trunk,
    check_size,
    describe,
)

if TYPE_CHECKING:
    import keras

ImageShape = tuple[int, ...]
"""Height, width and channels; of a text the length, in tokens."""


@keras_setup.as_usual()
def build_trunk(
    name: str = SMALL_CNN.name, channels: int | None = None, size: int | None = None
) -> "keras.Model":
    """Return a network without a head, its weights fresh (a file's: as they are there).

    Args:
        name: as `trunks.describe` takes it.
        channels: 1 for grey images, 3 for colour; by default what the trunk is made for.
        size: the height and width of the images, or the length of texts; by default the usual one.

    Returns:
        A model from images (n, size, size, channels) in [0, 1], or from the numbers of tokens
        (n, size), to features.

    Raises:
        WorkbookError: an unknown trunk, or images that it does not take.
    """
    trunk = describe(name)
    size = check_size(trunk, trunk.size if size is None else size)
    channels = channels or (3 if trunk.colour else 1)
    if trunk.colour and channels != 3:
        raise WorkbookError(f"The trunk {shown(name)} takes colour images: use channels=3.")
    network = _built(trunk, size, channels)
    _keep_statistics(network)
    return network


def _built(trunk: Trunk, size: int, channels: int) -> "keras.Model":
    if trunk.file:
        return ended(files.read(trunk.file), trunk.end_of[trunk.blocks[-1]])
    if trunk.bert:
        return bert.build(trunk.bert, size)
    return BUILDERS[trunk.name](size, channels)


def _for_colour(build: "Callable[[int], keras.Model]") -> "Callable[[int, int], keras.Model]":
    """Return what builds a trunk for colour images or texts, so that channels say nothing."""
    return lambda size, channels: build(size)


BUILDERS: "Mapping[str, Callable[[int, int], keras.Model]]" = {
    SMALL_CNN.name: small_cnn.build,
    ARTICLE.name: article.build,
    SMALL_VIT.name: vit.build,
    EFFICIENTNET_LITE0.name: _for_colour(efficientnet.build),
    EFFICIENTNET_LITE0_MIDDLE.name: _for_colour(efficientnet.build_middle),
    WORDS.name: _for_colour(words.build),
    **{
        name: _for_colour(functools.partial(applications.build, name))
        for name in applications.NAMES
    },
}
"""By the name of a trunk, what builds it for images of a size and a number of channels."""


def _keep_statistics(network: "keras.Model") -> None:
    """Let BatchNormalization always use its statistics: the few images of a batch would spoil them.

    That of networks inside, too.
    """
    from keras import Model, layers

    for layer in network.layers:
        if isinstance(layer, Model):
            _keep_statistics(layer)
        elif isinstance(layer, layers.BatchNormalization):
            layer.trainable = False


def cut_trunk(
    frozen: int, name: str = SMALL_CNN.name, images: ImageShape = (28, 28, 1), size: int = 28
) -> CutTrunk:
    """Return a trunk, cut behind its first `frozen` blocks; built once, unless its file changes.

    Images of another size are scaled, and grey ones repeated where the trunk wants colour, in the
    part that sees them, batch by batch: enlarged, all images of a dataset might not fit in memory.

    Args:
        frozen: how many blocks are in the first part.
        name: as `trunks.describe` takes it.
        images: the shape of the images that are given.
        size: the height and width at which the trunk looks at them.

    Raises:
        WorkbookError: as `build_trunk`; colour images for a trunk that takes grey ones.
    """
    return _cut_trunk(frozen, describe(name), images, size)


@functools.cache
@keras_setup.as_usual()
def _cut_trunk(frozen: int, trunk: Trunk, images: ImageShape, size: int) -> CutTrunk:
    core = build_trunk(trunk.name, 3 if trunk.colour else images[-1], size)
    parts = cut(core, trunk.end_of, frozen)
    if core.input_shape[1:] == images:
        return parts
    fit = adapter(images, core.input_shape[1:])
    if frozen:
        return replace(parts, front=_compose(fit, parts.front))
    return replace(parts, front=nothing(fit.inputs[0]), back=_compose(fit, parts.back))


@keras_setup.as_usual()
def adapter(images: ImageShape, wanted: ImageShape) -> "keras.Model":
    """Return a model that brings images to the size and the channels that a trunk wants.

    Raises:
        WorkbookError: colour images where grey ones are wanted.
    """
    import keras
    from keras import layers

    if images[2] > wanted[2]:
        raise WorkbookError(
            "The images have colours, but the trunk takes grey ones: read a folder with "
            "folder:PATH?grey=yes, or choose a trunk for colour images."
        )
    inputs = keras.Input(images, name="image")
    fitted = inputs
    if images[:2] != wanted[:2]:
        fitted = layers.Resizing(*wanted[:2], interpolation="bilinear", name="resize")(fitted)
    if images[2] < wanted[2]:
        fitted = layers.Concatenate(name="colour")([fitted] * wanted[2])
    return keras.Model(inputs, fitted, name="fit")


def _compose(first: "keras.Model", then: "keras.Model") -> "keras.Model":
    import keras

    inputs = first.inputs[0]
    return keras.Model(inputs, then(first(inputs)), name=then.name)
