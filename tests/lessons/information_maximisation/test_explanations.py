"""The explanations name the prediction that came true, for numbers on each side of every bound."""

import numpy as np
import pytest

from simmim_lib.foundation.intervals import Difference
from simmim_lib.lessons.information_maximisation import explanations

GAIN, LOSS, DOUBT = Difference(6.0, 1.0), Difference(-6.0, 1.0), Difference(0.5, 1.0)
SEEDS = np.array([-0.01, 0.0, 0.01])


@pytest.mark.parametrize(
    ("conditions", "answer"),
    [
        ((False, False), "(a)"),
        ((True, False), "(b)"),
        ((True, True), "(c)"),
        ((False, True), "(c)"),
        ((), "(a)"),
    ],
)
def test_the_last_condition_that_holds_gives_the_letter(conditions, answer):
    assert explanations.letter(*conditions) == answer


@pytest.mark.parametrize(
    ("right_of_sure", "answer", "points"), [(52, "(a)", 2), (60, "(b)", 10), (90, "(c)", 40)]
)
def test_threshold(right_of_sure, answer, points):
    sure = np.arange(200) < 100
    correct = np.where(sure, np.arange(200) < right_of_sure, np.arange(200) < 150)
    text = explanations.threshold(correct, sure).data
    assert text.startswith(f"**Explain.** {answer}. ")
    assert f"are right {points} points more often" in text


GAINS = {
    ("mnist", 1): Difference(20.04, 5.0),
    ("mnist", 50): DOUBT,
    ("uci-digits", 1): GAIN,
    ("uci-digits", 50): LOSS,
    ("fashion", 5): GAIN,
    ("fashion", 20): Difference(4.9, 1.0),
}


@pytest.mark.parametrize(
    ("simmim", "answer"), [(0.6, "(a)"), (0.7, "(b)"), (0.85, "(b)"), (0.95, "(c)")]
)
def test_mistakes_removed(simmim, answer):
    text = explanations.mistakes_removed(GAINS, simmim + SEEDS, 0.5 + SEEDS).data
    assert text.startswith(f"**Explain.** {answer}. ")
    assert f"{1 - (1 - simmim) / 0.5:.0%} of the mistakes are gone" in text
    assert "2 of 4 comparisons show a gain" in text
    assert "1 of 2 do" in text
    assert "+20.0 points with 1 label per class and +0.5 with 50" in text


def test_fashion_names_what_gained_five_points_clearly():
    assert explanations.fashion(GAINS).data.endswith("five points or more: with 5 labels.")
    doubtful = {("fashion", 5): Difference(7.0, 8.0), ("fashion", 20): Difference(4.9, 1.0)}
    assert explanations.fashion(doubtful).data.endswith("in neither case.")


@pytest.mark.parametrize(
    ("dearest", "answer"),
    [("information", "(a)"), ("agreement", "(b)"), ("glyphs as a source", "(c)")],
)
def test_omissions(dearest, answer):
    one = {part: Difference(-2.0, 3.0) for part in explanations.PARTS}
    one[dearest] = Difference(-9.0, 1.0)
    one["ramp"] = Difference(-20.0, 1.0)  # costs more, but nobody was asked about it
    five = dict.fromkeys(one, DOUBT)
    accuracies = {part: 0.8 + SEEDS for part in one} | {dearest: 0.73 + SEEDS}
    text = explanations.omissions({1: one, 5: five}, accuracies).data
    assert text.startswith(f"**Explain.** {answer}: without *{dearest}* the accuracy changes by -9")
    assert "points, clearly more than" in text
    assert "omission costs +0." in text
    assert f"with one label: {dearest}, ramp; with five: nothing." in text
    accuracies[dearest] = np.array([0.73, 0.85, 0.79])
    assert "not clearly more" in explanations.omissions({1: one, 5: five}, accuracies).data


@pytest.mark.parametrize(
    ("gain", "answer"),
    [(Difference(11.0, 1.0), "(c)"), (GAIN, "(b)"), (DOUBT, "(a)"), (LOSS, "(a)")],
)
def test_no_labels(gain, answer):
    directions = {"glyphs to MNIST": GAIN, "UCI digits to MNIST": gain}
    text = explanations.no_labels(directions, LOSS).data
    assert text.startswith(f"**Explain.** {answer}: {gain.mean:+.0f} points. ")
    assert f"{1 + (gain.verdict == 'gain')} of 2 directions" in text
    assert f"and a fresh head: {LOSS}." in text


@pytest.mark.parametrize(("skewed", "answer"), [(0.6, "(b)"), (0.8, "(a)"), (0.9, "(a)")])
def test_surprises(skewed, answer):
    outcomes = {
        "as it should be": 0.8 + SEEDS,
        "nine in ten are ones": skewed + SEEDS,
        "ones, shares known": skewed + 0.1 + SEEDS,
        "ones, no information": skewed + 0.05 + SEEDS,
        "half are clothes": 0.7 + SEEDS,
        "clothes, no information": 0.72 + SEEDS,
    }
    text = explanations.surprises(outcomes).data
    assert text.startswith(f"**Explain.** {answer}. ")
    changes = [f"{100 * (skewed - 0.8):+.1f}", "+10.0", "+5.0", "-10.0", "+2.0"]
    places = [text.index(f"{change} ± 0.0 points") for change in changes]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("first", "answer"),
    [("better", "(b)"), ("worse", "(a)"), ("no clear difference", "Neither, clearly")],
)
def test_calibrated(first, answer):
    text = explanations.calibrated({"mnist, 1": first, "mnist, 5": "better"}).data
    assert text.startswith(f"**Explain.** {answer}, for MNIST")
    better = ["mnist, 1"] * (first == "better") + ["mnist, 5"]
    assert f"{len(better)} of the 2 rows ({'; '.join(better)})." in text
    assert "0 of the 1 rows (none)." in explanations.calibrated({"mnist, 1": "worse"}).data


def test_the_claim_holds_only_if_every_comparison_with_few_labels_gains():
    text = explanations.claim(GAINS).data
    assert "**holds** in this setting: 3 of 3 comparisons show a gain, 0 a loss" in text
    assert text.endswith("4 of 6 show a gain, 1 a loss.")
    text = explanations.claim({**GAINS, ("mnist", 5): DOUBT, ("uci-digits", 5): LOSS}).data
    assert "**does not hold throughout** in this setting: 3 of 5" in text
    assert "show a gain, 1 a loss; over" in text
