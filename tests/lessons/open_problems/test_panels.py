"""Panels of lesson 09, driven as a browser would."""

import numpy as np
import pytest
from widget_driver import choose, find, follow

from simmim_lib.errors import WorkbookError
from simmim_lib.lessons.open_problems import game, panels
from simmim_lib.lessons.open_problems.private_heads import PrivateHead

pytestmark = pytest.mark.colab


@pytest.mark.slow
def test_a_private_head_follows_its_promise():
    panel = panels.private_head(PrivateHead(seeds=2))
    says = follow(panel, lambda: choose(find(panel.view, "Private examples"), "500"))
    assert "Just tried, features from glyphs, epsilon 1: 0." in says
    assert "may bet 2.7 to 1 at most" in says
    says = follow(panel, lambda: choose(find(panel.view, "Epsilon"), "3"))
    assert "epsilon 3: 0." in says
    assert panel.as_code(panel.values) == (
        "private_heads." + repr(PrivateHead(seeds=2, epsilon=3.0, examples=500))
    )


@pytest.mark.parametrize("number", range(len(game.RUNS)))
def test_each_run_is_judged(number):
    panel = panels.which_is_private()
    panel.start()
    if number:
        says = follow(panel, lambda: choose(find(panel.view, "Run"), f"run {number + 1}"))
        assert "right at once: 0 of 0" in says
    right = "private" if game.RUNS[number].private else "not private"
    wrong = "not private" if game.RUNS[number].private else "private"
    says = follow(panel, lambda: choose(find(panel.view, "It is"), wrong))
    assert "No: this run is" in says and "right at once: 0 of 1" in says
    says = follow(panel, lambda: choose(find(panel.view, "It is"), right))
    assert "Right: this run is" in says and "right at once: 0 of 1" in says  # the first one counts


def test_another_run_is_asked_about_anew():
    panel = panels.which_is_private()
    follow(panel, lambda: choose(find(panel.view, "It is"), "private"))
    follow(panel, lambda: choose(find(panel.view, "Run"), "run 2"))
    panel.wait()
    assert panel.values["answer"] == panels.UNANSWERED
    assert "this run is" not in panel.alt


def test_some_runs_are_private_and_some_are_not():
    assert {run.private for run in game.RUNS} == {True, False}
    assert len({run.because for run in game.RUNS}) == len({run.lines for run in game.RUNS}) == 6


@pytest.mark.slow
def test_maps_follow_head_method_and_steps():
    panel = panels.what_a_head_looks_at()
    says = follow(panel, lambda: choose(find(panel.view, "Steps"), "128"))
    assert "with 128 steps" in says and 'The digit head says "' in says
    errors = [float(says.partition("completeness error ")[2].split()[0])]
    says = follow(panel, lambda: choose(find(panel.view, "Steps"), "2"))
    errors.append(float(says.partition("completeness error ")[2].split()[0]))
    assert errors[0] < 0.02 < errors[1]
    says = follow(panel, lambda: choose(find(panel.view, "Head"), "garment"))
    assert "The garment head says" in says
    says = follow(panel, lambda: choose(find(panel.view, "Method"), "Grad-CAM"))
    assert "completeness" not in says
    for baseline in panels.browsing.BASELINES:
        image = np.random.default_rng(0).random((28, 28, 1)).astype(np.float32)
        assert panels.browsing.baseline_of(image, baseline).shape == image.shape


@pytest.mark.slow
def test_a_budget_names_what_can_be_afforded():
    panel = panels.budget(steps=60)
    panel.start()
    assert "timed here: " in panel.alt
    rich = follow(panel, lambda: choose(find(panel.view, "Seconds"), "600"))
    assert "10 labels per class, 600 seconds: take SimMIM" in rich
    again = follow(panel, lambda: choose(find(panel.view, "Seconds"), "300"))
    assert rich.partition("timed here")[2] == again.partition("timed here")[2]  # not timed anew
    other = follow(panel, lambda: choose(find(panel.view, "Labels per class"), "1"))
    assert "1 label per class, 300 seconds" in other


@pytest.mark.parametrize(
    "asked",
    [{"number": 12}, {"task": "digits"}, {"method": "maps"}, {"baseline": "red"}, {"steps": 0}],
)
def test_the_browser_has_no_other_pictures_heads_and_methods(asked):
    with pytest.raises(WorkbookError, match=next(iter(asked))):
        panels.browsing.Question(**asked)
