"""The two halves of lesson 05: the picture shows what was predicted, and its text says the same."""

import numpy as np
import pytest
from courses import course

from simmim_lib import losses
from simmim_lib.collapse import Diagnosis
from simmim_lib.experiments import Result
from simmim_lib.lessons.information_maximisation import halves_figures as figures
from simmim_lib.settings import Settings

RANDOM = np.random.default_rng(0)


def softmax(logits):
    return np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)


def box(axes):
    """The texts and titles of an axes in one string."""
    return " ".join([axes.get_title(loc="left"), *(text.get_text() for text in axes.texts)])


def test_the_halves_are_those_of_mutual_information():
    logits = RANDOM.normal(0, 2, (50, 10))
    spread, doubt = figures.halves(softmax(logits))
    assert spread - doubt == pytest.approx(float(losses.mutual_information(logits)))
    assert figures.halves(np.eye(10)) == pytest.approx((np.log(10), 0))
    assert figures.halves(np.full((3, 10), 0.1)) == pytest.approx((np.log(10),) * 2)


def test_a_sure_prediction_stands_in_its_corner_and_an_unsure_one_in_the_middle():
    sure, unsure = np.eye(10)[3], np.full(10, 0.1)
    now = course([sure, unsure, sure], [3, 5, 8])
    decagon = figures.two_halves([now]).figure.axes[0]
    marks = {line.get_marker(): line for line in decagon.lines if len(line.get_xdata()) == 1}
    corner = figures.corners(10)[3]
    assert corner == pytest.approx([np.sin(0.6 * np.pi), np.cos(0.6 * np.pi)])
    np.testing.assert_allclose(np.ravel(marks["$3$"].get_data()), corner, atol=1e-9)
    np.testing.assert_allclose(np.ravel(marks["$5$"].get_data()), 0, atol=1e-9)
    assert marks["$3$"].get_color() != marks["$8$"].get_color()  # right and wrong
    beside = np.linalg.norm(np.ravel(marks["$8$"].get_data()) - corner)
    assert 0.02 < beside < 0.1
    assert "1 right" in box(decagon) and "2 wrong" in box(decagon)


def test_the_curves_and_the_largest_share_are_those_of_the_looks():
    looks = [softmax(RANDOM.normal(0, size, (200, 10))) for size in (0.1, 5)]
    looks[1] = np.concatenate([np.eye(10)[[7] * 150], looks[1][:50]])
    labels = RANDOM.integers(0, 10, 200)
    courses = [course(looks[0], labels, (0.1,)), course(looks[1], labels, (0.1, 0.6))]
    picture = figures.two_halves(courses)
    _, bars, nats, right = picture.figure.axes
    spread, doubt = (line.get_ydata() for line in nats.lines[:2])
    for place, look in enumerate(looks):
        found = figures.halves(look)
        assert (spread[place], doubt[place]) == pytest.approx(found)
    assert right.lines[0].get_ydata().tolist() == [0.1, 0.6]
    share = looks[1].mean(axis=0)[7]
    assert box(bars).endswith(f"{100 * share:.0f} %")
    assert f"class 7 the largest share, {share:.0%}" in picture.alt
    assert f"is the information, {spread[1] - doubt[1]:.2f}" in picture.alt
    assert all(axes.get_ylabel() for axes in (bars, nats, right))


def test_the_alarm_is_written_below_with_its_own_words():
    labels = np.arange(100) % 10
    collapsed = figures.two_halves([course(np.eye(10)[[4] * 100], labels)])
    fine = figures.two_halves([course(np.eye(10)[labels], labels)])
    written = [
        " ".join(" ".join(text.get_text() for text in each.figure.texts).split())
        for each in (collapsed, fine)
    ]
    assert "ALARM: collapsed in 1 of 1 seeds (0): up to 100% of the images" in written[0]
    assert "Alarm silent: no collapse: the most predicted class has 10%" in written[1]
    assert "collapsed in 1 of 1" in collapsed.alt and "no collapse" in fine.alt


def test_in_the_end_the_alarm_is_that_of_the_result():
    labels = np.arange(100) % 10
    diagnosis = Diagnosis(np.array([0.77]), np.array([0.5]), np.log(10))
    result = Result(Settings(seeds=1), {}, {}, {}, 1.0, diagnostics={"mnist": diagnosis})
    picture = figures.two_halves([course(np.eye(10)[labels], labels, result=result)])
    assert "up to 77% of the images" in picture.alt
