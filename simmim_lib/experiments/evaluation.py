"""Evaluation: what a network predicts, how good that is, and whether it collapsed."""

from dataclasses import dataclass

import numpy as np

from simmim_lib import collapse, training
from simmim_lib.errors import warn
from simmim_lib.experiments.examples import class_prior
from simmim_lib.experiments.measures import ACTIVATIONS, ERRORS, MEASURES, Scores, measure
from simmim_lib.experiments.network import Network
from simmim_lib.experiments.tasks import Target
from simmim_lib.settings import Settings
from simmim_lib.training import objective
from simmim_lib.trunks import Weights


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
        at_most: how many images of each seed are looked at; by default as many as each seed has,
            since groups can leave some seeds a few more.
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
) -> dict[str, collapse.Diagnosis]:
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
        diagnoses[name] = collapse.diagnose(looks[name].outputs, prior)
        if diagnoses[name].collapsed.any():
            warn(f"{name}: {diagnoses[name]}", stacklevel=2)
    return diagnoses
