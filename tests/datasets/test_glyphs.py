import numpy as np
from scipy import ndimage

from simmim_lib.datasets import glyphs


def test_glyphs_repeat_with_the_same_seed_only():
    first, again, other = (glyphs.render(94, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first[0], again[0])
    assert np.array_equal(first[1], again[1])
    assert not np.array_equal(first[0], other[0])


def test_glyph_parts_come_from_separate_streams(monkeypatch):
    draws = []
    monkeypatch.setattr(glyphs, "render", lambda count, random: draws.append(random.random()))
    glyphs.render_parts()
    glyphs.render_parts()
    assert draws[0] != draws[1] and draws[:2] == draws[2:]


def test_affine_maps_move_centre_to_centre():
    maps = glyphs._affine_maps(20_000, np.random.default_rng(0))
    x = maps[:, 0] * 14 + maps[:, 1] * 14 + maps[:, 2]
    y = maps[:, 3] * 14 + maps[:, 4] * 14 + maps[:, 5]
    assert np.abs(np.median([x, y], axis=1) - 28).max() < 0.2
    # Area ratio: (56 / 28)^2 over the two stretches; rotation and shear change none.
    determinant = maps[:, 0] * maps[:, 4] - maps[:, 1] * maps[:, 3]
    assert determinant.min() >= 4 / 1.1**2 and determinant.max() <= 4 / 0.75**2


def test_reading_between_pixels_is_bilinear():
    random = np.random.default_rng(0)
    images = random.random((3, 28, 28), np.float32)
    rows, columns = random.uniform(0, 26.9, (2, 3, 28, 28)).astype(np.float32)
    ours = glyphs._sample(images, rows, columns)
    for i in range(3):
        theirs = ndimage.map_coordinates(images[i], [rows[i], columns[i]], order=1)
        np.testing.assert_allclose(ours[i], theirs, atol=1e-4)


def test_strokes_wobble_by_the_strength_that_is_documented(monkeypatch):
    shifts = []

    def keep(images, rows, columns):
        shifts.append((rows - np.mgrid[:28, :28][0], columns - np.mgrid[:28, :28][1]))
        return images

    monkeypatch.setattr(glyphs, "_sample", keep)
    glyphs._wobble(np.zeros((500, 28, 28), np.uint8), np.random.default_rng(0))
    shifts = np.array(shifts[0])
    np.testing.assert_allclose(shifts.std(), 1.4, rtol=0.05)
    assert abs(shifts.mean()) < 0.05
    neighbours = np.corrcoef(shifts[..., :-1].ravel(), shifts[..., 1:].ravel())[0, 1]
    assert neighbours > 0.95  # smooth: a stroke bends, it does not break
