"""What lesson 01's exercises call "the first layers" is what the library and its panels call so."""

import pytest

from simmim_lib import freezing
from simmim_lib.lessons.transfer_learning import exercises
from simmim_lib.settings import Settings


@pytest.fixture(scope="module")
def network():
    return exercises.lesson_network()


@pytest.mark.parametrize("frozen", range(5))
def test_the_check_counts_as_the_library_freezes(network, frozen):
    freezing.freeze(network, frozen)
    trained = sum(weight.value.numpy().size for weight in network.trainable_weights)
    right, mistakes = exercises.trained_weights(network, frozen)
    assert right == trained
    assert Settings(frozen_layers=frozen).frozen_layer_names == tuple(
        layer.name for layer in network.layers if layer.weights and not layer.trainable
    )
    flatten = next(mistake for mistake in mistakes if "flatten" in mistake.message)
    assert (flatten.value == right) == (frozen < 4), "only the fourth layer is behind `flatten`"
