"""What lesson 06 claims stands in its stored studies."""

import numpy as np
import pytest

from simmim_lib import datasets
from simmim_lib.foundation.intervals import difference
from simmim_lib.lessons.medical_images import cohorts, study_results
from simmim_lib.lessons.medical_images.studies import HospitalTrial, SplitTrial


@pytest.mark.parametrize("tie", [0.9, 0.95])
def test_the_reversed_hospital_is_worse_than_guessing_for_every_seed(tie):
    same, other, _ = study_results.hospitals().values()
    assert (other[tie] < 0.5).all() and (same[tie] > 0.5).all()
    assert len(other[tie]) == 10


def test_the_remedy_is_a_gain_where_the_device_tells_the_diagnosis():
    assert study_results.remedy()[0.9].verdict == "gain"
    figure, table = study_results.remedy_compared()
    assert "Test AUC by tie" in figure.alt
    assert ["0.9", str(study_results.remedy()[0.9])] in table.rows


def test_learning_from_the_tested_patients_flatters():
    same, others = study_results.leak()
    assert difference(same, others).verdict == "gain"
    assert study_results.leak_table().rows[-1] == ["difference", str(difference(same, others))]


def test_each_number_of_labels_is_compared_with_scratch():
    found = study_results.few_labels()
    _, table = study_results.few_labels_compared()
    expected = difference(found["ImageNet features"][20], found["from scratch"][20])
    assert table.rows[1][0] == 20 and table.rows[1][2] == str(expected)


def test_the_test_images_are_the_same_whoever_was_learnt_from():
    leaky, clean = (datasets.load(cohorts.split(each)) for each in (True, False))
    np.testing.assert_array_equal(leaky.test.images, clean.test.images)
    assert len(leaky.train) == len(clean.train) == 2 * len(leaky.test)
    assert not set(leaky.groups) & set(clean.groups)


def test_balanced_hospitals_have_as_many_of_each_device_and_label():
    balanced = datasets.load(cohorts.hospital(0.9, reversed_test=True, balanced=True))
    everything = datasets.load(cohorts.hospital(0.9, reversed_test=True))
    marked = balanced.train.images[:, 1:3, 1:5].mean(axis=(1, 2, 3)) > 0.6
    by_label = [marked[balanced.train.labels == label].mean() for label in (0, 1)]
    assert by_label[0] == pytest.approx(by_label[1], abs=0.25)
    assert len(balanced.train) < len(everything.train)


@pytest.mark.parametrize("trial", [HospitalTrial(0.5, "same"), SplitTrial(True)])
def test_a_trial_comes_back_from_its_description(trial):
    assert type(trial)(**trial.as_dict()) == trial
