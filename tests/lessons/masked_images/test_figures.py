"""Figures of lesson 08: what they show, in words and in numbers."""

import numpy as np

from simmim_lib import masking
from simmim_lib.lessons.masked_images import figures
from simmim_lib.lessons.masked_images.vanishing import LAYERS, seen_after_layers

SEEDS = np.array([0.5, 0.6, 0.8])


def test_visible_patches_are_shown_as_they_are_and_hidden_ones_as_filled_in():
    images = np.full((2, 28, 28, 1), 0.5, np.float32)
    mask = masking.random_mask(2, 4, seed=1)
    picture = figures.filled_in(images, mask, images + 0.25, "Filled in")
    shown = np.asarray(picture.figure.axes[4].images[0].get_array())
    hidden = mask[0].repeat(7, axis=0).repeat(7, axis=1)
    np.testing.assert_allclose(shown, np.where(hidden, 0.75, 0.5))
    assert "10 of 16 patches hidden" in picture.alt and "off by 0.25" in picture.alt


def test_seconds_are_told_with_their_accuracies():
    curves = {
        "masked": (np.array([3.0, 30.0]), np.stack([SEEDS, SEEDS + 0.1])),
        "contrastive": (np.array([3.0, 30.0]), np.stack([SEEDS, SEEDS])),
    }
    picture = figures.after_seconds(curves, SEEDS, "Five labels")
    assert "masked: after 3 s 0.633" in picture.alt and "after 30 s 0.733" in picture.alt


def test_ratios_and_units_are_told_with_the_marked_one():
    found = {(0.2, 1): SEEDS, (0.6, 1): SEEDS + 0.1}
    picture = figures.ratios_and_units(found, (0.6, 1), masking.random_mask(1, 4)[0], "Five")
    assert "ratio 0.2, unit 1: 0.633" in picture.alt and "ratio 0.6, unit 1: 0.733" in picture.alt
    assert "Marked: ratio 0.6, unit 1, whose masks hide 10 of 16 patches" in picture.alt


def test_attention_is_told_by_row_and_column():
    maps = np.zeros((2, 2, 4, 4))
    maps[0, :, 1, 2] = maps[1, :, 3, 0] = 1
    picture = figures.attention(np.zeros((28, 28, 1)), (0, 1), maps, "Looks")
    assert "row 1, column 2, is marked" in picture.alt
    assert "block 1: row 2, column 3; block 2: row 4, column 1" in picture.alt


def test_a_hole_closes_in_a_plain_network_and_stays_where_it_is_masked_again():
    """By hand: the hole is the upper left quarter of 8 x 8 pixels."""
    mask = np.zeros((2, 2), bool)
    mask[0, 0] = True
    maps = seen_after_layers(mask, size=8)
    assert [len(seen) for seen in maps["plain"]] == [8, 4, 2, 1]
    assert (~maps["plain"][1]).sum() == 1  # three of the hole's four places touch its rim
    assert (~maps["masked again"][1]).sum() == 4
    assert (~maps["plain"][2]).sum() == 0 and (~maps["masked again"][2]).sum() == 1


def test_a_plain_network_sees_what_real_convolutions_of_its_sizes_see():
    """Of 28 pixels: 14, 7 and 4, of which the last is padded on both sides."""
    import keras

    (mask,) = masking.random_mask(1, 4)
    *_, last = maps = seen_after_layers(mask)["plain"]
    look = keras.layers.Conv2D(1, 3, 2, "same", kernel_initializer="ones")
    real = maps[0][None, ..., None].astype("float32")
    for seen in maps[1:]:
        real = look(real)
        np.testing.assert_array_equal(np.asarray(real)[0, ..., 0] > 0, seen)
    assert last.shape == (4, 4)


def test_the_vanishing_mask_is_told_in_shares():
    (mask,) = masking.random_mask(1, 4)
    picture = figures.vanishing_mask(seen_after_layers(mask))
    assert "input 62%" in picture.alt
    assert all(layer in picture.alt for layer in LAYERS)
