"""The nearest neighbour, against a loop over all pairs."""

import numpy as np
import pytest

from simmim_lib import datasets
from simmim_lib.errors import WorkbookError
from simmim_lib.lessons.start_here import neighbours


@pytest.mark.slow
def test_accuracy_is_that_of_a_loop_over_all_pairs():
    scores = neighbours.accuracy("uci-digits", labels_per_class=2, seeds=2)
    for seed in range(2):
        task = datasets.few_shot("uci-digits", 2, seed)
        right = 0
        for image, label in zip(task.test.images, task.test.labels, strict=True):
            distances = [np.sum((image - known) ** 2) for known in task.labelled.images]
            right += task.labelled.labels[np.argmin(distances)] == label
        assert scores[seed] == right / len(task.test)


def test_more_labels_help():
    few, many = (neighbours.accuracy("mnist", count, seeds=3) for count in (1, 20))
    assert np.all(few > 0.1) and np.all(many > few)


def test_too_many_labels_are_refused_in_words():
    with pytest.raises(WorkbookError, match="uci-digits"):
        neighbours.accuracy("uci-digits", 1000, 1)
