"""Calibration: is a network that is 80 % sure right four times out of five?"""

from dataclasses import dataclass

import numpy as np

from simmim_lib.errors import WorkbookError, check_whole

BINS = 15


@dataclass(frozen=True, eq=False)
class Reliability:
    """How often predictions of about the same confidence are right.

    Attributes:
        edges: of the bins of confidence, from 0 to 1, shape (bins + 1,).
        count: predictions in each bin, shape (bins,).
        confidence: their mean confidence, shape (bins,), NaN where there are none.
        accuracy: the share of them that is right, shape (bins,), NaN where there are none.
    """

    edges: np.ndarray
    count: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray

    @property
    def expected_error(self) -> float:
        """The expected calibration error: the mean gap, each prediction counting the same."""
        gaps = np.abs(self.accuracy - self.confidence)
        return float(np.nansum(self.count * gaps) / self.count.sum())


def reliability(probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS) -> Reliability:
    """Sort predictions into bins by their confidence, the largest probability of each.

    Args:
        probabilities: (n, classes), rows that sum to 1.
        labels: (n,), the true classes.
        bins: how many, all equally wide; a confidence on an edge falls into the lower one.

    Raises:
        WorkbookError: no predictions, shapes that do not go together, or rows that do not sum to 1.

    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", equations 2, 3 and 5.
    """
    check_whole("bins", bins, least=1)
    probabilities, labels = np.asarray(probabilities), np.asarray(labels)
    if probabilities.ndim != 2 or not len(labels) or labels.shape != probabilities.shape[:1]:
        raise WorkbookError(
            f"probabilities has shape {probabilities.shape} and labels {labels.shape}: give "
            "(n, classes) and (n,), with at least one prediction."
        )
    if not np.allclose(probabilities.sum(axis=1), 1, atol=1e-3):
        raise WorkbookError(
            "The rows of probabilities do not sum to 1: give probabilities, not logits."
        )
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    edges = np.linspace(0, 1, bins + 1)
    place = np.searchsorted(edges[1:-1], confidence, side="left")
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):  # an empty bin has no mean
        means = [np.bincount(place, values, bins) / count for values in (confidence, right)]
    return Reliability(edges, count, *means)


def expected_calibration_error(
    probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS
) -> float:
    """Return the mean gap between confidence and accuracy, 0 to 1; see `reliability`."""
    return reliability(probabilities, labels, bins).expected_error
