"""YAML by the rules of version 1.2, as its specification's tables have them, and hostile files."""

import math
import os
import re
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from fuzzing import many_cases
from hypothesis import given
from hypothesis import strategies as st

from simmim_lib.errors import WorkbookError
from simmim_lib.sweeps import grids, yaml_files


def file(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "grid.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("010", 10), ("08", 8), ("-017", -17), ("+7", 7), ("0o10", 8), ("0x1F", 31),
        ("1:30", "1:30"), ("12:30:45", "12:30:45"), ("1_000", "1_000"), ("0b11", "0b11"),
        ("no", "no"), ("No", "No"), ("yes", "yes"), ("on", "on"), ("OFF", "OFF"), ("y", "y"),
        ("true", True), ("False", False), ("TRUE", True), ("tRuE", "tRuE"),
        ("~", None), ("null", None), ("NULL", None), ("", None), ("none", "none"),
        ("2026-01-01", "2026-01-01"), ("2026-01-01 10:00:00", "2026-01-01 10:00:00"),
        ("1e-3", 0.001), ("1e3", 1000.0), (".5", 0.5), ("5.", 5.0), ("-.inf", -math.inf),
        ("inf", "inf"), ("=", "="), ("'010'", "010"), ("!!str 010", "010"), ("!!float 3", 3.0),
        ("!!int 010", 10), ("!!bool true", True), ("mnist", "mnist"), ("[1, 010]", [1, 10]),
    ],
)  # fmt: skip
def test_a_plain_word_means_what_it_looks_like(tmp_path: Path, word: str, meaning: Any) -> None:
    found = yaml_files.read(file(tmp_path, f"a: {word}"))["a"]
    assert found == meaning and type(found) is type(meaning)


def test_anchors_and_merge_keys_are_understood(tmp_path: Path) -> None:
    text = "a: &a {steps: 3, seeds: 2}\nb: {<<: *a, steps: 4}\nc: [*a, *a]\n"
    shared = {"steps": 3, "seeds": 2}
    assert yaml_files.read(file(tmp_path, text)) == {
        "a": shared,
        "b": {"steps": 4, "seeds": 2},
        "c": [shared, shared],
    }


def nested(value: str, link: str) -> str:
    """Return a few lines that stand for 9 to the power of 10 values, by aliases of aliases."""
    lines = [f"a0: &a0 {value}"]
    for level in range(1, 10):
        nine = ",".join([f"*a{level - 1}"] * 9)
        lines.append(f"a{level}: &a{level} {link.format(nine)}")
    return "\n".join(lines)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("a: !!int 1:30", "'1:30' is no int"),
        ("a: !!float 1:30", "'1:30' is no float"),
        ("a: !!bool no", "'no' is no bool"),
        ("a: !!bool maybe", "'maybe' is no bool"),
        ("a: !!null 0", "'0' is no null"),
        ("a: !!timestamp soon", "timestamp"),
        ("a: !!binary aGk=", "binary"),
        ("a: !!set {b}", "set"),
        ("a: !other b", "!other"),
        (f"a: {'1' * 5000}", "is no int"),
        ("a: {<<: 3}", "for merging"),
        ("a: 1\n'a': 2", "line 2: 'a' is there already"),
        ("a\n---\nb", "another document"),
        ("[" * 100_000, "recursion"),
        ("a: &a [*a]", "stand for more than"),
        ("a: &a {b: {<<: *a}}", "stand for more than"),
        (nested("[x,x,x,x,x,x,x,x,x]", "[{}]"), "stand for more than"),
        (nested("{x: 1}", "{{<<: [{}]}}"), "stand for more than"),
        (f"- &a {'x' * 1000}\n" + "- *a\n" * 3000, "stand for more than"),
        ("a: 1".encode("utf-16"), "in UTF-16"),
        ("a: 1".encode("utf-16-le"), "in UTF-16"),
        ("a: 1".encode("utf-32"), "in UTF-16 or UTF-32"),
        ("a: é".encode("latin-1"), "not YAML"),
        ("a: \x07", "special characters"),
        (b"- 1\n" * 600_000, "2,400,000 bytes"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence(
    tmp_path: Path, content: str | bytes, told: str
) -> None:
    start = time.process_time()
    with pytest.raises(WorkbookError, match=re.escape(told)) as caught:
        yaml_files.read(file(tmp_path, content))
    assert len(str(caught.value)) < 500 + len(str(tmp_path)) and "\n" not in str(caught.value)
    assert "grid.yaml" in str(caught.value)
    assert time.process_time() - start < 10  # what is put in for aliases would take hours


def test_the_mark_that_windows_writes_before_utf_8_is_no_part_of_the_text(tmp_path: Path) -> None:
    assert yaml_files.read(file(tmp_path, "a: 1".encode("utf-8-sig"))) == {"a": 1}


@pytest.mark.parametrize("name", ["pipe", "zero"])
def test_what_never_ends_is_not_waited_for(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    with pytest.raises(WorkbookError, match="is a pipe or a device"):
        grids.read(tmp_path / name)


def test_a_grid_of_nested_aliases_is_not_unfolded_into_the_message(tmp_path: Path) -> None:
    bomb = nested("[x,x,x,x,x,x,x,x,x]", "[{}]").replace("a9:", "grid: {steps: 3}\nsettings:")
    with pytest.raises(WorkbookError) as caught:
        grids.read(file(tmp_path, bomb))
    assert len(str(caught.value)) < 1000


TOKENS = (
    *("grid", "settings", "experiments", "steps", "source", "targets", "shared_heads", "seeds"),
    *(": ", ":", "- ", "\n", "\n  ", "\n- ", "{", "}", "[", "]", ", ", "? ", "| ", "> ", "# "),
    *("&a ", "*a", "<<", "!!int ", "!!set ", "! ", "!x ", "'", '"', "\\", "%YAML 1.1\n", "@", "`"),
    *("010", "1:30", "no", "~", "null", "true", ".inf", "1e999", "-0x1", "mnist", "all", "9" * 30),
    *("---\n", "é", "\t", "\x00", "\x07", "\u2028", "\ufeff", "\ud7ff", "🙂"),
)  # fmt: skip


@pytest.mark.slow
@many_cases
@given(tokens=st.lists(st.sampled_from(TOKENS), max_size=25), begin=st.booleans())
def test_any_text_is_a_grid_or_refused_in_a_sentence(tokens: list[str], begin: bool) -> None:
    text = ("grid: {steps: [" if begin else "") + "".join(tokens)
    with tempfile.TemporaryDirectory() as folder:
        path = file(Path(folder), text)
        try:
            experiments = grids.read(path)
        except WorkbookError as error:
            assert "\n" not in str(error) and len(str(error)) < 2000
        else:
            assert experiments
        assert [*Path(folder).iterdir()] == [path] and path.read_bytes() == text.encode()
