"""Chest phantoms: what is known about them is true of them."""

import numpy as np
import pytest

from simmim_lib.datasets import phantoms


@pytest.fixture(scope="module")
def cohort():
    return phantoms.render(300, np.random.default_rng(0), size=28)


def test_sizes_and_ranges(cohort):
    assert cohort.images.shape == (900, 28, 28, 1) and cohort.images.dtype == np.float32
    assert cohort.images.min() >= 0 and cohort.images.max() <= 1
    assert set(cohort.finding) == set(range(5)) and set(cohort.device) == {0, 1}
    assert set(cohort.age_group) == {0, 1, 2}


def test_all_images_of_a_patient_agree_in_what_does_not_change(cohort):
    for field in ("finding", "age_group"):
        by_patient = getattr(cohort, field).reshape(300, phantoms.IMAGES_PER_PATIENT)
        assert (by_patient == by_patient[:, :1]).all()
    assert not np.array_equal(cohort.images[0], cohort.images[1])


def test_images_of_one_patient_are_more_alike_than_those_of_others(cohort):
    """Else nothing would leak from one part of a split to the other."""
    healthy = cohort.take((cohort.finding == 0) & (cohort.device == 0))
    flat = healthy.images.reshape(len(healthy), -1)
    distance = ((flat[:, None] - flat) ** 2).mean(axis=2)
    same = healthy.patient[:, None] == healthy.patient
    np.fill_diagonal(same, False)
    others = healthy.patient[:, None] != healthy.patient
    assert distance[same].mean() < 0.8 * distance[others].mean()


def test_a_mask_covers_the_opacity_and_nothing_else(cohort):
    covered = cohort.masks.any(axis=(1, 2))
    assert not covered[cohort.finding == 0].any()
    assert covered[cohort.finding > 0].mean() > 0.9


def test_the_opacity_brightens_what_its_mask_covers():
    """The same patients with and without illness: chance is drawn in the same order."""
    ill, healthy = (
        phantoms.render(100, np.random.default_rng(1), prevalence=share) for share in (1.0, 0.0)
    )
    covered = ill.images[..., 0][ill.masks].mean()
    assert covered > healthy.images[..., 0][ill.masks].mean() + 0.03


@pytest.mark.parametrize(("tie", "expected"), [(0, 0.5), (0.9, 0.95), (-1, 0.0), (1, 1.0)])
def test_device_and_illness_go_together_as_asked(tie, expected):
    cohort = phantoms.render(1000, np.random.default_rng(2), size=8, device_tie=tie)
    agree = np.mean(cohort.device == cohort.ill)
    assert agree == pytest.approx(expected, abs=0.03)


def test_the_prevalence_is_as_asked():
    cohort = phantoms.render(2000, np.random.default_rng(3), size=8, prevalence=0.1)
    assert cohort.ill.mean() == pytest.approx(0.1, abs=0.02)


def test_the_devices_differ_in_their_marker_and_their_noise(cohort):
    corner, beside = cohort.images[:, 1:3, 1:5, 0], cohort.images[:, 1:3, -5:-1, 0]
    marked = (corner - beside).mean(axis=(1, 2))
    noise = (cohort.images[:, 14, 1:, 0] - cohort.images[:, 14, :-1, 0]).std(axis=1)
    of_a, of_b = cohort.device == 0, cohort.device == 1
    assert marked[of_b].mean() > marked[of_a].mean() + 0.15
    assert noise[of_b].mean() > noise[of_a].mean()


def test_parts_are_the_same_each_time_and_share_no_chance():
    train, test = phantoms.render_parts(8)
    again, _ = phantoms.render_parts(8)
    np.testing.assert_array_equal(train.images, again.images)
    assert len(train) == 2400 and len(test) == 900
    assert not np.array_equal(train.images[:900], test.images)
