import numpy as np
import pytest

from simmim_lib.errors import WorkbookError
from simmim_lib.trunks import patches


def test_patches_are_parts_of_the_image_row_by_row():
    images = np.random.default_rng(0).random((2, 6, 6, 3), np.float32)
    found = np.array(patches.split(images, 2))
    assert found.shape == (2, 9, 12)
    np.testing.assert_array_equal(found[1, 5].reshape(2, 2, 3), images[1, 2:4, 4:6])
    np.testing.assert_array_equal(patches.join(found, 3, 2), images)


def test_a_size_that_the_patch_does_not_divide_gets_one_sentence():
    with pytest.raises(WorkbookError, match="use a multiple of 4, such as 32"):
        patches.split(np.zeros((1, 30, 30, 1), np.float32), 4)
