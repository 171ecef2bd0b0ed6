"""The command `simmim teach`: what it prints, writes and refuses."""

import csv

import handed_in
import pytest

from simmim_lib.commands import cli, teach
from simmim_lib.exercises.predictions import RECORD_TYPE
from simmim_lib.exercises.questions import questions_of
from simmim_lib.lessons import LESSONS
from simmim_lib.teaching import checking
from simmim_lib.teaching.checking import Checked
from simmim_lib.teaching.grades import Row


@pytest.mark.slow
def test_a_class_from_copy_to_table(tmp_path, capsys):
    """The whole way with real processes, over a lesson that trains with Keras."""
    handed_in.save(handed_in.finished("03", "Anna"), tmp_path / "in" / "anna.ipynb")
    table = tmp_path / "grades.csv"
    assert cli.main(["teach", "check", str(tmp_path / "in"), "--output", str(table)]) == 0
    output, errors = capsys.readouterr()
    names = sorted(handed_in.exercise_names("03"))
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    got = [(row["student"], row["lesson"], row["exercise"], row["verdict"]) for row in rows]
    assert got == [("Anna", "03", name, "right") for name in names]
    assert f"1 file, 1 of lesson 03; answers: {len(names)} right." in output
    assert "network" in output
    assert errors == ""


def test_copies_are_made_of_the_checkouts_lessons(tmp_path, capsys):
    assert cli.main(["teach", "copy", str(tmp_path / "out"), "00", "02"]) == 0
    made = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert made == ["00_start_here.ipynb", "02_loss_formula.ipynb"]
    assert "simmim teach check" in capsys.readouterr().out
    assert cli.main(["teach", "copy", str(tmp_path / "out"), "02"]) == 2
    assert "is there already" in capsys.readouterr().err


def test_hints_can_be_left_out(tmp_path):
    for options, there in (([], True), (["--no-hints"], False)):
        output = tmp_path / str(there)
        assert cli.main(["teach", "copy", str(output), "02", *options]) == 0
        text = (output / "02_loss_formula.ipynb").read_text("utf-8")
        assert ("<summary>Hint" in text) == there


def test_all_lessons_are_copied_if_none_is_named(tmp_path):
    assert cli.main(["teach", "copy", str(tmp_path / "out")]) == 0
    made = {path.name for path in (tmp_path / "out").iterdir()}
    assert made == {lesson.notebook for lesson in LESSONS}


def test_each_failure_is_a_line_and_the_status_tells(tmp_path, capsys):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "=cmd.ipynb").write_text("no notebook")
    notebook = handed_in.blank("02")
    notebook.cells = [
        cell for cell in notebook.cells if "answer" not in cell.metadata.get("tags", [])
    ]
    handed_in.name(notebook, "-Ben")
    record = {"question": questions_of("02")[0], "guess": "b", "right": True}
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code")
    cell.outputs = [{"output_type": "display_data", "data": {RECORD_TYPE: record}}]
    handed_in.save(notebook, folder / "ben.ipynb")
    table = tmp_path / "grades.csv"
    assert cli.main(["teach", "check", str(folder), "--output", str(table)]) == 1
    output, errors = capsys.readouterr()
    names = sorted(handed_in.exercise_names("02"))
    lines = errors.splitlines()
    assert lines[0].startswith("=cmd.ipynb: unreadable. The file is no notebook")
    assert [line.split(":")[0] for line in lines[1:]] == [f"ben.ipynb, {name}" for name in names]
    assert f"2 files, 1 of none, 1 of lesson 02; answers: {len(names)} missing, 1 unread" in output
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["student"] for row in rows] == ["'=cmd", *["'-Ben"] * len(names)]
    told = f"1 right of 1 answered of {len(questions_of('02'))}"
    assert [row["predictions"] for row in rows] == ["", *[told] * len(names)]
    assert cli.main(["teach", "check", str(folder), "--output", str(table)]) == 1
    assert "2 had not changed and were not run again." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["check", "nowhere"], "nowhere is no folder"),
        (["check", ".", "--seconds", "-1"], "seconds is -1.0"),
        (["check", ".", "--seconds", "soon"], "invalid float value: 'soon'"),
        (["check", ".", "--memory", "0"], "memory is 0.0"),
        (["check", ".", "--lesson", "2"], "Unknown lesson '2'. Did you mean"),
        (["copy", "out", "7"], "Unknown lesson '7'"),
        (["copy"], "required: OUT; see"),
        (["grade", "."], "invalid choice: 'grade'"),
    ],
)
def test_bad_input_gets_one_sentence(words, sentence, capsys):
    assert cli.main(["teach", *words]) == 2
    output, errors = capsys.readouterr()
    assert (output, errors.count("\n")) == ("", 1)
    assert sentence in errors


@pytest.mark.parametrize(
    ("closed", "words"),
    [
        (True, "The system kept the network from them."),
        (False, "This system cannot close the network"),
        (None, "answers: 1 right."),
    ],
)
def test_what_the_system_could_forbid_is_told(closed, words):
    row = Row("Anna", "02", "02-a", "right", "Good.", "", "a.ipynb", "f1")
    assert words in teach.summary(Checked([row], 0, closed))


def test_no_file_steers_the_terminal():
    row = Row("x", "", "", "unreadable", "\x1b[2J", "", "\x1b]0;title\x07.ipynb", "f1")
    assert teach.failure(row) == r"\x1b]0;title\x07.ipynb: unreadable. \x1b[2J"


def test_the_table_is_not_written_over_another(tmp_path, capsys):
    table = tmp_path / "grades.csv"
    table.write_text("name,points\nAnna,3\n")
    (tmp_path / "a.ipynb").write_text("no notebook")
    assert cli.main(["teach", "check", str(tmp_path), "--output", str(table)]) == 2
    assert "would be lost" in capsys.readouterr().err
    assert table.read_text() == "name,points\nAnna,3\n"


def test_an_interruption_says_how_to_go_on(tmp_path, capsys, monkeypatch):
    def interrupted(*given):
        raise KeyboardInterrupt

    monkeypatch.setattr(checking, "check", interrupted)
    assert cli.main(["teach", "check", str(tmp_path), "--output", "class.csv"]) == 130
    assert capsys.readouterr().err == "\nclass.csv has what was done; the same command goes on.\n"


def test_two_checks_do_not_write_one_table(tmp_path, capsys, monkeypatch):
    words, statuses = ["teach", "check", str(tmp_path), "--output", str(tmp_path / "all.csv")], []

    def check_while_another_begins(*given):
        statuses.append(cli.main(words) if not statuses else None)
        return Checked([], 0, None)

    monkeypatch.setattr(checking, "check", check_while_another_begins)
    monkeypatch.setattr(teach, "summary", lambda checked: "")
    assert cli.main(words) == 0 and statuses == [2]
    assert "Another process is about to write" in capsys.readouterr().err
