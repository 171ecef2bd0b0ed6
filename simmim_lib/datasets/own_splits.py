"""Data of the user's own divided into parts: those that they come in, or drawn once and for all."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simmim_lib.datasets.dataset import Labels
from simmim_lib.datasets.listing import LabelledFile, Listing, several
from simmim_lib.datasets.stratified_splits import strata, stratified, stratified_groups
from simmim_lib.errors import WorkbookError, shown

MIN_EXAMPLES = 5
"""Of each class where the test part is drawn: one to test, enough to learn from and to validate."""

MIN_GROUPS = 3
"""Of each class where all is drawn: one each to learn from, to validate and to test."""


@dataclass(frozen=True)
class Division:
    """Which files are of which part.

    Attributes:
        train: positions among all files, in random order.
        test: likewise.
        validation: positions in `train`; none where they are still to be drawn.
        groups: (files,), a number for each group; none where each image is its own.
    """

    train: NDArray[np.intp]
    test: NDArray[np.intp]
    validation: NDArray[np.intp] | None
    groups: NDArray[np.intp] | None


def labels_of(files: Sequence[LabelledFile], kind: str) -> Labels:
    """Return the labels of files: (n,), int32, for classes, else (n, columns), float32."""
    labels = [file.label for file in files]
    if kind == "classification":
        return np.array(labels, np.int32)
    return np.array(labels, np.float32)


def divide(listing: Listing, files: Sequence[LabelledFile], seed: int) -> Division:
    """Divide files into parts.

    The part `test` is kept where there is one. Else a fifth, rounded up, of the part `train` is
    drawn: of each class its share and at least one image, and whole groups only.

    Args:
        listing: what the files are from.
        files: those to use.
        seed: decides the draw.

    Raises:
        WorkbookError: a class has too few images or groups, or a group is in two parts.
    """
    _check_groups(listing, files)
    _check_counts(listing, files)
    random = np.random.default_rng(seed)
    part, groups = np.array([file.part for file in files]), _group_numbers(files)
    if listing.has("test"):
        test = random.permutation(np.flatnonzero(part == "test"))
    else:
        pool = np.flatnonzero(part == "train")
        classes = strata(labels_of(files, listing.kind)[pool], listing.kind)
        left = 1 if listing.has("validation") else 2
        test = pool[_draw(classes, None if groups is None else groups[pool], random, left)]
        if listing.kind == "multi-label" and groups is None:
            test = _with_every_label(test, pool, labels_of(files, listing.kind), random)
    train = random.permutation(np.setdiff1d(np.arange(len(files)), test))
    validation = np.flatnonzero(part[train] == "validation")
    return Division(
        train,
        test,
        validation if len(validation) else None,
        groups,
    )


def _draw(
    labels: NDArray, groups: NDArray[np.intp] | None, random: np.random.Generator, left: int
) -> NDArray[np.intp]:
    count = -(-len(labels) // 5)  # rounded up, so that no class has none
    if groups is None:
        return stratified(labels, count, random)
    return stratified_groups(labels, groups, count, random, left)


def _with_every_label(
    test: NDArray[np.intp], pool: NDArray[np.intp], labels: NDArray, random: np.random.Generator
) -> NDArray[np.intp]:
    """Return a test part with an example more for each label that none of it has.

    Combinations of labels keep their shares, and a label may be in rare ones only.
    """
    for column in labels.T > 0:
        if not column[test].any():
            test = np.append(test, random.choice(np.setdiff1d(pool[column[pool]], test)))
    return test


def _group_numbers(files: Sequence[LabelledFile]) -> NDArray[np.intp] | None:
    names = [file.group for file in files]
    return np.unique(names, return_inverse=True)[1].reshape(-1) if any(names) else None


def _check_groups(listing: Listing, files: Sequence[LabelledFile]) -> None:
    """Refuse groups in two parts."""
    parts: dict[str, set[str]] = {}
    for file in files:
        parts.setdefault(file.group, set()).add(file.part)
    shared = sorted(group for group, among in parts.items() if group and len(among) > 1)
    if shared:
        raise WorkbookError(
            f"{len(shared)} groups in {listing.path} are in two parts: {several(shared)}. Move all "
            f"{listing.content} of a group into one part, or name another group."
        )


def _check_counts(listing: Listing, files: Sequence[LabelledFile]) -> None:
    """Refuse a class, or a label, with too few images or groups to learn from, validate and test.

    Of numbers there must be as many as of a class.
    """
    drawn = [part for part in ("validation", "test") if not listing.has(part)]
    least = {
        "train": MIN_EXAMPLES if "test" in drawn else 1 + len(drawn),
        "validation": 1,
        "test": 1,
    }
    for part, number in least.items():
        if part in drawn:
            continue
        among = [file for file in files if file.part == part]
        for name, members in _members(listing, among).items():
            where = f"in {listing.path}" if len(drawn) == 2 else f"in {listing.path}/{part}"
            _check_number(f"different {listing.content}", name, where, len(members), number)
            groups = {file.group for file in members}
            if part == "train" and "" not in groups:
                needed = MIN_GROUPS - 2 + len(drawn)
                _check_number("groups", name, where, len(groups), needed)


def _members(listing: Listing, files: Sequence[LabelledFile]) -> dict[str, list[LabelledFile]]:
    """Return the files of each class, those with each label, or all where labels are numbers."""
    if listing.kind == "regression":
        return {listing.class_names[0]: list(files)}
    if listing.kind == "multi-label":
        return {
            name: [file for file in files if file.label[column]]  # type: ignore[index]
            for column, name in enumerate(listing.class_names)
        }
    return {
        name: [file for file in files if file.label == label]
        for label, name in enumerate(listing.class_names)
    }


def _check_number(what: str, name: str, where: str, number: int, least: int) -> None:
    if number < least:
        raise WorkbookError(
            f"The class {shown(name)} {where} has too few {what}, {number}: each class needs at "
            f"least {least}, to learn from, to validate and to test."
        )
