"""Blocks of networks that are no plain stack, and fresh weights from each layer's initialiser."""

import keras
import numpy as np
import pytest

from simmim_lib import trunks
from simmim_lib.errors import WorkbookError

NAMES = ("stem", "unit_1", "unit_2", "units")
ENDS = dict(zip(NAMES, NAMES, strict=True))


def residual_trunk() -> keras.Model:
    """A small residual network with BatchNormalization; each unit is one block of five layers."""
    layers = keras.layers
    inputs = keras.Input((8, 8, 3))
    outputs = layers.Conv2D(4, 3, padding="same", name="stem")(inputs)
    for unit in (1, 2):
        inner = layers.BatchNormalization(name=f"norm_{unit}")(outputs)
        inner = layers.DepthwiseConv2D(3, padding="same", name=f"depthwise_{unit}")(inner)
        inner = layers.Activation("relu", name=f"relu_{unit}")(inner)
        inner = layers.Conv2D(4, 1, name=f"pointwise_{unit}")(inner)
        outputs = layers.Add(name=f"unit_{unit}")([outputs, inner])
    outputs = layers.GlobalAveragePooling2D(name="pool")(outputs)
    return keras.Model(inputs, layers.Dense(5, name="units")(outputs))


@pytest.mark.parametrize("frozen", range(5))
def test_a_residual_network_is_cut_at_the_output_of_a_block(frozen):
    trunk = residual_trunk()
    images = np.random.default_rng(0).random((3, 8, 8, 3), np.float32)
    parts = trunks.cut(trunk, ENDS, frozen)
    np.testing.assert_allclose(parts.back(parts.front(images)), trunk(images), atol=1e-6)
    expected = [*[None] * frozen, *NAMES[frozen:]][frozen:]
    ids = {id(weight) for weight in parts.back.weights}
    found = [name for name, own in parts.variables.items() if {id(w) for w in own} <= ids]
    assert found == expected


def test_a_block_has_all_layers_up_to_its_output_and_their_statistics():
    variables = trunks.cut(residual_trunk(), ENDS, 0).variables
    paths = {name: [weight.path for weight in own] for name, own in variables.items()}
    assert paths["stem"] == ["stem/kernel", "stem/bias"]
    assert paths["unit_2"] == [
        *(f"norm_2/{name}" for name in ("gamma", "beta", "moving_mean", "moving_variance")),
        *("depthwise_2/kernel", "depthwise_2/bias", "pointwise_2/kernel", "pointwise_2/bias"),
    ]
    assert paths["units"] == ["units/kernel", "units/bias"]


def test_positions_are_those_of_the_same_variables():
    parts = trunks.cut(residual_trunk(), ENDS, 2)
    own = parts.variables["unit_2"]
    found = trunks.positions(parts.back, own)
    assert all(
        parts.back.weights[place] is weight for place, weight in zip(found, own, strict=True)
    )
    with pytest.raises(ValueError, match="not in list"):
        trunks.positions(parts.back, parts.variables["unit_1"])


def model_of(*layers: keras.layers.Layer, shape=(6,), dtype="float32") -> keras.Model:
    inputs = outputs = keras.Input(shape, dtype=dtype)
    for layer in layers:
        outputs = layer(outputs)
    return keras.Model(inputs, outputs)


def test_normalisation_starts_at_one_and_embeddings_are_not_zero():
    model = model_of(
        keras.layers.Embedding(20, 8), keras.layers.LayerNormalization(), shape=(5,), dtype="int32"
    )
    embeddings, gamma, beta = trunks.fresh_weights(model, 0)
    assert np.all(gamma == 1) and np.all(beta == 0)
    assert 0.02 < embeddings.std() < 0.04  # uniform from -0.05 to 0.05, Keras's default
    assert np.abs(embeddings).max() <= 0.05


def test_statistics_of_a_batch_start_at_mean_0_and_variance_1():
    fresh = trunks.fresh_weights(model_of(keras.layers.BatchNormalization()), 0)
    np.testing.assert_array_equal(fresh, [[1] * 6, [0] * 6, [0] * 6, [1] * 6])


def test_each_layer_s_own_initialiser_is_asked():
    model = model_of(
        keras.layers.Dense(400, kernel_initializer="he_normal", bias_initializer="ones"),
        keras.layers.Dense(3, kernel_initializer=keras.initializers.RandomNormal(stddev=7.0)),
    )
    he, ones, normal, zeros = trunks.fresh_weights(model, 0)
    assert he.std() == pytest.approx(np.sqrt(2 / 6), rel=0.05)
    assert normal.std() == pytest.approx(7, rel=0.05)
    assert np.all(ones == 1) and np.all(zeros == 0)


def test_two_equal_layers_get_different_weights():
    twins = [keras.layers.Dense(6, kernel_initializer="he_normal") for _ in range(2)]
    first, _, second, _ = trunks.fresh_weights(model_of(*twins), 0)
    assert not np.array_equal(first, second)


def test_attention_starts_with_queries_that_are_no_keys():
    inputs = keras.Input((4, 8))
    attention = keras.layers.MultiHeadAttention(2, 4)
    model = keras.Model(inputs, attention(inputs, inputs))
    fresh = trunks.fresh_weights(model, 0)
    kernels = [w for w, v in zip(fresh, model.weights, strict=True) if v.name == "kernel"]
    assert len(kernels) == 4 and not np.array_equal(kernels[0], kernels[1])


def test_fresh_weights_leave_every_global_state_alone():
    model = model_of(
        keras.layers.Dense(3, kernel_initializer="he_normal"), keras.layers.Dropout(0.5)
    )
    before = [weight.numpy().copy() for weight in model.weights]
    keras.utils.set_random_seed(1)
    expected = np.random.random(3), keras.random.uniform((3,))
    keras.utils.set_random_seed(1)
    one, again = trunks.fresh_weights(model, 5), trunks.fresh_weights(model, 5)
    np.testing.assert_array_equal(np.random.random(3), expected[0])
    np.testing.assert_array_equal(keras.random.uniform((3,)), expected[1])
    for first, second in zip(one, again, strict=True):
        np.testing.assert_array_equal(first, second)
    for weight, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)
    assert not np.array_equal(one[0], trunks.fresh_weights(model, 6)[0])


@keras.saving.register_keras_serializable("tests")
class Scale(keras.layers.Layer):
    """A layer that names no initialiser for its weight."""

    def __init__(self, initializer: str) -> None:
        super().__init__()
        self.begins_as = initializer

    def build(self, _):
        self.scale = self.add_weight(shape=(6,), initializer=self.begins_as, name="scale")

    def call(self, inputs):
        return inputs * self.scale


def test_a_weight_that_nobody_can_initialise_is_refused_unless_it_is_a_constant():
    with pytest.raises(WorkbookError, match="give the layer an attribute scale_initializer"):
        trunks.fresh_weights(model_of(Scale("random_normal")), 0)
    *_, scale = trunks.fresh_weights(model_of(Scale("ones")), 0)
    np.testing.assert_array_equal(scale, np.ones(6))
