"""What is measured of a task follows from its kind, against scikit-learn; and collapses."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from planted_results import as_scores
from sklearn import metrics

from simmim_lib import datasets, experiments, training
from simmim_lib.experiments import Result
from simmim_lib.experiments.evaluation import MEASURES, diagnose, measure
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


def diagnosed(monkeypatch, settings, predicted):
    """Diagnose networks that predict these classes for the validation images, (seeds, n)."""
    logits = 20 * np.eye(10)[predicted]
    monkeypatch.setattr(training, "predict", lambda *arguments: logits)
    tasks = experiments.choose_tasks(settings)
    network = SimpleNamespace(features={"mnist": datasets.load("mnist")}, model=None)
    return diagnose(settings, tasks, network, [])


EVEN, ALL_THE_SAME = np.arange(50) % 10, np.zeros(50, int)
TAUGHT = Settings(information=0.3, seeds=2)


def test_a_collapse_of_one_seed_is_warned_of(monkeypatch):
    with pytest.warns(UserWarning, match=r"mnist: collapsed in 1 of 2 seeds \(1\)"):
        found = diagnosed(monkeypatch, TAUGHT, [EVEN, ALL_THE_SAME])
    assert list(found["mnist"].collapsed) == [False, True]


@pytest.mark.parametrize(
    ("changes", "looked_for"),
    [
        ({}, True),
        ({"information": 0.0, "agreement": 1.0, "augmentation": 1.0, "frozen_layers": 0}, True),
        ({"information": 0.0}, False),
        ({"information": 0.0, "augmentation": 1.0, "frozen_layers": 0}, False),
    ],
)
def test_a_collapse_is_looked_for_wherever_unlabelled_images_teach(
    monkeypatch, changes, looked_for
):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # without a collapse there is nothing to warn of
        found = diagnosed(monkeypatch, TAUGHT.replace(**changes), [EVEN, EVEN])
    assert list(found) == (["mnist"] if looked_for else [])
