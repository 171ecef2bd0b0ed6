"""Pictures for two tasks: what stands where, and what a mark tells."""

import numpy as np

from simmim_lib.lessons.open_problems.two_tasks import SIDE, SOURCES, draw_pictures


def test_each_thing_has_a_quarter_of_its_own_and_the_rest_is_black():
    pictures = draw_pictures("test", 40, seed=0)
    digit, garment = (pictures.masks[task] for task in SOURCES)
    assert (digit.sum(axis=(1, 2)) == SIDE**2).all()
    assert not (digit & garment).any()
    assert not pictures.images[..., 0][~(digit | garment)].any()
    assert pictures.images[..., 0][digit].max() > 0.5
    assert len({tuple(mask.any(axis=0)) for mask in digit}) == 2  # left and right both occur


def test_labels_and_things_belong_together():
    from simmim_lib import datasets

    pictures = draw_pictures("test", 5, seed=3)
    images, labels = datasets.load("mnist").test.images, datasets.load("mnist").test.labels
    small = images.reshape(len(images), SIDE, 2, SIDE, 2).mean(axis=(2, 4)).reshape(len(images), -1)
    for image, mask, label in zip(
        pictures.images, pictures.masks["digit"], pictures.labels["digit"], strict=True
    ):
        distances = np.abs(small - image[..., 0][mask]).max(axis=1)
        assert labels[distances.argmin()] == label
        assert distances.min() < 1e-6


def test_training_and_test_pictures_are_others_for_other_seeds():
    one, other = (draw_pictures("train", 5, seed) for seed in (0, 1))
    assert not np.array_equal(one.images, other.images)
