"""Plans: what every study of the workbook asks, and the experiments that answer it.

A study is a function that lists experiments, registered in `STUDIES` under its name. `reference`
does them and stores what came of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from simmim_lib import datasets, experiment, training, transfer
from simmim_lib.calibration import expected_calibration_error
from simmim_lib.experiment import Result
from simmim_lib.pretraining import pretrained
from simmim_lib.settings import (
    FREEZABLE_LAYERS,
    OPTIMIZERS,
    SCHEDULES,
    SEEDS,
    WEIGHTINGS,
    Settings,
)

ALL_LAYERS = len(FREEZABLE_LAYERS)

Measures = dict[str, np.ndarray]
"""By name, one number for each seed."""


@dataclass(frozen=True)
class Study:
    """What a lesson wants to know.

    Attributes:
        about: the question.
        plan: lists the experiments.
        measure: measures more than the accuracy.
    """

    about: str
    plan: Callable[[], list[Settings]]
    measure: Callable[[Result], Measures] | None = None


STUDIES: dict[str, Study] = {}


def study(
    about: str, measure: Callable[[Result], Measures] | None = None
) -> Callable[[Callable[[], list[Settings]]], Callable[[], list[Settings]]]:
    """Register a plan under its name, with hyphens, and the question that it answers."""

    def register(plan: Callable[[], list[Settings]]) -> Callable[[], list[Settings]]:
        STUDIES[plan.__name__.replace("_", "-")] = Study(about, plan, measure)
        return plan

    return register


def _settings(source: str | None, target: str, frozen_layers: int = 0, **more: Any) -> Settings:
    return Settings(
        source=source,
        targets=(target,),
        frozen_layers=frozen_layers,
        seeds=SEEDS["full"],
        budget="full",
        **more,
    )


@study("What do the first n layers of a source give a network that has plenty of target labels?")
def frozen_depth() -> list[Settings]:
    """Copy n layers, frozen or fine-tuned, the others fresh: Yosinski et al. 2014, figure 2."""
    plenty = {"labels_per_class": 300, "steps": 300}
    depths = range(1, ALL_LAYERS + 1)
    frozen = [
        _settings(source, "mnist", depth, copied_layers=depth, **plenty)
        for source in ("mnist", "glyphs", "fashion")
        for depth in depths
    ]
    tuned = [_settings("glyphs", "mnist", copied_layers=depth, **plenty) for depth in depths]
    return [_settings(None, "mnist", **plenty), *frozen, *tuned]


@study("How much does transfer help with few labels, and with more of them?")
def few_labels() -> list[Settings]:
    """From glyphs to MNIST, the first two layers frozen, beside training from scratch."""
    return [
        _settings(source, "mnist", frozen, labels_per_class=labels, steps=200)
        for labels in (1, 2, 5, 10, 20, 50)
        for source, frozen in ((None, 0), ("glyphs", 2))
    ]


@study("Fine-tune, probe, or probe and then fine-tune?")
def adaptations() -> list[Settings]:
    """From glyphs to two sets of handwritten digits, nothing frozen while fine-tuning."""
    return [
        _settings(source, target, adaptation=adaptation, steps=200)
        for target in ("mnist", "uci-digits")
        for source, adaptation in (
            (None, "fine-tune"),
            ("glyphs", "probe"),
            ("glyphs", "fine-tune"),
            ("glyphs", "probe-then-fine-tune"),
        )
    ]


@study("Can transfer hurt?")
def negative_transfer() -> list[Settings]:
    """A source that is like the target, and one that is not, at every frozen depth."""
    transferred = [
        _settings(source, "mnist", depth)
        for source in ("glyphs", "fashion")
        for depth in range(ALL_LAYERS + 1)
    ]
    return [_settings(None, "mnist"), *transferred]


OPTIMIZER_RATES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)


@study("Which optimizer is best, each at its best learning rate, and all at the same?")
def optimizers() -> list[Settings]:
    """The dense layer and the head trained on glyph features of MNIST; every schedule and rate."""
    return [
        _settings(
            "glyphs",
            "mnist",
            3,
            labels_per_class=20,
            optimizer=optimizer,
            learning_rate=rate,
            schedule=schedule,
        )
        for schedule in SCHEDULES
        for optimizer in OPTIMIZERS
        for rate in OPTIMIZER_RATES
    ]


JOINT_TARGETS = (("mnist", "uci-digits"), ("mnist", "fashion"), ("mnist", "uci-digits", "fashion"))
JOINT_SEEDS = 20  # the differences are small


def _with_each_alone(joint: list[Settings]) -> list[Settings]:
    """Return joint experiments and those with one target that they are to be compared with."""
    alone = [each for settings in joint for each in settings.separately()]
    return list(dict.fromkeys(alone + joint))


@study("Is one network for several targets better than a network for each?")
def joint() -> list[Settings]:
    """Every group of targets, equally many labels of each, with heads of their own and shared."""
    return _with_each_alone(
        [
            Settings(
                targets=targets,
                labels_per_class=labels,
                shared_heads=shared,
                steps=200,
                seeds=JOINT_SEEDS,
                budget="full",
            )
            for labels in (2, 5, 10, 50)
            for targets in JOINT_TARGETS
            for shared in (False, True)
            # MNIST and Fashion have no class in common, so there is no head to share.
            if not shared or "uci-digits" in targets
        ]
    )


@study("Does a target with many labels help one with few?")
def unequal_labels() -> list[Settings]:
    """Two sets of digits, one with few labels and one with many; from glyphs and from scratch."""
    return _with_each_alone(
        [
            Settings(
                source=source,
                targets=("mnist", "uci-digits"),
                labels_per_class=labels,
                shared_heads=shared,
                steps=200,
                seeds=JOINT_SEEDS,
                budget="full",
            )
            for source in (None, "glyphs")
            for few in (2, 5)
            for labels in ((few, 50), (50, few))
            for shared in (False, True)
        ]
    )


TRIALS = {
    ("mnist", "fashion"): ((1.6, 0.4), (1.3, 0.7), (1, 1), (0.7, 1.3), (0.4, 1.6)),
    ("mnist", "uci-digits", "fashion"): (
        *((1, 1, 1), (0.6, 0.6, 1.8)),
        *((1.5, 0.75, 0.75), (0.75, 1.5, 0.75), (0.75, 0.75, 1.5)),
    ),
}
"""The weights that the plain sum may try: as many as `RATES`, which the other weightings may."""

RATES = (5e-4, 1e-3, 2e-3, 4e-3, 8e-3)


@study("Does a weighting beat a plain sum whose weights were tuned at the same cost?")
def weightings() -> list[Settings]:
    """Five trials each: the plain sum tries five weightings, all others five learning rates.

    So do the networks that each target has for itself, which delta-m compares with.
    """
    joint = []
    for targets, weights in TRIALS.items():
        plain = Settings(targets=targets, steps=200, seeds=SEEDS["full"], budget="full")
        joint += [plain.replace(task_weights=each) for each in weights]
        joint += [
            plain.replace(weighting=name, learning_rate=rate)
            for name in WEIGHTINGS[1:]
            for rate in RATES
        ]
    alone = [each.replace(learning_rate=rate) for each in plain.separately() for rate in RATES]
    return [*alone, *joint]


@study("Do the weightings that came out ahead of the tuned plain sum stay ahead on new seeds?")
def weightings_again() -> list[Settings]:
    """The best trials of those, and of the plain sum, with 20 seeds that chose nothing."""
    targets = ("mnist", "uci-digits", "fashion")
    best = Settings(targets=targets, steps=200, seeds=SEEDS["full"] + 20, budget="full")
    ahead = [best.replace(weighting=name) for name in ("random", "cagrad")]
    return [*best.separately(), best.replace(task_weights=(0.75, 0.75, 1.5)), *ahead]


@study("What does a weighting make of a loss in other units?")
def scaled_loss() -> list[Settings]:
    """The second target's loss multiplied by 100, as if it were measured in hundredths."""
    return [
        Settings(
            targets=("mnist", "fashion"),
            weighting=name,
            task_weights=(1, scale),
            steps=200,
            seeds=SEEDS["full"],
            budget="full",
        )
        for name in WEIGHTINGS
        for scale in (1, 100)
    ]


def scores(result: Result) -> Measures:
    """Return the transferability scores of a source, from the labelled target images alone.

    Args:
        result: of one target; without a source there is no score.
    """
    from scipy.special import softmax

    settings = result.settings
    if settings.source is None:
        return {}
    data = experiment.features(settings.source, ALL_LAYERS, settings.targets[0])
    kernel, bias = pretrained(settings.source).weights[-2:]
    by_seed = []
    for seed in range(settings.seeds):
        labels_per_class = settings.labels_of[settings.targets[0]]
        chosen = datasets.choose(data, labels_per_class, seed).labelled
        features, labels = data.train.images[chosen], data.train.labels[chosen]
        by_seed.append(
            {
                "leep": transfer.leep(softmax(features @ kernel + bias, axis=1), labels),
                "h_score": transfer.h_score(features, labels),
                "logme": transfer.logme(features, labels),
                "nearest_neighbours": transfer.nearest_neighbours(features, labels),
            }
        )
    return {name: np.array([each[name] for each in by_seed]) for name in by_seed[0]}


@study("Can a score tell beforehand which source will help?", measure=scores)
def transferability() -> list[Settings]:
    """Every source for every other target, everything fine-tuned, and from scratch."""
    names = ("mnist", "uci-digits", "fashion")
    return [
        _settings(source, target, labels_per_class=20, steps=200)
        for target in names
        for source in (None, "glyphs", *names)
        if source != target
    ]


INFORMED: dict[str, Any] = {
    "frozen_layers": 0,
    "learning_rate": 3e-3,
    "schedule": "cosine",
    "information": 1.0,
    "agreement": 1.0,
    "augmentation": 1.0,
}
"""Lesson 05's recipe for images without labels, fixed on MNIST's validation images alone."""

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


def more_than_accuracy(result: Result) -> Measures:
    """Return each target's expected calibration error, and what shows a collapse.

    These are, on validation images, the share that gets the most predicted class and the entropy
    of the mean prediction; and on test images, which the alarm does not see, the number of classes
    that get at least one image in a hundred.
    """
    measures: Measures = {}
    for target, probabilities in result.probabilities.items():
        labels = datasets.load(target).test.labels
        errors = [expected_calibration_error(each, labels) for each in probabilities]
        shares = [
            np.bincount(each, minlength=probabilities.shape[-1]) / len(each)
            for each in result.predictions[target]
        ]
        found = {
            "calibration error": np.array(errors),
            "predicted classes": np.sum(np.array(shares) >= 0.01, axis=1),
        }
        if target in result.diagnostics:
            diagnosis = result.diagnostics[target]
            found |= {"largest share": diagnosis.largest_share, "entropy": diagnosis.entropy}
        measures |= {measure_name(name, target, result.settings): found[name] for name in found}
    return measures


def measure_name(measure: str, target: str | None, settings: Settings) -> str:
    """Return the name under which a record keeps a measure: with several targets, of one each."""
    return f"{target} {measure}" if len(settings.targets) > 1 else measure


def _informed(target: str, labels_per_class: int, **changes: Any) -> Settings:
    plain = {"source": "glyphs", "steps": QUICK_STEPS, "labels_per_class": labels_per_class}
    return _settings(target=target, **{**INFORMED, **plain, **changes})


def _plain(source: str | None, target: str, labels_per_class: int) -> Settings:
    """Return the baseline: as many steps on the labelled images alone."""
    return _settings(
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
    tasks = experiment.choose_tasks(settings)
    network = experiment.transfer(settings, tasks, experiment.initialise(settings))
    weights = network.weights
    if teachers:
        *_, weights = experiment.maximise_information(settings, tasks, network)
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
