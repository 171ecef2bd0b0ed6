"""Class copies as students hand them in, finished and with planted troubles."""

import json
import re
from functools import cache
from pathlib import Path

import build
from nbformat import NotebookNode, from_dict

from simmim_lib.lessons import LESSONS
from simmim_lib.teaching import copies

SOLUTION = re.compile(r"(?s)<summary>Solution[^<]*</summary>.*?```python\n(.*?)```")
CHECK = re.compile(r"(?m)^exercises\.check\(")


@cache
def _lesson(number: str) -> tuple[NotebookNode, NotebookNode]:
    """Return a lesson as it is written, not run, and its class copy."""
    (lesson,) = (lesson for lesson in LESSONS if lesson.number == number)
    notebook = build.read_lesson(build.FOLDER / "source" / f"{lesson.name}.py")
    return notebook, copies.class_copy(notebook, lesson)


def blank(number: str) -> NotebookNode:
    """Return a lesson's class copy, as students get it."""
    return from_dict(_lesson(number)[1])


def answer_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if "answer" in cell.metadata.get("tags", [])]


def exercise_names(number: str) -> list[str]:
    return [cell.metadata.simmim.exercise for cell in answer_cells(_lesson(number)[1])]


def put(cell: NotebookNode, code: str) -> None:
    """Write into an answer cell, between the stub and the check."""
    start = CHECK.search(cell.source).start()
    cell.source = f"{cell.source[:start]}{code.rstrip()}\n\n{cell.source[start:]}"


def finished(number: str, student: str = "") -> NotebookNode:
    """Return a class copy with the lesson's own solutions in its answer cells."""
    notebook = blank(number)
    solutions = [
        found[1]
        for cell in _lesson(number)[0].cells
        if cell.cell_type == "markdown"
        for found in SOLUTION.finditer(cell.source)
    ]
    for cell, code in zip(answer_cells(notebook), solutions, strict=True):
        put(cell, code)
    name(notebook, student)
    return notebook


def name(notebook: NotebookNode, student: str) -> None:
    (cell,) = (cell for cell in notebook.cells if "student" in cell.metadata.get("tags", []))
    cell.source = cell.source.replace('student = ""', f'student = "{student}"')


def save(notebook: NotebookNode, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook), "utf-8")
    return path
