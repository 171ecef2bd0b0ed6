"""The private heads of lesson 09: recipes, promises, and what they are shown."""

import numpy as np
import pytest

from simmim_lib import privacy
from simmim_lib.errors import WorkbookError
from simmim_lib.foundation.intervals import difference
from simmim_lib.lessons.open_problems import private_heads
from simmim_lib.lessons.open_problems.private_heads import DELTA, FEATURES, RECIPES, PrivateHead
from simmim_lib.studies.stored import load


@pytest.mark.parametrize("epsilon", [0.5, 3.0])
def test_the_noise_is_what_the_promise_needs(epsilon):
    recipe = PrivateHead(epsilon=epsilon).recipe(4_000)
    found = privacy.epsilon(4_000, recipe.batch_size, recipe.noise_multiplier, recipe.epochs, DELTA)
    assert found == pytest.approx(epsilon, rel=1e-6)
    assert recipe.batch_size == 1_000
    assert recipe.steps(4_000) == 240


def test_without_a_promise_there_is_neither_noise_nor_clip():
    recipe = PrivateHead(epsilon=None).recipe(4_000)
    assert recipe.noise_multiplier == 0
    longest = np.sqrt(2) * np.sqrt(1 + 0.3**2)  # of an error, times that of a row
    assert recipe.clip > longest


@pytest.mark.parametrize("features", FEATURES)
@pytest.mark.parametrize(("position", "epsilon"), [(0, 3.0), (1, 9.0)])
def test_no_recipe_is_clearly_better_on_public_digits(features, position, epsilon):
    """There are a third as many as private ones: thrice the epsilon is as hard."""
    records = [
        record
        for record in load("private-recipes").records
        if (record.settings.features, record.settings.epsilon) == (features, epsilon)
    ]
    assert {record.settings.dataset for record in records} == {"uci-digits"}
    chosen = [
        record.values()
        for record in records
        if _recipe(record.settings) == RECIPES[features][position]
    ]
    assert len(chosen) == 1
    assert len(records) == 12
    for record in records:
        assert difference(record.values(), chosen[0]).verdict != "gain", record.settings


def _recipe(head):
    return head.learning_rate, head.clip, head.steps


def test_rows_keep_labels_and_have_length_one():
    data = private_heads.rows_of("mnist", "pixels")
    assert data.train.images.shape == (4_000, 785)
    lengths = np.linalg.norm(data.train.images[:, :-1], axis=1)
    np.testing.assert_allclose(lengths, 1, rtol=1e-5)


def test_a_head_reads_digits():
    quick = PrivateHead(features="pixels", epsilon=8.0, steps=40, examples=1_000, seeds=2)
    told = []
    found = private_heads.accuracies(quick, lambda done, total: told.append((done, total)))
    assert found["accuracy"].shape == (2,)
    assert found["accuracy"].min() > 0.6
    assert told == [(0, 2), (1, 2), (2, 2)]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"features": "sounds"}, "kind of features"),
        ({"epsilon": 0}, "epsilon is 0"),
        ({"examples": 0}, "examples is 0"),
        ({"seeds": 0}, "seeds is 0"),
    ],
)
def test_what_cannot_be_meant_is_refused(change, told):
    with pytest.raises(WorkbookError, match=told):
        PrivateHead(**change)
    with pytest.raises(WorkbookError, match="setting"):
        PrivateHead.from_mapping({"epsilom": 1})
