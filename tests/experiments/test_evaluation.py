"""What is measured of a task follows from its kind; against scikit-learn."""

import numpy as np
import pytest
from planted_results import as_scores
from sklearn import metrics

from simmim_lib.experiments import Result
from simmim_lib.experiments.evaluation import MEASURES, measure
from simmim_lib.settings import Settings
from simmim_lib.simmim import LOSSES

RANDOM = np.random.default_rng(0)


def test_every_kind_of_task_is_measured():
    assert set(MEASURES) == set(LOSSES)


@pytest.mark.parametrize("one_each", [False, True], ids=["same labels", "labels of each seed"])
def test_classification(one_each):
    outputs = RANDOM.normal(size=(3, 50, 4))
    labels = RANDOM.integers(4, size=(3, 50) if one_each else 50)
    (accuracy,) = measure("classification", outputs, labels).values()
    for seed, guesses in enumerate(outputs.argmax(axis=-1)):
        truth = labels[seed] if one_each else labels
        assert accuracy[seed] == pytest.approx(metrics.accuracy_score(truth, guesses))


def test_several_labels():
    outputs, labels = RANDOM.normal(size=(2, 30, 5)), RANDOM.integers(2, size=(30, 5))
    (accuracy,) = measure("multi-label", outputs, labels).values()
    for seed in range(2):
        expected = 1 - metrics.hamming_loss(labels, outputs[seed] > 0)
        assert accuracy[seed] == pytest.approx(expected)


def test_numbers():
    outputs, labels = RANDOM.normal(size=(2, 30, 2)), RANDOM.normal(size=(30, 2))
    (error,) = measure("regression", outputs, labels).values()
    for seed in range(2):
        assert error[seed] == pytest.approx(metrics.mean_absolute_error(labels, outputs[seed]))


def test_accuracy_is_a_score_and_of_targets_with_classes_only():
    values = np.array([0.5, 0.75])
    scores = as_scores({"mnist": values}) | {"ages": {"mean absolute error": values}}
    result = Result(Settings(), scores, {}, {}, seconds=1.0)
    assert list(result.accuracy) == ["mnist"]
    assert result.as_dict()["scores"]["ages"] == {"mean absolute error": [0.5, 0.75]}
    assert result.as_dict()["accuracy"] == {"mnist": [0.5, 0.75]}
