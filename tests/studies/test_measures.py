"""What studies measure of an experiment, and under which names."""

from types import SimpleNamespace

import numpy as np
import pytest

from simmim_lib import experiments
from simmim_lib.settings import Settings
from simmim_lib.studies import measures

NUMBERS = {
    "mnist": {"accuracy": [0.5, 0.75], "validation": [0.25, 0.125]},
    "fashion": {"accuracy": [0.3, 0.4], "validation": [0.6, 0.7]},
}


@pytest.fixture
def run(monkeypatch):
    def without_training(settings, *, baseline, progress):
        assert not baseline
        by_measure = {
            measure: {name: np.array(NUMBERS[name][measure]) for name in settings.targets}
            for measure in ("accuracy", "validation")
        }
        return SimpleNamespace(settings=settings, **by_measure)

    monkeypatch.setattr(experiments, "run", without_training)


def as_lists(found):
    return {name: values.tolist() for name, values in found.items()}


def test_of_one_target_accuracies_have_no_name_but_their_own(run):
    found = measures.accuracies(Settings(seeds=2), lambda done, total: None)
    assert as_lists(found) == NUMBERS["mnist"]


def test_of_several_targets_each_measure_has_its_target_s_name(run):
    found = measures.accuracies(Settings(targets=tuple(NUMBERS), seeds=2), lambda *_: None)
    assert as_lists(found) == {
        f"{target} {name}": values
        for target, of_target in NUMBERS.items()
        for name, values in of_target.items()
    }


def test_more_is_measured_beside_the_accuracies(run):
    measure = measures.accuracies_and(lambda result: {"twice": 2 * result.accuracy["mnist"]})
    found = measure(Settings(seeds=2), lambda *_: None)
    assert as_lists(found) == {**NUMBERS["mnist"], "twice": [1.0, 1.5]}
