"""The outcome of an experiment."""

import json
import os
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from simmim_lib import information
from simmim_lib.experiments.environment import versions
from simmim_lib.foundation import atomic
from simmim_lib.settings import Settings
from simmim_lib.training import devices


@dataclass(frozen=True, eq=False)
class Result:
    """The outcome of an experiment; each dictionary has an entry for each target.

    Attributes:
        settings: what was asked for.
        scores: on the test images, by the name of the measure, each (seeds,); which ones there are
            follows from the kind of the task, as `evaluation.MEASURES` says.
        validation: the accuracy on the validation images, for choosing between settings, (seeds,).
        baseline: test accuracy of a network of its own for each target, from scratch with the same
            labels, steps and seeds, shape (seeds,); empty where it was not asked for or the
            experiment is from scratch itself, and without the targets that have no labels.
        diagnostics: whether the predictions for unlabelled images collapsed; empty where none were
            learnt from.
        probabilities: of each class for each test image, shape (seeds, n, classes).
        seconds: how long it took, pre-training of the source not included.
    """

    settings: Settings
    scores: dict[str, dict[str, np.ndarray]]
    validation: dict[str, np.ndarray]
    probabilities: dict[str, np.ndarray] = field(repr=False)
    seconds: float
    baseline: dict[str, np.ndarray] = field(default_factory=dict)
    diagnostics: dict[str, information.Diagnosis] = field(default_factory=dict)

    @property
    def accuracy(self) -> dict[str, np.ndarray]:
        """The share of the test images classified correctly, of each target that has classes."""
        return {
            target: scores["accuracy"]
            for target, scores in self.scores.items()
            if "accuracy" in scores
        }

    @property
    def budget(self) -> str:
        """The budget that made this result."""
        return self.settings.budget

    @property
    def predictions(self) -> dict[str, np.ndarray]:
        """The class predicted for each test image, shape (seeds, n)."""
        return {name: each.argmax(axis=-1) for name, each in self.probabilities.items()}

    def as_dict(self) -> dict[str, Any]:
        """Return all but the probabilities as plain values that JSON can hold."""
        return {
            "settings": self.settings.as_dict(),
            "accuracy": as_lists(self.accuracy),
            "scores": {target: as_lists(scores) for target, scores in self.scores.items()},
            "validation": as_lists(self.validation),
            "baseline": as_lists(self.baseline),
            "diagnostics": {name: each.as_dict() for name, each in self.diagnostics.items()},
            "seconds": self.seconds,
            "versions": versions(),
        }

    def to_json(self, path: str | os.PathLike[str]) -> None:
        """Write the result to a file, atomically; of several machines, the chief does.

        Raises:
            WorkbookError: the file cannot be written.
        """
        if devices.is_chief(self.settings.strategy):
            atomic.write_text(path, json.dumps(self.as_dict(), indent=2) + "\n")


def as_lists(arrays: dict[str, np.ndarray]) -> dict[str, list[float]]:
    """Return arrays, (seeds,) each, as plain values that JSON can hold."""
    return {name: [float(value) for value in values] for name, values in arrays.items()}
