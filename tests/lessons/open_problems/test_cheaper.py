"""Cheaper ways to adapt: what each changes in the network, and what it counts as arithmetic."""

import numpy as np
import pytest

from simmim_lib.errors import WorkbookError
from simmim_lib.experiments import cost
from simmim_lib.lessons.open_problems.cheaper import RANK, WAYS, Cheaper, copied_network, operations


def trained(network):
    return sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)


def test_each_way_changes_what_it_says_and_not_what_the_network_answers():
    images = np.random.default_rng(0).random((2, 28, 28, 1), np.float32)
    plain = copied_network(0)
    known = np.asarray(plain(images))
    changed = {way: make(copied_network(0)) for way, make in WAYS.items()}
    for way, network in changed.items():
        loose = 0.1 if way == "mixed precision" else 1e-5
        np.testing.assert_allclose(np.asarray(network(images), np.float32), known, atol=loose)
    head = plain.layers[-1]
    assert trained(changed["probe"]) == head.count_params()
    low = [layer for layer in changed["LoRA"].layers[:-1] if layer.weights]
    assert all(layer.lora_rank == RANK for layer in low)
    assert trained(changed["probe"]) < trained(changed["LoRA"]) < trained(plain) / 10
    assert {layer.compute_dtype for layer in changed["mixed precision"].layers} == {"bfloat16"}


def test_a_pass_goes_back_only_where_something_is_trained():
    network = copied_network(0)
    whole, head = cost.forward_flops(network), cost.layer_flops(network.layers[-1])
    assert operations("fine-tune", 10, 0) == operations("LoRA", 10, 0) == 30 * whole
    assert operations("probe", 10, 0) == 10 * (whole + 2 * head)
    assert operations("early stopping", 10, 5) == 35 * whole


def test_unknown_ways_are_refused():
    with pytest.raises(WorkbookError, match="LoRA"):
        Cheaper(way="LoRa")
