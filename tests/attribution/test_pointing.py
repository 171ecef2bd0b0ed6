"""The pointing game: hits, misses, and maps that point nowhere."""

import numpy as np
import pytest

from simmim_lib.attribution import pointing_game
from simmim_lib.errors import WorkbookError

MASKS = np.zeros((3, 4, 4), bool)
MASKS[:, :2, :2] = True


def test_the_largest_value_decides():
    maps = np.zeros((3, 4, 4, 2))
    maps[0, 1, 1] = (1, 0)
    maps[1, 3, 3] = (0.6, 0.6)
    maps[1, 0, 0] = (1, 0)  # less in sum
    np.testing.assert_array_equal(pointing_game(maps, MASKS), [True, False, False])


def test_by_chance_it_is_the_share_of_the_mask():
    maps = np.random.default_rng(0).random((2_000, 4, 4, 1))
    assert pointing_game(maps, np.repeat(MASKS[:1], 2_000, axis=0)).mean() == pytest.approx(
        0.25, abs=0.03
    )


@pytest.mark.parametrize("mask", [np.nan, "no"])
def test_masks_that_do_not_say_where_are_refused(mask):
    with pytest.raises(WorkbookError, match="masks"):
        pointing_game(np.ones((1, 2, 2, 1)), np.full((1, 2, 2), mask))


def test_masks_of_another_shape_are_refused():
    with pytest.raises(WorkbookError, match=r"the masks \(2, 4, 4\)"):
        pointing_game(np.zeros((3, 4, 4, 1)), MASKS[:2])
