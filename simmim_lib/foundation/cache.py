"""What is kept for the next process; where it cannot be, that costs time and nothing else."""

import functools
from collections.abc import Callable
from pathlib import Path

from simmim_lib.errors import warn
from simmim_lib.foundation import directories


def keep(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file into the cache, or say once why that cannot be.

    Args:
        path: of the file; its folder is made.
        write: writes it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path)
    except OSError as error:
        _tell(directories.cache_directory(), error.strerror or str(error))


@functools.cache
def _tell(folder: Path, reason: str) -> None:
    warn(
        f"What was computed could not be kept in {folder} ({reason}), so that it will be computed "
        "again the next time: free some space there, or set SIMMIM_CACHE to a folder that you can "
        "write to.",
        stacklevel=4,  # whoever asked for it; the warning's place says nothing more
    )
