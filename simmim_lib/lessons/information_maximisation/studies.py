"""Studies of lesson 05: what images without labels teach."""

from typing import Any

import numpy as np

from simmim_lib import datasets, experiments, training
from simmim_lib.calibration import expected_calibration_error
from simmim_lib.experiments import Result
from simmim_lib.lessons.information_maximisation.swapped_names import swapped_names
from simmim_lib.settings import INFORMED, SEEDS, Settings
from simmim_lib.studies.measures import Measures, accuracies_and, measure_name
from simmim_lib.studies.registry import BUDGET, full_settings, study

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

LABELS_PER_CLASS = {"mnist": (1, 2, 5, 10, 50), "uci-digits": (1, 5, 50), "fashion": (5, 20)}
"""Of each target, the numbers of labels that SimMIM is compared at."""


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


def _augmented(target: str, labels_per_class: int) -> Settings:
    """Return all of the recipe that needs no image without a label: its steps, and its views."""
    return _informed(target, labels_per_class, information=0.0, agreement=0.0)


def calibration_and_collapse(result: Result) -> Measures:
    """Return each target's expected calibration error, and what shows a collapse.

    These are, on validation images, the share that gets the most predicted class and the entropy
    of the mean prediction; and on test images, which the alarm does not see, the number of classes
    that get at least one image in a hundred.
    """
    measures: Measures = {}
    for target in result.probabilities:
        of_target = _calibration(result, target) | _classes(result, target)
        measures |= {
            measure_name(name, target, result.settings): values
            for name, values in of_target.items()
        }
    return measures


def _calibration(result: Result, target: str) -> Measures:
    labels = datasets.load(target).test.labels
    by_seed = result.probabilities[target]
    errors = [expected_calibration_error(probabilities, labels) for probabilities in by_seed]
    return {"calibration error": np.array(errors)}


def _classes(result: Result, target: str) -> Measures:
    shares = _predicted_classes(result, target) / result.predictions[target].shape[-1]
    measures: Measures = {"predicted classes": np.sum(shares >= 0.01, axis=1)}
    if target in result.diagnostics:
        diagnosis = result.diagnostics[target]
        measures |= {"largest share": diagnosis.largest_share, "entropy": diagnosis.entropy}
    return measures


def _predicted_classes(result: Result, target: str) -> np.ndarray:
    """Return how many test images are put in each class, shape (seeds, classes)."""
    classes = result.probabilities[target].shape[-1]
    by_seed = result.predictions[target]
    return np.stack([np.bincount(predicted, minlength=classes) for predicted in by_seed])


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
        weights = training.last(experiments.maximise_information(settings, tasks, network))
    test, head = datasets.load(target).test, settings.targets[0]
    guesses = training.predict(network.model, weights, test.images, head).argmax(axis=-1)
    return {"source only": np.mean(guesses == test.labels, axis=1)}


def of_unlabelled(result: Result) -> Measures:
    """Return `calibration_and_collapse`, and where the target has no labels `source_only`."""
    unlabelled = not any(result.settings.labels_of.values())
    return calibration_and_collapse(result) | (source_only(result) if unlabelled else {})


@study(
    "What do images without labels add, at each number of labels?", accuracies_and(of_unlabelled)
)
def unlabelled() -> list[Settings]:
    """Labelled images as they are, augmented, and with others; and digits without any label."""
    few = [(target, labels) for target, counts in LABELS_PER_CLASS.items() for labels in counts]
    plain = [_plain(source, *each) for each in few for source in (None, "glyphs")]
    none = [("mnist", 0), ("uci-digits", 0)]
    augmented = [_augmented(*each) for each in few]
    return [*plain, *augmented, *(_informed(*each) for each in none + few)]


@study("How far does it go with patience?", accuracies_and(calibration_and_collapse))
def patience() -> list[Settings]:
    """Three times as many steps."""
    return [_informed(target, 5, steps=FULL_STEPS) for target in ("mnist", "uci-digits")]


ABLATIONS: dict[str, dict[str, Any]] = {
    "information": {"information": 0.0},
    "spreading half": {"spread": 0.0},
    "agreement": {"agreement": 0.0},
    "views (and so agreement)": {"augmentation": 0.0, "agreement": 0.0},
    "information and agreement": {"information": 0.0, "agreement": 0.0},
    "ramp": {"ramp": 0.0},
    "glyphs as a source": {"source": None},
}
"""What may be left out of the recipe, and the settings without it."""


@study("What does each part of the recipe contribute?", accuracies_and(calibration_and_collapse))
def parts() -> list[Settings]:
    """One part after the other left out, at one and at five labels per class."""
    return [
        _informed("mnist", labels, **without) for labels in (1, 5) for without in ABLATIONS.values()
    ]


@study("How well can digits be read without one label of theirs?", accuracies_and(source_only))
def directions() -> list[Settings]:
    """From another collection of digits; `unlabelled` has what comes of characters in fonts."""
    return [
        settings.replace(steps=2 * QUICK_STEPS, seeds=SEEDS[BUDGET], budget=BUDGET)
        for settings in DIRECTIONS.values()
        if settings.shared_heads or settings.source != "glyphs"
    ]


def classes_in_use(result: Result) -> Measures:
    """Return `calibration_and_collapse`, and how many classes the test images are put in.

    That is exp(H) of the shares of the predicted classes: 10 for ten classes equally often. The
    alarm counts in the same way, but looks at other images and at probabilities.
    """
    from scipy.stats import entropy

    (target,) = result.predictions
    counts = _predicted_classes(result, target)
    return calibration_and_collapse(result) | {"classes in use": np.exp(entropy(counts, axis=1))}


@study("When does it collapse, and does the alarm say so?", accuracies_and(classes_in_use))
def collapse() -> list[Settings]:
    """With and without the spreading half, the information alone, at one label per class."""
    alone = {"agreement": 0.0, "augmentation": 0.0, "ramp": 0.0, "steps": 300}
    return [
        _informed("mnist", 1, information=strength, spread=spread, **alone)
        for strength in (0.3, 1.0, 3.0)
        for spread in (0.0, 1.0)
    ]


@study("Can a swap of two names be seen without labels?", accuracies_and(swapped_names))
def swapped() -> list[Settings]:
    """One label per class, by which each class gets its name, over twenty draws of it."""
    return [_informed("mnist", 1).replace(seeds=20)]


MOSTLY_ONES = tuple(0.9 if digit == 1 else 0.1 / 9 for digit in range(10))


@study(
    "What if the unlabelled images are not what is expected?",
    accuracies_and(calibration_and_collapse),
)
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
