"""Read what students hand in: files of any name that may hold anything."""

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simmim_lib import __version__, exercises
from simmim_lib.errors import WorkbookError, check_choice
from simmim_lib.lessons import LESSONS
from simmim_lib.teaching import answer_cells, predicted
from simmim_lib.teaching.outcomes import Answer, Outcome

LARGEST = 50_000_000  # bytes
LONGEST_NAME, LONGEST_CELL = 100, 100_000  # characters

ANSWER, IMPORTS, STUDENT = "answer", "imports", "student"
"""Tags of cells: an exercise's, those that all others need, and that with the student's name."""

KEY = "simmim"
"""Of a class copy's own entries in a notebook's and in a cell's metadata."""

_NAME = re.compile(
    r"""(?mx)^[^\S\n]* student [^\S\n]*=[^\S\n]*
    (?: (["'])(?P<quoted>.*?)\1 | ["']?(?P<bare>[^\#\n]*?) ) [^\S\n]* (?:\#.*)?$"""
)


@dataclass(frozen=True)
class Submission:
    """A notebook that was handed in.

    Attributes:
        student: the name or number in its first cells, else its file's name.
        lesson: two digits.
        imports: the code that every answer needs.
        answers: what can be run.
        outcomes: what is known without running anything.
        elsewhere: exercises that also a cell without a tag checks.
        predictions: how many were right, in words; empty where the lesson asks for none.
    """

    student: str
    lesson: str
    imports: str
    answers: tuple[Answer, ...]
    outcomes: tuple[Outcome, ...]
    elsewhere: frozenset[str]
    predictions: str


@dataclass(frozen=True)
class _CodeCell:
    source: str
    tags: frozenset[str]
    own: dict[str, Any]  # the metadata of class copies
    outputs: tuple[Any, ...]

    @property
    def exercise(self) -> str:
        """The exercise whose answer cell this is, or nothing."""
        return str(self.own.get("exercise", "")) if ANSWER in self.tags else ""


@dataclass
class _Found:
    """What a notebook holds for one exercise."""

    own: list[_CodeCell] = field(default_factory=list)
    others: list[_CodeCell] = field(default_factory=list)


def find(folder: Path, output: Path) -> list[Path]:
    """List the files of a folder and of the folders in it, in order.

    Args:
        folder: where they were collected.
        output: the table, which may lie among them.

    Raises:
        WorkbookError: there is no such folder, or nothing in it.
    """
    if not os.path.isdir(folder):
        raise WorkbookError(f"{folder} is no folder: name the one that holds what was handed in.")
    files = [path for path in _files(folder) if path.resolve() != output.resolve()]
    if not files:
        raise WorkbookError(f"{folder} holds no files: put the collected notebooks there.")
    return sorted(files)


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        # Checkpoints, and what archives and office programs leave behind.
        folders[:] = [each for each in folders if not each.startswith((".", "__"))]
        for name in names:
            path = Path(place, name)
            if not name.startswith((".", "~")) and path.is_file():
                yield path


def content_of(path: Path) -> bytes:
    """Read a file.

    Raises:
        WorkbookError: it is too large, or cannot be read.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise WorkbookError(
                f"The file has {size / 1e6:.0f} MB, and {LARGEST / 1e6:.0f} are the most: ask for "
                "the notebook with its outputs cleared."
            )
        return path.read_bytes()
    except OSError as error:
        raise WorkbookError(
            f"The file cannot be read ({error.strerror}): copy it again."
        ) from error


def read(content: bytes, name: str, asked: str | None) -> Submission:
    """Read a notebook that was handed in.

    Args:
        content: of the file.
        name: for a student who gives none.
        asked: the only lesson that is wanted, or none.

    Raises:
        WorkbookError: it is no notebook, or not one of a lesson, or not of the lesson asked for.
    """
    cells, own = _parse(content)
    found = _by_exercise(cells)
    lesson = _lesson(own, found)
    if asked and lesson != asked:
        raise WorkbookError(
            f"This is lesson {lesson}, and lesson {asked} was asked for: ask for the right one."
        )
    answers, outcomes = _sort(found, lesson)
    return Submission(
        _student(cells) or name,
        lesson,
        _imports(cells),
        tuple(answers),
        (*_other_version(own), *_without_imports(cells), *outcomes),
        frozenset(exercise for exercise, each in found.items() if each.own and each.others),
        predicted.in_words(lesson, [output for cell in cells for output in cell.outputs]),
    )


def _parse(content: bytes) -> tuple[list[_CodeCell], dict[str, Any]]:
    """Return a notebook's code cells, and its entry in the notebook's metadata.

    The file may hold anything, so it is read as JSON: nbformat would repair and comment on it.
    """
    try:
        document = json.loads(content.decode("utf-8-sig"))
        cells = [_code_cell(cell) for cell in document["cells"] if cell["cell_type"] == "code"]
        own = document.get("metadata", {}).get(KEY, {})
        return cells, own if isinstance(own, dict) else {}
    except WorkbookError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise WorkbookError(
            "The file is no notebook: ask for the .ipynb file, as Jupyter or Colab saves it."
        ) from error


def _code_cell(cell: dict[str, Any]) -> _CodeCell:
    metadata = cell.get("metadata", {})
    own = metadata.get(KEY, {})
    tags = frozenset(map(str, metadata.get("tags", [])))
    source = cell["source"]
    text = source if isinstance(source, str) else "".join(source)
    if len(text) > LONGEST_CELL:
        raise WorkbookError(
            f"A cell has {len(text):,} characters, and {LONGEST_CELL:,} are the most: ask for the "
            "notebook without it."
        )
    outputs = cell.get("outputs")
    return _CodeCell(
        text,
        tags,
        own if isinstance(own, dict) else {},
        tuple(outputs) if isinstance(outputs, list) else (),
    )


def _by_exercise(cells: Sequence[_CodeCell]) -> dict[str, _Found]:
    found: dict[str, _Found] = defaultdict(_Found)
    for cell in cells:
        if cell.exercise:
            found[cell.exercise].own.append(cell)
            continue
        for exercise in _checked(cell):
            found[exercise].others.append(cell)
    return found


def _checked(cell: _CodeCell) -> list[str]:
    """Return the exercises that a cell checks; of a cell that is no Python nothing is known."""
    try:
        return list(answer_cells.read(cell.source).answers)
    except SyntaxError:
        return []


def _lesson(own: dict[str, Any], found: dict[str, _Found]) -> str:
    """Tell the lesson from what a class copy says, else from the exercises; not from its name."""
    known = [lesson.number for lesson in LESSONS]
    numbers = [str(own.get("lesson", "")), *(name.partition("-")[0] for name in found)]
    for number in numbers:
        if number in known:
            return number
    if numbers[0]:
        check_choice("lesson", numbers[0], known)
    raise WorkbookError(
        "The notebook is of no lesson: ask for the copy that `simmim teach copy` has made."
    )


def _imports(cells: Sequence[_CodeCell]) -> str:
    """Return what every answer needs: the tagged cells or, where tags are lost, the likely ones."""
    tagged = [cell.source for cell in cells if IMPORTS in cell.tags]
    return "\n".join(
        tagged or [cell.source for cell in cells if answer_cells.only_imports(cell.source)]
    )


def _without_imports(cells: Sequence[_CodeCell]) -> Iterator[Outcome]:
    if not _imports(cells):
        yield Outcome(
            "",
            "unclear",
            "The cell of imports is not there: an answer in which a name is not defined may be "
            "right.",
        )


def _student(cells: Sequence[_CodeCell]) -> str:
    """Return the name from the tagged cell or, where tags are lost, from any that has one."""
    for cell in [cell for cell in cells if STUDENT in cell.tags] or cells:
        if name := _NAME.search(cell.source):
            return " ".join((name["quoted"] or name["bare"] or "").split())[:LONGEST_NAME]
    return ""


def _other_version(own: dict[str, Any]) -> Iterator[Outcome]:
    version = own.get("version", __version__)
    if version != __version__:
        yield Outcome(
            "",
            "unclear",
            f"The copy is of version {str(version)[:20]} of the workbook, and this is "
            f"{__version__}: its answers were checked as today's lesson asks.",
        )


def exercises_of(lesson: str) -> list[str]:
    """Return the names of a lesson's exercises."""
    return [name for name in exercises.names() if name.startswith(f"{lesson}-")]


def _sort(found: dict[str, _Found], lesson: str) -> tuple[list[Answer], list[Outcome]]:
    """Divide a lesson's exercises into what can be run, and what is known already."""
    expected = exercises_of(lesson)
    # In the notebook's order, as an answer may use what stands above it.
    ordered = dict.fromkeys([*(name for name in found if name in expected), *expected])
    both = [_answer(name, found.get(name, _Found())) for name in ordered]
    unknown = [_unknown(name, expected) for name in found if name not in expected]
    if not both:
        unknown.append(Outcome("", "unclear", f"Lesson {lesson} has no exercises to check."))
    answers = [each for each in both if isinstance(each, Answer)]
    return answers, [*unknown, *(each for each in both if isinstance(each, Outcome))]


def _unknown(name: str, expected: Sequence[str]) -> Outcome:
    try:
        check_choice("exercise", name, expected)
    except WorkbookError as error:
        return Outcome(name, "unclear", str(error))
    raise AssertionError(name)


def _answer(exercise: str, found: _Found) -> Answer | Outcome:
    cells = found.own or found.others
    if not cells:
        sentence = "The answer cell is not there: ask for it, or take it as not done."
        return Outcome(exercise, "missing", sentence)
    if len({cell.source.strip() for cell in cells}) > 1:
        return Outcome(
            exercise,
            "unclear",
            f"There are {len(cells)} cells with different answers: keep one of them.",
        )
    cell = cells[0]
    try:
        checked = answer_cells.read(cell.source).answers
    except SyntaxError as error:
        where = f" (line {error.lineno} of the cell)" if error.lineno else ""
        return Outcome(exercise, "wrong", f"The cell is no Python: {error.msg}{where}.")
    if checked and exercise not in checked:
        others = ", ".join(f"`{name}`" for name in checked)
        return Outcome(
            exercise,
            "unclear",
            f"Its answer cell checks {others}: move each answer into the cell of its exercise.",
        )
    return Answer(exercise, cell.source, str(cell.own.get("answer", "...")))
