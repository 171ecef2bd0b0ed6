"""Panels of lesson 05: they turn controls into settings, and hold no computation of their own."""

import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from simmim_lib import datasets, experiments
from simmim_lib.errors import WorkbookError, check_choice
from simmim_lib.experiments import Course
from simmim_lib.experiments.recipes import INFORMED
from simmim_lib.foundation.progress import Progress
from simmim_lib.lessons.information_maximisation import halves_figures, labels_figures
from simmim_lib.lessons.information_maximisation.studies import DIRECTIONS, QUICK_STEPS
from simmim_lib.panels.controls import dropdown, slider
from simmim_lib.panels.memory import MEMORY
from simmim_lib.panels.panel import Panel, Values
from simmim_lib.pictures.style import Picture
from simmim_lib.settings import Settings, offers
from simmim_lib.studies import stored

if TYPE_CHECKING:
    import ipywidgets as widgets

STRENGTHS = (0.0, 0.1, 0.3, 1.0, 3.0)
SPREADS = (0.0, 0.25, 0.5, 1.0, 2.0)
LABELS = offers("labels_per_class", 0)
TARGETS = ("mnist", "uci-digits", "fashion")
STEPS = (120, 240, QUICK_STEPS)


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
    controls = {
        "information": _numbers("Information", STRENGTHS, start.information),
        "spread": _numbers("Spread", SPREADS, start.spread),
        "labels_per_class": _numbers("Labels per class", (1, 5), *start.labels_of.values()),
    }

    def asked(values: Values) -> Settings:
        return start.replace(**values)

    def pictures(values: Values, progress: Progress) -> Iterator[Picture]:
        for courses in _looks(asked(values), progress):
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
    (target,) = start.targets
    titles = [(datasets.describe(n).title, n) for n in dict.fromkeys((*TARGETS, target))]
    controls = {
        "targets": dropdown("Target", titles, target),
        "labels_per_class": _numbers("Labels per class", LABELS, *start.labels_of.values()),
        "steps": _numbers("Steps", STEPS, start.steps),
    }

    def asked(values: Values) -> Settings:
        return start.replace(**values)

    def pictures(values: Values, progress: Progress) -> Iterator[Picture]:
        study = stored.load("unlabelled")
        yield labels_figures.labels_or_unlabelled(study, values["targets"], None)
        for courses in _looks(asked(values), progress):
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
        "steps": _numbers("Steps", STEPS, steps),
    }

    def asked(values: Values) -> Settings:
        return DIRECTIONS[values["direction"]].replace(steps=values["steps"], seeds=1)

    def pictures(values: Values, progress: Progress) -> Iterator[Picture]:
        settings = asked(values)
        accuracies = _stored_direction(settings)
        for courses in _looks(settings, progress):
            yield labels_figures.no_labels(courses[-1], accuracies)

    return Panel(controls, pictures, lambda values: asked(values).as_code())


def _stored_direction(settings: Settings) -> dict[str, np.ndarray]:
    """Return the accuracies before and after the longer training that is stored, by name."""
    studies = [stored.load(name) for name in ("directions", "unlabelled")]
    asked = (settings.source, settings.targets, settings.labels_per_class)
    for record in (record for study in studies for record in study.records):
        longer = record.settings
        if (longer.source, longer.targets, longer.labels_per_class) == asked:
            return {
                "source only": record.values("source only"),
                f"{longer.steps:,} steps": record.values("accuracy", longer.targets[0]),
            }
    raise WorkbookError(
        f"The stored results have nothing about {', '.join(settings.targets)} without labels "
        f"from {settings.source}: compute them again with `{studies[0].command}`."
    )


def _looks(settings: Settings, progress: Progress) -> Iterator[list[Course]]:
    """Train, and give all looks so far after each; what was trained before costs nothing."""
    known = MEMORY.recall((_looks, settings))
    if known:
        yield known
        return
    courses: list[Course] = []
    following = experiments.follow(settings, progress)
    while course := _next_look(following):
        if course.result:
            courses.pop()  # the same look, without its outcome
        courses.append(course)
        yield courses
    MEMORY.keep((_looks, settings), courses)


def _next_look(following: Iterator[Course]) -> Course | None:
    with warnings.catch_warnings():
        # Of a collapse the picture tells; a warning would stand under the notebook's cell as well.
        warnings.simplefilter("ignore", UserWarning)
        return next(following, None)


def _of_one_target(settings: Settings) -> Settings:
    if len(settings.targets) > 1:
        raise WorkbookError(
            f"The panel shows one target, but {', '.join(settings.targets)} were given: name one."
        )
    return settings.replace(seeds=1)


def _numbers(description: str, values: Sequence[float], value: float) -> "widgets.SelectionSlider":
    """Return a slider over these values, the start's own among them."""
    options = [(f"{each:g}", each) for each in sorted({*values, value})]
    return slider(description, options, value)
