"""A table (CSV): its columns and rows, read strictly."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from simmim_lib.datasets.listing import several
from simmim_lib.errors import WorkbookError, shown
from simmim_lib.foundation import plain_files

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t"}

MISSING = ("", "na", "n/a", "nan")
"""What a cell without a value holds, in any case."""


@dataclass(frozen=True)
class Row:
    """A row of a table.

    Attributes:
        number: as spreadsheets count, with the names of the columns in row 1.
        cells: by column; "" where there is no value.
    """

    number: int
    cells: dict[str, str]


def read_rows(path: Path, sep: str = "") -> tuple[list[str], list[Row]]:
    """Return the names of a table's columns, and its rows; empty rows are skipped.

    Args:
        path: of a text file in UTF-8.
        sep: what separates cells; "": the most frequent separator in the first line.

    Raises:
        WorkbookError: the file is missing, unreadable or no table.
    """
    records = _records(path, sep)
    if len(records) < 2:
        raise WorkbookError(f"The table {path} has no rows: give it names of columns, then rows.")
    header = [name.strip() for name in records[0][1]]
    if len(set(header)) < len(header):
        twice = next(name for name in header if header.count(name) > 1)
        raise WorkbookError(f"The table {path} has two columns {shown(twice)}: rename one of them.")
    uneven = [str(number) for number, cells in records if len(cells) != len(header)]
    if uneven:
        raise WorkbookError(
            f"The table {path} has {len(header)} columns, but not so many cells in row "
            f'{several(uneven)}: put cells that hold the separator into quotes ("), or name '
            "another separator by sep=."
        )
    return header, [
        Row(number, dict(zip(header, map(_value, cells), strict=True)))
        for number, cells in records[1:]
    ]


def _records(path: Path, sep: str) -> list[tuple[int, Sequence[str]]]:
    """Return the cells of each row that is not empty, with its number."""
    usual = csv.field_size_limit(2**31 - 1)  # the file as a whole is bounded
    try:
        lines = io.StringIO(plain_files.read_text(path), newline="")
        by = sep or max(SEPARATORS.values(), key=lines.readline().count)
        lines.seek(0)
        rows = csv.reader(lines, delimiter=by, strict=True)
        return [(number, cells) for number, cells in enumerate(rows, start=1) if cells]
    except WorkbookError:
        raise
    except OSError as error:
        raise WorkbookError(
            f"The table {path} cannot be read ({error.strerror}): name a CSV file that is there."
        ) from error
    except (ValueError, csv.Error) as error:  # of UTF-8, or of the separator
        raise WorkbookError(
            f"The table {path} cannot be read ({error}): save it as CSV in UTF-8."
        ) from error
    finally:
        csv.field_size_limit(usual)


def _value(cell: str) -> str:
    cell = cell.strip()
    return "" if cell.lower() in MISSING else cell
