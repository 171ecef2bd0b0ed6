"""Confidence intervals of a few measurements and of paired differences, and how they are written.

Everything that says "mean ± half width" or how many seeds there were says it in these words.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


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


def intervals(rows: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the means and the half widths of several intervals; see `interval`.

    Args:
        rows: of measurements, n arrays of shape (seeds,).

    Returns:
        Means and half widths, each of shape (n,).
    """
    means, half_widths = np.array([interval(values) for values in rows]).reshape(-1, 2).T
    return means, half_widths


def effective_number(values: np.ndarray, groups: np.ndarray) -> float:
    """Return how many independent values would tell as much about the mean as these do.

    Three images of one patient tell less than one each of three, the less the more they are alike:
    where all values are the same, only patients are counted.

    Args:
        values: (n,).
        groups: (n,), a number for each group of values that belong together.

    Returns:
        From 1 to n.

    Source: Kish 1965, "Survey Sampling"; the variance of a mean over whole groups is Cochran's
    (1977, "Sampling Techniques", chapter 9A).
    """
    n, (_, members) = len(values), np.unique(groups, return_inverse=True)
    number = int(members.max()) + 1
    off = values - np.mean(values)
    if number < 2 or not off.any():
        return float(number)
    of_groups = np.bincount(members.reshape(-1), weights=off)
    of_mean = number / (number - 1) * np.sum(of_groups**2) / n**2
    of_independent = np.sum(off**2) / (n - 1) / n
    return float(np.clip(n * of_independent / max(of_mean, 1e-300), 1, n))


def mean_and_interval(values: np.ndarray, digits: int = 3) -> str:
    """Return mean and half width of the 95 % interval, such as "0.912 ± 0.004".

    Args:
        values: one for each seed, shape (seeds,); a single value is written alone.
        digits: behind the point.
    """
    return plus_minus(*interval(values), digits)


def plus_minus(mean: float, half_width: float, digits: int = 3, sign: str = "") -> str:
    """Return a mean and the half width of its interval, such as "0.912 ± 0.004".

    Args:
        mean: of the measurements.
        half_width: of the interval; where it is infinite, the mean is written alone.
        digits: behind the point, of both.
        sign: "+" puts a sign before every mean, also before one above zero.
    """
    text = f"{mean:{sign}.{digits}f}"
    return f"{text} ± {half_width:.{digits}f}" if np.isfinite(half_width) else text


def seeds_in_words(count: int, summary: str = "") -> str:
    """Return how many seeds there are, such as "1 seed" or "mean and range of 5 seeds".

    Args:
        count: of the seeds.
        summary: what is shown of several; a single seed has nothing to sum up.
    """
    return "1 seed" if count == 1 else f"{summary} {count} seeds".lstrip()


@dataclass(frozen=True)
class Difference:
    """How much better one thing is than another, over the same seeds.

    Attributes:
        mean: of the differences, in percentage points, or in another unit.
        half_width: of that mean's interval, in the same unit; its level is 95 % by default.
        unit: what the numbers count.
        digits: behind the point, of both.
    """

    mean: float
    half_width: float
    unit: str = "points"
    digits: int = 1

    @property
    def verdict(self) -> str:
        """The word "gain" or "loss" if the interval lies on one side of zero, else the doubt."""
        if abs(self.mean) <= self.half_width:
            return "no clear difference"
        return "gain" if self.mean > 0 else "loss"

    @property
    def is_clear(self) -> bool:
        """Whether the interval lies on one side of zero."""
        return self.verdict in ("gain", "loss")

    @property
    def size(self) -> str:
        """Mean and half width with a sign, such as "+1.2 ± 0.4"."""
        return plus_minus(self.mean, self.half_width, self.digits, sign="+")

    def __str__(self) -> str:
        verdict = self.verdict if np.isfinite(self.half_width) else "one seed"
        return f"{self.size} {self.unit}: {verdict}"


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
