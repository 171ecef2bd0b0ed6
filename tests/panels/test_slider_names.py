"""Whatever shows a slider names it, on the page, for screen readers."""

import ipywidgets
import pytest

from simmim_lib import exercises
from simmim_lib.lessons.report.form import Form
from simmim_lib.panels import slider_names
from simmim_lib.panels.panel import Panel
from simmim_lib.settings import Settings

pytestmark = pytest.mark.colab


def parts(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from parts(child)


@pytest.mark.slow
@pytest.mark.parametrize(
    "view",
    [
        lambda: Panel({"value": ipywidgets.IntSlider()}, lambda values, progress: iter(())).view,
        lambda: exercises.predict("00-few-labels").view,
        lambda: Form(Settings()).view,
    ],
    ids=["panel", "question", "form"],
)
def test_the_script_goes_with_every_view_that_has_sliders(view):
    scripts = [
        output["data"]["application/javascript"]
        for widget in parts(view())
        if isinstance(widget, ipywidgets.Output)
        for output in widget.outputs
    ]
    assert scripts == [slider_names.SCRIPT]


def test_every_control_has_a_label_of_its_own():
    labels = [control.description for control in Form(Settings()).controls.values()]
    assert all(labels)
    assert len(set(labels)) == len(labels)
