"""Files that Keras has saved, looked at before Keras opens them: what they are, and how large.

A file may come from a stranger. Keras builds what its description says before it looks at the
weights beside it, so that a small file may ask for all memory; and it goes by the file's name,
where its content says what it is.
"""

import json
import math
import os
import re
import shutil
import tempfile
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simmim_lib.errors import WorkbookError
from simmim_lib.foundation import archives

if TYPE_CHECKING:
    import h5py
    import keras

SUFFIX, WEIGHTS_SUFFIX = ".keras", ".weights.h5"

DESCRIPTION = "config.json"
"""The member of a file that says how the network is built."""

WEIGHTS = "model.weights.h5"

MAX_DESCRIPTION = 10_000_000
"""Bytes; that of a network of a thousand layers has a tenth of them."""

MAX_EXPANSION = 100
"""How often larger than the file its content may be. Weights hardly shrink when they are packed."""

ALWAYS_ALLOWED = 2**26
"""Bytes that content may have, however small the file is."""

HDF5 = b"\x89HDF\r\n\x1a\n"
"""What an HDF5 file begins with."""

AnyPath = str | os.PathLike[str]


def load(path: AnyPath, compile: bool = False) -> "keras.Model":
    """Read a model of any kind that Keras has saved; no code from the file is ever run.

    Args:
        path: of the file, whatever it is called.
        compile: whether to compile it as it was when it was saved.

    Raises:
        WorkbookError: the file is missing, damaged or of another kind, holds layers that are not
            known or code, or asks for far more memory than its own weights need.

    Source: keras.io, "Whole model saving & loading"; `safe_mode` refuses layers that hold code.
    """
    import keras

    described = config(path)
    if _is_hdf5(path):  # Keras would read that part, of which nothing was looked at
        raise _damaged(path, "it begins as a file of another kind")
    try:
        _check_weights(path, _weights_of(described))
        with named_as_keras_wants(path) as file:
            return keras.saving.load_model(file, safe_mode=True, compile=compile)
    except WorkbookError:
        raise
    except Exception as error:  # a damaged file can make any part of Keras stumble
        raise WorkbookError(_why_not(path, error)) from error


def config(path: AnyPath) -> Any:
    """Return how the network in a file is built, as JSON has it; Keras is not needed.

    Raises:
        WorkbookError: as `members`; the file does not say it.
    """
    if DESCRIPTION not in members(path):
        raise _damaged(path, f"it has no {DESCRIPTION}")
    return read_json(path, DESCRIPTION)


def read_json(path: AnyPath, member: str) -> Any:
    """Return a member of a file, as JSON has it.

    Raises:
        WorkbookError: it is none, too long, or damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo(member).file_size > MAX_DESCRIPTION:
                raise _damaged(path, f"its {member} is longer than {MAX_DESCRIPTION:,} bytes")
            return json.loads(archive.read(member))
    except WorkbookError:
        raise
    except Exception as error:  # whatever a damaged archive, or text nested too deeply, raises
        raise _damaged(path, type(error).__name__) from error


def members(path: AnyPath) -> dict[str, int]:
    """Return what a file holds, as its table of contents says: names, and sizes in bytes.

    Raises:
        WorkbookError: the file is missing or no archive, or its content would be far larger than
            the file.
    """
    if not os.path.isfile(path):
        raise WorkbookError(
            f"There is no file {path}: name one that model.save('name.keras') wrote."
        )
    try:
        most = max(ALWAYS_ALLOWED, MAX_EXPANSION * os.path.getsize(path))
        return archives.sizes(path, most)
    except archives.TooLargeError as error:
        raise _damaged(path, str(error)) from error
    except Exception as error:  # whatever a damaged archive raises
        raise _no_archive(path, error) from error


def _no_archive(path: AnyPath, error: Exception) -> WorkbookError:
    """Return what to do with a file that is no archive."""
    if isinstance(error, OSError):
        return WorkbookError(f"{path} cannot be read ({error.strerror}): allow it, or copy it.")
    if _is_hdf5(path):
        return WorkbookError(
            f"{path} is an HDF5 file, as older versions of Keras wrote models, or weights alone: "
            "open a model of your own with keras.models.load_model and save it with "
            "model.save('name.keras'); load weights into a model with model.load_weights."
        )
    return _damaged(path, type(error).__name__)


def _is_hdf5(path: AnyPath) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(len(HDF5)) == HDF5
    except OSError:  # `members` says what is wrong
        return False


def _damaged(path: AnyPath, why: str) -> WorkbookError:
    return WorkbookError(
        f"{path} cannot be read ({why}), so it is damaged or not a Keras file: save the model "
        "again with model.save('name.keras')."
    )


# --- how much memory a network asks for ---------------------------------------------------------


def _check_weights(path: AnyPath, needed: int) -> None:
    """Refuse a network whose weights, in bytes, are more than the file has for it."""
    _check_size(path, "layers need", needed, stored=members(path).get(WEIGHTS, 0))
    with opened_weights(path):  # which looks at what the arrays claim
        return


def _check_size(path: AnyPath, what: str, size: int, stored: int) -> None:
    if size > 1.1 * stored + 1e6:  # states of generators, and what else is not stored
        why = f"its {what} {size / 1e6:,.0f} MB, but it has {stored / 1e6:,.1f} MB of weights"
        raise _damaged(path, why)


def _claimed_by_arrays(path: AnyPath, file: "h5py.File") -> int:
    """Return how many bytes the arrays of an HDF5 file would have, which may be mostly empty."""
    import h5py

    claimed: list[int] = []

    def note(_: str, found: Any) -> None:
        if isinstance(found, h5py.Dataset):
            if found.external or found.is_virtual:
                raise _damaged(path, "its weights are in other files")
            claimed.append(found.size * found.dtype.itemsize)

    file.visititems(note)
    return sum(claimed)


@contextmanager
def opened_weights(path: AnyPath) -> "Iterator[h5py.File]":
    """Yield the weights of a `.weights.h5` file, or of a whole model's, as HDF5.

    Raises:
        WorkbookError: the file is missing, or has none; they are in other files, or claim far more
            than it has.
    """
    import h5py

    with ExitStack() as stack:
        source: Any = path
        if _is_hdf5(path):
            stored = os.path.getsize(path)
        else:
            if WEIGHTS not in members(path):
                raise _damaged(path, f"it has no {WEIGHTS}")
            stored = members(path)[WEIGHTS]
            source = stack.enter_context(zipfile.ZipFile(path))
            source = stack.enter_context(source.open(WEIGHTS))
        try:
            file = stack.enter_context(h5py.File(source))
            _check_size(path, "arrays claim", _claimed_by_arrays(path, file), stored)
        except WorkbookError:
            raise
        except Exception as error:  # whatever a damaged file raises
            raise _damaged(path, type(error).__name__) from error
        yield file


def _weights_of(described: Any) -> int:
    """Return how many bytes the weights of a network will have, which is built without them.

    In a thread of its own, since Keras notes in each thread which weights it has yet to draw, and
    draws them all at the next opportunity.
    """
    outcome: list[Any] = []

    def build() -> None:
        try:
            outcome.append(_built_without_weights(described))
        except Exception as error:  # raised again where it can be heard
            outcome.append(error)

    thread = threading.Thread(target=build)
    thread.start()
    thread.join()
    if isinstance(outcome[0], Exception):
        raise outcome[0]
    return outcome[0]


def _built_without_weights(described: Any) -> int:
    import keras
    import tensorflow as tf

    if isinstance(described, Mapping):
        described = {**described, "compile_config": None}
    with keras.StatelessScope(initialize_variables=False):
        model = keras.saving.deserialize_keras_object(described, safe_mode=True)
    return sum(math.prod(each.shape) * tf.as_dtype(each.dtype).size for each in model.variables)


# --- how Keras reads it -------------------------------------------------------------------------


@contextmanager
def named_as_keras_wants(path: AnyPath) -> Iterator[Path]:
    """Yield a path of the file that ends as its content wants: Keras goes by the name alone."""
    path = Path(path)
    suffix = WEIGHTS_SUFFIX if _is_hdf5(path) else SUFFIX
    if path.name.endswith(suffix):
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(shutil.copy(path, Path(folder, f"model{suffix}")))


def _why_not(path: AnyPath, error: Exception) -> str:
    import keras
    from packaging.version import Version

    if "arbitrary code" in str(error):
        return (
            f"{path} holds code, as a Lambda layer does, which is not run: ask its author for a "
            "model made of named layers only."
        )
    unknown = re.search(r"Could not locate (class|function) '(\w+)'", str(error))
    if unknown:
        return (
            f"{path} needs the {unknown[1]} {unknown[2]}, which is not known here: import the "
            "module that has it, under @keras.saving.register_keras_serializable(), and load again."
        )
    saved_with = _keras_version(path)
    if Version(saved_with) > Version(keras.__version__):
        return (
            f"{path} was saved with Keras {saved_with}, which the older {keras.__version__} here "
            "cannot read: install the newer one, or bring the weights alone, with "
            "model.save_weights there and load_weights here."
        )
    return str(_damaged(path, type(error).__name__))


def _keras_version(path: AnyPath) -> str:
    """Return the version that wrote a file, or 0 if the file does not say."""
    from packaging.version import InvalidVersion, Version

    try:
        version = read_json(path, "metadata.json")["keras_version"]
        Version(version)
        return version
    except (WorkbookError, KeyError, TypeError, InvalidVersion):
        return "0"
