"""Predictions for new images: which files are taken, and what is said of each."""

import csv
import io
import os
from pathlib import Path

import keras
import numpy as np
import pytest
from image_making import noise, save
from PIL import Image

from simmim_lib.datasets.image_files import read_image
from simmim_lib.errors import WorkbookError
from simmim_lib.experiments import predicting
from simmim_lib.experiments.kept_models import Description, KeptModel
from simmim_lib.experiments.predicting import Prediction, Unreadable, file_of, find, predict
from simmim_lib.trunks.tokens import token_ids

NAMES = ("dark", "bright")
DESCRIPTION = Description("Brightness", "classification", NAMES, 28, grey=True)


@pytest.fixture(scope="module")
def kept() -> KeptModel:
    """A model that tells by the mean pixel, sure of black and white, unsure of grey."""
    pixels = keras.Input((None, None, 1))
    mean = keras.layers.GlobalAveragePooling2D()(pixels)
    head = keras.layers.Dense(2, activation="softmax")
    model = keras.Model(pixels, head(mean))
    head.set_weights([np.array([[0.0, 0.05]]), np.array([0.0, -0.05 * 127])])
    return KeptModel(model, DESCRIPTION)


def shade(path: Path, value: int, shape: tuple[int, ...] = (40, 60)) -> Path:
    save(path, np.full(shape, value, np.uint8))
    return path


def test_a_flat_folder_files_and_a_deep_folder_are_taken_once_each(tmp_path):
    for name in ("b.png", "a.JPG", "deep/deeper/c.png", ".hidden.png", ".git/d.png"):
        shade(tmp_path / "new" / name, 0)
    (tmp_path / "new" / "notes.txt").write_text("no image")
    odd = shade(tmp_path / "odd.png", 0).rename(tmp_path / "odd.photo")
    paths = [odd, tmp_path / "new", tmp_path / "new" / "b.png", odd]
    found, left_out = find(paths)
    names = ["odd.photo", "new/a.JPG", "new/b.png", "new/deep/deeper/c.png"]
    assert found == [tmp_path / name for name in names]
    assert left_out == [tmp_path / "new" / "notes.txt"]


@pytest.mark.skipif(os.name != "posix", reason="needs links")
def test_folders_behind_links_are_not_gone_into(tmp_path):
    shade(tmp_path / "elsewhere" / "secret.png", 0)
    image = shade(tmp_path / "new" / "image.png", 0)
    (tmp_path / "new" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "new" / "circle").symlink_to(tmp_path / "new")
    found, left_out = find([tmp_path / "new"])
    assert found == [image]
    assert left_out == [tmp_path / "new" / "circle", tmp_path / "new" / "linked"]


def test_what_is_not_there_and_what_is_empty_keeps_its_place(tmp_path):
    (tmp_path / "empty").mkdir()
    image = shade(tmp_path / "image.png", 0)
    found, _ = find([tmp_path / "missing.png", image, tmp_path / "empty"])
    assert found == [
        Unreadable(tmp_path / "missing.png", "is not there"),
        image,
        Unreadable(tmp_path / "empty", "has no images"),
    ]


def test_an_address_is_no_path():
    ((found,), _) = find(["folder:photos"])
    assert found.reason == "is not there; give the path alone, without folder:"
    ((found,), _) = find(["csv:table.csv?label=sick"])
    assert found.reason == "is a table; for images, give their files or folders"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a named pipe")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    found, _ = find([tmp_path / "pipe.png"])
    assert found == [Unreadable(tmp_path / "pipe.png", "is not a file")]


def test_broken_files_are_named_and_the_others_predicted(kept, tmp_path):
    """Over more files than go through the model in one call."""
    files = [shade(tmp_path / f"{number:02}.png", 255 * (number % 2)) for number in range(70)]
    for broken in files[::10]:
        broken.write_bytes(broken.read_bytes()[:40])
    outcomes = [*predict(kept, files)]
    assert [outcome.path for outcome in outcomes] == files
    for number, outcome in enumerate(outcomes):
        if number % 10 == 0:
            assert isinstance(outcome, Unreadable) and outcome.reason
        else:
            assert outcome.label == NAMES[number % 2] and outcome.probability > 0.99


def test_images_are_read_as_in_training(kept, tmp_path):
    """The middle square of a photograph that a camera has turned, in grey."""
    picture = Image.fromarray(noise(0, (50, 90, 3)))
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(tmp_path / "turned.jpg", exif=exif)
    (found,) = predict(kept, [tmp_path / "turned.jpg"])
    seen = read_image(tmp_path / "turned.jpg", 28, grey=True).pixels
    expected = kept.model.predict(seen[None, ..., None].astype(np.float32), verbose=0)[0]
    np.testing.assert_allclose(found.outputs, expected, atol=1e-6)


def test_a_probability_below_the_threshold_is_unsure(kept, tmp_path):
    files = [shade(tmp_path / f"{value}.png", value) for value in (0, 120, 255)]
    outcomes = [*predict(kept, files)]
    assert [outcome.is_unsure(0.7) for outcome in outcomes] == [False, True, False]
    assert outcomes[1].probability == pytest.approx(1 / (1 + np.exp(-0.05 * 7)), abs=1e-5)
    assert outcomes[1].label == "dark" and not outcomes[1].is_unsure(0.5)


def of_kind(kind: str, outputs: list[float]) -> Prediction:
    description = Description("Made up", kind, ("wet", "cold", "loud"), 28, grey=True)
    return Prediction(Path("some.png"), np.array(outputs), description)


def test_of_several_labels_those_likelier_than_not_are_named():
    made = of_kind("multi-label", [0.9, 0.2, 0.6])
    assert (made.label, made.probability) == ("wet + loud", pytest.approx(0.6))
    assert made.is_unsure(0.7) and not made.is_unsure(0.55)
    assert of_kind("multi-label", [0.1, 0.2, 0.0]).label == "none"


@pytest.mark.parametrize(
    ("second", "label", "probability"),
    [(0.5, "wet + cold", 0.5), (0.51, "wet + cold", 0.51), (0.49, "wet", 0.51)],
)
def test_a_label_is_named_from_a_half_on(second, label, probability):
    made = of_kind("multi-label", [0.9, second, 0.0])
    assert (made.label, made.probability) == (label, pytest.approx(probability))


def test_as_sure_as_asked_is_sure_enough():
    made = of_kind("classification", [0.25, 0.75, 0.0])
    assert [made.is_unsure(below) for below in (0.0, 0.74, 0.75, 0.76, 1.0)] == [
        *[False] * 3,
        *[True] * 2,
    ]


def test_numbers_have_no_probability():
    made = of_kind("regression", [3.0, 0.25, -1200.0])
    assert (made.label, made.probability) == ("3 0.25 -1200", None)
    assert not made.is_unsure(1.0)


def test_the_table_has_a_row_for_each_file(kept, tmp_path):
    files = [shade(tmp_path / f"{value}, and more.png", value) for value in (0, 120)]
    outcomes = [*predict(kept, [*files, Unreadable(Path("lost.png"), "is not there")])]
    predicting.write_csv(outcomes, DESCRIPTION, tmp_path / "predictions.csv", 0.7)
    text = (tmp_path / "predictions.csv").read_text(encoding="utf-8")
    sure, unsure, lost = csv.DictReader(io.StringIO(text))
    assert (sure["file"], sure["predicted"], sure["unsure"]) == (str(files[0]), "dark", "no")
    assert unsure["unsure"] == "yes"
    assert (lost["file"], lost["problem"], lost["predicted"]) == ("lost.png", "is not there", "")
    for row, outcome in zip((sure, unsure), outcomes, strict=False):
        found = [float(row[f"probability_{name}"]) for name in NAMES]
        np.testing.assert_allclose(found, outcome.outputs, atol=1e-6)
        assert float(row["probability"]) == pytest.approx(max(found))


def test_numbers_in_a_table_are_called_as_their_columns():
    made = of_kind("regression", [3.0, 0.25, -1200.0])
    (row,) = csv.DictReader(io.StringIO(predicting.as_csv([made], made.description, 0.7)))
    assert (row["wet"], row["probability"]) == ("3.000000", "")


def test_names_of_any_bytes_stay_in_their_line_of_a_table():
    odd = Path(os.fsdecode(b"bad\xff\n\x1b[31m.png"))
    description = Description("Made up", "classification", ("a", "b\ud800"), 28, grey=True)
    made = Prediction(odd, np.array([0.2, 0.8]), description)
    text = predicting.as_csv([made], made.description, 0.7)
    assert text.splitlines()[1].startswith("bad\\udcff\\n\\x1b[31m.png,b\\ud800,0.800000")
    assert text.encode()


# --- Texts

TEXTS = Description("Greetings", "classification", ("other", "hello"), 8, False, {}, "words")


@pytest.fixture(scope="module")
def reader() -> KeptModel:
    """A model that looks for the first token of "hello" among the eight that it sees."""
    (number,) = {*token_ids("words", ["hello"], 8)[0].tolist()[:1]}
    tokens = keras.Input((8,), dtype="int32")
    is_it = keras.ops.equal(tokens, number)
    found = keras.ops.cast(keras.ops.any(is_it, axis=-1, keepdims=True), "float32")
    return KeptModel(keras.Model(tokens, keras.ops.concatenate([1 - found, found], axis=-1)), TEXTS)


def test_text_files_folders_and_rows_of_tables_are_predicted_for(reader, tmp_path):
    for name, text in {
        "a.txt": "hello you",
        "deep/b.TXT": "well",
        "c.png": "",
        "d.txt": " ",
    }.items():
        path = tmp_path / "new" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    table = tmp_path / "table.csv"
    table.write_text(
        'n,said\n1,"hello, there"\n2,\n3,"one two three four five six seven eight hello"\n'
    )
    found, left_out = find([tmp_path / "new", f"csv:{table}?text=said"], "texts")
    assert left_out == [tmp_path / "new" / "c.png"]
    assert {table, tmp_path / "new" / "a.txt"} <= {file_of(each) for each in found}
    outcomes = {str(each.path): each for each in predict(reader, found)}
    told = {
        name: each.reason if isinstance(each, Unreadable) else each.label
        for name, each in outcomes.items()
    }
    assert told == {
        f"{tmp_path}/new/a.txt": "hello",
        f"{tmp_path}/new/d.txt": "is empty",
        f"{tmp_path}/new/deep/b.TXT": "other",
        f"{table}:2": "hello",
        f"{table}:3": "is empty",
        f"{table}:4": "other",  # only eight tokens are seen
    }


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("{}", r"has the columns n, said: say which one .*csv:.*table.csv\?text=n"),
        ("csv:{}", "say which one holds the texts"),
        ("csv:{}?text=sayd", "Did you mean 'said'"),
        ("csv:{}x?text=said", "cannot be read"),
    ],
)
def test_a_table_without_its_column_is_refused(tmp_path, given, words):
    table = tmp_path / "table.csv"
    table.write_text("n,said\n1,hello\n")
    with pytest.raises(WorkbookError, match=words):
        find([given.format(table)], "texts")
