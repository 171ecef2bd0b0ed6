"""One text file: what it is called, and its text."""

import os
from pathlib import Path

from simmim_lib.errors import WorkbookError
from simmim_lib.foundation import plain_files

SUFFIXES = (".txt", ".text", ".md")

MAX_BYTES = 10_000_000
"""Of a file; a thick book has a tenth of them."""


class BrokenTextError(Exception):
    """A text that cannot be read, with the reason in words that follow the file's name."""


def is_text(path: str | os.PathLike[str]) -> bool:
    """Tell by its name whether a file holds a text."""
    return os.fspath(path).lower().endswith(SUFFIXES)


def read_text(path: Path) -> str:
    """Return the text of a file in UTF-8, without the space around it.

    Raises:
        BrokenTextError: it cannot be read, is in another encoding, too long, or says nothing.
    """
    try:
        text = plain_files.read_text(path, MAX_BYTES).strip()
    except OSError as error:
        raise BrokenTextError(f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BrokenTextError("is not in UTF-8: save it anew") from error
    except WorkbookError as error:
        raise BrokenTextError(_reason(path, error)) from error
    if not text:
        raise BrokenTextError("is empty")
    return text


def _reason(path: Path, error: WorkbookError) -> str:
    """Return why a file was refused, in words that follow its name."""
    return str(error).removeprefix(f"{path} ").removesuffix(".")
