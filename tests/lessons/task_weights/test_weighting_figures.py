"""Weightings against the plain sum: points, curves and words are what was measured."""

import numpy as np
import pytest
from planted_results import as_scores
from scipy import stats

from simmim_lib import weighting
from simmim_lib.experiments import Course, Result
from simmim_lib.lessons.task_weights import shares, weighting_figures

RANDOM = np.random.default_rng(0)
PAIR = ("mnist", "fashion")


def course(method, mean, seeds=5):
    """Return a finished course with made-up accuracies on both targets."""
    settings = shares.small_experiment(targets=PAIR, weighting=method, steps=40, seeds=seeds)
    accuracy = {name: mean + RANDOM.normal(0, 0.005, seeds) for name in PAIR}
    looks = {name: np.array([np.full(seeds, 0.1), values / 2, values]) for name, values in
             accuracy.items()}  # fmt: skip
    result = Result(settings, as_scores(accuracy), {}, {}, seconds=1.0)
    return Course(settings, np.array([0, 20, 40]), looks, result=result)


@pytest.fixture(scope="module")
def courses():
    return {"fixed": course("fixed", 0.8), "mgda": course("mgda", 0.7), "famo": course("famo", 0.8)}


def test_every_method_has_a_title_and_a_line():
    assert set(weighting_figures.LINES) == set(weighting.METHODS)
    count = len(weighting.METHODS)
    assert len({line["color"] for line in weighting_figures.LINES.values()}) == count
    assert len({method.short_title for method in weighting.METHODS.values()}) == count


@pytest.mark.parametrize("column", range(3))
def test_points_are_differences_to_the_plain_sum_with_their_paired_intervals(courses, column):
    picture = weighting_figures.against_plain_sum(courses)
    target = (*PAIR, "mean")[column]
    axes = picture.figure.axes[3 + column]
    assert axes.get_title(loc="left") == ("MNIST", "Fashion", "mean of targets")[column]

    def accuracy(name):
        by_target = courses[name].result.accuracy
        return np.mean(list(by_target.values()), axis=0) if target == "mean" else by_target[target]

    texts = [text.get_text() for text in axes.texts]
    assert [text.split(" ± ")[0] for text in texts] == [
        f"{100 * accuracy(name).mean():.1f}" for name in courses
    ]
    for row, (name, container) in enumerate(zip(("mgda", "famo"), axes.containers, strict=True)):
        paired = stats.ttest_rel(100 * accuracy(name), 100 * accuracy("fixed"))
        interval = paired.confidence_interval(0.95)
        (segment,) = container.lines[2][0].get_segments()
        np.testing.assert_allclose(segment, [(end, -row - 1) for end in interval])
        clear = interval.low > 0 or interval.high < 0
        assert (container.lines[0].get_markerfacecolor() != "white") == clear
    assert f"{target} {100 * (accuracy('mgda') - accuracy('fixed')).mean():+.1f} ±" in picture.alt


def test_curves_are_the_means_over_seeds_and_those_to_come_are_named(courses):
    figure = weighting_figures.against_plain_sum(courses, ["pcgrad"]).figure
    for axes, target in zip(figure.axes, PAIR, strict=False):
        assert axes.get_title(loc="left").endswith("(mean and range of 5 seeds)")
        curves = {container.lines[0].get_marker(): container.lines[0] for container in
                  axes.containers}  # fmt: skip
        for name, course in courses.items():
            curve = curves[weighting_figures.LINES[name]["marker"]]
            np.testing.assert_allclose(curve.get_ydata(), course.validation[target].mean(axis=1))
    names = [text.get_text() for text in figure.axes[2].texts]
    assert names == ["PCGrad: waiting", "plain sum", "MGDA", "FAMO"]


def test_one_seed_has_neither_interval_nor_range():
    single = {name: course(name, 0.8, seeds=1) for name in ("fixed", "mgda")}
    picture = weighting_figures.against_plain_sum(single)
    assert "1 seed, budget" in picture.alt and " points: one seed" in picture.alt
    assert "inf" not in picture.alt and picture.png()
