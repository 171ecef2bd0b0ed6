"""Intervals and differences against SciPy, and the words in which they are told."""

import numpy as np
import pytest
from scipy import stats

from simmim_lib.foundation.intervals import (
    Difference,
    difference,
    effective_number,
    interval,
    intervals,
    mean_and_interval,
    plus_minus,
    seeds_in_words,
)


@pytest.mark.parametrize("level", [0.5, 0.95, 0.99])
def test_the_interval_is_scipy_s(level):
    values = np.random.default_rng(0).uniform(0.5, 0.9, 7)
    mean, half_width = interval(values, level)
    expected = stats.t.interval(level, 6, values.mean(), stats.sem(values))
    assert (mean - half_width, mean + half_width) == pytest.approx(expected)


def test_a_single_value_has_no_interval():
    assert interval(np.array([0.5])) == (0.5, float("inf"))
    assert mean_and_interval(np.array([0.5])) == "0.500"
    assert mean_and_interval(np.array([51.26]), digits=1) == "51.3"


def test_several_intervals_are_those_of_each_row():
    rows = [np.array([0.5, 0.7, 0.8]), np.array([0.2, 0.3])]
    means, half_widths = intervals(rows)
    for values, mean, half_width in zip(rows, means, half_widths, strict=True):
        assert (mean, half_width) == interval(values)
    assert [of_none.shape for of_none in intervals([])] == [(0,), (0,)]


def test_values_that_belong_together_count_for_less():
    random = np.random.default_rng(0)
    alike = np.repeat(random.integers(0, 2, 300), 3)
    groups = np.repeat(random.permutation(300), 3)
    assert effective_number(alike.astype(float), np.arange(900)) == pytest.approx(900)
    assert effective_number(alike.astype(float), groups) == pytest.approx(300, rel=0.01)
    independent = random.normal(size=9000)
    assert effective_number(independent, np.repeat(np.arange(900), 10)) > 7000
    assert effective_number(np.ones(9), np.arange(9) // 3) == 3
    assert effective_number(np.arange(9.0), np.zeros(9, int)) == 1


def test_the_variance_over_groups_is_that_of_drawing_groups():
    random = np.random.default_rng(1)
    sizes = random.integers(1, 8, 200)
    groups = np.repeat(np.arange(200), sizes)
    values = random.normal(size=200)[groups] + random.normal(size=len(groups))
    members = [np.flatnonzero(groups == group) for group in range(200)]
    drawn = [
        values[np.concatenate([members[group] for group in random.integers(0, 200, 200)])].mean()
        for _ in range(2000)
    ]
    expected = values.var(ddof=1) / np.var(drawn)
    assert effective_number(values, groups) == pytest.approx(expected, rel=0.1)


def test_a_mean_is_written_with_the_half_width_of_its_interval():
    # t(0.975, 2) = 4.303 in any table; deviation 0.1, so 4.303 * 0.1 / sqrt(3) = 0.248.
    values = np.array([0.5, 0.6, 0.7])
    assert mean_and_interval(values) == "0.600 ± 0.248"
    assert mean_and_interval(100 * values, digits=1) == "60.0 ± 24.8"
    assert plus_minus(2.0, 0.26, digits=1, sign="+") == "+2.0 ± 0.3"
    assert plus_minus(-2.0, float("inf"), digits=1, sign="+") == "-2.0"


def test_one_seed_is_no_several():
    assert seeds_in_words(1) == seeds_in_words(1, "mean and range of") == "1 seed"
    assert seeds_in_words(5) == "5 seeds"
    assert seeds_in_words(5, "mean and range of") == "mean and range of 5 seeds"


@pytest.mark.parametrize("level", [0.95, 1 - 0.05 / 34])
def test_difference_is_the_paired_t_test_of_scipy(level):
    values, baseline = np.random.default_rng(0).uniform(0.5, 0.9, (2, 10))
    found = difference(values, baseline, level)
    expected = stats.ttest_rel(values, baseline).confidence_interval(level)
    assert found.mean - found.half_width == pytest.approx(100 * expected.low)
    assert found.mean + found.half_width == pytest.approx(100 * expected.high)


@pytest.mark.parametrize(
    ("mean", "half_width", "words"),
    [
        (5.14, 1.2, "+5.1 ± 1.2 points: gain"),
        (-2.0, 1.9, "-2.0 ± 1.9 points: loss"),
        (1.0, 1.0, "+1.0 ± 1.0 points: no clear difference"),
        (-0.5, 2.0, "-0.5 ± 2.0 points: no clear difference"),
        (3.0, float("inf"), "+3.0 points: one seed"),
    ],
)
def test_verdicts(mean, half_width, words):
    found = Difference(mean, half_width)
    assert str(found) == words
    assert found.is_clear == words.endswith(("gain", "loss"))
