"""What lesson 02 shows of runs and stored studies, and what its explanations say of them."""

import numpy as np
import pytest

from simmim_lib.lessons.loss_formula import study_results
from simmim_lib.lessons.loss_formula.training_by_loss import LEARNING_RATES, STARTS
from simmim_lib.studies import stored

LABELS = np.repeat(np.arange(10), 2)


def test_slopes_by_hand_and_what_is_left_of_them_on_the_logit():
    p = np.array([0.1, 1 / np.e])
    table = study_results.slopes_table(p, np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    assert table.rows == [
        ["0.100", "+1.3026", "+1.0000", "+3.0000", "+0.1172"],
        ["0.368", "+0.0000", "+2.0000", "+4.0000", "+0.0000"],
    ]


def test_probabilities_are_summed_up():
    assert study_results.probability_table(np.array([0.1, 0.2, 0.6])).rows == [
        ["least of all images", "0.10"],
        ["mean of all images", "0.30"],
        ["most of all images", "0.60"],
    ]


def test_what_the_lesson_says_of_the_four_readings():
    record = study_results.from_fresh()
    written, cross_entropy, expected = (record.values("median")[row] for row in (0, 1, 3))
    assert np.all(written < 0.001) and np.all(cross_entropy > 0.9) and np.all(expected > 0.9)
    assert np.all(np.abs(record.values("gone")[[0, 2]] - 0.9) < 0.03)
    assert [row[0][:3] for row in study_results.readings_table().rows] == [
        "(a)",
        "(b)",
        "(c)",
        "(d)",
    ]


def test_only_plain_descent_from_the_trained_network_keeps_what_was_learned():
    change = {
        (start, optimizer): study_results.change_as_written(start, optimizer)
        for start in ("uci-digits", "cross-entropy")
        for optimizer in LEARNING_RATES
    }
    assert [key for key, found in change.items() if found > -0.1] == [("cross-entropy", "sgd")]
    table = study_results.starts_table()
    assert len(table.rows) == len(STARTS) * len(LEARNING_RATES)
    assert table.rows[-1][3].mean == pytest.approx(100 * change["cross-entropy", "sgd"])


def test_noise_is_compared_after_the_last_step_and_at_the_best():
    rows = study_results.noise_table().rows
    assert [row[0] for row in rows] == ["0%", "20%", "40%", "60%"]
    assert {row[2].verdict for row in rows} == {"loss"}
    assert rows[-1][1].verdict == "gain"
    record = stored.load("noisy-labels").records[2]
    cross_entropy, expected = record.values("test")
    assert rows[2][1].mean == pytest.approx(100 * (expected - cross_entropy).mean())


def test_the_entropy_of_smoothed_labels_is_that_of_nine_small_shares_and_a_large_one():
    found = study_results.entropy_of_smoothed_labels(10)
    assert found == pytest.approx(-9 * 0.01 * np.log(0.01) - 0.91 * np.log(0.91))
    # Predictions that are exactly the truth have no divergence.
    truth = np.log(0.01 + 0.9 * np.eye(10)[LABELS])
    assert "(0.00 nats)" in study_results.divergence_figure(LABELS, truth).alt


def test_the_information_of_a_batch_is_spread_minus_doubt():
    batches = {"trained": 50 * np.eye(10)[LABELS], "same": np.tile([50.0] + [0.0] * 9, (20, 1))}
    says = study_results.information_figure(LABELS, batches).alt
    assert "trained: 2.30 - 0.00 = 2.30 nats" in says
    assert "100% of the probability lies on the diagonal" in says
    assert "same: 0.00 - 0.00 = 0.00 nats" in says.replace("-0.00", "0.00")


def test_surprise_and_entropy_are_those_of_the_predictions():
    says = study_results.surprise_figure(np.array([0, 1]), np.array([[0.0, 0.0], [9.0, 0.0]])).alt
    assert "from 9.0 nats to 0.69" in says and "mean is 0.69 nats where the guess is right" in says
