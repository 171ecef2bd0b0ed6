"""The panel of lesson 00, driven as a browser would."""

import pytest
from widget_driver import choose

from simmim_lib.lessons.start_here import panels

pytestmark = pytest.mark.colab


@pytest.mark.slow
def test_the_first_panel_follows_its_slider_as_a_browser_moves_it():
    panel = panels.few_labels()
    data, _ = panel._output()
    assert "image/png" not in data  # nothing is computed before it is shown
    choose(panel.controls["labels_per_class"], "20")
    panel.wait()
    first = panel.png
    choose(panel.controls["dataset"], "Fashion-MNIST")
    panel.wait()
    assert panel.error is None
    assert first.startswith(b"\x89PNG") and panel.png != first
    assert "20 labelled images of each class of Fashion-MNIST" in panel.alt
