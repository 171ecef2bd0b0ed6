"""Few-label tasks: which images of a dataset keep their label."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simmim_lib.datasets.dataset import Dataset, Part
from simmim_lib.datasets.loading import load
from simmim_lib.datasets.splits import stratified
from simmim_lib.errors import WorkbookError, check_whole

NO_LABEL = -1
"""The label of an image whose class is not given, as in scikit-learn's semi-supervised module."""


VALIDATION_SHARE = 0.2


VALIDATION_LIMIT = 1000


@dataclass(frozen=True, eq=False)
class Task:
    """A dataset of which only a few training labels are known; no image is in two parts.

    Attributes:
        name: the dataset's name.
        labelled: equally many images of every class.
        unlabelled: the rest of the training images; every label is `NO_LABEL`.
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


def few_shot(dataset: Dataset | str, labels_per_class: int, seed: int) -> Task:
    """Hide all but a few training labels of a dataset.

    A fifth of the training part, at most 1,000 images, is kept for validation, each class in
    proportion; then `labels_per_class` images of each class keep their label. For one seed the
    validation part is the same for every number of labels, and a larger labelled part contains
    the smaller one, so that results for different numbers of labels compare like with like.

    Args:
        dataset: a dataset or its name.
        labels_per_class: labelled images of each class; 0 leaves all without a label.
        seed: chooses the images; a whole number, at least 0.

    Returns:
        The task; its parts share no image.

    Raises:
        WorkbookError: a number is out of range, or the smallest class has too few images.
    """
    dataset = load(dataset) if isinstance(dataset, str) else dataset
    chosen, train = choose(dataset, labels_per_class, seed), dataset.train
    return Task(
        dataset.name,
        Part(train.images[chosen.labelled], train.labels[chosen.labelled]),
        Part(train.images[chosen.unlabelled], np.full(len(chosen.unlabelled), NO_LABEL, np.int32)),
        Part(train.images[chosen.validation], train.labels[chosen.validation]),
        dataset.test,
        dataset.class_names,
    )


class Choice(NamedTuple):
    """Positions in a dataset's training part, none of them in two fields."""

    labelled: NDArray[np.intp]
    unlabelled: NDArray[np.intp]
    validation: NDArray[np.intp]


def choose(dataset: Dataset, labels_per_class: int, seed: int) -> Choice:
    """Choose the images of `few_shot`, which see, without copying them."""
    check_whole("labels_per_class", labels_per_class, least=0)
    check_whole("seed", seed, least=0)
    labels, random = dataset.train.labels, np.random.default_rng(seed)
    size = min(int(VALIDATION_SHARE * len(labels)), VALIDATION_LIMIT)
    validation = stratified(labels, size, random)
    rest = random.permutation(np.setdiff1d(np.arange(len(labels)), validation))
    by_class = [rest[labels[rest] == label] for label in range(len(dataset.class_names))]
    _check_enough(dataset, labels_per_class, [len(members) for members in by_class])
    labelled = np.concatenate([members[:labels_per_class] for members in by_class])
    return Choice(labelled, np.setdiff1d(rest, labelled), validation)


def _check_enough(dataset: Dataset, labels_per_class: int, available: Sequence[int]) -> None:
    smallest = int(np.argmin(available))
    if labels_per_class > available[smallest]:
        raise WorkbookError(
            f"labels_per_class is {labels_per_class}, but {dataset.name} allows at most "
            f"{available[smallest]}: its smallest class, {dataset.class_names[smallest]!r}, has no "
            "more training images beside the validation part; ask for fewer."
        )
