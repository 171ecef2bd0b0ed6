"""The network of an experiment: what is counted, drawn and handed on."""

import numpy as np
import pytest

from simmim_lib import experiments, trunks
from simmim_lib.experiments.network import architecture, build_network
from simmim_lib.settings import ADAPTATIONS, Settings

SIZES = {
    "convolution_1": 3 * 3 * 1 * 16 + 16,
    "convolution_2": 3 * 3 * 16 * 32 + 32,
    "convolution_3": 3 * 3 * 32 * 64 + 64,
    "dense": 4 * 4 * 64 * 128 + 128,
}
HEAD = 128 * 10 + 10
DIGITS = ("mnist", "uci-digits")


@pytest.mark.parametrize("adaptation", ADAPTATIONS)
@pytest.mark.parametrize("frozen", range(5))
def test_blocks_say_what_is_frozen_at_the_end(adaptation, frozen):
    layers = architecture(Settings(adaptation=adaptation, frozen_layers=frozen))
    depth = 4 if adaptation == "probe" else frozen
    assert {block.name: block.parameters for block in layers.blocks} == SIZES
    assert [block.frozen for block in layers.blocks] == [True] * depth + [False] * (4 - depth)
    sizes = list(SIZES.values())
    assert (layers.trained, layers.frozen) == (sum(sizes[depth:]) + HEAD, sum(sizes[:depth]))


def test_blocks_have_the_shapes_of_their_outputs():
    shapes = [block.shape for block in architecture(Settings()).blocks]
    assert shapes == [(14, 14, 16), (7, 7, 32), (4, 4, 64), (128,)]


@pytest.mark.parametrize("shared", [True, False])
def test_heads_are_told_with_the_targets_they_serve(shared):
    heads = architecture(Settings(targets=(*DIGITS, "fashion"), shared_heads=shared)).heads
    groups = [DIGITS, ("fashion",)] if shared else [("mnist",), ("uci-digits",), ("fashion",)]
    assert list(heads) == groups
    for block in heads.values():
        assert (block.shape, block.parameters, block.frozen) == ((10,), HEAD, False)


def network_of(settings: Settings, frozen: int):
    tasks = experiments.choose_tasks(settings)
    return build_network(settings, tasks, experiments.initialise(settings), frozen)


def test_what_a_shorter_network_trained_is_put_in_its_place():
    settings = Settings(targets=(*DIGITS, "fashion"), shared_heads=True, seeds=2, frozen_layers=1)
    whole, shorter = network_of(settings, 1), network_of(settings, 3)
    marked = [np.full_like(weight, place) for place, weight in enumerate(shorter.weights)]
    joined = whole.with_trained(whole.weights, shorter, marked)
    for part, places in whole.architecture.positions.items():
        there = shorter.architecture.positions.get(part)
        for index, place in enumerate(places):
            expected = whole.weights[place] if there is None else marked[there[index]]
            np.testing.assert_array_equal(joined[place], expected)
    assert list(shorter.architecture.positions) == [
        *("dense", "head of mnist and uci-digits", "head of fashion"),
    ]


def test_copied_blocks_are_the_source_s_and_others_fresh():
    settings = Settings(copied_layers=3, frozen_layers=1, seeds=2)
    network = network_of(settings, 1)
    fresh = trunks.fresh_weights(network.model, 1)
    for name, places in network.architecture.positions.items():
        copied = name in ("convolution_2", "convolution_3")
        for index, place in enumerate(places):
            source = network.source.blocks[name][index] if copied else fresh[place]
            np.testing.assert_array_equal(network.weights[place][1], source)
