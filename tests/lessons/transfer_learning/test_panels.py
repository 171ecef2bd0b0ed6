"""Panels without a kernel: the browser's messages in, pictures and words out."""

import io
import threading

import ipywidgets
import numpy as np
import pytest
from PIL import Image
from planted_results import as_scores
from widget_driver import choose, click, send

from simmim_lib import datasets, experiments, freezing, trunks
from simmim_lib.errors import WorkbookError
from simmim_lib.foundation.intervals import interval
from simmim_lib.lessons.transfer_learning import figures, panels
from simmim_lib.panels import memory
from simmim_lib.panels.panel import Panel
from simmim_lib.pictures.style import COLOURS, Picture, new_figure
from simmim_lib.settings import ADAPTATIONS, Settings

pytestmark = pytest.mark.colab


def picture(value):
    figure = new_figure(2, 1)
    figure.text(0.1, 0.5, str(value))
    return Picture(figure, f"the value {value}")


def slider_panel(update):
    slider = ipywidgets.IntSlider(max=10, continuous_update=False)
    return Panel({"value": slider}, update, lambda values: f"run({values['value']})")


@pytest.fixture
def shown(monkeypatch):
    """What the panel hands to the notebook, without one."""
    outputs = []

    class Handle:
        def update(self, data, **options):
            outputs.append((data, options["metadata"]))

    def display(data, *, metadata, raw, display_id):
        outputs.append((data, metadata))
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    return outputs


def test_the_picture_follows_the_control():
    panel = slider_panel(lambda values, progress: iter([picture(values["value"])]))
    seen = set()
    for value in (3, 4, 3):
        send(panel.controls["value"], value=value)
        panel.wait()
        seen.add(panel.picture.value)
    assert len(seen) == 2
    assert Image.open(io.BytesIO(panel.picture.value)).format == "PNG"
    assert panel.error is None


def test_the_output_holds_the_panel_and_its_static_twin(shown):
    panel = slider_panel(lambda values, progress: iter([picture(1), picture(2)]))
    panel._ipython_display_()
    first, last = shown[0][0], shown[-1][0]
    view = "application/vnd.jupyter.widget-view+json"
    assert first[view]["model_id"] == last[view]["model_id"] == panel.view.model_id
    assert "image/png" not in first  # the controls are there before the picture is
    assert last["text/plain"] == "the value 2"
    assert shown[-1][1] == {"image/png": {"alt": "the value 2"}}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (WorkbookError("Choose <b>another</b> number."), "Choose &lt;b&gt;another"),
        (RuntimeError("it broke"), "Something went wrong that should not"),
    ],
)
def test_a_failure_is_shown_and_kept(error, words):
    def fail(values, progress):
        raise error
        yield

    panel = slider_panel(fail)
    send(panel.controls["value"], value=1)
    panel.wait()
    assert panel.error is error
    assert words in panel.message.value
    assert 'class="simmim-error"' in panel.message.value


def test_the_next_picture_takes_the_failure_away():
    def sometimes(values, progress):
        if values["value"] == 1:
            raise WorkbookError("Not 1.")
        yield picture(values["value"])

    panel = slider_panel(sometimes)
    for value in (1, 2):
        send(panel.controls["value"], value=value)
        panel.wait()
    assert panel.error is None
    assert panel.message.value == ""


class Slow:
    """An update that goes on until it is told to, and counts how often it got to its end."""

    def __init__(self):
        self.started, self.go_on, self.finished = threading.Event(), threading.Event(), []

    def __call__(self, values, progress):
        self.started.set()
        if values["value"] == 1:
            assert self.go_on.wait(10)
        progress(1, 2)
        self.finished.append(values["value"])
        yield picture(values["value"])


def test_a_newer_change_overtakes_an_older_one():
    slow = Slow()
    panel = slider_panel(slow)
    send(panel.controls["value"], value=1)
    assert slow.started.wait(10)
    older = panel._thread
    send(panel.controls["value"], value=2)
    slow.go_on.set()
    panel.wait()
    older.join(10)
    assert slow.finished == [2]
    assert panel._alt == "the value 2"


def test_cancel_stops_and_says_so():
    slow = Slow()
    panel = slider_panel(slow)
    send(panel.controls["value"], value=1)
    assert slow.started.wait(10)
    click(panel.cancel)
    slow.go_on.set()
    panel.wait()
    assert slow.finished == []
    assert "Cancelled" in panel.message.value
    assert panel.working.layout.visibility == "hidden"
    assert panel.error is None


def unheard(slow):
    """Return an update that never looks at whether anybody waits for it still."""

    def update(values, progress):
        slow.started.set()
        if values["value"] == 1:
            assert slow.go_on.wait(10)
        yield picture(values["value"])

    return update


def test_what_was_cancelled_is_not_shown():
    slow = Slow()
    panel = slider_panel(unheard(slow))
    send(panel.controls["value"], value=1)
    assert slow.started.wait(10)
    click(panel.cancel)
    slow.go_on.set()
    panel.wait(10)
    assert not panel.picture.value
    assert "Cancelled" in panel.message.value


def test_what_was_overtaken_is_never_shown():
    slow, seen = Slow(), []
    panel = slider_panel(unheard(slow))
    panel.picture.observe(lambda change: seen.append(change.new), "value")
    send(panel.controls["value"], value=1)
    assert slow.started.wait(10)
    send(panel.controls["value"], value=2)
    slow.go_on.set()
    panel.wait(10)
    assert seen == [picture(2).png()]


def test_copy_settings_shows_the_line():
    panel = slider_panel(lambda values, progress: iter(()))
    copy = next(
        part for part in panel.view.children if getattr(part, "description", "") == "Copy settings"
    )
    send(panel.controls["value"], value=7)
    click(copy)
    assert "run(7)" in panel.code.value
    send(panel.controls["value"], value=8)
    assert panel.code.value == ""  # the line would not be true any more


# --- Frozen layers


@pytest.fixture(scope="module")
def frozen_panel():
    return panels.frozen_layers(Settings(steps=5, seeds=2))


@pytest.mark.slow
def test_freezing_other_layers_retrains(frozen_panel):
    pictures = []
    for depth in (1, 3):
        choose(frozen_panel.controls["frozen_layers"], str(depth))
        frozen_panel.wait()
        assert frozen_panel.error is None, frozen_panel.message.value
        pictures.append(frozen_panel.picture.value)
    assert pictures[0] != pictures[1]
    assert "frozen: convolution_1, convolution_2, convolution_3." in frozen_panel._alt
    for depth in range(5):
        assert f"{depth} frozen: 0." in frozen_panel._alt
    assert "From scratch: 0." in frozen_panel._alt


def told(accuracy):
    mean, half = interval(accuracy["mnist"])
    return f"{mean:.3f} ± {half:.3f}"


def test_the_panel_s_numbers_are_those_of_experiments_and_its_baseline_is_from_scratch(shown):
    start = Settings(steps=5, seeds=2)
    panels.frozen_layers(start)._ipython_display_()
    says = shown[-1][0]["text/plain"]
    for depth in range(5):
        result = experiments.run(start.replace(frozen_layers=depth), baseline=False)
        assert f"{depth} frozen: {told(result.accuracy)}" in says
    scratch = experiments.run(start.from_scratch(), baseline=False)
    assert f"From scratch: {told(scratch.accuracy)}." in says


@pytest.mark.slow
def test_every_control_of_the_panel_works(frozen_panel):
    for name, label in [
        ("source", "fashion"),
        ("targets", "uci-digits"),
        ("labels_per_class", "5"),
        ("adaptation", "probe-then-fine-tune"),
        ("seeds", "1"),
    ]:
        before = frozen_panel.picture.value
        choose(frozen_panel.controls[name], label)
        frozen_panel.wait()
        assert frozen_panel.error is None, frozen_panel.message.value
        assert frozen_panel.picture.value != before, name
    code = frozen_panel._as_code(frozen_panel.values)
    assert "source='fashion'" in code and "targets=('uci-digits',)" in code


def test_controls_have_words_and_answer_when_let_go(frozen_panel):
    for name, control in frozen_panel.controls.items():
        assert control.description, name
        if hasattr(control, "continuous_update"):
            assert not control.continuous_update, name
        assert control.layout.max_width == "100%", name  # a phone is narrower than a control
    assert frozen_panel.picture.layout.max_width == "100%"


def test_colours_can_be_told_apart_by_colour_blind_readers():
    """Distances after a simulation of the three kinds of colour blindness (Viénot et al. 1999)."""
    simulations = {
        "protan": [[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]],
        "deutan": [[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]],
    }
    names = [name for name in COLOURS if name not in ("unlabelled", "baseline")]
    rgb = np.array([[int(COLOURS[n][i : i + 2], 16) / 255 for i in (1, 3, 5)] for n in names])
    for kind, matrix in simulations.items():
        seen = (rgb**2.2 @ np.array(matrix).T).clip(0, 1) ** (1 / 2.2)
        distances = np.linalg.norm(seen[:, None] - seen[None], axis=-1)
        distances[np.diag_indices(len(names))] = 9
        assert distances.min() > 0.15, (kind, names[int(distances.min(axis=1).argmin())])


def test_a_picture_brings_its_text():
    data, metadata = picture(5)._repr_mimebundle_()
    assert data["text/plain"] == "the value 5"
    assert metadata == {"image/png": {"alt": "the value 5"}}
    assert data["image/png"][:4] == b"\x89PNG"


@pytest.mark.parametrize("adaptation", ADAPTATIONS)
@pytest.mark.parametrize("depth", range(5))
def test_the_picture_s_words_agree_with_what_is_trained(adaptation, depth):
    """Against a Keras model of which as many layers are frozen as are in fact."""
    settings = Settings(adaptation=adaptation, frozen_layers=depth, seeds=2)
    frozen = 4 if adaptation == "probe" else depth
    model = trunks.add_head(trunks.build_trunk(), 10)
    freezing.freeze(model, frozen)
    trained = sum(weight.numpy().size for weight in model.trainable_variables)
    right = datasets.load("mnist").test.labels
    probabilities = {"mnist": np.eye(10)[np.stack([right, right])]}
    accuracy = {"mnist": np.ones(2)}
    result = experiments.Result(settings, as_scores(accuracy), accuracy, probabilities, 1.0)
    picture = figures.frozen_depth({settings.depth: result}, settings.depth, None)
    drawing = picture.figure.axes[0]
    counts = f"{trained:,} weights trained, {model.count_params() - trained:,} frozen"
    assert counts in drawing.get_title(loc="left")
    words = [text.get_text() for text in drawing.texts]
    assert (words.count("frozen"), words.count("trained")) == (frozen, 5 - frozen)
    names = ("convolution_1", "convolution_2", "convolution_3", "dense")[:frozen]
    assert f"The drawing marks as frozen: {', '.join(names) or 'no layer'}." in picture.alt


@pytest.mark.parametrize("adaptation", ADAPTATIONS)
def test_each_depth_is_trained_once_and_the_bar_fills_once(adaptation, monkeypatch):
    asked, now = [], []

    def run(settings, progress, **_):
        asked.append(settings)
        progress(1, 2)
        progress(2, 2)
        return experiments.Result(
            settings,
            as_scores({"mnist": np.full(2, 0.5)}),
            {},
            {"mnist": np.eye(10)[np.zeros((2, 1000), int)]},
            1.0,
        )

    monkeypatch.setattr(memory, "MEMORY", memory.Memory(20))
    monkeypatch.setattr(experiments, "run", run)
    settings = Settings(adaptation=adaptation, frozen_layers=2, seeds=2)
    pictures = panels._frozen_layers_pictures(settings, lambda *done: now.append(done))
    first, last = pictures
    depths = [each.depth for each in asked if each.source]
    assert depths == ([4] if adaptation == "probe" else [2, 0, 1, 3, 4])
    assert len(asked) == len(set(asked)) == len(depths) + 1  # and from scratch
    shares = [done / total for done, total in now]
    assert shares == sorted(set(shares)) and shares[-1] == 1
    assert "From scratch" not in first.alt and "From scratch" in last.alt


def test_a_start_with_several_targets_shows_the_first():
    start = Settings(
        targets=("fashion", "mnist"), labels_per_class=(2, 50), task_weights=(1, 3), seeds=1
    )
    panel = panels.frozen_layers(start)
    assert (panel.values["targets"], panel.values["labels_per_class"]) == (("fashion",), 2)
