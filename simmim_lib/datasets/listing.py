"""What a folder or a table of one's own names: files with labels, before any of them is opened."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

MAX_NAMED = 50
"""How many files that must be put right one sentence names."""

FEW = 10
"""The same of files that may stay as they are."""

PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""Names, in any case, of folders above the classes, and the part that each is."""


@dataclass(frozen=True)
class LabelledFile:
    """An image or a text, and what is known about it.

    Attributes:
        path: of the file.
        shown: its name in sentences.
        label: a position in the class names, or a number for each column of labels.
        part: "train", "validation" or "test".
        group: what it shares with images that must stay in its part; "": nothing.
        text: the example itself, where a row of a table holds it and names no file.
        subgroups: what each of the listing's columns of subgroups says.
    """

    path: Path
    shown: str
    label: int | tuple[float, ...]
    part: str = "train"
    group: str = ""
    text: str = ""
    subgroups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Problem:
    """A file or a row that cannot be used, and why, in words that follow its name."""

    shown: str
    reason: str


@dataclass(frozen=True)
class Listing:
    """What a folder or a table names.

    Attributes:
        path: of the folder or table.
        kind: one of `dataset.KINDS`.
        class_names: the classes, or the names of the labels' columns.
        files: in an order that is the same on every file system.
        left_out: names of files that are no examples.
        problems: rows that cannot be used.
        from_outside: names of files and folders that are links to a place outside the folder.
        content: one of `dataset.CONTENTS`.
        subgroups: names of the columns that say which subgroup an image is of.
    """

    path: Path
    kind: str
    class_names: tuple[str, ...]
    files: tuple[LabelledFile, ...]
    left_out: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    from_outside: tuple[str, ...] = ()
    content: str = "images"
    subgroups: tuple[str, ...] = ()

    def has(self, part: str) -> bool:
        """Tell whether some of the files are said to be of a part."""
        return any(file.part == part for file in self.files)

    @property
    def state(self) -> tuple[object, ...]:
        """Another whenever a file was added, removed, renamed or written."""
        return (self.class_names, self.problems, *(_state(file) for file in self.files))


def _state(file: LabelledFile) -> tuple[object, ...]:
    try:
        status = os.stat(file.path)
    except OSError:
        return (file,)
    return (file, status.st_mtime_ns, status.st_size)


def several(names: Iterable[str], most: int = MAX_NAMED) -> str:
    """Return names for a sentence: the first few, and how many more there are."""
    named = list(names)
    more = f" and {len(named) - most} more" if len(named) > most else ""
    return ", ".join(named[:most]) + more


def explained(problems: Sequence[Problem]) -> str:
    """Return the names of the first few problems and how many more there are, by reason."""
    by_reason: dict[str, list[str]] = {}
    for problem in problems[:MAX_NAMED]:
        by_reason.setdefault(problem.reason, []).append(problem.shown)
    texts = [f"{', '.join(names)} ({reason})" for reason, names in by_reason.items()]
    more = f" and {len(problems) - MAX_NAMED} more" if len(problems) > MAX_NAMED else ""
    return "; ".join(texts) + more
