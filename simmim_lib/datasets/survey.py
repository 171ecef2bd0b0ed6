"""A look at a dataset before anything is learned from it: counts, sizes, and what is wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simmim_lib.datasets import own
from simmim_lib.datasets.dataset import IMAGE_SIZE, Dataset, Labels, Part
from simmim_lib.datasets.image_files import ImageFile, read_image
from simmim_lib.datasets.listing import LabelledFile, Listing, Problem
from simmim_lib.datasets.loading import load
from simmim_lib.datasets.naming import OwnData, check_name, parse
from simmim_lib.datasets.near_duplicates import near_duplicates
from simmim_lib.datasets.own_splits import divide, labels_of
from simmim_lib.datasets.reading import Pair, SortedFiles, channels_of, sort_files, usable
from simmim_lib.datasets.reading_texts import sort_texts, usable_texts
from simmim_lib.errors import WorkbookError

Names = tuple[str, str]
"""Of two images that look alike."""


@dataclass(frozen=True, eq=False)
class Images:
    """What is known about images, those of all parts, in order.

    Attributes:
        widths: in pixels, (n,).
        heights: likewise.
        channels: 1 for grey, 3 for colour.
        thumbnails: (n, 28, 28, 3), uint8.
        paths: of their files; empty for a dataset of another kind.
    """

    widths: NDArray[np.intp]
    heights: NDArray[np.intp]
    channels: int
    thumbnails: NDArray[np.uint8]
    paths: Sequence[Path] = ()


@dataclass(frozen=True, eq=False)
class Texts:
    """What is known about texts, those of all parts, in order.

    Attributes:
        texts: these, (n,).
    """

    texts: Sequence[str]

    @property
    def words(self) -> NDArray[np.intp]:
        """How many words each has, (n,)."""
        return np.array([len(text.split()) for text in self.texts])


@dataclass(frozen=True, eq=False)
class Survey:
    """What there is in a dataset.

    Attributes:
        title: the name for readers.
        kind: one of `dataset.KINDS`.
        class_names: the classes, or the columns of labels.
        labels: by part, in order, the labels of its examples, as in `dataset.Part`.
        looks: what is known about images, or about texts.
        groups: how many there are; none where each example is its own.
        repeated: examples that are the same and have the same label and part.
        two_labels: examples that are the same and have different labels.
        two_parts: examples that are the same, in different parts.
        near: images with different labels that look nearly the same.
        problems: what cannot be used.
        left_out: files that are no examples.
        from_outside: links to files and folders elsewhere.
        refusal: why the dataset cannot be used as it is; "" if it can.
    """

    title: str
    kind: str
    class_names: tuple[str, ...]
    labels: dict[str, Labels]
    looks: "Images | Texts"
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
        WorkbookError: the name is unknown, or there is nothing to look at.
    """
    address = parse(check_name("dataset", name))
    return _of_own(address) if address else _of_dataset(load(name))


def _of_own(address: OwnData) -> Survey:
    listing = own.list_files(address)
    if listing.content == "texts":
        found = sort_texts(listing)
        parts, refusal = _divided(address, listing, found)
        looks: Images | Texts = _texts(parts)
    else:
        images: dict[LabelledFile, ImageFile] = {}
        found = sort_files(listing, lambda file: images.setdefault(file, read_image(file.path)))
        parts, refusal = _divided(address, listing, found)
        looks = _images(parts, images, channels_of(listing, address.grey))
    groups = len({file.group for among in parts.values() for file in among})
    survey = _survey(address.title, listing, found, parts, looks)
    return replace(survey, groups=groups if address.group else None, refusal=refusal)


def _of_dataset(dataset: Dataset) -> Survey:
    parts = {"train": _as_files("train", dataset.train), "test": _as_files("test", dataset.test)}
    files = [file for among in parts.values() for file in among]
    listing = Listing(Path(), dataset.kind, dataset.class_names, tuple(files))
    if dataset.holds_texts:
        return _survey(dataset.title, listing, sort_texts(listing), parts, _texts(parts))
    pixels = np.concatenate([dataset.train.images, dataset.test.images])
    thumbnails = np.stack([_thumbnail(image) for image in pixels])
    height, width, channels = pixels.shape[1:]
    widths, heights = np.full(len(pixels), width), np.full(len(pixels), height)
    images = iter([ImageFile(each, each, width, height) for each in thumbnails])
    found = sort_files(listing, lambda _: next(images))
    looks = Images(widths, heights, channels, thumbnails)
    return _survey(dataset.title, listing, found, parts, looks)


def _as_files(name: str, part: Part) -> list[LabelledFile]:
    """Return the examples of a part of a dataset as if they were files."""
    texts = part.images if part.images.dtype == object else [""] * len(part)
    return [
        LabelledFile(Path(), f"{name}[{n}]", _plain(label), name, text=text)
        for n, (label, text) in enumerate(zip(part.labels, texts, strict=True))
    ]


def _plain(label: NDArray) -> int | tuple[float, ...]:
    return tuple(label.tolist()) if np.ndim(label) else int(label)


def _thumbnail(image: NDArray[np.float32]) -> NDArray[np.uint8]:
    from PIL import Image

    pixels = np.rint(np.broadcast_to(image, (*image.shape[:2], 3)) * 255).astype(np.uint8)
    if len(pixels) == IMAGE_SIZE:
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((IMAGE_SIZE, IMAGE_SIZE)))


def _images(
    parts: Mapping[str, Sequence[LabelledFile]],
    images: Mapping[LabelledFile, ImageFile],
    channels: int,
) -> Images:
    files = [file for among in parts.values() for file in among]
    return Images(
        widths=np.array([images[file].width for file in files]),
        heights=np.array([images[file].height for file in files]),
        channels=channels,
        thumbnails=np.stack([images[file].thumbnail for file in files]),
        paths=[file.path for file in files],
    )


def _texts(parts: Mapping[str, Sequence[LabelledFile]]) -> Texts:
    return Texts([file.text for among in parts.values() for file in among])


def _survey(
    title: str,
    listing: Listing,
    found: SortedFiles,
    parts: Mapping[str, Sequence[LabelledFile]],
    looks: Images | Texts,
) -> Survey:
    """Put together what is known about the files of all parts, which `looks` has in this order."""
    files = [file for among in parts.values() for file in among]
    return Survey(
        title,
        listing.kind,
        listing.class_names,
        {part: labels_of(among, listing.kind) for part, among in parts.items()},
        looks,
        repeated=_shown(found.repeated),
        two_labels=_shown(found.two_labels),
        two_parts=_shown(found.two_parts),
        near=_near(looks.thumbnails, listing, files) if isinstance(looks, Images) else (),
        problems=found.problems,
        left_out=listing.left_out,
        from_outside=listing.from_outside,
    )


def _divided(
    address: OwnData, listing: Listing, found: SortedFiles
) -> tuple[dict[str, list[LabelledFile]], str]:
    """Return the files of each part, and why the dataset cannot be used, "" if it can.

    Raises:
        WorkbookError: no file at all can be used.
    """
    files, refusal = found.distinct, ""
    try:
        files = _usable(listing, found, address.skip_broken)
    except WorkbookError as error:
        if not files:
            raise
        refusal = str(error)
    try:
        test = {*divide(listing, files, address.seed).test.tolist()}
    except WorkbookError as error:
        test, refusal = set(), refusal or str(error)
    parts: dict[str, list[LabelledFile]] = {"train": [], "validation": [], "test": []}
    for position, file in enumerate(files):
        parts["test" if position in test else file.part].append(file)
    return {part: among for part, among in parts.items() if among}, refusal


def _usable(listing: Listing, found: SortedFiles, skip_broken: bool) -> list[LabelledFile]:
    if listing.content == "texts":
        return usable_texts(listing, found, skip_broken)
    return usable(listing, found, skip_broken).distinct


def _shown(pairs: Sequence[Pair]) -> list[Names]:
    return [(one.shown, other.shown) for one, other in pairs]


def _near(
    thumbnails: NDArray[np.uint8], listing: Listing, files: Sequence[LabelledFile]
) -> list[Names]:
    pairs = near_duplicates(thumbnails, labels_of(files, listing.kind))
    return [(files[one].shown, files[other].shown) for one, other in pairs]
