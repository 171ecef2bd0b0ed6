"""The readings at work: on one probability, on three classes, and on real networks."""

import numpy as np
import pytest
import tensorflow as tf

from simmim_lib import fitting, formula
from simmim_lib.errors import WorkbookError
from simmim_lib.fitting import Plan

P = np.arange(1, 100) / 100


def test_slopes_over_one_probability_are_those_of_calculus():
    slopes = formula.curves().slopes
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
    curves = formula.curves()
    ends = {name: path[-1, 9] for name, path in curves.descents.items()}  # from p = 0.1
    assert ends["written"] == pytest.approx(0.0009, abs=5e-5)
    assert ends["cross-entropy"] == pytest.approx(0.995, abs=5e-4)
    assert ends["entropy"] == pytest.approx(0.1, abs=1e-3)  # nothing tells one class from another


def test_descent_by_the_formula_turns_at_one_over_e():
    """Start on the left of 1/e and p falls at every step; on the right it rises."""
    paths = formula.curves().descents["written"]
    steps = np.diff(paths, axis=0)
    below, above = P < 0.367, P > 0.368
    assert np.all(steps[:20, below] < 0)
    assert np.all(steps[:20, above] > 0)


@pytest.mark.parametrize("name", list(formula.LOSSES))
def test_moves_on_the_triangle_are_those_of_a_small_step(name):
    simplex = formula.simplex(name, 1)
    np.testing.assert_allclose(simplex.moves.sum(axis=1), 0, atol=1e-5)
    inside = np.flatnonzero(simplex.points.min(axis=1) > 0.1)[::7]
    logits = np.log(simplex.points[inside])
    path = formula.descend(name, np.ones(len(inside)), logits, steps=1, learning_rate=1e-2)
    moved = (path[1] - path[0]) / 1e-2
    np.testing.assert_allclose(moved, simplex.moves[inside], atol=5e-3)


def test_entropy_sends_every_prediction_to_its_nearest_corner():
    start = np.log(np.array([[0.5, 0.3, 0.2], [0.2, 0.3, 0.5]]))
    end = formula.descend("entropy", np.array([1, 1]), start)[-1]
    assert end.argmax(axis=1).tolist() == [0, 2]
    assert end.max(axis=1).min() > 0.99


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: formula.value_and_gradient("focal-loss", [0], np.zeros((1, 3))), "'focal'"),
        (lambda: formula.descend("written", [0], np.zeros((1, 3)), steps=0), "steps"),
        (lambda: formula.descend("written", [0], np.zeros((1, 3)), learning_rate=0), "above 0"),
        (lambda: formula.simplex("written", 3), "from 0 to 2"),
        (lambda: Plan(losses=("mae",)), "Unknown loss"),
        (lambda: Plan(start="frsh"), "'fresh'"),
        (lambda: Plan(flipped=40), "share from 0 to 1"),
        (lambda: Plan(seeds=0), "seeds"),
        (lambda: fitting.fit(Plan(labels_per_class=2000)), "are left"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(call, words):
    with pytest.raises(WorkbookError, match=words):
        call()


@pytest.mark.parametrize("share", [0, 0.1, 0.4, 1])
def test_exactly_the_asked_share_of_labels_is_flipped_to_all_other_classes(share):
    labels = np.repeat(np.arange(10), 500)
    noisy = fitting.flip(labels, share, seed=0)
    changed = noisy != labels
    assert changed.sum() == share * len(labels)
    if share:
        distances = np.bincount((noisy - labels)[changed] % 10, minlength=10)
        assert distances[0] == 0
        assert distances[1:].min() > 0.5 * changed.sum() / 9


@pytest.mark.slow
def test_each_network_learns_as_it_would_alone():
    """Side by side must be the same as one by one, or the comparison would be worth nothing."""
    both = fitting.fit(Plan(losses=("written", "cross-entropy"), steps=20, seeds=2))
    for row, name in enumerate(both.plan.losses):
        alone = fitting.fit(Plan(losses=(name,), steps=20, seeds=2))
        np.testing.assert_allclose(both.probability[row], alone.probability[0], atol=1e-3)
    assert both.steps.tolist() == [0, 20]


def test_the_best_look_is_the_one_with_the_highest_validation_accuracy():
    fitted = fitting.fit(Plan(losses=("written",), start="uci-digits", steps=40))
    assert fitted.accuracy[0, 0].argmax() == 0  # it only gets worse
    start = fitting.pretrained("uci-digits").weights
    for kept, first in zip(fitted.best, start, strict=True):
        np.testing.assert_array_equal(kept[0], first)


@pytest.mark.slow
def test_the_formula_as_written_drives_the_true_class_to_zero_and_cross_entropy_does_not():
    """The outcome that lesson 02 predicts, over ten seeds.

    A single prediction goes to p = 0 (above). A network with shared weights gives all images one
    class: nine true classes in ten end at p = 0, and the lucky tenth at p = 1, so the median and
    the share of images near zero show what the mean, which stays at chance, hides.
    """
    fitted = fitting.fit(Plan(losses=("written", "cross-entropy"), seeds=10))
    written, cross_entropy = fitted.probability
    for seed in range(10):
        start, end = written[seed, 0], written[seed, -1]
        assert np.all((start > 0.02) & (start < 1 / np.e)), "a fresh network starts below 1/e"
        assert np.median(end) < 0.001 < np.median(start)
        assert np.mean(end < 0.01) > 0.85
        assert np.mean(end) < 0.15
        assert fitted.accuracy[0, seed, -1] < 0.2
        assert np.median(cross_entropy[seed, -1]) > 0.9
        assert fitted.accuracy[1, seed, -1] > 0.8


@pytest.mark.parametrize("name", list(fitting.STUDIES))
def test_stored_results_are_those_of_the_plans(name):
    stored = fitting.study(name)
    assert list(stored) == fitting.STUDIES[name]
    for plan, measures in stored.items():
        for values in measures.values():
            assert values.shape == (len(plan.losses), plan.seeds)
            assert np.all((values >= 0) & (values <= 1))


def test_losses_work_inside_compiled_functions_of_either_shape():
    labels, logits = tf.constant([0, 2]), tf.zeros((2, 3))
    for each in formula.LOSSES.values():
        assert each.loss(labels, logits).shape == (2,)
        assert each.loss(labels[None], logits[None]).shape == (1, 2)
