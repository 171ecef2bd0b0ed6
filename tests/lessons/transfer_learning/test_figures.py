"""The figures of lesson 01: they show what was measured, and their text says the same."""

import numpy as np
import pytest
from planted_results import as_scores
from scipy import stats

from simmim_lib import datasets
from simmim_lib.experiments import Result
from simmim_lib.lessons.transfer_learning import figures
from simmim_lib.settings import Settings

RANDOM = np.random.default_rng(0)
HIGH, LOW = RANDOM.uniform(0.8, 0.9, (2, 5)), RANDOM.uniform(0.3, 0.4, (2, 5))


def student(values):
    """Return the ends of the 95 % interval, by SciPy."""
    return stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))


def test_scores_stand_against_accuracies_with_scratch_in_every_row():
    pairs = {("glyphs", "mnist"): HIGH[0], ("fashion", "mnist"): LOW[0]}
    scores = {"LEEP\n(nats)": {pair: -values.mean() for pair, values in pairs.items()}}
    picture = figures.score_against_accuracy(scores, pairs, {"mnist": LOW[1]}, "Scores")
    (axes,) = picture.figure.axes
    points = {
        (container[0].get_xdata()[0], container[0].get_ydata()[0]) for container in axes.containers
    }
    assert points == {(-values.mean(), values.mean()) for values in pairs.values()}
    for container in axes.containers:
        (segment,) = container.lines[2][0].get_segments()
        values = next(each for each in pairs.values() if -each.mean() == segment[0, 0])
        np.testing.assert_allclose(segment[:, 1], student(values))
    assert f"scratch to mnist: {LOW[1].mean():.3f}" in picture.alt
    assert axes.get_xlabel() and axes.get_ylabel()


# --- The network, its accuracies and its mistakes


@pytest.mark.parametrize("depth", range(5))
def test_the_drawing_hatches_and_names_as_many_layers_as_are_frozen(depth):
    result = with_mistakes([[]], frozen_layers=depth)
    axes = figures.frozen_depth({depth: result}, depth, None).figure.axes[0]
    hatches = [patch.get_hatch() or "" for patch in axes.patches]  # image, four layers, head
    assert hatches == ["", *["//"] * depth, *[""] * (5 - depth)]
    words = [each.get_text() for each in axes.texts if each.get_text() in ("frozen", "trained")]
    assert words == ["frozen"] * depth + ["trained"] * (5 - depth)
    trained = (155_786, 155_626, 150_986, 132_490, 1_290)[depth]
    title = f"glyphs → mnist: {trained:,} weights trained, {155_786 - trained:,} frozen"
    assert axes.get_title(loc="left") == title


def with_mistakes(wrong: list[list[int]], **changes) -> Result:
    """Return a result in which each seed takes such test images of MNIST for the next digit."""
    settings = Settings(seeds=len(wrong), **changes)
    labels = datasets.load("mnist").test.labels
    guesses = np.tile(labels, (len(wrong), 1))
    for own, positions in zip(guesses, wrong, strict=True):
        own[positions] = (own[positions] + 1) % 10
    accuracy = np.mean(guesses == labels, axis=1)
    return Result(
        settings,
        as_scores({"mnist": accuracy}),
        {"mnist": 1 - accuracy},
        {"mnist": np.eye(10)[guesses]},
        seconds=1.0,
    )


def test_mistakes_are_the_first_eight_images_that_the_first_seed_gets_wrong():
    wrong = [3, 10, 40, 41, 77, 500, 501, 998, 999]
    result = with_mistakes([wrong, [5, 6]], frozen_layers=2)
    figure = figures.frozen_depth({2: result}, 2, None).figure
    assert [each.get_text() for each in figure.texts] == ["9 mistakes in 1,000, seed 0"]
    shown = [axes for axes in figure.axes if axes.images]
    test = datasets.load("mnist").test
    assert len(shown) == 8
    for axes, position in zip(shown, wrong, strict=False):
        np.testing.assert_array_equal(axes.images[0].get_array(), test.images[position, ..., 0])
        truth = test.labels[position]
        assert axes.get_title(loc="center") == f"{truth} as {(truth + 1) % 10}"


def test_no_mistake_is_shown_where_there_is_none():
    figure = figures.frozen_depth({0: with_mistakes([[]], frozen_layers=0)}, 0, None).figure
    assert figure.texts[0].get_text() == "0 mistakes in 1,000, seed 0"
    assert not any(axes.images for axes in figure.axes)


def test_the_curve_of_depths_shows_test_accuracies_and_marks_what_is_shown():
    results = {
        depth: with_mistakes([list(range(50 * depth + 10 * seed)) for seed in range(3)])
        for depth in (0, 1, 3)
    }
    scratch = with_mistakes([list(range(n)) for n in (600, 620, 640)])
    picture = figures.frozen_depth(results, 1, scratch)
    axes = next(each for each in picture.figure.axes if each.get_xlabel() == "frozen layers")
    line, _, (bars,) = axes.containers[0]
    assert list(line.get_xdata()) == [0, 1, 3]
    np.testing.assert_allclose(np.array(line.get_ydata(), float), [0.99, 0.94, 0.84])
    for result, segment in zip(results.values(), bars.get_segments(), strict=True):
        np.testing.assert_allclose(segment[:, 1], student(result.accuracy["mnist"]))
    dots = [each for each in axes.lines if each.get_markersize() == 4]
    for (depth, result), of_depth in zip(results.items(), dots, strict=True):
        np.testing.assert_allclose(of_depth.get_ydata(), result.accuracy["mnist"])
        np.testing.assert_allclose(of_depth.get_xdata(), depth + np.array([-0.12, 0, 0.12]))
    band, mark = axes.patches
    np.testing.assert_allclose(
        [band.get_y(), band.get_y() + band.get_height()], student(scratch.accuracy["mnist"])
    )
    assert mark.get_x() + mark.get_width() / 2 == pytest.approx(1)
    for told in ("0 frozen: 0.990 ±", "1 frozen: 0.940 ±", "From scratch: 0.380 ±"):
        assert told in picture.alt
