"""Files from people and from strangers, looked at before they are read."""

import codecs
import os
import stat
from pathlib import Path

from simmim_lib.errors import WorkbookError

UTF_16_OR_32 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
"""How such texts begin; that of UTF-32 with its last byte first begins as that of UTF-16 does."""


def check_plain(path: str | os.PathLike[str], most: int | None = None) -> None:
    """Refuse what might keep its reader for ever, or fill the memory.

    What is missing, or cannot be looked at, is left to whoever opens it.

    Args:
        path: of a file.
        most: bytes that it may have.

    Raises:
        WorkbookError: a pipe, a socket or a device, perhaps behind a link; a file that is too long.
    """
    try:
        status = os.stat(path)
    except OSError:
        return
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        raise WorkbookError(
            f"{path} is a pipe or a device, which might never end: name a plain file."
        )
    if most is not None and status.st_size > most:
        raise WorkbookError(
            f"{path} has {status.st_size:,} bytes, but at most {most:,} are read: name the right "
            "file, or make it shorter."
        )


def read_text(path: Path, most: int | None = None) -> str:
    """Return the text of a plain file in UTF-8, line ends as they are.

    Args:
        path: of the file.
        most: bytes that it may have.

    Raises:
        WorkbookError: as `check_plain`; a text in UTF-16 or UTF-32.
        OSError: the file cannot be read.
        UnicodeDecodeError: it is in no known encoding.
    """
    check_plain(path, most)
    content = path.read_bytes()
    if content.startswith(UTF_16_OR_32) or b"\0" in content[:4]:
        raise WorkbookError(
            f"{path} is in UTF-16 or UTF-32, as some editors on Windows write it: save it in UTF-8."
        )
    return content.decode("utf-8-sig")
