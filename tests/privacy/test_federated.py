"""Federated averaging: one place is plain training, means are weighed, changes are bounded."""

import keras
import numpy as np
import pytest

from simmim_lib.errors import WorkbookError
from simmim_lib.privacy.federated import FederatedRecipe, federated_rounds
from simmim_lib.simmim import SimMIM, Task


@pytest.fixture
def model() -> SimMIM:
    keras.utils.set_random_seed(0)
    trunk = keras.Sequential([keras.Input((4,)), keras.layers.Identity()])
    return SimMIM(trunk, [Task("one", ("a", "b"))])


def place(seed: int, number: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.normal(size=(number, 4)).astype(np.float32), random.integers(2, size=number)


def change(model: SimMIM, places: list, recipe: FederatedRecipe, seed: int = 0) -> np.ndarray:
    start = model.get_weights()
    *_, last = federated_rounds(model, "one", places, recipe, seed)
    assert last == recipe.rounds
    moved = [after - before for before, after in zip(start, model.get_weights(), strict=True)]
    model.set_weights(start)
    return np.concatenate([each.ravel() for each in moved])


WHOLE = FederatedRecipe(1, learning_rate=0.1, batch_size=100)


def test_a_place_s_change_is_a_step_down_its_own_loss(model):
    inputs, labels = place(0, 8)
    kernel, bias = model.get_weights()
    logits = inputs @ kernel + bias
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    error = (shares - np.eye(2)[labels]) / 8
    known = -0.1 * np.concatenate([(inputs.T @ error).ravel(), error.sum(axis=0)])
    np.testing.assert_allclose(change(model, [(inputs, labels)], WHOLE), known, atol=1e-6)


def test_changes_are_averaged_by_the_number_of_examples(model):
    few, many = place(0, 5), place(1, 15)
    alone = [change(model, [each], WHOLE) for each in (few, many)]
    expected = (5 * alone[0] + 15 * alone[1]) / 20
    np.testing.assert_allclose(change(model, [few, many], WHOLE), expected, atol=1e-6)


def test_clipped_changes_count_the_same_and_are_no_longer_than_allowed(model):
    few, many = place(0, 5), place(1, 15)
    tight = FederatedRecipe(1, learning_rate=0.1, batch_size=100, clip=1e-3)
    alone = [change(model, [each], tight) for each in (few, many)]
    assert [np.linalg.norm(each) for each in alone] == pytest.approx([1e-3, 1e-3], rel=1e-3)
    expected = (alone[0] + alone[1]) / 2
    np.testing.assert_allclose(change(model, [few, many], tight), expected, atol=1e-7)


def test_the_noise_is_in_units_of_the_clip_over_the_number_of_places(model):
    noisy = FederatedRecipe(1, learning_rate=1e-9, batch_size=100, clip=2.0, noise_multiplier=3.0)
    places = [place(0, 5), place(1, 5)]
    moves = np.array([change(model, places, noisy, seed) for seed in range(60)])
    assert moves.std() == pytest.approx(3.0 * 2.0 / 2, rel=0.1)


def test_noise_and_changes_leave_frozen_weights_alone():
    keras.utils.set_random_seed(0)
    frozen = keras.layers.Dense(3, trainable=False)
    model = SimMIM(keras.Sequential([keras.Input((4,)), frozen]), [Task("one", ("a", "b"))])
    start, known = model.get_weights(), frozen.get_weights()
    noisy = FederatedRecipe(1, clip=2.0, noise_multiplier=3.0)
    list(federated_rounds(model, "one", [place(0, 5), place(1, 5)], noisy))
    for before, after in zip(known, frozen.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    assert not np.array_equal(start[-2], model.get_weights()[-2])


def test_rounds_go_on_from_where_the_last_one_ended(model):
    inputs, labels = place(0, 40)
    labels = (inputs[:, 0] > 0).astype(np.int64)
    places = [(inputs[:20], labels[:20]), (inputs[20:], labels[20:])]
    for _ in federated_rounds(model, "one", places, FederatedRecipe(30, 2, 0.5, 10)):
        pass
    assert np.mean(np.asarray(model(inputs)["one"]).argmax(axis=1) == labels) > 0.9


def test_what_cannot_be_meant_is_refused(model):
    with pytest.raises(WorkbookError, match="There are 0 places"):
        next(federated_rounds(model, "one", [], WHOLE))
    with pytest.raises(WorkbookError, match="Unknown task 'three'"):
        next(federated_rounds(model, "three", [place(0, 3)], WHOLE))
    with pytest.raises(WorkbookError, match="There are 3 inputs, but 2 labels"):
        next(federated_rounds(model, "one", [(place(0, 3)[0], [0, 1])], WHOLE))
    with pytest.raises(WorkbookError, match="3 of 3 inputs hold NaN"):
        next(federated_rounds(model, "one", [(np.full((3, 4), np.nan), [0, 1, 1])], WHOLE))
    with pytest.raises(WorkbookError, match=r"3, 0 examples .* all need examples"):
        next(federated_rounds(model, "one", [place(0, 3), place(0, 0)], WHOLE))
    with pytest.raises(WorkbookError, match=r"of the shapes \(3,\), \(4,\), .* of one shape"):
        other = (np.zeros((2, 3), np.float32), [0, 1])
        next(federated_rounds(model, "one", [place(0, 3), other], WHOLE))
    with pytest.raises(WorkbookError, match="give pairs, such as"):
        next(federated_rounds(model, "one", place(0, 3), WHOLE))
    with pytest.raises(WorkbookError, match="labels of task 'one' are None"):
        next(federated_rounds(model, "one", [(place(0, 3)[0], None)], WHOLE))
    with pytest.raises(WorkbookError, match="clip is None"):
        FederatedRecipe(1, noise_multiplier=1.0)
    for bad in ({"rounds": 0}, {"clip": 0}, {"learning_rate": -1}, {"noise_multiplier": -1}):
        with pytest.raises(WorkbookError, match=next(iter(bad))):
            FederatedRecipe(**{"rounds": 1, **bad})
