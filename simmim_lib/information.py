"""Information from images without labels: what SimMIM's objective asks of its predictions.

The objective of a task is cross-entropy on its labelled images, minus `information` times the
mutual information between its unlabelled images and their predicted classes, plus `agreement` times
the cross-entropy between a weak and a strong view of the same image. See `Recipe`.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from simmim_lib.augmentation import AffineViews, Views
from simmim_lib.losses import Tensor
from simmim_lib.settings import check_recipe

STRENGTHS = (1.0, 0.3, 1.5)
"""How strongly labelled images, and weak and strong views of others, are changed, relatively."""


class Kind(NamedTuple):
    """What a training step does with unlabelled images.

    Attributes:
        views_per_image: how many of each; a strong one is needed only for agreement.
        views: how images are changed, labelled ones too; none to leave all as they are.
    """

    views_per_image: int
    views: Views | None


LABELS_ONLY = Kind(0, None)

NUMBERS = ("information", "spread", "agreement", "confidence", "augmentation", "ramp")
"""The fields of a recipe that may change without compiling anything anew."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How unlabelled images are learnt from.

    Attributes:
        information: lambda, what the information counts beside the cross-entropy.
        spread: what its first half counts, which spreads predictions over the classes.
        agreement: what the agreement of two views counts.
        confidence: how sure the prediction of a weak view must be for it to teach the strong
            view.
        augmentation: strength of the views, 0 to leave all images as they are.
        ramp: over how many steps information and agreement grow to their full weight.
        views: how examples are changed, by their kind.

    Raises:
        WorkbookError: a number out of range.

    Sources: Krause et al. 2010, "Discriminative Clustering by Regularized Information
        Maximization"; Hu et al. 2017, "Learning Discrete Representations via Information Maximizing
        Self-Augmented Training"; Liang et al. 2020, "Do We Really Need to Access the Source Data?"
        (SHOT); Sohn et al. 2020, "FixMatch".
    """

    information: float = 0.0
    spread: float = 1.0
    agreement: float = 0.0
    confidence: float = 0.8
    augmentation: float = 0.0
    ramp: int = 100
    views: Views = field(default_factory=AffineViews)

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        check_recipe(self)

    @property
    def kind(self) -> Kind:
        """What a loop is compiled for; all other values may change."""
        return Kind(2 if self.agreement else 1, self.views if self.augmentation else None)

    @property
    def numbers(self) -> tuple[float, ...]:
        """The values of `NUMBERS`, in order."""
        return tuple(float(getattr(self, name)) for name in NUMBERS)


def lack_of_information(logits: Tensor, spread: Tensor, prior: Tensor) -> Tensor:
    """Return mean H(p) + spread * KL(mean p || prior), in nats: what is minimised.

    With a uniform prior over K classes and spread 1 this is log K minus the mutual information.

    Args:
        logits: (seeds, n, classes).
        spread: what the second term counts.
        prior: how often each class is expected, (classes,), all above 0.

    Returns:
        One number for each seed, (seeds,).
    """
    import tensorflow as tf

    log_p = tf.nn.log_softmax(logits)
    p = tf.exp(log_p)
    unsure = -tf.reduce_mean(tf.reduce_sum(p * log_p, axis=-1), axis=-1)
    mean = tf.reduce_mean(p, axis=1)
    away = tf.reduce_sum(mean * (tf.math.log(mean + 1e-8) - tf.math.log(prior)), axis=-1)
    return unsure + spread * away


def disagreement(weak: Tensor, strong: Tensor, confidence: Tensor) -> Tensor:
    """Return the mean cross-entropy of strong views with what their weak views surely show.

    The weak view is the teacher: no gradient flows through it.

    Args:
        weak: logits (seeds, n, classes).
        strong: logits of the same images, (seeds, n, classes).
        confidence: the largest probability has to be above it; other images count zero.

    Returns:
        One number for each seed, (seeds,).
    """
    import tensorflow as tf

    teacher = tf.stop_gradient(tf.nn.softmax(weak))
    sure = tf.cast(tf.reduce_max(teacher, axis=-1) > confidence, tf.float32)
    losses = tf.nn.softmax_cross_entropy_with_logits(teacher, strong)
    return tf.reduce_mean(sure * losses, axis=-1)


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
