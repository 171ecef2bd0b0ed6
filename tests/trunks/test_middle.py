"""The middle layers of EfficientNet-Lite0: what three stages of the whole network see."""

import numpy as np
import pytest

from simmim_lib import trunks
from simmim_lib.experiments.pretraining import pretrained

pytestmark = pytest.mark.colab
SIZE = 64


@pytest.fixture(scope="module")
def networks():
    """Return the whole network and its middle layers, with their published weights."""
    made = {}
    for name in ("efficientnet-lite0", "efficientnet-lite0-middle"):
        made[name] = trunks.build_trunk(name, size=SIZE)
        made[name].set_weights(pretrained("imagenet", name).trunk_weights)
    return made.values()


@pytest.mark.slow
def test_the_features_are_those_of_three_stages_of_the_whole_network(networks):
    import keras

    whole, middle = networks
    images = np.random.default_rng(0).random((3, SIZE, SIZE, 3)).astype(np.float32)
    stages = [whole.get_layer(f"stage_{number}").output for number in (4, 5, 6)]
    parts = keras.Model(whole.inputs, stages).predict(images, verbose=0)
    averages = [part.mean(axis=(1, 2)) for part in parts]
    expected = [
        (each - each.mean(axis=1, keepdims=True)) / np.sqrt(each.var(axis=1, keepdims=True) + 1e-3)
        for each in averages
    ]
    found = middle.predict(images, verbose=0)
    np.testing.assert_allclose(found, np.concatenate(expected, axis=1), atol=1e-4)
    assert found.shape == (3, 80 + 112 + 192)


@pytest.mark.slow
@pytest.mark.parametrize("frozen", range(6))
def test_it_can_be_cut_behind_every_block(frozen, networks):
    _, middle = networks
    parts = trunks.cut(middle, trunks.describe("efficientnet-lite0-middle").end_of, frozen)
    images = np.random.default_rng(1).random((2, SIZE, SIZE, 3)).astype(np.float32)
    through = parts.back(parts.front(images))
    np.testing.assert_allclose(through, middle(images), atol=1e-5)
