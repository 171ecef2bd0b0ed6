"""The three panels of lesson 04, driven as a browser would, and what they draw."""

import numpy as np
import pytest
from widget_driver import choose, click, find, follow, hidden_errors, send

from simmim_lib import experiments, weighting
from simmim_lib.errors import WorkbookError
from simmim_lib.foundation.intervals import interval
from simmim_lib.lessons.task_weights import (
    conflict,
    panels,
)
from simmim_lib.lessons.task_weights import shares as task_weights_shares
from simmim_lib.lessons.task_weights.shares import (
    small_experiment,
    weightings_to_compare,
)
from simmim_lib.panels import memory
from simmim_lib.panels.panel import Cancelled
from simmim_lib.settings import WEIGHTINGS, Settings

TINY = small_experiment(targets=("mnist", "uci-digits"), labels_per_class=2, steps=20, seeds=2)
THREE = ("mnist", "uci-digits", "fashion")


def complaint(panel, change) -> str:
    """Make a change that cannot be meant, and return the one sentence in the panel."""
    change()
    panel.wait()
    assert isinstance(panel.error, WorkbookError)
    assert hidden_errors(panel.view) == [panel.message.value]
    sentence = str(panel.error)
    assert sentence.endswith(".")
    assert ". " not in sentence
    return sentence


def _code(panel) -> str:
    click(find(panel.view, "Copy settings"))
    return panel.code.value


def _ratio(panel) -> str:
    return find(panel.view, "Weights").value


# Task weights


@pytest.fixture(scope="module")
def weights_panel():
    return panels.task_weights(TINY)


@pytest.fixture(autouse=True)
def small_sweeps(monkeypatch):
    """Measure few weightings beside those that are set: how many changes nothing else."""
    monkeypatch.setattr(task_weights_shares, "FRONT_PERCENTS", (10, 50, 90))
    monkeypatch.setattr(task_weights_shares, "TRIANGLE_PARTS", 2)


@pytest.mark.colab
@pytest.mark.slow
def test_a_slider_moves_the_others_and_the_picture(weights_panel):
    panel = weights_panel
    says = follow(panel, lambda: send(find(panel.view, "MNIST digits %"), value=70))
    assert _ratio(panel) == "70 : 30"
    assert find(panel.view, "UCI digits %").value == 30
    assert "mnist has 70% of the weight" in says
    assert "Of 4 weightings" in says
    says = follow(panel, lambda: send(find(panel.view, "UCI digits %"), value=100))
    assert "mnist has 0% of the weight" in says
    assert "Set before: 70 : 30" in says
    assert "task_weights=(0.0, 1.0)" in _code(panel)


@pytest.mark.colab
@pytest.mark.slow
def test_a_ratio_can_be_typed(weights_panel):
    panel = weights_panel
    says = follow(panel, lambda: send(find(panel.view, "Weights"), value="1 : 3"))
    assert find(panel.view, "MNIST digits %").value == 25
    assert "uci-digits has 75% of the weight" in says
    says = follow(panel, lambda: choose(find(panel.view, "Seeds"), "3"))
    assert "3 seeds" in says
    assert "Set before" not in says  # with other seeds they would not compare


@pytest.mark.colab
@pytest.mark.slow
def test_three_targets_are_weighed_by_clicking_on_the_triangle():
    panel = panels.task_weights(TINY)
    triangle = find(panel.view, "1:1:0")
    says = follow(
        panel,
        lambda: choose(find(panel.view, "Targets"), "MNIST digits, UCI digits, Fashion-MNIST"),
    )
    assert _ratio(panel) == "1 : 1 : 1"
    assert "Of 7 weightings" in says
    says = follow(panel, lambda: click(triangle))
    assert _ratio(panel) == "1 : 1 : 0"
    assert triangle.button_style == "info"
    assert "fashion has 0% of the weight" in says
    shares = [find(panel.view, f"{name} %").value for name in ("MNIST digits", "Fashion-MNIST")]
    assert shares == [50, 0]
    follow(panel, lambda: send(find(panel.view, "Weights"), value="3 : 1 : 0"))
    says = follow(panel, lambda: send(find(panel.view, "Fashion-MNIST %"), value=40))
    assert _ratio(panel) == "45 : 15 : 40"
    assert "Set before: 33 : 33 : 33, 50 : 50 : 0, 75 : 25 : 0" in says
    # Back to two: the third slider goes away, and weights begin anew.
    third = find(panel.view, "Fashion-MNIST %")
    follow(panel, lambda: choose(find(panel.view, "Targets"), "MNIST digits, UCI digits"))
    assert _ratio(panel) == "1 : 1"
    assert third.layout.display == "none"


@pytest.mark.colab
@pytest.mark.slow
def test_weights_that_are_all_zero_get_one_sentence_and_the_picture_stays():
    panel = panels.task_weights(TINY)
    follow(panel, lambda: send(find(panel.view, "Weights"), value="9 : 1"))
    before = panel.png
    box = find(panel.view, "Weights")
    assert "all 0" in complaint(panel, lambda: send(box, value="0 : 0"))
    assert "try 2 : 1" in complaint(panel, lambda: send(box, value="many"))
    click(find(panel.view, "Copy settings"))
    assert "try 2 : 1" in panel.message.value
    assert panel.png == before
    follow(panel, lambda: send(box, value="1 : 9"))
    assert find(panel.view, "MNIST digits %").value == 10


@pytest.mark.colab
def test_one_target_gets_one_sentence():
    for panel in (
        panels.task_weights(TINY.replace(targets=("mnist",))),
        panels.compare_weightings(TINY.replace(targets=("mnist",))),
    ):
        told = complaint(panel, lambda panel=panel: choose(find(panel.view, "Seeds"), "3"))
        assert "only mnist" in told
    with pytest.raises(WorkbookError, match="only mnist"):
        conflict.conflict_over_time(Settings(targets="mnist"))


@pytest.mark.colab
def test_four_targets_get_one_sentence():
    four = ("mnist", "uci-digits", "fashion", "glyphs")
    panel = panels.task_weights(TINY.replace(targets=four))
    last = find(panel.view, "Glyphs %")
    assert "choose two of them" in complaint(panel, lambda: send(last, value=40))
    assert _ratio(panel) == "20 : 20 : 20 : 40"


@pytest.mark.slow
def test_the_picture_comes_first_and_the_front_after_it():
    told = []
    settings = TINY.replace(task_weights=(0.75, 0.25), labels_per_class=3)
    panel = panels.task_weights(settings)
    pictures = list(panel.update(panel.values, lambda *now: told.append(now)))
    assert "Of 1 weightings" in pictures[0].alt
    assert "Of 4 weightings" in pictures[-1].alt
    assert told == [(20 * part, 4 * 20) for part in (1, 2, 3, 4)]


@pytest.mark.slow
def test_weights_set_before_are_measured_again_if_they_were_forgotten(monkeypatch):
    panel = panels.task_weights(TINY)
    for weights in ("3 : 7", "7 : 3"):
        says = follow(
            panel, lambda weights=weights: send(find(panel.view, "Weights"), value=weights)
        )
    monkeypatch.setattr(memory, "MEMORY", memory.Memory(max_entries=2, max_bytes=10**8))
    *_, last = panel.update(panel.values, lambda done, total: None)
    assert "Set before: 30 : 70." in last.alt
    assert last.alt == says


def test_only_the_last_weights_are_drawn(monkeypatch):
    """No more than are remembered, or each move would train all that was just forgotten."""
    trails = []
    monkeypatch.setattr(panels, "_trade_offs", lambda _, trail, __: [trails.append(trail)])
    panel = panels.task_weights(TINY)
    for number in range(panels.MAX_TRAIL + 5):
        list(panel.update({**panel.values, "weights": f"{number + 1} : 100"}, lambda *now: None))
    assert len(trails[-1]) == panels.MAX_TRAIL
    assert trails[-1][:-1] == trails[-2][1:]


@pytest.mark.slow
def test_weights_that_were_cancelled_are_not_told_as_set_before():
    panel = panels.task_weights(TINY.replace(labels_per_class=5))

    def stop(done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        next(panel.update({**panel.values, "weights": "2 : 8"}, stop))
    first = next(panel.update(panel.values, lambda done, total: None))
    assert "Set before" not in first.alt


@pytest.mark.slow
def test_what_the_panel_says_is_what_the_experiment_gives(weights_panel):
    panel = weights_panel
    choose(find(panel.view, "Seeds"), "2")
    panel.wait()
    says = follow(panel, lambda: send(find(panel.view, "Weights"), value="9 : 1"))
    plan = TINY.replace(task_weights=(0.9, 0.1))
    result = experiments.run(plan, baseline=False)
    for target in TINY.targets:
        values = result.validation[target]
        mean, half = interval(values)
        assert f"validation accuracy {mean:.3f} ± {half:.3f}" in says


# Conflict


@pytest.mark.colab
@pytest.mark.slow
def test_turning_and_stretching_the_arrows():
    panel = panels.conflict(length=1.0)
    says = follow(panel, lambda: send(find(panel.view, "Angle (degrees)"), value=60))
    assert "60° apart (cosine 0.50: no conflict), equally long" in says
    says = follow(panel, lambda: send(find(panel.view, "Length of second"), value=100.0))
    assert "the second 100 times as long" in says
    says = follow(panel, lambda: send(find(panel.view, "Angle (degrees)"), value=180))
    # No step helps both; a long gradient outvotes a short one in the plain sum.
    assert "MGDA: weights 0.99, 0.0099, direction of length 0, both losses stay" in says
    assert "Against the plain sum: loss 1 rises, loss 2 falls" in says
    assert panel.code.value == ""


# Comparison of weightings


@pytest.mark.colab
@pytest.mark.slow
def test_weightings_beside_the_plain_sum():
    panel = panels.compare_weightings(TINY, methods=("random",))
    says = follow(panel, lambda: send(find(panel.view, "MGDA"), value=True))
    assert "3 weightings" in says
    plain, random = (
        experiments.run(TINY.replace(weighting=name), baseline=False).accuracy
        for name in ("fixed", "random")
    )
    gain = np.mean([100 * (random[t] - plain[t]) for t in TINY.targets], axis=0)
    mean, half = interval(gain)
    own = says.split("random (RLW): ")[1].split(" MGDA: ")[0]
    assert f"mean {mean:+.1f} ± {half:.1f} points" in own
    says = follow(panel, lambda: choose(find(panel.view, "Seeds"), "3"))
    assert "3 seeds" in says
    says = follow(panel, lambda: choose(find(panel.view, "Targets"), "MNIST digits, Fashion-MNIST"))
    assert "mnist, fashion" in says
    code = _code(panel)
    assert "weighting=name)) for name in (&#x27;fixed&#x27;, &#x27;random&#x27;" in code


def test_the_copied_line_of_a_comparison_is_its_settings():
    plans = weightings_to_compare(TINY, ["random", "mgda"])
    panel = panels.compare_weightings(TINY, methods=("random", "mgda"))
    code = panel.as_code(panel.values)

    class Recorder:
        Settings = staticmethod(Settings)

        @staticmethod
        def run(settings):
            return settings

    assert eval(code, {"simmim_lib": Recorder}) == plans


@pytest.mark.colab
@pytest.mark.slow
def test_every_weighting_has_a_box_and_can_be_left_out():
    panel = panels.compare_weightings(TINY, methods=("dwa",))
    boxes = [find(panel.view, weighting.METHODS[name].short_title) for name in WEIGHTINGS[1:]]
    assert [box.value for box in boxes].count(True) == 1
    assert "at least one weighting" in complaint(panel, lambda: send(boxes[2], value=False))
    for box in boxes:
        send(box, value=True)
    says = follow(panel, lambda: choose(find(panel.view, "Seeds"), "1"))
    assert f"{len(WEIGHTINGS)} weightings" in says


@pytest.mark.slow
def test_the_comparison_is_redrawn_as_each_method_finishes():
    told = []
    panel = panels.compare_weightings(TINY.replace(labels_per_class=4), ["famo", "pcgrad"])
    pictures = panel.update(panel.values, lambda *now: told.append(now))
    counts = [picture.alt.split(" weightings")[0] for picture in pictures]
    assert counts == ["1", "2", "3"]
    assert told[-1] == (3 * 20, 3 * 20)
