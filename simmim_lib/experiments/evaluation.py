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
from simmim_lib.trunks import Weights

Scores = dict[str, np.ndarray]
"""By the name of a measure, one number for each seed, (seeds,)."""


def _accuracy(outputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.mean(outputs.argmax(axis=-1) == labels, axis=1)


def _accuracy_of_labels(outputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.mean((outputs > 0) == labels, axis=(1, 2))


def _mean_absolute_error(outputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.mean(np.abs(outputs - labels), axis=(1, 2))


MEASURES: dict[str, dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]]] = {
    "classification": {"accuracy": _accuracy},
    "multi-label": {"accuracy": _accuracy_of_labels},
    "regression": {"mean absolute error": _mean_absolute_error},
}
"""What is measured of a task, by its kind: from outputs (seeds, n, outputs) and labels to (seeds,).

The labels are (n,) or, one column for each output, (n, outputs); or one such array for each seed.
"""


def measure(kind: str, outputs: np.ndarray, labels: np.ndarray) -> Scores:
    """Return everything that is measured of a task of this kind.

    Args:
        kind: as `simmim.Task.kind`.
        outputs: of the task's head, (seeds, n, outputs).
        labels: as `MEASURES` says.
    """
    return {name: of_kind(outputs, labels) for name, of_kind in MEASURES[kind].items()}


def on_test_images(
    network: Network, weights: Weights
) -> tuple[dict[str, np.ndarray], dict[str, Scores]]:
    """Return for each task the probabilities, (seeds, n, classes), and the scores.

    Args:
        network: from `transfer`.
        weights: each (seeds, ...).
    """
    probabilities, scores = {}, {}
    for task in network.model.tasks:
        test = network.features[task.name].test
        outputs = training.predict(network.model, weights, test.images, task.name)
        probabilities[task.name] = _probabilities(outputs)
        scores[task.name] = measure(task.kind, outputs, test.labels)
    return probabilities, scores


@dataclass(frozen=True, eq=False)
class ValidationLook:
    """What the networks predict for a target's validation images at one moment.

    Attributes:
        probabilities: of each class, (seeds, n, classes).
        labels: the true classes of each seed's images, (seeds, n).
    """

    probabilities: np.ndarray
    labels: np.ndarray

    @property
    def accuracy(self) -> np.ndarray:
        """Each seed's share of images classified correctly, (seeds,)."""
        return _accuracy(self.probabilities, self.labels)


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
        chosen = np.stack([choice.validation[:at_most] for choice in task.choices])
        by_seed = [
            training.predict(
                network.model, [weight[seed][None] for weight in weights], data.images[images], name
            )
            for seed, images in enumerate(chosen)
        ]
        looks[name] = ValidationLook(_probabilities(np.concatenate(by_seed)), data.labels[chosen])
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
    settings: Settings, tasks: dict[str, Target], network: Network, weights: Weights
) -> dict[str, information.Diagnosis]:
    """Look for a collapse on validation images, which nobody has learnt by heart.

    Warns of every target for which it finds one.
    """
    if not settings.learns_unlabelled:
        return {}
    diagnoses = {}
    for name, task in tasks.items():
        images = network.features[name].train.images[task.choices[0].validation]
        logits = training.predict(network.model, weights, images, name)
        diagnoses[name] = information.diagnose(logits, class_prior(settings, task.data))
        if diagnoses[name].collapsed.any():
            warnings.warn(f"{name}: {diagnoses[name]}", stacklevel=2)
    return diagnoses


def _probabilities(logits: np.ndarray) -> np.ndarray:
    from scipy.special import softmax

    return softmax(logits, axis=-1)
