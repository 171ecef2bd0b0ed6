"""The contact sheet of `simmim data show`: which images, and captions in any letters."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from image_making import fill, noise, save
from PIL import Image

from simmim_lib.commands import cli
from simmim_lib.datasets import own
from simmim_lib.datasets.survey import survey
from simmim_lib.errors import WorkbookError
from simmim_lib.pictures import fonts
from simmim_lib.pictures.contact_sheet import GAP, LINE, SIDE, WIDTH, contact_sheet

LACKED = "\U0010abce"
"""A sign for private use, which no font has."""

ROW = LINE + SIDE + GAP


@pytest.fixture(autouse=True)
def _forget(monkeypatch):
    monkeypatch.setattr(own, "_kept", {})


def pixels(folder: Path) -> np.ndarray:
    return np.asarray(contact_sheet(survey(f"folder:{folder}")).pixels)


def caption(sheet: np.ndarray, row: int) -> np.ndarray:
    """Return the ink of a row's caption, up to where it ends."""
    ink = sheet[GAP + row * ROW :][:LINE].min(axis=2) < 128
    return ink[:, : np.flatnonzero(ink.any(axis=0))[-1] + 1]


def test_a_sheet_has_a_row_for_each_class(tmp_path):
    sheet = pixels(fill(tmp_path, {"cats": 12, "dogs": 8}))
    assert sheet.shape == (2 * ROW + GAP, WIDTH, 3)
    assert sheet[GAP + LINE : GAP + LINE + SIDE, GAP : GAP + SIDE].std() > 10
    row = sheet[ROW + GAP + LINE :][:SIDE]
    shown = [row[:, GAP + n * (SIDE + GAP) :][:, :SIDE].std() > 10 for n in range(10)]
    assert shown == [True] * 8 + [False] * 2  # there are eight dogs


def test_a_sheet_shows_what_the_files_hold(tmp_path):
    """Each image is of one brightness, which tells class and number."""
    for number in range(20):
        for name, base in (("dark", 0), ("light", 128)):
            save(tmp_path / name / f"{number:02}.png", np.full((40, 40), base + number, np.uint8))
    sheet = pixels(tmp_path)
    for row, base in enumerate((0, 128)):
        top = GAP + row * ROW + LINE + SIDE // 2
        values = [int(sheet[top, GAP + n * (SIDE + GAP) + SIDE // 2, 0]) - base for n in range(10)]
        assert len(set(values)) == 10 and set(values) <= set(range(20))


def test_a_caption_has_the_letters_of_its_class(tmp_path):
    """Pillow's own font has none of the first four; each caption is another one, and whole."""
    names = ["łódź", "кот", "γάτα", "→", "größer", "$1$", "?"]
    sheet = pixels(fill(tmp_path, dict.fromkeys(names, 5)))
    captions = [caption(sheet, row) for row in range(len(names))]
    assert len({each.tobytes() for each in captions}) == len(names)
    for each in captions:
        assert each.any() and not each[[0, -1]].any()  # neither cut off above nor below


def test_a_name_that_no_font_has_is_a_number_beside_the_sheet(tmp_path, capsys):
    fonts.tell_that_letters_are_missing.cache_clear()
    folder = fill(tmp_path / "data", {LACKED: 5, "cat": 5})
    with pytest.warns(UserWarning, match="shows numbers such as .1. in their place"):
        status = cli.main(["data", "show", f"folder:{folder}", f"--output={tmp_path}/lacked.png"])
    told = f"Written to {tmp_path}/lacked.png. Its numbers stand for: [1] {LACKED}."
    assert status == 0 and told in capsys.readouterr().out
    with Image.open(tmp_path / "lacked.png") as image:
        drawn = caption(np.asarray(image), 1)
    expected = caption(pixels(fill(tmp_path / "numbered", {"[1]": 5, "cat": 5})), 0)
    np.testing.assert_array_equal(drawn, expected)


@pytest.mark.parametrize(
    "name", ["cat\x1b]0;mine\x07", "dog\udcff", "two\nlines", "\u202etxt", "long " * 40, "猫" * 80]
)
def test_no_name_stops_a_drawing_or_leaves_its_line(tmp_path, name):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="No font of this machine")
        sheet = pixels(fill(tmp_path, {name: 5, "b": 5}))
    assert not caption(sheet, 0)[[0, -1]].any()
    assert caption(sheet, 0).shape[1] < WIDTH - GAP


def test_a_table_of_numbers_has_one_row(tmp_path):
    rows = []
    for number in range(12):
        save(tmp_path / f"{number}.png", noise(number))
        rows.append(f"{number}.png,{number / 2}")
    (tmp_path / "table.csv").write_text("\n".join(["image,age", *rows]))
    sheet = contact_sheet(survey(f"csv:{tmp_path}/table.csv?label=age"))
    assert sheet.pixels.size == (WIDTH, ROW + GAP) and sheet.beside == ""


def test_texts_have_no_sheet():
    with pytest.raises(WorkbookError, match="holds texts: leave --output out"):
        contact_sheet(survey("imdb"))
