"""Terminals that do not have every sign: nothing that is printed ends in a traceback."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from simmim_lib.commands import cli
from simmim_lib.foundation import console

NAMES = {
    "accents": "Aepfel \xe4\xf6\xfc \xe9",
    "Chinese": "\u4e2d\u6587",
    "an emoji": "\U0001f600",
    "bytes that are no text": "caf\udce9",
    "typography": "\xd7 \u2013 \xb1 \u03bb \u2026",
}

TERMINALS = {
    "Windows' western code page": {"PYTHONIOENCODING": "cp1252"},
    "an old DOS code page": {"PYTHONIOENCODING": "cp437"},
    "Latin-1": {"PYTHONIOENCODING": "latin-1"},
    "ASCII": {"PYTHONIOENCODING": "ascii"},
    "UTF-8, strictly": {"PYTHONIOENCODING": "utf-8:strict"},
    "the locale C": {"LC_ALL": "C", "LANG": "C"},
    "the locale C, taken at its word": {
        **{"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        "PYTHONIOENCODING": "ascii:strict",
    },
}

CODE = f"""
import sys
from simmim_lib.foundation import console
console.make_safe()
for name in {list(NAMES.values())!r}:
    print(name)
    print(name, file=sys.stderr)
"""


@pytest.mark.parametrize("terminal", TERMINALS)
def test_any_name_can_be_printed(terminal, monkeypatch):
    for name, value in TERMINALS[terminal].items():
        monkeypatch.setenv(name, value)
    code = ascii(CODE)
    done = subprocess.run([sys.executable, "-c", f"exec({code})"], capture_output=True)
    assert done.returncode == 0, done.stderr
    for output in (done.stdout, done.stderr):
        assert len(output.splitlines()) == len(NAMES)


def test_what_a_terminal_has_is_shown(monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")
    done = subprocess.run([sys.executable, "-c", f"exec({CODE!a})"], capture_output=True)
    first, second, *_ = done.stdout.decode("cp1252").splitlines()
    assert first == NAMES["accents"] and second == r"\u4e2d\u6587"


def test_what_is_told_does_not_steer_a_terminal(capsys):
    console.tell("Seed 0 of \x1b]0;mine\x07\u202e\ud800\nnext line")
    console.tell("no \x1b[31m", sys.stderr)
    told = capsys.readouterr()
    assert told.out == "Seed 0 of \\x1b]0;mine\\x07\\u202e\\ud800\nnext line\n"
    assert told.err == "no \\x1b[31m\n"


def test_commands_print_through_one_function():
    """Names of data, classes, files and students stand in what they say."""
    commands = Path(cli.__file__).parent
    printing = re.compile(r"(?<![\w.])print\((?!f\"\\r)")  # a bar is drawn over itself
    looked_at = (commands / name for name in ("cli.py", "prediction.py", "teach.py"))
    assert not [path.name for path in looked_at if printing.search(path.read_text("utf-8"))]


def test_other_streams_are_left_alone(monkeypatch):
    class Notebook:
        """What a notebook has in place of a terminal."""

    monkeypatch.setattr(sys, "stdout", Notebook())
    console.make_safe()
