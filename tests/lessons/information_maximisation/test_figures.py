"""The figures of lesson 05: they show what was measured, and their text says the same."""

import numpy as np
import pytest
from scipy import stats

from simmim_lib import datasets
from simmim_lib.collapse import Diagnosis
from simmim_lib.lessons.information_maximisation import figures

RANDOM = np.random.default_rng(0)


def softmax(logits):
    return np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)


def accuracies(mean, seeds=10):
    return mean + RANDOM.normal(0, 0.01, seeds)


def test_views_stand_under_their_images():
    images = datasets.load("mnist").train.images[:3]
    weak, strong = np.roll(images, 1, axis=1), np.roll(images, 4, axis=2)
    picture = figures.views(images, weak, strong)
    shown = [axes.images[0].get_array() for axes in picture.figure.axes]
    np.testing.assert_array_equal(shown, np.concatenate([images, weak, strong])[..., 0])
    names = [text.get_text() for text in picture.figure.texts]
    assert names == ["image", "weak view", "strong view"]
    assert f"{np.abs(strong - images).mean():.2f} in the strong ones" in picture.alt


def test_an_ablation_marks_the_whole_recipe_and_tells_what_each_part_is_worth():
    whole, without = accuracies(0.96), accuracies(0.90)
    rows = {n: {figures.NOTHING: whole, "information": without} for n in (1, 5)}
    picture = figures.ablation(rows, "MNIST")
    first, second = picture.figure.axes
    assert first.get_title(loc="left") == "1 label per class"
    assert second.get_title(loc="left") == "5 labels per class"
    assert [tick.get_text() for tick in first.get_yticklabels()] == [
        "nothing: the whole recipe",
        "information",
    ]
    assert first.lines[0].get_xdata()[0] == pytest.approx(whole.mean())
    dots = [float(container[0].get_xdata()[0]) for container in first.containers]
    assert dots == pytest.approx([whole.mean(), without.mean()])
    paired = stats.ttest_rel(without, whole)
    half = np.diff(paired.confidence_interval(0.95)).item() / 2
    cost = 100 * (without - whole).mean()
    assert f"without information {without.mean():.3f}" in picture.alt
    assert f"{cost:+.1f} ± {100 * half:.1f} points: loss" in picture.alt
    assert second.get_xlabel() == "test accuracy"


def test_crosses_are_the_seeds_whose_alarm_rings():
    rows = {
        "spread 0": Diagnosis(np.array([0.9, 0.2, 0.8]), np.log([2, 8, 4.9]), np.log(10)),
        "spread 1": Diagnosis(np.full(3, 0.12), np.log([9.5, 9.6, 5.1]), np.log(10)),
    }
    picture = figures.collapse(rows, "MNIST")
    shares, classes = picture.figure.axes
    assert [tick.get_text() for tick in shares.get_yticklabels()] == list(rows)
    found = {sign: [] for sign in "Xo"}
    for line in classes.lines:
        if line.get_marker() in found:
            found[line.get_marker()] += list(line.get_xdata())
    assert found["X"] == pytest.approx([2, 4.9])
    assert found["o"] == pytest.approx([8, 9.5, 9.6, 5.1])
    (threshold,) = [line for line in classes.lines if line.get_linestyle() == "--"]
    assert threshold.get_xdata()[0] == pytest.approx(5)
    assert shares.lines[0].get_marker() == "o" and shares.lines[0].get_xdata() == pytest.approx(20)
    assert "spread 0: the alarm rings in 2 of 3 seeds" in picture.alt
    assert "spread 1: the alarm rings in 0 of 3 seeds" in picture.alt
    assert "at most 90%" in picture.alt and "fewer than 5 classes" in picture.alt
