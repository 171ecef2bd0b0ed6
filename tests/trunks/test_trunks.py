import keras
import numpy as np
import pytest

from simmim_lib import trunks
from simmim_lib.errors import WorkbookError
from simmim_lib.trunks.building import adapter
from simmim_lib.trunks.catalogue import SMALL_CNN
from simmim_lib.trunks.files import image_shape_of_file


@pytest.fixture(scope="module")
def network():
    return trunks.add_head(trunks.build_trunk(), 10)


def test_parameters_by_hand(network):
    by_hand = {
        "convolution_1": 3 * 3 * 1 * 16 + 16,
        "convolution_2": 3 * 3 * 16 * 32 + 32,
        "convolution_3": 3 * 3 * 32 * 64 + 64,
        "dense": 4 * 4 * 64 * 128 + 128,
        "head": 128 * 10 + 10,
    }
    assert {
        layer.name: layer.count_params() for layer in network.layers if layer.weights
    } == by_hand


@pytest.mark.parametrize("frozen", range(5))
def test_the_two_parts_make_the_whole(frozen):
    images = np.random.default_rng(0).random((5, 28, 28, 1), np.float32)
    trunk = trunks.build_trunk()
    parts = trunks.cut(trunk, SMALL_CNN.end_of, frozen)
    np.testing.assert_allclose(parts.back(parts.front(images)), trunk(images), atol=1e-6)
    assert len(parts.front.weights) == 2 * frozen


@pytest.mark.slow
@pytest.mark.parametrize("name", trunks.TRUNKS)
def test_every_trunk_of_the_catalogue_is_built_and_has_its_blocks(name):
    about, trunk = trunks.describe(name), trunks.build_trunk(name)
    size = (about.size,) if about.takes == "texts" else (about.size, about.size)
    assert trunk.input_shape[1:3] == size
    assert len(trunk.output_shape) == 2  # features of each image or text
    parts = trunks.cut(trunk, about.end_of, len(about.blocks) // 2)
    assert list(parts.variables) == list(about.blocks)
    assert sum(map(len, parts.variables.values())) == len(trunk.weights)


def test_a_head_shares_the_trunk():
    trunk = trunks.build_trunk()
    network = trunks.add_head(trunk, 3)
    trunk.layers[0].kernel.assign(np.ones((3, 3, 1, 16)))
    assert np.all(network.layers[0].kernel.numpy() == 1)


def test_fresh_weights_are_glorot_s(network):
    weights = trunks.fresh_weights(network, seed=1)
    assert [w.shape for w in weights] == [tuple(w.shape) for w in network.weights]
    dense = weights[6]
    limit = np.sqrt(6 / (1024 + 128))
    assert np.abs(dense).max() <= limit
    np.testing.assert_allclose(dense.std(), limit / np.sqrt(3), rtol=0.02)
    convolution = weights[4]
    np.testing.assert_allclose(np.abs(convolution).max(), np.sqrt(6 / (9 * 96)), rtol=0.01)
    assert all(np.all(bias == 0) for bias in weights[1::2])
    again, other = trunks.fresh_weights(network, 1), trunks.fresh_weights(network, 2)
    assert np.array_equal(weights[0], again[0])
    assert not np.array_equal(weights[0], other[0])


def test_colour_images():
    shape = (None, 28, 28, 3)
    assert trunks.build_trunk(channels=3).input_shape == shape
    assert trunks.classifier(5, images=(28, 28, 3)).input_shape == shape
    parts = trunks.cut_trunk(1, images=(28, 28, 3))
    assert parts.front.input_shape == shape
    assert parts.back.input_shape == (None, 14, 14, 16)


def test_small_images_are_enlarged_smoothly_and_grey_ones_repeated():
    """By hand: between the middles of two pixels, a quarter and three quarters of the way."""
    image = np.array([[0.0, 1.0], [0.0, 1.0]], np.float32)[None, :, :, None]
    enlarged = np.array(adapter((2, 2, 1), (4, 4, 3))(image))
    assert enlarged.shape == (1, 4, 4, 3)
    np.testing.assert_allclose(
        enlarged, np.broadcast_to([[[0], [0.25], [0.75], [1]]], (1, 4, 4, 3))
    )


@pytest.mark.slow
@pytest.mark.parametrize("frozen", [0, 2])
def test_a_trunk_is_fitted_to_the_images_that_it_is_given(frozen):
    parts = trunks.cut_trunk(frozen, "efficientnet-lite0", (28, 28, 1), 32)
    images = np.random.default_rng(0).random((2, 28, 28, 1), np.float32)
    fitted = trunks.cut_trunk(frozen, "efficientnet-lite0", (32, 32, 3), 32)
    for cut in (parts, fitted):
        for variables in cut.variables.values():
            for variable in variables:
                variable.assign(np.full(variable.shape, 0.01))
    large = np.array(adapter((28, 28, 1), (32, 32, 3))(images))
    np.testing.assert_allclose(
        parts.back(parts.front(images)), fitted.back(fitted.front(large)), rtol=1e-4
    )
    assert parts.front.input_shape == (None, 28, 28, 1)


@pytest.mark.parametrize(
    ("shape", "read"),
    [
        ((32, 32, 3), (32, 32, 3)),
        ((24, 32, 1), (24, 32, 1)),
        ((None, None, 3), (96, 96, 3)),
        ((None, 40, 1), (96, 40, 1)),
    ],
)
def test_a_saved_network_takes_the_images_that_its_file_says(tmp_path, shape, read):
    image = keras.Input(shape)
    pooled = keras.layers.GlobalAveragePooling2D(name="features")(image)
    keras.Model(image, pooled).save(tmp_path / "mine.keras")
    assert image_shape_of_file(tmp_path / "mine.keras") == read
    address = f"file:{tmp_path / 'mine.keras'}?blocks=features"
    if read[0] == read[1]:
        assert trunks.describe(address).size == read[0]
    else:
        with pytest.raises(WorkbookError, match=f"images of {read[0]} x {read[1]} pixels"):
            trunks.describe(address)


def test_a_cut_behind_the_last_block_is_refused():
    with pytest.raises(WorkbookError, match="from 0 to 4: try 4"):
        trunks.cut(trunks.build_trunk(), SMALL_CNN.end_of, 5)
