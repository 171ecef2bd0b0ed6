"""`~` is a home wherever somebody can name a path; nowhere does it make a folder called so."""

import importlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from image_making import fill, save
from planted_results import as_scores

from simmim_lib import datasets, experiments, trunks
from simmim_lib.commands import cli
from simmim_lib.errors import WorkbookError
from simmim_lib.experiments import kept_models, predicting
from simmim_lib.foundation import atomic, directories
from simmim_lib.reports import comparison
from simmim_lib.settings import Settings
from simmim_lib.sweeps import grids, rows, sweep


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A home with pictures, a table, a grid and results; work is done elsewhere."""
    folder = tmp_path / "home"
    fill(folder / "pets", {"cats": 6, "dogs": 6})
    table = [f"pets/{name}/{n:03}.png,{name}" for name in ("cats", "dogs") for n in range(6)]
    (folder / "table.csv").write_text("\n".join(["image,label", *table]))
    (folder / "grid.yaml").write_text("grid: {steps: [1]}")
    row = {"settings": Settings(seeds=1).as_dict(), "accuracy": {"mnist": [0.5]}}
    (folder / "results").mkdir()
    rows.append(folder / "results", {**row, "seconds": 1.0, "versions": {}, "error": None})
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    return folder


def planted_result() -> experiments.Result:
    each = {"mnist": np.array([0.5])}
    return experiments.Result(Settings(seeds=1), as_scores(each), each, {}, 1.0, {})


def sizes(folder: str) -> int:
    dataset = datasets.load(folder)
    return len(dataset.train) + len(dataset.test)


READ: dict[str, Callable[[], object]] = {
    "simmim_lib.datasets.from_folder": lambda: datasets.from_folder("~/pets"),
    "folder:": lambda: datasets.load("folder:~/pets"),
    "csv:": lambda: datasets.load("csv:~/table.csv"),
    "a grid": lambda: grids.read("~/grid.yaml"),
    "results": lambda: rows.read("~/results"),
    "images to predict for": lambda: predicting.find(["~/pets"])[0][11],
    "simmim data show": lambda: cli.main(["data", "show", "folder:~/pets"]) == 0 or 1 / 0,
}


@pytest.mark.parametrize("entrance", READ)
def test_what_is_in_the_home_is_found(home, entrance):
    assert READ[entrance]()
    assert os.listdir() == []


def test_a_table_may_name_images_in_the_home(home):
    lines = [f"~/pets/{name}/{n:03}.png,{name}" for name in ("cats", "dogs") for n in range(6)]
    Path("table.csv").write_text("\n".join(["image,label", *lines]))
    assert sizes("csv:table.csv") == 12
    save(Path("~odd.png"), np.zeros((28, 28), np.uint8))  # a file that is called so
    Path("table.csv").write_text("\n".join(["image,label", *lines, "~odd.png,cats"]))
    assert sizes("csv:table.csv") == 13


MISSING: dict[str, Callable[[], object]] = {
    "file:": lambda: trunks.describe("file:~/no.keras?blocks=a"),
    "a kept model": lambda: kept_models.read("~/no.keras"),
    "a model of several tasks": lambda: importlib.import_module("simmim_lib.simmim").load(
        "~/no.keras"
    ),
    "folder:": lambda: datasets.load("folder:~/no.keras"),
}


@pytest.mark.parametrize("entrance", MISSING)
def test_what_is_missing_is_looked_for_in_the_home(home, entrance):
    with pytest.raises(WorkbookError) as caught:
        MISSING[entrance]()
    assert str(home / "no.keras") in str(caught.value)


def run(*words: str) -> None:
    assert cli.main(words) == 0


REFUSED: dict[str, Callable[[str], object]] = {
    "folder:": lambda path: datasets.load(f"folder:{path}"),
    "csv:": lambda path: datasets.load(f"csv:{path}"),
    "file:": lambda path: trunks.describe(f"file:{path}?blocks=a"),
    "the name of a dataset": lambda path: datasets.check_name("dataset", path),
    "simmim_lib.datasets.from_folder": lambda path: datasets.from_folder(path),
    "a grid": lambda path: grids.read(path),
    "results": lambda path: rows.read(path),
    "a kept model": lambda path: kept_models.read(path),
    "a text": lambda path: atomic.write_text(path, "text"),
    "a page": lambda path: comparison.write("~/results", path),
    "a sweep": lambda path: sweep.run([], path),
}
NO_PATHS = {"half a sign": "a\ud800", "a NUL": "a\0b", "too long": "a" * 5000}


@pytest.mark.parametrize("path", NO_PATHS.values(), ids=NO_PATHS)
@pytest.mark.parametrize("entrance", REFUSED)
def test_what_can_be_no_path_is_refused_in_a_sentence(home, spare, entrance, path):
    with pytest.raises(WorkbookError):
        REFUSED[entrance](path)
    assert os.listdir() == [] == os.listdir(spare)


def test_images_are_not_looked_for_where_there_can_be_none(home):
    ((found,), _) = predicting.find(["a" * 5000])
    assert isinstance(found, predicting.Unreadable) and found.reason == "is not there"


@pytest.mark.parametrize("path", ["~", "~/", "~/../pets"])
def test_a_home_may_have_options_behind_it(home, monkeypatch, path):
    monkeypatch.setenv("HOME", str(home / "pets"))
    assert sizes(f"folder:{path}?grey=yes") == 12


WRITTEN: dict[str, Callable[[], object]] = {
    "a result": lambda: planted_result().to_json("~/new"),
    "a text": lambda: atomic.write_text("~/new", "text"),
    "a page": lambda: comparison.write("~/results", "~/new"),
    "a sweep": lambda: sweep.run([], "~/new"),
    # A shell leaves `~` alone behind a sign of equality.
    "simmim run --output": lambda: run("run", "--output=~/new"),
    "simmim compare --output": lambda: run("compare", "~/results", "--output=~/new"),
    "simmim data show --output": lambda: run("data", "show", "folder:~/pets", "--output=~/new"),
}


@pytest.mark.parametrize("entrance", WRITTEN)
def test_what_is_written_is_in_the_home(home, monkeypatch, entrance):
    monkeypatch.setattr(experiments, "run", lambda settings: planted_result())
    WRITTEN[entrance]()
    assert (home / "new").exists() and os.listdir() == []


@pytest.mark.parametrize("name", ["SIMMIM_CACHE", "XDG_CACHE_HOME"])
def test_variables_may_name_the_home(home, monkeypatch, name):
    monkeypatch.delenv("SIMMIM_CACHE", raising=False)
    monkeypatch.setenv(name, "~/kept here")
    assert directories.cache_directory().is_relative_to(home)
