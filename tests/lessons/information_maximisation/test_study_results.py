"""What lesson 05 quotes, against the stored studies read in another way."""

import numpy as np
import pytest
from scipy import stats

from simmim_lib import datasets
from simmim_lib.lessons.information_maximisation import studies, study_results
from simmim_lib.settings import INFORMED
from simmim_lib.studies import stored

AUGMENTED = {"information": 0.0, "augmentation": 1.0}
"""All of the recipe that needs no image without a label."""


def raw(study, measure="accuracy", **fields):
    """The measure of the one experiment with these settings, read from the file by hand."""
    records = stored.load(study).records
    (found,) = (
        each.measures[measure]
        for each in records
        if all(getattr(each.settings, name) == value for name, value in fields.items())
    )
    return found


def points(values, baseline):
    paired = stats.ttest_rel(values, baseline)
    half_width = np.diff(paired.confidence_interval(0.95)).item() / 2
    return f"{100 * (values - baseline).mean():+.1f} ± {100 * half_width:.1f}"


def test_the_information_by_hand_and_by_the_loss_agree():
    table = study_results.information_by_hand()
    rows = {name: list(map(float, row)) for name, *row in table.rows}
    log2 = round(np.log(2), 4)
    assert rows["sure and spread"] == [log2, 0, log2, log2]
    assert rows["unsure"] == [log2, log2, 0, 0]
    assert rows["all one class"] == [0, 0, 0, 0]
    assert "-0.0" not in str(table)


def test_collapses_and_alarms_are_counted():
    rows = study_results.alarms_table().rows
    settings = [(strength, spread) for strength in (0.3, 1.0, 3.0) for spread in (0.0, 1.0)]
    for (strength, spread), row in zip(settings, rows, strict=True):
        fields = {"information": strength, "spread": spread}
        collapsed = raw("collapse", "classes in use", **fields) < 5
        few = np.exp(raw("collapse", "entropy", **fields)) < 5
        rings = few | (raw("collapse", "largest share", **fields) > 0.91)
        name = f"λ = {strength:g}, s = {spread:g}"
        assert row == [name, collapsed.sum(), rings.sum(), np.sum(collapsed != rings)]
    assert study_results.mistaken_alarms() == (sum(row[-1] for row in rows), 60)
    assert study_results.alarms_in_words().startswith("λ = 0.3, s = 0: collapsed in 10 of 10 seeds")


def test_the_alarm_may_be_mistaken_in_both_ways():
    silent, ringing = np.log([8.0, 2.0])
    share = np.array([0.2, 0.2, 0.2])
    alarm = study_results.Diagnosis(share, np.array([silent, ringing, ringing]), np.log(10))
    trainings = study_results.Trainings(share, np.array([2.0, 8.0, 2.0]), alarm)
    assert study_results._disagreements(trainings) == 2


def test_views_stand_under_their_images():
    images = datasets.load("mnist").train.images[:2]
    assert study_results.views_figure(images).alt.startswith("2 images in three rows")


def test_the_threshold_is_counted():
    correct, sure = np.array([1, 1, 0, 1], bool), np.array([1, 1, 0, 0], bool)
    rows = study_results.threshold_table(correct, sure).rows
    assert [row[1:] for row in rows] == [["50%", "100%"], ["50%", "50%"]]


def test_the_recipe_is_that_of_the_settings():
    rows = {name.strip("`"): value for name, value, _ in study_results.recipe_table().rows}
    assert {name: INFORMED[name] for name in rows if name in INFORMED} == {
        "information": rows["information"],
        "agreement": rows["agreement"],
        "augmentation": rows["augmentation"],
    }


def test_gains_are_those_of_the_study():
    (row,) = (row for row in study_results.gains_table(("fashion",)).rows if row[0] == "fashion, 5")
    fields = {"targets": ("fashion",), "labels_per_class": 5}
    simmim = raw("unlabelled", **fields, information=1.0)
    assert row[-1].size == points(simmim, raw("unlabelled", **fields, **AUGMENTED))
    assert row[4].startswith(f"{100 * simmim.mean():.1f} ± ")
    assert len(study_results.gains()) == 10
    assert [row[0] for row in study_results.gains_table(("fashion",)).rows] == [
        "fashion, 5",
        "fashion, 20",
    ]


def test_the_worst_of_ten_seeds():
    rows = {name: worst for name, _, worst in study_results.worst_seeds_table().rows}
    one = raw("unlabelled", targets=("mnist",), labels_per_class=1, information=1.0)
    assert rows["mnist, 1"] == f"{100 * one.min():.1f}"
    patient = raw("patience", targets=("uci-digits",))
    assert rows["uci-digits, 5, 1,500 steps"] == f"{100 * patient.min():.1f}"
    assert one[study_results.worst_seed()] == one.min()
    assert len(study_results.worst_seed_alarm().entropy) == 1
    assert "labelled digits" in study_results.worst_seed_images().alt


def test_each_part_is_compared_with_the_whole_recipe():
    rows = {row[0]: row[1:] for row in study_results.omissions_table().rows}
    assert list(rows) == list(studies.ABLATIONS)
    for change, labels in zip(rows["agreement"], (1, 5), strict=True):
        whole = raw("unlabelled", targets=("mnist",), labels_per_class=labels, information=1.0)
        fields = {"labels_per_class": labels, "agreement": 0.0, "information": 1.0}
        without = raw("parts", **fields, augmentation=1.0)
        assert change.size == points(without, whole)
    assert "without ramp" in study_results.omissions_figure().alt


def test_directions_start_from_the_source_alone():
    rows = {row[0]: row[1:] for row in study_results.directions_table().rows}
    assert list(rows) == list(studies.DIRECTIONS)
    fields = {"targets": ("mnist", "uci-digits")}
    before = raw("directions", "source only", **fields)
    after = raw("directions", "mnist accuracy", **fields)
    assert rows["UCI digits to MNIST"][-1].size == points(after, before)


@pytest.mark.parametrize("cases", [study_results.ONES, study_results.CLOTHES])
def test_surprises_show_the_cases_asked_for_and_no_others(cases):
    figure, table = study_results.surprises_compared(cases)
    assert [row[0] for row in table.rows] == ["none at all", "as it should be", *cases]
    assert table.rows[0][2] == table.rows[1][3] == ""
    others = {*study_results.ONES, *study_results.CLOTHES} - {*cases}
    assert not any(other in figure.alt for other in others)


def test_a_surprise_is_compared_with_images_as_they_should_be():
    _, table = study_results.surprises_compared(study_results.CLOTHES)
    usual = raw("unlabelled", targets=("mnist",), labels_per_class=5, information=1.0)
    clothes = raw("surprises", foreign_images="fashion", information=1.0)
    (row,) = (row for row in table.rows if row[0] == "half are clothes")
    nothing = raw("unlabelled", targets=("mnist",), labels_per_class=5, **AUGMENTED)
    assert row[2].size == points(clothes, nothing) and row[3].size == points(clothes, usual)


def test_a_smaller_calibration_error_is_better():
    rows = {row[0]: row[1:] for row in study_results.calibration_table().rows}
    for target, labels in study_results.CALIBRATED:
        fields = {"targets": (target,), "labels_per_class": labels}
        before = raw("unlabelled", "calibration error", **fields, **AUGMENTED)
        after = raw("unlabelled", "calibration error", **fields, information=1.0)
        *shown, word = rows[f"{target}, {labels}"]
        assert [each[:3] for each in shown] == [
            f"{100 * x.mean():.1f}"[:3] for x in (before, after)
        ]
        low, high = stats.ttest_rel(before, after).confidence_interval(0.95)
        assert word == ("better" if low > 0 else "worse" if high < 0 else "no clear difference")
