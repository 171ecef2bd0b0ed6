"""Masked image modelling: which part of an image is hidden, and what is asked of a reconstruction.

Source: Xie et al. 2022, "SimMIM: A Simple Framework for Masked Image Modeling".
"""

import math
from collections.abc import Callable, Mapping

import numpy as np

from simmim_lib.errors import WorkbookError, check_choice, check_number, check_whole, shown
from simmim_lib.losses import Tensor

RATIO = 0.6
"""The share of the units that the paper hides."""

BLOCK_SHARE = 0.2
"""The share of the units that a block of a block-wise mask covers, at most."""

ASPECTS = (0.3, 1 / 0.3)
"""Height over width of such a block, as in BEiT."""


def number_of_units(grid: int, unit: int) -> int:
    """Return how many units a grid has; those at the lower and the right edge may be cut.

    Args:
        grid: patches on each side of an image.
        unit: patches on each side of a unit.

    Raises:
        WorkbookError: a unit smaller than a patch, or larger than the image.
    """
    check_whole("grid", grid, 1, 1024)
    check_whole("unit, in patches of the grid,", unit, 1, grid)
    return math.ceil(grid / unit) ** 2


def number_hidden(units: int, ratio: float) -> int:
    """Return how many units are hidden: the ratio's share, rounded up, as the authors' code does.

    It is at least one.

    Raises:
        WorkbookError: a ratio that is not between 0 and 1.
    """
    check_number("ratio", ratio, lambda number: 0 < number < 1, "above 0 and below 1, like 0.6")
    share = round(ratio * units, 9)  # 0.28 * 25 is a little above 7, and not 8 units
    return max(1, math.ceil(share))


def random_mask(
    batch: int,
    grid: int,
    unit: int = 1,
    ratio: float = RATIO,
    seed: int = 0,
    kind: str = "random",
) -> np.ndarray:
    """Draw which patches of each image are hidden: of every image the same number of units.

    Args:
        batch: how many images.
        grid: patches on each side of an image.
        unit: patches on each side of a unit, which is hidden as a whole.
        ratio: the share of the units that is hidden, rounded up to whole ones.
        seed: the same gives the same masks.
        kind: one of `KINDS`.

    Returns:
        True where a patch is hidden, (batch, grid, grid).

    Raises:
        WorkbookError: a number that is out of range, or an unknown kind.
    """
    check_whole("batch", batch, 0, 10**7)
    check_whole("seed", seed, least=0)
    check_choice("mask", kind, KINDS)
    hidden = number_hidden(number_of_units(grid, unit), ratio)
    random = np.random.default_rng(seed)
    side = math.ceil(grid / unit)
    units = KINDS[kind](random, batch, side, hidden)
    return units.repeat(unit, axis=1).repeat(unit, axis=2)[:, :grid, :grid]


def _scattered(random: np.random.Generator, batch: int, side: int, hidden: int) -> np.ndarray:
    """Hide units anywhere, each as likely as any other."""
    ranks = random.random((batch, side * side)).argsort(axis=1).argsort(axis=1)
    return (ranks < hidden).reshape(batch, side, side)


def _square(random: np.random.Generator, batch: int, side: int, hidden: int) -> np.ndarray:
    """Hide one square anywhere; where the number is no square, its last row is not full."""
    edge = math.ceil(math.sqrt(hidden))
    rows, columns = np.divmod(np.arange(hidden), edge)
    top = random.integers(side - rows.max(), size=(batch, 1))
    left = random.integers(side - edge + 1, size=(batch, 1))
    masks = np.zeros((batch, side, side), bool)
    masks[np.arange(batch)[:, None], rows + top, columns + left] = True
    return masks


def _blocks(random: np.random.Generator, batch: int, side: int, hidden: int) -> np.ndarray:
    """Hide rectangles until there is enough; of the last, only as many units as are missing."""
    masks = np.zeros((batch, side, side), bool)
    for mask in masks:
        while (missing := hidden - mask.sum()) > 0:
            top, left, height, width = _block(random, side)
            block = np.zeros_like(mask)
            block[top : top + height, left : left + width] = True
            new = np.flatnonzero(block & ~mask)
            mask.flat[random.permutation(new)[:missing]] = True
    return masks


def _block(random: np.random.Generator, side: int) -> tuple[int, int, int, int]:
    """Draw a rectangle: top, left, height and width."""
    area = random.uniform(1, max(1.0, BLOCK_SHARE * side * side))
    aspect = np.exp(random.uniform(*np.log(ASPECTS)))
    height = int(np.clip(round(math.sqrt(area * aspect)), 1, side))
    width = int(np.clip(round(math.sqrt(area / aspect)), 1, side))
    return (
        int(random.integers(side - height + 1)),
        int(random.integers(side - width + 1)),
        height,
        width,
    )


KINDS: Mapping[str, Callable[[np.random.Generator, int, int, int], np.ndarray]] = {
    "random": _scattered,
    "square": _square,
    "block-wise": _blocks,
}
"""Ways to choose the hidden units, by name.

Source: Xie et al. 2022, section 3.2; Bao et al. 2022, "BEiT", algorithm 1 (block-wise).
"""


def as_floats(what: str, given: object, axes: str) -> Tensor:
    """Return numbers as a tensor of floats.

    Args:
        what: they are, for the sentence.
        given: an array, a tensor, or lists.
        axes: that it has, by name, such as "n, grid, grid"; none of them is empty.

    Raises:
        WorkbookError: it is no such array, or, if its values are known yet, one is not finite.
    """
    import tensorflow as tf

    try:
        tensor = tf.convert_to_tensor(given)
    except (TypeError, ValueError, OverflowError):
        raise WorkbookError(
            f"The {what} must be an array ({axes}) of numbers, but are {shown(given)}."
        ) from None
    is_number = tensor.dtype.is_floating or tensor.dtype.is_integer or tensor.dtype.is_bool
    if tensor.shape.rank != len(axes.split(",")) or 0 in tensor.shape or not is_number:
        raise WorkbookError(
            f"The {what} must be an array ({axes}) of numbers, but have the shape "
            f"{tuple(tensor.shape)} and the type {tensor.dtype.name}."
        )
    floats = tf.cast(tensor, tf.float32)
    if tf.executing_eagerly() and not np.isfinite(floats).all():
        raise WorkbookError(
            f"The {what} hold NaN or infinite numbers: look at where they are from."
        )
    return floats


def as_mask(given: object) -> Tensor:
    """Return masks of patches as a tensor of 0 and 1, (n, grid, grid).

    Raises:
        WorkbookError: they are no such array, or hold other numbers, if these are known yet.
    """
    import tensorflow as tf

    mask = as_floats("masks", given, "n, grid, grid")
    if tf.executing_eagerly() and not np.isin(mask, (0, 1)).all():
        raise WorkbookError(
            "A mask says yes or no of each patch: give True or False, or 1 where it is hidden and "
            "0 elsewhere."
        )
    return mask


def pixels_of(mask: Tensor, size: int) -> Tensor:
    """Return a mask of patches, (n, grid, grid), as one of pixels, (n, size, size, 1) of 0 and 1.

    Raises:
        WorkbookError: the mask is of another grid, or none.
    """
    import tensorflow as tf

    check_whole("size", size, least=1)
    mask = as_mask(mask)
    rows, columns = mask.shape[1:]
    if rows != columns or size % rows:
        raise WorkbookError(
            f"The mask has {rows} x {columns} patches, which do not divide an image of {size} x "
            f"{size} pixels evenly: draw one for a grid that divides {size}."
        )
    of_pixels = tf.repeat(tf.repeat(mask, size // rows, axis=1), size // rows, axis=2)
    return of_pixels[..., None]


def masked_l1_of_each(images: Tensor, reconstructions: Tensor, mask: Tensor) -> Tensor:
    """Return what each image adds to `masked_l1`, (n,): their mean is the loss of the batch."""
    import tensorflow as tf

    axes = "n, size, size, channels"
    images = as_floats("images", images, axes)
    reconstructions = as_floats("reconstructions", reconstructions, axes)
    hidden = pixels_of(mask, images.shape[1])
    _refuse_other_shapes(images, reconstructions, hidden)
    errors = tf.reduce_sum(tf.abs(images - reconstructions) * hidden, axis=(1, 2, 3))
    of_all = tf.reduce_mean(tf.reduce_sum(hidden, axis=(1, 2, 3)))
    count = tf.cast(tf.shape(images)[0], tf.float32)
    return errors / (of_all + 1e-5 / count) / images.shape[-1]


def _refuse_other_shapes(images: Tensor, reconstructions: Tensor, hidden: Tensor) -> None:
    """Compare shapes as far as they are known: one of length 1 would be spread over all."""
    if not images.shape.is_compatible_with(reconstructions.shape):
        raise WorkbookError(
            f"The images have the shape {tuple(images.shape)}, and the reconstructions "
            f"{tuple(reconstructions.shape)}: give both the same."
        )
    if not images.shape[:3].is_compatible_with(hidden.shape[:3]):
        raise WorkbookError(
            f"The images have the shape {tuple(images.shape)}, but masks are for "
            f"{tuple(hidden.shape[:3])} pixels: give each square image a mask of its own."
        )


def masked_l1(images: Tensor, reconstructions: Tensor, mask: Tensor) -> Tensor:
    """Return the mean absolute error of the hidden pixels, over all channels and images.

    Args:
        images: (n, size, size, channels).
        reconstructions: of the same shape.
        mask: of patches, True or 1 where hidden, (n, grid, grid), of whatever grid divides the
            size.

    Raises:
        WorkbookError: the mask is of another grid or number, the shapes are not the same, or one
            of them is no array of numbers.

    Source: Xie et al. 2022, equation 2; the authors' code adds 1e-5 to the number of hidden pixels.
    """
    import tensorflow as tf

    return tf.reduce_mean(masked_l1_of_each(images, reconstructions, mask))


def normalised(images: Tensor, patch: int) -> Tensor:
    """Return images in which the pixels of each patch have mean 0 and variance 1.

    Args:
        images: (n, size, size, channels).
        patch: pixels on each side of a patch.

    Raises:
        WorkbookError: images that are not square, or that the patches do not divide evenly.

    Source: He et al. 2022, "Masked Autoencoders Are Scalable Vision Learners", section 4.1.
    """
    import tensorflow as tf

    from simmim_lib.trunks import patches

    images = as_floats("images", images, "n, size, size, channels")
    if images.shape[1] != images.shape[2]:
        raise WorkbookError(
            f"The images have {images.shape[1]} x {images.shape[2]} pixels: give square ones."
        )
    by_patch = patches.split(images, patch)
    grid = images.shape[1] // patch
    mean, variance = tf.nn.moments(by_patch, axes=[-1], keepdims=True)
    return patches.join((by_patch - mean) / tf.sqrt(variance + 1e-6), grid, patch)
