"""Audits: canaries that only one pixel knows of, and the largest of many numbers."""

import numpy as np
import pytest

from simmim_lib import datasets
from simmim_lib.errors import WorkbookError
from simmim_lib.lessons.open_problems import audits
from simmim_lib.lessons.open_problems.audits import BATCHES, CanaryAudit, WorstCase


def nothing(done: int, total: int) -> None:
    """Show no progress."""


def test_no_digit_lights_a_canary_s_pixel_and_half_are_there():
    canaries = audits.draw_canaries(0)
    images = datasets.load("mnist").train.images.reshape(4_000, -1)
    assert not images[:, canaries.pixels].any()
    assert abs(canaries.present.mean() - 0.5) < 0.06
    assert len({*zip(canaries.pixels, canaries.labels, strict=True)}) == len(canaries.rows)
    other = audits.draw_canaries(1)
    assert not np.array_equal(canaries.present, other.present)


def test_guesses_are_about_the_surest():
    present = np.arange(40) >= 20
    assert audits.guesses_right(np.arange(40.0), present) == (8, 8)
    assert audits.guesses_right(-np.arange(40.0), present) == (0, 8)


def test_noise_of_the_wrong_size_is_smaller():
    recipe = audits.PrivateHead(features="pixels").recipe(4_000)
    noises = [audits.with_mistake(recipe, each, 4_000) for each in audits.CANARY_MISTAKES]
    assert [recipe.noise_multiplier / each.noise_multiplier for each in noises] == pytest.approx(
        [1, 4, 1_000]
    )


@pytest.mark.slow
def test_without_noise_canaries_are_found():
    audit = CanaryAudit(claimed=1.0, mistake="noise for the mean", seeds=1)
    found = audits.found_by_canaries(audit, nothing)
    assert found["right"][0] > 0.95
    assert found["found"][0] > audit.claimed


@pytest.mark.parametrize("batches", BATCHES)
@pytest.mark.parametrize("present", [True, False])
def test_the_largest_sum_is_as_if_each_had_been_drawn(batches, present):
    case = WorstCase(batches=batches, steps=50, runs=4_000)
    found = audits.largest_sums(case, present, np.random.default_rng(0))
    random = np.random.default_rng(1)
    sums = case.noise * random.standard_normal((case.runs, case.steps))
    if batches == "shuffled":
        sums[:, 7] += 2 if present else 1
    elif present:
        sums += random.random(sums.shape) < 1 / case.steps
    shares = np.linspace(0.05, 0.95, 10)
    known = np.quantile(sums.max(axis=1), shares)
    np.testing.assert_allclose(np.quantile(found, shares), known, atol=0.06)


def test_shuffled_batches_are_found_out_and_poisson_ones_are_not():
    poisson, shuffled = (
        audits.found_in_worst_case(WorstCase(batches=batches, seeds=2), nothing)["found"]
        for batches in BATCHES
    )
    claimed = WorstCase().claimed
    assert poisson.max() < claimed < shuffled.min()


def test_what_cannot_be_meant_is_refused():
    for kind, change, told in (
        (CanaryAudit, {"mistake": "none at all"}, "mistake"),
        (CanaryAudit, {"claimed": -1}, "claimed is -1"),
        (WorstCase, {"batches": "sorted"}, "kind of batches"),
        (WorstCase, {"noise": 0}, "noise is 0"),
        (WorstCase, {"runs": 0}, "runs is 0"),
    ):
        with pytest.raises(WorkbookError, match=told):
            kind(**change)
