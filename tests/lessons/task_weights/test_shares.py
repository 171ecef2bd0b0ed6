"""Shares of task weights: the arithmetic, and the front of what they reach."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from planted_results import as_scores

from simmim_lib.errors import WorkbookError
from simmim_lib.experiments import Result
from simmim_lib.lessons.task_weights import shares, shares_figures
from simmim_lib.lessons.task_weights.shares import (
    as_ratio,
    move_share,
    read_shares,
    shares_to_measure,
)

THREE = ("mnist", "uci-digits", "fashion")


def test_shares_sum_to_one_and_keep_the_ratio():
    assert shares.as_shares([2, 6], ("a", "b")) == (0.25, 0.75)
    assert shares.as_shares([1e308, 1e308], ("a", "b")) == (0.5, 0.5)
    assert read_shares(" 2:1 : 1", THREE) == (0.5, 0.25, 0.25)


@pytest.mark.parametrize(
    ("text", "targets", "words"),
    [
        ("1", ("mnist",), "only mnist"),
        ("0 : 0", ("mnist", "fashion"), "all 0"),
        ("1 : x", ("mnist", "fashion"), "try 2 : 1"),
        ("", THREE, "try 2 : 1 : 1"),
        ("1 : 1", THREE, "one weight of at least 0 for each of mnist, uci-digits, fashion"),
        ("-1 : 2", ("mnist", "fashion"), "-1.0"),
        ("nan : 2", ("mnist", "fashion"), "nan"),
    ],
)
def test_weights_that_cannot_be_meant(text, targets, words):
    with pytest.raises(WorkbookError, match=words):
        read_shares(text, targets)


@given(st.lists(st.integers(0, 100), min_size=2, max_size=4), st.integers(0, 100), st.data())
def test_a_moved_share_stays_where_it_is_put(percent, to, data):
    moved = data.draw(st.integers(0, len(percent) - 1))
    after = move_share(percent, moved, to)
    assert sum(after) == 100
    assert after[moved] == to
    assert min(after) >= 0
    others = [k for k in range(len(percent)) if k != moved]
    total = sum(percent[k] for k in others)
    for k in others:
        exact = (100 - to) * (percent[k] / total if total else 1 / len(others))
        assert abs(after[k] - exact) < 1


def test_a_ratio_is_written_as_it_is_read():
    assert as_ratio([2.0, 1.0, 0.5]) == "2 : 1 : 0.5"
    assert read_shares(as_ratio([2.0, 1.0, 1.0]), THREE) == (0.5, 0.25, 0.25)


def test_the_shares_to_measure_leave_no_target_of_two_without_weight():
    measured = shares_to_measure(("mnist", "fashion"))
    assert all(0 < share < 1 for pair in measured for share in pair)
    assert measured[0] == (0.01, 0.99) and measured[-1] == (0.99, 0.01)
    assert len(shares_to_measure(THREE)) == 28


def test_the_triangle_holds_every_ratio_once(monkeypatch):
    monkeypatch.setattr(shares, "TRIANGLE_PARTS", 6)
    ratios = shares.triangle_ratios()
    wanted = {r for r in itertools.product(range(7), repeat=3) if sum(r) == 6}
    assert set(ratios) == wanted
    assert len(ratios) == len(wanted) == 28
    assert ratios[0] == (6, 0, 0)


def test_the_front_is_what_nothing_dominates():
    pair = ("mnist", "uci-digits")
    settings = shares.small_experiment(targets=pair, labels_per_class=2, seeds=2)
    validation = {(0.1, 0.9): (0.9, 0.7), (0.5, 0.5): (0.8, 0.8), (0.9, 0.1): (0.8, 0.7)}
    results = {
        weights: Result(
            settings.replace(task_weights=weights),
            as_scores({name: np.full(2, 0.1) for name in pair}),
            {name: np.full(2, value) for name, value in zip(pair, values, strict=True)},
            {},
            seconds=1.0,
        )
        for weights, values in validation.items()
    }
    assert shares.on_front(results) == {(0.1, 0.9), (0.5, 0.5)}
    says = shares_figures.task_weights(results, [(0.9, 0.1)]).alt
    assert "Of 3 weightings 2 lie on the Pareto front: 10 : 90 gives 0.900, 0.700" in says
