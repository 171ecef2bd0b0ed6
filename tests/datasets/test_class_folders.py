"""Pictures of one's own: what becomes of each kind, and what is said when something is wrong."""

import dataclasses
import os
import re
import shutil
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from image_making import fill, noise, save
from PIL import Image

import simmim_lib
from simmim_lib import datasets
from simmim_lib.datasets import catalogue, dicom_files, image_files, own, registered
from simmim_lib.datasets.image_files import FORMATS, SUFFIXES, BrokenImageError, read_image
from simmim_lib.datasets.listing import LabelledFile, Listing
from simmim_lib.datasets.own_splits import divide
from simmim_lib.datasets.survey import survey as survey_of
from simmim_lib.datasets.survey_text import as_text
from simmim_lib.errors import WorkbookError
from simmim_lib.experiments import pretraining
from simmim_lib.experiments.features import frozen_features
from simmim_lib.experiments.pretexts import labels
from simmim_lib.experiments.pretrained import Pretrained
from simmim_lib.experiments.pretraining import (
    _cached_path,
    _pretrained,
    _read,
    store,
)
from simmim_lib.settings import Settings

pytestmark = pytest.mark.filterwarnings("error:Left out of")  # asked for, or a mistake


@pytest.fixture(autouse=True)
def _forget(monkeypatch, tmp_path):
    """Each test begins, and leaves the next ones, with no images of the user's own."""
    monkeypatch.setattr(registered, "_datasets", {})
    monkeypatch.setattr(own, "_kept", {})
    monkeypatch.setattr(catalogue, "_added", {})
    monkeypatch.setenv("SIMMIM_CACHE", str(tmp_path / "cache"))
    for remembers in (_pretrained, frozen_features):
        remembers.cache_clear()
    yield
    for remembers in (_pretrained, frozen_features):
        remembers.cache_clear()


@pytest.fixture
def pets(tmp_path) -> Path:
    return fill(tmp_path / "pets", {"dogs": 6, "cats": 9})


def refused(folder: Path, **options) -> str:
    with pytest.raises(WorkbookError) as error:
        datasets.from_folder(folder, **options)
    text = str(error.value)
    assert text.endswith(".") and "\n" not in text
    assert not registered._datasets
    return text


def read_one(path: Path, size: int = 28) -> np.ndarray:
    return read_image(path, size).pixels


# --- The dataset


def test_classes_images_and_parts(pets):
    dataset = datasets.from_folder(pets)
    assert (dataset.name, dataset.class_names) == ("pets", ("cats", "dogs"))
    assert np.bincount(dataset.train.labels).tolist() == [7, 5]
    assert np.bincount(dataset.test.labels).tolist() == [2, 1]
    found = set()
    for part in (dataset.train, dataset.test):
        assert part.images.shape == (len(part), 28, 28, 1)
        assert part.images.dtype == np.float32 and part.labels.dtype == np.int32
        assert not part.images.flags.writeable
        found |= {
            (np.rint(image * 255).astype(np.uint8).tobytes(), dataset.class_names[label])
            for image, label in zip(part.images, part.labels, strict=True)
        }
    stored = {
        (np.asarray(Image.open(path)).tobytes(), path.parent.name) for path in pets.glob("*/*.png")
    }
    assert found == stored and len(stored) == 15


@pytest.mark.parametrize("counts", [(5, 5), (5, 1001), (5, 6, 7, 8), (5, 5, 90)])
def test_every_class_can_be_learned_validated_and_tested(counts):
    labels = np.repeat(np.arange(len(counts)), counts).astype(np.int32)
    files = [LabelledFile(Path(str(n)), str(n), int(label)) for n, label in enumerate(labels)]
    listing = Listing(Path(), "classification", tuple("abcd"[: len(counts)]), tuple(files))
    division = divide(listing, files, seed=0)
    assert sorted([*division.train, *division.test]) == list(range(len(labels)))
    tested = np.bincount(labels[division.test])
    assert tested.min() >= 1 and tested.sum() == -(-len(labels) // 5)
    assert np.all(np.abs(tested - np.array(counts) / 5) <= 1)
    assert np.any(np.diff(labels[division.train]) < 0)  # not class by class


def test_the_order_is_that_of_the_names(pets, monkeypatch):
    expected = datasets.from_folder(pets, name="one")
    forwards = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda path: iter(sorted(forwards(path), reverse=True)))
    again = datasets.from_folder(pets, name="two")
    assert np.array_equal(expected.train.images, again.train.images)
    assert datasets.fingerprint("one") == datasets.fingerprint("two")


def test_the_seed_chooses_the_parts(pets):
    one, same, other = (
        datasets.from_folder(pets, name=name, seed=seed)
        for name, seed in (("one", 0), ("same", 0), ("other", 1))
    )
    assert np.array_equal(one.test.images, same.test.images)
    assert not np.array_equal(one.test.images, other.test.images)


# --- By its name, as any other


def test_the_name_works_wherever_a_dataset_is_named(pets):
    dataset = datasets.from_folder(str(pets), name="my-pictures")
    assert datasets.load("my-pictures") is dataset
    assert "my-pictures" in datasets.names() and datasets.is_available("my-pictures")
    assert len(datasets.few_shot("my-pictures", 2, seed=0).labelled) == 4


@pytest.mark.slow
def test_an_experiment_transfers_to_it_and_from_it(tmp_path, monkeypatch):
    """Bright and dark pictures: easy, if pictures and labels have stayed together."""
    for number in range(20):
        save(tmp_path / "sky" / "day" / f"{number}.png", noise(number) // 2 + 128)
        save(tmp_path / "sky" / "night" / f"{number}.png", noise(number) // 2)
    datasets.from_folder(tmp_path / "sky")
    tiny = {"labels_per_class": 5, "steps": 30, "seeds": 2}
    result = simmim_lib.run(Settings(targets=("sky",), **tiny), baseline=False)
    assert result.accuracy["sky"].min() == 1
    monkeypatch.setattr(labels, "RECIPE", replace(labels.RECIPE, steps=5))
    monkeypatch.setattr(labels.train, "__defaults__", ("small-cnn", 5, None))
    result = simmim_lib.run(Settings(source="sky", targets=("sky",), **tiny), baseline=False)
    assert result.accuracy["sky"].min() == 1


def test_a_network_trained_on_other_images_of_the_name_is_not_taken(pets, monkeypatch):
    datasets.from_folder(pets)
    path = _cached_path("pets")
    shapes = pretraining._shapes("pets", "small-cnn")
    *blocks, head = ([np.zeros(shape) for shape in each] for each in shapes.values())
    store(Pretrained("pets", dict(zip(shapes, blocks, strict=False)), head, 0.5), path)
    assert _read(path, "pets") is not None
    del registered._datasets["pets"], catalogue._added["pets"]  # as in another process
    save(pets / "cats" / "000.png", noise(77))
    datasets.from_folder(pets)
    assert _read(path, "pets") is None


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "cats").rename(folder / "cows"),  # still the first
        lambda folder: shutil.move(folder / "cats" / "000.png", folder / "dogs" / "zzz.png"),
        lambda folder: (folder / "cats" / "000.png").unlink(),
        lambda folder: save(folder / "cats" / "new.png", noise(99)),
    ],
    ids=["class renamed", "label changed", "image removed", "image added"],
)
def test_the_fingerprint_is_that_of_the_content(pets, tmp_path, change):
    copy = shutil.copytree(pets, tmp_path / "copy")
    datasets.from_folder(pets)
    datasets.from_folder(copy, name="copy")
    assert datasets.fingerprint("copy") == datasets.fingerprint("pets")
    change(copy)
    datasets.from_folder(copy, name="changed")
    assert datasets.fingerprint("changed") != datasets.fingerprint("pets")


@pytest.mark.parametrize("part", ["train", "test"])
def test_the_fingerprint_tells_labels_and_images_of_both_parts_apart(pets, part):
    dataset = datasets.from_folder(pets)
    before = getattr(dataset, part)
    others = [
        datasets.Part(before.images, 1 - before.labels),
        datasets.Part(1 - before.images, before.labels),
    ]
    digests = {
        registered._digest(dataclasses.replace(dataset, **{part: other}))
        for other in (before, *others)
    }
    assert len(digests) == 3 and registered._digest(dataset) in digests


def test_reading_again_is_allowed_and_other_images_need_another_name(pets):
    dataset = datasets.from_folder(pets)
    assert datasets.from_folder(pets) is dataset
    save(pets / "cats" / "new.png", noise(99))
    with pytest.raises(WorkbookError, match=r"already stands for other images.*name='pets-2'"):
        datasets.from_folder(pets)
    assert datasets.load("pets") is dataset
    assert len(datasets.from_folder(pets, name="pets-2").train) == len(dataset.train)
    with pytest.raises(WorkbookError, match="already stands"):
        datasets.from_folder(pets, name="pets-2", seed=1)


def test_another_size_is_kept_under_the_name(pets):
    dataset = datasets.from_folder(pets, 40)
    assert dataset.train.images.shape == (12, 40, 40, 1)
    assert len(datasets.few_shot(dataset, 2, 0).labelled) == 4
    assert datasets.load("pets", 28) is dataset
    assert datasets.image_shape("pets") == (40, 40, 1) and datasets.describe("pets").size == 40


def test_texts_are_no_pictures(tmp_path):
    for kind in ("good", "bad"):
        (tmp_path / "said" / kind).mkdir(parents=True)
        for number in range(6):
            (tmp_path / "said" / kind / f"{number}.txt").write_text(f"{kind} {number}")
    assert "holds texts, and this reads images" in refused(tmp_path / "said")


@pytest.mark.parametrize("name", ["", "my pictures", "../up", "a,b", "none", "-x", 3, "a\n"])
def test_a_name_must_be_fit_for_files_and_commands(pets, name):
    assert "letters, digits" in refused(pets, name=name)


def test_the_folder_s_name_must_be_fit_too(pets):
    spaced = pets.rename(pets.with_name("my pets"))
    assert "name='my-pictures'" in refused(spaced)
    assert datasets.from_folder(spaced, name="my-pets").name == "my-pets"


def test_the_path_may_be_relative_a_link_or_in_the_home(pets, monkeypatch):
    (pets.parent / "linked").symlink_to(pets)
    monkeypatch.setenv("HOME", str(pets.parent))
    monkeypatch.chdir(pets)
    names = [datasets.from_folder(path).name for path in (".", "../linked", "~/pets", "cats/..")]
    assert names == ["pets", "linked", "pets", "pets"]


def test_the_workbook_s_names_are_taken(pets):
    assert "'mnist' is a dataset of the workbook" in refused(pets, name="mnist")
    assert datasets.load("mnist").title == "MNIST digits"


@pytest.mark.parametrize("size", [0, 7, 1025, 28.0, "28", (28, 28)])
def test_the_size_is_one_whole_number(pets, size):
    assert f"size is {size!r}" in refused(pets, size=size)


def test_other_options_are_checked(pets):
    assert "seed is -1" in refused(pets, seed=-1)
    assert "grey is 1" in refused(pets, grey=1)
    assert "path is None" in refused(None)


# --- Kinds of pictures


def test_mixed_sizes_are_cut_to_their_middle_square(tmp_path):
    """A wide and a high picture, each with a black and a white half in its middle square."""
    square = np.zeros((60, 60), np.uint8)
    square[:, 30:] = 255
    wide = np.pad(square, ((0, 0), (40, 40)), constant_values=100)
    high = np.pad(square, ((40, 40), (0, 0)), constant_values=100)
    for name, pixels in (("square", square), ("wide", wide), ("high", high)):
        save(tmp_path / f"{name}.png", pixels)
    small = read_one(tmp_path / "square.png")
    assert small[:, :12].max() < 10 and small[:, 16:].min() > 245
    for name in ("wide", "high"):
        image = read_one(tmp_path / f"{name}.png")
        rim = 3  # where the filter takes in a little of what was cut off
        assert np.array_equal(image[rim:-rim, rim:-rim], small[rim:-rim, rim:-rim])


def test_a_small_picture_is_enlarged(tmp_path):
    save(tmp_path / "small.png", np.full((3, 5), 70, np.uint8))
    assert np.array_equal(read_one(tmp_path / "small.png"), np.full((28, 28, 3), 70))


def test_one_coloured_picture_makes_all_coloured(tmp_path):
    fill(tmp_path / "pets", {"cats": 5, "dogs": 5})
    assert datasets.from_folder(tmp_path / "pets", name="grey").train.images.shape[-1] == 1
    save(tmp_path / "pets" / "cats" / "colour.png", noise(50, (28, 28, 3)))
    dataset = datasets.from_folder(tmp_path / "pets", name="colour")
    images = np.concatenate([dataset.train.images, dataset.test.images])
    assert images.shape == (11, 28, 28, 3)
    assert [datasets.describe(name).channels for name in ("grey", "colour")] == [1, 3]
    assert np.sum(images.min(axis=-1) != images.max(axis=-1), axis=(1, 2)).astype(bool).sum() == 1


def test_grey_saved_as_colour_is_grey(tmp_path):
    fill(tmp_path / "pets", {"cats": 5, "dogs": 5})
    for path in (tmp_path / "pets").glob("*/*.png"):
        Image.open(path).convert("RGB").save(path.with_suffix(".jpg"))
        path.unlink()
    assert datasets.from_folder(tmp_path / "pets").train.images.shape[-1] == 1


def test_colour_can_be_done_without(tmp_path):
    """Luma as defined in ITU-R BT.601."""
    for name, pixel in (("a", (255, 0, 0)), ("b", (0, 255, 0))):
        fill(tmp_path / "pets", {name: 5})
        for path in (tmp_path / "pets" / name).iterdir():
            pixels = np.full((28, 28, 3), pixel, np.uint8)
            pixels[0, 0] = int(path.stem)
            save(path, pixels)
    pictures = datasets.from_folder(tmp_path / "pets", grey=True).train
    assert pictures.images.shape == (8, 28, 28, 1)
    values = pictures.images[:, 9, 9, 0] * 255
    assert np.abs(values - np.array([0.299, 0.587])[pictures.labels] * 255).max() < 1


@pytest.mark.floors
@pytest.mark.parametrize(
    ("mode", "colour", "suffix", "expected"),
    [
        ("1", 1, "png", (255, 255, 255)),
        ("L", 90, "png", (90, 90, 90)),
        ("L", 90, "pgm", (90, 90, 90)),
        ("RGB", (10, 20, 30), "bmp", (10, 20, 30)),
        ("RGB", (10, 20, 30), "webp", (10, 20, 30)),
        ("RGB", (10, 20, 30), "tif", (10, 20, 30)),
        ("RGBA", (10, 20, 30, 0), "png", (255, 255, 255)),
        ("RGBA", (0, 100, 200, 51), "png", (204, 224, 244)),
        ("LA", (100, 255), "png", (100, 100, 100)),
        ("LA", (100, 0), "png", (255, 255, 255)),
        ("CMYK", (255, 0, 0, 0), "tif", (0, 255, 255)),
        ("CMYK", (0, 0, 0, 255), "jpg", (0, 0, 0)),
    ],
)
def test_every_mode_becomes_red_green_and_blue(tmp_path, mode, colour, suffix, expected):
    path = tmp_path / f"picture.{suffix}"
    Image.new(mode, (40, 40), colour).save(path)
    image = read_one(path)
    assert image.shape == (28, 28, 3)
    lossy = suffix in ("jpg", "webp")
    assert np.abs(image.astype(int) - expected).max() <= (3 if lossy else 0)


def test_palettes_are_looked_up(tmp_path):
    picture = Image.new("P", (40, 40), 1)
    picture.putpalette([0, 0, 0, 200, 100, 50])
    picture.save(tmp_path / "opaque.gif")
    assert read_one(tmp_path / "opaque.gif")[0, 0].tolist() == [200, 100, 50]
    picture.save(tmp_path / "clear.png", transparency=1)
    assert read_one(tmp_path / "clear.png")[0, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_sixteen_bits_become_eight_whatever_the_other_pixels_are(tmp_path, suffix):
    pixels = np.full((28, 28), 60_000, np.uint16)
    Image.fromarray(pixels).save(tmp_path / f"deep.{suffix}")
    image = read_one(tmp_path / f"deep.{suffix}")
    assert np.unique(image).tolist() == [round(60_000 / 65_535 * 255)]


def test_pixels_without_a_known_range_are_refused(pets):
    Image.fromarray(noise(0).astype(np.float32)).save(pets / "cats" / "float.tif")
    text = refused(pets)
    assert "float.tif" in text and "range" in text


def test_the_camera_s_orientation_is_followed(tmp_path):
    """Orientation 6: the sensor's first row is the picture's right-hand column."""
    pixels = np.zeros((28, 28), np.uint8)
    pixels[:5] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(tmp_path / "turned.png", exif=exif)
    image = read_one(tmp_path / "turned.png")[..., 0]
    assert np.array_equal(image, np.rot90(pixels, -1))


def test_the_first_frame_counts(tmp_path):
    first, second = (Image.new("L", (28, 28), value) for value in (10, 200))
    first.save(tmp_path / "moving.gif", save_all=True, append_images=[second])
    assert np.unique(read_one(tmp_path / "moving.gif")).tolist() == [10]


@pytest.mark.parametrize(("size", "frequency"), [(28, 9), (400, 300)])
def test_a_large_photograph_is_scaled_as_if_decoded_in_full(tmp_path, size, frequency):
    """A JPEG may be decoded at a fraction of its size, but not of what is needed."""
    y, x = np.mgrid[:1200, :1200] / 1200
    wave = np.rint(127 + 120 * np.sin(frequency * x) * np.cos(frequency * y)).astype(np.uint8)
    Image.fromarray(wave).save(tmp_path / "photograph.jpg", quality=95)
    exact = np.asarray(Image.fromarray(wave).resize((size, size), Image.Resampling.BOX), float)
    assert np.abs(read_one(tmp_path / "photograph.jpg", size)[..., 0] - exact).max() < 15


# --- What is left out, and said


def test_hidden_files_are_ignored_in_silence(pets):
    (pets / ".DS_Store").write_bytes(b"x")
    (pets / "cats" / "._000.png").write_bytes(b"x")
    (pets / ".ipynb_checkpoints").mkdir()
    assert len(datasets.from_folder(pets).class_names) == 2


def test_other_files_are_named(pets):
    (pets / "readme.txt").write_text("about")
    (pets / "cats" / "notes.csv").write_text("1,2")
    (pets / "cats" / "older").mkdir()
    (pets / "dogs" / "lost.png").symlink_to(pets / "nowhere")
    with pytest.warns(UserWarning) as caught:
        dataset = datasets.from_folder(pets)
    assert len(dataset.train) + len(dataset.test) == 15
    (warning,) = caught
    for name in ("readme.txt", "notes.csv", "older", "lost.png"):
        assert name in str(warning.message)
    assert warning.filename == __file__


def test_of_many_the_first_ten_are_named(pets):
    for number in range(13):
        (pets / f"{number:02}.txt").write_text("")
    with pytest.warns(UserWarning, match=r"09\.txt and 3 more\.$"):
        datasets.from_folder(pets)


LINKS = {
    "a picture": ("dogs/linked.png", "elsewhere/one.png", "dogs/linked.png"),
    "a class": ("horses", "elsewhere", "horses"),
    "by way of another": ("dogs/linked.png", "hidden/../elsewhere/one.png", "dogs/linked.png"),
}


@pytest.mark.skipif(os.name != "posix", reason="needs links")
@pytest.mark.parametrize("what", LINKS)
def test_pictures_from_outside_are_named(pets, what):
    name, leads_to, named = LINKS[what]
    outside = pets.parent / "elsewhere"
    fill(outside, {".": 8})
    (outside / "000.png").rename(outside / "one.png")
    (pets.parent / "hidden").mkdir()
    (pets / name).symlink_to(pets.parent / leads_to)
    with pytest.warns(UserWarning, match=f"Read from outside .*, by links: {named}\\.$"):
        datasets.from_folder(pets)
    survey = as_text(survey_of(f"folder:{pets}"))
    assert f"links to a place outside the folder: 1\n  {named}" in survey


@pytest.mark.skipif(os.name != "posix", reason="needs links")
def test_links_within_the_folder_are_nobody_s_business(pets):
    (pets / "dogs" / "again.png").symlink_to("000.png")
    (pets.parent / "linked").symlink_to(pets)
    with pytest.warns(UserWarning, match="repeating one: dogs/again.png") as caught:
        datasets.from_folder(pets.parent / "linked", name="dogs-and-cats")
    assert "outside" not in str(caught[0].message)
    assert "links" not in as_text(survey_of(f"folder:{pets}"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes")
def test_a_pipe_is_not_waited_for(pets):
    os.mkfifo(pets / "cats" / "pipe.png")
    with pytest.warns(UserWarning, match=r"pipe\.png"):
        datasets.from_folder(pets)


def test_a_repeated_picture_counts_once(pets):
    shutil.copy(pets / "cats" / "000.png", pets / "cats" / "copy.png")
    with pytest.warns(UserWarning, match=r"repeating one: .*copy\.png"):
        dataset = datasets.from_folder(pets)
    assert len(dataset.train) + len(dataset.test) == 15


def test_a_picture_in_two_classes_is_refused(pets):
    shutil.copy(pets / "cats" / "000.png", pets / "dogs" / "copy.png")
    text = refused(pets)
    assert "000.png" in text and "copy.png" in text and "two classes" in text


# --- Bad input


def test_a_folder_that_is_not_there(tmp_path):
    text = refused(tmp_path / "not here")
    assert "not here" in text and "No such file" in text and "sub-folder of images" in text


def test_a_file_in_place_of_a_folder(tmp_path):
    (tmp_path / "pets.zip").write_bytes(b"PK")
    assert "Not a directory" in refused(tmp_path / "pets.zip")


@pytest.mark.parametrize("part", ["pets", "cats"])
def test_a_folder_that_may_not_be_read(pets, monkeypatch, part):
    list_folder = Path.iterdir

    def guarded(path):
        if path.name == part:
            raise PermissionError(13, "Permission denied")
        return list_folder(path)

    monkeypatch.setattr(Path, "iterdir", guarded)
    assert "Permission denied" in refused(pets)


def test_no_sub_folders(tmp_path):
    save(tmp_path / "pets" / "cat.png", noise(0))
    assert "no sub-folders" in refused(tmp_path / "pets")


def test_one_class_only(tmp_path):
    text = refused(fill(tmp_path / "pets", {"cats": 9}))
    assert "one class only, 'cats'" in text


def test_an_empty_class(pets):
    (pets / "birds").mkdir()
    (pets / "birds" / "parrot.heic").write_bytes(b"x")
    text = refused(pets)
    assert "'birds'" in text and "no images" in text and ".png" in text


def test_too_few_images_in_a_class(pets):
    for number in range(4):
        save(pets / "birds" / f"{number}.png", noise(5000 + number))
    text = refused(pets)
    assert "'birds'" in text and "too few different images, 4" in text and "at least 5" in text


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "bmp", "tif", "webp", "ppm"])
def test_a_truncated_image_is_named(pets, suffix):
    path = pets / "cats" / f"broken.{suffix}"
    Image.fromarray(noise(3, (90, 90, 3))).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert f"broken.{suffix}" in refused(pets)


@pytest.mark.parametrize("content", [b"", b"no image", b"\x80\x04\x95cos\nsystem\n."])
def test_what_is_no_image_is_named(pets, content):
    (pets / "dogs" / "broken.png").write_bytes(content)
    text = refused(pets)
    assert "broken.png" in text and "PNG, JPEG" in text


def test_bytes_changed_at_random_never_end_in_another_error(tmp_path):
    random = np.random.default_rng(0)
    path = tmp_path / "picture"
    for suffix in ("PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP"):
        Image.fromarray(noise(3, (20, 20, 3))).save(path, format=suffix)
        content = np.frombuffer(path.read_bytes(), np.uint8)
        for _ in range(60):
            damaged = content.copy()
            damaged[random.integers(0, len(content), 8)] = random.integers(0, 256, 8)
            path.write_bytes(damaged.tobytes())
            try:
                assert read_one(path).shape == (28, 28, 3)
            except BrokenImageError as error:
                assert str(error)


def test_no_program_is_started_for_a_picture(pets, monkeypatch):
    """Pillow would hand PostScript to Ghostscript, whatever the file is called."""
    started = []
    monkeypatch.setattr(subprocess, "Popen", lambda command, **_: started.append(command))
    Image.fromarray(noise(0)).save(pets / "cats" / "picture.eps")
    (pets / "cats" / "picture.eps").rename(pets / "cats" / "picture.png")
    text = refused(pets)
    assert "picture.png" in text and "of a kind other than PNG, JPEG" in text
    assert not started


def test_a_decompression_bomb_is_not_opened(pets, monkeypatch):
    for pixels, refusal in ((28 * 28, None), (28 * 28 - 1, "warning"), (300, "error")):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", pixels)
        if refusal is None:
            assert read_one(pets / "cats" / "000.png").shape == (28, 28, 3)
        else:
            text = refused(pets)
            assert "000.png" in text and f"more than {pixels:,} pixels" in text


def test_an_unreadable_file_is_named(pets, monkeypatch):
    def forbidden(path, **options):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Image, "open", forbidden)
    text = refused(pets)
    assert "000.png" in text and "Permission denied" in text


def test_remarks_of_pillow_on_what_does_no_harm_are_not_passed_on(pets):
    exif = Image.Exif()
    exif[0x010E] = "what the picture shows"
    damaged = exif.tobytes()[:-10]
    Image.fromarray(noise(3)).save(pets / "cats" / "odd.jpg", exif=damaged)
    with pytest.warns(UserWarning, match="Truncated"), Image.open(pets / "cats" / "odd.jpg") as odd:
        odd.getexif()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(datasets.from_folder(pets).test) == 4


# --- The wrong folder


def images_at(folder: Path, *places: str) -> Path:
    """Put six images into each of some places below a folder."""
    for number, place in enumerate(places):
        for image in range(6):
            save(folder / place / f"{image}.png", noise(100 * number + image))
    return folder


@pytest.mark.parametrize(
    ("places", "named", "advice"),
    [
        (["pets/cats", "pets/dogs"], "", r"if the classes are the folders in \S+/pets, name"),
        (["a/b/cats", "a/b/dogs"], "", r"the folders in \S+/a/b, name this one"),
        (["pets/train/cats", "pets/train/dogs", "pets/test/cats"], "", r"folders in \S+/pets,"),
        (["cats", "dogs"], "cats", r"if this is one class, name the folder above, \S+"),
        (["train", "test"], "", "has test and train, but no folder train with a sub-folder"),
        (["Train", "Test"], "", "has Test and Train, but no folder train with a sub-folder"),
        (["test/cats", "val/dogs"], "", "has test and val, but no folder train"),
        (["train"], "", "has train, but no folder train with a sub-folder for each class"),
        (["one/cats", "one/dogs", "two/cats"], "", r"images in folders of its own only \('cats'"),
        (["cats", "dogs/brown"], "", r"'dogs' in \S+ has images in folders .* \('brown'\)"),
        (["train/cats", "train/dogs", "Training/cats"], "", "two folders for one part"),
        (["train/cats", "train/dogs", "val/cats", "valid/cats"], "", "two folders for one part"),
    ],
)
def test_the_wrong_folder_gets_the_advice_that_fits(tmp_path, places, named, advice):
    text = refused(images_at(tmp_path / "archive", *places) / named)
    assert re.search(advice, text), text


@pytest.mark.parametrize("names", [("Train", "TEST"), ("training", "testing"), ("train", "Test")])
def test_parts_are_known_however_they_are_written(tmp_path, names):
    train, test = names
    places = [f"{train}/cats", f"{train}/dogs", f"{test}/cats", f"{test}/dogs"]
    dataset = datasets.from_folder(images_at(tmp_path / "pets", *places))
    assert dataset.class_names == ("cats", "dogs")
    assert (len(dataset.train), len(dataset.test)) == (12, 12)


def test_what_macos_adds_to_an_archive_is_no_class(pets):
    (pets / "__MACOSX" / "cats").mkdir(parents=True)
    (pets / "__MACOSX" / "cats" / "._000.png").write_bytes(b"x")
    assert datasets.from_folder(pets).class_names == ("cats", "dogs")


def test_every_ending_that_pillow_knows_for_our_formats_is_an_image():
    Image.init()
    known = {end for end, format in Image.registered_extensions().items() if format in FORMATS}
    others = set(dicom_files.SUFFIXES)
    assert (
        known - {".pfm"} == set(SUFFIXES) - others
    )  # floating-point pixels, whose range is not known


# --- Large images


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
@pytest.mark.parametrize("shape", [(300, 300), (250, 611), (611, 250), (900, 40)])
def test_a_large_picture_looks_the_same_when_it_is_brought_down_in_strips(
    tmp_path, monkeypatch, mode, shape
):
    y, x = np.mgrid[: shape[0], : shape[1]] / 100
    waves = np.stack([127 + 120 * np.sin(x + y * k) for k in (1, 2, -1, 0)], axis=-1)
    picture = Image.fromarray(waves.astype(np.uint8), "RGBA")
    if mode == "I;16":
        picture = Image.fromarray((waves[..., 0] * 257).astype(np.uint16))
    elif mode != "RGBA":
        picture = picture.convert("RGB" if mode == "CMYK" else mode).convert(mode)
    path = tmp_path / ("picture.tif" if mode == "CMYK" else "picture.png")
    exif = Image.Exif()
    exif[0x0112] = 1 if mode == "CMYK" else 6  # which Pillow 13 itself reads wrongly there
    picture.save(path, exif=exif)
    whole = read_one(path).astype(int)
    monkeypatch.setattr(image_files, "LARGE", 100)
    monkeypatch.setattr(image_files, "STRIP", 5000)
    assert np.abs(read_one(path) - whole).max() <= (25 if mode in "1P" else 2)  # of dots, the grain


@pytest.mark.slow
def test_a_large_picture_is_in_the_memory_once(tmp_path):
    """Pillow needs 4 bytes for a pixel: of what it opens at most, 360 MB."""
    code = """
import sys, zlib
from pathlib import Path
from PIL import Image
from simmim_lib.datasets.image_files import read_image
from simmim_lib.experiments.environment import peak_memory
before = peak_memory()
read_image(Path(sys.argv[1]))
print(peak_memory() - before)
"""
    side = 4500
    picture = Image.new("RGBA", (side, side), (10, 20, 30, 128))
    picture.save(tmp_path / "large.png", compress_level=1)
    command = [sys.executable, "-c", code, str(tmp_path / "large.png")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 1.5 * 4 * side**2
