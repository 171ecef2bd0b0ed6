"""What a trained network says about images of ill and healthy people, and what becomes of it."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simmim_lib import datasets
from simmim_lib.datasets import Part
from simmim_lib.errors import WorkbookError
from simmim_lib.experiments import Result

if TYPE_CHECKING:
    import keras

Images = NDArray[np.floating]
Values = NDArray[np.floating]

READ_AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class Reading:
    """Images, the truth about them, and what a network says.

    Attributes:
        images: (n, height, width, channels) in [0, 1].
        labels: (n,), 1 for ill.
        probabilities: (n,), of being ill.
        read: gives the probabilities of other images.
    """

    images: Images
    labels: NDArray[np.integer]
    probabilities: Values
    read: Callable[[Images], Values]

    def take(self, chosen: NDArray) -> "Reading":
        """Return some of the images, by position or by a mask (n,)."""
        arrays = {name: getattr(self, name)[chosen] for name in ("images", "labels")}
        return replace(self, probabilities=self.probabilities[chosen], **arrays)

    def of(self, images: Images) -> "Reading":
        """Return what the network says about changed images of the same people."""
        return replace(self, images=images, probabilities=self.read(images))


def best_network(result: Result) -> tuple[Reading, Reading]:
    """Let the network that is best on its validation images read those, and the test images.

    Args:
        result: as `of_seed`.
    """
    return of_seed(result, result.best_seed())


def of_seed(result: Result, seed: int) -> tuple[Reading, Reading]:
    """Return what one network says about its validation images, and about the test images.

    Args:
        result: of an experiment with one target of two classes, the second of which is "ill".
        seed: whose network.
    """
    (target,) = result.settings.targets
    (wanted,) = result.settings.labels_of.values()
    data = datasets.load(target, result.settings.image_size)
    task = datasets.few_shot(data, wanted, seed=seed)
    read = _reader(result, seed)

    def reading(part: Part, probabilities: Values) -> Reading:
        labels = part.labels.astype(np.int32)[: len(probabilities)]
        images = np.asarray(part.images[: len(labels)], np.float32)
        return Reading(images, labels, probabilities[:, 1], read)

    return (
        reading(task.validation, result.looks[target].probabilities[seed]),
        reading(task.test, result.probabilities[target][seed]),
    )


def joined(networks: Sequence[tuple[Reading, Reading]]) -> tuple[Reading, Reading]:
    """Return the mean of what several networks say about the same images.

    Args:
        networks: what each says about validation and test images, as `of_seed` gives it.
    """
    return _mean([validation for validation, _ in networks]), _mean([test for _, test in networks])


def _mean(several: Sequence[Reading]) -> Reading:
    def read(images: Images) -> Values:
        return np.mean([each.read(images) for each in several], axis=0)

    probabilities = np.mean([each.probabilities for each in several], axis=0)
    return replace(several[0], probabilities=probabilities, read=read)


def _reader(result: Result, seed: int) -> Callable[[Images], Values]:
    @functools.cache  # built when somebody changes images, which not everybody does
    def network() -> "keras.Model":
        return result.model(seed)

    def read(images: Images) -> Values:
        # The network takes pixels as they stand in a file.
        return network().predict(255 * images, batch_size=READ_AT_ONCE, verbose=0)[:, 1]

    return read


def at_prevalence(reading: Reading, prevalence: float, seed: int = 0) -> Reading:
    """Leave out ill people until they are this share of all.

    Args:
        reading: with a larger share of ill people.
        prevalence: above 0.
        seed: of the draw.

    Raises:
        WorkbookError: there are not that many ill people.
    """
    ill = np.flatnonzero(reading.labels == 1)
    healthy = np.flatnonzero(reading.labels == 0)
    most = len(ill) / len(reading.labels)
    if not (0 < prevalence <= most and prevalence < 1):
        raise WorkbookError(
            f"prevalence is {prevalence}, but must be above 0 and at most {most:.3f}, the share of "
            "ill people before some are left out."
        )
    count = min(len(ill), round(prevalence / (1 - prevalence) * len(healthy)))
    kept = np.random.default_rng(seed).choice(ill, count, replace=False)
    return reading.take(np.sort(np.concatenate([healthy, kept])))


def test_part(result: Result) -> Part:
    """Return the test images of the only target, with patients and subgroups if they are known."""
    (target,) = result.settings.targets
    return datasets.load(target, result.settings.image_size).test
