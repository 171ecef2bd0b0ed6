"""What lesson 06 claims stands in its stored studies."""

import numpy as np
import pytest

from simmim_lib import datasets
from simmim_lib.foundation.intervals import difference
from simmim_lib.lessons.medical_images import cohorts, study_results
from simmim_lib.lessons.medical_images.hospitals import Areas
from simmim_lib.lessons.medical_images.studies import SplitTrial


def test_learning_from_the_tested_patients_flatters():
    same, others = study_results.leak()
    assert difference(same, others).verdict == "gain"
    assert study_results.leak_table().rows[-1] == ["difference", str(difference(same, others))]


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


def test_a_trial_comes_back_from_its_description():
    assert SplitTrial(**SplitTrial(True, seeds=2).as_dict()) == SplitTrial(True, seeds=2)


def test_the_remedy_is_compared_seed_by_seed():
    plain = Areas(np.array([0.95, 0.96]), np.array([0.1, 0.2]))
    balanced = Areas(np.array([0.75, 0.75]), np.array([0.6, 0.7]))
    *_, last = study_results.remedy_table(plain, balanced).rows
    assert last[2] == str(difference(balanced.other, plain.other))
    assert last[2].startswith("+50.0 ± 0.0")
