"""Loading: datasets by name, bundled, rendered, fetched or the user's own."""

import functools
import hashlib
import io
import json
import runpy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simmim_lib.datasets.catalogue import CATALOGUE, Entry, add, describe, names
from simmim_lib.datasets.downloads import Progress, RemoteFile
from simmim_lib.datasets.glyphs import VERSION, render_parts
from simmim_lib.errors import WorkbookError, check_choice
from simmim_lib.foundation import directories

Images = NDArray[np.float32]


Labels = NDArray[np.int32]


_FIX = "run `simmim data rebuild` or reinstall the workbook."


IMAGE_SIZE = 28
"""The height and width of the images that the workbook's own network sees, in pixels."""


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


def load(name: str) -> Dataset:
    """Return a dataset by name, reading it once in a process.

    Args:
        name: one of `names()`.

    Returns:
        The dataset, with read-only arrays: images (n, 28, 28, channels), float32 in [0, 1], and
        labels (n,), int32.

    Raises:
        WorkbookError: the name is unknown, a data file is missing or altered, the dataset has not
            been fetched, or it is the user's own and of another size.
    """
    check_choice("dataset", name, names())
    return _load_own(name) if name in _own else _load(name)


def is_available(name: str) -> bool:
    """Tell whether `load` can do without the network (the file's content is not looked at)."""
    return not describe(name).url or _remote_file(name).path.exists()


def fingerprint(name: str) -> str:
    """Return a text that changes when a dataset's content does, without reading the dataset."""
    published = describe(name).md5
    if name in _own:
        return _digest(_own[name])
    if name == "glyphs":
        return f"glyphs {VERSION}"
    return published or _checksums()[f"{name}.npz"]


@functools.cache
def _load(name: str) -> Dataset:
    entry = CATALOGUE[name]
    if name == "glyphs":
        train, test = (Part(*rendered) for rendered in render_parts())
    elif entry.url:
        train, test = _read_parts(_remote_file(name).content())
    else:
        train, test = _read_parts(_bundled_content(f"{name}.npz"))
    return Dataset(name, entry.title, train, test, entry.class_names, entry.source, entry.licence)


_own: dict[str, Dataset] = {}


def register(dataset: Dataset) -> Dataset:
    """Let `load` and `describe` know a dataset of the user's own, until this process ends.

    Returns:
        The dataset, or an equal one that was registered before.

    Raises:
        WorkbookError: the name stands for other images.
    """
    name = dataset.name
    known = _own.setdefault(name, dataset)
    # What is kept elsewhere under a name, such as features, must stay true of it.
    if known is not dataset and _digest(known) != _digest(dataset):
        raise WorkbookError(
            f"{name!r} already stands for other images: give these another name, such as "
            f"name='{name}-2', or restart the kernel."
        )
    channels = dataset.train.images.shape[-1]
    add(Entry(name, name, dataset.class_names, dataset.source, dataset.licence, channels))
    return known


def _load_own(name: str) -> Dataset:
    height, width = _own[name].train.images.shape[1:3]
    if height != IMAGE_SIZE:
        raise WorkbookError(
            f"{name!r} was read at {height} x {width} pixels, but the workbook's network sees "
            f"{IMAGE_SIZE} x {IMAGE_SIZE}: read the folder with size={IMAGE_SIZE} and another "
            "name, or hand the dataset that from_folder returned to a network of your own."
        )
    return _own[name]


def _digest(dataset: Dataset) -> str:
    """Return a text that is another for other images, labels, class names or parts."""
    shapes = [part.images.shape for part in (dataset.train, dataset.test)]
    digest = hashlib.sha256(json.dumps([dataset.class_names, shapes]).encode())
    for part in (dataset.train, dataset.test):
        digest.update(part.images.tobytes() + part.labels.tobytes())
    return digest.hexdigest()


def verify() -> tuple[str, ...]:
    """Compare every bundled file with its checksum.

    Returns:
        The names of the files, all of them intact.

    Raises:
        WorkbookError: a file is missing or altered; the first one found is named.
    """
    file_names = tuple(sorted(_checksums()))
    for file_name in file_names:
        _bundled_content(file_name)
    return file_names


def rebuild(report: Callable[[str], object] = print, names: Sequence[str] = ()) -> None:
    """Make bundled files anew from the packages they come from, with `rebuild.py` there.

    Args:
        report: called with one line about each file written.
        names: of the datasets; all that are bundled if none is named.

    Raises:
        WorkbookError: a name is unknown, a package is missing, or the folder cannot be written.
    """
    script = directories.data_directory() / "rebuild.py"
    if not script.exists():
        raise WorkbookError(f"The script {script} is missing; reinstall the workbook.")
    runpy.run_path(str(script))["rebuild"](script.parent, report, names)
    _load.cache_clear()


def fetch(name: str, progress: Progress | None = None) -> Path:
    """Download a dataset that does not come with the workbook, once.

    A download that breaks off is continued where it stopped by the next call. Nothing is
    downloaded when the file is already there with the right checksum.

    Args:
        name: a dataset of the catalogue that has a `url`.
        progress: called with the bytes done and the bytes in total (0 when the server does not
            say) after every piece; what it raises, such as `KeyboardInterrupt`, ends the download.

    Returns:
        The path of the file, in `directories.cache_directory()`.

    Raises:
        WorkbookError: the name is unknown, the network or the server fails, the disk is full or
            read-only, or the file has not the publisher's checksum (it is then removed).
    """
    check_choice("dataset to fetch", name, [key for key, entry in CATALOGUE.items() if entry.url])
    file = _remote_file(name)
    file.fetch(progress)
    _load.cache_clear()
    return file.path


def _remote_file(name: str) -> RemoteFile:
    entry, path = CATALOGUE[name], directories.cache_directory() / "datasets" / f"{name}.npz"
    return RemoteFile(entry.title, entry.url, entry.md5, path, command=f"simmim data fetch {name}")


def _checksums() -> dict[str, str]:
    path = directories.data_directory() / "checksums.json"
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise WorkbookError(
            f"The list of checksums {path} is missing or damaged; {_FIX}"
        ) from error


def _bundled_content(file_name: str) -> bytes:
    """Return the content of a bundled file if it is what `checksums.json` says."""
    path = directories.data_directory() / file_name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WorkbookError(f"The data file {path} is missing or unreadable; {_FIX}") from error
    if hashlib.sha256(content).hexdigest() != _checksums().get(file_name):
        raise WorkbookError(f"The data file {path} does not match its checksum; {_FIX}")
    return content


def _read_parts(content: bytes) -> tuple[Part, Part]:
    """Read the train and test parts from the content of an .npz file, its checksum known good."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        train, test = (
            Part(
                _as_images(arrays[f"{part}_images"]),
                arrays[f"{part}_labels"].ravel().astype(np.int32),
            )
            for part in ("train", "test")
        )
    return train, test


def _as_images(stored: NDArray[np.uint8]) -> Images:
    """Bring stored integers (n, height, width[, channels]) to (n, 28, 28, channels) in [0, 1]."""
    if stored.shape[1:] == (8, 8):
        return _as_mnist(stored)[..., None]
    images = stored[..., None] if stored.ndim == 3 else stored
    return np.divide(images, 255, dtype=np.float32)


def _as_mnist(images: NDArray[np.uint8]) -> Images:
    """Scale 8 x 8 digits with values 0 to 16 up to 20 x 20 in a frame of 4, as MNIST's lie."""
    weights = _bilinear_weights(8, 20)
    scaled = weights @ (images / 16) @ weights.T
    return np.pad(scaled, ((0, 0), (4, 4), (4, 4))).astype(np.float32)


def _bilinear_weights(size: int, new_size: int) -> NDArray[np.float64]:
    """Return the matrix (new_size, size) of linear interpolation between pixel centres."""
    centres = np.clip((np.arange(new_size) + 0.5) * size / new_size - 0.5, 0, size - 1)
    return np.maximum(0, 1 - np.abs(centres[:, None] - np.arange(size)))
