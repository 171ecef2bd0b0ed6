"""What datasets are called where there is little room, and how large their images are."""

import os

import numpy as np
import pytest
from image_making import fill, noise, save
from PIL import Image

from simmim_lib import datasets
from simmim_lib.errors import WorkbookError


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["mnist", "folder:/some/where/photos"], ["mnist", "photos"]),
        (["csv:a/m.csv?label=x", "csv:a/m.csv?label=y"], ["m.csv?label=x", "m.csv?label=y"]),
        (["folder:a/photos", "folder:b/photos"], ["folder:a/photos", "folder:b/photos"]),
    ],
)
def test_short_names_tell_datasets_apart(names, expected):
    assert datasets.short_names(names) == dict(zip(names, expected, strict=True))


def test_a_column_means_something_else_in_each_option():
    options = [f"{name}=x" for name in ("group", "image", "text", "label", "subgroup")]
    names = {datasets.file_name(f"csv:table.csv?{each}") for each in options}
    assert len(names) == len(options)


@pytest.mark.skipif(os.name == "nt", reason="no file there has a question mark in its name")
def test_a_path_with_a_question_mark_is_told_from_an_option(tmp_path):
    folder = fill(tmp_path / "is it?x", {"cat": 2, "dog": 2}, (28, 28))
    with pytest.raises(
        WorkbookError, match="has a question mark in its name, and options follow one"
    ):
        datasets.describe(f"folder:{folder}")
    folder.rename(tmp_path / "is it")
    with pytest.raises(WorkbookError, match="Unknown option"):
        datasets.describe(f"folder:{folder}")


def test_sizes_are_those_of_the_files_the_right_way_up(tmp_path):
    folder = fill(tmp_path / "photos", {"cat": 2, "dog": 2}, (40, 50))
    turned = Image.fromarray(noise(0, (30, 20)))  # 20 wide, 30 high
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(folder / "cat" / "turned.jpg", exif=exif)
    (folder / "dog" / "broken.png").write_bytes(b"no image")
    found = datasets.picture_sizes(f"folder:{folder}")
    assert sorted(found) == [(30, 20), *[(50, 40)] * 4]


def test_bundled_images_are_no_files():
    assert datasets.picture_sizes("mnist") == []


def test_sizes_are_told_without_reading_pixels(tmp_path, monkeypatch):
    save(tmp_path / "photos" / "cat" / "1.png", np.zeros((9, 7), np.uint8))
    save(tmp_path / "photos" / "dog" / "1.png", np.ones((9, 7), np.uint8))

    def load(self):
        raise AssertionError("pixels were read")

    monkeypatch.setattr(Image.Image, "load", load)
    assert datasets.picture_sizes(f"folder:{tmp_path / 'photos'}") == [(7, 9)] * 2
