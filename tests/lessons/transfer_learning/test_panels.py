"""The panel of lesson 01: it shows what experiments give, and names what is frozen."""

import image_making
import pytest
from rehearsal import rehearsed
from widget_driver import choose

from simmim_lib import experiments
from simmim_lib.errors import WorkbookError
from simmim_lib.foundation.intervals import interval
from simmim_lib.lessons.transfer_learning import figures, panels
from simmim_lib.panels import memory
from simmim_lib.settings import ADAPTATIONS, Settings
from simmim_lib.trunks.catalogue import SMALL_CNN

DEPTHS = range(len(SMALL_CNN.blocks) + 1)


@pytest.fixture
def forgetful(monkeypatch):
    """Let nothing be remembered, and what is made up be forgotten."""
    monkeypatch.setattr(memory, "MEMORY", memory.Memory(max_entries=100, max_bytes=10**8))


def quiet(done, total):
    """Nobody looks at this progress."""


@pytest.fixture(scope="module")
def panel():
    return panels.frozen_layers(Settings(steps=5, seeds=2))


def with_interval(accuracy):
    mean, half_width = interval(accuracy)
    return f"{mean:.3f} ± {half_width:.3f}"


@pytest.mark.slow
def test_the_panel_s_numbers_are_those_of_experiments_and_its_baseline_is_from_scratch(panel):
    start = Settings(steps=5, seeds=2)
    choose(panel.controls["frozen_layers"], "3")
    panel.wait()
    assert panel.error is None, panel.message.value
    for depth in DEPTHS:
        result = experiments.run(start.replace(frozen_layers=depth), baseline=False)
        assert f"{depth} frozen: {with_interval(result.accuracy['mnist'])}" in panel.alt
    scratch = experiments.run(start.from_scratch(), baseline=False)
    assert f"From scratch: {with_interval(scratch.accuracy['mnist'])}." in panel.alt
    *_, last = panel.update(panel.values, pytest.fail)  # nothing is trained again
    assert (panel.png, panel.alt) == (last.png(), last.alt)


@pytest.mark.colab
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "label", "change", "words"),
    [
        ("frozen_layers", "1", {"frozen_layers": 1}, "frozen: convolution_1. 155,626 weights"),
        ("frozen_layers", "3", {"frozen_layers": 3}, "convolution_2, convolution_3. 132,490"),
        ("source", "fashion", {"source": "fashion"}, "pre-training on fashion"),
        ("targets", "uci-digits", {"targets": "uci-digits"}, "Test accuracy on uci-digits"),
        ("labels_per_class", "5", {"labels_per_class": 5}, "5 labels per class"),
        ("adaptation", "probe", {"adaptation": "probe"}, "A probe freezes all layers"),
        ("seeds", "1", {"seeds": 1}, "1 seed, budget"),
    ],
)
def test_the_picture_is_that_of_the_experiment_that_a_control_asks_for(
    name, label, change, words, forgetful
):
    """The first picture, before the other depths are measured."""
    start = Settings(steps=4, seeds=2, frozen_layers=2)
    panel = panels.frozen_layers(start)
    asked = start.replace(**change)
    experiments.initialise(asked)  # the source is real
    with rehearsed():
        choose(panel.controls[name], label)
        panel.stop()
        panel.wait()
        first = next(panel.update(panel.values, quiet))
        result = experiments.run(asked, baseline=False)
    expected = figures.frozen_depth({asked.depth: result}, asked.depth, None)
    assert first.png() == expected.png()
    assert first.alt == expected.alt
    assert words in first.alt
    assert panel.as_code(panel.values) == asked.as_code()


@pytest.mark.slow
@pytest.mark.parametrize("adaptation", ADAPTATIONS)
@pytest.mark.parametrize("depth", DEPTHS)
def test_the_picture_s_words_agree_with_what_was_trained(adaptation, depth, forgetful):
    start = Settings(adaptation=adaptation, frozen_layers=depth, steps=4, seeds=2)
    panel = panels.frozen_layers(start)
    with rehearsed() as calls:
        picture = next(panel.update(panel.values, quiet))
    weights = calls[-1].weights
    trained = sum(weight[0].size for weight in weights)
    frozen = len(SMALL_CNN.blocks) - (len(weights) - 2) // 2  # a kernel and a bias each; the head
    words = f"{trained:,} weights trained, {155_786 - trained:,} frozen"
    drawing = picture.figure.axes[0]
    assert drawing.get_title(loc="left") == f"glyphs → mnist: {words}"
    states = [text.get_text() for text in drawing.texts if text.get_text() in ("frozen", "trained")]
    assert states == ["frozen"] * frozen + ["trained"] * (5 - frozen)
    names = ", ".join(SMALL_CNN.blocks[:frozen]) or "no layer"
    assert picture.alt.endswith(f"The drawing marks as frozen: {names}. {words}.")
    if adaptation == "probe":
        assert trained == 1_290


@pytest.mark.slow
@pytest.mark.parametrize(
    ("adaptation", "trainings", "calls_of_each"),
    [("fine-tune", 6, 1), ("probe", 2, 1), ("probe-then-fine-tune", 6, 2)],
)
def test_each_depth_is_trained_once_and_a_probe_has_only_one(
    adaptation, trainings, calls_of_each, forgetful
):
    panel = panels.frozen_layers(Settings(adaptation=adaptation, steps=4, seeds=2))
    bar = []
    with rehearsed() as calls:
        first, last = panel.update(panel.values, lambda *now: bar.append(now[0] / now[1]))
        # From scratch there is nothing to probe.
        assert len(calls) == (trainings - 1) * calls_of_each + 1
        assert list(panel.update(panel.values, pytest.fail))[-1].alt == last.alt
    assert bar == sorted(set(bar)) and bar[-1] == 1
    measured = [depth for depth in DEPTHS if f"{depth} frozen: " in last.alt]
    assert measured == ([4] if adaptation == "probe" else [*DEPTHS])
    assert "From scratch" not in first.alt and "From scratch" in last.alt


@pytest.mark.slow
def test_a_probe_has_one_point_and_the_slider_has_no_effect(forgetful):
    start = Settings(adaptation="probe", steps=4, seeds=2)
    alts = set()
    for depth in (0, 3):
        panel = panels.frozen_layers(start.replace(frozen_layers=depth))
        with rehearsed():
            *_, last = panel.update(panel.values, quiet)
        alts.add(last.alt)
        curve = next(axes for axes in last.figure.axes if axes.get_xlabel() == "frozen layers")
        (line, *_) = curve.containers[0]
        assert list(line.get_xdata()) == [4]
        assert figures.PROBE_NOTE in [text.get_text() for text in curve.texts]
    assert len(alts) == 1


def test_of_several_targets_the_first_is_used():
    several = Settings(
        targets=("mnist", "uci-digits"),
        labels_per_class=(7, 2),
        task_weights=(1, 2),
        weighting="pcgrad",
        shared_heads=True,
        steps=4,
        seeds=2,
    )
    panel = panels.frozen_layers(several)
    alone = Settings(targets="mnist", labels_per_class=7, steps=4, seeds=2)
    assert panel.as_code(panel.values) == alone.as_code()


@pytest.mark.slow
def test_only_copied_layers_can_be_frozen(forgetful):
    panel = panels.frozen_layers(Settings(copied_layers=2, steps=4, seeds=2))
    assert list(panel.controls["frozen_layers"]._options_labels) == ["0", "1", "2"]
    with rehearsed():
        *_, last = panel.update(panel.values, quiet)
    assert "2 frozen" in last.alt and "3 frozen" not in last.alt


def test_without_a_source_there_is_nothing_to_freeze():
    with pytest.raises(WorkbookError, match="source is None: name one"):
        panels.frozen_layers(Settings(source=None))


@pytest.mark.colab
def test_controls_have_words_and_answer_when_let_go(panel):
    for name, control in panel.controls.items():
        assert control.description, name
        if hasattr(control, "continuous_update"):
            assert not control.continuous_update, name
        assert control.layout.max_width == "100%", name  # a phone is narrower than a control
    assert panel.picture.layout.max_width == "100%"


LARGE = Settings(trunk="efficientnet-lite0", image_size=32, steps=4, seeds=1)


@pytest.mark.slow
def test_of_a_large_trunk_only_the_depths_asked_for_are_trained(forgetful):
    """All ten would take minutes; what was asked for before stays in the curve."""
    panel = panels.frozen_layers(LARGE)
    experiments.initialise(LARGE)
    alts = []
    with rehearsed() as calls:
        for depth in (9, 8):
            values = {**panel.values, "frozen_layers": depth}
            alts.append([*panel.update(values, quiet)][-1].alt)
    measured = [[depth for depth in range(10) if f"{depth} frozen: " in alt] for alt in alts]
    assert measured == [[9], [8, 9]]
    assert len(calls) == 3  # two depths, and the baseline once


def test_a_large_trunk_offers_its_own_weights_and_all_its_depths():
    controls = panels.frozen_layers(LARGE).controls
    assert [value for _, value in controls["source"].options] == ["imagenet"]
    assert [value for _, value in controls["frozen_layers"].options] == [*range(10)]


@pytest.mark.colab
def test_the_recipe_is_asked_for_first(forgetful):
    panel = panels.frozen_layers(Settings(frozen_layers=2, steps=4, seeds=1))
    assert next(iter(panel.controls)) == "recipe"
    with rehearsed():
        choose(panel.controls["recipe"], "SimMIM (lesson 05)")
        panel.stop()
        panel.wait()
        next(panel.update(panel.values, quiet))
    asked = Settings(recipe="simmim", frozen_layers=2, steps=4, seeds=1)
    assert panel.as_code(panel.values) == asked.as_code()


def test_a_folder_is_called_by_its_name(tmp_path):
    folder = image_making.fill(tmp_path / "holiday-pets", {"cat": 10, "dog": 10})
    target = f"folder:{folder}"
    control = panels.frozen_layers(Settings(targets=(target,))).controls["targets"]
    assert ("holiday-pets", (target,)) in control.options and control.value == (target,)
