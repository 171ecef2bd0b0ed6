"""Messages: one sentence, short and printable, whatever was given."""

import pickle
import sys
import tracemalloc
import types
import warnings
from collections import OrderedDict, UserList
from typing import Any

import pytest

from simmim_lib.errors import (
    MAX_NAMES,
    MAX_SENTENCE,
    MAX_SHOWN,
    WorkbookError,
    offered,
    printable,
    shown,
    warn,
)

# What a stranger's name holds, and how it is shown.
NAMES = [
    ("title \x1b]0;mine\x07", r"title \x1b]0;mine\x07"),  # sets a terminal's title
    ("red \x1b[31m", r"red \x1b[31m"),
    ("csi \x9b31m", r"csi \x9b31m"),
    ("nul \x00", r"nul \x00"),
    ("back\b\r", r"back\x08\r"),
    ("two\nlines", r"two\nlines"),
    ("a\ttab", r"a\ttab"),
    ("\u2028next\u2029", r"\u2028next\u2029"),
    ("turned \u202etxt.exe", r"turned \u202etxt.exe"),
    ("apart \u2066a\u2069", r"apart \u2066a\u2069"),
    ("marks \u200e\u200f\u061c", r"marks \u200e\u200f\u061c"),
    ("hidden \u200b\ufeff\u00ad", r"hidden \u200b\ufeff\xad"),
    ("byte \udcff", r"byte \udcff"),
    ("half \ud800", r"half \ud800"),
    ("none \uffff\ufdd0", r"none \uffff\ufdd0"),
    ("tag \U000e0041", r"tag \U000e0041"),
]
SEEN = [
    "plain",
    "Käse",
    "猫",
    "한국",
    "हिन्दी",
    "می\u200cخواهم",
    "👩\u200d🔬",
    "no\u00a0break",
    "$1_^{}\\",
]


@pytest.mark.parametrize(("given", "seen"), NAMES)
def test_what_steers_or_hides_is_shown(given: str, seen: str) -> None:
    assert printable(given) == seen
    assert printable(seen) == seen  # nothing is escaped twice


@pytest.mark.parametrize("given", SEEN)
def test_letters_of_all_languages_stay(given: str) -> None:
    assert printable(given) == given


def test_ends_of_lines_stay_where_there_are_lines() -> None:
    assert printable("a\nb\x1b", keep="\n") == "a\nb\\x1b"


@pytest.mark.parametrize(("given", "seen"), NAMES)
def test_every_message_and_warning_is_printable(given: str, seen: str) -> None:
    error = WorkbookError(f"The class {given} is empty.")
    assert str(error) == f"The class {seen} is empty."
    assert error._render_traceback_() == [str(error)]
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    with pytest.warns(UserWarning) as caught:
        warn(f"The class {given} is empty.")
    assert str(caught[0].message) == str(error)
    assert caught[0].filename == __file__


def test_a_warning_names_the_line_of_the_caller() -> None:
    def called() -> None:
        warn("once", stacklevel=2)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        called()
    assert caught[0].lineno == sys._getframe().f_lineno - 1


def nested(depth: int, width: int) -> list[Any]:
    """Return what a YAML file with aliases holds: small, and endless when written in full."""
    value: list[Any] = ["x"] * width
    for _ in range(depth):
        value = [value] * width
    return value


def in_itself() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


class Broken:
    def __repr__(self) -> str:
        raise RuntimeError("no")


class Steering:
    def __repr__(self) -> str:
        return "\x1b]0;mine\x07 \ud800"


HUGE = {
    "aliases": nested(60, 9),
    "aliases in a mapping": {"a": {"b": nested(60, 9)}},
    "aliases in an ordered mapping": OrderedDict(a=nested(60, 9)),
    "aliases in a tuple": (nested(60, 9),) * 9,
    "aliases in a list of another type": UserList(nested(60, 9)),
    "aliases behind a proxy": types.MappingProxyType({"a": nested(60, 9)}),
    "aliases as values": {"a": nested(60, 9)}.values(),
    "a list in itself": in_itself(),
    "a long text": "x" * 10**7,
    "a long text of another type": type("Name", (str,), {})("x" * 10**7),
    "many bytes": b"\xff" * 10**7,
    "a long list": list(range(10**6)),
    "a large set": set(range(10**6)),
    "a large mapping": dict.fromkeys(range(10**6)),
    "a range": range(10**12),
    "a number of many digits": 10**6000,
    "a broken object": Broken(),
    "an object that steers": Steering(),
}


@pytest.mark.parametrize("what", HUGE)
def test_of_anything_a_short_line_is_shown(what: str) -> None:
    given = HUGE[what]
    tracemalloc.start()
    line = shown(given)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(line) <= MAX_SHOWN + 1 and line == printable(line) and line.encode()
    assert most < 64e6, "the whole text was built"


def test_of_many_and_long_names_some_are_offered() -> None:
    assert offered(["a", "b"]) == "a, b"
    assert offered(["x" * 10**6, "b"]) == "x" * MAX_SHOWN + "…, b"
    assert offered(["a"] * MAX_NAMES).count("a") == MAX_NAMES
    assert offered(["a"] * 10**6).endswith(f"a and {10**6 - MAX_NAMES} more")


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (None, "None"),
        ("a\nb", r"'a\nb'"),
        (["a", {"b": (1, 2.5)}], "['a', {'b': (1, 2.5)}]"),
        (range(3), "range(0, 3)"),
        (b"\xff", r"b'\xff'"),
        ("x" * 200, "'" + "x" * 99 + "…"),
        (list(range(100)), "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …]"),
        ([[[[[1]]]]], "[[[[[…]]]]]"),
        (10**60, str(10**60)),
    ],
)
def test_small_values_are_shown_as_they_are(given: object, line: str) -> None:
    assert shown(given) == line


def test_of_a_sentence_without_end_the_start_and_the_advice_are_kept() -> None:
    sentence = str(WorkbookError(f"The file {'a' * 10**6} is not there: name another."))
    assert len(sentence) == MAX_SENTENCE + 1
    assert sentence.startswith("The file aaa") and sentence.endswith(
        "aaa is not there: name another."
    )
