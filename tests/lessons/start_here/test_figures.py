"""The gallery of lesson 00: it shows the labelled images and what was measured with them."""

import numpy as np

from simmim_lib import datasets
from simmim_lib.lessons.start_here.figures import few_labels

RANDOM = np.random.default_rng(0)
HIGH, LOW = RANDOM.uniform(0.8, 0.9, (2, 5)), RANDOM.uniform(0.3, 0.4, (2, 5))


def test_the_gallery_shows_the_labelled_images_in_rows_of_their_class():
    task = datasets.few_shot("mnist", 2, seed=0)
    accuracy = {1: LOW[0], 2: HIGH[0]}
    picture = few_labels(datasets.load("mnist"), task.labelled, accuracy)
    gallery, axes = picture.figure.axes
    page = gallery.images[0].get_array()
    threes = task.labelled.images[task.labelled.labels == 3, ..., 0]
    np.testing.assert_array_equal(page[3 * 28 : 4 * 28, : 2 * 28], np.concatenate(threes, axis=1))
    assert not page[:, 2 * 28 :].any()
    assert axes.get_xlabel() and axes.get_ylabel()
    assert f"{HIGH[0].mean():.3f}" in picture.alt and "Guessing: 0.100" in picture.alt


def test_the_network_stands_beside_the_nearest_image_once_it_is_trained():
    task = datasets.few_shot("mnist", 2, seed=0)
    arguments = (datasets.load("mnist"), task.labelled, {1: LOW[0], 2: LOW[1]})
    before, after = few_labels(*arguments), few_labels(*arguments, HIGH[0])
    assert "network" not in before.figure.axes[1].get_title()
    axes = after.figure.axes[1]
    title = f"network {HIGH[0].mean():.0%}, nearest image {LOW[1].mean():.0%}"
    assert axes.get_title(loc="left") == title
    (place,) = [c for c in axes.containers if c.get_label() == "network, retrained"]
    np.testing.assert_allclose(place.lines[0].get_xydata(), [[2, HIGH[0].mean()]])
    assert f"retrained with 2: {HIGH[0].mean():.3f}" in after.alt and "5 seeds" in after.alt
