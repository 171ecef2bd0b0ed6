"""Few-label tasks: which images of a dataset keep their label."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simmim_lib.datasets.dataset import Dataset, Labels, Part
from simmim_lib.datasets.loading import load
from simmim_lib.datasets.stratified_splits import strata, stratified, stratified_groups
from simmim_lib.errors import WorkbookError, check_whole, shown

NO_LABEL = -1
"""The label of an image whose class is not given, as in scikit-learn's semi-supervised module."""


VALIDATION_SHARE = 0.2


VALIDATION_LIMIT = 1000


@dataclass(frozen=True, eq=False)
class Task:
    """A dataset of which only a few training labels are known; no image is in two parts.

    Attributes:
        name: the dataset's name.
        labelled: the images whose labels are known.
        unlabelled: the rest of the training images; every label is `NO_LABEL`, or NaN where labels
            are no classes.
        validation: labelled images for choosing settings.
        test: the dataset's own test part, for the final figure only.
        class_names: what the labels stand for.
    """

    name: str
    labelled: Part
    unlabelled: Part
    validation: Part
    test: Part
    class_names: tuple[str, ...]


class Wanted(NamedTuple):
    """How many labels are asked for.

    Attributes:
        most: of each class; none for all.
        exactly: whether fewer are too few.
    """

    most: int | None
    exactly: bool


def wanted_labels(given: object) -> Wanted:
    """Return what is meant by a number of labels of each class.

    Args:
        given: a whole number of at least 0; "up to 20", for as many of each class as there are if
            they are fewer; or "all".

    Raises:
        WorkbookError: something else.
    """
    if not isinstance(given, str):
        return Wanted(check_whole("labels_per_class", given, least=0), exactly=True)
    if given == "all":
        return Wanted(None, exactly=False)
    if found := re.fullmatch("up to ([0-9]{1,9})", given):
        return Wanted(int(found[1]), exactly=False)
    raise WorkbookError(
        f"labels_per_class is {shown(given)}, but must be a whole number of at least 0, 'all', or "
        "a largest number, such as 'up to 20'."
    )


def few_shot(dataset: Dataset | str, labels_per_class: int | str, seed: int) -> Task:
    """Hide all but a few training labels of a dataset.

    The validation part is the dataset's own or, where it has none, a fifth of the training part,
    at most 1,000 images, each class in proportion and with at least one image, and whole groups
    only; then `labels_per_class` images of each class keep their label. For one seed the
    validation part is the same for every number of labels, and a larger labelled part contains
    the smaller one, so that results for different numbers of labels compare like with like.

    Where each of several labels is true of an image or not, so many images keep their labels of
    which it is true, for each label in turn, and so many of which none is, as far as there are any;
    an image counts for all of its labels. Where labels are numbers, so many images keep theirs in
    all.

    Args:
        dataset: a dataset or its name.
        labels_per_class: labelled images of each class, 0 leaves all without a label; "up to 20":
            so many, or all of a class that has fewer; "all": all beside the validation part.
        seed: chooses the images; a whole number, at least 0.

    Returns:
        The task; its parts share no image.

    Raises:
        WorkbookError: a number is out of range, there are no labels, or the smallest class has too
            few images.
    """
    dataset = load(dataset) if isinstance(dataset, str) else dataset
    chosen, train = choose(dataset, labels_per_class, seed), dataset.train
    return Task(
        dataset.name,
        Part(train.images[chosen.labelled], train.labels[chosen.labelled]),
        Part(train.images[chosen.unlabelled], _without_labels(train.labels[chosen.unlabelled])),
        Part(train.images[chosen.validation], train.labels[chosen.validation]),
        dataset.test,
        dataset.class_names,
    )


def _without_labels(labels: Labels) -> Labels:
    """Return as many labels of the same shape, none of which is known."""
    return np.full_like(labels, NO_LABEL if labels.dtype.kind == "i" else np.nan)


class Choice(NamedTuple):
    """Positions in a dataset's training part, none of them in two fields."""

    labelled: NDArray[np.intp]
    unlabelled: NDArray[np.intp]
    validation: NDArray[np.intp]


def choose(dataset: Dataset, labels_per_class: int | str, seed: int) -> Choice:
    """Choose the images of `few_shot`, which see, without copying them."""
    wanted = wanted_labels(labels_per_class)
    check_whole("seed", seed, least=0)
    if not dataset.class_names:
        raise WorkbookError(
            f"{shown(dataset.name)} has no labels of which some could be kept: choose a dataset "
            "with classes, or take what dataset.train.images holds."
        )
    random = np.random.default_rng(seed)
    validation = _validation(dataset, random)
    rest = random.permutation(np.setdiff1d(np.arange(len(dataset.train)), validation))
    queues = [rest[members[rest]] for members in _membership(dataset).T]
    if wanted.exactly:
        _check_enough(dataset, wanted.most or 0, [len(queue) for queue in queues])
    labelled = np.concatenate([queue[: wanted.most] for queue in queues])
    labelled = labelled[np.sort(np.unique(labelled, return_index=True)[1])]
    return Choice(labelled, np.setdiff1d(rest, labelled), validation)


def _validation(dataset: Dataset, random: np.random.Generator) -> NDArray[np.intp]:
    if dataset.validation is not None:
        return dataset.validation
    classes = strata(dataset.train.labels, dataset.kind)
    count = min(max(1, int(VALIDATION_SHARE * len(classes))), VALIDATION_LIMIT)
    if dataset.train.groups is not None:
        return stratified_groups(classes, dataset.train.groups, count, random)
    return stratified(classes, count, random, everywhere=dataset.kind == "classification")


def _membership(dataset: Dataset) -> NDArray[np.bool_]:
    """Return which training images count for what is asked for, (n, classes).

    Where an image has several labels, a last column is for those with none.
    """
    labels = dataset.train.labels
    if dataset.kind == "classification":
        return labels[:, None] == np.arange(len(dataset.class_names))
    if dataset.kind == "multi-label":
        return np.column_stack([labels > 0, ~labels.any(axis=1)])
    return np.ones((len(labels), 1), bool)


def _check_enough(dataset: Dataset, asked: int, available: Sequence[int]) -> None:
    available = available[: len(dataset.class_names)]
    smallest = int(np.argmin(available))
    if asked > available[smallest]:
        whose = "it" if dataset.kind == "regression" else _smallest(dataset, smallest)
        raise WorkbookError(
            f"labels_per_class is {asked}, but {dataset.name} allows at most "
            f"{available[smallest]}: {whose} has no more training images beside the validation "
            f"part; ask for fewer, or for labels_per_class='up to {asked}'."
        )


def _smallest(dataset: Dataset, position: int) -> str:
    return f"its smallest class, {shown(dataset.class_names[position])},"
