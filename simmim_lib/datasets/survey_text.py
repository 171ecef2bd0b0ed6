"""What `simmim data show` prints about a dataset."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from simmim_lib.datasets.dataset import IMAGE_SIZE, Labels
from simmim_lib.datasets.listing import FEW
from simmim_lib.datasets.near_duplicates import MAX_BITS, MIN_CORRELATION
from simmim_lib.datasets.survey import Images, Names, Survey
from simmim_lib.errors import printable


def as_text(survey: Survey) -> str:
    """Return all that is known about a dataset, a line for each thing.

    What must be put right is named in full, of all else the first ten.
    """
    lines = [*_head(survey), *_counts(survey), *_sizes(survey), *_findings(survey)]
    if survey.refusal:
        lines.append(f"It cannot be used as it is: {survey.refusal}")
    return "\n".join(map(printable, lines))


def _head(survey: Survey) -> Iterator[str]:
    what = f"{sum(map(len, survey.labels.values())):,} {_called(survey)}, {survey.kind}"
    if isinstance(survey.looks, Images):
        what += ", in colour" if survey.looks.channels == 3 else ", in grey"
    yield f"{survey.title}: {what}"


def _called(survey: Survey) -> str:
    return "images" if isinstance(survey.looks, Images) else "texts"


def _counts(survey: Survey) -> Iterator[str]:
    """Yield a line for each class, with how many images of it each part has."""
    columns = {part: _summary(survey, labels) for part, labels in survey.labels.items()}
    names = [*survey.class_names, "none of them"]
    what = "range of" if survey.kind == "regression" else "class"
    width = max(len(name) for name in (*names, what)) + 2
    yield f"{what:<{width}}" + "".join(f"{part:>16}" for part in columns)
    for name, cells in zip(names, zip(*columns.values(), strict=True), strict=False):
        yield f"{name:<{width}}" + "".join(f"{cell:>16}" for cell in cells)


def _summary(survey: Survey, labels: Labels) -> list[str]:
    """Return, for the labels of one part, a cell for each class or column."""
    if survey.kind == "regression":
        return [f"{labels.min():.4g} to {labels.max():.4g}"]
    if survey.kind == "multi-label":
        counts = [*np.sum(labels > 0, axis=0), np.sum(~labels.any(axis=1))]
    else:
        counts = [*np.bincount(labels, minlength=len(survey.class_names))]
    return [f"{count:,}" for count in counts]


def _sizes(survey: Survey) -> Iterator[str]:
    looks = survey.looks
    if isinstance(looks, Images):
        yield _range("widths", looks.widths, "pixels")
        yield _range("heights", looks.heights, "pixels")
    else:
        yield _range("lengths", looks.words, "words")
    if survey.groups is not None:
        yield f"groups: {survey.groups:,}; all {_called(survey)} of one are in the same part"


def _range(name: str, sizes: NDArray[np.intp], unit: str) -> str:
    middle = int(np.median(sizes))
    return f"{name}: smallest {sizes.min():,}, median {middle:,}, largest {sizes.max():,} {unit}"


def _findings(survey: Survey) -> Iterator[str]:
    images = isinstance(survey.looks, Images)
    same = f"look the same at {IMAGE_SIZE} x {IMAGE_SIZE} pixels" if images else "same words"
    rule = f"difference hash within {MAX_BITS} of 64 bits, correlation {MIN_CORRELATION}"
    broken = [f"{problem.shown} ({problem.reason})" for problem in survey.problems]
    yield from _finding(f"repeated ({same}, same label)", _joined(survey.repeated), FEW)
    yield from _finding(f"with two labels ({same})", _joined(survey.two_labels))
    yield from _finding(f"in two parts ({same})", _joined(survey.two_parts))
    if images:
        yield from _finding(f"nearly the same, other label ({rule})", _joined(survey.near), FEW)
    yield from _finding("cannot be used", broken)
    yield from _finding(f"no {_called(survey)}, left out", survey.left_out, FEW)
    if survey.from_outside:
        yield from _finding("links to a place outside the folder", survey.from_outside, FEW)


def _joined(pairs: Sequence[Names]) -> list[str]:
    return [f"{one} and {other}" for one, other in pairs]


def _finding(what: str, names: Sequence[str], most: int | None = None) -> Iterator[str]:
    yield f"{what}: {len(names) or 'none'}"
    yield from (f"  {name}" for name in names[:most])
    if most is not None and len(names) > most:
        yield f"  and {len(names) - most} more"
