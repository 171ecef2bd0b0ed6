"""The table of a class: a row for each exercise of each notebook, and for each that failed."""

import csv
import io
import os
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from simmim_lib.errors import WorkbookError, printable
from simmim_lib.foundation import atomic
from simmim_lib.foundation.plain_files import check_plain
from simmim_lib.teaching.outcomes import FAILURES

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula (OWASP, "CSV injection")."""


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        student: name or number, or the file's name where none is given.
        lesson: two digits; empty where the file tells none.
        exercise: its name; empty for what is said of the whole notebook.
        verdict: as `outcomes.Judgement`.
        sentence: what the check says, or why it was not asked.
        predictions: of the whole notebook, as `predicted.in_words`.
        file: below the folder that was checked.
        fingerprint: of the file and of its checks; empty for what depends on other files.
    """

    student: str
    lesson: str
    exercise: str
    verdict: str
    sentence: str
    predictions: str
    file: str
    fingerprint: str

    @property
    def is_failure(self) -> bool:
        """Whether a teacher has to look."""
        return self.verdict in FAILURES


HEADINGS = [field.name for field in fields(Row)]


def as_csv(rows: Iterable[Row]) -> str:
    """Return the table as text; no student's text becomes a formula in a spreadsheet."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(HEADINGS)
    table.writerows([plain(value) for value in astuple(row)] for row in rows)
    return text.getvalue()


def plain(value: str) -> str:
    """Return a text as the table holds it: in one line, no formula, and nothing hidden in it."""
    line = printable(" ".join(value.encode("utf-8", "replace").decode().split()))
    return f"'{line}" if line.startswith(_FORMULA) else line


def write(rows: Iterable[Row], path: Path) -> None:
    """Write the table, atomically.

    Raises:
        WorkbookError: it cannot be written.
    """
    atomic.write_text(path, as_csv(rows))


def read(path: Path) -> list[Row]:
    """Read a table that `write` has written; none, if there is no such file.

    Raises:
        WorkbookError: the file is another one, which must not be lost, or no plain file.
    """
    check_plain(path)  # the table is read again, and a pipe would be waited for
    if not os.path.exists(path):
        return []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            table = csv.DictReader(file, strict=True)
            headings, lines = table.fieldnames, list(table)
        if headings != HEADINGS:
            raise ValueError(headings)
        return [Row(**line) for line in lines]
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise WorkbookError(
            f"{path} is no table of `simmim teach check`, and would be lost: name another file."
        ) from error


def same_names(rows: Sequence[Row]) -> list[Row]:
    """Return a row for each file whose student and lesson another file has, too."""
    files: dict[tuple[str, str], dict[str, None]] = {}
    for row in rows:
        if row.lesson:
            files.setdefault((_folded(row.student), row.lesson), {})[row.file] = None
    found = []
    for row in {row.file: row for row in rows if row.lesson}.values():
        others = [each for each in files[_folded(row.student), row.lesson] if each != row.file]
        if others:
            sentence = f"The same name is in {', '.join(others[:3])}: ask which one counts."
            found.append(Row(row.student, row.lesson, "", "unclear", sentence, "", row.file, ""))
    return found


def _folded(student: str) -> str:
    """Return a name as it compares: a keyboard may write an umlaut as one letter or as two."""
    return unicodedata.normalize("NFKC", plain(student)).casefold()
