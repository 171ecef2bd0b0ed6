"""What is measured of a task follows from its kind, against scikit-learn."""

import warnings

import numpy as np
import pytest
from scipy.special import softmax
from sklearn import metrics

from simmim_lib.experiments.measures import MEASURES, measure
from simmim_lib.simmim import LOSSES

RANDOM = np.random.default_rng(0)


def test_every_kind_of_task_is_measured():
    assert set(MEASURES) == set(LOSSES)


def f1(truth, guesses, probabilities):
    return metrics.f1_score(truth, guesses, average="macro")


def auc(truth, guesses, probabilities):
    if probabilities.shape[1] == 2:
        return metrics.roc_auc_score(truth, probabilities[:, 1])
    return metrics.roc_auc_score(truth, probabilities, multi_class="ovr")


ORACLES = {
    "accuracy": lambda truth, guesses, _: metrics.accuracy_score(truth, guesses),
    "balanced accuracy": lambda truth, guesses, _: metrics.balanced_accuracy_score(truth, guesses),
    "macro F1": f1,
    "AUC": auc,
}


def agrees_with_oracles(outputs, labels, names):
    found = measure("classification", outputs, labels)
    assert set(found) == set(names)
    probabilities = softmax(outputs, axis=-1)
    for seed, guesses in enumerate(outputs.argmax(axis=-1)):
        truth = labels[seed] if labels.ndim == 2 else labels
        for name, values in found.items():
            expected = ORACLES[name](truth, guesses, probabilities[seed])
            assert values[seed] == pytest.approx(expected), name
            assert 0 < expected < 1


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("one_each", [False, True], ids=["same labels", "labels of each seed"])
def test_classification(one_each, classes):
    outputs = RANDOM.normal(size=(3, 50, classes))
    labels = RANDOM.integers(classes, size=(3, 50) if one_each else 50)
    agrees_with_oracles(outputs, labels, ORACLES)


def test_a_rare_class_counts_as_much_as_a_frequent_one():
    labels = np.r_[[0] * 95, [1] * 5]
    outputs = np.stack([np.eye(2)[np.zeros(100, int)]])
    found = measure("classification", outputs, labels)
    assert found["accuracy"] == pytest.approx([0.95])
    assert found["balanced accuracy"] == pytest.approx([0.5])
    assert found["macro F1"] == pytest.approx([f1(labels, np.zeros(100, int), None)])
    assert found["AUC"] == pytest.approx([0.5])


def test_where_a_class_does_not_occur_there_is_no_auc():
    """Balanced accuracy leaves it out; in the F1 score it counts if it is predicted."""
    outputs, labels = RANDOM.normal(size=(2, 40, 4)), RANDOM.integers(3, size=40)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "y_pred contains classes not in y_true")
        agrees_with_oracles(outputs, labels, set(ORACLES) - {"AUC"})


def test_a_score_that_one_seed_lacks_is_not_told():
    """Else its mean over seeds would be no number."""
    outputs, labels = RANDOM.normal(size=(2, 40, 3)), RANDOM.integers(3, size=(2, 40))
    labels[1, labels[1] == 2] = 0
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "y_pred contains classes not in y_true")
        agrees_with_oracles(outputs, labels, set(ORACLES) - {"AUC"})


@pytest.mark.parametrize("one_each", [False, True], ids=["same labels", "labels of each seed"])
def test_several_labels(one_each):
    outputs = RANDOM.normal(size=(2, 30, 5))
    labels = RANDOM.integers(2, size=(2, 30, 5) if one_each else (30, 5))
    found = measure("multi-label", outputs, labels)
    assert set(found) == {"accuracy", "macro F1", "AUC"}
    for seed, guesses in enumerate(outputs > 0):
        truth = labels[seed] if one_each else labels
        expected = {
            "accuracy": 1 - metrics.hamming_loss(truth, guesses),
            "macro F1": metrics.f1_score(truth, guesses, average="macro"),
            "AUC": metrics.roc_auc_score(truth, outputs[seed], average="macro"),
        }
        assert {name: values[seed] for name, values in found.items()} == pytest.approx(expected)


def test_who_never_sees_a_rare_label_is_nearly_always_right_and_worth_nothing():
    labels = np.zeros((100, 2), int)
    labels[:3, 0], labels[:60, 1] = 1, 1
    outputs = np.stack([np.c_[np.full(100, -1.0), 2.0 * labels[:, 1] - 1]])
    found = measure("multi-label", outputs, labels)
    assert found["accuracy"] == pytest.approx([0.985])
    assert found["macro F1"] == pytest.approx([0.5]) and found["AUC"] == pytest.approx([0.75])


def test_a_label_is_predicted_where_it_is_more_likely_than_not():
    """Even odds, a logit of zero, are no prediction."""
    labels = np.array([[1], [0], [1], [0]])
    found = measure("multi-label", np.array([[[0.0], [0.0], [1.0], [-1.0]]]), labels)
    assert found["accuracy"] == pytest.approx([0.75])
    assert found["macro F1"] == pytest.approx([2 / 3])


def test_where_a_label_is_true_of_none_there_is_no_auc_of_labels():
    labels = np.zeros((20, 2), int)
    labels[:5, 0] = 1
    found = measure("multi-label", RANDOM.normal(size=(1, 20, 2)), labels)
    assert set(found) == {"accuracy", "macro F1"}


def test_numbers():
    outputs, labels = RANDOM.normal(size=(2, 30, 2)), RANDOM.normal(size=(30, 2))
    (error,) = measure("regression", outputs, labels).values()
    for seed in range(2):
        assert error[seed] == pytest.approx(metrics.mean_absolute_error(labels, outputs[seed]))
