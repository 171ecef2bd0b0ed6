"""Homes that are missing or of no use, as in containers: what needs none works as ever."""

import os
import pwd
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import build
import nbformat
import pytest

from simmim_lib import datasets
from simmim_lib.commands import cli, doctor, lab
from simmim_lib.experiments import features, pretraining
from simmim_lib.experiments.pretexts import PRETEXTS
from simmim_lib.foundation import cache, directories, home
from simmim_lib.reports import running


def forget_user(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """No HOME, and a number that the system's list of users has no name for."""

    def unknown(number: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {number}")

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    home.provide()


def forbid(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """A home that may not be entered, which root may."""
    closed, real = (
        folder / "closed",
        {name: getattr(os, name) for name in ("stat", "mkdir", "access")},
    )
    closed.mkdir()
    monkeypatch.setenv("HOME", str(closed))

    def guarded(name: str) -> Callable[..., Any]:
        def call(path: Any, *rest: Any, **options: Any) -> Any:
            if isinstance(path, str | Path) and closed in Path(path).parents:
                raise PermissionError(13, "Permission denied", str(path))
            if name == "access" and Path(path) == closed:
                return False
            return real[name](path, *rest, **options)

        return call

    for name in real:
        monkeypatch.setattr(os, name, guarded(name))


def at(path: str) -> Callable[[pytest.MonkeyPatch, Path], None]:
    return lambda monkeypatch, folder: monkeypatch.setenv("HOME", path)


HOMES: dict[str, Callable[[pytest.MonkeyPatch, Path], None]] = {
    "none": forget_user,
    "not to be entered": forbid,
    "a file": at("/dev/null"),
    "below a file": at("/dev/null/home"),
    "a name too long": at("/" + "x" * 300),
    "not to be written": at("/proc"),
    "empty": at(""),
    "a sign": at("~"),
}


@pytest.fixture(params=list(HOMES))
def no_home(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    for name in ("SIMMIM_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    HOMES[request.param](monkeypatch, tmp_path)
    home.provide()
    return request.param


def test_what_needs_no_home_works(no_home: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = {*Path().iterdir()}
    assert os.path.isabs(os.path.expanduser("~"))
    assert directories.cache_directory().is_absolute()
    assert cli.main(["data", "list"]) == 0
    assert cli.main(["data", "cache"]) == 0
    assert "mnist" in capsys.readouterr().out
    assert not datasets.is_available("bloodmnist")
    finding = doctor._look("Cache", doctor.LOOKS["Cache"])
    assert finding.ok or "set SIMMIM_CACHE" in finding.sentence
    path = pretraining._cached_path("glyphs")
    assert pretraining._read(path, "glyphs") is None
    assert pretraining._read(pretraining._bundled_path("glyphs"), "glyphs") is not None
    assert no_home == "empty" or features.kept() == {}  # a user with a name has one all the same
    assert {*Path().iterdir()} == before  # above all, no folder is called ~


@pytest.mark.parametrize("no_home", ["below a file", "not to be entered"], indirect=True)
def test_a_network_that_cannot_be_kept_is_used_and_that_is_said_once(
    no_home: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = pretraining.pretrained("glyphs")
    monkeypatch.setattr(pretraining, "_bundled_path", lambda *_: Path("nowhere"))
    remade = replace(PRETEXTS["labels"], train=lambda *_, **options: made)
    monkeypatch.setitem(PRETEXTS, "labels", remade)
    cache._tell.cache_clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            info = pretraining.trunks.describe(made.trunk)
            assert pretraining._pretrained.__wrapped__("glyphs", "", info, "labels") is made
    (told,) = caught
    assert "could not be kept in" in str(told.message) and "SIMMIM_CACHE" in str(told.message)


def test_what_may_not_be_removed_from_the_cache_stays(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(path: Path, **_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setenv("SIMMIM_CACHE", str(tmp_path))
    (tmp_path / "features").mkdir()
    (tmp_path / "features" / "kept.npz").write_bytes(b"x" * 100)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        assert features.forget() == 0
    assert features.forget() == 100


@pytest.mark.parametrize(
    ("folder", "shown"), [("/me/.cache/x", "~/.cache/x"), ("/you/x", "/you/x"), ("/me", "~")]
)
def test_a_home_is_not_shown(monkeypatch: pytest.MonkeyPatch, folder: str, shown: str) -> None:
    monkeypatch.setenv("HOME", "/me")
    assert home.shortened(Path(folder)) == shown
    monkeypatch.setenv("HOME", "/")
    assert home.shortened(Path(folder)) == f"~{folder}"


@pytest.mark.parametrize("given", ["", "/kept"])
def test_jupyter_gets_folders_for_as_long_as_it_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    for name in lab.JUPYTER_FOLDERS:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    if given:
        monkeypatch.setenv("JUPYTER_CONFIG_DIR", given)
    lab.lend_folders()
    lent = {name: os.environ[name] for name in lab.JUPYTER_FOLDERS}
    assert all(os.path.isdir(os.path.dirname(path)) for path in lent.values())
    assert not given or lent["JUPYTER_CONFIG_DIR"] == given
    assert "until it ends" in capsys.readouterr().err


@pytest.mark.slow
def test_a_report_s_notebook_runs_without_a_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Jupyter keeps at home how a kernel is spoken to."""
    monkeypatch.setenv("HOME", "/dev/null/home")
    for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    python = {"kernelspec": build.KERNEL, "language_info": build.LANGUAGE}
    cells = [nbformat.v4.new_code_cell("print(2 + 3)")]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=python)
    executed, failure = running.execute(notebook, {}, None, tmp_path)
    assert failure is None and executed.cells[-1].outputs[0].text == "5\n"


@pytest.mark.slow
def test_pictures_are_drawn_by_a_user_without_a_name_and_a_home(tmp_path: Path) -> None:
    code = """
import os, pwd
def unknown(number): raise KeyError(number)
pwd.getpwuid = unknown
os.environ.pop("HOME", None)
import simmim_lib
from simmim_lib.pictures import charts
import matplotlib.pyplot as plt
plt.subplots()[0].savefig("picture.png")
"""
    own = {name: value for name, value in os.environ.items() if name != "MPLCONFIGDIR"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=own)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]
