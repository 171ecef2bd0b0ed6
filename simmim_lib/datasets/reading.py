"""The images of a listing: all read, with all that is wrong with them found in one go."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simmim_lib.datasets.dataset import IMAGE_SIZE
from simmim_lib.datasets.image_files import BrokenImageError, ImageFile, has_colour, read_image
from simmim_lib.datasets.listing import LabelledFile, Listing, Problem, explained, several
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

    def without_contradictions(self) -> "SortedFiles":
        """Return the same without the images, of those to use, that are in two classes or parts."""
        pairs = (*self.two_labels, *self.two_parts)
        contradictory = {file for pair in pairs for file in pair}
        return replace(self, distinct=[one for one in self.distinct if one not in contradictory])


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
        skip_broken: whether to leave out what cannot be used or contradicts another file.

    Returns:
        The images, (n, size, size, 1 or 3), in the order of the distinct files, and these.

    Raises:
        WorkbookError: as `usable`.
    """
    images: dict[LabelledFile, NDArray[np.uint8]] = {}

    def look(file: LabelledFile) -> ImageFile:
        image = read_image(file.path, size, grey)
        images[file] = image.pixels
        return image

    found = usable(listing, sort_files(listing, look), skip_broken)
    stacked = np.stack([images.pop(file) for file in found.distinct])
    return stacked.reshape(*stacked.shape[:3], -1), found


def usable(listing: Listing, found: SortedFiles, skip_broken: bool) -> SortedFiles:
    """Return files of which each can be used, and none contradicts another.

    Args:
        listing: what there is.
        found: what became of it.
        skip_broken: whether to leave out the others.

    Raises:
        WorkbookError: there are others, or nothing else; all of them are counted, the first fifty
            of each kind named.
    """
    left = found.without_contradictions()
    complaints = [] if skip_broken and left.distinct else _complaints(listing, found)
    if complaints:
        raise WorkbookError(
            f"{'; '.join(complaints)}. Replace them or take them out (of a pair at least one), or "
            "go on without all of them: put ?skip-broken=yes behind the path."
        )
    return left


def _complaints(listing: Listing, found: SortedFiles) -> list[str]:
    """Return what is wrong with files, by kind."""
    complaints = []
    if found.problems:
        total = len(listing.files) + len(listing.problems)
        broken = f"{len(found.problems)} of {total} images in {listing.path} cannot be used"
        complaints.append(f"{broken}: {explained(found.problems)}")
    differ = "are in two classes" if listing.kind == "classification" else "have other labels"
    for pairs, what in ((found.two_labels, differ), (found.two_parts, "are in two parts")):
        if pairs:
            names = several(f"{one.shown} and {other.shown}" for one, other in pairs)
            complaints.append(
                f"{len(pairs)} {'pair' if len(pairs) == 1 else 'pairs'} of images in "
                f"{listing.path} look the same at {IMAGE_SIZE} x {IMAGE_SIZE} pixels, but {what}: "
                f"{names}"
            )
    return complaints


def channels_of(listing: Listing, grey: bool) -> int:
    """Return 3 if any image has colour that is wanted, else 1; most files are hardly looked at."""
    return 3 if not grey and any(has_colour(file.path) for file in listing.files) else 1
