"""Parts of a folder of one's own: as they come, or drawn by class and group."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from image_making import fill, noise, save

from simmim_lib import datasets
from simmim_lib.datasets import own
from simmim_lib.datasets.stratified_splits import stratified_groups
from simmim_lib.errors import WorkbookError

pytestmark = pytest.mark.filterwarnings("error:Left out of")  # asked for, or a mistake


@pytest.fixture(autouse=True)
def _forget(monkeypatch):
    monkeypatch.setattr(own, "_kept", {})


def load(folder: Path, query: str = "") -> datasets.Dataset:
    return datasets.load(f"folder:{folder}{query}")


def refused(folder: Path, query: str = "") -> str:
    with pytest.raises(WorkbookError) as error:
        load(folder, query)
    return str(error.value)


def parts(folder: Path, **counts: tuple[int, int]) -> Path:
    for part, (cats, dogs) in counts.items():
        fill(folder / part, {"cats": cats, "dogs": dogs})
    return folder


def images_in(*folders: Path) -> set[bytes]:
    from PIL import Image

    return {
        np.asarray(Image.open(path)).tobytes()
        for folder in folders
        for path in folder.glob("*/*.png")
    }


def pixels(part: datasets.Part, chosen: np.ndarray | slice = slice(None)) -> set[bytes]:
    return {np.rint(image * 255).astype(np.uint8).tobytes() for image in part.images[chosen]}


# --- Parts that come with the folder


@pytest.mark.parametrize("name", ["val", "valid", "validation"])
def test_parts_are_kept_as_they_come(tmp_path, name):
    folder = parts(tmp_path / "pets", train=(6, 4), test=(3, 1), **{name: (2, 1)})
    dataset = load(folder)
    assert pixels(dataset.test) == images_in(folder / "test")
    assert pixels(dataset.train) == images_in(folder / "train", folder / name)
    for seed in (0, 1):
        chosen = datasets.choose(dataset, 3, seed)
        assert pixels(dataset.train, chosen.validation) == images_in(folder / name)
        assert len(chosen.labelled) == 6 and len(chosen.unlabelled) == 4


def test_what_does_not_come_is_drawn(tmp_path):
    folder = parts(tmp_path / "pets", train=(10, 5), val=(2, 1))
    dataset = load(folder)
    assert np.bincount(dataset.test.labels).tolist() == [2, 1]
    assert pixels(dataset.test) < images_in(folder / "train")
    folder = parts(tmp_path / "zoo", train=(10, 5), test=(2, 1))
    dataset = load(folder)
    assert dataset.validation is None and len(datasets.choose(dataset, 1, 0).validation) == 3


def test_classes_may_be_called_like_parts(tmp_path):
    """Vehicles, and people before and after a test: no part has classes in it."""
    assert load(fill(tmp_path / "a", {"train": 5, "plane": 5})).class_names == ("plane", "train")
    assert load(fill(tmp_path / "b", {"test": 5, "val": 5})).class_names == ("test", "val")


def test_what_lies_beside_the_parts_is_named(tmp_path):
    folder = parts(tmp_path / "pets", train=(5, 5), test=(1, 1))
    save(folder / "extra" / "1.png", noise(3))
    with pytest.warns(UserWarning, match="extra"):
        assert len(load(folder).train) == 10


def test_a_class_that_is_only_tested(tmp_path):
    folder = parts(tmp_path / "pets", train=(5, 5), test=(2, 2))
    fill(folder / "test", {"dog": 2})
    text = refused(folder)
    assert "class in" in text and "'dog'" in text and "Did you mean 'dogs'" in text


def test_a_class_that_is_never_tested(tmp_path):
    folder = parts(tmp_path / "pets", train=(5, 5), test=(2, 2))
    fill(folder / "train", {"birds": 5})
    assert "The class 'birds'" in refused(folder) and "test has too few" in refused(folder)


def test_unlabelled_test_images(tmp_path):
    folder = parts(tmp_path / "pets", train=(5, 5))
    save(folder / "test" / "1.png", noise(3))
    assert f"{folder / 'test'} has no sub-folders" in refused(folder)


@pytest.mark.parametrize("other", ["test", "val"])
def test_the_same_image_in_two_parts(tmp_path, other):
    folder = parts(tmp_path / "pets", train=(8, 8), **{other: (3, 3)})
    for number in range(2):
        shutil.copy(
            folder / "train/cats" / f"00{number}.png", folder / other / f"cats/c{number}.png"
        )
    text = refused(folder)
    assert "2 pairs" in text and "are in two parts" in text
    assert f"train/cats/000.png and {other}/cats/c0.png" in text
    assert f"train/cats/001.png and {other}/cats/c1.png" in text


# --- Groups


def patients(folder: Path, images: int, cats: int, dogs: int) -> Path:
    """Each patient has so many images, called after them, and one class."""
    for number in range(cats + dogs):
        for view in range(images):
            name = f"patient{number:02}_{view}.png"
            save(folder / ("cats" if number < cats else "dogs") / name, noise(97 * number + view))
    return folder


def groups_by_pixels(folder: Path) -> dict[bytes, str]:
    from PIL import Image

    return {
        np.asarray(Image.open(path)).tobytes(): path.name.split("_")[0]
        for path in folder.glob("*/*.png")
    }


def test_all_images_of_a_group_are_in_one_part(tmp_path):
    folder = patients(tmp_path / "scans", 4, 12, 8)
    owner = groups_by_pixels(folder)
    dataset = load(folder, "?group=_")
    for seed in range(5):
        chosen = datasets.choose(dataset, 3, seed)
        among = [
            {owner[image] for image in found}
            for found in (
                pixels(dataset.test),
                pixels(dataset.train, chosen.validation),
                pixels(dataset.train, np.concatenate([chosen.labelled, chosen.unlabelled])),
            )
        ]
        assert sum(map(len, among)) == len(set.union(*among)) == 20
        assert all(among)
    tested = np.bincount(dataset.test.labels)  # of 48 and 32, in fours
    assert np.all(np.abs(tested - np.array([9.6, 6.4])) < 4)
    mixed = load(folder)
    assert len({owner[image] for image in pixels(mixed.test)}) > 4  # what groups prevent


def test_a_patient_with_both_classes_stays_whole(tmp_path):
    folder = tmp_path / "scans"
    for number in range(15):
        for name in ("healthy", "ill"):
            for view in range(2):
                seed = 1000 * number + 10 * view + len(name)
                save(folder / name / f"p{number:02}-{view}.png", noise(seed))
    dataset = load(folder, "?group=-")
    assert np.bincount(dataset.test.labels).tolist() == [6, 6]
    assert len(np.unique(dataset.train.groups)) == 12


def test_groups_of_very_different_sizes_leave_no_part_empty():
    random = np.random.default_rng(0)
    for seed in range(30):
        sizes = random.integers(1, 60, 12)
        groups = np.repeat(np.arange(12), sizes)
        labels = np.repeat(np.arange(12) % 3, sizes)
        chosen = stratified_groups(labels, groups, len(labels) // 5, np.random.default_rng(seed))
        rest = np.setdiff1d(np.arange(len(labels)), chosen)
        assert len(np.unique(chosen)) == len(chosen)
        assert not set(groups[chosen]) & set(groups[rest])
        assert set(labels[chosen]) == set(labels[rest]) == {0, 1, 2}
        assert len(chosen) < len(rest)


def test_a_sign_that_no_name_has_is_refused(tmp_path):
    """Each image would be a group of its own, and a patient on both sides of the split."""
    folder = patients(tmp_path / "scans", 5, 9, 9)
    text = refused(folder, "?group=~")
    assert "group='~'" in text and "no file in" in text and "Name the sign that is there" in text


def test_a_class_needs_groups(tmp_path):
    folder = patients(tmp_path / "scans", 5, 9, 2)
    text = refused(folder, "?group=_")
    assert "'dogs'" in text and "too few groups, 2" in text and "at least 3" in text
    assert len(load(folder).train) == 44


def test_where_test_images_come_two_groups_of_a_class_are_enough(tmp_path):
    """One to learn from, and one to validate."""
    folder = patients(tmp_path / "scans" / "train", 5, 4, 2).parent
    for name in ("cats", "dogs"):
        save(folder / "test" / name / "other_0.png", noise(5000 + len(name) * ord(name[0])))
    dataset = load(folder)
    assert (len(dataset.train), len(dataset.test)) == (30, 2)
    with_groups = folder / "test"
    for name in ("cats", "dogs"):
        (with_groups / name / "other_0.png").rename(with_groups / name / f"{name}_0.png")
    assert len(load(folder, "?group=_").train) == 30
    for path in (folder / "train" / "dogs").glob("patient04_*.png"):
        path.rename(path.with_name(path.name.replace("patient04", "patient05x")))
    for path in (folder / "train" / "dogs").glob("patient05*.png"):
        path.rename(path.with_name(f"patient05_{path.stem}.png"))
    text = refused(folder, "?group=_")
    assert "too few groups, 1" in text and "at least 2" in text


def test_a_group_in_two_parts(tmp_path):
    folder = patients(tmp_path / "scans" / "train", 3, 4, 4).parent
    for number in (1, 5):
        save(
            folder / "test" / ("cats" if number < 4 else "dogs") / f"patient0{number}_9.png",
            noise(number + 5000),
        )
    text = refused(folder, "?group=_")
    assert "2 groups" in text and "patient01, patient05" in text
    assert len(load(folder).test) == 2
