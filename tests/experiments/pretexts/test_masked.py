"""Masked pre-training: what the network sees, what it is asked, and that it learns."""

import keras
import numpy as np
import pytest

from simmim_lib import datasets, masking, trunks
from simmim_lib.errors import WorkbookError
from simmim_lib.experiments import pretraining
from simmim_lib.experiments.pretexts import PRETEXTS, masked
from simmim_lib.experiments.pretexts.self_taught import Recipe

IMAGES = (28, 28, 1)
TRUNKS = ("small-vit", "small-cnn")


def images_and_masks(count=4):
    images = np.random.default_rng(0).random((count, *IMAGES), np.float32)
    return images, masking.random_mask(count, 4).astype(np.float32)


@pytest.mark.parametrize("trunk", TRUNKS)
def test_hidden_pixels_are_not_seen(trunk):
    images, mask = images_and_masks()
    hidden = np.array(masking.pixels_of(mask, 28))
    reconstruct = masked.learner(trunk, IMAGES).reconstruct
    one = np.array(reconstruct([images, mask]))
    other = np.array(reconstruct([images + 5 * hidden, mask]))
    np.testing.assert_allclose(one, other, atol=1e-5)
    changed = np.array(reconstruct([images + 5 * (1 - hidden), mask]))
    assert np.abs(one - changed).max() > 1e-3


@pytest.mark.parametrize("repaired", [True, False])
def test_repaired_maps_are_empty_where_everything_was_hidden(repaired):
    """Of a network without the remedy, what is beside a hole leaks into it."""
    made = masked.learner("small-cnn", IMAGES, masked.Plan(repaired=repaired))
    layer = made.network.get_layer("convolution_2")
    assert len(layer._inbound_nodes) == 2  # in the trunk, and where holes are filled
    given = layer._inbound_nodes[1].input_tensors[0]
    images, mask = images_and_masks()
    found = np.array(keras.Model(made.reconstruct.inputs, given)([images, mask]))
    hidden = np.array(masking.pixels_of(mask, 28)).reshape(-1, 14, 2, 14, 2).min(axis=(2, 4)) == 1
    assert (found[hidden] == 0).all() == repaired


@pytest.mark.parametrize(
    ("plan", "share"),
    [(masked.Plan(), 10 / 16), (masked.Plan(unit=2), 0.75), (masked.Plan(ratio=0.2), 0.25)],
)
def test_masks_that_are_drawn_are_those_of_the_plan(plan, share):
    layer = masked.learner("small-vit", IMAGES, plan).teach.get_layer("drawn_masks")
    images, _ = images_and_masks(50)
    one, other = np.array(layer(images)), np.array(layer(images))
    np.testing.assert_allclose(one.mean(axis=(1, 2)), share)
    assert (one != other).any() and len(np.unique(one, axis=0)) > 3


@pytest.mark.parametrize("everywhere", [False, True])
@pytest.mark.parametrize("normalised", [False, True])
def test_what_is_taught_is_the_masked_loss(everywhere, normalised):
    plan = masked.Plan(everywhere=everywhere, normalised=normalised)
    learner = masked.learner("small-vit", IMAGES, plan)
    images, mask = images_and_masks()
    loss = learner.teach.get_layer("loss")
    filled = np.array(learner.reconstruct([images, mask]))
    found = np.mean(loss([images, filled, mask]))
    covered = np.ones_like(mask) if everywhere else mask
    wanted = masking.normalised(images, masked.PATCH) if normalised else images
    assert found == pytest.approx(float(masking.masked_l1(wanted, filled, covered)), rel=1e-5)


@pytest.mark.parametrize("head_layers", [1, 3])
def test_the_head_has_as_many_layers_as_the_plan_says(head_layers):
    learner = masked.learner("small-vit", IMAGES, masked.Plan(head_layers=head_layers))
    names = {layer.name for layer in learner.reconstruct.layers}
    heads = {f"head_{number}" for number in range(1, head_layers)} | {"reconstruction"}
    assert {name for name in names if name.startswith(("head_", "recon"))} == heads


@pytest.mark.slow
def test_a_few_steps_lower_the_loss_and_change_every_block_but_the_last():
    looks = dict(masked.follow("uci-digits", "small-vit", Recipe(40, 32, seed=1)))
    images = datasets.load("uci-digits").test.images
    mask = masking.random_mask(len(images), 4).astype(np.float32)
    first, last = (error(looks[done], images, mask) for done in (20, 40))
    assert last < 0.97 * first
    fresh = trunks.fresh_weights(trunks.build_trunk("small-vit"), 1)
    assert sum(map(len, looks[40].blocks.values())) == len(fresh)
    gamma, beta = looks[40].blocks["features"]
    assert (gamma == 1).all() and (beta == 0).all()  # pooling is no part of the pretext
    assert (looks[20].blocks["block_4"][2] != looks[40].blocks["block_4"][2]).any()


def error(network, images, mask):
    filled = masked.reconstructions(network, images, mask)
    return float(masking.masked_l1(images, filled, mask))


@pytest.mark.slow
def test_a_network_and_its_decoder_are_kept(tmp_path):
    *_, (_, network) = masked.follow("uci-digits", "small-vit", Recipe(1, 32))
    pretraining.store(network, tmp_path / "network.npz")
    asked = ("uci-digits", "small-vit", "masked")
    again = pretraining._read(tmp_path / "network.npz", *asked)
    images, mask = images_and_masks()
    np.testing.assert_array_equal(
        masked.reconstructions(again, images, mask), masked.reconstructions(network, images, mask)
    )
    assert [weight.shape for weight in again.decoder] == masked.decoder_shapes(*asked[:2])


def test_images_and_masks_of_another_shape_get_one_sentence():
    network = pretraining.pretrained("fashion", "small-vit", "masked")
    images, mask = images_and_masks(2)
    with pytest.raises(WorkbookError, match=r"the shape \(28, 28, 3\), but the network learnt"):
        masked.reconstructions(network, images.repeat(3, axis=-1), mask)
    for other in (np.zeros((2, 7, 7)), mask[:1]):
        with pytest.raises(WorkbookError, match=r"give one of \(2, 4, 4\)"):
            masked.reconstructions(network, images, other)


def test_a_network_that_cannot_fill_in_gets_one_sentence():
    images, mask = images_and_masks(2)
    for pretext in ("contrastive", "labels"):
        source = "glyphs" if pretext == "labels" else "fashion"
        network = pretraining.pretrained(source, "small-vit", pretext)
        with pytest.raises(WorkbookError, match=f"by the pretext '{pretext}', and cannot fill in"):
            masked.reconstructions(network, images, mask)


def test_a_mask_says_yes_or_no():
    network = pretraining.pretrained("fashion", "small-vit", "masked")
    images, mask = images_and_masks(2)
    as_lists = masked.reconstructions(network, images, mask.astype(bool).tolist())
    np.testing.assert_array_equal(as_lists, masked.reconstructions(network, images, mask))
    for wrong, words in (
        ((images, 2 * mask), "give True or False"),
        ((images, [[1], [1, 2]]), "masks must be an array"),
        ((images, mask[0]), r"masks must be .* have the shape \(4, 4\)"),
        ((images.astype(str), mask), "images must be an array"),
        ((images + np.nan, mask), "images hold NaN"),
    ):
        with pytest.raises(WorkbookError, match=words):
            masked.reconstructions(network, *wrong)


@pytest.mark.parametrize(
    "wrong", [{"steps": 0}, {"steps": -1}, {"steps": 1.5}, {"batch_size": 0}, {"learning_rate": 0}]
)
def test_nothing_can_be_trained_with_such_a_recipe(wrong):
    (name,) = wrong
    with pytest.raises(WorkbookError, match=f"{name} is"):
        Recipe(**{"steps": 1, **wrong})


def test_the_recipe_says_all_that_decides_the_outcome():
    recipe = PRETEXTS["masked"].recipe("uci-digits", "small-vit")
    assert {"steps", "batch_size", "learning_rate", "schedule", "seed"} < set(recipe)
    assert {"kind", "unit", "ratio", "everywhere", "normalised", "final_norm"} < set(recipe)
