"""Private heads: the same as private steps of the whole model, and what is refused."""

import keras
import numpy as np
import pytest

from simmim_lib.errors import WorkbookError
from simmim_lib.privacy.heads import probabilities, train_head, unit_rows
from simmim_lib.privacy.steps import PrivateRecipe, PrivateTraining, draw_poisson
from simmim_lib.simmim import SimMIM, Task

CLASSES = ("a", "b", "c")
ROWS = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)
LABELS = np.random.default_rng(1).integers(3, size=40)


def test_rows_have_length_one_and_a_constant_input():
    rows = unit_rows(3 * ROWS.reshape(40, 5, 1), bias=0.3)
    np.testing.assert_allclose(np.linalg.norm(rows[:, :-1], axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(rows[:, -1], 0.3)
    lengths = np.linalg.norm(ROWS, axis=1)[:, None]
    np.testing.assert_allclose(rows[:, :-1] * lengths, ROWS, rtol=1e-5)
    assert not unit_rows(np.zeros((2, 3)), bias=0).any()


def test_without_noise_it_is_private_training_of_a_model_with_that_head_alone():
    keras.utils.set_random_seed(0)
    trunk = keras.Sequential([keras.Input((5,)), keras.layers.Identity()])
    model = SimMIM(trunk, [Task("one", CLASSES)])
    # The bias is an input here: the last one is always 1, and the head's own stays where it is.
    rows = np.concatenate([ROWS[:, :4], np.ones((40, 1), np.float32)], axis=1)
    head = model.head_of("one")
    head.set_weights([np.zeros((5, 3)), np.zeros(3)])
    head.bias.trainable = False
    recipe = PrivateRecipe(0.0, 10, 5, 0.5, clip=0.4)
    PrivateTraining(model, "one").train(rows, LABELS.astype(np.int32), recipe, seed=3)
    found = train_head(rows, LABELS, 3, recipe, seed=3)
    np.testing.assert_allclose(found, head.get_weights()[0], atol=1e-5)


def test_the_noise_is_that_of_the_recipe():
    recipe = PrivateRecipe(50.0, 10, 0.25, 2.0, clip=0.4)
    noisy = [train_head(ROWS, LABELS, 3, recipe, seed) for seed in range(200)]
    assert np.std(noisy) == pytest.approx(2.0 * 50.0 * 0.4 / 10, rel=0.05)
    assert len({each[0, 0] for each in noisy}) == 200


def test_other_batches_are_taken_where_they_are_given():
    recipe = PrivateRecipe(0.0, 40, 1, 1.0, clip=100.0)
    first = train_head(ROWS, LABELS, 3, recipe, batches=np.array([[0, -1]], np.int32))
    error = np.full(3, 1 / 3) - np.eye(3)[LABELS[0]]
    np.testing.assert_allclose(first, -np.outer(ROWS[0], error) / 40, atol=1e-6)
    nobody = train_head(ROWS, LABELS, 3, recipe, batches=np.full((2, 3), -1, np.int32))
    assert not nobody.any()
    drawn = draw_poisson(40, 40, 1, seed=0)
    given, own = (train_head(ROWS, LABELS, 3, recipe, 0, each) for each in (drawn, None))
    np.testing.assert_array_equal(given, own)


def test_probabilities_add_up_to_one():
    found = probabilities(np.full((5, 3), 100.0, np.float32), ROWS)
    np.testing.assert_allclose(found, 1 / 3, rtol=1e-6)
    assert probabilities(np.zeros((5, 3), np.float32), ROWS[:0]).shape == (0, 3)


def test_rows_that_are_no_numbers_are_refused():
    recipe = PrivateRecipe(1, 10, 1, 1)
    with pytest.raises(WorkbookError, match="40 of 40 rows hold NaN"):
        train_head(ROWS + np.nan, LABELS, 3, recipe)
    with pytest.raises(WorkbookError, match="with a row for each example"):
        train_head(ROWS[0], LABELS[:5], 3, recipe)
    with pytest.raises(WorkbookError, match="3 of 3 features hold NaN"):
        unit_rows(np.full((3, 2), np.inf))
    for bad in ("features", [[1.0], [1.0, 2.0]]):
        with pytest.raises(WorkbookError, match="with a row for each example"):
            unit_rows(bad)
    with pytest.raises(WorkbookError, match=r"The rows have the shape \(40, 1, "):
        train_head(ROWS[:, None], LABELS, 3, recipe)
    with pytest.raises(WorkbookError, match="seed is -1"):
        train_head(ROWS, LABELS, 3, recipe, seed=-1, batches=np.array([[0]]))


def test_of_no_features_there_are_no_rows():
    assert unit_rows(np.empty((0, 5))).shape == (0, 6)


def test_batches_may_be_a_list():
    recipe = PrivateRecipe(0, 10, 1, 1)
    found = [train_head(ROWS, LABELS, 3, recipe, batches=of([[0, 1]])) for of in (list, np.array)]
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize(
    ("batches", "told"),
    [
        (np.array([[0, 40]]), "name the rows 0 to 40, but there are 40"),
        (np.array([[0, -2]]), "name the rows -2 to 0"),
        (np.array([0, 1]), r"the shape \(2,\)"),
        (np.array([[0.5]]), "the type float64"),
        ([[0], [1, 2]], "positions of rows"),
    ],
)
def test_batches_of_rows_that_are_not_there_are_refused(batches, told):
    with pytest.raises(WorkbookError, match=told):
        train_head(ROWS, LABELS, 3, PrivateRecipe(1, 10, 1, 1), batches=batches)


@pytest.mark.parametrize(
    ("labels", "classes", "told"),
    [
        (LABELS[:-1], 3, "one whole number for each of the 40 rows"),
        (LABELS / 2, 3, "float64"),
        (LABELS, 2, "labels go from 0 to 1"),
        (LABELS - 1, 3, "The labels go from -1"),
        (LABELS, 1, "classes is 1"),
        ([[0], [1, 2]], 3, "one whole number for each of the 40 rows"),
    ],
)
def test_labels_that_cannot_be_meant_are_refused(labels, classes, told):
    with pytest.raises(WorkbookError, match=told):
        train_head(ROWS, labels, classes, PrivateRecipe(1, 10, 1, 1))
