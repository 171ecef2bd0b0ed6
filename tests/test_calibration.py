"""Calibration against numbers counted by hand and against scikit-learn."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from simmim_lib import calibration
from simmim_lib.calibration import expected_calibration_error, reliability
from simmim_lib.errors import WorkbookError


def test_by_hand():
    sure = [[0.9, 0.1]] * 10  # the first of them right nine times in ten: as it should be
    unsure = [[0.4, 0.6]] * 10  # right five times in ten: a gap of a tenth
    labels = [0] * 9 + [1] + [1] * 5 + [0] * 5
    found = reliability(np.array(sure + unsure), np.array(labels), bins=10)
    assert found.count[[5, 8]].tolist() == [10, 10] and found.count.sum() == 20
    np.testing.assert_allclose(found.accuracy[[5, 8]], [0.5, 0.9])
    np.testing.assert_allclose(found.confidence[[5, 8]], [0.6, 0.9])
    assert np.isnan(found.accuracy[0])
    assert found.expected_error == pytest.approx(0.05)


def test_each_prediction_counts_the_same_and_not_each_bin():
    sure = [[0.9, 0.1]] * 30  # right nine times in ten: a gap of nothing
    unsure = [[0.4, 0.6]] * 10  # right five times in ten: a gap of a tenth
    labels = np.array([0] * 27 + [1] * 3 + [1] * 5 + [0] * 5)
    found = expected_calibration_error(np.array(sure + unsure), labels, bins=10)
    assert found == pytest.approx(0.1 * 10 / 40)


def test_too_sure_here_does_not_make_up_for_too_unsure_there():
    probabilities = np.array([[0.9, 0.1]] * 10 + [[0.4, 0.6]] * 10)
    labels = np.array([0] * 8 + [1] * 2 + [1] * 7 + [0] * 3)  # 0.8 of 0.9, and 0.7 of 0.6
    assert expected_calibration_error(probabilities, labels, bins=10) == pytest.approx(0.1)


def test_a_confidence_on_an_edge_falls_into_the_lower_bin():
    probabilities = np.array([[0.5, 0.5], [0.75, 0.25], [0.25, 0.75], [1.0, 0.0]])
    found = reliability(probabilities, np.zeros(4, int), bins=4)
    assert found.count.tolist() == [0, 1, 2, 1]


def test_against_scikit_learn():
    random = np.random.default_rng(0)
    probabilities = random.dirichlet([0.5] * 3, 2000)
    labels = random.integers(3, size=2000)
    found = reliability(probabilities, labels, bins=7)
    right, sure = probabilities.argmax(axis=1) == labels, probabilities.max(axis=1)
    accuracy, confidence = calibration_curve(right, sure, n_bins=7)
    some = found.count > 0
    np.testing.assert_allclose(found.accuracy[some], accuracy)
    np.testing.assert_allclose(found.confidence[some], confidence)


def test_always_sure_and_never_right():
    assert expected_calibration_error(np.eye(3)[[0, 1, 2]], np.array([1, 2, 0])) == 1.0
    assert expected_calibration_error(np.eye(3), np.arange(3)) == 0.0


@pytest.mark.parametrize(
    ("probabilities", "labels", "says"),
    [
        (np.empty((0, 3)), np.empty(0, int), "with at least one prediction"),
        (np.full((2, 2), 0.5), np.zeros(3, int), r"shape \(2, 2\) and labels \(3,\)"),
        (np.array([[3.0, -1.0]]), np.array([0]), "give probabilities, not logits"),
    ],
)
def test_bad_input(probabilities, labels, says):
    with pytest.raises(WorkbookError, match=says):
        reliability(probabilities, labels)


def test_an_event_is_binned_by_its_own_probability_as_scikit_learn_does():
    random = np.random.default_rng(3)
    probabilities = random.random(500)
    happened = (random.random(500) < probabilities**2).astype(int)
    found = calibration.reliability_of_event(probabilities, happened, bins=5)
    shares, means = calibration_curve(happened, probabilities, n_bins=5)
    np.testing.assert_allclose(found.accuracy, shares, atol=1e-9)
    np.testing.assert_allclose(found.confidence, means, atol=1e-9)
    assert found.count.sum() == 500 and (found.confidence > found.accuracy).all()


def test_an_event_taken_for_too_likely_is_no_lack_of_confidence():
    """One in ten is ill, and the network says 0.4 of everybody: 90 % right, though less sure."""
    labels, probabilities = np.repeat([1, 0], [10, 90]), np.full(100, 0.4)
    found = calibration.reliability_of_event(probabilities, labels, bins=5)
    assert found.expected_error == pytest.approx(0.3)
    both = np.stack([1 - probabilities, probabilities], axis=1)
    sure = calibration.reliability(both, labels, bins=5)
    assert np.nanmax(sure.accuracy) > np.nanmax(sure.confidence)


@pytest.mark.parametrize("shape", [(0,), (3,), (4, 2)])
def test_of_an_event_each_probability_has_an_outcome(shape):
    with pytest.raises(WorkbookError, match="at least one prediction"):
        calibration.reliability_of_event(np.zeros(shape), np.zeros(0 if shape == (0,) else 4))


@pytest.mark.parametrize("wrong", [np.nan, 1.2, -3.0])
def test_an_event_has_probabilities(wrong):
    """NaN would leave its bin out, and with it the error."""
    with pytest.raises(WorkbookError, match="not logits"):
        calibration.reliability_of_event([0.95] * 9 + [wrong], [0] * 10)
