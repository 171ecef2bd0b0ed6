"""Where the workbook's data lie, and where it may keep what it makes."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from simmim_lib.foundation.paths import from_person


def data_directory() -> Path:
    """Return the folder of the bundled data: inside the installed package, or in the checkout."""
    package = Path(__file__).parents[1]  # simmim_lib
    installed = package / "_data"
    return installed if installed.is_dir() else package.parent / "data"


def cache_directory() -> Path:
    """Return the folder for fetched files: `SIMMIM_CACHE` if set, else the system's usual one."""
    from platformdirs import user_cache_path

    override = os.environ.get("SIMMIM_CACHE")
    return from_person(override or user_cache_path("simmim-workbook", appauthor=False))


def fetched_directory() -> Path:
    """Return the folder for fetched datasets: `SIMMIM_DATA_DIR` if set, else one in the cache."""
    override = os.environ.get("SIMMIM_DATA_DIR")
    return from_person(override) if override else cache_directory() / "datasets"


def temporary_directory(prefix: str) -> Path:
    """Return a new folder, its path without links, which is removed when this process ends.

    Args:
        prefix: what its name begins with.
    """
    folder = os.path.realpath(tempfile.mkdtemp(prefix=prefix))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
