"""The small report of lesson 10's exercise sets the traps that the exercise is about."""

import numpy as np

from simmim_lib.foundation.intervals import difference, interval
from simmim_lib.lessons.report.small_report import TEST, VALIDATION

BASELINES = [name for name in VALIDATION if name != "SimMIM"]


def test_the_baseline_that_is_best_on_validation_images_is_not_so_on_test_images():
    assert max(BASELINES, key=VALIDATION.get) == "fine-tune"
    assert max(BASELINES, key=lambda name: np.mean(TEST[name])) == "probe"


def test_the_baselines_lead_to_different_verdicts():
    verdicts = {
        name: difference(np.array(TEST["SimMIM"]), np.array(TEST[name])).verdict
        for name in ("fine-tune", "probe")
    }
    assert verdicts == {"fine-tune": "gain", "probe": "no clear difference"}


def test_the_bars_overlap_although_the_difference_is_clear():
    (ours, our_half), (theirs, their_half) = (
        interval(np.array(TEST[name])) for name in ("SimMIM", "fine-tune")
    )
    assert ours - our_half < theirs + their_half
