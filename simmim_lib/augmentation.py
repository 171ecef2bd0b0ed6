"""Views: an image slightly rotated, sheared, stretched and shifted, a text with gaps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from simmim_lib.losses import Tensor

ANGLE = SHEAR = STRETCH = 0.15
SHIFT = 1.2  # pixels

GAPS = 0.1
"""The share of a text's tokens that is left out at strength 1."""


class Views(Protocol):
    """How examples of one kind are changed without changing what they show.

    Two views are equal, and have the same hash, if they do the same: training that was compiled for
    one is then used for the other.
    """

    def draw(self, strengths: Tensor, seed: Any, shape: Sequence[int]) -> Tensor:
        """Draw what is done to each example of a batch.

        Args:
            strengths: for each example, (n,); 0 leaves it as it is.
            seed: two whole numbers; the same draw the same.
            shape: of one example.

        Returns:
            Shape (n, ...), so that a part of a batch can be changed as in the whole one.
        """
        ...

    def apply(self, examples: Tensor, drawn: Tensor) -> Tensor:
        """Return the examples, (n, ...), as was drawn for each, (n, ...)."""
        ...


@dataclass(frozen=True)
class AffineViews:
    """Views of images, (height, width, channels), under affine maps."""

    def draw(self, strengths: Tensor, seed: Any, shape: Sequence[int]) -> Tensor:
        """Draw a map for each image, (n, 8)."""
        return draw_maps(strengths, seed, shape[:2])

    def apply(self, examples: Tensor, drawn: Tensor) -> Tensor:
        """Return each image under its map."""
        return affine(examples, drawn)


@dataclass(frozen=True)
class WordDropout:
    """Views of texts, the numbers of their tokens (length,), without some of these.

    Source: Iyyer et al. 2015, "Deep Unordered Composition Rivals Syntactic Methods for Text
        Classification".
    """

    def draw(self, strengths: Tensor, seed: Any, shape: Sequence[int]) -> Tensor:
        """Draw which tokens of each text stay: 1, or 0 for a gap, (n, length)."""
        import tensorflow as tf

        chances = tf.random.stateless_uniform((tf.shape(strengths)[0], *shape), seed)
        return tf.cast(chances >= GAPS * strengths[:, None], "float32")

    def apply(self, examples: Tensor, drawn: Tensor) -> Tensor:
        """Return the texts with 0, at which no network looks, in their gaps."""
        import tensorflow as tf

        return examples * tf.cast(drawn, examples.dtype)


def draw_maps(strengths: Tensor, seed: Any, size: Sequence[int]) -> Tensor:
    """Draw an affine map for each image of a batch.

    Args:
        strengths: for each image, (n,): 0 leaves it as it is; at 1 it is turned and sheared by
            0.15 radian, stretched by up to 15 % and shifted by 1.2 pixels, typically.
        seed: two whole numbers; the same give the same maps.
        size: height and width of the images, in pixels.

    Returns:
        Shape (n, 8): the maps from places in the view to places in the image, as `affine` takes
        them.
    """
    import tensorflow as tf

    number = tf.shape(strengths)[0]
    normal = tf.random.stateless_normal([4, number], seed) * strengths
    stretch = 1 + STRETCH * strengths * tf.random.stateless_uniform([2, number], seed, -1.0)
    angle, shear = ANGLE * normal[0], SHEAR * normal[1]
    # Turn after shear after stretch, about the middle of the image.
    a, b = tf.cos(angle), tf.cos(angle) * shear - tf.sin(angle)
    c, d = tf.sin(angle), tf.sin(angle) * shear + tf.cos(angle)
    a, b, c, d = a * stretch[0], b * stretch[1], c * stretch[0], d * stretch[1]
    height, width = size
    x, y = (width - 1) / 2, (height - 1) / 2
    right = x * (1 - a - b * (y / x)) + SHIFT * normal[2]
    down = y * (1 - c * (x / y) - d) + SHIFT * normal[3]
    nothing = tf.zeros_like(a)
    return tf.stack([a, b, right, c, d, down, nothing, nothing], axis=1)


def affine(images: Tensor, maps: Tensor) -> Tensor:
    """Return each image under its own map, with linear interpolation and black beyond the edge.

    Args:
        images: (n, height, width, channels).
        maps: (n, 8), rows a, b, right, c, d, down, 0, 0: what is seen at (x, y) is what the image
            has at (a x + b y + right, c x + d y + down).
    """
    import tensorflow as tf

    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=maps,
        output_shape=images.shape[1:3],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )
