"""Studies of lesson 02: what is measured of trained networks, and what is stored."""

import numpy as np
import pytest

from simmim_lib.lessons.loss_formula import studies
from simmim_lib.lessons.loss_formula.training_by_loss import LossComparison, Outcome
from simmim_lib.studies.stored import load


@pytest.mark.parametrize("name", ["four-readings", "noisy-labels"])
def test_every_stored_number_is_a_share_of_each_loss_and_seed(name):
    for record in load(name).records:
        for values in record.measures.values():
            assert values.shape == (len(record.settings.losses), record.settings.seeds)
            assert np.all((values >= 0) & (values <= 1))


def test_measures_of_four_images_at_two_looks(monkeypatch):
    def on_test(outcome, stopped=False):
        return 0.75 if stopped else 0.25

    monkeypatch.setattr(studies, "accuracy_on_test", on_test)
    first, last = [0.1, 0.2, 0.3, 0.4], [0.0, 0.001, 0.5, 0.9]
    outcome = Outcome(
        LossComparison(losses=("written",)),
        steps=np.array([0, 20]),
        probability=np.array([[[first, last]]]),
        correct=np.array([[[[False, False, False, True], [False, False, True, True]]]]),
        last=[],
        best=[],
    )
    measured = studies.measure(outcome)
    assert measured["start"] == [[0.25]] and measured["end"] == [[0.5]]
    assert measured["above"] == [[0.25]]
    assert measured["mean"] == pytest.approx(np.array([[0.35025]]))
    assert measured["median"] == [[0.2505]]
    assert measured["gone"] == [[0.5]]
    assert (measured["test"], measured["stopped"]) == (0.25, 0.75)
