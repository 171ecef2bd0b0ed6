"""What is looked at in the networks of lesson 08, and what cannot be."""

import numpy as np
import pytest

from simmim_lib.errors import WorkbookError
from simmim_lib.lessons.masked_images import networks


def test_a_patch_takes_from_all_patches_in_each_head():
    image = networks.test_images(1)[0]
    found = networks.attention_of(networks.shipped(), image, (1, 3))
    assert found.shape == (4, 2, 4, 4)
    np.testing.assert_allclose(found.sum(axis=(2, 3)), 1, rtol=1e-5)
    other = networks.attention_of(networks.shipped(), image, (2, 0))
    assert np.abs(found - other).max() > 0.01


@pytest.mark.parametrize("patch", [(0, 4), (-1, 0), (4, 0), (0.5, 0)])
def test_a_patch_outside_the_image_gets_one_sentence(patch):
    with pytest.raises(WorkbookError, match=r"The patch's (row|column) is .* from 0 to 3"):
        networks.attention_of(networks.shipped(), np.zeros((28, 28, 1)), patch)


@pytest.mark.parametrize("shape", [(28, 28), (14, 14, 1), (1, 28, 28, 1)])
def test_an_image_of_another_size_gets_one_sentence(shape):
    with pytest.raises(WorkbookError, match=r"give one of \(28, 28, channels\)"):
        networks.attention_of(networks.shipped(), np.zeros(shape), (0, 0))


def test_the_first_images_of_each_class_come_in_turn():
    images = networks.test_images(12)
    assert images.shape == (12, 28, 28, 1)
    assert (images[0] != images[10]).any() and (images[0] != images[1]).any()
    for count in (0, -1, 2.5, 101):
        with pytest.raises(WorkbookError, match="count is"):
            networks.test_images(count)


@pytest.mark.parametrize("steps", [0, -1, 1.5])
def test_a_training_of_no_steps_gets_one_sentence(steps):
    with pytest.raises(WorkbookError, match="steps is"):
        networks.pretrain_live(steps)
