"""Keras as the workbook's networks need it, however a reader has set it up for other work.

Keras takes its backend, the precision of numbers and the order of an image's axes from the
environment, from a file `keras.json` and from calls anywhere in a process. A layer keeps what was
set when it was made; so networks are built, and their steps compiled, within `as_usual`.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from simmim_lib.errors import WorkbookError, shown

BACKEND = "tensorflow"
OTHERS = ("jax", "torch", "openvino")

FIRST = "restart Python, and import simmim_lib before keras and tensorflow"
"""What to do where it is too late to choose."""

USUAL: Mapping[str, Any] = {
    "floatx": "float32",
    "epsilon": 1e-7,
    "image_data_format": "channels_last",
    "dtype_policy": "float32",
}
"""Keras's own defaults, by the names of the functions in `keras.config` that read them."""

_lock = threading.RLock()


def prefer_backend() -> None:
    """Let Keras compute with TensorFlow where the environment does not say otherwise.

    A file `keras.json` gives way to that. It must be decided before anything imports TensorFlow,
    which imports Keras.
    """
    os.environ["KERAS_BACKEND"] = os.environ.get("KERAS_BACKEND") or BACKEND


def check_backend() -> None:
    """Refuse a Keras that computes, or would when it is imported, with another library.

    Raises:
        WorkbookError: KERAS_BACKEND names another, or Keras is in use with another.
    """
    if "keras" in sys.modules:
        found, advice = sys.modules["keras"].config.backend(), FIRST
    else:
        found, advice = os.environ.get("KERAS_BACKEND", BACKEND), "unset KERAS_BACKEND"
    if found != BACKEND:
        raise WorkbookError(_refusal(found, advice))


def load_keras() -> None:
    """Import Keras, with TensorFlow to compute.

    Raises:
        WorkbookError: as `check_backend`; a file `keras.json` that Keras cannot use.
    """
    check_backend()
    try:
        import keras  # noqa: F401 (whoever uses it imports it again)
    except ImportError as error:
        if error.name not in OTHERS:
            raise
        raise WorkbookError(_refusal(error.name, FIRST)) from error
    except (ValueError, TypeError, AttributeError, AssertionError, OSError) as error:
        raise WorkbookError(why_not(str(error) or type(error).__name__)) from error


def _refusal(found: object, advice: str) -> str:
    return (
        f"Keras is set up to compute with {shown(found)}, but the workbook's networks are trained "
        f"with {shown(BACKEND)}: {advice}, or set KERAS_BACKEND={BACKEND}."
    )


def why_not(problem: str) -> str:
    """Return a sentence about what keeps Keras from being imported."""
    return (
        f"Keras cannot start ({' '.join(problem.split())}): correct or delete its file keras.json, "
        "which is in the folder .keras at home, or where KERAS_HOME says."
    )


@contextlib.contextmanager
def as_usual() -> Iterator[None]:
    """Let Keras be set up as usual for a while; also a decorator of functions.

    One thread at a time, since some of it is the same for all threads.

    Raises:
        WorkbookError: as `load_keras`.
    """
    load_keras()
    import keras

    with _lock:
        before = {name: getattr(keras.config, name)() for name in USUAL}
        _set(USUAL)
        try:
            yield
        finally:
            _set(before)


def set_up() -> None:
    """Let Keras be set up as usual from now on, in a process that is the workbook's own.

    Raises:
        WorkbookError: as `load_keras`.
    """
    load_keras()
    _set(USUAL)


def _set(values: Mapping[str, Any]) -> None:
    import keras

    for name, value in values.items():
        getattr(keras.config, f"set_{name}")(value)
