"""Data of the user's own, by address: listed, read, divided, and kept until they change."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simmim_lib.datasets.catalogue import Entry
from simmim_lib.datasets.class_folders import list_folder
from simmim_lib.datasets.dataset import IMAGE_SIZE, Dataset, Part
from simmim_lib.datasets.labelled_tables import list_table
from simmim_lib.datasets.listing import FEW, LabelledFile, Listing, explained, several
from simmim_lib.datasets.naming import OwnData
from simmim_lib.datasets.own_splits import divide, labels_of
from simmim_lib.datasets.reading import SortedFiles, channels_of, read_images
from simmim_lib.datasets.reading_texts import sort_texts, usable_texts
from simmim_lib.datasets.sizes import Size, sizes_of
from simmim_lib.datasets.texts import as_array
from simmim_lib.errors import check_whole, warn

LISTERS = {"folder": list_folder, "csv": list_table}

SOURCES = {"folder": "a folder of the user's own", "csv": "a table of the user's own"}

MIN_SIZE, MAX_SIZE = 8, 1024
"""Of images, in pixels."""


def list_files(own: OwnData) -> Listing:
    """Return what a folder or a table names, without opening an image.

    Raises:
        WorkbookError: it is missing or unreadable, or has no classes.
    """
    return LISTERS[own.kind](own)


def load(name: str, own: OwnData, size: int | None) -> Dataset:
    """Return a dataset, read anew where its files are others than last time.

    Raises:
        WorkbookError: as `read`.
    """
    listing, size = list_files(own), IMAGE_SIZE if size is None else size

    def make() -> Dataset:
        dataset, remark = read(name, own, size, listing)
        if remark:
            warn(remark, stacklevel=5)  # the line that called datasets.load
        return dataset

    dataset = _until_changed(("dataset", own, size), listing, make)
    if dataset.name == name:
        return dataset
    renamed = ("dataset", own, size, name)  # another spelling; the arrays are shared
    return _until_changed(renamed, listing, lambda: dataclasses.replace(dataset, name=name))


def describe(name: str, own: OwnData) -> Entry:
    """Return what is known about data of the user's own, with hardly a look at the images.

    Raises:
        WorkbookError: as `list_files`.
    """
    listing = list_files(own)
    return Entry(
        name,
        own.title,
        listing.class_names,
        SOURCES[own.kind],
        "not stated",
        1 if listing.content == "texts" else _channels(own, listing),
        kind=listing.kind,
        content=listing.content,
    )


def fingerprint(own: OwnData) -> str:
    """Return a text that changes when labels, groups, options or the bytes of a file do.

    Raises:
        WorkbookError: as `list_files`.
    """
    listing = list_files(own)
    return _until_changed(("fingerprint", own), listing, lambda: _digest(own, listing))


def picture_sizes(own: OwnData) -> list[Size]:
    """Return width and height of each image that can be read.

    Raises:
        WorkbookError: as `list_files`.
    """
    listing = list_files(own)
    if listing.content == "texts":
        return []
    return _until_changed(("sizes", own), listing, lambda: sizes_of(listing))


def read(name: str, own: OwnData, size: int, listing: Listing) -> tuple[Dataset, str]:
    """Read a dataset.

    Returns:
        The dataset, and what is to be said about what was left out or lies elsewhere, if anything.

    Raises:
        WorkbookError: an image cannot be read, images look alike in two classes or parts, a class
            has too few of them, a group is in two parts, or the size is out of range.
    """
    check_whole("size", size, MIN_SIZE, MAX_SIZE)
    if listing.content == "texts":
        return _read_texts(name, own, listing)
    channels = _channels(own, listing)
    images, found = read_images(listing, size, channels == 1, own.skip_broken)

    def pixels(chosen: NDArray[np.intp]) -> NDArray[np.float32]:
        return np.divide(images[chosen], 255, dtype=np.float32)

    dataset = _dataset(name, own, listing, found.distinct, pixels)
    return dataset, _remark(listing, found)


def _read_texts(name: str, own: OwnData, listing: Listing) -> tuple[Dataset, str]:
    """Do what `read` does for texts; those with the same words stay in one part, or groups do."""
    found = sort_texts(listing)
    files = usable_texts(listing, found, own.skip_broken)
    texts = as_array([file.text for file in files])
    dataset = _dataset(name, own, listing, files, lambda chosen: texts[chosen])
    return dataset, _remark(listing, dataclasses.replace(found, repeated=[], two_labels=[]))


def _dataset(
    name: str,
    own: OwnData,
    listing: Listing,
    files: Sequence[LabelledFile],
    examples: Callable[[NDArray[np.intp]], NDArray[Any]],
) -> Dataset:
    """Divide files into parts.

    Args:
        name: of the dataset.
        own: how it is to be read.
        listing: what the files are from.
        files: those to use.
        examples: given positions in the files, what a network sees of them.
    """
    division, labels = divide(listing, files, own.seed), labels_of(files, listing.kind)
    named = np.array([file.subgroups for file in files])

    def part(chosen: NDArray[np.intp]) -> Part:
        return Part(
            examples(chosen),
            labels[chosen],
            tuple(files[position].shown for position in chosen),
            None if division.groups is None else division.groups[chosen],
            dict(zip(listing.subgroups, named[chosen].T, strict=True)),
        )

    train, test = part(division.train), part(division.test)
    about = (listing.class_names, SOURCES[own.kind], "not stated", listing.kind)
    return Dataset(name, own.title, train, test, *about, division.validation)


def _channels(own: OwnData, listing: Listing) -> int:
    return _until_changed(("channels", own), listing, lambda: channels_of(listing, own.grey))


def _remark(listing: Listing, found: SortedFiles) -> str:
    left_out = [*listing.left_out, *(file.shown for _, file in found.repeated)]
    remarks = []
    if left_out:
        what = "no texts" if listing.content == "texts" else "not images, or repeating one"
        remarks.append(f"{what}: {several(left_out, FEW)}")
    if pairs := [*found.two_labels, *found.two_parts]:
        names = several((f"{one.shown} and {other.shown}" for one, other in pairs), FEW)
        remarks.append(f"in two classes or parts: {names}")
    if found.problems:
        remarks.append(f"broken: {explained(found.problems)}")
    sentences = [f"Left out of {listing.path}: {'; '.join(remarks)}."] if remarks else []
    if outside := listing.from_outside:
        sentences.append(f"Read from outside {listing.path}, by links: {several(outside, FEW)}.")
    return " ".join(sentences)


def _digest(own: OwnData, listing: Listing) -> str:
    def facts(file: LabelledFile) -> list[object]:
        content = file.text or _content(file.path)
        return [file.shown, file.label, file.part, file.group, content]

    known = [own.options, listing.kind, listing.class_names, [*map(facts, listing.files)]]
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()


def _content(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return "unreadable"


MAX_KEPT = 8
"""Datasets of one's own, or what was made of them, that stay in memory: the last used."""

_kept: dict[tuple[object, ...], tuple[object, Any]] = {}


def _until_changed(key: tuple[object, ...], listing: Listing, make: Callable[[], Any]) -> Any:
    """Return what was made for a key, made anew where the files are others than then."""
    kept = _kept.pop(key, None)
    if kept is None or kept[0] != listing.state:
        kept = listing.state, make()
    _kept[key] = kept
    while len(_kept) > MAX_KEPT:
        _kept.pop(next(iter(_kept)), None)
    return kept[1]
