"""Whether classes have swapped their names, and what of that can be seen without labels.

Two groups of predictions for the same images are matched: each class of the one gets the name of
the class of the other with which it shares the most images, so that each name is given once.
"""

import numpy as np

from simmim_lib import datasets, experiments
from simmim_lib.settings import Settings
from simmim_lib.studies.measures import Measures


def names_by(reference: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Return the names that a reference gives to predicted classes, (classes,).

    Args:
        reference: a class for each image, (n,).
        predicted: the same from the network in question, (n,).
        classes: how many there are.

    Source: Kuhn 1955, "The Hungarian method for the assignment problem", in SciPy.
    """
    from scipy.optimize import linear_sum_assignment
    from sklearn.metrics import confusion_matrix

    shared = confusion_matrix(predicted, reference, labels=range(classes))
    return linear_sum_assignment(shared, maximize=True)[1]


def moved(reference: np.ndarray, predicted: np.ndarray, classes: int) -> int:
    """Return how many predicted classes have another name in the reference."""
    return int(np.sum(names_by(reference, predicted, classes) != np.arange(classes)))


def without_labels(settings: Settings) -> np.ndarray:
    """Return a class for each test image of the target, (n,): of one training without any label.

    Args:
        settings: with one target, some of whose classes the source can name.
    """
    unlabelled = settings.replace(labels_per_class=0, seeds=1)
    return experiments.run(unlabelled, baseline=False).predictions[settings.targets[0]][0]


def swapped_names(result: experiments.Result) -> Measures:
    """Return for each seed how many classes have another name than they should, each (seeds,).

    "swapped" is the truth, by the labels of the test images; "by the source" is what a training
    without labels says, and "by the others" what most of the other seeds say, neither of which
    looks at a label. "renamed" is the accuracy with the names that the training without labels
    gives, where it gives others.
    """
    (target,) = result.predictions
    test, predictions = datasets.load(target).test, result.predictions[target]
    classes = result.probabilities[target].shape[-1]
    source = without_labels(result.settings)
    names = np.stack([names_by(source, each, classes) for each in predictions])
    return {
        "swapped": np.array([moved(test.labels, each, classes) for each in predictions]),
        "by the source": np.sum(names != np.arange(classes), axis=1),
        "by the others": np.array(
            [
                moved(_vote(np.delete(predictions, seed, axis=0), classes), each, classes)
                for seed, each in enumerate(predictions)
            ]
        ),
        "renamed": np.mean(np.take_along_axis(names, predictions, 1) == test.labels, axis=1),
    }


def _vote(predictions: np.ndarray, classes: int) -> np.ndarray:
    """Return the class that most networks predict for each image, (n,), of (networks, n)."""
    counts = [(predictions == number).sum(axis=0) for number in range(classes)]
    return np.argmax(counts, axis=0)
