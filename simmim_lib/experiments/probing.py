"""Linear probes at any block: how much a few labels find in what a block has to say."""

import numpy as np

from simmim_lib import datasets, training, trunks
from simmim_lib.errors import check_whole
from simmim_lib.experiments.pretrained import Pretrained


def average_features(source: Pretrained, block: int, images: np.ndarray) -> np.ndarray:
    """Return what a network's first blocks say of images, averaged over all places, (n, units).

    Args:
        source: the network.
        block: how many blocks the images go through, from 1.
        images: (n, size, size, channels).

    Raises:
        WorkbookError: more blocks than there are.
    """
    about = trunks.describe(source.trunk)
    check_whole("block", block, 1, len(about.blocks))
    parts = trunks.cut_trunk(block, source.trunk, images.shape[1:], about.size)
    weights = [weight[None] for weight in source.front_weights(parts)]
    (found,) = training.predict(parts.front, weights, images)
    return found.mean(axis=tuple(range(1, found.ndim - 1)))


def linear_probe(
    source: Pretrained, block: int, data: datasets.Dataset, labels_per_class: int, seeds: int
) -> np.ndarray:
    """Return the test accuracies of a logistic regression on a block's averages, (seeds,).

    Args:
        source: the network, which stays as it is.
        block: how many blocks the images go through, from 1.
        data: a classification.
        labels_per_class: labelled images of each class.
        seeds: how often they are drawn, as experiments draw them.

    Source: the authors of SimMIM advise to probe a middle block, averaged over the places.
    """
    train, test = (average_features(source, block, part.images) for part in (data.train, data.test))
    return np.array([_accuracy(train, test, data, labels_per_class, seed) for seed in range(seeds)])


def _accuracy(
    train: np.ndarray, test: np.ndarray, data: datasets.Dataset, labels_per_class: int, seed: int
) -> float:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    chosen = datasets.choose(data, labels_per_class, seed).labelled
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    classifier.fit(train[chosen], data.train.labels[chosen])
    return float(classifier.score(test, data.test.labels))
