"""The registry of studies: the experiments that answer each question of a lesson."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from simmim_lib import datasets
from simmim_lib.calibration import expected_calibration_error
from simmim_lib.experiments import Result
from simmim_lib.settings import (
    FREEZABLE_LAYERS,
    SEEDS,
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

_LESSONS = "simmim_lib.lessons"
"""Their studies stand above this package, which finds them by the names of their folders."""


def studies() -> dict[str, Study]:
    """Return all studies of all lessons by name."""
    for lesson in import_module(_LESSONS).LESSONS:
        module = f"{_LESSONS}.{lesson.folder}.studies"
        if find_spec(module):
            import_module(module)
    return STUDIES


def study(
    about: str, measure: Callable[[Result], Measures] | None = None
) -> Callable[[Callable[[], list[Settings]]], Callable[[], list[Settings]]]:
    """Register a plan under its name, with hyphens, and the question that it answers."""

    def register(plan: Callable[[], list[Settings]]) -> Callable[[], list[Settings]]:
        STUDIES[plan.__name__.replace("_", "-")] = Study(about, plan, measure)
        return plan

    return register


def full_settings(source: str | None, target: str, frozen_layers: int = 0, **more: Any) -> Settings:
    """Return settings of one target in the full budget, with nothing frozen by default."""
    return Settings(
        source=source,
        targets=(target,),
        frozen_layers=frozen_layers,
        seeds=SEEDS["full"],
        budget="full",
        **more,
    )


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
