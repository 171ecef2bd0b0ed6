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
    return _in_bins(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels, bins)


def reliability_of_event(
    probabilities: np.ndarray, happened: np.ndarray, bins: int = BINS
) -> Reliability:
    """Sort predictions into bins by the probability of one event, such as being ill.

    In place of the confidence stands this probability, and in place of the accuracy the share of
    cases in which the event happened, so that one sees whether it is taken for too likely.

    Args:
        probabilities: (n,), of the event.
        happened: (n,), 1 where it did and 0 elsewhere.
        bins: as for `reliability`.

    Raises:
        WorkbookError: no predictions, shapes that do not go together, or what is no probability.

    Source: DeGroot and Fienberg 1983, "The comparison and evaluation of forecasters".
    """
    check_whole("bins", bins, least=1)
    probabilities, happened = np.asarray(probabilities), np.asarray(happened)
    if probabilities.ndim != 1 or not len(probabilities) or happened.shape != probabilities.shape:
        raise WorkbookError(
            f"probabilities has shape {probabilities.shape} and happened {happened.shape}: give "
            "(n,) for both, with at least one prediction."
        )
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise WorkbookError(
            "The probabilities hold NaN or numbers outside of 0 to 1: give probabilities, not "
            "logits."
        )
    return _in_bins(probabilities, happened == 1, bins)


def _in_bins(probabilities: np.ndarray, came_true: np.ndarray, bins: int) -> Reliability:
    edges = np.linspace(0, 1, bins + 1)
    place = np.searchsorted(edges[1:-1], probabilities, side="left")
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):  # an empty bin has no mean
        means = [np.bincount(place, values, bins) / count for values in (probabilities, came_true)]
    return Reliability(edges, count, *means)


def expected_calibration_error(
    probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS
) -> float:
    """Return the mean gap between confidence and accuracy, 0 to 1; see `reliability`."""
    return reliability(probabilities, labels, bins).expected_error
