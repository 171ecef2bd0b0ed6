"""Information from images without labels: what SimMIM's objective asks of its predictions.

The objective of a task is cross-entropy on its labelled images, minus `information` times the
mutual information between its unlabelled images and their predicted classes, plus `agreement` times
the cross-entropy between a weak and a strong view of the same image. See `Recipe`.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from simmim_lib.augmentation import AffineViews, Views
from simmim_lib.errors import check_whole
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
        check_whole("ramp", self.ramp, least=1)

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
