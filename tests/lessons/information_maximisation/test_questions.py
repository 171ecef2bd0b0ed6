"""What is right follows from the numbers, on each side of every bound, and so does its sentence."""

import numpy as np
import pytest

from simmim_lib.exercises.questions import find_question
from simmim_lib.foundation.intervals import Difference
from simmim_lib.lessons.information_maximisation import study_results

GAIN, LOSS, DOUBT = Difference(6.0, 1.0), Difference(-6.0, 1.0), Difference(0.5, 1.0)
SEEDS = np.array([-0.01, 0.0, 0.01])


def answer(name, **measured):
    return find_question(f"05-{name}")[1](**measured)


@pytest.mark.parametrize(("right_of_sure", "letter"), [(52, "a"), (60, "b"), (90, "c")])
def test_the_threshold_separates_little_or_much(right_of_sure, letter):
    sure = np.arange(200) < 100
    correct = np.where(sure, np.arange(200) < right_of_sure, np.arange(200) < 150)
    found = answer("threshold", correct=correct, sure=sure)
    assert found.right == letter
    assert f"{right_of_sure}% are right, of the others 50%" in found.because


@pytest.mark.parametrize(
    ("gain", "letter"), [(GAIN, "a"), (Difference(11.0, 1.0), "b"), (DOUBT, "c"), (LOSS, "c")]
)
def test_fashion(monkeypatch, gain, letter):
    gains = {("fashion", 5): gain, ("fashion", 20): DOUBT}
    monkeypatch.setattr(study_results, "gains", lambda: gains)
    assert answer("fashion").right == letter


@pytest.mark.parametrize(("other", "letter"), [(GAIN, "b"), (DOUBT, "c"), (LOSS, "c")])
def test_the_claim_holds_only_if_every_comparison_with_few_labels_gains(monkeypatch, other, letter):
    gains = {("mnist", 1): GAIN, ("mnist", 5): other, ("mnist", 50): LOSS}
    monkeypatch.setattr(study_results, "gains", lambda: gains)
    found = answer("claim")
    assert found.right == letter
    assert f"{1 + (letter == 'b')} of 2 comparisons show a gain" in found.because


@pytest.mark.parametrize(
    ("dearest", "letter"), [("glyphs as a source", "a"), ("information", "b"), ("agreement", "c")]
)
def test_the_dearest_part_is_one_of_those_asked_about(monkeypatch, dearest, letter):
    parts = ("information", "agreement", "glyphs as a source")
    one = {part: Difference(-2.0, 3.0) for part in parts} | {"ramp": Difference(-20.0, 1.0)}
    one[dearest] = Difference(-9.0, 1.0)
    five = dict.fromkeys(one, DOUBT) | {"ramp": GAIN}
    accuracies = {part: 0.8 + SEEDS for part in one} | {dearest: 0.73 + SEEDS}
    monkeypatch.setattr(study_results, "omissions", lambda: {1: one, 5: five})
    monkeypatch.setattr(study_results, "without_parts", lambda: {1: accuracies})
    found = answer("omission")
    assert found.right == letter and "which is clearly worse" in found.because
    losses = [part for part in one if part in (dearest, "ramp")]
    assert f"clear loss with one label: {', '.join(losses)}; with five: none." in found.because
    assert "without them, with one label: none; with five: ramp." in found.because


@pytest.mark.parametrize(("after", "letter"), [(0.85, "a"), (0.75, "b"), (0.7, "c"), (0.6, "c")])
def test_what_images_without_labels_bring(monkeypatch, after, letter):
    changes = {"UCI digits to MNIST": (0.7 + SEEDS, after + SEEDS)}
    monkeypatch.setattr(study_results, "directions", lambda: changes)
    assert answer("no-labels").right == letter


@pytest.mark.parametrize(("change", "letter"), [(LOSS, "a"), (GAIN, "b"), (DOUBT, "c")])
def test_calibration(monkeypatch, change, letter):
    changes = {("mnist", 1): change, ("mnist", 5): GAIN}
    monkeypatch.setattr(study_results, "calibration_changes", lambda: changes)
    found = answer("calibration")
    assert found.right == letter
    assert f"in {1 + (change is GAIN)} of 2 rows" in found.because
    assert "mnist with 5 labels per class)" in found.because


@pytest.mark.parametrize(
    ("worst", "collapsed", "letter"),
    [(0.76, False, "c"), (0.9, False, "b"), (0.2, False, "b"), (0.76, True, "a")],
)
def test_two_swapped_names_cost_a_fifth(monkeypatch, worst, collapsed, letter):
    entropy = np.log([2.0 if collapsed else 9.9])
    alarm = study_results.Diagnosis(np.array([0.1]), entropy, np.log(10))
    every = np.array([0.95, 0.96, 0.96, worst])
    monkeypatch.setattr(study_results, "measured", lambda *_: every)
    monkeypatch.setattr(study_results, "worst_seed_alarm", lambda: alarm)
    names = {
        "swapped": np.array([2, 0, 2, 0]),
        "by the source": np.array([2, 3, 0, 0]),
        "accuracy": np.array([0.75, 0.9, 0.8, 0.9]),
        "renamed": np.array([0.93, 0.8, 0.8, 0.9]),
    }
    monkeypatch.setattr(study_results, "swapped", lambda name="accuracy": names[name])
    found = answer("worst-network")
    assert found.right == letter
    assert (
        "Of 4 networks, each with its own draw of one label per class, 2 swapped" in found.because
    )
    assert "finds 1 of them, and rings falsely 1 times" in found.because
    assert "from 75% to 93%" in found.because


@pytest.mark.parametrize(
    ("skewed", "share", "letter"), [(0.6, 0.2, "a"), (0.8, 0.2, "b"), (0.2, 0.95, "c")]
)
def test_too_many_ones(monkeypatch, skewed, share, letter):
    names = ("ones, shares known", "ones, no information", "half are clothes")
    outcomes = {name: 0.7 + SEEDS for name in names}
    outcomes |= {"as it should be": 0.8 + SEEDS, "nine in ten are ones": skewed + SEEDS}
    outcomes["none at all"] = 0.75 + SEEDS
    monkeypatch.setattr(study_results, "surprises", lambda: outcomes)
    monkeypatch.setattr(study_results, "unlike_expected", lambda *_: share + SEEDS)
    found = answer("shares")
    assert found.right == letter
    assert f"balanced images: {100 * (skewed - 0.8):+.1f} ± 0.0 points" in found.because
