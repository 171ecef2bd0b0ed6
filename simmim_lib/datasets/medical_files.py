"""MedMNIST's files: read with their official parts, and checked before they are believed."""

import io
import warnings
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from simmim_lib.datasets import medmnist
from simmim_lib.datasets.catalogue import Entry
from simmim_lib.datasets.dataset import Dataset, Labels, Part
from simmim_lib.datasets.downloads import RemoteFile
from simmim_lib.errors import WorkbookError
from simmim_lib.foundation import archives

PARTS = ("train", "val", "test")

Arrays = Mapping[str, NDArray]


def read(known: Entry, file: RemoteFile) -> Dataset:
    """Read a set; its validation images are the last of the training part.

    A file whose checksum is another one than the publisher's, as that of a copy that was packed
    again, is used with a notice if its arrays are what they should be.

    Args:
        known: the set.
        file: the copy on this machine.

    Raises:
        WorkbookError: it has not been fetched, or is no such set.
    """
    content, is_original = file.content()
    arrays = _arrays(known, file, content)
    if not is_original:
        warnings.warn(
            f"{file.path} is not the file that was published, but its arrays have the names, sizes "
            f"and labels of {known.title}: it is used as it is.",
            stacklevel=2,
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
        allowed = sum(int(np.prod(shape)) + 1000 for shape in _shapes(known).values())
        archives.sizes(io.BytesIO(content), allowed)
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in _shapes(known)}
        for name, shape in _shapes(known).items():
            if arrays[name].shape != shape or arrays[name].dtype != np.uint8:
                found = f"{arrays[name].dtype} {arrays[name].shape}"
                raise ValueError(f"{name} is {found}, but must be uint8 {shape}")
        _check_labels(known, arrays)
    except Exception as error:  # whatever a damaged archive makes NumPy raise
        reason = str(error) or type(error).__name__
        raise WorkbookError(
            f"The file {file.path} is damaged or is not {known.title} ({reason}); remove it and "
            f"run `{file.command}` (once, online)."
        ) from error
    return arrays


def _shapes(known: Entry) -> dict[str, tuple[int, ...]]:
    """Return the shape of each array that the set's file holds."""
    published = next(each for each in medmnist.SETS if known.title.startswith(each.title))
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
