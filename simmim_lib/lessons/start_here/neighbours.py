"""The simplest learner: an image gets the label of the most similar labelled image."""

import functools

import numpy as np

from simmim_lib import datasets


@functools.lru_cache(maxsize=64)
def accuracy(name: str, labels_per_class: int, seeds: int) -> np.ndarray:
    """Return the nearest neighbour's accuracy on a dataset's test images.

    Similar means a small Euclidean distance between pixels: nothing is trained or transferred.

    Args:
        name: a dataset's name.
        labels_per_class: labelled images of each class.
        seeds: how many times other labelled images are drawn.

    Returns:
        The share of test images that get the right label, one for each seed, shape (seeds,).

    Source: Cover and Hart 1967, "Nearest Neighbor Pattern Classification".
    """
    from sklearn.neighbors import KNeighborsClassifier

    data = datasets.load(name)
    test = data.test.images.reshape(len(data.test), -1)
    scores = []
    for seed in range(seeds):
        chosen = datasets.choose(data, labels_per_class, seed).labelled
        known = data.train.images[chosen].reshape(len(chosen), -1)
        learner = KNeighborsClassifier(n_neighbors=1).fit(known, data.train.labels[chosen])
        scores.append(learner.score(test, data.test.labels))
    return np.array(scores)
