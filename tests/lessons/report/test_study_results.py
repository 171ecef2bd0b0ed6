"""What lesson 10 asks about: stored comparisons, and a report's own numbers."""

from types import SimpleNamespace

import numpy as np
import pytest

from simmim_lib.experiments.baselines import ASKED, SCRATCH
from simmim_lib.foundation.intervals import difference
from simmim_lib.lessons.report import questions, study_results
from simmim_lib.studies import stored


def test_the_pairs_are_of_one_target_and_compared_seed_by_seed():
    pairs = study_results.adaptations()
    study = stored.load("adaptations")
    assert len(pairs) == 2 * 6  # two targets, four ways each
    fine_tuned = study.values(targets=("mnist",), source="glyphs", adaptation="fine-tune")
    probed = study.values(targets=("mnist",), source="glyphs", adaptation="probe")
    probe, whole = "probe", "fine-tune"
    (pair,) = (each for each in pairs if {*each.names} == {probe, whole} and each.target == "mnist")
    assert pair.names == ((whole, probe) if fine_tuned.mean() > probed.mean() else (probe, whole))
    assert abs(pair.difference.mean) == pytest.approx(100 * abs(np.mean(fine_tuned - probed)))
    assert pair.early_difference == difference(*(values[:3] for values in pair.values))


@pytest.mark.parametrize(("shift", "overlap"), [(0.0, True), (0.01, True), (0.5, False)])
def test_bars_overlap_where_their_ends_have_passed_each_other(shift, overlap):
    values = np.array([0.1, 0.12, 0.11])
    pair = study_results.Pair("mnist", ("a", "b"), (values, values + shift))
    assert pair.bars_overlap == overlap


def test_the_tables_list_what_the_explanations_count():
    pairs = study_results.adaptations()
    overlapping = sum(pair.bars_overlap for pair in pairs)
    assert len(study_results.overlapping_table().rows) == overlapping
    assert f"the bars of {overlapping} pairs overlap" in questions._overlap().because
    clear = len(study_results.few_seeds_table().rows)
    assert clear == sum(pair.difference.is_clear for pair in pairs)
    assert f" of {clear}. " in questions._three_seeds().because


def test_longer_experiments_gain_more_from_a_second_worker():
    short, long = study_results.sweep_speeds()
    assert short.seconds < long.seconds
    assert 50 <= long.share < short.share < 100
    assert len(study_results.sweep_table().rows) == 2


def test_images_without_labels_are_most_of_the_work():
    assert 2 < study_results.fine_tuning_work() < 50


def way(*targets, error):
    return SimpleNamespace(
        probabilities=dict.fromkeys(targets),
        calibration_error=lambda target: np.array(error),
    )


def findings(**ways):
    settings = SimpleNamespace(targets=("mnist", "uci-digits"))
    names = {"asked": ASKED, "scratch": SCRATCH}
    return SimpleNamespace(
        settings=settings, ways={names[name]: each for name, each in ways.items()}
    )


def test_the_calibration_gain_is_the_error_that_scratch_has_more():
    asked = way("mnist", "uci-digits", error=[0.02, 0.03, 0.02])
    scratch = way("uci-digits", error=[0.12, 0.14, 0.13])
    found = study_results.calibration_gain(findings(asked=asked, scratch=scratch))
    assert found.mean == pytest.approx(100 * np.mean([0.10, 0.11, 0.11]))
    assert questions._calibration(found).right == "b"


def test_without_a_baseline_nothing_is_said_about_calibration():
    found = study_results.calibration_gain(findings(asked=way("mnist", error=[0.1])))
    assert found is None
    assert questions._calibration(found).right == "c"
