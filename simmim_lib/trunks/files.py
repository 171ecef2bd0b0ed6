"""Networks of the user's own, from files that Keras has saved."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simmim_lib.errors import WorkbookError, shown
from simmim_lib.foundation import keras_files

if TYPE_CHECKING:
    import keras

KEPT_DESCRIPTION = "simmim.json"
"""The member of a file by which a model that was kept is known."""

USUAL_SIZE = 96
"""Height and width, in pixels, for a network that takes images of any size."""

MAX_SIZE = 4096
"""The largest height and width, in pixels: one image then fills 200 MB."""


def image_shape_of_file(path: Path) -> tuple[int, int, int]:
    """Return which images a saved network takes: height, width and channels.

    Only the description in the file is read; TensorFlow is not needed.

    Raises:
        WorkbookError: the file is missing, damaged or no `.keras` file, or holds a network that
            takes no images, or absurdly large ones.
    """
    shapes = [*_input_shapes(_config(path))]
    if len(shapes) != 1 or not _is_of_images(shapes[0]):
        raise WorkbookError(
            f"The network in {path} takes inputs of the shapes {shown(shapes)}, but a trunk takes "
            f"one batch of images (n, height, width, 1 or 3) of at most {MAX_SIZE} pixels: save "
            "such a network."
        )
    _, height, width, channels = shapes[0]
    return height or USUAL_SIZE, width or USUAL_SIZE, channels


def _is_of_images(shape: Any) -> bool:
    if not isinstance(shape, list) or len(shape) != 4 or shape[3] not in (1, 3):
        return False
    return all(size is None or is_size(size) for size in shape[1:3])


def is_size(given: object) -> bool:
    """Tell whether a height or width from a file can be meant."""
    return type(given) is int and 1 <= given <= MAX_SIZE


def state(path: Path) -> tuple[int, int]:
    """Return what changes whenever a file is written anew: its time and its size."""
    status = path.stat()
    return status.st_mtime_ns, status.st_size


def _config(path: Path) -> Any:
    if not os.path.isfile(path):
        raise WorkbookError(
            f"The trunk's file {path} is not there: name one that model.save('name.keras') wrote."
        )
    if KEPT_DESCRIPTION in keras_files.members(path):
        raise WorkbookError(
            f"{path} is a model to predict with, which takes pixels from 0 to 255, and a trunk "
            "takes them from 0 to 1: save the network inside, with "
            "model.get_layer('trunk').save('trunk.keras')."
        )
    return keras_files.config(path)


def _input_shapes(config: Any) -> list[Any]:
    """Return the shapes of the inputs of the outermost network that a description has."""
    while layers := _layers(config):
        inputs = [layer for layer in layers if layer.get("class_name") == "InputLayer"]
        if inputs:
            return [_shape(layer) for layer in inputs]
        config = layers[0]
    return []


def _layers(config: Any) -> list[dict[str, Any]]:
    layers = _inner(config).get("layers")
    return [each for each in layers if isinstance(each, dict)] if isinstance(layers, list) else []


def _shape(layer: dict[str, Any]) -> Any:
    return _inner(layer).get("batch_shape") or _inner(layer).get("batch_input_shape")


def _inner(config: Any) -> dict[str, Any]:
    """Return what a description says beside the class; nothing where it says nonsense."""
    inner = config.get("config") if isinstance(config, dict) else None
    return inner if isinstance(inner, dict) else {}


def read(path: Path) -> "keras.Model":
    """Read a network that Keras has saved; no code from the file is ever run.

    One that takes images of any size is given a fixed one.

    Raises:
        WorkbookError: as `image_shape_of_file` and `keras_files.load`; the network cannot be given
            a fixed size.
    """
    import keras

    shape = image_shape_of_file(path)
    saved = keras_files.load(path)
    try:
        # In a loaded Sequential model, layers remember inputs other than the model's.
        network = keras.models.clone_model(saved, keras.Input(shape, name="image"))
        network.set_weights(saved.get_weights())
        return network
    except Exception as error:  # whatever layers make of an input that they do not fit
        raise WorkbookError(
            f"The network in {path} cannot be used as a trunk ({type(error).__name__}): it must be "
            "made of Keras's own layers, and take one batch of images."
        ) from error
