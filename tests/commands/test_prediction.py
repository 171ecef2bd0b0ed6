"""`simmim run --save` and `simmim predict`: from images to a model to predictions, by commands."""

import csv
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from device_making import device
from image_making import fill, save

from simmim_lib import datasets, experiments
from simmim_lib.commands import cli
from simmim_lib.settings import Settings

SETTINGS = {"steps": 4, "seeds": 2, "source": None}
RUN = ["run", "--steps", "4", "--seeds", "2", "--source", "none", "--labels-per-class", "2"]


@pytest.fixture
def no_training(monkeypatch):
    """Make training an error: what is refused must be refused before."""

    def run(settings: Settings) -> None:
        raise AssertionError("an experiment was started")

    monkeypatch.setattr(experiments, "run", run)


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    """Two classes that anybody can tell apart, black and white, with some noise."""
    folder = fill(tmp_path_factory.mktemp("data") / "photos", {"black": 12, "white": 12})
    for path in folder.rglob("*.png"):
        random = np.random.default_rng(int(path.stem) + len(path.parent.name))
        shade = 0 if path.parent.name == "black" else 190
        save(path, (random.integers(0, 60, (28, 28)) + shade).astype(np.uint8))
    return folder


@pytest.fixture(scope="module")
def model(photos, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("kept") / "model.keras"
    assert cli.main([*RUN, "--targets", f"folder:{photos}", "--save", str(path)]) == 0
    return path


def refused(capsys: pytest.CaptureFixture, *words: object) -> str:
    """Run a command that must fail, and return its one sentence."""
    assert cli.main([*map(str, words)]) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert len(errors.splitlines()) == 1 and errors.endswith(".\n")
    return errors


@pytest.mark.slow
def test_the_command_says_what_training_said(model, photos, tmp_path, capsys, monkeypatch):
    """Files are read again, one by one, in the way that the dataset was."""
    target = f"folder:{photos}"
    settings = Settings(targets=(target,), labels_per_class=2, **SETTINGS)
    result = experiments.run(settings, baseline=False)
    expected = result.probabilities[target][result.best_seed()]
    test = datasets.load(target).test.images
    names = [tmp_path / "new" / f"{number:02}.png" for number in range(len(test))]
    for path, image in zip(names, test, strict=True):
        save(path, np.rint(255 * image[..., 0]).astype(np.uint8))
    monkeypatch.chdir(tmp_path)
    assert cli.main(["predict", str(model), "new", "--output", "predictions.csv"]) == 0
    output, errors = capsys.readouterr()
    assert errors == ""
    with open("predictions.csv", encoding="utf-8") as file:
        rows = [*csv.DictReader(file)]
    columns = ["probability_black", "probability_white"]
    found = np.array([[float(row[column]) for column in columns] for row in rows])
    np.testing.assert_allclose(found, expected, atol=1e-5)
    *lines, summary, written = output.splitlines()
    for line, row, chances in zip(lines, rows, expected, strict=True):
        words = line.split()
        assert words[:2] == [row["file"], ("black", "white")[chances.argmax()]]
        assert float(words[2]) == pytest.approx(chances.max(), abs=1e-3)
        assert (words[-1] == "unsure") == (row["unsure"] == "yes") == (chances.max() < 0.7)
    assert summary.startswith(f"{len(test)} images: ") and written == "Written to predictions.csv."


@pytest.mark.slow
def test_run_says_where_the_model_is(photos, tmp_path, capsys):
    path = tmp_path / "kept.keras"
    assert cli.main([*RUN, "--targets", f"folder:{photos}", "--save", str(path)]) == 0
    assert f"model of folder:{photos} is in {path}." in capsys.readouterr().out
    assert [each.name for each in tmp_path.iterdir()] == ["kept.keras"]


@pytest.mark.slow
def test_each_target_s_model_has_a_file(tmp_path, capsys):
    path = tmp_path / "kept.keras"
    assert cli.main([*RUN, "--targets", "mnist,uci-digits", "--save", str(path)]) == 0
    names = {each.name for each in tmp_path.iterdir()}
    assert names == {"kept-mnist.keras", "kept-uci-digits.keras"}


def test_what_cannot_be_read_is_named_and_the_rest_predicted(model, photos, tmp_path, capsys):
    (tmp_path / "broken.png").write_bytes(b"no image")
    (tmp_path / "notes.txt").write_text("no image, and not called one")
    good = photos / "black" / "000.png"
    (tmp_path / "good.png").write_bytes(good.read_bytes())
    words = ["predict", str(model), str(tmp_path), "missing.png"]
    assert cli.main([*words, "--output", str(tmp_path / "predictions.csv")]) == 1
    output, errors = capsys.readouterr()
    assert "good.png" in output and "1 image: " in output and "2 could not be read" in output
    broken, missing = errors.splitlines()[1:]
    assert errors.startswith(f"Left out, being no images: {tmp_path / 'notes.txt'}.")
    assert broken.startswith(f"{tmp_path / 'broken.png'} is broken")
    assert missing == "missing.png is not there."
    assert len((tmp_path / "predictions.csv").read_text().splitlines()) == 4


@pytest.mark.skipif(os.name != "posix", reason="needs links")
def test_images_from_elsewhere_are_named(model, photos, tmp_path, capsys):
    """Of those in a folder: what a person names is meant, wherever it is."""
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "linked.png").symlink_to(photos / "black" / "000.png")
    (tmp_path / "named.png").symlink_to(photos / "black" / "001.png")
    places = [tmp_path / "new", tmp_path / "named.png"]
    assert cli.main(["predict", *map(str, [model, *places])]) == 0
    told = capsys.readouterr().err
    assert told == f"Read from elsewhere, where links lead: {tmp_path / 'new' / 'linked.png'}.\n"


def test_a_table_that_cannot_be_written_any_more_is_somewhere(
    model, photos, tmp_path, capsys, monkeypatch
):
    full = device(tmp_path, "full")
    (tmp_path / "spare").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "spare"))
    image = str(photos / "black" / "000.png")
    assert cli.main(["predict", str(model), image, "--output", str(full)]) == 2
    (kept,) = (tmp_path / "spare").rglob("full")
    assert str(kept) in capsys.readouterr().err and kept.read_text().startswith("file,predicted")


def test_a_table_takes_the_place_of_nothing_that_is_read(model, photos, tmp_path, capsys):
    (tmp_path / "link.keras").symlink_to(model)
    for output in (model, tmp_path / "link.keras", photos / "black" / "001.png"):
        known = output.read_bytes()
        told = refused(capsys, "predict", model, photos / "black", "--output", output)
        assert "would take the place of" in told and output.read_bytes() == known


@pytest.mark.slow
def test_the_threshold_can_be_chosen(model, photos, capsys):
    words = ["predict", str(model), str(photos / "black"), "--unsure-below"]
    assert cli.main([*words, "1"]) == 0
    assert "12 unsure, with a probability below 1." in capsys.readouterr().out
    assert cli.main([*words, "0"]) == 0
    assert "unsure" not in capsys.readouterr().out
    assert "unsure-below is 2.0, but must be a finite number" in refused(capsys, *words, "2")
    assert "--unsure-below" in refused(capsys, *words, "often")


def test_a_model_that_is_none_is_refused(photos, tmp_path, capsys):
    image = photos / "black" / "000.png"
    assert "damaged or not a Keras file" in refused(capsys, "predict", image, image)
    assert "There is no file" in refused(capsys, "predict", tmp_path / "model.keras", image)
    assert "required: FILE_OR_FOLDER" in refused(capsys, "predict", image)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("model.h5", "Keras opens it by the ending .keras: name it"),
        ("model", "Keras opens it by the ending .keras: name it"),
        ("missing/model.keras", "folder"),
        ("folder.keras", "is a folder"),
    ],
)
def test_a_place_that_will_not_do_is_refused_before_training(
    no_training, tmp_path, capsys, name, words
):
    (tmp_path / "folder.keras").mkdir()
    command = [*RUN, "--targets", "mnist", "--save", tmp_path / name]
    assert words in refused(capsys, *command)


@pytest.mark.skipif(os.name != "posix", reason="needs a folder where nobody may write")
def test_a_table_that_cannot_be_written_is_refused_before_predicting(model, photos, capsys):
    words = ["predict", model, photos, "--output", "/proc/self/predictions.csv"]
    assert "cannot be written" in refused(capsys, *words)
