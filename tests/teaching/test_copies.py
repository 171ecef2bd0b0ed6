"""Class copies: nothing gives an answer away, and every answer is found again."""

import ast
import json
import re

import build
import handed_in
import nbformat
import pytest

from simmim_lib import __version__, exercises
from simmim_lib.errors import WorkbookError
from simmim_lib.lessons import LESSONS
from simmim_lib.teaching import copies

each_lesson = pytest.mark.parametrize("number", [lesson.number for lesson in LESSONS])


def lesson_of(number):
    return next(lesson for lesson in LESSONS if lesson.number == number)


def markdown(notebook):
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


@each_lesson
def test_a_copy_is_a_notebook_without_solutions_and_outputs(number):
    copy = handed_in.blank(number)
    nbformat.validate(copy)
    assert "<summary>Solution" not in json.dumps(copy)
    assert "colab.research.google.com" not in markdown(copy), "leads to the solutions"
    code = [cell for cell in copy.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert copy.metadata.simmim.lesson == number
    assert copy.metadata.simmim.version == __version__


@each_lesson
def test_no_line_of_a_solution_is_left(number):
    """Of those that are neither in the task nor in the text of the lesson around it."""
    source = build.read_lesson(build.FOLDER / "source" / f"{lesson_of(number).name}.py")
    copy = json.dumps(handed_in.blank(number))
    folded = [found[1] for found in handed_in.SOLUTION.finditer(markdown(source))]
    rest = "\n".join(cell.source for cell in source.cells)
    for code in folded:
        rest = rest.replace(code, "")
    lines = [line for code in folded for line in code.splitlines() if line.strip()]
    own = [line for line in lines if line.strip() not in rest]
    assert bool(own) == bool(handed_in.exercise_names(number))
    assert not [line for line in own if json.dumps(line)[1:-1] in copy]


@each_lesson
def test_every_exercise_has_one_answer_cell_with_a_stable_id(number):
    cells = {
        cell.id: cell.metadata.simmim for cell in handed_in.answer_cells(handed_in.blank(number))
    }
    names = [name for name in exercises.names() if name.startswith(f"{number}-")]
    assert sorted(cells) == [f"answer-{name}" for name in names]
    assert sorted(own.exercise for own in cells.values()) == names
    assert all(ast.parse(own.answer, mode="eval") for own in cells.values())


def test_hints_stay_unless_they_are_not_wanted():
    source = build.read_lesson(build.FOLDER / "source" / f"{lesson_of('02').name}.py")
    kept = markdown(copies.class_copy(source, lesson_of("02"), hints=True))
    left_out = markdown(copies.class_copy(source, lesson_of("02"), hints=False))
    number = markdown(source).count("<summary>Hint")
    assert kept.count("<summary>Hint") == number > 0
    assert left_out.count("<summary>Hint") == 0
    assert "<summary>Solution" in markdown(source), "the lesson itself stays as it is"
    assert left_out.count("<details>") == left_out.count("</details>")


def test_the_name_has_a_cell_of_its_own():
    first, second, *_ = handed_in.blank("02").cells
    assert first.source.startswith("# 02")
    assert second.metadata.tags == ["student"]
    assert re.search(r'(?m)^student = ""$', second.source)


def notebooks(folder, number="02"):
    """Write a lesson as the workbook has it, with an output that shows an answer."""
    notebook = build.read_lesson(build.FOLDER / "source" / f"{lesson_of(number).name}.py")
    output = nbformat.v4.new_output("stream", text="the answer is 42")
    next(cell for cell in notebook.cells if cell.cell_type == "code").outputs = [output]
    folder.mkdir()
    nbformat.write(notebook, folder / lesson_of(number).notebook)
    return folder


def test_copies_are_written_and_never_over_others(tmp_path):
    source, output = notebooks(tmp_path / "notebooks"), tmp_path / "class" / "copies"
    (path,) = copies.write(source, output, ["02"])
    assert path == output / "02_loss_formula.ipynb"
    assert "the answer is 42" not in path.read_text("utf-8")
    path.write_text("a student's work", "utf-8")
    with pytest.raises(WorkbookError, match=r"is there already.*name a new folder"):
        copies.write(source, output, ["02"])
    assert path.read_text("utf-8") == "a student's work"


def unfold_a_solution(folder):
    path = folder / "02_loss_formula.ipynb"
    path.write_text(path.read_text("utf-8").replace("<summary>Solution", "<summary>Answer", 1))


def cut_a_notebook(folder):
    (folder / "02_loss_formula.ipynb").write_text('{"cells": [')


@pytest.mark.parametrize(
    ("spoil", "numbers", "words"),
    [
        (lambda folder: None, ["2"], "Unknown lesson '2'"),
        (lambda folder: None, ["01"], "01_transfer_learning.ipynb cannot be read"),
        (cut_a_notebook, ["02"], "02_loss_formula.ipynb cannot be read"),
        (unfold_a_solution, ["02"], "4 exercises and 3 folded solutions"),
        (lambda folder: (folder.parent / "out").write_text(""), ["02"], "cannot be made"),
    ],
)
def test_what_cannot_be_copied_is_refused_and_nothing_is_written(tmp_path, spoil, numbers, words):
    folder = notebooks(tmp_path / "notebooks")
    spoil(folder)
    with pytest.raises(WorkbookError, match=re.escape(words)):
        copies.write(folder, tmp_path / "out", numbers)
    assert not (tmp_path / "out").is_dir()
