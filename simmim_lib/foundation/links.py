"""Symbolic links in folders that may come from somebody else."""

import errno
import os
import stat
from collections.abc import Iterable
from pathlib import Path

# Windows has neither. Without the second, opening a pipe would wait for its other end.
_CAREFULLY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


def not_following(path: str, flags: int) -> int:
    """Open a plain file that is really at its place: an `opener` for `open`.

    Raises:
        OSError: as usual; or there is a link, a pipe or a device.
    """
    if os.path.islink(path):
        raise OSError(errno.ELOOP, "it is a link to another place", path)
    handle = os.open(path, flags | _CAREFULLY, 0o666)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "it is no plain file", path)
    return handle


def leading_out(folder: Path, paths: Iterable[Path]) -> list[Path]:
    """Return those of the paths that are below a folder, and links to a place outside it."""
    inside = os.path.realpath(folder)
    linked = [path for path in paths if folder in path.parents and path.is_symlink()]
    return [path for path in linked if not Path(os.path.realpath(path)).is_relative_to(inside)]
