"""Yardsticks: what a target is judged by, and how such numbers are written for readers."""

from dataclasses import dataclass

import numpy as np

from simmim_lib.datasets import Dataset
from simmim_lib.experiments.measures import ERRORS, MEASURES
from simmim_lib.foundation.intervals import Difference, difference, interval, mean_and_interval

FIGURES = 3
"""Of an error as large as the labels' spread, so many figures are written."""

MAX_DIGITS = 6


@dataclass(frozen=True)
class Yardstick:
    """What a target is judged by.

    Attributes:
        measure: a key of `measures.MEASURES`.
        label: of an error, the name of the number that is predicted; "" for a share of 1.
        digits: behind the point.
    """

    measure: str
    label: str = ""
    digits: int = 1

    @property
    def is_error(self) -> bool:
        """Whether less is better."""
        return self.measure in ERRORS

    @property
    def unit(self) -> str:
        """What follows a number: a percent sign, or nothing, as the unit of a label is unknown."""
        return "" if self.is_error else " %"

    @property
    def title(self) -> str:
        """The name of the measure with what it is measured in."""
        return f"{self.measure} of {self.label}" if self.is_error else self.measure

    def scaled(self, scores: np.ndarray) -> np.ndarray:
        """Return scores as they are written: shares in percent, errors as they are."""
        return scores if self.is_error else 100 * scores

    def number(self, score: float) -> str:
        """Return one score with its unit, such as "81.5 %"."""
        return f"{self.scaled(np.array(score)):.{self.digits}f}{self.unit}"

    def mean(self, scores: np.ndarray) -> str:
        """Return mean and 95 % interval of scores, (seeds,), such as "81.5 ± 1.2 %"."""
        return f"{mean_and_interval(self.scaled(scores), self.digits)}{self.unit}"

    def each(self, scores: np.ndarray) -> str:
        """Return the scores of all seeds, (seeds,), without their unit."""
        return " ".join(f"{score:.{self.digits}f}" for score in self.scaled(scores))

    def from_validation(self, scores: np.ndarray) -> np.ndarray:
        """Return what was measured, where errors have a minus so that more is better."""
        return -scores if self.is_error else scores

    def gain(self, scores: np.ndarray, baseline: np.ndarray) -> Difference:
        """Return by how much scores are better than a baseline's, seed by seed, (seeds,) each.

        Of shares the difference in percentage points, of errors what is saved.
        """
        if not self.is_error:
            return difference(scores, baseline)
        saved = np.asarray(baseline) - np.asarray(scores)
        return Difference(*interval(saved), f"units of {self.label}", self.digits)


def yardstick(data: Dataset) -> Yardstick:
    """Return what a dataset is judged by: the first of the measures of its kind."""
    measure = next(iter(MEASURES[data.kind]))
    if measure not in ERRORS:
        return Yardstick(measure)
    return Yardstick(measure, ", ".join(data.class_names), _digits(data.test.labels))


def _digits(labels: np.ndarray) -> int:
    """Return how many digits behind the point mean something, for numbers with such a spread."""
    spread = float(labels.std())
    if spread == 0:
        return 0
    return int(np.clip(FIGURES - 1 - np.floor(np.log10(spread)), 0, MAX_DIGITS))
