"""What studies measure, and the names under which they keep it."""

from collections.abc import Callable, Mapping

import numpy as np

from simmim_lib import experiments
from simmim_lib.experiments import Result
from simmim_lib.foundation.progress import Progress
from simmim_lib.settings import Settings

Measures = dict[str, np.ndarray]
"""By name, an array whose last axis is the seeds."""


def measure_name(measure: str, target: str, settings: Settings) -> str:
    """Return the name of a measure of one target: with several targets, the target stands in it."""
    return f"{target} {measure}" if len(settings.targets) > 1 else measure


def accuracies(settings: Settings, progress: Progress) -> Measures:
    """Run an experiment, and measure what every study of settings measures.

    Args:
        settings: the experiment.
        progress: called with steps done and steps in all.

    Returns:
        Of each target "accuracy", on its test images, and "validation", each of shape (seeds,).
    """
    return _accuracies(experiments.run(settings, baseline=False, progress=progress))


def accuracies_and(
    measure: Callable[[Result], Measures],
) -> Callable[[Settings, Progress], Measures]:
    """Return a function that runs an experiment and measures more than `accuracies` does.

    Args:
        measure: measures it of the result.
    """

    def run(settings: Settings, progress: Progress) -> Measures:
        result = experiments.run(settings, baseline=False, progress=progress)
        return _accuracies(result) | measure(result)

    return run


def on_validation(settings: Settings, progress: Progress) -> Measures:
    """Run an experiment by which something is chosen: of the test part nothing is kept.

    Args:
        settings: the experiment.
        progress: called with steps done and steps in all.

    Returns:
        Of each target "validation", of shape (seeds,).
    """
    result = experiments.run(settings, baseline=False, progress=progress)
    return _by_target(result, {"validation": result.validation})


def _accuracies(result: Result) -> Measures:
    return _by_target(result, {"accuracy": result.accuracy, "validation": result.validation})


def _by_target(result: Result, measures: Mapping[str, Mapping[str, np.ndarray]]) -> Measures:
    return {
        measure_name(measure, target, result.settings): values
        for measure, by_target in measures.items()
        for target, values in by_target.items()
    }
