"""Confidence intervals of a few measurements, and of paired differences."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    pass


def interval(values: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Return mean and half width of Student's t confidence interval of a few measurements.

    Args:
        values: one for each seed, shape (seeds,).
        level: the share of such intervals that contain the true mean.

    Returns:
        Mean and half width; the half width is infinite for a single value.

    Source: Student 1908, "The probable error of a mean".
    """
    from scipy.stats import t

    if len(values) < 2:
        return float(np.mean(values)), float("inf")
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    return float(np.mean(values)), float(t.ppf((1 + level) / 2, len(values) - 1) * error)


@dataclass(frozen=True)
class Difference:
    """How much better one thing is than another, over the same seeds.

    Attributes:
        mean: of the differences, in percentage points.
        half_width: of that mean's interval, in percentage points; its level is 95 % by default.
    """

    mean: float
    half_width: float

    @property
    def verdict(self) -> str:
        """The word "gain" or "loss" if the interval lies on one side of zero, else the doubt."""
        if abs(self.mean) <= self.half_width:
            return "no clear difference"
        return "gain" if self.mean > 0 else "loss"

    def __str__(self) -> str:
        return f"{self.mean:+.1f} ± {self.half_width:.1f} points: {self.verdict}"


def difference(values: np.ndarray, baseline: np.ndarray, level: float = 0.95) -> Difference:
    """Compare two sets of accuracies, seed by seed.

    A seed means the same labelled images and batches on both sides, so what makes a seed easy or
    hard for both cancels.

    Args:
        values: accuracies between 0 and 1, shape (seeds,).
        baseline: those to compare with, for the same seeds.
        level: of the interval. Of m comparisons at 1 - 0.05 / m, all intervals hold together in
            95 of 100 such studies (Bonferroni).
    """
    differences = 100 * (np.asarray(values) - np.asarray(baseline))
    mean, half_width = interval(differences, level)
    return Difference(mean, half_width)
