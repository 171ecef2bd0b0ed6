"""Studies of lesson 02: the readings of the loss on real networks."""

import numpy as np

from simmim_lib.foundation.progress import Progress
from simmim_lib.lessons.loss_formula.training_by_loss import (
    LEARNING_RATES,
    STARTS,
    LossComparison,
    Outcome,
    accuracy_on_test,
    compare,
)
from simmim_lib.studies.measures import Measures
from simmim_lib.studies.registry import study


def measure(outcome: Outcome) -> Measures:
    """Return what is stored of a comparison.

    Returns:
        Measures, each (losses, seeds): "start" and "end", the accuracy on the validation images;
        "above", the share of them with p of the true class above 1/e at the start; "mean" and
        "median", that p at the end; "gone", the share with p below 0.01 there; "test", the accuracy
        on the test images at the end; "stopped", the same where the validation accuracy was best.
    """
    first, last = outcome.probability[:, :, 0], outcome.probability[:, :, -1]
    return {
        "start": outcome.accuracy[..., 0],
        "end": outcome.accuracy[..., -1],
        "above": np.mean(first > np.exp(-1), axis=-1),
        "mean": last.mean(axis=-1),
        "median": np.median(last, axis=-1),
        "gone": np.mean(last < 0.01, axis=-1),
        "test": accuracy_on_test(outcome),
        "stopped": accuracy_on_test(outcome, stopped=True),
    }


def compare_and_measure(comparison: LossComparison, progress: Progress) -> Measures:
    """Train the networks of a comparison, and `measure` their outcome."""
    return measure(compare(comparison, progress))


@study(
    "What does each reading of the formula make of a network, from each start?",
    compare_and_measure,
    LossComparison.from_mapping,
)
def four_readings() -> list[LossComparison]:
    """From random weights, from another set of digits, and from cross-entropy."""
    return [
        LossComparison(start=start, optimizer=optimizer, seeds=10)
        for start in STARTS
        for optimizer in LEARNING_RATES
    ]


@study(
    "Does expected accuracy tolerate wrong labels better than cross-entropy?",
    compare_and_measure,
    LossComparison.from_mapping,
)
def noisy_labels() -> list[LossComparison]:
    """Up to three labels in five are wrong."""
    losses = ("cross-entropy", "expected-accuracy")
    return [
        LossComparison(losses=losses, flipped=share, steps=600, seeds=10)
        for share in (0.0, 0.2, 0.4, 0.6)
    ]
