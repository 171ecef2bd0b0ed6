"""Findings: an experiment beside everything it must be compared with, and what follows from it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from simmim_lib import calibration, datasets, information
from simmim_lib.experiments.cost import Cost, estimate
from simmim_lib.experiments.environment import describe_environment
from simmim_lib.experiments.evaluation import on_test_images, validate
from simmim_lib.experiments.experiment import follow, initialise, transfer
from simmim_lib.experiments.result import Result, as_lists
from simmim_lib.experiments.tasks import choose_tasks, knows_classes
from simmim_lib.foundation.intervals import Difference, difference, plus_minus
from simmim_lib.foundation.progress import Progress, in_parts, progress_bar
from simmim_lib.settings import Settings

SCRATCH, BEFORE, PROBE, FINE_TUNE, SEPARATE, ASKED = (
    "from scratch",
    "before training",
    "probe",
    "fine-tune",
    "separate",
    "SimMIM",
)


WAYS = {
    SCRATCH: "a network for each target that starts with random weights; labelled images only",
    BEFORE: "the source's network as it was copied, for targets without labels",
    PROBE: "the source's layers all frozen, the heads trained; labelled images only",
    FINE_TUNE: "the source's layers all copied and all trained; labelled images only",
    SEPARATE: "the settings of this report, with a network for each target",
    ASKED: "the settings of this report",
}
"""Ways to learn the same targets, and what each does."""


ByTarget = dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Way:
    """What one way of training came to; each dictionary has an entry for each target it serves.

    Attributes:
        name: one of `WAYS`.
        settings: of its experiments; several where each target has a network of its own.
        accuracy: on the test images, (seeds,).
        validation: on the validation images, (seeds,).
        probabilities: of each class for each test image, (seeds, n, classes).
        steps: after how many steps it was looked at, (looks,).
        curves: accuracy on some validation images at these moments, (looks, seeds).
        seconds: how long it took.
        cost: of all its networks together.
    """

    name: str
    settings: tuple[Settings, ...]
    accuracy: ByTarget
    validation: ByTarget
    probabilities: ByTarget = field(repr=False)
    steps: ByTarget = field(default_factory=dict, repr=False)
    curves: ByTarget = field(default_factory=dict, repr=False)
    seconds: float = 0.0
    cost: Cost = field(default_factory=lambda: Cost(0, 0, 0.0))

    def calibration_error(self, target: str) -> np.ndarray:
        """Return each seed's expected calibration error on a target's test images, (seeds,)."""
        labels = datasets.load(target).test.labels
        found = [
            calibration.expected_calibration_error(own, labels)
            for own in self.probabilities[target]
        ]
        return np.array(found)

    def as_dict(self) -> dict[str, Any]:
        """Return all but pictures and probabilities as plain values that JSON can hold."""
        errors = {target: self.calibration_error(target) for target in self.probabilities}
        return {
            "settings": [each.as_dict() for each in self.settings],
            "accuracy": as_lists(self.accuracy),
            "validation": as_lists(self.validation),
            "calibration_error": as_lists(errors),
            "seconds": self.seconds,
            "cost": vars(self.cost),
        }


@dataclass(frozen=True, eq=False)
class Findings:
    """An experiment and its baselines.

    Attributes:
        result: of the experiment as it was asked for.
        asked: the same, as one of the ways.
        baselines: by name, in the order of `WAYS`; only those that can be compared.
    """

    result: Result
    asked: Way
    baselines: dict[str, Way]

    @property
    def settings(self) -> Settings:
        """What was asked for."""
        return self.result.settings

    @property
    def ways(self) -> dict[str, Way]:
        """The baselines, and at last what was asked for."""
        return {**self.baselines, ASKED: self.asked}

    def serving(self, target: str) -> dict[str, Way]:
        """Return the ways that learn this target."""
        return {name: way for name, way in self.ways.items() if target in way.accuracy}

    def differences(self, target: str) -> dict[str, Difference]:
        """Compare what was asked for with each baseline of a target, seed by seed."""
        asked = self.asked.accuracy[target]
        return {
            name: difference(asked, way.accuracy[target])
            for name, way in self.serving(target).items()
            if name != ASKED
        }

    def best_baseline(self, target: str) -> str | None:
        """Return the baseline that one would choose, by its validation images; None without any.

        To choose by the test images would make the best of several look better than it is.
        """
        names = [name for name in self.serving(target) if name != ASKED]
        scores = {name: self.baselines[name].validation[target].mean() for name in names}
        return max(scores, key=scores.__getitem__) if scores else None

    @property
    def verdict(self) -> str:
        """What the intervals allow to say, in one sentence."""
        if not self.baselines:
            return (
                "These settings are the baseline from scratch itself, so there is nothing to "
                "compare them with."
            )
        if self.settings.seeds < 2:
            return (
                "One seed has no interval, so nothing can be said about a gain or a loss: set "
                "seeds to at least 2."
            )
        comparisons = ", ".join(self._comparison_on(target) for target in self.settings.targets)
        return (
            "Compared with the baseline that is best on the validation images, with 95 % intervals "
            f"over {self.settings.seeds} seeds, SimMIM brings {comparisons}."
        )

    def _comparison_on(self, target: str) -> str:
        best = self.best_baseline(target)
        if best is None:
            return f"a result on {target} that has no baseline"
        gap = self.differences(target)[best]
        if gap.verdict in ("gain", "loss"):
            over = "over" if gap.verdict == "gain" else "against"
            size = f"{plus_minus(abs(gap.mean), gap.half_width, digits=1)} points"
            return f"a {gap.verdict} of {size} {over} {best!r} on {target}"
        return f"no clear difference from {best!r} on {target} ({gap.size} points)"

    def as_dict(self) -> dict[str, Any]:
        """Return the experiment's result, the baselines and the verdict as values for JSON."""
        return {
            **self.result.as_dict(),
            "cost": vars(self.asked.cost),
            "calibration_error": self.asked.as_dict()["calibration_error"],
            "baselines": {name: way.as_dict() for name, way in self.baselines.items()},
            "verdict": self.verdict,
            "environment": describe_environment(self.settings),
        }


def plans(settings: Settings) -> dict[str, tuple[Settings, ...]]:
    """Return the baselines of an experiment: by name, the experiments that each consists of.

    A baseline that would be the experiment itself, or that has nothing to learn from, is left out.
    """
    alone = settings.separately()
    labelled = tuple(each for each in alone if each.labels_per_class)
    found = {SCRATCH: tuple(each.from_scratch() for each in labelled)}
    if settings.source is not None and labelled:
        whole = {"copied_layers": len(settings.trunk_info.blocks), "frozen_layers": 0}
        together = _with_labels(settings, whole).labels_only()
        found[PROBE] = (together.replace(adaptation="probe"),)
        if settings.baseline == "same-trunk":
            found[FINE_TUNE] = (together,)
    if len(alone) > 1:
        found[SEPARATE] = tuple(each for each in alone if _can_start(each))
    return {name: plan for name, plan in found.items() if plan and plan != (settings,)}


def _with_labels(settings: Settings, changes: dict[str, Any]) -> Settings:
    """Return the experiment for those targets that have labels."""
    labels = {target: number for target, number in settings.labels_of.items() if number}
    if len(labels) < len(settings.targets):
        weights = dict(zip(settings.targets, settings.task_weights or (), strict=False))
        changes = {
            **changes,
            "targets": tuple(labels),
            "labels_per_class": tuple(labels.values()),
            "task_weights": tuple(weights[name] for name in labels) if weights else None,
            "shared_heads": settings.shared_heads and len(labels) > 1,
            "weighting": settings.weighting if len(labels) > 1 else "fixed",
        }
    return settings.replace(adaptation="fine-tune", **changes)


def _can_start(settings: Settings) -> bool:
    """Tell whether a single target has labels, or a source that knows its classes."""
    known = knows_classes(settings.source, settings.targets[0])
    return bool(settings.labels_per_class) or known


def baselines(settings: Settings, progress: Progress | None = None) -> dict[str, Way]:
    """Train everything that an experiment must be compared with.

    Args:
        settings: of the experiment.
        progress: told after every few steps; a bar by default.

    Raises:
        WorkbookError: as `run`.
    """
    planned = plans(settings)
    with progress_bar("Baselines") as bar:
        parts = in_parts(progress or bar, sum(map(len, planned.values())))
        found = {name: _train(name, plan, parts)[0] for name, plan in planned.items()}
    if not all(settings.labels_of.values()):
        found[BEFORE] = _before_training(settings)
    return {name: found[name] for name in WAYS if name in found}


def investigate(
    settings: Settings,
    compared: dict[str, Way] | None = None,
    progress: Progress | None = None,
) -> Findings:
    """Do an experiment, and put its baselines beside it.

    Args:
        settings: the experiment.
        compared: its baselines, where they have been trained already.
        progress: told after every few steps; a bar by default.

    Raises:
        WorkbookError: as `run`.
    """
    if compared is None:
        compared = baselines(settings, progress)
    with progress_bar(ASKED) as bar:
        asked, (result,) = _train(ASKED, (settings,), in_parts(progress or bar, 1))
    scratch = compared[SCRATCH].accuracy if SCRATCH in compared else {}
    return Findings(replace(result, baseline=scratch), asked, compared)


def _train(
    name: str, plan: Iterable[Settings], parts: Callable[[], Progress]
) -> tuple[Way, list[Result]]:
    courses = [[*follow(settings, parts())][-1] for settings in plan]
    results = [course.result for course in courses if course.result is not None]
    total = sum((estimate(each.settings) for each in results), Cost(0, 0, 0.0))
    way = Way(
        name,
        tuple(each.settings for each in results),
        _joined(each.accuracy for each in results),
        _joined(each.validation for each in results),
        _joined(each.probabilities for each in results),
        {target: course.steps for course in courses for target in course.validation},
        _joined(course.validation for course in courses),
        sum(each.seconds for each in results),
        total,
    )
    return way, results


def _joined(parts: Iterable[ByTarget]) -> ByTarget:
    return {target: values for part in parts for target, values in part.items()}


def _before_training(settings: Settings) -> Way:
    """Test what was copied, on the targets without labels."""
    tasks = choose_tasks(settings)
    network = transfer(settings, tasks, initialise(settings))
    validation = validate(tasks, network, network.weights)
    names = [target for target, number in settings.labels_of.items() if not number]
    probabilities, scores = on_test_images(network, network.weights)
    return Way(
        BEFORE,
        (settings,),
        {name: scores[name]["accuracy"] for name in names},
        {name: validation[name] for name in names},
        {name: probabilities[name] for name in names},
    )


def collapses(result: Result) -> dict[str, information.Diagnosis]:
    """Return the targets whose predictions have collapsed in some seed, and what was seen."""
    return {name: each for name, each in result.diagnostics.items() if each.collapsed.any()}
