"""Panels of lesson 05: they turn controls into settings, and hold no computation of their own."""

import warnings
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib import datasets
from simmim_lib.errors import WorkbookError, check_choice
from simmim_lib.experiments import Course
from simmim_lib.foundation.progress import Progress
from simmim_lib.lessons.information_maximisation import (
    confidence_figures,
    halves_figures,
    labels_figures,
    study_results,
)
from simmim_lib.lessons.information_maximisation.studies import (
    DIRECTIONS,
    MOSTLY_ONES,
    QUICK_STEPS,
)
from simmim_lib.panels.controls import dropdown, setting_slider, slider
from simmim_lib.panels.memory import follow
from simmim_lib.panels.panel import Panel, Values
from simmim_lib.pictures.style import Picture
from simmim_lib.settings import INFORMED, Settings
from simmim_lib.studies import stored

if TYPE_CHECKING:
    import ipywidgets as widgets

TARGETS = ("mnist", "uci-digits", "fashion")
STEPS = (120, 240, QUICK_STEPS)

KNOBS = {
    "information": "Information",
    "spread": "Spread",
    "agreement": "Agreement",
    "confidence": "Confidence",
    "ramp": "Ramp",
    "augmentation": "Augmentation",
}
"""The numbers of the recipe, and their names beside a slider."""

PILES: dict[str, dict[str, Any]] = {
    "digits, equally often": {},
    "nine in ten are ones": {"class_shares": MOSTLY_ONES},
    "half are clothes": {"foreign_images": "fashion"},
}
"""What the unlabelled images may be, and the settings that make them so."""

EXPECTATIONS: dict[str, dict[str, Any]] = {
    "all digits equally often": {},
    "nine in ten ones": {"class_prior": MOSTLY_ONES},
}
"""What the recipe may expect of them."""

WAYS = ("SimMIM", study_results.AUGMENTED)
"""Ways to learn from few labels: with what images without labels teach, and without."""

RUNS = 3


def two_halves(settings: Settings | None = None) -> Panel:
    """Return the panel that weighs the information and its spreading half, and trains on it.

    At first there are neither views nor agreement nor a ramp, which would hide what the halves do.

    Args:
        settings: where the controls stand at first, of one target; one seed is trained.

    Raises:
        WorkbookError: several targets.
    """
    alone = {**INFORMED, "agreement": 0.0, "augmentation": 0.0, "ramp": 0.0}
    start = _of_one_target(settings or Settings(**alone, labels_per_class=1, steps=STEPS[0]))
    (labels,) = start.labels_of.values()
    controls = {
        "information": setting_slider("information", "Information", start.information),
        "spread": setting_slider("spread", "Spread", start.spread),
        "labels_per_class": slider("Labels per class", sorted({1, 5, labels}), labels),
    }
    return _of_two_halves(start, controls)


def recipe(settings: Settings | None = None) -> Panel:
    """Return the panel that has a control for each number of the recipe, and trains with them.

    Args:
        settings: where the controls stand at first, of one target; one seed is trained.

    Raises:
        WorkbookError: several targets.
    """
    start = _of_one_target(settings or Settings(**INFORMED, labels_per_class=1, steps=STEPS[0]))
    controls = {
        name: setting_slider(name, title, getattr(start, name)) for name, title in KNOBS.items()
    }
    return _of_two_halves(start, controls)


def _of_two_halves(start: Settings, controls: "Mapping[str, widgets.Widget]") -> Panel:
    """Return a panel that trains with its controls' settings, and shows both halves of the term."""

    def asked(values: Values) -> Settings:
        return start.replace(**values)

    def pictures(values: Values, progress: Progress) -> Iterator[Picture]:
        for courses in _follow(asked(values), progress):
            yield halves_figures.two_halves(courses)

    return Panel(controls, pictures, lambda values: asked(values).as_code())


def labels_or_unlabelled(settings: Settings | None = None) -> Panel:
    """Return the panel that trains with few labels, and compares with what is stored for all.

    Args:
        settings: where the controls stand at first, of one target; one seed is trained.

    Raises:
        WorkbookError: several targets.
    """
    start = _of_one_target(settings or Settings(**INFORMED, labels_per_class=1, steps=STEPS[0]))
    ((target, labels),) = start.labels_of.items()
    titles = [(datasets.describe(n).title, n) for n in dict.fromkeys((*TARGETS, target))]
    controls = {
        "targets": dropdown("Target", titles, target),
        "labels_per_class": setting_slider("labels_per_class", "Labels per class", labels, 0),
        "steps": slider("Steps", sorted({*STEPS, start.steps}), start.steps),
    }

    def asked(values: Values) -> Settings:
        return start.replace(**values)

    def pictures(values: Values, progress: Progress) -> Iterator[Picture]:
        study = stored.load("unlabelled")
        yield labels_figures.labels_or_unlabelled(study, values["targets"], None)
        for courses in _follow(asked(values), progress):
            yield labels_figures.labels_or_unlabelled(study, values["targets"], courses[-1])

    return Panel(controls, pictures, lambda values: asked(values).as_code())


def no_labels(direction: str = "glyphs to MNIST", steps: int = STEPS[0]) -> Panel:
    """Return the panel that learns to read digits without one label of theirs.

    Args:
        direction: a name of `studies.DIRECTIONS`, chosen at first.
        steps: of the training, at first.

    Raises:
        WorkbookError: a direction that does not exist.
    """
    check_choice("direction", direction, DIRECTIONS)
    controls = {
        "direction": dropdown("Direction", list(DIRECTIONS), direction),
        "steps": slider("Steps", sorted({*STEPS, steps}), steps),
    }

    def asked(values: Values) -> Settings:
        return DIRECTIONS[values["direction"]].replace(steps=values["steps"], seeds=1)

    def pictures(values: Values, progress: Progress) -> Iterator[Picture]:
        settings = asked(values)
        accuracies = _stored_direction(settings)
        for courses in _follow(settings, progress):
            yield labels_figures.climb_and_confusions(courses[-1], accuracies)

    return Panel(controls, pictures, lambda values: asked(values).as_code())


def unlike_expected(pile: str = "nine in ten are ones", steps: int = STEPS[0]) -> Panel:
    """Return the panel whose unlabelled images are not what the recipe expects.

    Args:
        pile: a name of `PILES`, chosen at first.
        steps: of the training.

    Raises:
        WorkbookError: a pile that does not exist.
    """
    check_choice("pile", pile, PILES)
    start = Settings(**INFORMED, labels_per_class=5, steps=steps, seeds=1)
    controls = {
        "pile": dropdown("Unlabelled", list(PILES), pile),
        "expected": dropdown("Expected", list(EXPECTATIONS), next(iter(EXPECTATIONS))),
        "information": setting_slider("information", "Information", start.information),
    }

    def asked(values: Values) -> Settings:
        known = {**PILES[values["pile"]], **EXPECTATIONS[values["expected"]]}
        return start.replace(information=values["information"], **known)

    def pictures(values: Values, progress: Progress) -> Iterator[Picture]:
        accuracies = {
            study_results.NONE: study_results.measured("mnist", 5, study_results.AUGMENTED),
            study_results.AS_IT_SHOULD_BE: study_results.measured("mnist", 5, "SimMIM"),
        }
        for courses in _follow(asked(values), progress):
            yield labels_figures.climb_and_confusions(courses[-1], accuracies)

    return Panel(controls, pictures, lambda values: asked(values).as_code())


def sure_and_right(steps: int = STEPS[0]) -> Panel:
    """Return the panel that shows how sure a network is, how often right, and what it confuses.

    Args:
        steps: of the training; `RUNS` networks learn at once, each from other labelled images.
    """
    start = Settings(**INFORMED, labels_per_class=1, steps=steps, seeds=RUNS)
    controls = {
        "way": dropdown("Way", WAYS, WAYS[0]),
        "labels_per_class": slider("Labels per class", (1, 2, 5), start.labels_per_class),
        "seed": slider("Run", [(f"{seed + 1}", seed) for seed in range(RUNS)], 0),
    }

    def asked(values: Values) -> Settings:
        whole = start.replace(labels_per_class=values["labels_per_class"])
        return whole if values["way"] == "SimMIM" else whole.labels_only()

    def pictures(values: Values, progress: Progress) -> Iterator[Picture]:
        for courses in _follow(asked(values), progress):
            yield confidence_figures.sure_and_right(courses[-1], values["seed"])

    return Panel(controls, pictures, lambda values: asked(values).as_code())


def _stored_direction(settings: Settings) -> dict[str, np.ndarray]:
    """Return the accuracies before and after the longer training that is stored, by name."""
    studies = [stored.load(name) for name in ("directions", "unlabelled")]
    asked = (settings.source, settings.targets, settings.labels_per_class)
    for record in (record for study in studies for record in study.records):
        known = record.settings
        if (known.source, known.targets, known.labels_per_class) == asked:
            return {
                "source only": record.values("source only"),
                f"{known.steps:,} steps": record.values("accuracy", known.targets[0]),
            }
    raise WorkbookError(
        f"The stored results have nothing about {', '.join(settings.targets)} without labels "
        f"from {settings.source}: compute them again with `{studies[0].command}`."
    )


def _follow(settings: Settings, progress: Progress) -> Iterator[tuple[Course, ...]]:
    """Train without warnings: the picture tells of a collapse, and a cell needs no second word."""
    looks = follow(settings, progress)
    while courses := _next_without_warnings(looks):
        yield courses


def _next_without_warnings(looks: Iterator[tuple[Course, ...]]) -> tuple[Course, ...] | None:
    # Only while it trains, not while the picture is drawn: the filter holds for all threads.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return next(looks, None)


def _of_one_target(settings: Settings) -> Settings:
    if len(settings.targets) > 1:
        raise WorkbookError(
            f"The panel shows one target, but {', '.join(settings.targets)} were given: name one."
        )
    return settings.replace(seeds=1)
