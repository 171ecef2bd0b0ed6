"""Studies of lesson 05: what images without labels teach."""

from typing import Any

import numpy as np

from simmim_lib import datasets, experiments, training
from simmim_lib.experiments import Result
from simmim_lib.experiments.recipes import INFORMED
from simmim_lib.settings import (
    SEEDS,
    Settings,
)
from simmim_lib.studies.registry import Measures, full_settings, more_than_accuracy, study

QUICK_STEPS, FULL_STEPS = 500, 1500


DIRECTIONS = {
    "glyphs to MNIST": Settings(labels_per_class=0, **INFORMED),
    "glyphs to UCI digits": Settings(targets=("uci-digits",), labels_per_class=0, **INFORMED),
    "UCI digits to MNIST": Settings(
        targets=("mnist", "uci-digits"),
        labels_per_class=(0, 100),
        task_weights=(2, 1),
        shared_heads=True,
        **INFORMED,
    ),
    # A source that is nearly right: larger steps let two of ten seeds swap the names of classes.
    "MNIST to UCI digits": Settings(
        source="mnist",
        targets=("uci-digits",),
        labels_per_class=0,
        **{**INFORMED, "learning_rate": 3e-4},
    ),
}
"""Ways to read digits without one label of the target, which comes first.

The recipe is the same but for the size of the last one's steps. That, and whether the other digits
teach beside the target, through a shared head, or before it, as its source, was chosen on the
target's validation images.
"""


LABELS = {"mnist": (1, 2, 5, 10, 50), "uci-digits": (1, 5, 50), "fashion": (5, 20)}


def _informed(target: str, labels_per_class: int, **changes: Any) -> Settings:
    plain = {"source": "glyphs", "steps": QUICK_STEPS, "labels_per_class": labels_per_class}
    return full_settings(target=target, **{**INFORMED, **plain, **changes})


def _plain(source: str | None, target: str, labels_per_class: int) -> Settings:
    """Return the baseline: as many steps on the labelled images alone."""
    return full_settings(
        source,
        target,
        labels_per_class=labels_per_class,
        schedule="cosine",
        steps=QUICK_STEPS,
    )


def source_only(result: Result) -> Measures:
    """Return the accuracy on the first target before any of its images was seen.

    With one target that is the source's own network; with two, a network that learnt the second.
    """
    settings = result.settings
    target = settings.targets[0]
    teachers = settings.separately()[1:]
    if teachers:
        settings = teachers[0].replace(information=0.0, agreement=0.0)
    tasks = experiments.choose_tasks(settings)
    network = experiments.transfer(settings, tasks, experiments.initialise(settings))
    weights = network.weights
    if teachers:
        *_, weights = experiments.maximise_information(settings, tasks, network)
    test, head = datasets.load(target).test, settings.targets[0]
    guesses = training.predict(network.model, weights, test.images, head).argmax(axis=-1)
    return {"source only": np.mean(guesses == test.labels, axis=1)}


def of_unlabelled(result: Result) -> Measures:
    """Return `more_than_accuracy`, and where the target has no labels `source_only`."""
    unknown = not any(result.settings.labels_of.values())
    return more_than_accuracy(result) | (source_only(result) if unknown else {})


@study("What do images without labels add, at each number of labels?", of_unlabelled)
def unlabelled() -> list[Settings]:
    """From scratch, fine-tuned, and with images without labels; and digits without any label."""
    few = [(target, labels) for target, each in LABELS.items() for labels in each]
    plain = [_plain(source, *each) for each in few for source in (None, "glyphs")]
    none = [("mnist", 0), ("uci-digits", 0)]
    return [*plain, *(_informed(*each) for each in none + few)]


@study("How far does it go with patience?", more_than_accuracy)
def patience() -> list[Settings]:
    """Three times as many steps."""
    return [_informed(target, 5, steps=FULL_STEPS) for target in ("mnist", "uci-digits")]


PARTS: dict[str, dict[str, Any]] = {
    "information": {"information": 0.0},
    "spreading half": {"spread": 0.0},
    "agreement": {"agreement": 0.0},
    "views (and so agreement)": {"augmentation": 0.0, "agreement": 0.0},
    "information and agreement": {"information": 0.0, "agreement": 0.0},
    "ramp": {"ramp": 0.0},
    "glyphs as a source": {"source": None},
}
"""What may be left out of the recipe, and the settings without it."""


@study("What does each part of the recipe contribute?", more_than_accuracy)
def parts() -> list[Settings]:
    """One part after the other left out, at one and at five labels per class."""
    return [
        _informed("mnist", labels, **without) for labels in (1, 5) for without in PARTS.values()
    ]


@study("How well can digits be read without one label of theirs?", source_only)
def directions() -> list[Settings]:
    """From another collection of digits; `unlabelled` has what comes of characters in fonts."""
    return [
        settings.replace(steps=2 * QUICK_STEPS, seeds=SEEDS["full"], budget="full")
        for settings in DIRECTIONS.values()
        if settings.shared_heads or settings.source != "glyphs"
    ]


def classes_in_use(result: Result) -> Measures:
    """Return `more_than_accuracy`, and how many classes the test images are put in.

    That is exp(H) of the shares of the predicted classes: 10 for ten classes equally often. The
    alarm counts in the same way, but looks at other images and at probabilities.
    """
    from scipy.stats import entropy

    ((target, predicted),) = result.predictions.items()
    classes = result.probabilities[target].shape[-1]
    counts = [np.bincount(each, minlength=classes) for each in predicted]
    return more_than_accuracy(result) | {"classes in use": np.exp(entropy(counts, axis=1))}


@study("When does it collapse, and does the alarm say so?", classes_in_use)
def collapse() -> list[Settings]:
    """With and without the spreading half, the information alone, at one label per class."""
    alone = {"agreement": 0.0, "augmentation": 0.0, "ramp": 0.0, "steps": 300}
    return [
        _informed("mnist", 1, information=strength, spread=spread, **alone)
        for strength in (0.3, 1.0, 3.0)
        for spread in (0.0, 1.0)
    ]


MOSTLY_ONES = tuple(0.9 if digit == 1 else 0.1 / 9 for digit in range(10))


@study("What if the unlabelled images are not what is expected?", more_than_accuracy)
def surprises() -> list[Settings]:
    """Nine of ten show the same digit, not known and known; every second shows clothes."""
    changes: tuple[dict[str, Any], ...] = (
        {"class_shares": MOSTLY_ONES},
        {"class_shares": MOSTLY_ONES, "class_prior": MOSTLY_ONES},
        {"class_shares": MOSTLY_ONES, "information": 0.0},
        {"foreign_images": "fashion"},
        {"foreign_images": "fashion", "information": 0.0},
    )
    return [_informed("mnist", 5, **each) for each in changes]
