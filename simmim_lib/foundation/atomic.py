"""Atomic file writes: whoever opens a file never finds half of it.

What a person names as output may be no plain file: `writing` follows a link, and writes to devices
and pipes as they are; whole or nothing is only what is a plain file in the end.
"""

import contextlib
import errno
import os
import secrets
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

from simmim_lib.errors import WorkbookError
from simmim_lib.foundation.paths import from_person

MAX_LINKS = 40
"""As many links in a row Linux follows."""

AnyPath = str | os.PathLike[str]

Opening = Callable[[AnyPath], AbstractContextManager[BinaryIO]]


@contextlib.contextmanager
def writing(path: AnyPath) -> Iterator[BinaryIO]:
    """Open what a person named for writing.

    A plain file, perhaps at the end of a link, is written as by `replacing`.

    Args:
        path: as the person wrote it; its folder must exist.

    Yields:
        A file, open for writing bytes.

    Raises:
        WorkbookError: as `from_person`.
        OSError: the folder is missing, not writable or full.
    """
    named = from_person(path)
    if (descriptor := _descriptor(named)) is not None:
        sys.stdout.flush()  # what was printed before comes first
        with os.fdopen(os.dup(descriptor), "wb") as file:
            yield file
    elif is_plain(named):
        with replacing(os.path.realpath(named)) as file:
            yield file
    else:
        with open(named, "wb") as file:
            yield file


def is_plain(path: Path) -> bool:
    """Tell whether a path leads to a plain file, or to nothing yet.

    A folder counts as plain, too: whoever writes to it finds out.

    Raises:
        OSError: it leads nowhere at all.
    """
    if _descriptor(path) is not None:
        return False
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return True
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


def _descriptor(path: Path) -> int | None:
    """Return the number of this process's open file that a path like /dev/stdout stands for.

    Opened by its name, it would be written from its beginning, over what was printed before.
    """
    ours = (f"/proc/{os.getpid()}/fd", "/dev/fd")
    place = os.path.abspath(path)
    for _ in range(MAX_LINKS):
        folder, name = os.path.split(place)
        if os.path.realpath(folder) in ours and name.isascii() and name.isdigit():
            return int(name)
        if not os.path.islink(place):
            return None
        place = os.path.join(folder, os.readlink(place))
    return None


@contextlib.contextmanager
def replacing(path: AnyPath) -> Iterator[BinaryIO]:
    """Open a file for writing that takes its place only when everything is written.

    It is for names of the workbook's own in folders that may hold anything: a link at `path` is
    replaced, not followed.

    Until then it is a temporary file in the same folder; whatever fails or interrupts, that one is
    removed, and what stood at `path` before still stands there. A new file has the mode that the
    umask allows; one that replaces another keeps its mode and, where that is allowed, its owner.

    Args:
        path: where the file will be; its folder must exist.

    Yields:
        The temporary file, open for writing bytes.

    Raises:
        OSError: the folder is missing, not writable or full.
    """
    target = Path(path)
    temporary = target.parent / f".{secrets.token_hex(8)}.part"
    try:
        with open(temporary, "xb") as file:  # which follows no link
            yield file
        _keep_owner_and_mode(target, temporary)
        _put(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):  # the first failure is the one to report
            os.unlink(temporary)
        raise


def _keep_owner_and_mode(target: Path, temporary: Path) -> None:
    """Give a file owner and mode of the one it will replace, as far as the file system lets us."""
    try:
        before, now = os.lstat(target), os.lstat(temporary)
    except OSError:  # a new file
        return
    if not stat.S_ISREG(before.st_mode):
        return
    # Neither is worth a failure: network and FUSE file systems often allow neither.
    if (before.st_uid, before.st_gid) != (now.st_uid, now.st_gid):
        with contextlib.suppress(OSError):
            os.chown(temporary, before.st_uid, before.st_gid)
    if stat.S_IMODE(before.st_mode) != stat.S_IMODE(now.st_mode):
        with contextlib.suppress(OSError):
            os.chmod(temporary, stat.S_IMODE(before.st_mode))


def _put(temporary: Path, target: Path) -> None:
    try:
        os.replace(temporary, target)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        # A file that a container has mounted by itself can be written, but not replaced.
        shutil.copyfile(temporary, target)
        os.unlink(temporary)


def write_text(path: AnyPath, text: str, opening: Opening = writing) -> None:
    r"""Write a text file in UTF-8, atomically.

    What has no place in UTF-8, as odd bytes in names of files, is written as in `\udc80`.

    Args:
        path: as a person wrote it, or of the workbook's own.
        text: to write.
        opening: `writing`, or `replacing` for a name of the workbook's own.

    Raises:
        WorkbookError: the folder is missing, not writable or full.
    """
    write_bytes(path, text.encode("utf-8", "backslashreplace"), opening)


def write_bytes(path: AnyPath, content: bytes, opening: Opening = writing) -> None:
    """Write a file, atomically.

    Args:
        path: as `write_text`.
        content: to write.
        opening: as `write_text`.

    Raises:
        WorkbookError: the folder is missing, not writable or full.
    """
    try:
        with opening(path) as file:
            file.write(content)
    except OSError as error:
        raise WorkbookError(
            f"Cannot write {path} ({error.strerror}): choose a folder that exists, that you may "
            "write to and that has room."
        ) from error
