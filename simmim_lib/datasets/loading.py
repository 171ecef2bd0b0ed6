"""Loading: datasets by name, bundled, rendered, fetched or the user's own."""

import functools
import hashlib
import io
import json
import os
import runpy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simmim_lib.datasets import medical_files, own, registered, texts
from simmim_lib.datasets.catalogue import CATALOGUE, Entry, entry, names
from simmim_lib.datasets.dataset import IMAGE_SIZE, Dataset, Images, Part, Texts
from simmim_lib.datasets.downloads import Progress, RemoteFile
from simmim_lib.datasets.naming import check_name, parse
from simmim_lib.datasets.rendered import RENDERED
from simmim_lib.errors import WorkbookError, check_choice
from simmim_lib.foundation import directories

_FIX = "restore it, as git has it, or reinstall the workbook."


def load(name: str, size: int | None = None) -> Dataset:
    """Return a dataset by name, reading it once in a process, or when files have changed.

    Args:
        name: one of `names()`, `folder:PATH` or `csv:PATH`.
        size: the height and width to which images behind an address are scaled, in pixels; 28 by
            default. All others keep the size that they have.

    Returns:
        The dataset, with read-only arrays: images (n, height, width, channels), float32 in [0, 1],
        or texts (n,), and labels (n,), int32, or (n, columns), float32.

    Raises:
        WorkbookError: the name is unknown, a data file is missing or altered, the dataset has not
            been fetched, or is the user's own and cannot be used as it is.
    """
    address = parse(check_name("dataset", name))
    if address:
        return own.load(name, address, size)
    return registered.get(name) or _load(name)


def describe(name: str) -> Entry:
    """Return what is known about a dataset without reading it, which for glyphs means drawing it.

    Raises:
        WorkbookError: the name is unknown, or an address leads to nothing.
    """
    address = parse(check_name("dataset", name))
    return own.describe(name, address) if address else entry(name)


def image_shape(name: str, size: int | None = None) -> tuple[int, int, int]:
    """Return height, width and channels of the images that `load` would return.

    Raises:
        WorkbookError: as `describe`.
    """
    known = registered.get(check_name("dataset", name))
    if known:
        height, width, channels = known.train.images.shape[1:]
        return height, width, channels
    side = (size or IMAGE_SIZE) if parse(name) else entry(name).size
    return side, side, describe(name).channels


def picture_sizes(name: str) -> list[tuple[int, int]]:
    """Return width and height, in pixels, of the images behind an address, the right way up.

    Files that cannot be read are left out; there are none for a dataset that is no files of the
    user's own.

    Raises:
        WorkbookError: an address that leads to nothing.
    """
    address = parse(name)
    return own.picture_sizes(address) if address else []


def own_files(name: str) -> Iterator[Path]:
    """Yield the files of the user's own that a dataset is read from, a table itself among them.

    Raises:
        WorkbookError: an address that leads to nothing.
    """
    address = parse(name)
    if address:
        yield address.path
        yield from (file.path for file in own.list_files(address).files)


def is_available(name: str) -> bool:
    """Tell whether `load` can do without the network (the file's content is not looked at)."""
    address = parse(check_name("dataset", name))
    if address:
        return os.path.exists(address.path)
    return not entry(name).url or os.path.exists(_remote_file(name).path)


def available(content: str = "images") -> tuple[str, ...]:
    """Return the names of the datasets that `load` can give without the network.

    Args:
        content: one of `CONTENTS`.
    """
    with_content = (name for name in names() if describe(name).content == content)
    return tuple(name for name in with_content if is_available(name))


def fingerprint(name: str) -> str:
    """Return a text that changes when a dataset's content does.

    Raises:
        WorkbookError: as `describe`.
    """
    address = parse(check_name("dataset", name))
    if address:
        return own.fingerprint(address)
    if registered.get(name):
        return registered.fingerprint(name)
    if name in RENDERED:
        return f"{name} {RENDERED[name].version}"
    if entry(name).url:
        return _remote_file(name).fingerprint()
    return _checksums()[f"{name}.npz"]


@functools.cache
def _load(name: str) -> Dataset:
    known = entry(name)
    if known.url:
        return medical_files.read(known, _remote_file(name))
    if name in RENDERED:
        return RENDERED[name].dataset(known)
    train, test = _read_parts(bundled_content(f"{name}.npz"))
    dataset = Dataset(
        name, known.title, train, test, known.class_names, known.source, known.licence
    )
    return _with_groups(dataset) if known.content == "texts" else dataset


def _with_groups(dataset: Dataset) -> Dataset:
    """Let texts with the same words validate together, or not at all."""
    words = [texts.same_words(text) for text in dataset.train.images]
    groups = np.unique(words, return_inverse=True)[1].reshape(-1)
    return replace(dataset, train=replace(dataset.train, groups=groups))


def verify() -> tuple[str, ...]:
    """Compare every bundled file with its checksum.

    Returns:
        The names of the files, all of them intact.

    Raises:
        WorkbookError: a file is missing or altered; the first one found is named.
    """
    file_names = tuple(sorted(_checksums()))
    for file_name in file_names:
        bundled_content(file_name)
    return file_names


def rebuild(report: Callable[[str], object] = print, names: Sequence[str] = ()) -> None:
    """Make bundled files anew from the packages they come from, with `rebuild.py` there.

    Args:
        report: called with one line about each file written.
        names: of the datasets; all of images that are bundled if none is named.

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
        The path of the file, in `directories.fetched_directory()`.

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
    known, path = CATALOGUE[name], directories.fetched_directory() / f"{name}.npz"
    command, most = f"simmim data fetch {name}", medical_files.most_bytes(known)
    return RemoteFile(known.title, known.url, known.md5, path, command, most)


def _checksums() -> dict[str, str]:
    path = directories.data_directory() / "checksums.json"
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise WorkbookError(
            f"The list of checksums {path} is missing or damaged; {_FIX}"
        ) from error


def bundled_content(file_name: str) -> bytes:
    """Return the content of a bundled file if it is what `checksums.json` says.

    Raises:
        WorkbookError: it is missing, unreadable or something else.
    """
    path = directories.data_directory() / file_name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WorkbookError(
            f"The data file {path} is missing or unreadable; {_anew(file_name)}"
        ) from error
    if hashlib.sha256(content).hexdigest() != _checksums().get(file_name):
        raise WorkbookError(f"The data file {path} does not match its checksum; {_anew(file_name)}")
    return content


def _anew(file_name: str) -> str:
    name = file_name.removesuffix(".npz")
    return f"run `simmim data rebuild {name}`, or reinstall the workbook."


def _read_parts(content: bytes) -> tuple[Part, Part]:
    """Read the train and test parts from the content of an .npz file, its checksum known good."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        train, test = (
            Part(
                _content(arrays, part),
                arrays[f"{part}_labels"].ravel().astype(np.int32),
            )
            for part in ("train", "test")
        )
    return train, test


def _content(arrays: Mapping[str, NDArray], part: str) -> Images | Texts:
    if f"{part}_texts" in arrays:
        return texts.unpacked(arrays, f"{part}_texts")
    return _as_images(arrays[f"{part}_images"])


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
