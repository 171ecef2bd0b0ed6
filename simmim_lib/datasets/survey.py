"""A look at a dataset before anything is learned from it: counts, sizes, and what is wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simmim_lib.datasets import own
from simmim_lib.datasets.dataset import IMAGE_SIZE, Dataset, Labels
from simmim_lib.datasets.image_files import ImageFile, read_image
from simmim_lib.datasets.listing import LabelledFile, Listing, Problem
from simmim_lib.datasets.loading import load
from simmim_lib.datasets.naming import OwnData, check_name, parse
from simmim_lib.datasets.near_duplicates import near_duplicates
from simmim_lib.datasets.own_splits import divide, labels_of
from simmim_lib.datasets.reading import Pair, SortedFiles, channels_of, sort_files, usable
from simmim_lib.errors import WorkbookError

Names = tuple[str, str]
"""Of two images that look alike."""


@dataclass(frozen=True, eq=False)
class Survey:
    """What there is in a dataset.

    Attributes:
        title: the name for readers.
        kind: one of `dataset.KINDS`.
        class_names: the classes, or the columns of labels.
        labels: by part, in order, the labels of its images, as in `dataset.Part`.
        widths: of all images, in pixels, (n,).
        heights: likewise.
        channels: 1 for grey images, 3 for colour.
        thumbnails: (n, 28, 28, 3), uint8, of the images in all parts, in order.
        paths: of their files, in the same order; empty for a dataset of another kind.
        groups: how many there are; none where each image is its own.
        repeated: images that look the same and have the same label and part.
        two_labels: images that look the same and have different labels.
        two_parts: images that look the same, in different parts.
        near: images with different labels that look nearly the same.
        problems: what cannot be used.
        left_out: files that are no images.
        from_outside: links to files and folders elsewhere.
        refusal: why the dataset cannot be used as it is; "" if it can.
    """

    title: str
    kind: str
    class_names: tuple[str, ...]
    labels: dict[str, Labels]
    widths: NDArray[np.intp]
    heights: NDArray[np.intp]
    channels: int
    thumbnails: NDArray[np.uint8]
    paths: Sequence[Path] = ()
    groups: int | None = None
    repeated: Sequence[Names] = ()
    two_labels: Sequence[Names] = ()
    two_parts: Sequence[Names] = ()
    near: Sequence[Names] = ()
    problems: Sequence[Problem] = ()
    left_out: Sequence[str] = ()
    from_outside: Sequence[str] = ()
    refusal: str = ""


def survey(name: str) -> Survey:
    """Look at a dataset, whether or not it can be used as it is.

    Args:
        name: as `load` takes it.

    Raises:
        WorkbookError: the name is unknown, is that of texts, or there is nothing to look at.
    """
    address = parse(check_name("dataset", name))
    if address and not address.text:
        return _of_files(address)
    if address or load(name).holds_texts:
        raise WorkbookError(f"{name!r} holds texts, and only images can be looked at in this way.")
    return _of_dataset(load(name))


def _of_dataset(dataset: Dataset) -> Survey:
    parts = {"train": dataset.train, "test": dataset.test}
    images = np.concatenate([part.images for part in parts.values()])
    labels = {name: part.labels for name, part in parts.items()}
    thumbnails = np.stack([_thumbnail(image) for image in images])
    height, width, channels = images.shape[1:]
    files = [
        LabelledFile(Path(), f"{name}[{n}]", _plain(label), name)
        for name, part in parts.items()
        for n, label in enumerate(part.labels)
    ]
    images_of = iter([ImageFile(each, each, width, height) for each in thumbnails])
    listing = Listing(Path(), dataset.kind, dataset.class_names, tuple(files))
    found = sort_files(listing, lambda _: next(images_of))
    return Survey(
        dataset.title,
        dataset.kind,
        dataset.class_names,
        labels,
        widths=np.full(len(images), width),
        heights=np.full(len(images), height),
        channels=channels,
        thumbnails=thumbnails,
        repeated=_shown(found.repeated),
        two_labels=_shown(found.two_labels),
        two_parts=_shown(found.two_parts),
        near=_near(thumbnails, labels_of(files, dataset.kind), [file.shown for file in files]),
    )


def _plain(label: NDArray) -> int | tuple[float, ...]:
    return tuple(label.tolist()) if np.ndim(label) else int(label)


def _thumbnail(image: NDArray[np.float32]) -> NDArray[np.uint8]:
    from PIL import Image

    pixels = np.rint(np.broadcast_to(image, (*image.shape[:2], 3)) * 255).astype(np.uint8)
    if len(pixels) == IMAGE_SIZE:
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((IMAGE_SIZE, IMAGE_SIZE)))


def _of_files(address: OwnData) -> Survey:
    listing = own.list_files(address)
    images: dict[LabelledFile, ImageFile] = {}

    def look(file: LabelledFile) -> ImageFile:
        images[file] = read_image(file.path)
        return images[file]

    found = sort_files(listing, look)
    if not found.distinct:
        usable(listing, found, skip_broken=False)  # which says why
    parts, refusal = _divided(address, listing, found)
    files = [file for among in parts.values() for file in among]
    thumbnails = np.stack([images[file].thumbnail for file in files])
    labels = labels_of(files, listing.kind)
    return Survey(
        address.title,
        listing.kind,
        listing.class_names,
        {part: labels_of(among, listing.kind) for part, among in parts.items()},
        widths=np.array([images[file].width for file in files]),
        heights=np.array([images[file].height for file in files]),
        channels=channels_of(listing, address.grey),
        thumbnails=thumbnails,
        paths=[file.path for file in files],
        groups=len({file.group for file in files}) if address.group else None,
        repeated=_shown(found.repeated),
        two_labels=_shown(found.two_labels),
        two_parts=_shown(found.two_parts),
        near=_near(thumbnails, labels, [file.shown for file in files]),
        problems=found.problems,
        left_out=listing.left_out,
        from_outside=listing.from_outside,
        refusal=refusal,
    )


def _divided(
    address: OwnData, listing: Listing, found: SortedFiles
) -> tuple[dict[str, list[LabelledFile]], str]:
    """Return the files of each part, and why the dataset cannot be used, "" if it can."""
    files, refusal = found.distinct, ""
    try:
        files = usable(listing, found, address.skip_broken).distinct
    except WorkbookError as error:
        refusal = str(error)
    try:
        test = {*divide(listing, files, address.seed).test.tolist()}
    except WorkbookError as error:
        test, refusal = set(), refusal or str(error)
    parts: dict[str, list[LabelledFile]] = {"train": [], "validation": [], "test": []}
    for position, file in enumerate(files):
        parts["test" if position in test else file.part].append(file)
    return {part: among for part, among in parts.items() if among}, refusal


def _shown(pairs: Sequence[Pair]) -> list[Names]:
    return [(one.shown, other.shown) for one, other in pairs]


def _near(thumbnails: NDArray[np.uint8], labels: Labels, names: Sequence[str]) -> list[Names]:
    return [(names[one], names[other]) for one, other in near_duplicates(thumbnails, labels)]
