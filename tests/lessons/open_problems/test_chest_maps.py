"""Chest phantoms as maps are tested on: what is looked at, and what is measured."""

import numpy as np
import pytest

from simmim_lib.datasets import phantoms
from simmim_lib.errors import WorkbookError
from simmim_lib.lessons.open_problems import chest_maps
from simmim_lib.lessons.open_problems.chest_maps import MapTest


@pytest.fixture
def little(monkeypatch):
    for name, value in (("PATIENTS", 30), ("TEST_PATIENTS", 40), ("STEPS", 20), ("TESTED", 3)):
        monkeypatch.setattr(chest_maps, name, value)
    chest_maps.trained_networks.cache_clear()
    yield
    chest_maps.trained_networks.cache_clear()


def test_only_images_with_both_an_opacity_and_letters_are_looked_at():
    cohort = chest_maps.new_patients(seed=0)
    assert set(cohort.device) == {0, 1} and set(cohort.ill) == {0, 1}
    seen = chest_maps.looked_at(cohort)
    assert len(seen) == chest_maps.TESTED
    assert seen.ill.all() and seen.device.all() and seen.masks.any(axis=(1, 2)).all()
    place = phantoms.letters(28)
    around = np.zeros_like(place)
    around[:4, :6] = ~place[:4, :6]
    images = seen.images[..., 0]
    assert images[:, place].mean() > images[:, around].mean() + 0.2


@pytest.mark.slow
def test_a_method_is_asked_about_illness_and_tested(little):
    found = chest_maps.tested(MapTest(method="gradient", seeds=2), lambda *_: None)
    assert found["similarity"].shape == (5, 2)
    shares = [found[name] for name in ("on finding", "on letters", "chance", "accuracy")]
    assert all(((share >= 0) & (share <= 1)).all() for share in shares)
    (same, _) = chest_maps.tested(
        MapTest(method="edges (asks no network)", seeds=2), lambda *_: None
    )["similarity"].T
    np.testing.assert_allclose(same, 1)


@pytest.mark.slow
def test_nothing_forgets_where_the_device_was_learned(little):
    test = MapTest(method="gradient", learned="device", seeds=1)
    assert "similarity" not in chest_maps.tested(test, lambda *_: None)


def test_what_cannot_be_learned_is_refused():
    with pytest.raises(WorkbookError, match="device"):
        MapTest(learned="letters")
