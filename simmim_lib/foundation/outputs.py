"""Outputs: files that a person names for what minutes or hours of work will give."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from simmim_lib.errors import WorkbookError
from simmim_lib.foundation import atomic, locks

SPARE_FOLDERS = (None, "/dev/shm")
"""Where to go when an output cannot be written any more: the system's usual folder, memory."""

ADVICE = "name a file in a folder that you can write to."


@contextlib.contextmanager
def claimed(paths: Sequence[Path | None]) -> Iterator[None]:
    """Claim files for this process, before minutes of work whose outcome they will hold.

    Args:
        paths: from people; None for an output that nobody asked for.

    Raises:
        WorkbookError: one cannot be written, is named twice, or another process has claimed it.
    """
    targets = {path: Path(os.path.realpath(path)) for path in paths if path}
    named = [targets[path] for path in paths if path]
    with contextlib.ExitStack() as claims:
        for path, target in targets.items():
            check(path)
            if atomic.is_plain(path):
                if named.count(target) > 1:
                    raise WorkbookError(f"The output {path} is named twice: give each a file.")
                _claim(path, target, claims)
        yield


def _claim(path: Path, target: Path, claims: contextlib.ExitStack) -> None:
    try:
        claims.enter_context(locks.held(target.parent / f".{target.name}.lock"))
    except locks.HeldError as error:
        raise WorkbookError(
            f"Another process is about to write {path}: wait for it, or name another file."
        ) from error
    except OSError:  # no locks in this place, which is no reason not to work
        return


def check(path: Path) -> None:
    """Find out before the work, not after, that its outcome cannot be kept.

    Raises:
        WorkbookError: it cannot be written there.
    """
    if os.path.isdir(path):
        raise WorkbookError(f"The output {path} is a folder; {ADVICE}")
    folder = Path(os.path.realpath(path)).parent
    try:
        if atomic.is_plain(path):
            if not os.path.isdir(folder):
                raise WorkbookError(f"The output's folder {folder} does not exist; {ADVICE}")
            tempfile.TemporaryFile(dir=folder).close()
        elif not os.access(path, os.W_OK):
            raise PermissionError(0, "not allowed")
    except OSError as error:
        raise WorkbookError(
            f"The output {path} cannot be written ({error.strerror}); {ADVICE}"
        ) from error


def check_apart(output: Path, read: Iterable[Path]) -> None:
    """Refuse an output in whose place there is what the same command reads.

    Raises:
        WorkbookError: there is.
    """
    with contextlib.suppress(OSError):  # of what is not there yet
        there = os.stat(output)
        for path in read:
            with contextlib.suppress(OSError):
                if os.path.samestat(os.stat(path), there):
                    raise WorkbookError(
                        f"The output {output} would take the place of {path}, which is read here: "
                        "name another file."
                    )


def write_or_spare(path: Path, write: Callable[[Path], object]) -> None:
    """Let a function write to a path or, where that fails after all, to a temporary place.

    Args:
        path: of a file or a folder.
        write: given a path, writes there.

    Raises:
        WorkbookError: it cannot write to the path; the sentence names the temporary place.
    """
    try:
        write(path)
    except (WorkbookError, OSError) as error:
        problem = error if isinstance(error, WorkbookError) else f"Cannot write {path} ({error})."
        spare = _spare(path.name, write)
        kept = f" What was to be there is in {spare}: move it from there." if spare else ""
        raise WorkbookError(f"{problem}{kept}") from error


def _spare(name: str, write: Callable[[Path], object]) -> Path | None:
    """Return the first temporary place that could be written, if there is any."""
    for place in SPARE_FOLDERS:
        with contextlib.suppress(WorkbookError, OSError), contextlib.ExitStack() as failed:
            folder = Path(tempfile.mkdtemp(prefix="simmim-", dir=place))
            failed.callback(shutil.rmtree, folder, ignore_errors=True)
            write(folder / name)
            failed.pop_all()
            return folder / name
    return None
