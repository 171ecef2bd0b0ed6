"""Swapped names of classes are found by matching, whatever says what an image shows."""

import numpy as np
import pytest

from simmim_lib import datasets
from simmim_lib.experiments import Result
from simmim_lib.lessons.information_maximisation import study_results, swapped_names
from simmim_lib.settings import Settings

TRUTH = datasets.load("mnist").test.labels
SWAP = np.array([0, 4, 2, 3, 1, 5, 6, 7, 8, 9])


def test_names_are_those_with_which_most_images_are_shared():
    random = np.random.default_rng(0)
    reference = np.where(random.random(len(TRUTH)) < 0.2, random.integers(10, size=1000), TRUTH)
    assert swapped_names.names_by(reference, TRUTH, 10).tolist() == list(range(10))
    turned = (TRUTH + 3) % 10
    assert swapped_names.names_by(reference, turned, 10).tolist() == [7, 8, 9, *range(7)]
    assert swapped_names.moved(reference, SWAP[TRUTH], 10) == 2
    assert swapped_names.moved(reference, TRUTH, 10) == 0


def test_each_name_is_given_once_also_where_a_class_is_never_predicted():
    reference, predicted = np.array([0, 0, 1, 1, 2]), np.array([0, 0, 0, 0, 0])
    assert sorted(swapped_names.names_by(reference, predicted, 3)) == [0, 1, 2]


def test_each_seed_is_told_apart(monkeypatch):
    """Of three seeds one has swapped two names; the network without labels has swapped others."""
    monkeypatch.setattr(swapped_names, "without_labels", lambda settings: (TRUTH + 1) % 10)
    predictions = np.stack([TRUTH, SWAP[TRUTH], TRUTH])
    result = Result(
        Settings(targets=("mnist",), seeds=3),
        {"mnist": np.zeros(3)},
        {"mnist": np.zeros(3)},
        {"mnist": np.eye(10)[predictions]},
        seconds=1.0,
    )
    found = swapped_names.swapped_names(result)
    assert found["swapped"].tolist() == [0, 2, 0]
    assert found["by the source"].tolist() == [10, 10, 10]
    assert found["by the others"].tolist() == [0, 2, 0]
    assert found["renamed"].tolist() == [0, 0, 0]  # all get the wrong names of that network


@pytest.mark.slow
def test_the_reference_learns_without_labels_from_one_seed():
    settings = Settings(labels_per_class=1, steps=4, information=1.0, seeds=3)
    found = swapped_names.without_labels(settings)
    assert found.shape == TRUTH.shape
    assert 0.3 < np.mean(found == TRUTH) < 0.95  # as the source names it


def test_alarms_are_counted_as_right_or_mistaken(monkeypatch):
    measures = {
        "swapped": np.array([0, 2, 0, 2]),
        "by the source": np.array([0, 2, 0, 0]),
        "by the others": np.array([3, 2, 0, 2]),
    }
    monkeypatch.setattr(study_results, "swapped", measures.__getitem__)
    rows = [[str(cell) for cell in row[1:]] for row in study_results.other_networks_table().rows]
    assert rows == [["1", "1", "0"], ["3", "0", "1"]]
