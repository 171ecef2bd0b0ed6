"""The measures of how good predictions are, by the kind of a task."""

from collections.abc import Callable, Mapping

import numpy as np

Scores = dict[str, np.ndarray]
"""By the name of a measure, one number for each seed, (seeds,)."""


Measure = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From outputs (seeds, n, outputs) and labels to one number for each seed, (seeds,).

The labels are (n,) or, one column for each output, (n, outputs); or one such array for each seed.
A number is NaN where the labels do not allow to measure it.
"""


def _accuracy(outputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.mean(outputs.argmax(axis=-1) == labels, axis=1)


def _balanced_accuracy(outputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the accuracy as if all classes that occur were equally frequent."""
    right, of_label, _ = _counts(outputs, labels)
    return np.nanmean(_divide(right, of_label), axis=1)


def _macro_f1(outputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the mean over the classes that occur or are predicted of each one's F1 score."""
    right, of_label, predicted = _counts(outputs, labels)
    return np.nanmean(_divide(2 * right, of_label + predicted), axis=1)


def _auc(outputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the mean over the classes of the area under the curve of each against the others.

    It is the chance that an image of the class is given a higher probability of it than another;
    NaN if a class does not occur.
    """
    return _mean_area(_one_hot(labels, outputs), _probabilities(outputs))


def _mean_area(truth: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return the mean area under the curves of outputs that tell what is true, (seeds,).

    Args:
        truth: of each seed, example and output, (seeds, n, outputs).
        scores: of the same shape; ties count half.
    """
    from scipy.stats import rankdata

    ranks = rankdata(scores, axis=1)
    inside = truth.sum(axis=1)
    outside = truth.shape[1] - inside
    won = np.sum(ranks * truth, axis=1) - inside * (inside + 1) / 2
    return np.mean(_divide(won, inside * outside), axis=1)


def _counts(outputs: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return how many images of each class are classified correctly, occur, and are predicted.

    Returns:
        Three arrays (seeds, classes).
    """
    truth = _one_hot(labels, outputs)
    predicted = _one_hot(outputs.argmax(axis=-1), outputs)
    return np.sum(truth & predicted, axis=1), truth.sum(axis=1), predicted.sum(axis=1)


def _one_hot(labels: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """Tell of each seed, image and class whether it is the image's, (seeds, n, classes)."""
    of_each_seed = np.broadcast_to(labels, outputs.shape[:2])
    return of_each_seed[..., None] == np.arange(outputs.shape[-1])


def _divide(numbers: np.ndarray, by: np.ndarray) -> np.ndarray:
    """Divide, with NaN for division by 0."""
    return np.divide(numbers, by, out=np.full(numbers.shape, np.nan), where=by > 0)


def _accuracy_of_labels(outputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.mean((outputs > 0) == labels, axis=(1, 2))


def _macro_f1_of_labels(outputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the mean over the labels that occur or are predicted of each one's F1 score.

    Whoever never predicts a rare label is nearly always right, but has none of its F1 score.
    """
    truth, predicted = np.broadcast_to(labels, outputs.shape) > 0.5, outputs > 0
    right = 2 * np.sum(truth & predicted, axis=1)
    return np.nanmean(_divide(right, truth.sum(axis=1) + predicted.sum(axis=1)), axis=1)


def _auc_of_labels(outputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the mean over the labels of each one's area; NaN if one is true of all or of none."""
    return _mean_area(np.broadcast_to(labels, outputs.shape) > 0.5, outputs)


def _mean_absolute_error(outputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.mean(np.abs(outputs - labels), axis=(1, 2))


MEASURES: dict[str, dict[str, Measure]] = {
    "classification": {
        "accuracy": _accuracy,
        "balanced accuracy": _balanced_accuracy,
        "macro F1": _macro_f1,
        "AUC": _auc,
    },
    "multi-label": {
        "accuracy": _accuracy_of_labels,
        "macro F1": _macro_f1_of_labels,
        "AUC": _auc_of_labels,
    },
    "regression": {"mean absolute error": _mean_absolute_error},
}
"""What is measured of a task, by its kind; the first is what settings are chosen by."""

ERRORS = ("mean absolute error",)
"""Measures of which less is better."""


def _probabilities(logits: np.ndarray) -> np.ndarray:
    from scipy.special import softmax

    return softmax(logits, axis=-1)


def _probabilities_of_labels(logits: np.ndarray) -> np.ndarray:
    from scipy.special import expit

    return expit(logits)


def _as_they_are(outputs: np.ndarray) -> np.ndarray:
    return outputs


ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "classification": _probabilities,
    "multi-label": _probabilities_of_labels,
    "regression": _as_they_are,
}
"""By the kind of a task, what turns a head's outputs into what readers see."""


def measure(kind: str, outputs: np.ndarray, labels: np.ndarray) -> Scores:
    """Return everything that can be measured of a task of this kind.

    Args:
        kind: as `simmim.Task.kind`.
        outputs: of the task's head, (seeds, n, outputs).
        labels: as `Measure` says; where a class does not occur in them, there is no AUC.
    """
    scores = {name: of_kind(outputs, labels) for name, of_kind in MEASURES[kind].items()}
    return {name: score for name, score in scores.items() if not np.isnan(score).any()}


def accuracies(scores: Mapping[str, Scores]) -> Scores:
    """Return the accuracy of each target that has classes or labels, (seeds,), of its scores."""
    return {target: each["accuracy"] for target, each in scores.items() if "accuracy" in each}


def first(scores: Scores) -> np.ndarray:
    """Return what a target is judged by, the first of its scores, (seeds,)."""
    return next(iter(scores.values()))
