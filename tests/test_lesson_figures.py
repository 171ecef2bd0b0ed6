"""The figures of lessons 00 and 01: they show what was measured, and their text says the same."""

import numpy as np
import pytest

from simmim_lib import datasets, figures
from simmim_lib.experiment import interval

RANDOM = np.random.default_rng(0)
HIGH, LOW = RANDOM.uniform(0.8, 0.9, (2, 5)), RANDOM.uniform(0.3, 0.4, (2, 5))


def labelled(axes) -> bool:
    return bool(axes.get_xlabel() and axes.get_ylabel())


def test_curves_pass_through_the_means_and_show_the_intervals():
    curve = figures.Curve("transfer", {1: HIGH[0], 2: HIGH[1]}, "target")
    picture = figures.accuracy_curves([curve], "labels", "Digits", baseline=("scratch", LOW[0]))
    (axes,) = picture.figure.axes
    assert labelled(axes) and axes.get_title(loc="left") == "Digits"
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


def test_a_mean_below_the_axis_is_told_by_an_arrow():
    curve = figures.Curve("transfer", {1: HIGH[0], 2: LOW[0]}, "target")
    (axes,) = figures.accuracy_curves([curve], "labels", "Digits", lowest=0.7).figure.axes
    assert [text.get_text() for text in axes.texts] == [f"{LOW[0].mean():.2f} ↓"]
    assert axes.get_ylim()[0] == 0.7


def test_one_seed_has_no_interval():
    curve = figures.Curve("live", {1: np.array([0.5])}, "source")
    picture = figures.accuracy_curves([curve], "passes", "Live")
    assert "0.500" in picture.alt and "inf" not in picture.alt


def test_rows_show_every_seed_beside_the_mean():
    groups = {"digits": {"from scratch": LOW[0], "probe": HIGH[0]}, "clothes": {"probe": HIGH[1]}}
    picture = figures.accuracy_rows(groups, "Ways")
    first, second = picture.figure.axes
    assert [tick.get_text() for tick in first.get_yticklabels()] == ["from scratch", "probe"]
    assert (first.get_title(loc="left"), second.get_title(loc="left")) == ("digits", "clothes")
    np.testing.assert_allclose(first.lines[0].get_xdata(), LOW[0])
    assert first.get_xlabel() == second.get_xlabel() == "test accuracy"


def test_scores_stand_against_accuracies_with_scratch_in_every_row():
    pairs = {("glyphs", "mnist"): HIGH[0], ("fashion", "mnist"): LOW[0]}
    scores = {"LEEP\n(nats)": {pair: -values.mean() for pair, values in pairs.items()}}
    picture = figures.score_against_accuracy(scores, pairs, {"mnist": LOW[1]}, "Scores")
    (axes,) = picture.figure.axes
    points = {
        (container[0].get_xdata()[0], container[0].get_ydata()[0]) for container in axes.containers
    }
    assert points == {(-values.mean(), values.mean()) for values in pairs.values()}
    assert f"scratch to mnist: {LOW[1].mean():.3f}" in picture.alt
    assert labelled(axes)


def test_the_gallery_shows_the_labelled_images_in_rows_of_their_class():
    task = datasets.few_shot("mnist", 2, seed=0)
    accuracy = {1: LOW[0], 2: HIGH[0]}
    picture = figures.few_labels(datasets.load("mnist"), task.labelled, accuracy)
    gallery, axes = picture.figure.axes
    page = gallery.images[0].get_array()
    threes = task.labelled.images[task.labelled.labels == 3, ..., 0]
    np.testing.assert_array_equal(page[3 * 28 : 4 * 28, : 2 * 28], np.concatenate(threes, axis=1))
    assert not page[:, 2 * 28 :].any()
    assert labelled(axes)
    assert f"{HIGH[0].mean():.3f}" in picture.alt and "Guessing: 0.100" in picture.alt
