"""The images of a listing: all read, with all that is wrong with them found in one go."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simmim_lib.datasets.dataset import IMAGE_SIZE
from simmim_lib.datasets.image_files import BrokenImageError, ImageFile, has_colour, read_image
from simmim_lib.datasets.listing import LabelledFile, Listing, Problem, refuse, several
from simmim_lib.errors import WorkbookError

Pair = tuple[LabelledFile, LabelledFile]


@dataclass(frozen=True)
class SortedFiles:
    """The files of a listing by what became of them.

    Attributes:
        distinct: those to use, none looking like another.
        repeated: those that look like an earlier one with the same label in the same part.
        two_labels: pairs that look alike and have different labels.
        two_parts: pairs that look alike, in different parts.
        problems: what cannot be used.
    """

    distinct: list[LabelledFile]
    repeated: list[Pair]
    two_labels: list[Pair]
    two_parts: list[Pair]
    problems: list[Problem]


def sort_files(listing: Listing, look: Callable[[LabelledFile], ImageFile]) -> SortedFiles:
    """Look at every file once.

    Args:
        listing: what there is.
        look: reads a file.
    """
    found = SortedFiles([], [], [], [], list(listing.problems))
    first_with: dict[bytes, LabelledFile] = {}
    for file in listing.files:
        try:
            fingerprint = look(file).fingerprint
        except BrokenImageError as error:
            found.problems.append(Problem(file.shown, str(error)))
            continue
        first = first_with.setdefault(fingerprint, file)
        if first is file:
            found.distinct.append(file)
        elif first.label != file.label:
            found.two_labels.append((first, file))
        elif first.part != file.part:
            found.two_parts.append((first, file))
        else:
            found.repeated.append((first, file))
    return found


def read_images(
    listing: Listing, size: int, grey: bool, skip_broken: bool
) -> tuple[NDArray[np.uint8], SortedFiles]:
    """Read the distinct images of a listing.

    Args:
        listing: what there is.
        size: the height and width to scale to, in pixels.
        grey: whether to do without colours.
        skip_broken: whether to leave out what cannot be used.

    Returns:
        The images, (n, size, size, 1 or 3), in the order of the distinct files, and these.

    Raises:
        WorkbookError: files that cannot be used, or that look alike in two classes or two parts;
            all of them are counted, the first fifty named.
    """
    images: dict[LabelledFile, NDArray[np.uint8]] = {}

    def look(file: LabelledFile) -> ImageFile:
        image = read_image(file.path, size, grey)
        images[file] = image.pixels
        return image

    found = sort_files(listing, look)
    check_files(listing, found, skip_broken)
    stacked = np.stack([images.pop(file) for file in found.distinct])
    return stacked.reshape(*stacked.shape[:3], -1), found


def check_files(listing: Listing, found: SortedFiles, skip_broken: bool) -> None:
    """Refuse files that cannot be used, and such as contradict each other.

    Raises:
        WorkbookError: there are some; all of them are counted, the first fifty named.
    """
    if not skip_broken:
        refuse(listing.path, found.problems, len(listing.files) + len(listing.problems))
    differ = "are in two classes" if listing.kind == "classification" else "have other labels"
    _refuse_pairs(listing, found.two_labels, differ)
    _refuse_pairs(listing, found.two_parts, "are in two parts")


def channels_of(listing: Listing, grey: bool) -> int:
    """Return 3 if any image has colour that is wanted, else 1; most files are hardly looked at."""
    return 3 if not grey and any(has_colour(file.path) for file in listing.files) else 1


def _refuse_pairs(listing: Listing, pairs: list[Pair], what: str) -> None:
    if pairs:
        names = several(f"{one.shown} and {other.shown}" for one, other in pairs)
        raise WorkbookError(
            f"{len(pairs)} {'pair' if len(pairs) == 1 else 'pairs'} of images in {listing.path} "
            f"look the same at {IMAGE_SIZE} x {IMAGE_SIZE} pixels, but {what}: {names}. Take at "
            "least one of each pair out."
        )
