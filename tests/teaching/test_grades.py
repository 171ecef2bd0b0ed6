"""The table of a class."""

import csv
import io
import os

import pytest

from simmim_lib.errors import WorkbookError
from simmim_lib.teaching import grades
from simmim_lib.teaching.grades import Row


def row(student="Anna", lesson="02", exercise="02-a", verdict="right", file="a.ipynb", **others):
    given = {"sentence": "Well done.", "predictions": "1 right of 2 answered of 3"}
    given |= {"fingerprint": "f1", **others}
    return Row(student, lesson, exercise, verdict, file=file, **given)


@pytest.mark.parametrize(
    "text", ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "  =1+1", "\t=1", "\r=1", "\n-1"]
)
def test_no_text_of_a_student_becomes_a_formula(text):
    made = grades.as_csv([row(student=text, sentence=text, file=text)])
    _, line = csv.reader(io.StringIO(made))
    for value in (line[0], line[4], line[6]):
        assert value == "'" + " ".join(text.split())


def test_what_is_written_is_read_again(tmp_path):
    rows = [row(), row('Zoë, "Z"', sentence="a; b", fingerprint=""), row("'=1")]
    grades.write(rows, tmp_path / "grades.csv")
    assert grades.read(tmp_path / "grades.csv") == rows
    assert grades.read(tmp_path / "none.csv") == []


def test_what_would_steer_a_terminal_or_hide_is_seen(tmp_path):
    grades.write([row(student="\x1b[2JAnn\u202e")], tmp_path / "grades.csv")
    assert grades.read(tmp_path / "grades.csv")[0].student == r"\x1b[2JAnn\u202e"


def test_a_name_that_no_encoding_holds_is_written(tmp_path):
    grades.write([row(student="\ud800")], tmp_path / "grades.csv")
    assert grades.read(tmp_path / "grades.csv")[0].student == "?"


@pytest.mark.parametrize(
    "content",
    [b"name,points\nAnna,3\n", b"", b"\xff\xfe", b'"', b"student,lesson\n"],
)
def test_another_table_is_never_overwritten(tmp_path, content):
    path = tmp_path / "grades.csv"
    path.write_bytes(content)
    with pytest.raises(WorkbookError, match=r"is no table of `simmim teach check`"):
        grades.read(path)


def test_a_table_that_never_ends_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "grades.csv")
    with pytest.raises(WorkbookError, match="is a pipe or a device"):
        grades.read(tmp_path / "grades.csv")


def test_a_row_that_lost_a_column_is_noticed(tmp_path):
    path = tmp_path / "grades.csv"
    grades.write([row()], path)
    path.write_text(path.read_text() + "Ben,02,02-a,right,Good.,,b.ipynb,f2,one more\n")
    with pytest.raises(WorkbookError, match="is no table"):
        grades.read(path)


def test_two_files_with_one_name_are_told_once_each():
    rows = [
        row(file="a.ipynb"),
        row(file="a.ipynb", exercise="02-b"),
        row("anna", file="b.ipynb"),
        row("Anna", lesson="03", file="c.ipynb"),  # the same student, another lesson
        row("Ben", file="d.ipynb"),
        row("x", lesson="", file="x"),
    ]
    found = grades.same_names(rows)
    assert [(each.file, each.exercise, each.verdict) for each in found] == [
        ("a.ipynb", "", "unclear"),
        ("b.ipynb", "", "unclear"),
    ]
    assert "b.ipynb" in found[0].sentence and "a.ipynb" in found[1].sentence


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("M\u00fcller", "Mu\u0308ller"),  # as Windows and macOS write it
        ("=1+1", "'=1+1"),  # as it is handed in, and as it stands in the table
    ],
)
def test_a_name_is_the_same_however_it_is_written(one, other):
    assert len(grades.same_names([row(one, file="a.ipynb"), row(other, file="b.ipynb")])) == 2
