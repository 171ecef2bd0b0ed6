"""Views: what is drawn against the documentation, what is seen of images against SciPy."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from simmim_lib import augmentation, datasets


def test_strength_zero_leaves_images_as_they_are():
    images = datasets.load("mnist").test.images[:5]
    maps = augmentation.draw_maps(tf.zeros(5), (0, 1), (28, 28))
    np.testing.assert_allclose(augmentation.affine(images, maps), images, atol=1e-6)


def test_a_view_is_what_scipy_makes_of_its_map():
    images = datasets.load("mnist").test.images[:4]
    maps = augmentation.draw_maps(tf.fill([4], 1.5), (3, 4), (28, 28))
    views = augmentation.affine(images, maps).numpy()
    for image, view, (a, b, right, c, d, down, *_) in zip(images, views, maps.numpy(), strict=True):
        # SciPy counts rows before columns.
        expected = ndimage.affine_transform(
            image[..., 0], [[d, c], [b, a]], (down, right), order=1, mode="grid-constant"
        )
        np.testing.assert_allclose(view[..., 0], expected, atol=1e-4)
        assert np.abs(view - image).max() > 0.1


@pytest.fixture(scope="module")
def maps() -> np.ndarray:
    """Many maps at full strength, as matrices (n, 2, 3)."""
    return augmentation.draw_maps(tf.ones(4000), (5, 6), (28, 28)).numpy()[:, :6].reshape(-1, 2, 3)


def test_turn_shear_and_stretch_are_drawn_as_documented(maps):
    """Each map taken apart: a turn times an upper triangle that holds shear and stretch."""
    turned = np.arctan2(maps[:, 1, 0], maps[:, 0, 0])
    sine, cosine = np.sin(turned), np.cos(turned)
    back = np.array([[cosine, sine], [-sine, cosine]]).transpose(2, 0, 1)
    triangle = back @ maps[:, :, :2]
    np.testing.assert_allclose(triangle[:, 1, 0], 0, atol=1e-6)
    stretched = triangle[:, [0, 1], [0, 1]].T
    sheared = triangle[:, 0, 1] / stretched[1]
    for angle in (turned, sheared):
        assert angle.mean() == pytest.approx(0, abs=0.01)
        assert angle.std() == pytest.approx(0.15, rel=0.05)
    for stretch in stretched:  # evenly between 0.85 and 1.15
        assert 0.85 <= stretch.min() < 0.86 and 1.14 < stretch.max() <= 1.15001
        assert stretch.mean() == pytest.approx(1, abs=0.01)
        assert stretch.std() == pytest.approx(0.3 / np.sqrt(12), rel=0.05)
    drawn = np.corrcoef([turned, sheared, *stretched])
    np.testing.assert_allclose(drawn, np.eye(4), atol=0.06)  # each for itself


def test_the_middle_stays_where_it_is_but_for_the_shift(maps):
    """Turning, shearing and stretching are about the middle: it moves by 1.2 pixels, typically."""
    moved = maps @ [13.5, 13.5, 1] - 13.5
    np.testing.assert_allclose(moved.mean(axis=0), 0, atol=0.1)
    np.testing.assert_allclose(moved.std(axis=0), 1.2, rtol=0.05)
    assert np.corrcoef(moved.T)[0, 1] == pytest.approx(0, abs=0.06)


@pytest.mark.parametrize("size", [(28, 28), (20, 50)])
def test_without_a_shift_the_middle_stays_exactly(size, monkeypatch):
    monkeypatch.setattr(augmentation, "SHIFT", 0.0)
    maps = augmentation.draw_maps(tf.ones(50), (5, 6), size).numpy()[:, :6].reshape(-1, 2, 3)
    y, x = ((pixels - 1) / 2 for pixels in size)
    np.testing.assert_allclose(maps @ [x, y, 1], np.tile([x, y], (50, 1)), atol=1e-4)
    assert np.abs(maps[:, :, :2] - np.eye(2)).max() > 0.1


def test_each_image_of_a_batch_is_changed_as_strongly_as_is_asked_for_it():
    strengths = np.repeat([0.0, 0.5, 1.0], 2000).astype(np.float32)
    maps = augmentation.draw_maps(tf.constant(strengths), (5, 6), (28, 28)).numpy()
    turned = np.arctan2(maps[:, 3], maps[:, 0]).reshape(3, 2000).std(axis=1)
    np.testing.assert_allclose(turned, [0, 0.075, 0.15], rtol=0.06)


def test_views_are_the_same_for_a_seed_and_a_step():
    maps = [
        augmentation.draw_maps(tf.ones(3), seed, (28, 28)).numpy()
        for seed in ((1, 2), (1, 2), (1, 3))
    ]
    assert np.array_equal(maps[0], maps[1])
    assert not np.array_equal(maps[0], maps[2])


# --- Texts


def test_a_tenth_of_a_text_s_tokens_is_left_out_at_strength_one():
    views, texts = augmentation.WordDropout(), np.arange(1, 51)[None] * np.ones((800, 1), np.int32)
    strengths = np.repeat([0.0, 1.0], 400).astype(np.float32)
    drawn = views.draw(tf.constant(strengths), (1, 2), (50,))
    seen = views.apply(tf.constant(texts.astype(np.int32)), drawn).numpy()
    assert seen.dtype == np.int32 and {*np.unique(seen)} <= {*range(51)}
    np.testing.assert_array_equal(seen[:400], texts[:400])
    stayed = seen[400:] == texts[400:]
    assert np.all(seen[400:][~stayed] == 0)
    assert stayed.mean() == pytest.approx(0.9, abs=0.01)
    # No place and no text is spared: each is drawn for itself.
    assert stayed.mean(axis=0).min() > 0.8 and stayed.mean(axis=0).max() < 0.97
    assert stayed.mean(axis=1).std() == pytest.approx((0.09 / 50) ** 0.5, rel=0.2)


def test_gaps_are_the_same_for_a_seed_and_a_step():
    views = augmentation.WordDropout()
    one, again, other = (views.draw(tf.ones(9), (3, step), (40,)).numpy() for step in (1, 1, 2))
    assert np.array_equal(one, again) and not np.array_equal(one, other)
