"""Helpers of the SimMIM Workbook; importing them loads neither TensorFlow nor NumPy."""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simmim_lib.experiment import Result, run
    from simmim_lib.settings import Settings

__all__ = ["Result", "Settings", "__version__", "run"]

try:
    __version__ = version("simmim-workbook")
except PackageNotFoundError:  # a checkout on the path that was never installed
    __version__ = "0+unknown"

_HOMES = {"Settings": "simmim_lib.settings", "Result": "simmim_lib.experiment"}
_HOMES["run"] = _HOMES["Result"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
