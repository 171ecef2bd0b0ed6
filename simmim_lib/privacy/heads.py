"""Private linear heads on frozen features: what `steps` does, for one matrix, in milliseconds.

Of a linear head the gradient of an example's loss is the product of its features and its error, so
that the gradient's length is the product of theirs: no gradient needs to be written down to be
clipped. All the rest is as in `steps`.

Source: Goodfellow 2015, "Efficient Per-Example Gradient Computations".
"""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simmim_lib.errors import WorkbookError, check_at_least_zero, check_whole
from simmim_lib.privacy.examples import check_finite
from simmim_lib.privacy.steps import PrivateRecipe, draw_poisson

Matrix = NDArray[np.float32]

NOISE = 1
"""Keeps the noise's random numbers apart from those that draw the batches."""


def unit_rows(features: ArrayLike, bias: float = 0.3) -> Matrix:
    """Return features as rows of length 1, with one more input that is the same for all.

    Rows of one length have gradients of like length, so that one clip fits all; a short constant
    input keeps the bias from taking up most of that length.

    Args:
        features: (n, ...).
        bias: the constant input.

    Returns:
        (n, features + 1).

    Raises:
        WorkbookError: features that are no finite numbers, or a bias below zero.
    """
    check_at_least_zero("bias", bias)
    rows = _singles("features", features)
    flat = rows.reshape(len(rows), math.prod(rows.shape[1:]))
    lengths = np.linalg.norm(flat, axis=1, keepdims=True)
    constant = np.full((len(flat), 1), bias, np.float32)
    return np.concatenate([flat / np.maximum(lengths, 1e-12), constant], axis=1)


def train_head(
    rows: Matrix,
    labels: ArrayLike,
    classes: int,
    recipe: PrivateRecipe,
    seed: int = 0,
    batches: NDArray[np.int32] | None = None,
) -> Matrix:
    """Train a linear head privately, from zero, by the cross-entropy.

    Args:
        rows: what it is shown, (n, inputs), such as `unit_rows` returns.
        labels: (n,).
        classes: how many there are.
        recipe: how.
        seed: of the batches and of the noise.
        batches: positions, (steps, width), filled up with -1; by default drawn by
            `steps.draw_poisson`. The accountant's number holds for these only.

    Returns:
        The head's kernel, (inputs, classes).

    Raises:
        WorkbookError: rows that are no finite numbers; labels of another number than the rows, or
            that are no class; batches with positions that are no row's.
    """
    rows = _singles("rows", rows)
    if rows.ndim != 2:
        raise WorkbookError(
            f"The rows have the shape {rows.shape}, but must be (n, inputs): make them flat, as "
            "unit_rows does."
        )
    check_whole("seed", seed, least=0)
    wanted = _one_hot(labels, classes, len(rows))
    if batches is None:
        batches = draw_poisson(len(rows), recipe.batch_size, recipe.steps(len(rows)), seed)
    batches = _as_array(batches)
    _check_positions(batches, len(rows))
    random = np.random.default_rng([seed, NOISE])
    lengths = np.linalg.norm(rows, axis=1)
    kernel = np.zeros((rows.shape[1], classes), np.float32)
    spread = recipe.noise_multiplier * recipe.clip
    for batch in batches:
        drawn = batch[batch >= 0]
        error = probabilities(kernel, rows[drawn]) - wanted[drawn]
        gradients = lengths[drawn] * np.linalg.norm(error, axis=1)
        error *= np.minimum(1, recipe.clip / np.maximum(gradients, 1e-12))[:, None]
        total = rows[drawn].T @ error
        total += spread * random.standard_normal(kernel.shape, np.float32)
        kernel -= recipe.learning_rate / recipe.batch_size * total
    return kernel


def probabilities(kernel: Matrix, rows: Matrix) -> Matrix:
    """Return the probabilities that a head gives to the classes, (n, classes)."""
    logits = rows @ kernel
    shares = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    return shares / shares.sum(axis=1, keepdims=True)


def _singles(what: str, given: ArrayLike) -> Matrix:
    """Return numbers in single precision, in which they have to be finite, too."""
    with np.errstate(over="ignore"):
        numbers = check_finite(what, given).astype(np.float32, copy=False)
    return check_finite(what, numbers)


def _as_array(given: ArrayLike) -> NDArray[Any]:
    try:
        return np.asarray(given)
    except ValueError:  # rows of several lengths
        return np.array(None)


def _check_positions(batches: NDArray[np.integer], count: int) -> None:
    if batches.ndim != 2 or batches.dtype.kind not in "iu":
        raise WorkbookError(
            f"The batches have the shape {batches.shape} and the type {batches.dtype}, but must be "
            "positions of rows, (steps, width), filled up with -1."
        )
    if batches.size and not -1 <= batches.min() <= batches.max() < count:
        raise WorkbookError(
            f"The batches name the rows {batches.min()} to {batches.max()}, but there are "
            f"{count:,}: positions go from 0 to {count - 1}, and -1 stands for none."
        )


def _one_hot(labels: ArrayLike, classes: int, count: int) -> Matrix:
    check_whole("classes", classes, least=2)
    found = _as_array(labels)
    if found.shape != (count,) or found.dtype.kind not in "iu":
        raise WorkbookError(
            f"The labels have the shape {found.shape} and the type {found.dtype}, but must be one "
            f"whole number for each of the {count:,} rows."
        )
    if count and not 0 <= found.min() <= found.max() < classes:
        raise WorkbookError(
            f"The labels go from {found.min()} to {found.max()}, but there are {classes} classes: "
            f"labels go from 0 to {classes - 1}."
        )
    return np.eye(classes, dtype=np.float32)[found]
