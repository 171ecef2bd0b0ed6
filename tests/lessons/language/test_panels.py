"""The panels that compare ways of learning, and let a language model go on with a text."""

import pytest

from simmim_lib.errors import WorkbookError
from simmim_lib.language import sample
from simmim_lib.lessons.language import panels, study_results
from simmim_lib.lessons.language.studies import INFORMED


@pytest.mark.colab
def test_every_way_of_learning_is_shown_at_every_number_of_labels():
    panel = panels.ways_to_learn()
    for labels in (2, 25):
        panel.controls["labels"].value = labels
        panel.controls["target"].value = "yelp"
        panel.wait(60)
        assert panel.error is None and "Yelp" in panel.alt
        best = study_results.of_heads("yelp", labels, study_results.SHARED, INFORMED)
        assert f"one head, and information: {best.mean():.3f}" in panel.alt
    assert "no label here" in panel.alt


@pytest.mark.colab
def test_it_shows_what_the_model_draws_and_follows_its_controls():
    pytest.importorskip("tokenizers")
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
