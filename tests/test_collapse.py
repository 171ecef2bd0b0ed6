"""The collapse alarm, by hand: when it rings, when it does not, and what it says."""

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import entropy

from simmim_lib import collapse
from simmim_lib.studies import stored

UNIFORM = np.full(10, 0.1)


def test_a_diagnosis_by_hand():
    even = 20 * np.eye(4)[np.arange(40) % 4]
    lopsided = 20 * np.eye(4)[np.r_[[0] * 38, 1, 2]]
    found = collapse.diagnose(np.stack([even, lopsided]), np.full(4, 0.25))
    np.testing.assert_allclose(found.largest_share, [0.25, 0.95])
    assert list(found.collapsed) == [False, True]
    assert "collapsed in 1 of 2 seeds (1): up to 95%" in str(found)
    # Where one class is expected that often, it is no collapse.
    expected = collapse.diagnose(lopsided[None], np.array([0.94, 0.02, 0.02, 0.02]))
    assert not expected.collapsed.any()


def test_fewer_than_half_as_many_classes_as_expected_are_a_collapse():
    of_seeds = [50 * np.eye(10)[np.arange(60) % classes] for classes in (4, 6)]
    found = collapse.diagnose(np.stack(of_seeds), UNIFORM)
    np.testing.assert_allclose(np.exp(found.entropy), [4, 6])
    assert list(found.collapsed) == [True, False]


def unsure(classes, images):
    """Return logits by which all images are put in the first class, hardly sooner than others."""
    return np.random.default_rng(0).normal(0, 0.01, (1, images, classes)) + 0.1 * np.eye(classes)[0]


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_all_images_in_one_class_are_a_collapse_however_unsure_they_are(classes):
    found = collapse.diagnose(unsure(classes, 200), np.full(classes, 1 / classes))
    assert np.exp(found.entropy) > 0.99 * classes and found.largest_share == [1]
    assert found.collapsed.all()
    assert "collapsed in 1 of 1 seeds (0): up to 100% of the images" in str(found)


def test_rare_classes_that_are_predicted_are_no_collapse():
    """One image in eleven is ill, which nobody has said: the prior is even."""
    found = collapse.diagnose(20 * np.eye(2)[[[0] * 40 + [1] * 4]], np.full(2, 0.5))
    assert not found.collapsed.any()
    assert str(found) == "no collapse: the most predicted class has 91%"


def test_where_one_class_is_expected_nearly_always_it_may_be_predicted_so():
    surely = 20 * np.eye(2)[[[0] * 196 + [1] * 4]]
    assert not collapse.diagnose(surely, np.array([0.98, 0.02])).collapsed.any()
    assert collapse.diagnose(surely, np.array([0.5, 0.5])).collapsed.all()


def test_the_stored_study_has_the_verdicts_that_it_had():
    """Of its collapses all were seen by the number of classes alone, and nothing else is one."""
    records = stored.load("collapse").records
    assert len(records) >= 6
    for record in records:
        share, entropy = (record.measures[name] for name in ("largest share", "entropy"))
        found = collapse.Diagnosis(np.array(share), np.array(entropy), np.log(10))
        np.testing.assert_array_equal(found.collapsed, np.exp(entropy) < 5)


def test_the_entropy_is_that_of_the_mean_prediction():
    """However sure a single prediction is, it counts as one."""
    found = collapse.diagnose(np.array([[[20.0, 0.0], [0.0, 2.0]]]), np.full(2, 0.5))
    expected = np.mean([softmax([20.0, 0.0]), softmax([0.0, 2.0])], axis=0)
    np.testing.assert_allclose(found.entropy, [entropy(expected)])


def test_of_several_collapsed_seeds_the_worst_is_told():
    images = [[0] * 40, [0] * 36 + [1] * 4, [0, 1, 2, 3] * 10]
    logits = np.stack([20 * np.eye(4)[of_seed] for of_seed in images])
    found = collapse.diagnose(logits, np.full(4, 0.25))
    assert "collapsed in 2 of 3 seeds (0, 1): up to 100%" in str(found)
