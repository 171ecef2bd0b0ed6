"""Helpers of the SimMIM Workbook; importing them loads neither TensorFlow nor NumPy."""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from simmim_lib.foundation import home, keras_setup

if TYPE_CHECKING:
    from simmim_lib.experiments import Result, run
    from simmim_lib.settings import Settings
    from simmim_lib.simmim import SimMIM, Task

__all__ = ["Result", "Settings", "SimMIM", "Task", "__version__", "run"]

try:
    __version__ = version("simmim-workbook")
except PackageNotFoundError:  # a checkout on the path that was never installed
    __version__ = "0+unknown"

home.provide()  # before any library looks for it
keras_setup.prefer_backend()

_HOMES = {
    "Result": "simmim_lib.experiments",
    "run": "simmim_lib.experiments",
    "Settings": "simmim_lib.settings",
    "SimMIM": "simmim_lib.simmim",
    "Task": "simmim_lib.simmim",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
