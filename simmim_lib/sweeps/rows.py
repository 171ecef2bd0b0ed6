"""The results of a sweep on the disk: JSON lines, a row for each experiment.

Rows are only ever added at the end, each in one go. Where a sweep was killed while it wrote, half a
line is left, which is dropped when the next one starts.
"""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simmim_lib.errors import WorkbookError
from simmim_lib.experiments.measures import ERRORS, MEASURES, Scores
from simmim_lib.foundation import atomic, locks, outputs
from simmim_lib.foundation.links import not_following
from simmim_lib.foundation.paths import from_person
from simmim_lib.settings import RENAMED, Settings
from simmim_lib.trunks import checkpoints

FILE_NAME = "experiments.jsonl"

MAX_SECONDS = 1e9
"""Of an experiment, more than thirty years: what took longer, nobody has measured."""

MAX_ERROR = float(np.finfo(np.float32).max)
"""What a network can say, which computes in single precision, is at most so wrong."""

FIRST_MEASURES = tuple(dict.fromkeys(next(iter(of_kind)) for of_kind in MEASURES.values()))
"""What targets are judged by, each kind by one of these."""

UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)
"""What goes wrong with a line that no sweep wrote."""


@dataclass(frozen=True, eq=False)
class Row:
    """The outcome of one experiment of a sweep.

    Attributes:
        settings: what was asked for.
        scores: on the test images, by target and the name of the measure, shape (seeds,) each;
            empty if it failed.
        seconds: how long it took.
        versions: of the packages that the numbers depend on.
        error: why it failed, if it did.
    """

    settings: Settings
    scores: dict[str, Scores]
    seconds: float
    versions: dict[str, str]
    error: str | None = None

    def measure(self, target: str) -> str:
        """Return what a target is judged by: the first measure of its kind."""
        return next(name for name in FIRST_MEASURES if name in self.scores[target])

    def main_scores(self, target: str) -> np.ndarray:
        """Return what this measure is of each seed, (seeds,)."""
        return self.scores[target][self.measure(target)]


def identity(settings: Settings) -> Settings:
    """Return what decides the outcome: the budget only chose how many seeds there are."""
    return settings.replace(budget="quick", seeds=settings.seeds)


def read(folder: str | os.PathLike[str]) -> list[Row]:
    """Return a sweep's rows, in the order in which they were done.

    The last line may be cut off, as that of a sweep that is just writing or was killed; it is left
    out.

    Raises:
        WorkbookError: no sweep; a link, a pipe or a device in its place; or a line that no sweep
            wrote, with its number.
    """
    path = from_person(folder) / FILE_NAME
    try:
        content = _content(path)
    except OSError as error:
        raise WorkbookError(
            f"{path} cannot be read ({error.strerror}): name a folder that `simmim sweep` has "
            "written."
        ) from error
    return [_parse(path, number, line) for number, line in enumerate(_lines(content), start=1)]


def _content(path: Path) -> bytes:
    with open(path, "rb", opener=not_following) as file:
        return file.read()


def _lines(content: bytes) -> list[bytes]:
    """Return the lines that are whole."""
    return content.split(b"\n")[:-1]


def _parse(path: Path, number: int, line: bytes) -> Row:
    try:
        return _row(json.loads(line))
    except UNREADABLE as error:
        problem = f"{type(error).__name__}: {error}".removeprefix("WorkbookError: ")
        raise WorkbookError(
            f"{path}, line {number}: this is not an experiment that this version of the workbook "
            f"can read ({' '.join(problem.split())[:300]}): delete the line, or name another "
            "folder."
        ) from error


def _row(values: Any) -> Row:
    """Check a row: a folder with results may come from anybody."""
    with checkpoints.without_downloads():
        named = {RENAMED.get(name, name): value for name, value in values["settings"].items()}
        settings = identity(Settings.from_mapping(named))
    error, seconds = values["error"], float(values["seconds"])
    if not isinstance(error, str | None):
        raise TypeError("the error must be text")
    if not 0 <= seconds <= MAX_SECONDS:
        raise ValueError(f"it took {seconds:g} seconds")
    # Sweeps knew accuracies only, once.
    known = values.get("scores") or {
        target: {"accuracy": each} for target, each in values.get("accuracy", {}).items()
    }
    scores = {
        target: _scores(target, known[target], settings.seeds)
        for target in (settings.targets if error is None else ())
    }
    versions = {str(name): str(version) for name, version in values["versions"].items()}
    return Row(settings, scores, seconds, versions, error)


def _scores(target: str, given: Mapping[str, Any], seeds: int) -> Scores:
    """Return a target's scores by measure, each checked to be what it can be."""
    scores = {name: np.array(each, np.float64) for name, each in given.items()}
    for name, values in scores.items():
        most = MAX_ERROR if name in ERRORS else 1
        if values.shape != (seeds,) or not ((values >= 0) & (values <= most)).all():
            allowed = f"number from 0 to {MAX_ERROR:.2g}" if name in ERRORS else "share from 0 to 1"
            raise ValueError(f"the {name} of {target} must be a {allowed} for each seed")
    if not {*FIRST_MEASURES} & {*scores}:
        raise KeyError(f"{target} has none of {', '.join(FIRST_MEASURES)}")
    return scores


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Make a folder and keep other sweeps out; the system lifts the lock when this process dies.

    Raises:
        WorkbookError: another sweep is there, or nothing can be written.
    """
    with contextlib.ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locks.held(folder / ".lock"))
        except locks.HeldError as error:
            raise WorkbookError(
                f"Another sweep is writing into {folder}: wait for it, or name another folder."
            ) from error
        except OSError as error:
            raise _unwritable(folder, error) from error
        yield


def repair(folder: Path, forget_failures: bool) -> list[Row]:
    """Return the rows that are there, and drop the half line at the end of a killed sweep.

    Args:
        folder: nobody else may be writing into it.
        forget_failures: whether rows with an error are dropped as well.

    Raises:
        WorkbookError: as `read`, or the file cannot be written.
    """
    path = folder / FILE_NAME
    if not os.path.lexists(path):
        return []
    rows, content = read(folder), _content(path)
    kept = [not (forget_failures and row.error is not None) for row in rows]
    lines = [line + b"\n" for line, keep in zip(_lines(content), kept, strict=True) if keep]
    if b"".join(lines) != content:
        try:
            with atomic.replacing(path) as file:
                file.writelines(lines)
        except OSError as error:
            raise _unwritable(folder, error) from error
    return [row for row, keep in zip(rows, kept, strict=True) if keep]


def append(folder: Path, row: Mapping[str, Any]) -> None:
    """Write a row, which is on the disk when this returns.

    Raises:
        WorkbookError: the file cannot be written; the row is in a temporary place then, which the
            sentence names.
    """

    def write(path: Path) -> None:
        try:
            with open(path, "ab", opener=not_following) as file:
                file.write(json.dumps(row).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise _unwritable(folder, error) from error

    outputs.write_or_spare(folder / FILE_NAME, write)


def _unwritable(folder: Path, error: OSError) -> WorkbookError:
    # What is no folder may be a file, a device, or a link that leads nowhere.
    reason = "it is no folder" if isinstance(error, FileExistsError) else error.strerror
    return WorkbookError(
        f"Cannot write into {folder} ({reason}): name a folder that you can write to and "
        "that has room."
    )
