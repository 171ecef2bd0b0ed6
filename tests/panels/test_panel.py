"""Panels without a kernel: the browser's messages in, pictures and words out."""

import io
import threading

import ipywidgets
import pytest
from PIL import Image
from widget_driver import click, find, send

from simmim_lib.errors import WorkbookError
from simmim_lib.panels.panel import Panel
from simmim_lib.pictures.style import Picture, new_figure

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
    for value in (3, 4, 3):
        send(panel.controls["value"], value=value)
        panel.wait()
        assert panel.png == picture(value).png()
        assert panel.alt == f"the value {value}"
    assert Image.open(io.BytesIO(panel.png)).format == "PNG"
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
        (
            WorkbookError("A class \x1b[31m\u202e is empty."),
            r"A class \x1b[31m\u202e is empty.",
        ),
        (OSError("no \x1b[31m\ud800"), r"OSError: no \x1b[31m\ud800"),
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
    assert panel.alt == "the value 2"


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
    assert not panel.png
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
    assert seen == [picture(2).as_html()]


def failing(slow):
    """Return an update that fails once it may go on, and not at its second value."""

    def update(values, progress):
        slow.started.set()
        if values["value"] == 1:
            assert slow.go_on.wait(10)
            raise RuntimeError("nobody waits for this")
        yield picture(values["value"])

    return update


def test_a_failure_after_cancel_is_not_shown():
    slow = Slow()
    panel = slider_panel(failing(slow))
    send(panel.controls["value"], value=1)
    assert slow.started.wait(10)
    click(panel.cancel)
    slow.go_on.set()
    panel.wait(10)
    assert panel.error is None
    assert panel.message.value == "Cancelled: the picture shows what was there before."


def test_a_failure_of_what_was_overtaken_is_never_shown():
    slow, messages = Slow(), []
    panel = slider_panel(failing(slow))
    panel.message.observe(lambda change: messages.append(change.new), "value")
    send(panel.controls["value"], value=1)
    assert slow.started.wait(10)
    send(panel.controls["value"], value=2)
    slow.go_on.set()
    panel.wait(10)
    assert messages == []
    assert panel.error is None
    assert panel.png == picture(2).png()


def test_a_picture_that_is_overtaken_while_it_is_drawn_is_not_shown():
    class CancelsItself(Picture):
        def png(self):
            panel.stop()
            return super().png()

    figure = new_figure(2, 1)
    panel = slider_panel(lambda values, progress: iter([CancelsItself(figure, "too late")]))
    send(panel.controls["value"], value=1)
    panel.wait(10)
    assert (panel.png, panel.alt, panel.error) == (b"", "", None)


def test_names_that_no_font_can_draw_stand_below_the_picture(shown):
    figure = new_figure(2, 1)
    figure.text(0.1, 0.5, "\U0010abce")  # for private use: no font has it
    drawn = Picture(figure, "a sign")
    panel = slider_panel(lambda values, progress: iter([drawn]))
    panel._ipython_display_()
    beside = "[1] \U0010abce"
    assert f"<figcaption>{beside}</figcaption>" in panel.picture.value
    assert shown[-1][1]["image/png"] == {"alt": "a sign", "beside": beside}


def test_the_live_picture_has_a_text_for_readers_who_cannot_see_it():
    panel = slider_panel(lambda values, progress: iter([picture('<"&')]))
    panel.start()
    assert 'alt="the value &lt;&quot;&amp;"' in panel.picture.value


def test_more_stands_below_the_controls():
    more = ipywidgets.HTML("more")
    panel = Panel({"value": ipywidgets.IntSlider()}, lambda values, progress: iter(()), more=more)
    assert panel.view.children[1] is more
    assert panel.view.children[2] is panel.message


def test_copy_settings_shows_the_line():
    panel = slider_panel(lambda values, progress: iter(()))
    copy = find(panel.view, "Copy settings")
    send(panel.controls["value"], value=7)
    click(copy)
    assert "run(7)" in panel.code.value
    send(panel.controls["value"], value=8)
    assert panel.code.value == ""  # the line would not be true any more
