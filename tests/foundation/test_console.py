"""Terminals that do not have every sign: nothing that is printed ends in a traceback."""

import subprocess
import sys

import pytest

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


def test_other_streams_are_left_alone(monkeypatch):
    from simmim_lib.foundation import console

    class Notebook:
        """What a notebook has in place of a terminal."""

    monkeypatch.setattr(sys, "stdout", Notebook())
    console.make_safe()
