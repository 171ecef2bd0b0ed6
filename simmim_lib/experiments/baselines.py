"""Findings: an experiment beside everything it must be compared with, and what follows from it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np

from simmim_lib import calibration, collapse, datasets, training
from simmim_lib.errors import shown
from simmim_lib.experiments.cost import Cost, estimate
from simmim_lib.experiments.environment import describe_environment
from simmim_lib.experiments.evaluation import ValidationLook, on_test_images, validate
from simmim_lib.experiments.experiment import follow, initialise, transfer
from simmim_lib.experiments.measures import ACTIVATIONS, Scores, accuracies, first, measure
from simmim_lib.experiments.result import Result, as_lists
from simmim_lib.experiments.tasks import Target, choose_tasks, knows_classes
from simmim_lib.experiments.yardsticks import Yardstick, yardstick
from simmim_lib.foundation.intervals import Difference, plus_minus
from simmim_lib.foundation.progress import Progress, in_parts, progress_bar
from simmim_lib.settings import Settings

SCRATCH, BEFORE, MEAN, PROBE, FINE_TUNE, SEPARATE, ASKED = (
    "from scratch",
    "before training",
    "always the mean",
    "probe",
    "fine-tune",
    "separate",
    "as asked",
)


WAYS = {
    SCRATCH: "a network for each target that starts with random weights; labelled images only",
    BEFORE: "the source's network as it was copied, for targets without labels",
    MEAN: "no network: the mean of the labelled images' labels, whatever the image",
    PROBE: "the source's layers all frozen, the heads trained; labelled images only",
    FINE_TUNE: "the source's layers all copied and all trained; labelled images only",
    SEPARATE: "the settings of this report, with a network for each target",
    ASKED: "the settings of this report",
}
"""Ways to learn the same targets, and what each does."""


ByTarget = dict[str, np.ndarray]

Value = TypeVar("Value")


@dataclass(frozen=True, eq=False)
class Way:
    """What one way of training came to; each dictionary has an entry for each target it serves.

    Attributes:
        name: one of `WAYS`.
        settings: of its experiments; several where each target has a network of its own.
        scores: on the test images, as `measures.MEASURES` says for the kind of the target.
        validation: on the validation images by the first of these measures, (seeds,); errors have
            a minus, so that more is better.
        probabilities: of each class for each test image, (seeds, n, classes); of a regression the
            numbers themselves.
        steps: after how many steps it was looked at, (looks,).
        curves: as `validation`, on some validation images at these moments, (looks, seeds).
        seconds: how long it took.
        cost: of all its networks together.
    """

    name: str
    settings: tuple[Settings, ...]
    scores: dict[str, Scores]
    validation: ByTarget
    probabilities: ByTarget = field(repr=False)
    steps: ByTarget = field(default_factory=dict, repr=False)
    curves: ByTarget = field(default_factory=dict, repr=False)
    seconds: float = 0.0
    cost: Cost = field(default_factory=lambda: Cost(0, 0, 0.0))

    @property
    def accuracy(self) -> ByTarget:
        """On the test images, (seeds,), of each target that has classes or labels."""
        return accuracies(self.scores)

    def main_scores(self, target: str) -> np.ndarray:
        """Return what a target is judged by, on the test images, (seeds,)."""
        return first(self.scores[target])

    def calibration_error(self, target: str) -> np.ndarray:
        """Return each seed's expected calibration error on a target's test images, (seeds,).

        It is none for a regression, whose numbers are no probabilities.
        """
        data = datasets.load(target, self.settings[0].image_size)
        found = [
            calibration.expected_calibration_error(*decisions(data, own))
            for own in self.probabilities[target]
        ]
        return np.array(found)

    def as_dict(self) -> dict[str, Any]:
        """Return all but pictures and probabilities as plain values that JSON can hold."""
        errors = {
            target: self.calibration_error(target)
            for target in self.probabilities
            if has_probabilities(target)
        }
        return {
            "settings": [each.as_dict() for each in self.settings],
            "accuracy": as_lists(self.accuracy),
            "scores": {target: as_lists(scores) for target, scores in self.scores.items()},
            "validation": as_lists(self.validation),
            "calibration_error": as_lists(errors),
            "seconds": self.seconds,
            "cost": vars(self.cost),
        }


def has_probabilities(target: str) -> bool:
    """Tell whether what is predicted for a target are probabilities, and not numbers."""
    return datasets.describe(target).kind != "regression"


def decisions(data: datasets.Dataset, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return one network's predictions for the test images as decisions between classes.

    Of several labels each is a decision of its own, between not true and true.

    Args:
        data: the target's; no regression.
        probabilities: (n, classes), or (n, labels).

    Returns:
        The probabilities, (decisions, classes), and the true classes, (decisions,).
    """
    labels = data.test.labels
    if data.kind == "classification":
        return probabilities, labels
    true = probabilities.ravel()
    return np.stack([1 - true, true], axis=1), labels.ravel().astype(np.int32)


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

    @property
    def names(self) -> dict[str, str]:
        """What readers call the targets."""
        return datasets.short_names(self.settings.targets)

    def data(self, target: str) -> datasets.Dataset:
        """Return a target's images, as the trunk is given them, with their labels."""
        return datasets.load(target, self.settings.image_size)

    def yardstick(self, target: str) -> Yardstick:
        """Return what a target is judged by."""
        return yardstick(self.data(target))

    def serving(self, target: str) -> dict[str, Way]:
        """Return the ways that learn this target."""
        return {name: way for name, way in self.ways.items() if target in way.scores}

    def differences(self, target: str) -> dict[str, Difference]:
        """Compare what was asked for with each baseline of a target, seed by seed."""
        asked, judged = self.asked.main_scores(target), self.yardstick(target)
        return {
            name: judged.gain(asked, way.main_scores(target))
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
        if not self.baselines and self.settings.baseline == "none":
            return (
                "The setting baseline is 'none', so nothing was trained that these settings could "
                "be compared with."
            )
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
            f"over {self.settings.seeds} seeds, these settings bring {comparisons}."
        )

    def _comparison_on(self, target: str) -> str:
        best, name = self.best_baseline(target), self.names[target]
        if best is None:
            return f"a result on {name} that has no baseline"
        gap = self.differences(target)[best]
        if gap.is_clear:
            over = "over" if gap.verdict == "gain" else "against"
            size = f"{plus_minus(abs(gap.mean), gap.half_width, gap.digits)} {gap.unit}"
            return f"a {gap.verdict} of {size} {over} {shown(best)} on {name}"
        smaller = "an error smaller by " if self.yardstick(target).is_error else ""
        return f"no clear difference from {shown(best)} on {name} ({smaller}{gap.size} {gap.unit})"

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
    What is trained from scratch, and whether a whole published trunk is, `settings.baseline` says.
    """
    if settings.baseline == "none":
        return {}
    alone = settings.separately()
    labelled = tuple(each for each in alone if each.labels_per_class)
    found = {SCRATCH: settings.each_from_scratch()}
    if settings.source is not None and labelled:
        whole = {"copied_layers": len(settings.trunk_info.blocks), "frozen_layers": 0}
        together = _with_labels(settings, whole).labels_only()
        # The same steps, whatever the recipe has for a probe: they are not what it takes away.
        steps = {name: getattr(settings, name) for name in ("learning_rate", "schedule")}
        found[PROBE] = (together.replace(adaptation="probe", augmentation=0.0, **steps),)
        if settings.baseline == "same-trunk":
            found[FINE_TUNE] = (together,)
    if len(alone) > 1:
        found[SEPARATE] = tuple(each for each in alone if _can_start(each))
    return {name: plan for name, plan in found.items() if plan and not _is_same(plan, settings)}


def _is_same(plan: tuple[Settings, ...], settings: Settings) -> bool:
    """Tell whether a plan is nothing but the experiment itself, however it is written."""
    return len(plan) == 1 and _what_is_done(plan[0]) == _what_is_done(settings)


def _what_is_done(settings: Settings) -> dict[str, Any]:
    """Return all that an outcome depends on.

    A trunk that is frozen from the first step to the last is a probe, however one asks for it.
    """
    done = settings.as_dict()
    for name in ("recipe", "baseline", "budget", "adaptation", "frozen_layers"):
        del done[name]
    return {**done, "stages": settings.stages}


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
            "shared_heads": settings.shared_heads and _any_share(labels),
            "weighting": settings.weighting if len(labels) > 1 else "fixed",
        }
    return settings.replace(adaptation="fine-tune", **changes)


def _any_share(targets: Iterable[str]) -> bool:
    """Tell whether two targets have the same classes, so that they can share a head."""
    from simmim_lib.simmim import Task

    known = [datasets.describe(target) for target in targets]
    spaces = {Task(each.name, each.class_names, each.kind).label_space for each in known}
    return len(spaces) < len(known)


def _can_start(settings: Settings) -> bool:
    """Tell whether a single target has labels, or a source that knows its classes."""
    known = knows_classes(settings.source, settings.pretext, settings.targets[0])
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
    if settings.baseline != "none":
        found |= _untrained(settings)
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
    courses = [training.last(follow(settings, parts())) for settings in plan]
    results = [course.result for course in courses if course.result is not None]
    total = sum((estimate(each.settings) for each in results), Cost(0, 0, 0.0))
    way = Way(
        name,
        tuple(each.settings for each in results),
        _joined(each.scores for each in results),
        _joined(each.validation for each in results),
        _joined(each.probabilities for each in results),
        {target: course.steps for course in courses for target in course.validation},
        _joined(course.validation for course in courses),
        sum(each.seconds for each in results),
        total,
    )
    return way, results


def _joined(parts: Iterable[dict[str, Value]]) -> dict[str, Value]:
    return {target: values for part in parts for target, values in part.items()}


def _untrained(settings: Settings) -> dict[str, Way]:
    """Return the baselines that take no training, where there is something to compare with them."""
    found = {}
    unlabelled = [each for each in settings.separately() if not each.labels_per_class]
    if known := [each for each in unlabelled if _can_start(each)]:
        found[BEFORE] = _before_training(known)
    if any(datasets.describe(target).kind != "classification" for target in settings.targets):
        found[MEAN] = _always_the_mean(settings)
    return found


def _before_training(settings: Sequence[Settings]) -> Way:
    """Test what was copied, on targets without labels, each alone, whose classes the source knows.

    A head that such a target shares with another is not copied: it is fresh.
    """
    parts = []
    for each in settings:
        tasks = choose_tasks(each)
        network = transfer(each, tasks, initialise(each))
        probabilities, scores = on_test_images(network, network.weights)
        parts.append((scores, validate(tasks, network, network.weights), probabilities))
    scores, validation, probabilities = map(_joined, zip(*parts, strict=True))
    return Way(BEFORE, tuple(settings), scores, validation, probabilities)


def _always_the_mean(settings: Settings) -> Way:
    """Predict what the labels say without the images, where these are numbers or 0 and 1."""
    tasks = {
        name: task
        for name, task in choose_tasks(settings).items()
        if task.data.kind != "classification"
    }
    outputs = {name: _mean_outputs(task) for name, task in tasks.items()}
    kinds = {name: task.data.kind for name, task in tasks.items()}
    return Way(
        MEAN,
        (settings,),
        {name: measure(kinds[name], outputs[name], tasks[name].data.test.labels) for name in tasks},
        {name: _validated(task, outputs[name][:, :1]) for name, task in tasks.items()},
        {name: ACTIVATIONS[kinds[name]](outputs[name]) for name in tasks},
    )


def _mean_outputs(task: Target) -> np.ndarray:
    """Return the outputs for the test images that make each seed's mean label, (seeds, n, columns).

    They are logits where labels are 0 and 1.
    """
    from scipy.special import logit

    labels = task.data.train.labels
    means = np.stack([labels[choice.labelled].mean(axis=0) for choice in task.choices])
    outputs = logit(means) if task.data.kind == "multi-label" else means
    return np.repeat(outputs[:, np.newaxis], len(task.data.test), axis=1)


def _validated(task: Target, outputs: np.ndarray) -> np.ndarray:
    """Return each seed's score on its validation images, all with the same outputs, (seeds,).

    Args:
        task: the target.
        outputs: (seeds, 1, columns).
    """
    labels, kind = task.data.train.labels, task.data.kind
    looks = [
        ValidationLook(own[np.newaxis], labels[choice.validation][np.newaxis], kind)
        for own, choice in zip(outputs, task.choices, strict=True)
    ]
    return np.concatenate([each.accuracy for each in looks])


def collapses(result: Result) -> dict[str, collapse.Diagnosis]:
    """Return the targets whose predictions have collapsed in some seed, and what was seen."""
    return {name: each for name, each in result.diagnostics.items() if each.collapsed.any()}
