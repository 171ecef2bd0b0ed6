"""The texts of a listing: all read, with all that is wrong with them found in one go."""

from dataclasses import replace

from simmim_lib.datasets.listing import FEW, LabelledFile, Listing, Problem, explained, several
from simmim_lib.datasets.reading import SortedFiles
from simmim_lib.datasets.text_files import BrokenTextError, read_text
from simmim_lib.datasets.texts import same_words
from simmim_lib.errors import WorkbookError


def sort_texts(listing: Listing) -> SortedFiles:
    """Read every text once.

    Other than images, texts may repeat each other: "Great!" is said often, and not always meant.
    Those with the same words are of one group, so that they come into the same part. Where groups
    are given, these decide alone: whoever says "Great!" need not be one person.

    Args:
        listing: what there is.

    Returns:
        Among `distinct` all that can be read, each with its text.
    """
    found = SortedFiles([], [], [], [], list(listing.problems))
    first_with: dict[str, LabelledFile] = {}
    for file in listing.files:
        try:
            text = file.text or read_text(file.path)
        except BrokenTextError as error:
            found.problems.append(Problem(file.shown, str(error)))
            continue
        words = same_words(text)
        whole = replace(file, text=text, group=file.group or words)
        found.distinct.append(whole)
        first = first_with.setdefault(words, whole)
        if first is not whole:
            _pairs(found, first, whole).append((first, whole))
    return found


def _pairs(
    found: SortedFiles, one: LabelledFile, other: LabelledFile
) -> list[tuple[LabelledFile, LabelledFile]]:
    """Return where a pair of texts with the same words belongs."""
    if one.part != other.part:
        return found.two_parts
    return found.repeated if one.label == other.label else found.two_labels


def usable_texts(listing: Listing, found: SortedFiles, skip_broken: bool) -> list[LabelledFile]:
    """Return texts of which each can be used, and none is in two parts.

    Args:
        listing: what there is.
        found: what became of it.
        skip_broken: whether to leave out the others.

    Raises:
        WorkbookError: there are others, or nothing else.
    """
    in_two_parts = {file for pair in found.two_parts for file in pair}
    left = [file for file in found.distinct if file not in in_two_parts]
    complaints = [] if skip_broken and left else _complaints(listing, found)
    if complaints:
        raise WorkbookError(
            f"{'; '.join(complaints)}. Correct them, or leave them out with ?skip-broken=yes."
        )
    return left


def _complaints(listing: Listing, found: SortedFiles) -> list[str]:
    complaints = []
    if found.problems:
        total, what = len(listing.files) + len(listing.problems), _called(listing)
        broken = f"{len(found.problems)} of {total} {what} of {listing.path} cannot be used"
        complaints.append(f"{broken}: {explained(found.problems)}")
    if found.two_parts:
        names = several((f"{one.shown} and {other.shown}" for one, other in found.two_parts), FEW)
        complaints.append(f"texts of {listing.path} have the same words in two parts: {names}")
    return complaints


def _called(listing: Listing) -> str:
    return "texts" if listing.path.is_dir() else "rows"
