"""MedMNIST's files: read with their official parts, and checked before they are believed."""

import io
import math
import warnings
import zipfile
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from simmim_lib.datasets import medmnist
from simmim_lib.datasets.catalogue import Entry
from simmim_lib.datasets.dataset import Dataset, Labels, Part
from simmim_lib.datasets.downloads import RemoteFile
from simmim_lib.datasets.medmnist import MedicalSet
from simmim_lib.errors import WorkbookError
from simmim_lib.foundation import archives

PARTS = ("train", "val", "test")

Arrays = Mapping[str, NDArray]

MEMORY_OF_A_PIXEL = 10
"""Bytes, while a set is read: of its file, of the number in it, and twice four of a float."""

MARGIN = 1_000_000
"""Bytes by which a file may exceed its arrays: headers, and packing that makes nothing smaller."""


def read(known: Entry, file: RemoteFile) -> Dataset:
    """Read a set; its validation images are the last of the training part.

    A file whose checksum is another one than the publisher's, as that of a copy that was packed
    again, is used with a notice if its arrays are what they should be.

    Args:
        known: the set.
        file: the copy on this machine.

    Raises:
        WorkbookError: it has not been fetched, is no such set, or needs more memory than there is.
    """
    try:
        return _read(known, file)
    except MemoryError as error:
        needed = MEMORY_OF_A_PIXEL * sum(map(math.prod, _shapes(known).values())) / 1e9
        raise WorkbookError(
            f"{known.title} needs about {needed:.1f} GB of memory, more than there is: take it in "
            f"a smaller size, of which {_published(known).title.lower()} is the smallest, or "
            "another set."
        ) from error


def _read(known: Entry, file: RemoteFile) -> Dataset:
    content, is_original = file.content()
    arrays = _arrays(known, file, content)
    if not is_original:
        warnings.warn(
            f"{file.path} is not the file that was published, but its arrays have the names, sizes "
            f"and labels of {known.title}: it is used as it is.",
            stacklevel=3,
        )
    train, validation, test = (_part(arrays, part, known) for part in PARTS)
    together = Part(
        np.concatenate([train.images, validation.images]),
        np.concatenate([train.labels, validation.labels]),
    )
    return Dataset(
        *(known.name, known.title, together, test),
        *(known.class_names, known.source, known.licence, known.kind),
        validation=np.arange(len(train), len(together)),
    )


def _arrays(known: Entry, file: RemoteFile, content: bytes) -> Arrays:
    """Return the arrays of a file, each with the size and the labels that the set has.

    Raises:
        WorkbookError: it is truncated, holds pickled objects, or is another set.
    """
    try:
        allowed = sum(math.prod(shape) + 1000 for shape in _shapes(known).values())
        archives.sizes(io.BytesIO(content), allowed)
        _check_headers(known, content)
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in _shapes(known)}
        _check_labels(known, arrays)
    except MemoryError:
        raise
    except Exception as error:  # whatever a damaged archive makes NumPy raise
        reason = str(error) or type(error).__name__
        raise WorkbookError(
            f"The file {file.path} is damaged or is not {known.title} ({reason}); remove it and "
            f"run `{file.command}` (once, online)."
        ) from error
    return arrays


def _check_headers(known: Entry, content: bytes) -> None:
    """Refuse arrays of another kind before any memory is taken for them."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name, shape in _shapes(known).items():
            with archive.open(f"{name}.npy") as file:
                version = np.lib.format.read_magic(file)
                read = {(1, 0): np.lib.format.read_array_header_1_0}.get(
                    version, np.lib.format.read_array_header_2_0
                )
                found, _, kind = read(file)
            if found != shape or kind != np.uint8:
                raise ValueError(f"{name} is {kind} {found}, but must be uint8 {shape}")


def most_bytes(known: Entry) -> int:
    """Return how long a set's file may be: packing makes its arrays shorter, or hardly longer."""
    return sum(map(math.prod, _shapes(known).values())) + MARGIN


def _published(known: Entry) -> MedicalSet:
    for each in medmnist.SETS:
        if known.title.startswith(each.title):
            return each
    raise WorkbookError(
        f"{known.title} is to be fetched, but is none of MedMNIST's sets, and of no other are the "
        "arrays known: bring it with the workbook, or read it as folder:PATH."
    )


def _shapes(known: Entry) -> dict[str, tuple[int, ...]]:
    """Return the shape of each array that the set's file holds."""
    published = _published(known)
    image = (known.size, known.size, *((3,) if known.channels == 3 else ()))
    columns = len(known.class_names) if known.kind == "multi-label" else 1
    shapes: dict[str, tuple[int, ...]] = {}
    for part, count in zip(PARTS, published.counts, strict=True):
        shapes[f"{part}_images"], shapes[f"{part}_labels"] = (count, *image), (count, columns)
    return shapes


def _check_labels(known: Entry, arrays: Arrays) -> None:
    most = 1 if known.kind == "multi-label" else len(known.class_names) - 1
    for part in PARTS:
        found = int(arrays[f"{part}_labels"].max())
        if found > most:
            raise ValueError(f"{part}_labels go up to {found}, and there are {most + 1} classes")


def _part(arrays: Arrays, part: str, known: Entry) -> Part:
    images, labels = arrays[f"{part}_images"], arrays[f"{part}_labels"]
    images = images if images.ndim == 4 else images[..., None]
    return Part(np.divide(images, 255, dtype=np.float32), _as_labels(labels, known.kind))


def _as_labels(labels: NDArray[np.uint8], kind: str) -> Labels:
    return labels.astype(np.float32) if kind == "multi-label" else labels[:, 0].astype(np.int32)
