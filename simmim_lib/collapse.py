"""The collapse alarm: whether a network puts far too many images in one class.

What asks for confident predictions without labels, as `information` does, may be met by the same
answer for every image. No accuracy on the few labelled images shows that; the predictions do.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

MIN_SHARE_OF_OTHERS = 0.1
"""If less than this part of the images that are expected in other classes than the most predicted
one is put there, the predictions have collapsed."""


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """Whether the predictions for a task's unlabelled images have collapsed, for each seed.

    Attributes:
        largest_share: of the images that get the most predicted class, (seeds,).
        entropy: of the mean prediction in nats, (seeds,).
        expected_entropy: of the class prior in nats.
    """

    largest_share: np.ndarray
    entropy: np.ndarray
    expected_entropy: float

    @property
    def collapsed(self) -> np.ndarray:
        """Whether each seed's predictions use far fewer classes than expected, (seeds,).

        Either less than half as many, by their probabilities: exp(entropy) counts classes, it is K
        for K classes that are predicted equally often. Or, however unsure the predictions are,
        hardly any image is put in another class than the most predicted one: less than a tenth of
        the share that is expected there, where exp(-entropy) stands for the share of one class.
        """
        few_classes = np.exp(self.entropy) < 0.5 * np.exp(self.expected_entropy)
        others, expected_others = 1 - self.largest_share, 1 - np.exp(-self.expected_entropy)
        return few_classes | (others < MIN_SHARE_OF_OTHERS * expected_others)

    def as_dict(self) -> dict[str, Any]:
        """Return what was found as plain values that JSON can hold."""
        return {
            "largest_share": [float(share) for share in self.largest_share],
            "entropy": [float(entropy) for entropy in self.entropy],
            "expected_entropy": self.expected_entropy,
            "collapsed": [bool(collapsed) for collapsed in self.collapsed],
        }

    def __str__(self) -> str:
        """Say it in words."""
        bad = np.flatnonzero(self.collapsed)
        if not len(bad):
            return f"no collapse: the most predicted class has {self.largest_share.max():.0%}"
        seeds = ", ".join(str(seed) for seed in bad)
        return (
            f"collapsed in {len(bad)} of {len(self.entropy)} seeds ({seeds}): up to "
            f"{self.largest_share[bad].max():.0%} of the images get the same class; raise spread, "
            "lower information, or give more labels"
        )


def diagnose(logits: np.ndarray, prior: np.ndarray) -> Diagnosis:
    """Look for a collapse in the predictions for unlabelled images.

    Args:
        logits: (seeds, n, classes).
        prior: how often each class is expected, (classes,).
    """
    from scipy.special import softmax
    from scipy.stats import entropy

    predicted = logits.argmax(axis=-1)
    counts = [np.bincount(of_seed, minlength=len(prior)) for of_seed in predicted]
    mean = softmax(logits, axis=-1).mean(axis=1)
    return Diagnosis(
        np.max(counts, axis=1) / logits.shape[1], entropy(mean, axis=1), float(entropy(prior))
    )
