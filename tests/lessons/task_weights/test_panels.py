"""The three panels of lesson 04, what they draw, and what they compute it with."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from widget_driver import choose, click, find, follow, hidden_errors, send

from simmim_lib import experiments, weighting
from simmim_lib.errors import WorkbookError
from simmim_lib.foundation.intervals import interval
from simmim_lib.lessons.task_weights import (
    conflict,
    conflict_figures,
    figures,
    panels,
    shares_figures,
)
from simmim_lib.lessons.task_weights import shares as lessons_task_weights_shares
from simmim_lib.lessons.task_weights import shares as task_weights_shares
from simmim_lib.lessons.task_weights.shares import move, on_front, read_shares, rivals
from simmim_lib.panels.memory import measure
from simmim_lib.settings import WEIGHTINGS, Settings

pytestmark = pytest.mark.colab

TINY = task_weights_shares.start(
    targets=("mnist", "uci-digits"), labels_per_class=2, steps=20, seeds=2
)
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


# Shares


def test_shares_sum_to_one_and_keep_the_ratio():
    assert task_weights_shares.shares([2, 6], ("a", "b")) == (0.25, 0.75)
    assert task_weights_shares.shares([1e308, 1e308], ("a", "b")) == (0.5, 0.5)
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
    after = move(percent, moved, to)
    assert sum(after) == 100
    assert after[moved] == to
    assert min(after) >= 0
    others = [k for k in range(len(percent)) if k != moved]
    total = sum(percent[k] for k in others)
    for k in others:
        exact = (100 - to) * (percent[k] / total if total else 1 / len(others))
        assert abs(after[k] - exact) < 1


def test_the_triangle_holds_every_ratio_once(monkeypatch):
    monkeypatch.setattr(lessons_task_weights_shares, "PARTS", 6)
    ratios = task_weights_shares.triangle()
    wanted = {r for r in itertools.product(range(7), repeat=3) if sum(r) == 6}
    assert set(ratios) == wanted
    assert len(ratios) == len(wanted) == 28
    assert ratios[0] == (6, 0, 0)


# Task weights


@pytest.fixture(scope="module")
def weights_panel():
    return panels.task_weights(TINY)


@pytest.fixture(autouse=True)
def small_sweeps(monkeypatch):
    """Measure few weightings beside those that are set: how many changes nothing else."""
    monkeypatch.setattr(lessons_task_weights_shares, "FRONT", (10, 50, 90))
    monkeypatch.setattr(lessons_task_weights_shares, "PARTS", 2)


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


def test_a_ratio_can_be_typed(weights_panel):
    panel = weights_panel
    says = follow(panel, lambda: send(find(panel.view, "Weights"), value="1 : 3"))
    assert find(panel.view, "MNIST digits %").value == 25
    assert "uci-digits has 75% of the weight" in says
    says = follow(panel, lambda: choose(find(panel.view, "Seeds"), "3"))
    assert "3 seeds" in says
    assert "Set before" not in says  # with other seeds they would not compare


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


def test_weights_that_are_all_zero_get_one_sentence_and_the_picture_stays():
    panel = panels.task_weights(TINY)
    follow(panel, lambda: send(find(panel.view, "Weights"), value="9 : 1"))
    before = panel.picture.value
    box = find(panel.view, "Weights")
    assert "all 0" in complaint(panel, lambda: send(box, value="0 : 0"))
    assert "try 2 : 1" in complaint(panel, lambda: send(box, value="many"))
    click(find(panel.view, "Copy settings"))
    assert "try 2 : 1" in panel.message.value
    assert panel.picture.value == before
    follow(panel, lambda: send(box, value="1 : 9"))
    assert find(panel.view, "MNIST digits %").value == 10


def test_one_target_gets_one_sentence():
    for panel in (
        panels.task_weights(TINY.replace(targets=("mnist",))),
        panels.race(TINY.replace(targets=("mnist",))),
    ):
        told = complaint(panel, lambda panel=panel: choose(find(panel.view, "Seeds"), "3"))
        assert "only mnist" in told
    with pytest.raises(WorkbookError, match="only mnist"):
        conflict.conflict_over_time(Settings(targets="mnist"))


def test_four_targets_get_one_sentence():
    four = ("mnist", "uci-digits", "fashion", "glyphs")
    panel = panels.task_weights(TINY.replace(targets=four))
    last = find(panel.view, "Glyphs %")
    assert "choose two of them" in complaint(panel, lambda: send(last, value=40))
    assert _ratio(panel) == "20 : 20 : 20 : 40"


def test_the_picture_comes_first_and_the_front_after_it():
    told = []
    settings = TINY.replace(task_weights=(0.75, 0.25), labels_per_class=3)
    pictures = list(
        panels._weight_pictures(settings, panels._Trails(), lambda *now: told.append(now))
    )
    assert "Of 1 weightings" in pictures[0].alt
    assert "Of 4 weightings" in pictures[-1].alt
    assert told[-1] == (3 * 20, 3 * 20)


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


def test_the_front_is_what_nothing_dominates():
    runs = {s: measure(TINY.replace(task_weights=s), lambda *_: None)
            for s in ((0.1, 0.9), (0.5, 0.5), (0.9, 0.1))}  # fmt: skip
    for values, (result, place) in zip(
        ([0.9, 0.7], [0.8, 0.8], [0.8, 0.7]), zip(runs.values(), runs, strict=True), strict=True
    ):
        accuracy = dict(zip(TINY.targets, values, strict=True))
        runs[place] = dataclasses.replace(
            result, validation={name: np.full(2, value) for name, value in accuracy.items()}
        )
    assert on_front(runs) == {(0.1, 0.9), (0.5, 0.5)}
    says = shares_figures.task_weights(runs, [(0.9, 0.1)]).alt
    assert "Of 3 weightings 2 lie on the Pareto front: 10 : 90 gives 0.900, 0.700" in says


# Conflict


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


@pytest.mark.parametrize("angle", [0, 30, 90, 91, 120, 179, 180])
@pytest.mark.parametrize("length", [0.01, 0.5, 1, 100])
def test_what_methods_make_of_two_arrows(angle, length):
    found = conflict.arrows(angle, length)
    cosine = np.cos(np.radians(angle))
    first, second = found.gradients
    assert first @ second == pytest.approx(length * cosine, abs=1e-12 * length)
    # PCGrad for two tasks, by hand: each gradient less its projection on the other.
    lost = min(cosine, 0)
    by_hand = (first - lost / length * second) + (second - lost * length * first)
    assert found.combined["pcgrad"].direction == pytest.approx(by_hand, abs=1e-9 * (1 + length))
    if 0 < angle < 180:
        for name in ("mgda", "pcgrad", "imtl-g", "nash-mtl"):
            assert (found.falls(found.combined[name].direction) >= 0).all()
        assert list(found.falls(-first)) == [-1, int(np.sign(np.round(-cosine, 9)))]
    picture = conflict_figures.conflict(found)
    assert picture.alt.count("losses") + picture.alt.count("loss 1") == 7  # 6 methods, plain sum


def test_arrows_that_cannot_be_meant():
    with pytest.raises(WorkbookError, match="0 to 180"):
        conflict.arrows(181, 1)
    with pytest.raises(WorkbookError, match="above 0"):
        conflict.arrows(90, 0)


# Race


@pytest.mark.slow
def test_a_race_against_the_plain_sum():
    panel = panels.race(TINY, methods=("random",))
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


def test_the_copied_line_of_a_race_is_its_settings():
    plans = rivals(TINY, ["mgda", "random"])
    code = panels._race_code(plans)

    class Recorder:
        Settings = staticmethod(Settings)

        @staticmethod
        def run(settings):
            return settings

    assert eval(code, {"simmim_lib": Recorder}) == plans


@pytest.mark.slow
def test_every_weighting_has_a_box_and_can_be_left_out():
    panel = panels.race(TINY, methods=("dwa",))
    boxes = [find(panel.view, figures.TITLES[name]) for name in WEIGHTINGS[1:]]
    assert [box.value for box in boxes].count(True) == 1
    assert "at least one weighting" in complaint(panel, lambda: send(boxes[2], value=False))
    for box in boxes:
        send(box, value=True)
    says = follow(panel, lambda: choose(find(panel.view, "Seeds"), "1"))
    assert "12 weightings" in says


def test_the_race_is_redrawn_as_each_method_finishes():
    told = []
    plans = rivals(TINY.replace(labels_per_class=4), ["famo", "pcgrad"])
    pictures = panels._race_pictures(plans, lambda *now: told.append(now))
    counts = [picture.alt.split(" weightings")[0] for picture in pictures]
    assert counts == ["1", "2", "3"]
    assert told[-1] == (3 * 20, 3 * 20)


# Conflict over time


@pytest.mark.parametrize("shared_heads", [False, True])
def test_gradients_over_time_agree_with_a_plain_tape(shared_heads):
    import keras
    import tensorflow as tf

    settings = TINY.replace(
        targets=THREE, shared_heads=shared_heads, task_weights=(1, 2, 3), steps=30
    )
    found = conflict.conflict_over_time(settings)
    assert list(found.steps) == [0, 20, 30]
    tasks = experiments.choose_tasks(settings)
    network = experiments.transfer(settings, tasks, experiments.initialise(settings))
    *_, last = experiments.maximise_information(settings, tasks, network)
    model, seed = network.model, 1
    for look, weights in ((0, network.weights), (-1, last)):
        model.set_weights([weight[seed] for weight in weights])
        rows = []
        for name, task in tasks.items():
            part, chosen = network.features[name].train, task.choices[seed].labelled
            shared = [w.value for w, s in zip(model.weights, model.is_shared, strict=True) if s]
            with tf.GradientTape() as tape:
                logits = model({name: part.images[chosen]})[name]
                entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
                loss = entropy(part.labels[chosen], logits)
            gradients = tape.gradient(loss, shared)
            rows.append(
                np.concatenate(
                    [
                        np.zeros(np.prod(variable.shape)) if g is None else np.ravel(g)
                        for g, variable in zip(gradients, shared, strict=True)
                    ]
                ).astype(float)
            )
        norms = np.linalg.norm(rows, axis=1)
        assert found.norms[look, seed] == pytest.approx(norms, rel=1e-3)
        cosines = np.inner(rows, rows) / np.outer(norms, norms)
        assert found.cosines[look, seed] == pytest.approx(cosines, abs=1e-3)
    picture = conflict_figures.conflict_over_time(found)
    start = found.cosines[0, :, 0, 2].mean()
    assert f"mnist and fashion: cosine {start:.2f} at the start" in picture.alt
    assert picture.png()


def test_nothing_shared_cannot_conflict():
    with pytest.raises(WorkbookError, match="freeze fewer layers"):
        conflict.conflict_over_time(TINY.replace(frozen_layers=4))


def test_every_method_has_a_title_and_a_line():
    assert set(figures.TITLES) == set(figures.LINES) == set(weighting.METHODS)
    assert len({line["color"] for line in figures.LINES.values()}) == 12
