"""Read what students hand in: every trouble has its sentence."""

import copy
import json
import os
import time

import handed_in
import pytest

from simmim_lib.errors import WorkbookError
from simmim_lib.teaching import submissions

FIRST, SECOND, *_ = NAMES = handed_in.exercise_names("02")


def read(notebook, asked=None):
    return submissions.read(json.dumps(notebook).encode(), "the file", asked)


def test_a_finished_copy_can_be_run():
    found = read(handed_in.finished("02", "Anna"))
    assert (found.student, found.lesson, found.outcomes) == ("Anna", "02", ())
    assert [answer.exercise for answer in found.answers] == NAMES
    assert "from simmim_lib import" in found.imports


@pytest.mark.parametrize(
    ("line", "student"),
    [
        ('student = "Anna  Müller"  # me', "Anna Müller"),
        ("student = '4711'", "4711"),
        ('student = "#12"', "#12"),
        ('student = "Group #2"  # or "Group #3"', "Group #2"),
        ("student = 'Liam O'Brien'", "Liam O'Brien"),
        ('student = "Anna', "Anna"),
        ("student = Anna  # me", "Anna"),
        ("student = ''  # your name", "the file"),
        ("student = 4711", "4711"),
        ("student = Anna", "Anna"),
        ('student = "=1+1"', "=1+1"),  # made harmless in the table
        ('student = ""', "the file"),
        ("nothing", "the file"),
        ('student = "' + "x" * 500 + '"', "x" * submissions.LONGEST_NAME),
    ],
)
def test_the_name_is_read_however_it_is_written(line, student):
    notebook = handed_in.blank("02")
    notebook.cells[1].source = f"# your name\n{line}"
    assert read(notebook).student == student


def test_a_cell_of_blank_lines_is_read_at_once():
    """In a time that grows with their number, not with its square."""
    notebook = handed_in.finished("02", "Anna")
    notebook.cells[1].source = "\n" * submissions.LONGEST_CELL
    start = time.perf_counter()
    assert read(notebook).student == "the file"
    assert time.perf_counter() - start < 5


def test_a_cell_too_long_for_a_person_is_refused():
    """It would be parsed, in the teacher's own process, into a thousand times its memory."""
    notebook = handed_in.finished("02", "Anna")
    notebook.cells[1].source = "1\n" * submissions.LONGEST_CELL
    with pytest.raises(WorkbookError, match="A cell has 200,000 characters, and 100,000"):
        read(notebook)


def cell_of(notebook, name=FIRST):
    return next(cell for cell in notebook.cells if cell.id == f"answer-{name}")


def delete(notebook):
    notebook.cells.remove(cell_of(notebook))


def copy_twice(notebook):
    another = copy.deepcopy(cell_of(notebook))
    another.id = "another"
    notebook.cells.insert(5, another)


def copy_twice_and_edit(notebook):
    copy_twice(notebook)
    notebook.cells[5].source += "\n# another attempt"


def swap(notebook):
    first, second = cell_of(notebook), cell_of(notebook, SECOND)
    first.source, second.source = second.source, first.source


def break_syntax(notebook):
    cell_of(notebook).source = "def f(:\n    pass"


def rename_exercise(notebook):
    cell = cell_of(notebook)
    cell.metadata.simmim.exercise = "02-logit-slop"
    cell.source = cell.source.replace(FIRST, "02-logit-slop")


def delete_imports(notebook):
    notebook.cells = [x for x in notebook.cells if "imports" not in x.metadata.get("tags", [])]


def age(notebook):
    notebook.metadata.simmim.version = "0.0.1"


@pytest.mark.parametrize(
    ("spoil", "exercise", "judgement", "words"),
    [
        (delete, FIRST, "missing", "is not there"),
        (copy_twice_and_edit, FIRST, "unclear", "2 cells with different answers: keep one"),
        (swap, FIRST, "unclear", f"Its answer cell checks `{SECOND}`"),
        (swap, SECOND, "unclear", f"Its answer cell checks `{FIRST}`"),
        (break_syntax, FIRST, "wrong", "is no Python: invalid syntax (line 1"),
        (rename_exercise, "02-logit-slop", "unclear", "Did you mean"),
        (rename_exercise, FIRST, "missing", "is not there"),
        (delete_imports, "", "unclear", "cell of imports is not there"),
        (age, "", "unclear", "is of version 0.0.1 of the workbook"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_trouble_has_its_sentence_and_the_other_answers_are_run(
    spoil, exercise, judgement, words
):
    notebook = handed_in.finished("02")
    spoil(notebook)
    found = read(notebook)
    (outcome,) = (each for each in found.outcomes if each.exercise == exercise)
    assert (outcome.judgement, words in outcome.sentence) == (judgement, True), outcome
    assert {answer.exercise for answer in found.answers} >= set(NAMES[2:])


def test_a_cell_that_is_copied_and_not_changed_is_run_once():
    notebook = handed_in.finished("02")
    copy_twice(notebook)
    found = read(notebook)
    assert found.outcomes == ()
    assert [answer.exercise for answer in found.answers] == NAMES


def strip_metadata(notebook):
    """As some programs save a notebook."""
    notebook.metadata = {}
    for cell in notebook.cells:
        cell.metadata = {}
        cell.pop("id")


def test_answers_are_found_by_their_checks_where_tags_are_lost():
    notebook = handed_in.finished("02", "Anna")
    imports = read(notebook).imports
    strip_metadata(notebook)
    found = read(notebook)
    assert found.student == "Anna"
    assert found.imports == imports
    assert found.lesson == "02"
    assert found.outcomes == ()
    assert [answer.exercise for answer in found.answers] == NAMES


def test_an_answer_in_another_cell_is_noticed():
    notebook = handed_in.finished("02")
    notebook.cells.append({**copy.deepcopy(cell_of(notebook)), "metadata": {}, "id": "mine"})
    assert read(notebook).elsewhere == {FIRST}


def test_a_check_line_that_was_deleted_is_no_loss():
    notebook = handed_in.finished("02")
    cell = cell_of(notebook)
    cell.source = cell.source[: handed_in.CHECK.search(cell.source).start()]
    answer = next(each for each in read(notebook).answers if each.exercise == FIRST)
    assert answer.expression == cell.metadata.simmim.answer


def notebook_of(cells, **metadata):
    return json.dumps({"cells": cells, "metadata": metadata}).encode()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is no notebook"),
        (b"%PDF-1.7 \xff\xfe", "is no notebook"),
        (b"[1, 2]", "is no notebook"),
        (b"null", "is no notebook"),
        (b'{"cells": 3}', "is no notebook"),
        (b'{"cells": [3]}', "is no notebook"),
        (b'{"cells": [{"cell_type": "code"}]}', "is no notebook"),
        (b'{"cells": [{"cell_type": "code", "source": 3}]}', "is no notebook"),
        (b'{"cells": [], "metadata": 3}', "is no notebook"),
        (b"[" * 100_000, "is no notebook"),
        (notebook_of([]), "of no lesson"),
        (notebook_of([{"cell_type": "code", "source": "print(1)"}]), "of no lesson"),
        (notebook_of([], simmim={"lesson": "77"}), "Unknown lesson '77'"),
        (notebook_of([], simmim={"lesson": ["02"]}), "Unknown lesson"),
        (notebook_of([], simmim={"lesson": "01"}), "This is lesson 01, and lesson 02 was asked"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_lesson_is_refused_in_one_sentence(content, words):
    with pytest.raises(WorkbookError) as refusal:
        submissions.read(content, "the file", "02")
    assert words in str(refusal.value)
    assert str(refusal.value).count("\n") == 0


def test_a_lesson_without_exercises_says_so():
    (outcome,) = read(handed_in.blank("00")).outcomes
    assert (outcome.judgement, outcome.sentence) == (
        "unclear",
        "Lesson 00 has no exercises to check.",
    )


def test_files_are_found_whatever_they_are_called(tmp_path):
    for name in ("b.ipynb", "a/final (1).ipynb.txt", "essay.pdf", "grades.csv"):
        handed_in.save({}, tmp_path / name)
    for name in (".hidden/x.ipynb", "a/.ipynb_checkpoints/y.ipynb", "__MACOSX/z.ipynb", "~$b"):
        handed_in.save({}, tmp_path / name)
    os.mkfifo(tmp_path / "pipe")
    found = submissions.find(tmp_path, tmp_path / "grades.csv")
    names = [path.relative_to(tmp_path).as_posix() for path in found]
    assert names == ["a/final (1).ipynb.txt", "b.ipynb", "essay.pdf"]


def test_a_folder_must_hold_something(tmp_path):
    with pytest.raises(WorkbookError, match="holds no files"):
        submissions.find(tmp_path, tmp_path / "grades.csv")
    with pytest.raises(WorkbookError, match="is no folder"):
        submissions.find(tmp_path / "missing", tmp_path / "grades.csv")


def test_a_huge_file_is_not_read(tmp_path):
    path = tmp_path / "huge.ipynb"
    with path.open("wb") as file:
        file.truncate(submissions.LARGEST + 1)  # takes no room on the disk
    with pytest.raises(WorkbookError, match=r"has 50 MB, and 50 are the most"):
        submissions.content_of(path)
