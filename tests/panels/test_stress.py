"""A reader who moves everything, quickly one after the other, sees what was asked for last."""

import pytest
import stress
from widget_driver import hidden_errors

BUILDERS = stress.builders()

HERE = (
    *("loss_formula.three_classes", "loss_formula.real_network", "transfer_learning.frozen_layers"),
    *("simmim_model.simmim", "task_weights.conflict", "language.words_behind"),
    *("masked_images.masks", "open_problems.budget"),
)
"""Of each kind one; all of them, with 200 moves each: `python tests/stress.py 200`."""


def test_all_lessons_with_panels_are_here():
    assert len(BUILDERS) >= 30
    assert {name.partition(".")[0] for name in BUILDERS} >= {
        *("transfer_learning", "loss_formula", "simmim_model", "task_weights", "language"),
        *("information_maximisation", "medical_images", "masked_images", "open_problems"),
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", HERE)
def test_after_many_quick_moves_a_panel_shows_the_last_that_was_asked_for(name):
    panel = BUILDERS[name]()
    for _ in stress.moves(panel, number=20, seed=0, pause=0.02):
        pass
    panel._on_change(None)  # the last move may have been a stop
    shown = stress.shown_by(panel)
    assert shown == stress.afresh(BUILDERS[name], panel)
    assert any(shown)
    assert len(hidden_errors(panel.view)) == (panel.error is not None)
    assert panel.working.layout.visibility == "hidden"
