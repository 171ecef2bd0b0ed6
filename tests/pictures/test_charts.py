"""Charts of accuracies show what was measured, and their text says the same."""

import numpy as np
import pytest
from scipy import stats

from simmim_lib.foundation.intervals import interval
from simmim_lib.pictures import charts
from simmim_lib.pictures.style import new_figure

pytestmark = pytest.mark.floors

RANDOM = np.random.default_rng(0)
HIGH, LOW = RANDOM.uniform(0.8, 0.9, (2, 5)), RANDOM.uniform(0.3, 0.4, (2, 5))


def test_curves_pass_through_the_means_and_show_the_intervals():
    curve = charts.Curve("transfer", {1: HIGH[0], 2: HIGH[1]}, "target")
    picture = charts.accuracy_curves([curve], "labels", "Digits", baseline=("scratch", LOW[0]))
    (axes,) = picture.figure.axes
    assert axes.get_xlabel() and axes.get_ylabel()
    assert axes.get_title(loc="left") == "Digits"
    line, _, (bars,) = axes.containers[0]
    np.testing.assert_allclose(np.array(line.get_ydata(), float), HIGH.mean(axis=1))
    for values, segment in zip(HIGH, bars.get_segments(), strict=True):
        mean, half = interval(values)
        assert segment[:, 1].tolist() == pytest.approx([mean - half, mean + half])
    dashed = next(each for each in axes.lines if each.get_label() == "scratch")
    assert dashed.get_linestyle() == "--" and dashed.get_ydata()[0] == pytest.approx(LOW[0].mean())
    for values in (*HIGH, LOW[0]):
        assert f"{values.mean():.3f}" in picture.alt
    assert picture.png().startswith(b"\x89PNG")


def test_each_mean_stands_at_its_place_whatever_came_first():
    curve = charts.Curve("transfer", {5: LOW[0], 1: HIGH[0], 3: HIGH[1]}, "target")
    (axes,) = charts.accuracy_curves([curve], "labels", "Digits").figure.axes
    line = axes.containers[0].lines[0]
    assert list(line.get_xdata()) == [1, 3, 5]
    np.testing.assert_allclose(line.get_ydata(), [each.mean() for each in (*HIGH, LOW[0])])


def test_bars_reach_from_the_least_to_the_greatest():
    axes = new_figure().add_axes((0.1, 0.1, 0.8, 0.8))
    values = np.array([[0.1, 0.2, 0.9], [0.3, 0.8, 0.7]])
    charts.draw_mean_and_range(axes, np.array([0, 20]), values)
    line, _, (bars,) = axes.containers[0].lines
    np.testing.assert_allclose(line.get_xydata(), [(0, 0.4), (20, 0.6)])
    ends = [segment[:, 1].tolist() for segment in bars.get_segments()]
    np.testing.assert_allclose(ends, [(0.1, 0.9), (0.3, 0.8)])


def test_a_mean_below_the_axis_is_told_by_an_arrow():
    curve = charts.Curve("transfer", {1: HIGH[0], 2: LOW[0]}, "target")
    (axes,) = charts.accuracy_curves([curve], "labels", "Digits", lowest=0.7).figure.axes
    assert [text.get_text() for text in axes.texts] == [f"{LOW[0].mean():.2f} ↓"]
    assert axes.get_ylim()[0] == 0.7


def test_one_seed_has_no_interval():
    curve = charts.Curve("live", {1: np.array([0.5])}, "source")
    picture = charts.accuracy_curves([curve], "passes", "Live")
    assert "0.500" in picture.alt and "inf" not in picture.alt


def test_rows_show_every_seed_beside_the_mean():
    groups = {"digits": {"from scratch": LOW[0], "probe": HIGH[0]}, "clothes": {"probe": HIGH[1]}}
    picture = charts.accuracy_rows(groups, "Ways")
    first, second = picture.figure.axes
    assert [tick.get_text() for tick in first.get_yticklabels()] == ["from scratch", "probe"]
    assert (first.get_title(loc="left"), second.get_title(loc="left")) == ("digits", "clothes")
    np.testing.assert_allclose(first.lines[0].get_xdata(), LOW[0])
    assert first.get_xlabel() == second.get_xlabel() == "test accuracy"


def test_targets_that_are_compared_have_one_axis_and_their_measure_is_told():
    groups = {"digits": {"probe": HIGH[0]}, "clothes": {"probe": LOW[1]}}
    picture = charts.accuracy_rows(groups, "Ways", dict.fromkeys(groups, "AUC"), (0.1, 0.9))
    assert [axes.get_xlim() for axes in picture.figure.axes] == [(0.1, 0.9)] * 2
    assert picture.alt.startswith("Test AUC. Ways. digits: probe: ")


def student(values):
    """Return the ends of the 95 % interval, by SciPy."""
    return stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))


def test_the_baseline_s_band_is_its_interval():
    curve = charts.Curve("transfer", {1: HIGH[0]}, "target")
    picture = charts.accuracy_curves([curve], "labels", "Digits", baseline=("scratch", LOW[0]))
    (band,) = picture.figure.axes[0].patches
    low, high = band.get_y(), band.get_y() + band.get_height()
    np.testing.assert_allclose([low, high], student(LOW[0]))


def test_the_bars_of_rows_are_the_intervals():
    picture = charts.accuracy_rows({"digits": {"probe": HIGH[0], "fine-tune": LOW[0]}}, "Ways")
    (axes,) = picture.figure.axes
    for place, (container, values) in enumerate(
        zip(axes.containers, (HIGH[0], LOW[0]), strict=True)
    ):
        (segment,) = container.lines[2][0].get_segments()
        np.testing.assert_allclose(segment, [(end, place) for end in student(values)])
