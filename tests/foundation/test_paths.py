"""Paths from people: what `~` means, wherever a path is given."""

import os
from pathlib import Path

import pytest

from simmim_lib.errors import WorkbookError
from simmim_lib.foundation.paths import from_person


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A home, and another folder to work in."""
    folder = tmp_path / "home"
    folder.mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    return folder


@pytest.mark.parametrize(
    ("given", "below_home"),
    [("~", "."), ("~/", "."), ("~/a/b", "a/b"), (Path("~/a"), "a"), ("~/a b", "a b"), ("~/~", "~")],
)
def test_a_home(home, given, below_home):
    assert from_person(given) == home / below_home
    assert from_person(from_person(given)) == from_person(given)


@pytest.mark.parametrize("given", ["a", "./a", "../a", "a~", "a/~/b", ".", "a*?[b]", "$HOME"])
def test_other_paths_stay_as_they_are(home, given):
    assert from_person(given) == Path(given) == from_person(from_person(given))


@pytest.mark.skipif(os.name != "posix", reason="needs the user root")
def test_the_home_of_somebody_else(home):
    assert from_person("~root/a") == Path(os.path.expanduser("~root")) / "a" != Path("~root/a")


@pytest.mark.parametrize("name", ["~$report.png", "~nobody-of-this-name", "~"])
def test_what_is_called_so_can_be_meant(home, name):
    """An office program leaves such files, and a shell's `*` names them."""
    Path(name).touch()
    given = name if name != "~" else "./~"
    found = from_person(given)
    assert found.is_absolute() and found.samefile(name) and from_person(found) == found


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("~nobody-of-this-name/a", "begins with a home that is not known"),
        ("a\0b", "holds a NUL"),
        ("a\ud800b", r"'a\\ud800b' holds a sign that no path on this system can have"),
        (None, "path is None"),
        (3, "path is 3"),
        (b"bytes", "path is b'bytes'"),
        (["a"], r"path is \['a'\]"),
    ],
)
def test_what_is_no_path(home, given, words):
    with pytest.raises(WorkbookError, match=words):
        from_person(given)


def test_without_a_home(home, monkeypatch):
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as where there is none
    with pytest.raises(WorkbookError, match=r"'~/a' begins with a home that is not known here"):
        from_person("~/a")
    assert from_person("a") == Path("a")
