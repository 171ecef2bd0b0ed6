"""Networks of the user's own, from files that Keras has saved."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simmim_lib.errors import WorkbookError

if TYPE_CHECKING:
    import keras

KEPT_DESCRIPTION = "simmim.json"
"""The member of a file by which a model that was kept is known."""

USUAL_SIZE = 96
"""Height and width, in pixels, for a network that takes images of any size."""


def image_shape_of_file(path: Path) -> tuple[int, int, int]:
    """Return which images a saved network takes: height, width and channels.

    Only the description in the file is read; TensorFlow is not needed.

    Raises:
        WorkbookError: the file is missing, damaged or no `.keras` file, or holds a network that
            takes no images.
    """
    shapes = [*_input_shapes(_config(path))]
    if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][3] not in (1, 3):
        raise WorkbookError(
            f"The network in {path} takes inputs of the shapes {shapes}, but a trunk takes one "
            "batch of images (n, height, width, 1 or 3): save such a network."
        )
    _, height, width, channels = shapes[0]
    return height or USUAL_SIZE, width or USUAL_SIZE, channels or 3


def state(path: Path) -> tuple[int, int]:
    """Return what changes whenever a file is written anew: its time and its size."""
    status = path.stat()
    return status.st_mtime_ns, status.st_size


def _config(path: Path) -> Any:
    if not path.is_file():
        raise WorkbookError(
            f"The trunk's file {path} is not there: name one that model.save('name.keras') wrote."
        )
    try:
        with zipfile.ZipFile(path) as archive:
            names, config = archive.namelist(), json.loads(archive.read("config.json"))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise WorkbookError(
            f"{path} is damaged, or not a network that Keras saved ({type(error).__name__}): name "
            "a file that model.save('name.keras') wrote."
        ) from error
    if KEPT_DESCRIPTION in names:
        raise WorkbookError(
            f"{path} is a model to predict with, which takes pixels from 0 to 255, and a trunk "
            "takes them from 0 to 1: save the network inside, with "
            "model.get_layer('trunk').save('trunk.keras')."
        )
    return config


def _input_shapes(config: Any) -> Iterator[list[int | None]]:
    """Yield the shapes of the inputs of the outermost network that a description has."""
    if not isinstance(config, dict):
        return
    if config.get("class_name") == "InputLayer":
        inner = config.get("config", {})
        yield inner.get("batch_shape") or inner.get("batch_input_shape")
        return
    layers = config.get("config", {}).get("layers", [])
    direct = [layer for layer in layers if layer.get("class_name") == "InputLayer"]
    for layer in direct or layers[:1]:
        yield from _input_shapes(layer)


def read(path: Path) -> "keras.Model":
    """Read a network that Keras has saved; no code from the file is ever run.

    One that takes images of any size is given a fixed one.

    Raises:
        WorkbookError: as `image_shape_of_file`; the file holds code, or layers that are not
            Keras's own.

    Source: keras.io, "Whole model saving & loading"; `safe_mode` refuses layers that hold code.
    """
    import keras

    shape = image_shape_of_file(path)
    try:
        saved = keras.saving.load_model(path, safe_mode=True, compile=False)
        # In a loaded Sequential model, layers remember inputs other than the model's.
        network = keras.models.clone_model(saved, keras.Input(shape, name="image"))
        network.set_weights(saved.get_weights())
        return network
    except Exception as error:  # a damaged file can make any part of Keras stumble
        raise WorkbookError(
            f"The network in {path} cannot be read ({type(error).__name__}): a trunk must be made "
            "of Keras's own layers, without lambda layers; save such a network."
        ) from error
