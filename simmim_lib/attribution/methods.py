"""Maps of which pixels a network's answer rests on.

Every method takes what gives logits (a network, or one head of one), the images, and for each image
the class that is asked about. It returns a number for each pixel: how much it speaks for the class.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simmim_lib.attribution.arrays import numbers
from simmim_lib.errors import WorkbookError, check_at_least_zero, check_number, check_whole, shown

if TYPE_CHECKING:
    import keras

Item = TypeVar("Item")

Logits = Callable[[Any], Any]
"""From images (n, height, width, channels) to logits (n, classes)."""

Map = NDArray[np.float32]
"""Of each image a number for each of its values, (n, height, width, channels)."""

STEPS = (64, 2_048)
"""Of integrated gradients: as many as these to begin with, and at most."""

TOLERANCE = 1e-3
"""Of completeness: above this share of an image's change of logit more steps are taken."""

SAMPLES = 32
TOGETHER = 512
"""So many images go through the network at once."""


def gradients(logits: Logits, images: ArrayLike, classes: ArrayLike) -> Map:
    """Return how the logit of a class changes with each value of an image.

    Args:
        logits: what is asked.
        images: (n, height, width, channels).
        classes: of each image the class that is asked about, (n,), or one for all.

    Raises:
        WorkbookError: images that are no batch of finite numbers; classes of another number than
            the images, or that the head does not have.

    Source: Simonyan, Vedaldi and Zisserman 2014, "Deep Inside Convolutional Networks".
    """
    images, classes = checked(logits, images, classes)
    parts = [
        _gradients(logits, images[start : start + TOGETHER], classes[start : start + TOGETHER])
        for start in range(0, len(images), TOGETHER)
    ]
    return np.concatenate(parts)


def integrated_gradients(
    logits: Logits,
    images: ArrayLike,
    classes: ArrayLike,
    baseline: ArrayLike | None = None,
    steps: int | None = None,
) -> Map:
    """Return integrated gradients: the gradients on the way from a baseline, times the way.

    They add up to the difference between the logit at the image and at the baseline
    (`completeness_error` says how nearly). The integral is a Gauss-Legendre sum. ReLU and
    max-pooling make the gradient jump on the way, so that twice the steps only halve the error.

    Args:
        logits: what is asked.
        images: (n, height, width, channels).
        classes: of each image the class that is asked about, (n,), or one for all.
        baseline: an image that shows nothing, of the shape of one image or of all; black if it is
            left out.
        steps: how many points of the way are looked at, from 2. By default as many as each image
            needs to be complete up to `TOLERANCE`: the first of `STEPS`, doubled up to the last.

    Raises:
        WorkbookError: as `gradients`; a baseline of another shape, or that holds NaN.

    Source: Sundararajan, Taly and Yan 2017, "Axiomatic Attribution for Deep Networks", equation 1.
    """
    images, classes = checked(logits, images, classes)
    start = _baseline(baseline, images)
    if steps is not None:
        return _integrated(logits, images, classes, start, check_whole("steps", steps, 2, STEPS[1]))
    count, most = STEPS
    found = _integrated(logits, images, classes, start, count)
    while count < most:
        missing, change = _missing(logits, images, classes, found, start)
        some = np.flatnonzero(missing > TOLERANCE * change)
        if not len(some):
            break
        count *= 2
        found[some] = _integrated(logits, images[some], classes[some], start[some], count)
    return found


def _integrated(
    logits: Logits, images: NDArray, classes: NDArray, start: NDArray, steps: int
) -> Map:
    places, weights = _points(steps)
    total = np.zeros(images.shape, np.float64)
    for group in _in_groups(range(steps), images):
        some = np.array(group)
        on_the_way = start + places[some].reshape(-1, *[1] * images.ndim) * (images - start)
        slopes = _gradients(
            logits, on_the_way.reshape(-1, *images.shape[1:]), np.tile(classes, len(some))
        )
        total += np.tensordot(weights[some], slopes.reshape(on_the_way.shape), axes=1)
    return ((images - start) * total).astype(np.float32)


def completeness_error(
    logits: Logits,
    images: ArrayLike,
    classes: ArrayLike,
    attributions: ArrayLike,
    baseline: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Return how far attributions are from adding up to what they shall explain, (n,).

    Args:
        logits: what was asked.
        images: (n, height, width, channels).
        classes: of each image the class that was asked about.
        attributions: of each image, as `integrated_gradients` returns them.
        baseline: as there.

    Returns:
        The difference between the sum and the change of the logit, over the largest change.
    """
    images, classes = checked(logits, images, classes)
    missing, change = _missing(logits, images, classes, attributions, _baseline(baseline, images))
    return missing / np.maximum(change.max(), 1e-12)


def _missing(
    logits: Logits, images: NDArray, classes: NDArray, attributions: ArrayLike, start: NDArray
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how far attributions are from adding up, and the sizes of the changes, each (n,)."""
    change = _of_classes(logits, images, classes) - _of_classes(logits, start, classes)
    maps = numbers("attributions", attributions)
    if maps.shape[:-1] != images.shape[:-1]:
        raise WorkbookError(
            f"The attributions have the shape {maps.shape}, but the images {images.shape}: give "
            "one map for each image, of its height and width."
        )
    sums = maps.reshape(len(images), -1).sum(axis=1, dtype=np.float64)
    return np.abs(sums - change), np.abs(change)


def smooth_grad(
    logits: Logits,
    images: ArrayLike,
    classes: ArrayLike,
    noise: float = 0.15,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Map:
    """Return the mean of the gradients of an image under several noises.

    Args:
        logits: what is asked.
        images: (n, height, width, channels).
        classes: of each image the class that is asked about, (n,), or one for all.
        noise: its standard deviation, as a share of the range of each image's values.
        samples: how many noises.
        seed: of the noises.

    Raises:
        WorkbookError: as `gradients`; a negative noise.

    Source: Smilkov et al. 2017, "SmoothGrad: removing noise by adding noise".
    """
    images, classes = checked(logits, images, classes)
    check_at_least_zero("noise", noise)
    check_whole("seed", seed, least=0)
    each = tuple(range(1, images.ndim))
    spread = noise * np.ptp(images, axis=each, keepdims=True)
    random, total = np.random.default_rng(seed), np.zeros(images.shape, np.float64)
    for some in _in_groups(range(check_whole("samples", samples, least=1)), images):
        blurred = [images + spread * random.standard_normal(images.shape) for _ in some]
        slopes = gradients(logits, np.concatenate(blurred), np.tile(classes, len(some)))
        total += slopes.reshape(-1, *images.shape).sum(axis=0)
    return (total / samples).astype(np.float32)


def occlusion(
    logits: Logits,
    images: ArrayLike,
    classes: ArrayLike,
    side: int = 5,
    stride: int = 2,
    fill: float = 0.0,
) -> Map:
    """Return how much the logit falls when a square around each pixel is covered.

    A pixel has the mean over all squares that cover it.

    Args:
        logits: what is asked.
        images: (n, height, width, channels).
        classes: of each image the class that is asked about, (n,), or one for all.
        side: of the square, in pixels.
        stride: from one square to the next, in pixels, at most `side`.
        fill: what is in the square.

    Returns:
        (n, height, width, 1).

    Raises:
        WorkbookError: as `gradients`; a square that is larger than the images, or no images at all.

    Source: Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks".
    """
    images, classes = checked(logits, images, classes)
    if images.ndim != 4:
        raise WorkbookError(
            f"The images have the shape {images.shape}, but a square can only cover images of the "
            "shape (n, height, width, channels): take another method, such as integrated gradients."
        )
    check_number("fill", fill, lambda number: True, "like 0.0")
    height, width = images.shape[1:3]
    check_whole("side", side, 1, min(height, width))
    check_whole("stride", stride, 1, side)
    whole = _of_classes(logits, images, classes)
    falls, counts = np.zeros((*images.shape[:3], 1)), np.zeros((1, height, width, 1))
    squares = [
        np.s_[:, top : top + side, left : left + side]
        for top in _places(height, side, stride)
        for left in _places(width, side, stride)
    ]
    for some in _in_groups(squares, images):
        covered = np.repeat(images[None], len(some), axis=0)
        for copy, square in zip(covered, some, strict=True):
            copy[square] = fill
        every = covered.reshape(-1, *images.shape[1:])
        left_over = _of_classes(logits, every, np.tile(classes, len(some)))
        for square, rest in zip(some, left_over.reshape(len(some), -1), strict=True):
            falls[square] += (whole - rest)[:, None, None, None]
            counts[square] += 1
    return (falls / counts).astype(np.float32)


def grad_cam(
    trunk: "keras.Model",
    head: Callable[[Any], Any],
    images: ArrayLike,
    classes: ArrayLike,
    layer: str | None = None,
) -> Map:
    """Return Grad-CAM: the maps of a layer, weighed by their mean gradients, above zero only.

    Args:
        trunk: from images to features.
        head: from features to logits (n, classes).
        images: (n, height, width, channels).
        classes: of each image the class that is asked about, (n,), or one for all.
        layer: whose output are maps; by default the trunk's last such.

    Returns:
        (n, height, width, 1), the maps enlarged to the size of the images.

    Raises:
        WorkbookError: as `gradients`; a trunk without maps, or a layer that has none.

    Source: Selvaraju et al. 2017, "Grad-CAM: Visual Explanations from Deep Networks via
        Gradient-based Localization", equations 1 and 2.
    """
    import keras
    import tensorflow as tf

    images, classes = checked(lambda given: head(trunk(given)), images, classes, trunk)
    copy = keras.models.clone_model(trunk)  # its layers may belong to other models, too
    copy.set_weights(trunk.get_weights())
    parts = keras.Model(copy.inputs[0], [_maps(copy, layer).output, *copy.outputs])
    with tf.GradientTape() as tape:
        maps, features = parts(images)
        asked = tf.gather(head(features), classes, batch_dims=1)
    # The features were computed from these maps, so that the tape knows the way.
    slopes = tf.reduce_mean(tape.gradient(asked, maps), axis=(1, 2), keepdims=True)
    cam = tf.nn.relu(tf.reduce_sum(slopes * maps, axis=-1, keepdims=True))
    return np.asarray(tf.image.resize(cam, images.shape[1:3]))


def _maps(trunk: "keras.Model", name: str | None) -> "keras.layers.Layer":
    """Return the layer of a name, or the last, whose output has height, width and channels."""
    import keras

    having = {
        layer.name: layer
        for layer in trunk.layers
        if not isinstance(layer, keras.layers.InputLayer)
        and len(getattr(layer.output, "shape", ())) == 4
        and layer.output.shape[1] != 1  # None where images may have any size
    }
    if isinstance(name, str) and name in having:
        return having[name]
    if name is None and having:
        return [*having.values()][-1]
    which = "any layer with maps" if name is None else f"a layer {shown(name)} with maps"
    raise WorkbookError(
        f"Grad-CAM weighs the maps of a convolution, but this trunk does not have {which}: choose "
        f"{' or '.join(having) or 'another method, such as integrated gradients'}."
    )


def checked(
    logits: Logits, images: ArrayLike, classes: ArrayLike, network: object = None
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Return images and classes as arrays, or refuse what does not fit.

    Args:
        logits: what is asked.
        images: (n, ...).
        classes: of each image, or one for all.
        network: what takes the images; by default what is asked.
    """
    images = numbers("images", images)
    _check_shape(images.shape, getattr(network or logits, "input_shape", None))
    known = _number_of_classes(logits, images[:1])
    try:
        found = np.asarray(classes)
    except ValueError:  # rows of several lengths
        found = np.array(None)
    if found.dtype.kind not in "iu" or found.shape not in ((), (len(images),)):
        raise WorkbookError(
            f"classes is {shown(classes)}, but must be one whole number, or one for each of the "
            f"{len(images)} images."
        )
    if found.min() < 0 or found.max() >= known:
        raise WorkbookError(
            f"The classes go from {found.min()} to {found.max()}, but this head has the classes 0 "
            f"to {known - 1}: ask about these."
        )
    return images, np.broadcast_to(found, len(images)).astype(np.int32)


def _check_shape(found: tuple[int, ...], taken: object) -> None:
    """Refuse images that are no batch, or that a network does not take.

    Args:
        found: the shape of the images.
        taken: the shape that the network takes, with None for what may be any; if that is known.
    """
    wanted = taken if isinstance(taken, tuple) else (None,) * max(2, len(found))
    if len(found) < len(wanted) or not found[0]:
        raise WorkbookError(
            f"The images have the shape {found}, but must be (n, height, width, channels), with n "
            "at least 1: pass a batch, such as images[:8]."
        )
    fits = len(found) == len(wanted) and all(
        size in (None, number) for number, size in zip(found[1:], wanted[1:], strict=True)
    )
    if not fits:
        raise WorkbookError(
            f"The images have the shape {found}, but the network takes {wanted}, where None may be "
            "any number: pass images as it was trained on."
        )


def _number_of_classes(logits: Logits, image: NDArray[np.float32]) -> int:
    """Return how many classes the head has that is asked."""
    answer = logits(image) if callable(logits) else logits
    shape = getattr(answer, "shape", None)
    if shape is None or len(shape) != 2:
        several = f", one of {', '.join(map(str, answer))}" if isinstance(answer, dict) else ""
        raise WorkbookError(
            f"logits gives {shown(answer if shape is None else tuple(shape))}, but must give an "
            "array of the shape (n, classes): pass a network with one head, or a function that "
            f"asks for one{several}, such as lambda images: model(images)['one']."
        )
    return int(shape[-1])


def _baseline(given: ArrayLike | None, images: NDArray[np.float32]) -> NDArray[np.float32]:
    black = np.zeros(images.shape[1:], np.float32)
    baseline = black if given is None else numbers("baseline", given)
    if baseline.shape not in (images.shape, images.shape[1:]):
        raise WorkbookError(
            f"The baseline has the shape {baseline.shape}, but an image has {images.shape[1:]}: "
            "give one image of that shape, or one for each image."
        )
    return np.broadcast_to(baseline, images.shape).astype(np.float32)


@functools.cache
def _points(steps: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the places of a Gauss-Legendre sum between 0 and 1, and their weights."""
    from scipy.special import roots_legendre

    nodes, weights = roots_legendre(steps)
    return (nodes + 1) / 2, weights / 2


def _in_groups(items: Sequence[Item], images: NDArray) -> Iterator[Sequence[Item]]:
    """Yield items in groups: each needs a copy of all images, and so many go together."""
    size = max(1, TOGETHER // len(images))
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _places(length: int, side: int, stride: int) -> list[int]:
    """Return where squares begin, so that the last one ends where the image does."""
    return sorted({*range(0, length - side, stride), length - side})


def _gradients(logits: Logits, images: NDArray, classes: NDArray) -> Map:
    import tensorflow as tf

    given = tf.constant(images, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(given)
        asked = tf.gather(logits(given), classes, batch_dims=1)
    slopes = tape.gradient(asked, given)
    if slopes is None:
        raise WorkbookError(
            "What logits gives has no gradient: compute it with TensorFlow or Keras from the "
            "images alone, or take occlusion, which needs none."
        )
    return np.asarray(slopes)


def _of_classes(logits: Logits, images: NDArray, classes: NDArray) -> NDArray[np.float64]:
    """Return the logits that are asked about, (n,)."""
    parts = [
        np.asarray(logits(images[start : start + TOGETHER]), np.float64)
        for start in range(0, len(images), TOGETHER)
    ]
    return np.concatenate(parts)[np.arange(len(images)), classes]
