"""A table with a row for each image or text: a column of them, and one or more of labels."""

import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from simmim_lib.datasets.image_files import SUFFIXES, is_image
from simmim_lib.datasets.listing import LabelledFile, Listing, Problem
from simmim_lib.datasets.naming import OwnData
from simmim_lib.datasets.tables import Row, read_rows
from simmim_lib.errors import WorkbookError, check_choice, offered, shown
from simmim_lib.foundation.paths import from_person

IMAGE_COLUMNS = ("image", "path", "file", "filename")
LABEL_COLUMNS = ("label", "class", "target", "stars")
"""Names, in any case, by which columns are found where the address does not say them."""

MAX_NUMBERED_CLASSES = 20
"""More different numbers than these are no classes."""

Label = int | tuple[float, ...] | None
"""None: the cell is not of the kind that the others are."""


@dataclass(frozen=True)
class Columns:
    """Which columns hold what: `image` paths or texts; `group` is "" where there are no groups."""

    image: str
    labels: tuple[str, ...]
    group: str
    subgroups: tuple[str, ...]

    @property
    def needed(self) -> tuple[str, ...]:
        """The columns that have a value in every row."""
        return (self.image, *self.labels, *filter(None, [self.group]))


def list_table(own: OwnData) -> Listing:
    """List the images of a table; their paths are absolute, or begin where the table is.

    What the labels are follows from the cells:

    - several columns hold 0 and 1: labels that are true of an image or not;
    - one column of numbers, more than 20 different ones or some that are not whole: a number for
      each image;
    - one column of anything else: classes, in the order of the alphabet or of their numbers.

    Raises:
        WorkbookError: the table is missing or broken, a column is not there or not to be found, or
            no row can be used.
    """
    header, rows = read_rows(own.path, own.sep)
    columns = _find_columns(own, header, rows)
    problems = {row.number: _what_is_wrong(row, columns, own) for row in rows}
    usable = [row for row in rows if not problems[row.number]]
    kind, class_names, labels = _labels(own, columns.labels, usable)
    files = []
    for row, label in zip(usable, labels, strict=True):
        if label is None:
            problems[row.number] = f"its {shown(columns.labels[0])} is not a number"
        else:
            files.append(_labelled(own, row, columns, label))
    wrong = [
        Problem(_shown(row, "" if own.text else columns.image), problems[row.number])
        for row in rows
        if problems[row.number]
    ]
    return Listing(
        *(own.path, kind, class_names, tuple(files)),
        problems=tuple(wrong),
        content="texts" if own.text else "images",
        subgroups=columns.subgroups,
    )


def _labelled(
    own: OwnData, row: Row, columns: Columns, label: int | tuple[float, ...]
) -> LabelledFile:
    group = row.cells.get(columns.group, "")
    subgroups = tuple(row.cells[name] or "not stated" for name in columns.subgroups)
    if own.text:
        path, shown_as, text = own.path, _shown(row, ""), row.cells[own.text]
    else:
        path = _path(own.path.parent, row, columns.image)
        shown_as, text = _shown(row, columns.image), ""
    return LabelledFile(path, shown_as, label, group=group, text=text, subgroups=subgroups)


def _path(folder: Path, row: Row, image: str) -> Path:
    """Return what a row means; `~` is a home, unless a file beside the table is called so."""
    beside = folder / row.cells[image]
    return beside if os.path.lexists(beside) else folder / from_person(row.cells[image])


def _shown(row: Row, image: str) -> str:
    """Return what sentences call a row: its number and, if there is one, its image."""
    named = row.cells.get(image)
    return f"row {row.number}: {named}" if named else f"row {row.number}"


def _what_is_wrong(row: Row, columns: Columns, own: OwnData) -> str:
    empty = [name for name in columns.needed if not row.cells[name]]
    if empty:
        return f"its {shown(empty[0])} is empty"
    if own.text:
        return ""
    try:
        path = _path(own.path.parent, row, columns.image)
    except WorkbookError:
        return "there is no such file"
    if not os.path.exists(path):  # Path.exists stops with an error at a name that is too long
        return "there is no such file"
    return "" if is_image(path) else f"is none of {', '.join(SUFFIXES)}"


def _find_columns(own: OwnData, header: Sequence[str], rows: Sequence[Row]) -> Columns:
    """Return the columns that an address names; those that it does not are found by rules.

    The paths' is called as in `IMAGE_COLUMNS`, else all its cells end like an image. The labels' is
    called as in `LABEL_COLUMNS`, else the only one beside. Either must be the only one.
    """
    what = f"column of {own.path}:"
    group = check_choice(what, own.group, header) if own.group else ""
    if own.text and own.image:
        raise WorkbookError(
            f"image={own.image} and text={own.text} are both given for {own.path}, but examples "
            "are either images or texts: leave one out."
        )
    image = own.text or own.image or _find_image(own.path, header, rows)
    check_choice(what, image, header)
    subgroups = _several(own.subgroups, header)
    for name in subgroups:
        check_choice(what, name, [each for each in header if each != image])
    others = [name for name in header if name not in (image, group, *subgroups)]
    labels = _several(own.labels, header)
    if not labels:
        labels = (_only_one(own.path, "label", _called(others, LABEL_COLUMNS) or others),)
    for name in labels:
        check_choice(what, name, others)
    return Columns(image, labels, group, subgroups)


def _several(given: str, header: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that an option names, one or several with + between them."""
    if not given:
        return ()
    return (given,) if given in header else tuple(dict.fromkeys(given.split("+")))


def _find_image(path: Path, header: Sequence[str], rows: Sequence[Row]) -> str:
    def holds_images(name: str) -> bool:
        cells = [row.cells[name].lower() for row in rows if row.cells[name]]
        return bool(cells) and all(cell.endswith(SUFFIXES) for cell in cells)

    found = _called(header, IMAGE_COLUMNS) or [name for name in header if holds_images(name)]
    return _only_one(path, "image", found, header)


def _called(header: Sequence[str], names: Sequence[str]) -> list[str]:
    return [name for name in header if name.lower() in names]


def _only_one(path: Path, option: str, found: Sequence[str], header: Sequence[str] = ()) -> str:
    if len(found) == 1:
        return found[0]
    problem = "Several columns" if found else "No column"
    raise WorkbookError(
        f"{problem} of {path} could be the {option}'s: write {option}=COLUMN with one of "
        f"{offered(found or header)}."
    )


def _labels(
    own: OwnData, columns: Sequence[str], rows: Sequence[Row]
) -> tuple[str, tuple[str, ...], list[Label]]:
    """Return the kind of the labels, the names of classes or columns, and each row's label."""
    if len(columns) > 1:
        return "multi-label", tuple(columns), [_flags(own.path, columns, row) for row in rows]
    cells = [row.cells[columns[0]] for row in rows]
    numbers = [_number(cell) for cell in cells]
    if _are_measured([number for number in numbers if number is not None], len(cells)):
        labels: list[Label] = [None if number is None else (number,) for number in numbers]
        return "regression", tuple(columns), labels
    _check_commas(own.path, columns[0], cells)
    names = [_class_name(cell) for cell in cells]
    class_names = sorted(set(names), key=_order)
    if len(class_names) < 2:
        found = ", ".join(class_names) or "no row that can be used"
        raise WorkbookError(
            f"The column {shown(columns[0])} of {own.path} has one class only ({found}): add rows "
            "of another, because with one there is nothing to tell apart."
        )
    return "classification", tuple(class_names), [class_names.index(name) for name in names]


def _check_commas(path: Path, column: str, cells: Sequence[str]) -> None:
    """Refuse measurements with decimal commas, each of which would be a class.

    They are not read as numbers, since 1,250 may also be a thousand and a quarter of one.
    """
    with_commas = {cell for cell in cells if re.fullmatch("[+-]?[0-9]+,[0-9]+", cell)}
    if len(with_commas) > MAX_NUMBERED_CLASSES:
        raise WorkbookError(
            f"The column {shown(column)} of {path} holds numbers with commas, such as "
            f"{min(with_commas)}, which may be decimal or for thousands: write them with a decimal "
            "point, as spreadsheets do after a change of the language."
        )


def _class_name(cell: str) -> str:
    """Return one name for whole numbers that are written differently, such as 1 and 1.0."""
    number = _number(cell)
    return cell if number is None or not number.is_integer() else str(int(number))


def _number(cell: str) -> float | None:
    if "_" in cell:  # which Python takes for a thousands separator
        return None
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _are_measured(numbers: Sequence[float], cells: int) -> bool:
    """Tell whether cells, most of which hold numbers, are measurements and no classes."""
    different = set(numbers)
    whole = all(number.is_integer() for number in different)
    return len(numbers) > cells / 2 and (len(different) > MAX_NUMBERED_CLASSES or not whole)


def _order(name: str) -> tuple[bool, float, str]:
    """Sort numbers by their size, before all other names."""
    number = _number(name)
    return number is None, number or 0.0, name


def _flags(path: Path, columns: Sequence[str], row: Row) -> tuple[float, ...]:
    numbers = [_number(row.cells[column]) for column in columns]
    for column, number in zip(columns, numbers, strict=True):
        if number not in (0, 1):
            raise WorkbookError(
                f"Row {row.number} of {path} has {shown(row.cells[column])} in {shown(column)}, "
                "but several columns of labels hold 0 and 1 only: correct it, or name one column."
            )
    return tuple(float(number or 0) for number in numbers)
