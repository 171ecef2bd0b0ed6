"""Hospitals: what each has, and what rounds do."""

import numpy as np

from simmim_lib.lessons.open_problems import federation
from simmim_lib.lessons.open_problems.federation import Federation


def test_each_hospital_has_mostly_two_digits_of_its_own():
    places = federation.hospitals(0)
    commonest = []
    for images, labels in places:
        assert len(images) == len(labels) == federation.EXAMPLES
        counts = np.bincount(labels, minlength=10)
        two = np.argsort(counts)[-2:]
        assert 0.7 < counts[two].sum() / len(labels) < 0.9
        commonest += [*two]
    assert sorted(commonest) == list(range(10))


def test_noise_moves_what_is_learned_and_together_more_is_learned_than_alone(monkeypatch):
    monkeypatch.setattr(federation, "ROUNDS", 2)

    def last(**fields):
        found = federation.learned_together(Federation(seeds=1, **fields), lambda *_: None)
        assert found["accuracy"].shape == (2, 1)
        return found["accuracy"][-1, 0]

    assert last(way="together in one place") > last(way="each alone")
    assert last(noise=3.0) < last(way="federated")
