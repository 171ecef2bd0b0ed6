"""Locks between processes; the system lifts those of a process that dies."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from simmim_lib.errors import warn


class HeldError(Exception):
    """Another process holds the lock."""


@contextlib.contextmanager
def held(path: Path, wait: bool = False) -> Iterator[None]:
    """Hold a lock.

    Args:
        path: of the lock, a file that is there only while the lock is held.
        wait: whether to wait for another process that holds it.

    Raises:
        HeldError: another process holds it.
        OSError: the file cannot be made, or is a link, or its file system has no locks.
    """
    import filelock

    os.stat(path.parent)  # a folder that is missing would be made
    # Where there are no locks, filelock would only look whether the file is there, which it stays
    # when a process is killed.
    lock = filelock.FileLock(path, timeout=-1 if wait else 0, fallback_to_soft=False)
    try:
        lock.acquire()
    except filelock.Timeout as error:
        raise HeldError(path) from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            # Before it is released: who has opened the file meanwhile sees that it is gone, and
            # makes a new one.
            os.unlink(path)
        lock.release()


@contextlib.contextmanager
def one_after_another(path: Path, what: str) -> Iterator[None]:
    """Let processes do a piece of work one after another, so that the later find it done.

    Where there can be no lock, as in a folder that is read-only, they do it side by side.

    Args:
        path: of the lock.
        what: another process does, in words that follow its mention in a sentence.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            try:
                stack.enter_context(held(path))
            except HeldError:
                warn(f"Another process {what}; this one waits for it.", stacklevel=3)
                stack.enter_context(held(path, wait=True))
        yield
