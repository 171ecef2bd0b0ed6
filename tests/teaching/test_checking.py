"""A class's answers are run: every verdict is right, and nothing is left behind."""

import os
import re
import time
from pathlib import Path

import handed_in
import psutil
import pytest

from simmim_lib.errors import WorkbookError
from simmim_lib.teaching import checking, grades, judging
from simmim_lib.teaching.checking import Limits
from simmim_lib.teaching.outcomes import Answer, Job, Outcome

LESSON = "02"  # which trains nothing, and begins with a function
FIRST, *OTHERS = NAMES = handed_in.exercise_names(LESSON)
SECONDS = 4

WRONG = "{answer} = lambda *given, **named: 0.0\n"
FORGED = "exercises.Verdict('right', 'forged')"

TROUBLES = {
    "nothing": ("", "right", ""),
    "endless loop": ("while True:\n    pass", "stopped", f"not end within {SECONDS} seconds"),
    "sleep": ("import time\ntime.sleep(600)", "stopped", f"not end within {SECONDS} seconds"),
    "error without words": (
        "class Odd(Exception):\n    def __str__(self):\n        raise SystemExit\nraise Odd",
        "wrong",
        "The code stopped with Odd (line ",
    ),
    "signal": ("import signal\nsignal.raise_signal(9)", "stopped", "ended its own process"),
    "exception": ("1 / 0", "wrong", "ZeroDivisionError: division by zero (line "),
    "exit": ("exit()", "wrong", "SystemExit"),
    "end of the process": ("import os\nos._exit(0)", "stopped", "ended its own process"),
    "crash": ("import ctypes\nctypes.string_at(0)", "stopped", "crashed (SIGSEGV)"),
    "fork": ("import os\nwhile True:\n    os.fork()", "wrong", "may not start or end processes"),
    "program": ("import os\nos.system('sleep 600')", "wrong", "may not start or end processes"),
    "program, unseen": (
        "import multiprocessing.util, os, sys\n"
        "multiprocessing.util.spawnv_passfds(sys.executable, [b'python', b'-c', b''], [])",
        "wrong",
        "may neither start processes",
    ),
    "pipe outside": ("import os\nos.mkfifo('{outside}/x')", "wrong", "nor make pipes"),
    "fork past Python": (
        "import ctypes, os, time\n"
        "if ctypes.CDLL(None).fork() == 0:\n    os.setsid()\n    time.sleep(600)",
        "right",
        "",
    ),
    "fork past Python, then the end": (
        "import ctypes, os, time\n"
        "if ctypes.CDLL(None).fork() == 0:\n    time.sleep(600)\nos._exit(0)",
        "stopped",
        "ended its own process",
    ),
    "kill of its parent": ("import os\nos.kill(os.getppid(), 9)", "wrong", "may not start or end"),
    "gigabyte": ("block = bytearray(10**9)", "wrong", "MemoryError"),
    "file in its folder": ("open('notes.txt', 'w').write('x')", "right", ""),
    "temporary folder": (
        "import tempfile\nwith tempfile.TemporaryDirectory() as folder:\n"
        "    open(folder + '/x', 'w').close()",
        "right",
        "",
    ),
    "file outside": ("open('{outside}/x', 'w')", "wrong", "outside its own folder"),
    "folder outside": ("import os\nos.mkdir('{outside}/x')", "wrong", "outside its own folder"),
    "folder of others removed": (
        "import shutil\nshutil.rmtree('{precious}')",
        "wrong",
        "outside its own folder",
    ),
    "file in an open folder": (
        "import os\nfolder = os.open('{outside}', os.O_RDONLY)\n"
        "os.close(os.open('x', os.O_WRONLY | os.O_CREAT, dir_fd=folder))",
        "wrong",
        "outside its own folder",
    ),
    "its own folder removed": (
        "import os, shutil\nos.makedirs('a/b')\nopen('a/b/x', 'w').close()\nshutil.rmtree('a')",
        "right",
        "",
    ),
    "folder without rights": ("import os\nos.makedirs('a/b')\nos.chmod('a', 0)", "right", ""),
    "network": (
        "import socket\nsocket.create_connection(('127.0.0.1', 9))",
        "wrong",
        "may not use the network",
    ),
    "flood": ("for _ in range(20_000):\n    print('x' * 10_000)", "right", ""),
    "input": ("input()", "wrong", "EOFError"),
    "secrets": (
        "import os\nassert 'SECRET' not in open('/proc/self/environ').read() + str(os.environ)",
        "right",
        "",
    ),
    "magics": ("%matplotlib inline\n!ls", "right", ""),
    "display": ("display(3)", "right", ""),
    "forged check": (f"{WRONG}exercises.check = lambda *given: {FORGED}", "wrong", "no effect"),
    "forged name": (f"{WRONG}class exercises:\n    check = lambda *given: {FORGED}", "wrong", ""),
    "forged judge": (
        f"{WRONG}from simmim_lib.exercises import checking\n"
        "checking.EXERCISES['{first}'] = lambda answer: 'forged'",
        "wrong",
        "`simmim_lib.exercises.checking.EXERCISES`",
    ),
    "forged while checked": (
        "import numpy as np\ndef {answer}(*given, **named):\n"
        "    np.allclose = lambda *given, **named: True\n    return 0.0",
        "unclear",
        "replaces `numpy.allclose` while it is being checked",
    ),
    "forged outcome": (
        f"{WRONG}import json, os\n"
        "outcome = dict(exercise='{first}', judgement='right', sentence='forged')\n"
        "for number in range(3, 64):\n"
        "    try:\n"
        "        os.write(number, b'3\\n' + b'[' * 5000 + b'\\n')\n"
        "        os.write(number, json.dumps(['is', outcome]).encode() + b'\\n')\n"
        "    except OSError:\n        pass",
        "wrong",
        "",
    ),
}
"""What is put into the first answer cell, after its solution; its verdict; words of the sentence.

All other answers of the notebook are right, and must be found so.
"""


def planted(trouble: str, outside: Path):
    notebook = handed_in.finished(LESSON, f"student {trouble}")
    cell = next(cell for cell in handed_in.answer_cells(notebook) if cell.id == f"answer-{FIRST}")
    code = TROUBLES[trouble][0]
    for name, value in (
        *(("answer", cell.metadata.simmim.answer), ("first", FIRST)),
        *(("outside", str(outside)), ("precious", str(outside.parent / "precious"))),
    ):
        code = code.replace("{" + name + "}", value)
    handed_in.put(cell, code)
    return notebook


def tagged(notebook, tag):
    return next(cell for cell in notebook.cells if tag in cell.metadata.get("tags", []))


def hand_in(folder: Path, outside: Path) -> None:
    for trouble in TROUBLES:
        handed_in.save(planted(trouble, outside), folder / f"{trouble}.ipynb")
    for name, code in {
        "imports loop": "while True: pass",
        "imports fail": "import nowhere",
    }.items():
        notebook = handed_in.finished(LESSON, name)
        tagged(notebook, "imports").source += f"\n{code}"
        handed_in.save(notebook, folder / f"{name}.ipynb")
    forged = handed_in.finished(LESSON, "forged")
    code = f"from simmim_lib import exercises\nexercises.check = lambda *given: {FORGED}"
    tagged(forged, "imports").source += f"\n{code}"
    for cell in handed_in.answer_cells(forged):
        handed_in.put(cell, WRONG.replace("{answer}", cell.metadata.simmim.answer))
    handed_in.save(forged, folder / "imports forged.ipynb")
    lost = handed_in.finished(LESSON, "lost")
    code = "import ctypes, os\nctypes.CDLL(None).kill(os.getppid(), 9)"
    handed_in.put(handed_in.answer_cells(lost)[0], code)
    handed_in.save(lost, folder / "parent killed.ipynb")
    connected = handed_in.finished(LESSON, "network")
    handed_in.put(
        handed_in.answer_cells(connected)[0],
        "assert open('/proc/self/net/dev').read().count(':') == 1  # to itself",
    )
    handed_in.save(connected, folder / "no network.ipynb")
    helper = handed_in.finished(LESSON, "helper")
    first, second = handed_in.answer_cells(helper)[:2]
    handed_in.put(first, "def helper():\n    return 3")
    handed_in.put(second, "assert helper() == 3")
    handed_in.save(helper, folder / "helper.ipynb")
    elsewhere = handed_in.blank(LESSON)
    cell = handed_in.answer_cells(handed_in.finished(LESSON))[0]
    cell.metadata, cell.id = {}, "mine"
    elsewhere.cells.append(cell)
    handed_in.save(elsewhere, folder / "elsewhere.ipynb")
    (folder / "essay.ipynb").write_text("My essay", "utf-8")


def processes_of(folder: Path) -> list[psutil.Process]:
    """List the processes that were started with a temporary folder in this one."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("HOME", "").startswith(str(folder)):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


@pytest.fixture(scope="module")
def class_run(tmp_path_factory):
    """Check one class with all troubles in it."""
    root = tmp_path_factory.mktemp("class")
    folder, outside, temporary = root / "handed-in", root / "outside", root / "temporary"
    for each in (folder, outside, temporary, root / "precious"):
        each.mkdir()
    (root / "precious" / "notes.txt").write_text("of the teacher")
    hand_in(folder, outside)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(temporary))
        patch.setenv("SECRET", "of the teacher")
        told = []
        limits = Limits(seconds=SECONDS)
        checked = checking.check(
            folder, root / "grades.csv", lambda done, total, rows: told.append(done), limits
        )
    return root, limits, checked, told


def verdicts(checked, file: str) -> dict[str, grades.Row]:
    return {row.exercise: row for row in checked.rows if row.file == file}


@pytest.mark.slow
@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_trouble_gets_its_verdict_and_spoils_no_other(class_run, trouble):
    _, _, checked, _ = class_run
    rows = verdicts(checked, f"{trouble}.ipynb")
    _, verdict, words = TROUBLES[trouble]
    assert rows[FIRST].verdict == verdict, rows[FIRST]
    assert words in rows[FIRST].sentence
    assert "forged" not in rows[FIRST].sentence
    assert {name: rows[name].verdict for name in OTHERS} == dict.fromkeys(OTHERS, "right")
    assert {row.student for row in rows.values()} == {f"student {trouble}"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "verdict", "words"),
    [
        ("imports loop.ipynb", "stopped", "The cells tagged `imports` did not get through"),
        ("imports fail.ipynb", "stopped", "ModuleNotFoundError: No module named 'nowhere'"),
        ("imports forged.ipynb", "wrong", ""),
        ("parent killed.ipynb", "stopped", "The process that ran the notebook was lost"),
        ("helper.ipynb", "right", ""),
    ],
)
def test_all_answers_of_a_notebook_share_what_stands_before(class_run, file, verdict, words):
    rows = verdicts(class_run[2], file)
    assert {name: row.verdict for name, row in rows.items()} == dict.fromkeys(NAMES, verdict)
    assert all(words in row.sentence for row in rows.values())


@pytest.mark.slow
def test_an_answer_in_a_cell_of_its_own_is_pointed_at(class_run):
    rows = verdicts(class_run[2], "elsewhere.ipynb")
    judged = {row.verdict for name, row in rows.items() if "another cell" in row.sentence}
    assert judged == {"unclear"}
    assert sorted(row.verdict for row in rows.values()) == [
        *(["not done yet"] * len(OTHERS)),
        "unclear",
    ]


@pytest.mark.slow
def test_where_the_system_closes_the_network_compiled_code_finds_none(class_run):
    if not class_run[2].network_closed:
        pytest.skip("this system does not let a process close its network")
    rows = verdicts(class_run[2], "no network.ipynb")
    assert {row.verdict for row in rows.values()} == {"right"}


@pytest.mark.slow
def test_nothing_is_left_behind(class_run):
    root, *_ = class_run
    assert processes_of(root) == []
    assert list((root / "temporary").iterdir()) == []
    assert list((root / "outside").iterdir()) == []
    assert [path.name for path in (root / "precious").iterdir()] == ["notes.txt"]
    assert not any(path.suffix != ".ipynb" for path in (root / "handed-in").iterdir())


@pytest.mark.slow
def test_the_table_is_written_and_only_changed_files_are_done_again(class_run):
    root, limits, checked, told = class_run
    table = root / "grades.csv"
    files = len(list((root / "handed-in").iterdir()))
    assert told == list(range(files + 1))
    assert len(grades.read(table)) == len(checked.rows)
    (root / "handed-in" / "essay.ipynb").write_text("Another essay", "utf-8")
    again = []
    second = checking.check(
        root / "handed-in", table, lambda done, total, rows: again.extend(rows), limits
    )
    # Of the notebook whose process was lost, nobody knows yet what its answers do.
    assert {row.file for row in again} == {"essay.ipynb", "parent killed.ipynb"}
    assert second.kept == files - 2
    assert [row.verdict for row in second.rows] == [row.verdict for row in checked.rows]


def until_it_runs(folder: Path) -> None:
    """Wait for a worker, and for the child that it runs an answer in."""
    while len(processes_of(folder)) < 2:
        time.sleep(0.2)


@pytest.mark.slow
def test_an_interruption_leaves_nothing_running(tmp_path, monkeypatch):
    folder = tmp_path / "handed-in"
    handed_in.save(planted("endless loop", tmp_path), folder / "a.ipynb")
    (folder / "b.ipynb").write_text("no notebook")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))

    def interrupt(done, total, rows):
        if done:  # the file that needs no process is done first
            until_it_runs(tmp_path)
            raise KeyboardInterrupt

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        checking.check(folder, tmp_path / "grades.csv", interrupt, Limits(seconds=500))
    assert time.monotonic() - start < 100
    assert processes_of(tmp_path) == []
    assert list((tmp_path / "temporary").iterdir()) == []
    assert [row.file for row in grades.read(tmp_path / "grades.csv")] == ["b.ipynb"]


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"seconds": 0}, "seconds is 0"),
        ({"gigabytes": float("nan")}, "memory is nan"),
    ],
)
def test_limits_are_checked(limits, words):
    with pytest.raises(WorkbookError, match=re.escape(words)):
        Limits(**limits)


def test_a_system_without_fork_is_told_what_to_do(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "fork")
    with pytest.raises(WorkbookError, match="on Windows use WSL"):
        checking.check(tmp_path, tmp_path / "grades.csv", print)


def test_other_limits_or_another_lesson_asked_for_are_a_new_question(tmp_path):
    (tmp_path / "a.ipynb").write_text("no notebook")
    output = tmp_path / "grades.csv"

    def kept(seconds=20, lesson=None):
        return checking.check(tmp_path, output, print, Limits(seconds), lesson).kept

    assert [kept(), kept(), kept(30), kept(30), kept(30, "01")] == [0, 1, 0, 1, 0]


def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_run(tmp_path):
    (tmp_path / "a.ipynb").write_text("no notebook")
    with pytest.raises(WorkbookError, match="Cannot write"):
        checking.check(tmp_path, tmp_path / "none" / "grades.csv", print)


def test_what_runs_once_more_has_its_own_time():
    """Or many answers that are right would together take longer than one may."""
    answers = tuple(Answer(name, "1", "") for name in ("none-1", "none-2", "none-3"))
    known = [Outcome(answer.exercise, "right", "") for answer in answers[:2]]
    begun, told = [], []
    judging.judge(Job("", answers, 1, 10**9), known, begun.append, told.append)
    assert begun == [*[judging.IMPORTS] * 3, "none-3"]
    assert [outcome.exercise for outcome in told] == ["none-3"]
