"""The readings at work, on one probability and on three classes."""

import numpy as np
import pytest
import tensorflow as tf

from simmim_lib.errors import WorkbookError
from simmim_lib.lessons.loss_formula import readings

P = np.arange(1, 100) / 100


def test_slopes_over_one_probability_are_those_of_calculus():
    slopes = readings.curves().slopes
    expected = {
        "written": -(1 + np.log(P)),
        "cross-entropy": -1 / P,
        "expected-accuracy": -np.ones_like(P),
        "entropy": np.log((1 - P) / P) - np.log(9),
        "focal": 2 * (1 - P) * np.log(P) - (1 - P) ** 2 / P,
    }
    for name, wanted in expected.items():
        np.testing.assert_allclose(slopes[name], wanted, rtol=1e-4, atol=1e-4, err_msg=name)


def test_descents_from_even_odds_end_where_the_independent_values_say():
    curves = readings.curves()
    ends = {name: path[-1, 9] for name, path in curves.descents.items()}  # from p = 0.1
    assert ends["written"] == pytest.approx(0.0009, abs=5e-5)
    assert ends["cross-entropy"] == pytest.approx(0.995, abs=5e-4)
    assert ends["entropy"] == pytest.approx(0.1, abs=1e-3)  # nothing tells one class from another


def test_descent_by_the_formula_turns_at_one_over_e():
    """Start on the left of 1/e and p falls at every step; on the right it rises."""
    paths = readings.curves().descents["written"]
    steps = np.diff(paths, axis=0)
    below, above = P < 0.367, P > 0.368
    assert np.all(steps[:20, below] < 0)
    assert np.all(steps[:20, above] > 0)


@pytest.mark.parametrize("name", list(readings.LOSSES))
def test_moves_on_the_triangle_are_those_of_a_small_step(name):
    simplex = readings.simplex(name, 1)
    np.testing.assert_allclose(simplex.moves.sum(axis=1), 0, atol=1e-5)
    inside = np.flatnonzero(simplex.points.min(axis=1) > 0.1)[::7]
    logits = np.log(simplex.points[inside])
    path = readings.descend(name, np.ones(len(inside)), logits, steps=1, learning_rate=1e-2)
    moved = (path[1] - path[0]) / 1e-2
    np.testing.assert_allclose(moved, simplex.moves[inside], atol=5e-3)


def test_entropy_sends_every_prediction_to_its_nearest_corner():
    start = np.log(np.array([[0.5, 0.3, 0.2], [0.2, 0.3, 0.5]]))
    end = readings.descend("entropy", np.array([1, 1]), start)[-1]
    assert end.argmax(axis=1).tolist() == [0, 2]
    assert end.max(axis=1).min() > 0.99


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: readings.value_and_gradient("focal-loss", [0], np.zeros((1, 3))), "'focal'"),
        (lambda: readings.descend("written", [0], np.zeros((1, 3)), steps=0), "steps"),
        (lambda: readings.descend("written", [0], np.zeros((1, 3)), learning_rate=0), "above 0"),
        (lambda: readings.simplex("written", 3), "from 0 to 2"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(call, words):
    with pytest.raises(WorkbookError, match=words):
        call()


def test_losses_work_inside_compiled_functions_of_either_shape():
    labels, logits = tf.constant([0, 2]), tf.zeros((2, 3))
    for each in readings.LOSSES.values():
        assert each.loss(labels, logits).shape == (2,)
        assert each.loss(labels[None], logits[None]).shape == (1, 2)
