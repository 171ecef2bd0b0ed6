"""Evaluation: what a network predicts, how good that is, and whether it collapsed."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simmim_lib import information, training
from simmim_lib.experiments.examples import class_prior
from simmim_lib.experiments.network import Network
from simmim_lib.experiments.tasks import Target
from simmim_lib.settings import Settings
from simmim_lib.training import objective
from simmim_lib.trunks import Weights

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
    from scipy.stats import rankdata

    truth = _one_hot(labels, outputs)
    ranks = rankdata(_probabilities(outputs), axis=1)
    inside = truth.sum(axis=1)
    outside = outputs.shape[1] - inside
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


def _mean_absolute_error(outputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.mean(np.abs(outputs - labels), axis=(1, 2))


MEASURES: dict[str, dict[str, Measure]] = {
    "classification": {
        "accuracy": _accuracy,
        "balanced accuracy": _balanced_accuracy,
        "macro F1": _macro_f1,
        "AUC": _auc,
    },
    "multi-label": {"accuracy": _accuracy_of_labels},
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


def on_test_images(
    network: Network, weights: Weights
) -> tuple[dict[str, np.ndarray], dict[str, Scores]]:
    """Return for each task the probabilities, (seeds, n, outputs), and the scores.

    Of a regression, whose outputs are no probabilities, the numbers themselves.

    Args:
        network: from `transfer`.
        weights: each (seeds, ...).
    """
    probabilities, scores = {}, {}
    for task in network.model.tasks:
        test = network.features[task.name].test
        outputs = training.predict(network.model, weights, test.images, task.name)
        probabilities[task.name] = ACTIVATIONS[task.kind](outputs)
        scores[task.name] = measure(task.kind, outputs, test.labels)
    return probabilities, scores


@dataclass(frozen=True, eq=False)
class ValidationLook:
    """What the networks predict for a target's validation images at one moment.

    Attributes:
        outputs: of the task's head, (seeds, n, outputs).
        labels: the true classes of each seed's images, (seeds, n), or (seeds, n, outputs).
        kind: of the task.
    """

    outputs: np.ndarray
    labels: np.ndarray
    kind: str = "classification"

    @property
    def probabilities(self) -> np.ndarray:
        """Of each class, (seeds, n, classes)."""
        return ACTIVATIONS[self.kind](self.outputs)

    @property
    def accuracy(self) -> np.ndarray:
        """Each seed's share of images classified correctly, (seeds,).

        Of a regression, the mean absolute error with a minus, so that more is better there, too.
        """
        name, of_kind = next(iter(MEASURES[self.kind].items()))
        score = of_kind(self.outputs, self.labels)
        return -score if name in ERRORS else score

    @property
    def loss(self) -> np.ndarray:
        """Each seed's mean loss, (seeds,), of the kind that training minimises."""
        loss = objective.LABELS[self.kind].loss
        return np.asarray(loss(self.labels, self.outputs)).mean(axis=1)


def look(
    tasks: dict[str, Target], network: Network, weights: Weights, at_most: int | None = None
) -> dict[str, ValidationLook]:
    """Let each seed's network look at its own validation images of each task.

    Args:
        tasks: from `choose_tasks`.
        network: from `transfer`.
        weights: each (seeds, ...).
        at_most: how many images of each seed are looked at; by default all.
    """
    looks = {}
    for name, task in tasks.items():
        data = network.features[name].train
        fewest = min(len(choice.validation[:at_most]) for choice in task.choices)
        chosen = np.stack([choice.validation[:fewest] for choice in task.choices])
        by_seed = [
            training.predict(
                network.model, [weight[seed][None] for weight in weights], data.images[images], name
            )
            for seed, images in enumerate(chosen)
        ]
        looks[name] = ValidationLook(np.concatenate(by_seed), data.labels[chosen], task.data.kind)
    return looks


def validate(tasks: dict[str, Target], network: Network, weights: Weights) -> dict[str, np.ndarray]:
    """Return for each task each seed's accuracy on its own validation images, (seeds,).

    Args:
        tasks: from `choose_tasks`.
        network: from `transfer`.
        weights: each (seeds, ...).
    """
    return {name: each.accuracy for name, each in look(tasks, network, weights).items()}


def diagnose(
    settings: Settings, tasks: dict[str, Target], looks: dict[str, ValidationLook]
) -> dict[str, information.Diagnosis]:
    """Look for a collapse on each seed's validation images, which nobody has learnt by heart.

    Warns of every target for which it finds one.

    Args:
        settings: of the experiment.
        tasks: from `choose_tasks`.
        looks: from `look`, at all validation images.

    Returns:
        A diagnosis for each target; none where images without labels have taught nothing.
    """
    if not settings.learns_unlabelled:
        return {}
    diagnoses = {}
    for name, task in tasks.items():
        prior = class_prior(settings, task.data)
        diagnoses[name] = information.diagnose(looks[name].outputs, prior)
        if diagnoses[name].collapsed.any():
            warnings.warn(f"{name}: {diagnoses[name]}", stacklevel=2)
    return diagnoses
