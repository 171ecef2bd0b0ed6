"""The study's figures of lesson 04: they show what was measured, and their text says the same."""

import numpy as np
import pytest
from scipy import stats

from simmim_lib.foundation.intervals import Difference
from simmim_lib.lessons.task_weights import study_figures

RANDOM = np.random.default_rng(0)
PAIR = ("mnist", "fashion")


def gains(**means):
    return {name: mean + RANDOM.normal(0, 0.3, 10) for name, mean in means.items()}


def test_bars_are_the_paired_intervals_and_filled_where_they_leave_the_plain_sum_out():
    of_pair = gains(fixed=-1.0, mgda=-3.0, famo=-1.01) | {"nash-mtl": np.full(10, -9.0)}
    picture = study_figures.against_tuned_sum({PAIR: of_pair}, "Study")
    (axes,) = picture.figure.axes
    assert axes.get_xlabel() and axes.get_title(loc="left") == "mnist + fashion"
    assert axes.lines[0].get_xdata()[0] == pytest.approx(of_pair["fixed"].mean())
    bars = {}
    for container in axes.containers:
        (place,) = container[0].get_xdata()
        bars.setdefault(round(float(place), 6), []).append(container)
    for name, filled in (("mgda", True), ("famo", False)):
        mean = of_pair[name].mean()
        thin, thick = bars[round(float(mean), 6)]
        for bar, level in ((thin, 1 - 0.05 / 3), (thick, 0.95)):
            (segment,) = bar[2][0].get_segments()
            interval = stats.ttest_rel(of_pair[name], of_pair["fixed"]).confidence_interval(level)
            assert np.ptp(segment[:, 0]) == pytest.approx(interval.high - interval.low)
        assert (thick[0].get_markerfacecolor() != "white") == filled
    assert "← -9.0" in axes.texts[0].get_text()
    assert "Nash-MTL -9.00" in picture.alt and ": loss" in picture.alt


def test_changes_stand_in_the_column_of_their_target():
    rows = {
        "fixed": {"mnist": Difference(-2.0, 1.0), "fashion": Difference(0.5, 1.0)},
        "mgda": {"mnist": Difference(0.1, 1.0), "fashion": Difference(-3.0, 1.5)},
    }
    picture = study_figures.changes(rows, "Scale")
    for axes, target in zip(picture.figure.axes, PAIR, strict=True):
        found = [float(container[0].get_xdata()[0]) for container in axes.containers]
        assert found == [row[target].mean for row in rows.values()]
        assert axes.get_title(loc="left") == target
    assert "MGDA: mnist +0.1 ± 1.0 points: no clear difference" in picture.alt


def test_weights_over_steps_shows_every_weighting_and_the_plain_sum_below_them():
    losses = np.exp(-np.outer(np.arange(30), (0.1, 0.02)))
    ratios = {"random": np.full(30, 2.0), "famo": losses[:, 0]}
    left, right = study_figures.weights_over_steps(losses, ratios).figure.axes
    assert [line.get_label() for line in left.lines] == ["task 1", "task 2"]
    plain, *others = right.lines
    assert (plain.get_label(), *plain.get_ydata()) == ("plain sum", 1, 1)
    for line, ratio in zip(others, ratios.values(), strict=True):
        np.testing.assert_allclose(line.get_ydata(), ratio)


def test_sums_on_a_front_says_how_near_the_ends_they_lie():
    front = np.stack([np.linspace(0, 1, 9), 1 - np.linspace(0, 1, 9) ** 2], axis=1)
    picture = study_figures.sums_on_a_front(front, front[[0, 0, 8]])
    assert "3 weightings" in picture.alt and "at most 0.00" in picture.alt
    (axes,) = picture.figure.axes
    assert axes.get_xlabel() and axes.get_ylabel()
