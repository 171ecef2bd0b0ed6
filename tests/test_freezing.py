import keras
import numpy as np
import pytest

from simmim_lib import freezing, trunks
from simmim_lib.errors import WorkbookError


def two_models():
    source, target = (trunks.add_head(trunks.build_trunk(), n) for n in (47, 10))
    source.set_weights(trunks.fresh_weights(source, 1))
    target.set_weights(trunks.fresh_weights(target, 2))
    return source, target


def test_only_the_first_layers_are_copied_and_nothing_is_shared():
    source, target = two_models()
    before = target.get_weights()
    freezing.copy_layers(source, target, 2)
    after = target.get_weights()
    copied, fresh = source.get_weights()[:4], before[4:]
    for expected, ours in zip(copied + fresh, after, strict=True):
        assert np.array_equal(expected, ours)
    source.layers[0].kernel.assign(np.zeros((3, 3, 1, 16)))
    assert np.any(target.layers[0].kernel.numpy() != 0)


@pytest.mark.slow
def test_frozen_weights_stay_the_same_to_the_bit():
    _, target = two_models()
    freezing.freeze(target, 2)
    before = target.get_weights()
    target.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    random = np.random.default_rng(0)
    images = random.random((64, 28, 28, 1), np.float32)
    target.fit(images, random.integers(10, size=64), epochs=2, verbose=0)
    changed = [not np.array_equal(a, b) for a, b in zip(before, target.get_weights(), strict=True)]
    assert changed == [False] * 4 + [True] * 6


def test_freezing_fewer_layers_lets_the_others_train_again():
    _, target = two_models()
    freezing.freeze(target, 3)
    freezing.freeze(target, 1)
    assert [layer.trainable for layer in target.layers if layer.weights] == [False] + [True] * 4


def test_a_frozen_batch_normalisation_keeps_its_statistics():
    """What surprises users most (keras-team/keras 4762, 7085, 9214)."""
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(4),
            keras.layers.BatchNormalization(),
            keras.layers.Dense(1),
        ]
    )
    random = np.random.default_rng(0)
    inputs = random.normal(5, 3, (64, 4)).astype("float32")

    def moving_mean_after_training():
        model.compile("sgd", "mse")
        model.fit(inputs, np.zeros((64, 1)), epochs=1, verbose=0)
        return model.layers[1].moving_mean.numpy()

    freezing.freeze(model, 2)
    assert np.all(moving_mean_after_training() == 0)
    at_rest = model(inputs, training=False)
    np.testing.assert_allclose(model(inputs, training=True), at_rest, rtol=1e-5)
    freezing.freeze(model, 0)
    assert np.any(moving_mean_after_training() != 0)


def test_layers_of_other_shapes_are_refused_before_anything_is_copied():
    source, target = two_models()
    before = target.get_weights()
    with pytest.raises(WorkbookError, match="Layer 'head' has weights of shapes"):
        freezing.copy_layers(source, target, 5)
    assert all(np.array_equal(a, b) for a, b in zip(before, target.get_weights(), strict=True))


@pytest.mark.parametrize("layers", [-1, 6])
def test_a_wrong_number_of_layers_gets_one_sentence(layers):
    source, target = two_models()
    with pytest.raises(WorkbookError, match="from 0 to 5"):
        freezing.copy_layers(source, target, layers)
    with pytest.raises(WorkbookError, match="from 0 to 5"):
        freezing.freeze(target, layers)
