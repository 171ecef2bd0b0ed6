"""Atomic file writes: whoever opens a file never finds half of it."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from simmim_lib.errors import WorkbookError


@contextlib.contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file for writing that takes its place only when everything is written.

    Until then it is a temporary file in the same folder; whatever fails or interrupts, that one is
    removed, and what stood at `path` before still stands there.

    Args:
        path: where the file will be; its folder must exist.

    Yields:
        The temporary file, open for writing bytes.

    Raises:
        OSError: the folder is missing, not writable or full.
    """
    target = Path(path)
    handle, temporary = tempfile.mkstemp(dir=target.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        os.chmod(temporary, 0o644)  # mkstemp's files are for their owner alone
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):  # the first failure is the one to report
            os.unlink(temporary)
        raise


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file in UTF-8, atomically.

    Raises:
        WorkbookError: the folder is missing, not writable or full.
    """
    write_bytes(path, text.encode())


def write_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file, atomically.

    Raises:
        WorkbookError: the folder is missing, not writable or full.
    """
    try:
        with writing(path) as file:
            file.write(content)
    except OSError as error:
        raise WorkbookError(
            f"Cannot write {path} ({error.strerror}): choose a folder that exists, that you may "
            "write to and that has room."
        ) from error
