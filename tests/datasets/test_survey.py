"""`simmim data show`: what is counted and found, and that nothing heavy is loaded for it."""

import dataclasses
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from image_making import fill, noise, save
from PIL import Image, ImageOps

from simmim_lib import datasets
from simmim_lib.commands import cli
from simmim_lib.datasets import own, registered
from simmim_lib.datasets.image_files import read_image
from simmim_lib.datasets.near_duplicates import _close, difference_hashes, near_duplicates
from simmim_lib.datasets.survey import survey
from simmim_lib.datasets.survey_text import as_text
from simmim_lib.errors import WorkbookError, printable


@pytest.fixture(autouse=True)
def _forget(monkeypatch):
    monkeypatch.setattr(own, "_kept", {})


def photograph(seed: int, size: int = 120) -> np.ndarray:
    """Smooth blobs of colour, as a photograph has, unlike noise."""
    small = Image.fromarray(noise(seed, (6, 6, 3)))
    return np.asarray(small.resize((size, size), Image.Resampling.BICUBIC))


@pytest.fixture
def pets(tmp_path) -> Path:
    folder = tmp_path / "pets"
    for name, count, first in (("cats", 12, 0), ("dogs", 8, 100)):
        for number in range(count):
            save(folder / name / f"{number:02}.png", photograph(first + number, 90 + 10 * number))
    return folder


@pytest.fixture
def troubled(pets) -> Path:
    """One image twice, one in two classes, one nearly so, two broken and a file of another kind."""
    shutil.copy(pets / "cats" / "00.png", pets / "cats" / "again.png")
    shutil.copy(pets / "cats" / "01.png", pets / "dogs" / "cat.png")
    with Image.open(pets / "cats" / "02.png") as image:
        image.save(pets / "dogs" / "resaved.jpg", quality=85)
    (pets / "cats" / "cut.png").write_bytes((pets / "cats" / "03.png").read_bytes()[:400])
    (pets / "dogs" / "empty.png").write_bytes(b"")
    (pets / "notes.txt").write_text("about")
    return pets


# --- What is counted


def test_counts_and_sizes_are_those_of_the_files(pets):
    found, dataset = survey(f"folder:{pets}"), datasets.load(f"folder:{pets}")
    for part, labels in found.labels.items():
        expected = np.bincount(getattr(dataset, part).labels)
        assert np.bincount(labels).tolist() == expected.tolist()
    assert sorted(found.looks.widths) == sorted([*range(90, 210, 10), *range(90, 170, 10)])
    assert found.looks.channels == 3 and not found.refusal
    assert not (found.problems or found.two_labels or found.two_parts or found.repeated)
    text = as_text(found)
    assert "pets: 20 images, classification, in colour" in text
    assert "cats" in text and "widths: smallest 90, median 135, largest 200 pixels" in text


def test_width_and_height_are_those_of_the_upright_image(tmp_path):
    folder = fill(tmp_path / "pets", {"cats": 5, "dogs": 5})
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(noise(3, (30, 50))).save(folder / "cats" / "turned.png", exif=exif)
    found = survey(f"folder:{folder}")
    assert found.looks.widths.max() == 30 and found.looks.heights.max() == 50


@pytest.mark.parametrize("orientation", range(1, 9))
def test_four_of_eight_orientations_change_width_for_height(tmp_path, orientation):
    """Those by a quarter of a turn, mirrored or not."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "photograph.png"
    Image.fromarray(noise(3, (30, 50))).save(path, exif=exif)
    found = read_image(path)
    upright = ImageOps.exif_transpose(Image.open(path))
    assert (found.width, found.height) == upright.size
    assert upright.size == ((50, 30) if orientation <= 4 else (30, 50))


def test_parts_and_groups_are_counted(tmp_path):
    folder = tmp_path / "scans"
    for part, count in (("train", 8), ("val", 4), ("test", 6)):
        for number in range(count):
            name = "ill" if number % 2 else "well"
            for view in "ab":
                seed = 100 * len(part) + 10 * number + (view == "b")
                save(folder / part / name / f"{part}{number}-{view}.png", photograph(seed))
    found = survey(f"folder:{folder}?group=-")
    assert {part: len(labels) for part, labels in found.labels.items()} == {
        "train": 16,
        "validation": 8,
        "test": 12,
    }
    assert found.groups == 18 and "groups: 18;" in as_text(found)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mnist", "uci-digits"])
def test_datasets_of_the_workbook_are_shown_too(name):
    found, dataset = survey(name), datasets.load(name)
    assert len(found.looks.thumbnails) == len(dataset.train) + len(dataset.test)
    text = as_text(found)
    assert (
        f"{dataset.title}: {len(found.looks.thumbnails):,} images, classification, in grey" in text
    )
    assert "widths: smallest 28, median 28, largest 28" in text and "cannot be used: none" in text


def test_images_of_a_dataset_in_memory_are_compared_too(pets, monkeypatch):
    dataset = datasets.from_folder(pets, 40, name="pets-in-memory")
    images, labels = dataset.train.images.copy(), dataset.train.labels.copy()
    images[1], labels[1] = images[0], 1 - labels[0]
    images[3], labels[3] = images[2], labels[2]
    images[4], labels[4] = dataset.test.images[0], dataset.test.labels[0]
    train = datasets.Part(images, labels)
    monkeypatch.setitem(
        registered._datasets, "pets-in-memory", dataclasses.replace(dataset, train=train)
    )
    found = survey("pets-in-memory")
    assert found.two_labels == [("train[0]", "train[1]")]
    assert found.repeated == [("train[2]", "train[3]")]
    assert found.two_parts == [("train[4]", "test[0]")]
    assert found.looks.widths.tolist() == [40] * 20 and found.looks.thumbnails.shape == (
        20,
        28,
        28,
        3,
    )


# --- What is wrong


def test_everything_wrong_is_found_in_one_go(troubled):
    found = survey(f"folder:{troubled}")
    assert found.repeated == [("cats/00.png", "cats/again.png")]
    assert found.two_labels == [("cats/01.png", "dogs/cat.png")]
    assert [set(pair) for pair in found.near] == [{"cats/02.png", "dogs/resaved.jpg"}]
    assert [problem.shown for problem in found.problems] == ["cats/cut.png", "dogs/empty.png"]
    assert found.left_out == ("notes.txt",)
    assert "2 of 25 images" in found.refusal
    text = as_text(found)
    for part in (
        "repeated (look the same at 28 x 28 pixels, same label): 1\n  cats/00.png and cats/again",
        "with two labels (look the same at 28 x 28 pixels): 1\n  cats/01.png and dogs/cat.png",
        "cannot be used: 2\n  cats/cut.png (",
        "dogs/empty.png (is broken",
        "no images, left out: 1\n  notes.txt",
        "It cannot be used as it is: 2 of 25 images",
    ):
        assert part in text, text


def test_forty_broken_files_are_all_named(tmp_path):
    folder = fill(tmp_path / "many", {"a": 60, "b": 60})
    for number in range(40):
        (folder / "a" / f"{number:03}.png").write_bytes(b"")
    text = as_text(survey(f"folder:{folder}"))
    assert "cannot be used: 40\n" in text
    assert all(f"  a/{number:03}.png (is broken" in text for number in range(40))


def test_the_same_image_to_learn_from_and_to_test(tmp_path):
    folder = tmp_path / "pets"
    for part in ("train", "test"):
        fill(folder / part, {"cats": 5, "dogs": 5})
    shutil.copy(folder / "train" / "cats" / "000.png", folder / "test" / "cats" / "copy.png")
    found = survey(f"folder:{folder}")
    assert found.two_parts == [("train/cats/000.png", "test/cats/copy.png")]
    assert "are in two parts" in found.refusal


def test_too_few_images_are_counted_all_the_same(tmp_path):
    found = survey(f"folder:{fill(tmp_path / 'pets', {'cats': 9, 'dogs': 2})}")
    assert np.bincount(found.labels["train"]).tolist() == [9, 2]
    assert "too few different images, 2" in found.refusal


@pytest.mark.parametrize("name", ["folder:nowhere", "mnits", "csv:nowhere.csv"])
def test_nothing_to_show(name):
    with pytest.raises(WorkbookError):
        survey(name)


def test_only_broken_images(tmp_path):
    for name in ("cats", "dogs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "empty.png").write_bytes(b"")
    with pytest.raises(WorkbookError, match="2 of 2 images"):
        survey(f"folder:{tmp_path}")


# --- Near-duplicates


def altered(pixels: np.ndarray) -> dict[str, np.ndarray]:
    """The same photograph brighter, with a little noise, and with one corner painted over."""
    random = np.random.default_rng(0)
    marked = pixels.copy()
    marked[:3, :3] = 255
    return {
        "brighter": np.clip(pixels * 1.1 + 10, 0, 255).astype(np.uint8),
        "noisy": np.clip(pixels + random.normal(0, 4, pixels.shape), 0, 255).astype(np.uint8),
        "marked": marked,
    }


@pytest.mark.parametrize("how", ["brighter", "noisy", "marked"])
def test_an_altered_photograph_is_found_unless_its_label_is_the_same(how):
    images = np.stack([photograph(seed, 28) for seed in range(40)])
    images = np.concatenate([images, altered(images[3])[how][None]])
    labels = np.arange(len(images)) % 4
    assert near_duplicates(images, labels) == ([(3, 40)] if labels[3] != labels[40] else [])
    labels[40] = labels[3]
    assert near_duplicates(images, labels) == []


def test_hashes_may_differ_in_four_bits_and_no_more():
    signs = np.ones((6, 64), np.float32)
    for bits in range(6):
        signs[bits, :bits] = -1
    assert [pair for pair in _close(signs) if pair[0] == 0] == [(0, n) for n in (1, 2, 3, 4)]


@pytest.mark.parametrize(("power", "alike"), [(1.2, True), (4.0, False)])
def test_pixels_must_correlate_where_hashes_are_the_same(power, alike):
    """Brighter from left to right, both, but one of them hardly before the edge."""
    line = np.linspace(0, 1, 28)
    rows = np.stack([line, line**power])[:, None, :, None]
    images = np.rint(255 * np.broadcast_to(rows, (2, 28, 28, 3))).astype(np.uint8)
    correlation = np.corrcoef(images[0].ravel(), images[1].ravel())[0, 1]
    assert (correlation >= 0.98) == alike and correlation > 0.5
    assert near_duplicates(images, np.arange(2)) == ([(0, 1)] if alike else [])


def test_other_photographs_are_not_alike():
    images = np.stack([photograph(seed, 28) for seed in range(600)])
    assert near_duplicates(images, np.arange(600)) == []


def test_plain_images_are_not_alike():
    """Their hashes are the same; there is nothing in them to compare."""
    images = np.full((6, 28, 28, 3), np.arange(0, 240, 40)[:, None, None, None], np.uint8)
    assert near_duplicates(images, np.arange(6)) == []


def test_pairs_far_apart_are_found():
    """As far as in different blocks of the comparison."""
    images = np.stack([photograph(seed, 28) for seed in range(1100)])
    images[1099] = altered(images[0])["noisy"]
    labels = np.zeros(1100, int)
    labels[1099] = 1
    assert near_duplicates(images, labels) == [(0, 1099)]


def test_the_hash_is_that_of_pillow_s_scaling():
    grey = np.stack([np.asarray(Image.fromarray(photograph(s)).convert("L")) for s in range(20)])
    for image, ours in zip(grey, difference_hashes(grey.astype(np.float32)), strict=True):
        small = np.asarray(Image.fromarray(image).resize((9, 8), Image.Resampling.BOX), int)
        clear = np.abs(np.diff(small)) > 1  # Pillow rounds to whole values
        assert np.array_equal(ours.reshape(8, 8)[clear], (np.diff(small) > 0)[clear])


# --- Names


def test_names_of_classes_do_not_steer_a_terminal(tmp_path):
    names = ["cat\x1b]0;mine\x07", "dog\udcff", "two\nlines", "\u202etxt", "猫"]
    told = as_text(survey(f"folder:{fill(tmp_path, dict.fromkeys(names, 5))}"))
    assert printable(told, keep="\n") == told and told.encode()
    for name in names:
        assert f"\n{printable(name)} " in told


# --- The command


def run(*words: str) -> int:
    return cli.main(["data", "show", *words])


def test_the_command_prints_and_draws(troubled, tmp_path, capsys):
    sheet = tmp_path / "sheet.png"
    assert run(f"folder:{troubled}", "--output", str(sheet)) == 1  # it cannot be used
    output = capsys.readouterr().out
    assert "cats/cut.png" in output and f"Written to {sheet}." in output
    with Image.open(sheet) as image:
        assert image.format == "PNG"


def test_what_cannot_be_shown_is_said(capsys, tmp_path):
    assert run("folder:nowhere") == 2
    assert "nowhere" in capsys.readouterr().err
    assert run("mnist", "--output", str(tmp_path / "no" / "sheet.png")) == 2
    assert "does not exist" in capsys.readouterr().err


def test_the_status_tells_whether_the_data_can_be_used(troubled, pets, capsys):
    assert run(f"folder:{troubled}") == 1
    assert "It cannot be used as it is" in capsys.readouterr().out
    assert run(f"folder:{troubled}?skip-broken=yes") == 0
    assert "It cannot be used" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (
            ["--skip-broken"],
            "?skip-broken=yes behind the path, as in folder:photos?skip-broken=yes",
        ),
        (["--skip-broken=yes"], "?skip-broken=yes behind"),
        (["--skip_broken", "yes"], "?skip-broken=yes behind"),
        (["--grey"], "?grey=yes behind"),
        (["--seed", "3"], "?seed=VALUE behind"),
        (["--group=_"], "?group=VALUE behind"),
        (["--label", "stars"], "?label=VALUE behind the path, as in csv:table.csv?label=VALUE"),
        (["--sep", ";"], "?sep=VALUE behind"),
        (["--skip"], "Unknown option or argument '--skip'"),
        (["skip-broken"], "Unknown option or argument 'skip-broken'"),
    ],
)
def test_an_option_of_the_data_goes_behind_their_path(words, advice, capsys):
    assert run("folder:photos", *words) == 2
    output, errors = capsys.readouterr()
    assert (output, errors.count("\n"), advice in errors) == ("", 1, True), errors


@pytest.mark.slow
@pytest.mark.parametrize("drawn", [True, False])
def test_what_is_heavy_is_not_loaded(pets, tmp_path, drawn):
    sheet = tmp_path / "sheet.png"
    code = (
        "import sys; from simmim_lib.commands import cli;"
        "assert cli.main(['data', 'show', *sys.argv[1:]]) == 0;"
        "print(sorted({'tensorflow', 'keras', 'matplotlib', 'sklearn'} & {*sys.modules}))"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            code,
            f"folder:{pets}",
            *(["--output", str(sheet)] if drawn else []),
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == ("['matplotlib']" if drawn else "[]")
    assert sheet.exists() == drawn


def test_tables_of_every_kind_are_shown(pets, capsys):
    images = sorted(path.relative_to(pets).as_posix() for path in pets.glob("*/*.png"))
    rows = [f"{name},{n / 8},{n % 2},{int(n < 7)}" for n, name in enumerate(images)]
    (pets / "table.csv").write_text("\n".join(["image,age,wet,cold", *rows]))
    sheet = pets.parent / "sheet.png"
    assert run(f"csv:{pets}/table.csv?label=age", "--output", str(sheet)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "table: 20 images, regression, in colour" in lines[0]
    age = next(line for line in lines if line.startswith("age"))
    numbers = [float(end) for end in age.split() if end not in ("age", "to")]
    assert len(numbers) == 4
    assert min(numbers) == 0 and max(numbers) == pytest.approx(19 / 8, abs=0.01)
    assert run(f"csv:{pets}/table.csv?label=wet+cold", "--output", str(sheet)) == 0
    lines = capsys.readouterr().out.splitlines()
    counts = {line.split()[0]: line.split()[1:] for line in lines[2:5]}
    assert sum(map(int, counts["wet"])) == 10 and sum(map(int, counts["cold"])) == 7
