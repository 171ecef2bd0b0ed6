"""Contrastive pre-training: its loss against a slow one, its views, and that it learns."""

import numpy as np
import pytest

from simmim_lib.experiments.pretexts import contrastive
from simmim_lib.experiments.pretexts.self_taught import Recipe


def slowly(one, other, temperature):
    """Equation 1 of the paper, pair by pair."""
    both = np.concatenate([one, other])
    both = both / np.linalg.norm(both, axis=1, keepdims=True)
    count = len(one)
    losses = np.empty(2 * count)
    for i, view in enumerate(both):
        partner = (i + count) % (2 * count)
        scores = np.exp(both @ view / temperature)
        losses[i] = -np.log(scores[partner] / (scores.sum() - scores[i]))
    return (losses[:count] + losses[count:]) / 2


@pytest.mark.parametrize("temperature", [0.2, 1.0])
def test_the_loss_is_the_paper_s(temperature):
    one, other = np.random.default_rng(0).normal(size=(2, 6, 5)).astype(np.float32)
    found = np.array(contrastive.nt_xent(one, other, temperature))
    np.testing.assert_allclose(found, slowly(one, other, temperature), rtol=1e-4)


def test_views_differ_and_stay_images():
    layer = contrastive._view_layer()(1)
    images = np.random.default_rng(0).random((4, 28, 28, 1), np.float32)
    one, other = np.array(layer(images)), np.array(layer(images))
    assert one.shape == images.shape and one.min() >= 0 and one.max() <= 1
    assert (one != other).any() and (one[0] != one[1]).any()


@pytest.mark.slow
@pytest.mark.parametrize("trunk", ["small-cnn", "small-vit"])
def test_a_few_steps_change_every_block(trunk):
    looks = dict(contrastive.follow("uci-digits", trunk, Recipe(40, 32)))
    assert looks[40].pretext == "contrastive" and looks[40].head == looks[40].decoder == []
    for name, block in looks[40].blocks.items():
        assert any(
            (now != before).any() for now, before in zip(block, looks[20].blocks[name], strict=True)
        )
