"""Masks with an exact count, and the loss of what they hide, against the authors' own code."""

import math

import numpy as np
import pytest

from simmim_lib import masking
from simmim_lib.errors import WorkbookError
from simmim_lib.masking import masked_l1, masked_l1_of_each, normalised, pixels_of, random_mask


@pytest.mark.parametrize(("grid", "unit", "hidden"), [(6, 1, 22), (7, 1, 30), (12, 2, 22)])
def test_counts_are_those_of_the_authors_code(grid, unit, hidden):
    """22 of 36 units for Swin at 192 pixels, 30 of 49 for ViT at 224."""
    masks = random_mask(8, grid, unit, 0.6)
    assert masks.dtype == bool and masks.shape == (8, grid, grid)
    assert (masks.sum(axis=(1, 2)) == hidden * unit**2).all()


@pytest.mark.parametrize("kind", masking.KINDS)
@pytest.mark.parametrize(("grid", "unit"), [(7, 1), (8, 2), (7, 2), (7, 7)])
@pytest.mark.parametrize("ratio", [0.1, 0.28, 0.6, 0.9])
def test_every_image_has_the_same_number_of_hidden_units(kind, grid, unit, ratio):
    masks = random_mask(20, grid, unit, ratio, seed=3, kind=kind)
    corners = masks[:, ::unit, ::unit]  # one patch of each unit
    units = math.ceil(grid / unit) ** 2
    assert (corners.sum(axis=(1, 2)) == math.ceil(round(ratio * units, 9))).all()
    grown = corners.repeat(unit, axis=1).repeat(unit, axis=2)[:, :grid, :grid]
    assert (masks == grown).all()


def test_a_share_of_whole_units_is_not_rounded_up_by_the_computer_s_last_digit():
    assert 0.28 * 25 > 7
    assert masking.number_hidden(25, 0.28) == 7


def test_at_least_one_unit_is_hidden():
    assert masking.number_hidden(36, 1e-12) == 1


def test_each_unit_is_hidden_as_often_as_any_other():
    often = random_mask(20_000, 5, 1, 0.4, seed=1).mean(axis=0)
    assert np.abs(often - 0.4).max() < 5 * math.sqrt(0.4 * 0.6 / 20_000)


def test_a_square_is_one():
    for mask in random_mask(30, 7, 1, 16 / 49, seed=2, kind="square"):
        rows, columns = np.nonzero(mask)
        assert np.ptp(rows) == np.ptp(columns) == 3


def test_blocks_hang_together_more_than_scattered_units_do():
    def neighbours(masks):
        return (masks[:, 1:] & masks[:, :-1]).sum() + (masks[:, :, 1:] & masks[:, :, :-1]).sum()

    scattered, square, blocks = (
        neighbours(random_mask(200, 12, 1, 0.3, kind=kind)) for kind in masking.KINDS
    )
    assert scattered < blocks < square


def test_the_same_seed_gives_the_same_masks():
    for kind in masking.KINDS:
        one, again, other = (random_mask(9, 7, seed=seed, kind=kind) for seed in (4, 4, 5))
        assert (one == again).all() and (one != other).any()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"ratio": 0}, "above 0 and below 1"),
        ({"ratio": 1.0}, "above 0 and below 1"),
        ({"ratio": float("nan")}, "above 0 and below 1"),
        ({"unit": 0}, "unit, .* is 0, .* from 1 to 7: try 1"),
        ({"unit": 8}, "unit, .* is 8, .* from 1 to 7: try 7"),
        ({"unit": 0.5}, "unit, .* is 0.5, .* from 1 to 7: try 1"),
        ({"unit": 1.5}, "unit, .* is 1.5, .* from 1 to 7: try 1"),
        ({"grid": 0}, "grid is 0"),
        ({"kind": "blockwise"}, "Did you mean 'block-wise'"),
        ({"batch": -1}, "batch is -1"),
    ],
)
def test_what_cannot_be_masked_gets_one_sentence(given, words):
    with pytest.raises(WorkbookError, match=words):
        random_mask(**{"batch": 2, "grid": 7, **given})


def by_hand(images, filled, mask):
    """As in the authors' code: simmim.py, forward."""
    size = images.shape[1] // mask.shape[1]
    hidden = mask.repeat(size, axis=1).repeat(size, axis=2)[..., None].astype(float)
    return (np.abs(images - filled) * hidden).sum() / (hidden.sum() + 1e-5) / images.shape[-1]


@pytest.mark.parametrize("channels", [1, 3])
def test_the_loss_is_the_paper_s(channels):
    random = np.random.default_rng(0)
    images, filled = random.random((2, 6, 8, 8, channels), np.float32)
    mask = random_mask(6, 4, seed=1)
    expected = by_hand(images, filled, mask)
    assert float(masked_l1(images, filled, mask)) == pytest.approx(expected, rel=1e-5)
    uneven = random.random((6, 4, 4)) < 0.3
    each = masked_l1_of_each(images, filled, uneven)
    assert float(np.mean(each)) == pytest.approx(by_hand(images, filled, uneven), rel=1e-5)


def test_the_number_of_hidden_pixels_is_a_little_more_as_in_the_authors_code():
    one_hidden = np.array([[[True, False], [False, False]]])
    found = float(masked_l1(np.ones((1, 2, 2, 1)), np.zeros((1, 2, 2, 1)), one_hidden))
    assert found == pytest.approx(1 / (1 + 1e-5), rel=1e-6)
    assert float(masked_l1(np.ones((2, 2, 2, 1)), np.zeros((2, 2, 2, 1)), np.zeros((2, 2, 2)))) == 0


def test_visible_pixels_do_not_count():
    images, filled = np.random.default_rng(0).random((2, 3, 8, 8, 1), np.float32)
    mask = random_mask(3, 4)
    visible = 1 - np.array(pixels_of(mask, 8))
    assert float(masked_l1(images, filled, mask)) == float(
        masked_l1(images, filled + visible, mask)
    )


def test_a_mask_of_another_grid_gets_one_sentence():
    images = np.zeros((1, 28, 28, 1), np.float32)
    with pytest.raises(WorkbookError, match="5 x 5 patches, which do not divide"):
        masked_l1(images, images, np.zeros((1, 5, 5), bool))


IMAGES = np.zeros((2, 8, 8, 3))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            {"images": IMAGES[..., :1]},
            r"shape \(2, 8, 8, 1\), and the reconstructions \(2, 8, 8, 3",
        ),
        (
            {"reconstructions": IMAGES[:1]},
            r"the reconstructions \(1, 8, 8, 3\): give both the same",
        ),
        ({"reconstructions": IMAGES[:, :4, :4]}, r"the reconstructions \(2, 4, 4, 3\)"),
        ({"reconstructions": IMAGES[0]}, r"reconstructions must be .* have the shape \(8, 8, 3\)"),
        ({"images": None}, r"images must be an array \(n, size, size, channels\) .* but are None"),
        ({"images": np.zeros((2, 8, 8, 3), str)}, "images must be .* the type string"),
        ({"images": [[1], [1, 2]]}, "images must be an array"),
        ({"mask": None}, r"masks must be an array \(n, grid, grid\) of numbers, but are None"),
        ({"mask": np.zeros((4, 4))}, r"masks must be .* have the shape \(4, 4\)"),
        ({"mask": np.zeros((2, 4, 4, 1))}, r"masks must be .* have the shape \(2, 4, 4, 1\)"),
        ({"mask": np.zeros((1, 4, 4))}, r"masks are for \(1, 8, 8\) pixels"),
        ({"mask": np.zeros((2, 0, 0))}, r"masks must be .* have the shape \(2, 0, 0\)"),
        ({"mask": np.full((2, 4, 4), 2)}, "says yes or no of each patch"),
        ({"mask": np.full((2, 4, 4), np.nan)}, "masks hold NaN"),
        ({"images": IMAGES + np.nan}, "images hold NaN"),
        ({"images": IMAGES[:0]}, r"images must be .* have the shape \(0, 8, 8, 3\)"),
        ({"mask": np.zeros((2, 4, 2))}, "4 x 2 patches, which do not divide"),
        (
            {"images": IMAGES[:, :, :4], "reconstructions": IMAGES[:, :, :4]},
            r"masks are for \(2, 8, 8\) pixels: give each square image",
        ),
    ],
)
def test_what_does_not_fit_together_gets_one_sentence(changed, words):
    usual = {"images": IMAGES, "reconstructions": IMAGES, "mask": np.zeros((2, 4, 4), bool)}
    with pytest.raises(WorkbookError, match=words):
        masked_l1(**{**usual, **changed})


def test_lists_and_double_precision_are_welcome():
    images, filled = np.random.default_rng(0).random((2, 1, 4, 4, 1))
    mask = [[[True, False], [False, True]]]
    expected = by_hand(images, filled, np.array(mask, bool))
    found = masked_l1(images.tolist(), filled, mask)
    assert float(found) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("patch", [0, -1, 2.0, 9, 3])
def test_patches_that_cannot_be_normalised_get_one_sentence(patch):
    with pytest.raises(WorkbookError, match="patch"):
        normalised(IMAGES, patch)


def test_only_square_images_are_normalised():
    with pytest.raises(WorkbookError, match="8 x 4 pixels: give square ones"):
        normalised(IMAGES[:, :, :4], 4)


@pytest.mark.parametrize("size", [0, -8, 8.0, None])
def test_pixels_of_no_size_get_one_sentence(size):
    with pytest.raises(WorkbookError, match="size is"):
        pixels_of(np.ones((1, 4, 4)), size)


def test_normalised_patches_have_mean_0_and_variance_1():
    images = np.random.default_rng(0).random((2, 8, 8, 3), np.float32)
    found = np.array(normalised(images, 4)).reshape(2, 2, 4, 2, 4, 3)
    np.testing.assert_allclose(found.mean(axis=(2, 4, 5)), 0, atol=1e-5)
    np.testing.assert_allclose(found.var(axis=(2, 4, 5)), 1, atol=1e-4)
    patch = images[1, 4:, :4]
    by_hand = (patch - patch.mean()) / patch.std()
    np.testing.assert_allclose(found[1, 1, :, 0], by_hand, atol=1e-4)
