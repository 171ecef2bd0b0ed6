"""Randomisation tests: who forgets in which order, and methods whose outcome is known."""

import keras
import numpy as np
import pytest

from simmim_lib import attribution
from simmim_lib.errors import WorkbookError

IMAGES = np.random.default_rng(0).uniform(size=(4, 8, 8, 1)).astype(np.float32)


@pytest.fixture(scope="module")
def network() -> keras.Model:
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(4, 3, activation="relu", name="first"),
            keras.layers.Flatten(),
            keras.layers.Dense(6, activation="relu", name="middle"),
            keras.layers.Dense(3, name="last"),
        ]
    )


def of_the_image(_: keras.Model) -> np.ndarray:
    return IMAGES


def of_the_network(network: keras.Model) -> np.ndarray:
    return attribution.gradients(network, IMAGES, 0)


def test_layers_forget_from_the_last_one_down(network):
    known = {layer.name: layer.get_weights() for layer in network.layers if layer.weights}
    forgotten = []
    for name, copy in attribution.randomised(network, seed=0):
        forgotten.append(name)
        for layer, weights in known.items():
            same = np.array_equal(copy.get_layer(layer).get_weights()[0], weights[0])
            assert same == (layer not in forgotten)
    assert forgotten == ["last", "middle", "first"]
    for layer, weights in known.items():
        np.testing.assert_array_equal(network.get_layer(layer).get_weights()[0], weights[0])


def test_another_seed_forgets_otherwise(network):
    kernels = [
        [copy.layers[-1].get_weights()[0] for _, copy in attribution.randomised(network, seed)][-1]
        for seed in (0, 1)
    ]
    assert not np.array_equal(*kernels)


def test_layers_inside_layers_forget_too(network):
    whole = keras.Sequential([keras.Input((8, 8, 1)), network, keras.layers.Dense(2, name="top")])
    names = [name for name, _ in attribution.randomised(whole)]
    assert names == ["top", "last", "middle", "first"]


def test_a_method_that_does_not_look_at_the_network_stays_the_same(network):
    found = attribution.cascade(network, of_the_image)
    assert list(found) == ["last", "middle", "first"]
    np.testing.assert_allclose(list(found.values()), 1)
    np.testing.assert_array_equal(attribution.complexity_rise(network, of_the_image), np.zeros(4))


def test_a_method_that_does_becomes_unlike(network):
    found = attribution.cascade(network, of_the_network)
    assert found["first"].mean() < 0.5


def test_similarity_is_of_ranks_of_sizes():
    one = np.array([[1.0, -2, 3, -4]])
    assert attribution.similarity(one, one**3) == pytest.approx(1)
    assert attribution.similarity(one, [[4, 3, 2, 1]]) == pytest.approx(-1)
    assert attribution.similarity(one, np.ones((1, 4))) == pytest.approx(0)
    from scipy.stats import spearmanr

    random = np.random.default_rng(0)
    pair = random.random((2, 1, 50)).round(1)  # with ties
    known = spearmanr(pair[0, 0], pair[1, 0]).statistic
    assert attribution.similarity(*pair) == pytest.approx(known)


@pytest.mark.parametrize("maps", [np.zeros((0, 4, 4, 1)), np.full((2, 4, 4, 1), np.nan), "maps", 3])
def test_what_is_no_map_is_refused(maps):
    for measure in (attribution.complexity, lambda each: attribution.similarity(each, each)):
        with pytest.raises(WorkbookError, match="maps"):
            measure(maps)


def test_complexity_is_the_entropy_of_a_histogram():
    maps = np.array([np.zeros(100), np.arange(100.0), np.repeat([0.0, 1.0], 50)])
    found = attribution.complexity(maps)
    np.testing.assert_allclose(found, [0, np.log(100), np.log(2)], atol=1e-12)


def test_maps_become_more_complex_by_a_share(network):
    def explain(asked):
        return maps[int(asked is not network)]

    maps = [np.repeat([[0.0, 1.0]], 50, axis=1), np.arange(100.0)[None]]
    rise = attribution.complexity_rise(network, explain)
    assert rise == pytest.approx(np.log(100) / np.log(2) - 1)


def test_a_map_that_was_the_same_everywhere_has_no_share_to_rise_by(network):
    def explain(asked):
        return maps[int(asked is not network)]

    maps = [np.zeros((2, 100)), np.stack([np.zeros(100), np.arange(100.0)])]
    np.testing.assert_array_equal(attribution.complexity_rise(network, explain), [0, np.inf])


def test_a_network_without_weights_is_refused():
    empty = keras.Sequential([keras.Input((4,)), keras.layers.Activation("relu")])
    with pytest.raises(WorkbookError, match="nothing to forget"):
        list(attribution.randomised(empty))


def test_numbers_that_cannot_be_meant_are_refused(network):
    with pytest.raises(WorkbookError, match="bins is 0"):
        attribution.complexity(np.ones((1, 2, 2, 1)), bins=0)
    with pytest.raises(WorkbookError, match="seed is -1"):
        next(attribution.randomised(network, seed=-1))


def test_maps_of_different_shapes_are_refused():
    with pytest.raises(WorkbookError, match=r"shapes \(4, 8, 8, 1\) and \(4, 8\)"):
        attribution.similarity(IMAGES, IMAGES[:, :, 0, 0])
