"""Networks of `keras.applications`: what they are given, and what is said without their weights."""

import warnings

import keras
import numpy as np
import pytest

from simmim_lib import trunks
from simmim_lib.errors import WorkbookError
from simmim_lib.experiments import pretraining
from simmim_lib.experiments.pretraining import pretrained

NAMES = ("mobilenet-v2", "efficientnet-v2-b0", "convnext-tiny", "resnet50")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_pixels_are_scaled_as_each_was_trained(name):
    """Keras's own preprocessing of values from 0 to 255 is the oracle."""
    network = trunks.build_trunk(name, size=32)
    image = np.random.default_rng(0).random((1, 32, 32, 3), np.float32)
    modules = {
        "mobilenet-v2": keras.applications.mobilenet_v2,
        "efficientnet-v2-b0": keras.applications.efficientnet_v2,
        "convnext-tiny": keras.applications.convnext,
        "resnet50": keras.applications.resnet50,
    }
    expected = modules[name].preprocess_input(255 * image.copy())
    names = [layer.name for layer in network.layers]
    last = "centre" if name == "resnet50" else "scale"
    scale = keras.Model(network.inputs[0], network.get_layer(names[names.index(last)]).output)
    np.testing.assert_allclose(scale(image), expected, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_statistics_of_batches_are_never_used(name):
    network = trunks.build_trunk(name, size=32)
    layers = [
        layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)
    ]
    assert not any(layer.trainable for layer in layers)
    assert bool(layers) == (name != "convnext-tiny")


def test_published_weights_that_cannot_be_had_get_one_sentence(monkeypatch, recwarn):
    def fail(*_, **__):
        warnings.warn("`input_shape` is undefined or non-square, or ...", stacklevel=2)
        raise OSError("URL fetch failure on https://storage...: [Errno -2] Name not known")

    monkeypatch.setattr(keras.applications, "MobileNetV2", fail)
    pretraining._pretrained.cache_clear()
    with pytest.raises(WorkbookError, match=r"mobilenet-v2 .* cannot be downloaded \(OSError\)"):
        pretrained("imagenet", "mobilenet-v2")
    assert not [each for each in recwarn if "input_shape" in str(each.message)]


@pytest.mark.slow
def test_fresh_weights_begin_as_keras_s_own():
    """A layer's scale that is the same number everywhere stays it; the rest is drawn."""
    network = trunks.build_trunk("convnext-tiny", size=32)
    for weight, fresh in zip(network.weights, trunks.fresh_weights(network, 0), strict=True):
        assert fresh.shape == tuple(weight.shape)
        if "layer_scale" in weight.path:
            np.testing.assert_array_equal(fresh, weight.numpy())
