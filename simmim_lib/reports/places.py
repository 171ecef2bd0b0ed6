"""The folder of a report: its files, and the claim that nobody else is writing them."""

import contextlib
import datetime
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

from simmim_lib.errors import WorkbookError
from simmim_lib.foundation.paths import from_person

NOTEBOOK, PAGE, NUMBERS = "report.ipynb", "report.html", "result.json"

MODEL = "model.keras"
"""The model's file; with several targets each one's name stands before the ending."""

REPORTS = Path("reports")
"""Where a report for which no folder was named gets a new one."""

ADVICE = "name a new folder, in a place that you can write to."


@contextlib.contextmanager
def claimed(folder: str | os.PathLike[str] | None) -> Iterator[Path]:
    """Make a report's folder, or take one without a report, for this process alone.

    An empty notebook in it is the claim. If there is no other in the end, all that was made here is
    removed.

    Raises:
        WorkbookError: the folder holds a report, or another is being made there, or it cannot be
            written.
    """
    place, made = _place(folder)
    try:
        (place / NOTEBOOK).touch(exist_ok=False)
    except FileExistsError as error:
        raise _taken(place, NOTEBOOK) from error
    except OSError as error:
        raise _unwritable(place, error) from error
    try:
        yield place
    finally:
        with contextlib.suppress(OSError):
            if not (place / NOTEBOOK).stat().st_size:
                (place / NOTEBOOK).unlink()
                for each in made:
                    each.rmdir()


def _place(folder: str | os.PathLike[str] | None) -> tuple[Path, list[Path]]:
    """Return a report's folder, and what was made of it and those above it, innermost first."""
    named = None if folder is None else from_person(folder)
    try:
        if named is None:
            made = _make_new()
            return made[0], made
        check_folder(named)
        return named, _make(named)
    except OSError as error:
        raise _unwritable(named or REPORTS, error) from error


def _make_new() -> list[Path]:
    """Make a folder named after the time, with a number where another process was quicker."""
    made, name = _make(REPORTS), datetime.datetime.now().strftime("%Y-%m-%d-%H%M%S")
    for number in itertools.count(1):
        folder = REPORTS / (name if number == 1 else f"{name}-{number}")
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
            break
    return [folder, *made]


def _make(folder: Path) -> list[Path]:
    """Make a folder and those above it; return what was not there before, innermost first."""
    missing = [each for each in (folder, *folder.parents) if not os.path.lexists(each)]
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def check_folder(folder: Path) -> None:
    """Refuse a file, a link that leads nowhere, and a folder with a report."""
    existing = next(each for each in (folder, *folder.absolute().parents) if os.path.lexists(each))
    if not os.path.isdir(existing):
        what = "a file" if os.path.exists(existing) else "a link that leads nowhere"
        raise WorkbookError(f"The output {existing} is {what}, not a folder: {ADVICE}")
    for name in (NOTEBOOK, PAGE, NUMBERS, MODEL):
        if os.path.lexists(folder / name):
            raise _taken(folder, name)


def _taken(folder: Path, name: str) -> WorkbookError:
    return WorkbookError(
        f"The output {folder} already holds a report ({name}), or one is just being made there: "
        f"{ADVICE}"
    )


def _unwritable(folder: Path, error: OSError) -> WorkbookError:
    return WorkbookError(f"The output {folder} cannot be written ({error.strerror}): {ADVICE}")
