"""The panel that lets the language model go on with a text."""

import pytest

from simmim_lib.errors import WorkbookError
from simmim_lib.language import sample
from simmim_lib.lessons.language import panels

pytest.importorskip("tokenizers")


def test_it_shows_what_the_model_draws_and_follows_its_controls():
    panel = panels.temperature("Albert Einstein was")
    for heat in (0.5, 2.0):
        panel.controls["temperature"].value = heat
        panel.wait(120)
        assert panel.error is None
        assert sample("Albert Einstein was", heat) in panel.alt
    before = panel.alt
    panel.controls["seed"].value = 3
    panel.wait(120)
    assert panel.alt != before
    panel.controls["start"].value = ""
    panel.wait(60)
    assert isinstance(panel.error, WorkbookError)
