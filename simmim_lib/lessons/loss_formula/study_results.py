"""What lesson 02's runs and stored studies have found, as figures and tables."""

from collections.abc import Mapping

import numpy as np

from simmim_lib import datasets, losses
from simmim_lib.foundation.intervals import difference, mean_and_interval
from simmim_lib.lessons.loss_formula import information_figures
from simmim_lib.lessons.loss_formula.readings import READINGS
from simmim_lib.lessons.loss_formula.training_by_loss import STARTS, LossComparison
from simmim_lib.pictures.style import Picture
from simmim_lib.pictures.tables import Table
from simmim_lib.studies import stored
from simmim_lib.studies.stored import Record

SMOOTHING = 0.1
"""The share of the truth that is spread evenly over all classes."""

Batches = Mapping[str, np.ndarray]
"""Logits of several batches of predictions by name, each (n, classes)."""


# --- One probability


def probability_table(probability: np.ndarray) -> Table:
    """Sum up the probabilities that a network gives to the labels of some images, shape (n,)."""
    found = {"least": probability.min(), "mean": probability.mean(), "most": probability.max()}
    rows = [[f"{name} of all images", f"{value:.2f}"] for name, value in found.items()]
    return Table(["p of the label", "value"], rows)


def slopes_table(
    probabilities: np.ndarray, by_tape: np.ndarray, by_differences: np.ndarray
) -> Table:
    """Compare slopes of -p log p with those by hand, and with what is left of them on the logit.

    Args:
        probabilities: where the slopes were taken, shape (n,).
        by_tape: by automatic differentiation, shape (n,).
        by_differences: by moving p a little, shape (n,).
    """
    probabilities = np.asarray(probabilities)
    by_hand = -(1 + np.log(probabilities))
    # What the slope of the softmax leaves of it; above 0 means that descent lowers the logit.
    on_the_logit = by_hand * probabilities * (1 - probabilities)
    columns = (by_hand, by_tape, by_differences, on_the_logit)
    rows = [
        [f"{p:.3f}", *(f"{value + 0.0:+.4f}" for value in np.round(row, 4))]
        for p, *row in zip(probabilities, *columns, strict=True)
    ]
    return Table(["p", "by hand", "by tape", "by differences", "on the logit"], rows)


# --- A real network


def from_fresh() -> Record:
    """Return what ten networks with random weights became under each reading, by Adam."""
    wanted = LossComparison(seeds=10)
    (record,) = (each for each in stored.load("four-readings").records if each.settings == wanted)
    return record


def readings_table() -> Table:
    """Tell what became of p of the true class under each reading, from random weights."""
    measures = [from_fresh().values(key) for key in ("mean", "median", "gone", "test")]
    rows = [
        [reading.title, *(mean_and_interval(values[row], digits=2) for values in measures)]
        for row, reading in enumerate(READINGS.values())
    ]
    heading = ["after training by", "mean p", "median p", "share with p < 0.01", "test accuracy"]
    return Table(heading, rows)


def starts_table() -> Table:
    """Compare the accuracy after training with that before it, from each start."""
    rows = []
    for record in stored.load("four-readings").records:
        above = record.values("above")[0].mean()
        start, end = record.values("start"), record.values("end")
        written, cross_entropy = (difference(end[row], start[row]) for row in (0, 1))
        begin = STARTS[record.settings.start], record.settings.optimizer
        rows.append([*begin, f"{above:.0%}", written, cross_entropy])
    return Table(["start", "optimizer", "above 1/e at first", "as written", "cross-entropy"], rows)


def change_as_written(start: str, optimizer: str) -> float:
    """Return by how much, on average, the formula as written changed the accuracy, as a share."""
    record = next(
        each
        for each in stored.load("four-readings").records
        if (each.settings.start, each.settings.optimizer) == (start, optimizer)
    )
    return float((record.values("end")[0] - record.values("start")[0]).mean())


# --- Information theory


def surprise_figure(labels: np.ndarray, logits: np.ndarray) -> Picture:
    """Draw surprise and entropy of a network's predictions.

    Args:
        labels: shape (n,).
        logits: shape (n, classes).
    """
    return information_figures.surprise_and_entropy(
        losses.probability_of_label(labels, logits).numpy(),
        losses.cross_entropy(labels, logits).numpy(),
        losses.prediction_entropy(logits).numpy(),
        logits.argmax(axis=1) == labels,
    )


def entropy_of_smoothed_labels(classes: int) -> float:
    """Return the entropy of a label of which a tenth is spread over all classes, in nats."""
    truth = SMOOTHING / classes + (1 - SMOOTHING) * np.eye(classes)[0]
    return float(losses.entropy(truth))


def divergence_figure(labels: np.ndarray, logits: np.ndarray) -> Picture:
    """Split each digit's cross-entropy with its smoothed labels into two parts.

    Args:
        labels: shape (n,).
        logits: shape (n, classes).
    """
    names = datasets.describe("mnist").class_names
    smoothed = losses.cross_entropy(labels, logits, label_smoothing=SMOOTHING).numpy()
    by_digit = np.array([smoothed[labels == digit].mean() for digit in range(len(names))])
    unavoidable = entropy_of_smoothed_labels(len(names))
    return information_figures.cross_entropy_and_divergence(by_digit, unavoidable, names)


def information_figure(labels: np.ndarray, batches: Batches) -> Picture:
    """Draw the first batch's joint distribution, and the halves of the information of all.

    Args:
        labels: of the first batch, shape (n,).
        batches: the predictions.
    """
    from scipy.special import softmax

    names = datasets.describe("mnist").class_names
    predictions = softmax(next(iter(batches.values())), axis=1)
    joint = np.eye(len(names))[labels].T @ predictions / len(labels)
    halves = {}
    for name, logits in batches.items():
        doubt = float(np.mean(losses.prediction_entropy(logits)))
        halves[name] = (float(losses.mutual_information(logits)) + doubt, doubt)
    return information_figures.joint_and_information(joint, names, halves)


# --- Noisy labels


def noise_table() -> Table:
    """Compare expected accuracy with cross-entropy, for each share of wrong labels."""
    rows = []
    for record in stored.load("noisy-labels").records:
        pairs = [record.values(key) for key in ("test", "stopped")]
        found = [difference(expected, cross_entropy) for cross_entropy, expected in pairs]
        rows.append([f"{record.settings.flipped:.0%}", *found])
    return Table(["wrong labels", "after the last step", "at the best step"], rows)
