"""Attacks: known curves, known bounds, and that a bound holds as often as it says."""

import math

import numpy as np
import pytest

from simmim_lib.errors import WorkbookError
from simmim_lib.privacy import attacks

pytestmark = pytest.mark.floors


def test_a_known_attack():
    """Scores of a public auditor's own documentation; the area is the share of pairs in order."""
    members, others = np.arange(100) + 9.5, np.arange(100)
    found = attacks.attack(members, others)
    assert found.found_at(0.01) == pytest.approx(0.11)
    assert found.area == pytest.approx(np.mean(members[:, None] > others))


def test_scores_that_say_nothing_or_all():
    same = attacks.attack([1, 1, 1], [1, 1])
    assert (same.area, same.advantage, same.found_at(0.001)) == (0.5, 0, 0)
    apart = attacks.attack([2, 3], [0, 1])
    assert (apart.area, apart.advantage, apart.found_at(0.0)) == (1, 1, 1)
    reversed_ = attacks.attack([0, 1], [2, 3])
    assert (reversed_.area, reversed_.advantage) == (0, 0)


def test_the_ratio_is_that_of_two_gaussians():
    random = np.random.default_rng(0)
    there = np.arange(20_000)[:, None] % 2 == np.zeros(3, int)
    means = np.where(there, [2.0, 5.0, 1.0], [0.0, 4.0, 1.0])
    shadows = means + 0.5 * random.standard_normal(means.shape)
    found = attacks.likelihood_ratio([1.0, 5.0, 1.5], shadows, there)
    known = [0, (1 - 0) / (2 * 0.25), 0]  # halfway, on the one mean, and where both are the same
    np.testing.assert_allclose(found, known, atol=0.1)


def test_shadows_must_be_able_to_tell():
    there = np.array([[True, True], [True, False]])
    with pytest.raises(WorkbookError, match="in all shadows or in none"):
        attacks.likelihood_ratio([0, 0], np.zeros((2, 2)), there)
    with pytest.raises(WorkbookError, match=r"shadows \(2, 3\)"):
        attacks.likelihood_ratio([0, 0], np.zeros((2, 3)), np.zeros((2, 3), bool))


def test_confidence_is_the_log_odds_of_the_right_class():
    found = attacks.confidence([[0.8, 0.2], [0.5, 0.5], [0.0, 1.0]], [0, 1, 1])
    np.testing.assert_allclose(found[:2], [np.log(4), 0], atol=1e-12)
    assert np.isfinite(found[2]) and found[2] > 20


def test_the_bound_without_delta_is_that_of_a_share():
    """At the bound, so many right guesses have a chance of one in twenty."""
    from scipy.stats import binom

    found = attacks.audited_epsilon(90, 100, 1000, delta=0)
    share = np.exp(found) / (1 + np.exp(found))
    assert binom.sf(89, 100, share) == pytest.approx(0.05, abs=1e-6)
    assert 1.3 < found < np.log(9)


@pytest.mark.parametrize("delta", [1e-5, 1e-4])
def test_the_bound_with_delta_is_that_of_the_paper_s_own_sum(delta):
    """At the bound, the chance is one in twenty; summed up one by one as in appendix D."""
    from scipy.stats import binom

    right, guesses, canaries = 90, 100, 1000
    bound = attacks.audited_epsilon(right, guesses, canaries, delta)
    share, total, helped = 1 / (1 + np.exp(-bound)), 0.0, 0.0
    for fewer in range(1, right + 1):
        total += binom.pmf(right - fewer, guesses, share)
        helped = max(helped, total / fewer)
    chance = binom.sf(right - 1, guesses, share)
    assert chance + 2 * canaries * delta * helped == pytest.approx(0.05, abs=1e-6)
    assert chance < 0.0499  # delta counts


def test_more_right_guesses_prove_more_and_a_delta_or_more_certainty_less():
    usual = attacks.audited_epsilon(90, 100, 1000, 1e-5)
    assert attacks.audited_epsilon(95, 100, 1000, 1e-5) > usual
    assert attacks.audited_epsilon(90, 100, 1000, 1e-4) < usual
    assert attacks.audited_epsilon(90, 100, 1000, 1e-5, level=0.99) < usual
    assert attacks.audited_epsilon(90, 100, 1000, 0) >= usual
    assert attacks.audited_epsilon(50, 100, 1000, 1e-5) == 0
    assert attacks.audited_epsilon(0, 100, 1000, 1e-5) == 0


def test_of_a_mechanism_with_a_known_epsilon_the_bound_is_nearly_always_below():
    """Randomised response: each bit is told truly with chance e^eps / (1 + e^eps)."""
    random, epsilon = np.random.default_rng(0), 1.0
    share = np.exp(epsilon) / (1 + np.exp(epsilon))
    bounds = [
        attacks.audited_epsilon(int(random.binomial(400, share)), 400, 400, 1e-6)
        for _ in range(200)
    ]
    assert np.mean(np.array(bounds) <= epsilon) >= 0.93
    assert np.median(bounds) > 0.7


@pytest.mark.parametrize(
    ("numbers", "told"),
    [((5, 4, 9), "right is 5"), ((1, 10, 9), "guesses is 10"), ((0, 0, 9), "guesses is 0")],
)
def test_counts_that_cannot_be_are_refused(numbers, told):
    with pytest.raises(WorkbookError, match=told):
        attacks.audited_epsilon(*numbers, delta=1e-5)


def test_bounds_that_cannot_hold_are_refused():
    for bad in ({"delta": math.nan}, {"delta": -1}, {"delta": 0, "level": 2}):
        with pytest.raises(WorkbookError, match=[*bad][-1]):
            attacks.epsilon_of_many_runs([1, 2], [0, 1], **bad)
        with pytest.raises(WorkbookError, match=[*bad][-1]):
            attacks.audited_epsilon(1, 2, 3, **bad)


def test_scores_may_be_infinite_and_so_may_an_epsilon():
    found = attacks.attack([1, math.inf], [0, -math.inf])
    assert (found.area, found.found_at(0)) == (1, 1)
    for epsilon in (1e3, math.inf):
        np.testing.assert_allclose(attacks.most_found(epsilon, 1e-5, [0, 0.1, 1]), [1e-5, 1, 1])


@pytest.mark.parametrize("labels", [[0], [0, 2], [0, -1], [0.0, 1.0], ["0", "1"]])
def test_labels_without_a_probability_are_refused(labels):
    with pytest.raises(WorkbookError, match="n whole numbers from 0 to classes - 1"):
        attacks.confidence([[0.8, 0.2], [0.5, 0.5]], labels)


def test_scores_that_are_none_are_refused():
    with pytest.raises(WorkbookError, match=r"members is \['a'\], but must be scores"):
        attacks.attack(["a"], [1])
    with pytest.raises(WorkbookError, match="false_positives is -1"):
        attacks.attack([1], [0]).found_at(-1)
    with pytest.raises(WorkbookError, match="members must be scores"):
        attacks.attack([], [1])
    with pytest.raises(WorkbookError, match="1 of them NaN"):
        attacks.attack([1], [np.nan])


@pytest.mark.parametrize(
    ("probabilities", "told"),
    [
        ([[np.nan, 0.2], [0.5, 0.5]], "1 of the 4 values of probabilities are NaN"),
        ([[7.0, 0.2], [0.5, 0.5]], "probabilities go from 0.2 to 7: .*softmax"),
        ([[1.0], [0.5, 0.5]], "but must be numbers from 0 to 1"),
        ("sure", "probabilities is 'sure'"),
    ],
)
def test_what_is_no_probability_is_refused(probabilities, told):
    with pytest.raises(WorkbookError, match=told):
        attacks.confidence(probabilities, [0, 1])


@pytest.mark.parametrize(
    ("numbers", "told"),
    [
        ((-1, 0, 0.1), "epsilon is -1"),
        ((math.nan, 0, 0.1), "epsilon is nan"),
        (("much", 0, 0.1), "epsilon is 'much'"),
        ((1, 2, 0.1), "delta is 2, but must be a finite number from 0 to 1"),
        ((1, 0, [0.1, -1]), "false_positives go from -1 to 0.1"),
        ((1, 0, [0.1, math.nan]), "1 of the 2 values of false_positives are NaN"),
        ((1, 0, "few"), "false_positives is 'few', but must be shares"),
    ],
)
def test_promises_that_cannot_be_meant_are_refused(numbers, told):
    with pytest.raises(WorkbookError, match=told):
        attacks.most_found(*numbers)


@pytest.mark.parametrize("shadows", [[[1, np.nan], [1, 2]], [[1, np.inf], [1, 2]], [[1, 2], [1]]])
def test_shadows_that_are_no_numbers_are_refused(shadows):
    with pytest.raises(WorkbookError, match=r"shadows .*but must be finite numbers"):
        attacks.likelihood_ratio([0, 1], shadows, [[1, 0], [0, 1]])


def test_many_runs_prove_what_a_known_mechanism_has():
    """A Gaussian moved by one deviation: no threshold proves more than its exact trade-off."""
    from scipy.stats import norm

    random, delta = np.random.default_rng(0), 1e-5
    thresholds = np.linspace(-3, 4, 701)
    shares = norm.sf(thresholds - 1), norm.sf(thresholds)
    most = np.log((shares[0] - delta) / shares[1]).max()
    found = [
        attacks.epsilon_of_many_runs(
            random.normal(1, 1, 20_000), random.normal(0, 1, 20_000), delta
        )
        for _ in range(20)
    ]
    assert max(found) <= most
    assert np.median(found) > 1.5


def test_runs_that_do_not_differ_prove_nothing():
    random = np.random.default_rng(0)
    same = [
        attacks.epsilon_of_many_runs(random.normal(size=400), random.normal(size=400), 1e-5)
        for _ in range(40)
    ]
    assert np.mean(np.array(same) == 0) >= 0.9
    with pytest.raises(WorkbookError, match="at least two of each kind"):
        attacks.epsilon_of_many_runs([1], [1, 2], 1e-5)


def test_runs_that_always_differ_prove_what_their_number_allows():
    found = attacks.epsilon_of_many_runs(np.ones(2_000), np.zeros(2_000), 0)
    few = attacks.epsilon_of_many_runs(np.ones(200), np.zeros(200), 0)
    # None of 1,000 with 97.5 % confidence: fewer than one in about 270.
    assert found == pytest.approx(np.log(1_000 / 3.68), abs=0.02)
    assert few < found


def test_randomised_response_finds_all_that_a_promise_allows():
    """Told truly with chance e/(1 + e), an answer has epsilon 1; the ceiling goes through it."""
    true = math.e / (1 + math.e)
    assert attacks.most_found(1.0, 0.0, 1 - true) == pytest.approx(true)
    shares = np.linspace(0, 1, 11)
    np.testing.assert_allclose(attacks.most_found(0.0, 0.0, shares), shares)
    assert attacks.most_found(1.0, 0.1, 0.0) == pytest.approx(0.1)
    assert attacks.most_found(1.0, 0.1, 1.0) == 1
