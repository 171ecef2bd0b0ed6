"""Class copies of lessons: no solutions, no outputs, answer cells that can be found again."""

import ast
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from simmim_lib import __version__
from simmim_lib.errors import WorkbookError, check_choice
from simmim_lib.foundation import atomic
from simmim_lib.lessons import LESSONS, Lesson
from simmim_lib.teaching import answer_cells
from simmim_lib.teaching.submissions import ANSWER, KEY, STUDENT

if TYPE_CHECKING:
    from types import ModuleType

    from nbformat import NotebookNode

NAME_CELL = '''\
# Between the quotes: your name, or the number that you were given. Your answers go into the cells
# of the exercises; each of them must run with no other cell but the imports.
student = ""'''

_FOLDED = r"(?s)<details>\s*<summary>{}[^<]*</summary>(?:(?!<details>).)*?</details>\s*"
_SOLUTION = re.compile(_FOLDED.format("Solution"))
_HINT = re.compile(_FOLDED.format("Hint"))
_BADGE = re.compile(r"\[!\[Open in Colab\]\([^)]*\)\]\([^)]*\)\s*")
"""Leads to the published lesson, which has the solutions."""


def write(
    notebooks: Path, output: Path, numbers: Sequence[str] = (), hints: bool = True
) -> list[Path]:
    """Write class copies of lessons.

    Args:
        notebooks: the folder of the lessons' notebooks.
        output: a folder, made if it is missing.
        numbers: of the lessons, such as "01"; all, if there are none.
        hints: whether the folded hints stay.

    Returns:
        The files.

    Raises:
        WorkbookError: an unknown lesson, a notebook that is missing or not as it should be, or a
            file that is there already. Nothing is written then.
    """
    texts = {
        output / lesson.notebook: _text(notebooks / lesson.notebook, lesson, hints)
        for lesson in _chosen(numbers)
    }
    for path in texts:
        if os.path.lexists(path):
            raise WorkbookError(
                f"{path} is there already, and somebody may have worked in it: name a new folder."
            )
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WorkbookError(
            f"The folder {output} cannot be made ({error.strerror}): name another one."
        ) from error
    for path, text in texts.items():
        atomic.write_text(path, text)
    return list(texts)


def _chosen(numbers: Sequence[str]) -> list[Lesson]:
    known = {lesson.number: lesson for lesson in LESSONS}
    return [known[check_choice("lesson", number, known)] for number in numbers or known]


def _text(path: Path, lesson: Lesson, hints: bool) -> str:
    nbformat = _nbformat()
    try:
        notebook = nbformat.read(path, as_version=4)
    except (OSError, ValueError) as error:
        raise WorkbookError(
            f"The lesson {path} cannot be read: restore it from the workbook's repository."
        ) from error
    return nbformat.writes(class_copy(notebook, lesson, hints)) + "\n"


def _nbformat() -> "ModuleType":
    try:
        import nbformat
    except ImportError as error:
        raise WorkbookError(
            "nbformat is not installed in this Python; class copies need it: run "
            "`python -m pip install nbformat` and try again."
        ) from error
    return nbformat


def class_copy(notebook: "NotebookNode", lesson: Lesson, hints: bool = True) -> "NotebookNode":
    """Return a lesson as students get it.

    Args:
        notebook: the lesson, which is not changed.
        lesson: its entry in `LESSONS`.
        hints: whether the folded hints stay.

    Raises:
        WorkbookError: an exercise has no folded solution, which may stand somewhere else then.
    """
    from nbformat import from_dict
    from nbformat.v4 import new_code_cell

    copy = from_dict(notebook)
    copy.metadata.pop("widgets", None)
    copy.metadata[KEY] = {
        **copy.metadata.get(KEY, {}),
        "lesson": lesson.number,
        "version": __version__,
    }
    _check_solutions(copy, lesson)
    for cell in copy.cells:
        if cell.cell_type == "code":
            _empty(cell)
            _mark(cell)
        else:
            cell.source = _without_answers(cell.source, hints)
    copy.cells = [cell for cell in copy.cells if cell.source.strip()]
    name = new_code_cell(NAME_CELL, id=STUDENT, metadata={"tags": [STUDENT], "deletable": False})
    copy.cells.insert(1, name)
    return copy


def _check_solutions(notebook: "NotebookNode", lesson: Lesson) -> None:
    """Refuse a lesson where a solution may be left, because it is folded in another way."""
    exercises = sum(len(list(_exercises(cell))) for cell in notebook.cells)
    solutions = sum(
        len(_SOLUTION.findall(cell.source)) for cell in notebook.cells if cell.cell_type != "code"
    )
    if exercises != solutions:
        raise WorkbookError(
            f"Lesson {lesson.number} has {exercises} exercises and {solutions} folded solutions, "
            "so one might be left in the copy: fold each in <details><summary>Solution</summary>."
        )


def _exercises(cell: "NotebookNode") -> Iterator[tuple[str, ast.expr]]:
    if cell.cell_type == "code":
        yield from answer_cells.read(cell.source).answers.items()


def _empty(cell: "NotebookNode") -> None:
    """Take out what was computed: figures and verdicts give answers away."""
    cell.outputs, cell.execution_count = [], None


def _mark(cell: "NotebookNode") -> None:
    """Tag an exercise's cell, so that it is found again however it is filled in and moved."""
    for name, answer in _exercises(cell):
        cell.id = f"{ANSWER}-{name}"
        cell.metadata.tags = [*cell.metadata.get("tags", []), ANSWER]
        cell.metadata.deletable = False
        cell.metadata[KEY] = {"exercise": name, "answer": ast.unparse(answer)}


def _without_answers(text: str, hints: bool) -> str:
    shorter = _BADGE.sub("", _SOLUTION.sub("", text))
    return (shorter if hints else _HINT.sub("", shorter)).rstrip()
