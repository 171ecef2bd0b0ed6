"""Data named by their address: the same in every process, at any size, and only while they last."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from image_making import fill, noise, save

from simmim_lib import datasets
from simmim_lib.datasets import catalogue, own, registered
from simmim_lib.errors import WorkbookError

pytestmark = pytest.mark.filterwarnings("error:Left out of")  # asked for, or a mistake


@pytest.fixture(autouse=True)
def _forget(monkeypatch):
    monkeypatch.setattr(own, "_kept", {})
    monkeypatch.setattr(registered, "_datasets", {})
    monkeypatch.setattr(catalogue, "_added", {})


@pytest.fixture
def pets(tmp_path) -> Path:
    return fill(tmp_path / "pets", {"dogs": 6, "cats": 9}, (60, 40, 3))


def refused(name: str, **options) -> str:
    with pytest.raises(WorkbookError) as error:
        datasets.load(name, **options)
    text = str(error.value)
    assert text.endswith((".", "skip-broken=yes.")) and "\n" not in text
    return text


def same(one: datasets.Dataset, other: datasets.Dataset) -> bool:
    return all(
        np.array_equal(getattr(mine, field), getattr(theirs, field))
        for mine, theirs in ((one.train, other.train), (one.test, other.test))
        for field in ("images", "labels")
    )


# --- Addresses


def test_a_folder_is_the_same_by_its_address_as_by_from_folder(pets):
    by_address = datasets.load(f"folder:{pets}")
    assert same(by_address, datasets.from_folder(pets, name="pets-by-name"))
    assert by_address.name == f"folder:{pets}" and by_address.title == "pets"
    assert datasets.load(f"folder:{pets}") is by_address


@pytest.mark.parametrize("other", ["{0}/.", "{0}/../pets", "{0}?grey=no&seed=0"])
def test_two_spellings_of_one_address_are_refused(pets, other):
    names = (f"folder:{pets}", f"folder:{other.format(pets)}")
    with pytest.raises(WorkbookError, match="are the same data: name them once"):
        datasets.check_distinct(("mnist", *names))
    datasets.check_distinct((*names[:1], f"folder:{pets}?seed=1", f"folder:{pets.parent}"))


def test_an_option_is_given_once(pets):
    text = refused(f"folder:{pets}?seed=1&grey=no&seed=2")
    assert "gives the option 'seed' twice: give it once" in text


@pytest.mark.parametrize("size", [28, 96])
def test_the_size_is_chosen_where_it_is_loaded(pets, size):
    name = f"folder:{pets}"
    dataset = datasets.load(name, size)
    assert dataset.train.images.shape == (12, size, size, 3)
    assert datasets.image_shape(name, size) == (size, size, 3)
    assert datasets.image_shape(name) == (28, 28, 3)
    assert np.array_equal(dataset.train.labels, datasets.load(name).train.labels)


def test_images_of_the_workbook_keep_their_size():
    assert datasets.load("mnist", 96) is datasets.load("mnist")
    assert datasets.image_shape("mnist", 96) == (28, 28, 1)
    assert datasets.image_shape("bloodmnist") == (28, 28, 3)


@pytest.mark.parametrize("size", [7, 1025, 28.0])
def test_the_size_has_limits(pets, size):
    assert f"size is {size}" in refused(f"folder:{pets}", size=size)


def test_what_is_known_before_reading_is_true_afterwards(pets):
    entry, dataset = datasets.describe(f"folder:{pets}"), datasets.load(f"folder:{pets}")
    assert (entry.title, entry.class_names, entry.channels, entry.kind) == (
        dataset.title,
        dataset.class_names,
        dataset.train.images.shape[-1],
        dataset.kind,
    )


def test_one_folder_is_one_dataset_however_it_is_spelt(pets, monkeypatch):
    (pets.parent / "linked").symlink_to(pets)
    monkeypatch.setenv("HOME", str(pets.parent))
    monkeypatch.chdir(pets)
    names = [f"folder:{path}" for path in (pets, ".", "../pets", "~/pets", "../linked", "cats/..")]
    found = [datasets.load(name) for name in names]
    assert [dataset.name for dataset in found] == names
    assert all(dataset.train is found[0].train for dataset in found)
    assert len({datasets.file_name(name) for name in names}) == 1
    assert len({datasets.fingerprint(name) for name in names}) == 1
    assert datasets.load("folder:.") is found[1]


def test_a_file_s_name_has_no_slashes_and_is_another_for_other_data(pets):
    plain, grey = (datasets.file_name(f"folder:{pets}{query}") for query in ("", "?grey=yes"))
    assert plain != grey and plain.startswith("pets-")
    assert not {"/", ":", "?", "\\"} & set(plain + grey)
    assert datasets.file_name("mnist") == "mnist"


def test_another_process_sees_the_same(pets):
    code = (
        "import sys; from simmim_lib import datasets; name = sys.argv[1];"
        "print(datasets.fingerprint(name), float(datasets.load(name).test.images.sum()));"
        "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "folder:pets"],
        cwd=pets.parent,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    name = f"folder:{pets}"
    total = float(datasets.load(name).test.images.sum())
    assert done.stdout.split() == [datasets.fingerprint(name), str(total)]


# --- Changes


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "cats").rename(folder / "cows"),  # still the first
        lambda folder: shutil.move(folder / "cats" / "000.png", folder / "dogs" / "zzz.png"),
        lambda folder: (folder / "cats" / "000.png").unlink(),
        lambda folder: save(folder / "cats" / "new.png", noise(99)),
        lambda folder: save(folder / "cats" / "000.png", noise(77, (60, 41, 3))),
    ],
    ids=["class renamed", "label changed", "image removed", "image added", "image changed"],
)
def test_a_changed_folder_is_read_anew(pets, change):
    name = f"folder:{pets}"
    before, fingerprint = datasets.load(name), datasets.fingerprint(name)
    assert datasets.load(name) is before
    change(pets)
    after = datasets.load(name)
    assert after.class_names != before.class_names or not same(before, after)
    assert datasets.fingerprint(name) != fingerprint


def test_each_size_is_read_and_kept_by_itself(pets):
    name = f"folder:{pets}"
    loaded = {size: datasets.load(name, size) for size in (None, 40, 28, 64)}
    for size, dataset in loaded.items():
        assert dataset.train.images.shape[1:] == (size or 28, size or 28, 3)
        assert datasets.image_shape(name, size) == (size or 28, size or 28, 3)
        assert datasets.load(name, size) is dataset
    assert loaded[None] is loaded[28]
    labels = loaded[28].train.labels
    assert all(np.array_equal(each.train.labels, labels) for each in loaded.values())


def test_groups_and_validation_parts_tell_registered_data_apart():
    images, labels = np.zeros((6, 28, 28, 1), np.float32), np.arange(6, dtype=np.int32) % 2
    prints = set()
    for validation in (None, np.array([0, 1]), np.array([0, 2])):
        for groups in (None, np.arange(6), np.arange(6) // 2):
            part = datasets.Part(images, labels, groups=groups)
            about = ("made-up", "Made up", part, part, ("a", "b"), "", "")
            dataset = datasets.Dataset(*about, validation=validation)
            prints.add(registered._digest(dataset))
    assert len(prints) == 9


@pytest.mark.parametrize(
    "known", [{"groups": np.arange(5)}, {"subgroups": {"groups": np.array(["a"] * 7)}}]
)
def test_what_is_known_of_people_is_known_of_each_image(known):
    images, labels = np.zeros((6, 28, 28, 1), np.float32), np.zeros(6, np.int32)
    with pytest.raises(WorkbookError, match=r"groups has [57] values for 6 images: give one"):
        datasets.Part(images, labels, **known)


def test_a_copy_elsewhere_has_the_same_fingerprint_and_an_option_another(pets):
    copy = shutil.copytree(pets, pets.parent / "copy")
    assert datasets.fingerprint(f"folder:{copy}") == datasets.fingerprint(f"folder:{pets}")
    for option in ("grey=yes", "seed=1", "group=0", "skip-broken=yes"):
        other = datasets.fingerprint(f"folder:{pets}?{option}")
        assert other != datasets.fingerprint(f"folder:{pets}")


# --- Names that mean nothing


@pytest.mark.parametrize(
    "call",
    [
        datasets.load,
        datasets.describe,
        datasets.fingerprint,
        datasets.image_shape,
        datasets.is_available,
        lambda name: datasets.check_name("dataset", name),
    ],
)
def test_every_entrance_says_how_a_path_is_named(pets, call):
    with pytest.raises(WorkbookError, match=f"write folder:{pets}"):
        call(str(pets))
    with pytest.raises(WorkbookError, match=r"write csv:some/table\.csv"):
        call("some/table.csv")
    with pytest.raises(WorkbookError, match=r"Did you mean 'mnist'\?.*folder:PATH, csv:PATH"):
        call("mnits")


@pytest.mark.parametrize("given", [None, 3, "", " ", "folder", "folders:pets", "x" * 5000])
def test_other_things_are_no_names(given):  # the last as long as no file's name may be
    with pytest.raises(WorkbookError, match="Choose one of: glyphs"):
        datasets.check_name("dataset", given)


def test_names_are_returned_as_they_were_given(pets):
    for name in ("mnist", f"folder:{pets}", "folder:not there", "csv:x.csv?label=y"):
        assert datasets.check_name("dataset", name) == name


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("gruop=_", "Did you mean 'group'"),
        ("label=x", "Unknown option of folder:PATH"),
        ("grey=maybe", "Choose one of: yes, no"),
        ("seed=-1", "seed=-1 is not a whole number"),
        ("seed=", "has no value"),
    ],
)
def test_options_are_checked(pets, query, expected):
    assert expected in refused(f"folder:{pets}?{query}")


def test_no_path_and_no_folder(pets):
    assert "names no path" in refused("folder:")
    assert "No such file" in refused(f"folder:{pets}-and-more")
    assert not datasets.is_available(f"folder:{pets}-and-more")
    assert datasets.is_available(f"folder:{pets}")


def test_a_name_too_long_for_any_file():
    name = "folder:" + "x" * 5000
    assert not datasets.is_available(name)
    assert "too long" in refused(name)


# --- Options


def test_colour_can_be_done_without(pets):
    grey = datasets.load(f"folder:{pets}?grey=yes", 40)
    assert grey.train.images.shape == (12, 40, 40, 1)
    assert np.array_equal(grey.train.labels, datasets.load(f"folder:{pets}").train.labels)


def test_another_seed_tests_on_other_images(pets):
    default, zero, one = (
        datasets.load(f"folder:{pets}{query}") for query in ("", "?seed=0", "?seed=1")
    )
    assert same(default, zero) and not same(default, one)


# --- What cannot be read


@pytest.fixture
def forty_broken(tmp_path) -> Path:
    """200 images in two classes, of which 40 are cut short, empty or no images."""
    folder = fill(tmp_path / "many", {"a": 100, "b": 100})
    for number in range(40):
        path = folder / "ab"[number % 2] / f"{number:03}.png"
        path.write_bytes(path.read_bytes()[:300] if number < 20 else b"")
    return folder


def test_all_that_cannot_be_read_is_said_at_once(forty_broken):
    text = refused(f"folder:{forty_broken}")
    assert "40 of 200 images" in text and "put ?skip-broken=yes behind the path" in text
    for number in range(40):
        assert f"{'ab'[number % 2]}/{number:03}.png" in text


def test_the_rest_is_usable(forty_broken):
    with pytest.warns(UserWarning, match=r"broken: .*b/039\.png"):
        dataset = datasets.load(f"folder:{forty_broken}?skip-broken=yes")
    assert len(dataset.train) + len(dataset.test) == 160
    assert np.bincount(dataset.test.labels).tolist() == [16, 16]


def test_what_is_broken_and_what_contradicts_is_said_in_one_go(pets):
    (pets / "cats" / "cut.png").write_bytes(b"")
    shutil.copy(pets / "dogs" / "000.png", pets / "cats" / "copy.png")
    text = refused(f"folder:{pets}")
    assert "cut.png" in text and "cats/copy.png and dogs/000.png" in text
    assert text.endswith("put ?skip-broken=yes behind the path.")


def test_pictures_in_two_classes_can_be_left_out_too(pets):
    every = datasets.load(f"folder:{pets}")
    shutil.copy(pets / "dogs" / "000.png", pets / "cats" / "copy.png")
    with pytest.warns(UserWarning, match=r"in two classes or parts: cats/copy.png and dogs/000"):
        dataset = datasets.load(f"folder:{pets}?skip-broken=yes")
    assert len(dataset.train) + len(dataset.test) == len(every.train) + len(every.test) - 1


def test_where_all_is_broken_that_is_said_whatever_may_be_left_out(tmp_path):
    for place in ("a/1.png", "a/2.png", "b/1.png"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_bytes(b"")
    for query in ("", "?skip-broken=yes"):
        assert "3 of 3 images" in refused(f"folder:{tmp_path}{query}")


def test_from_folder_takes_the_same_options(forty_broken):
    with pytest.warns(UserWarning, match="broken") as caught:
        dataset = datasets.from_folder(forty_broken, name="many", skip_broken=True, group="9")
    assert caught[0].filename == __file__
    assert len(dataset.train) + len(dataset.test) == 160
    assert len(np.unique(dataset.train.groups)) < len(dataset.train)
    with pytest.raises(WorkbookError, match="skip_broken is 1"):
        datasets.from_folder(forty_broken, name="many", skip_broken=1)


def test_too_few_may_be_left(tmp_path):
    folder = fill(tmp_path / "few", {"a": 6, "b": 6})
    for number in (0, 1):
        (folder / "a" / f"{number:03}.png").write_bytes(b"")
    assert "'a'" in refused(f"folder:{folder}?skip-broken=yes")


def test_a_class_of_two_images(tmp_path):
    text = refused(f"folder:{fill(tmp_path / 'pets', {'cats': 20, 'dogs': 2})}")
    assert "'dogs'" in text and "too few different images, 2" in text


def test_all_pairs_in_two_classes_are_said_at_once(pets):
    for number in range(4):
        shutil.copy(pets / "dogs" / f"{number:03}.png", pets / "cats" / f"copy-{number}.png")
    text = refused(f"folder:{pets}")
    assert "4 pairs" in text and "are in two classes" in text
    for number in range(4):
        assert f"cats/copy-{number}.png and dogs/{number:03}.png" in text
