"""Chest phantoms as lesson 06 divides them: hospitals, and patients in both parts of a split.

Each function makes a dataset and lets `Settings` know it by its name, until the process ends.
"""

import functools
from dataclasses import replace

import numpy as np

from simmim_lib import datasets
from simmim_lib.datasets import Dataset, phantoms, registered
from simmim_lib.datasets.phantoms import Cohort
from simmim_lib.errors import WorkbookError

PATIENTS = {"train": 400, "test": 300}


@functools.cache
def hospital(tie: float, reversed_test: bool, balanced: bool = False) -> str:
    """Make a hospital in which device and illness go together, and return the dataset's name.

    Args:
        tie: from 0 to 1, as `phantoms.render` says.
        reversed_test: whether the test images come from a hospital where device and illness go
            together the other way round; else from the same one.
        balanced: whether of each device as many ill as healthy are kept to learn from.

    Raises:
        WorkbookError: balanced at a tie at which a device has taken no ill or no healthy people.
    """
    train_random, test_random = map(np.random.default_rng, np.random.SeedSequence(61).spawn(2))
    train = phantoms.render(PATIENTS["train"], train_random, device_tie=tie)
    at_test = -tie if reversed_test else tie
    test = phantoms.render(PATIENTS["test"], test_random, device_tie=at_test)
    words = [f"hospital-{100 * tie:.0f}", "reversed" if reversed_test else "same"]
    name = "-".join([*words, *(["balanced"] if balanced else [])])
    return _register(name, _balanced(train) if balanced else train, test)


def _balanced(cohort: Cohort) -> Cohort:
    """Keep as many images of each device and label as there are of the rarest of these four."""
    kinds = 2 * cohort.device + cohort.ill
    fewest = np.bincount(kinds, minlength=4).min()
    if not fewest:
        raise WorkbookError(
            "With this tie one device has taken all of the ill and the other all of the healthy, "
            "so that no choice of images is balanced: lower the tie, or learn from all."
        )
    kept = np.concatenate([np.flatnonzero(kinds == kind)[:fewest] for kind in range(4)])
    return cohort.take(np.sort(kept))


@functools.cache
def split(leaky: bool) -> str:
    """Take two images each of some patients to learn from, and return the dataset's name.

    Args:
        leaky: whether they are the patients whose third images are the test; else as many others.
            The test images are the same.
    """
    tested = 200
    cohort = phantoms.render(2 * tested, np.random.default_rng(62))
    is_third = np.arange(len(cohort)) % phantoms.IMAGES_PER_PATIENT == 2
    is_tested = cohort.patient < tested
    train = cohort.take(~is_third & (is_tested if leaky else ~is_tested))
    name = "same-patients" if leaky else "other-patients"
    return _register(name, train, cohort.take(is_third & is_tested))


@functools.cache
def clinic() -> str:
    """Make a clinic whose patients are none of those of "chest-phantoms", and return its name."""
    return _register("clinic", *_patients_of_clinic())


@functools.cache
def findings() -> str:
    """Ask of the clinic's images which opacity they show, and return the dataset's name.

    Each kind of opacity is a label of its own that is true of an image or not.
    """
    kinds = np.arange(1, len(phantoms.FINDINGS))
    train, test = (
        replace(cohort.part(), labels=(cohort.finding[:, None] == kinds).astype(np.float32))
        for cohort in _patients_of_clinic()
    )
    known = datasets.describe("chest-phantoms")
    about = (phantoms.FINDINGS[1:], known.source, known.licence, "multi-label")
    dataset = Dataset("clinic-findings", "Findings", train, test, *about)
    return registered.register(dataset).name


@functools.cache
def _patients_of_clinic() -> tuple[Cohort, Cohort]:
    train_random, test_random = map(np.random.default_rng, np.random.SeedSequence(63).spawn(2))
    train = phantoms.render(PATIENTS["train"], train_random)
    return train, phantoms.render(PATIENTS["test"], test_random)


def _register(name: str, train: Cohort, test: Cohort) -> str:
    known = datasets.describe("chest-phantoms")
    about = (known.class_names, known.source, known.licence)
    registered.register(Dataset(name, known.title, train.part(), test.part(), *about))
    return name
