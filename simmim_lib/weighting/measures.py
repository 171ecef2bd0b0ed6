"""How tasks fare together: conflict between gradients, gain over single tasks, Pareto front."""

import numpy as np
from numpy.typing import ArrayLike

from simmim_lib.errors import WorkbookError
from simmim_lib.weighting.geometry import Geometry
from simmim_lib.weighting.method import check_finite


def cosine(gradients: ArrayLike | None = None, *, gram: ArrayLike | None = None) -> np.ndarray:
    """Return the cosine of the angle between every two gradients; below 0 the tasks conflict.

    Args:
        gradients: shape (tasks, parameters); or else
        gram: their inner products, shape (tasks, tasks).

    Returns:
        Cosines, shape (tasks, tasks): 1 on the diagonal, 0 with a gradient of zero.

    Raises:
        WorkbookError: another shape, neither or both, NaN or infinite numbers.
    """
    if (gradients is None) == (gram is None):
        raise WorkbookError(
            "Cosines are of gradients or of their Gram matrix: give one of the two."
        )
    if gram is None:
        assert gradients is not None
        return Geometry.of_gradients(check_gradients(gradients)).cosines
    products = np.asarray(gram, dtype=np.float64)
    if products.ndim != 2 or products.shape[0] != products.shape[1]:
        raise WorkbookError(
            f"The Gram matrix has shape {products.shape}, but must be square, (tasks, tasks): give "
            "the inner product of every two gradients."
        )
    check_finite(np.diagonal(products), what="gradient")
    check_finite(products, what="gradient")
    return Geometry.of_gram(products).cosines


def check_gradients(gradients: ArrayLike) -> np.ndarray:
    """Return the gradients as floats, shape (tasks, parameters), or raise a WorkbookError."""
    rows = np.asarray(gradients, dtype=np.float64)
    if rows.ndim != 2 or rows.size == 0:
        raise WorkbookError(
            f"Gradients have shape {rows.shape}, but must be (tasks, parameters): give one row "
            "for each task."
        )
    check_finite(rows, what="gradient")
    return rows


def relative_gain(accuracies: ArrayLike, single_task_accuracies: ArrayLike) -> np.ndarray:
    """Return delta-m: by how many percent tasks do better than in a model each of their own.

    The mean over tasks of 100 (accuracy - single) / single. Above 0, learning together helped.

    Args:
        accuracies: of one model for all tasks, higher is better, shape (..., tasks).
        single_task_accuracies: of the models for one task each, above 0, shape (..., tasks).

    Returns:
        Percent, shape (...).

    Raises:
        WorkbookError: shapes that do not match, NaN or infinite numbers, a single-task accuracy
            that is not above 0.

    Source: Maninis et al. 2019, "Attentive Single-Tasking of Multiple Tasks", section 4.
    """
    together, alone = (
        np.asarray(values, dtype=np.float64) for values in (accuracies, single_task_accuracies)
    )
    if together.ndim == 0 or alone.ndim == 0 or alone.shape != together.shape[-alone.ndim :]:
        raise WorkbookError(
            f"Accuracies have shape {together.shape} and single-task ones {alone.shape}, but both "
            "need the same tasks: give one number for each task in each."
        )
    for values in (together, alone):
        check_finite(np.moveaxis(values, -1, 0), what="accuracy")
    if not (alone > 0).all():
        raise WorkbookError(
            f"A gain is relative to single-task accuracies above 0, but one is {alone.min():.4g}: "
            "leave that task out, or train its model longer."
        )
    return 100 * ((together - alone) / alone).mean(axis=-1)


def pareto_front(points: ArrayLike) -> np.ndarray:
    """Tell which points no other one dominates: as good for every task and better for one.

    Args:
        points: one row for each model, higher is better, shape (n, tasks).

    Returns:
        Which rows lie on the front, shape (n,); of equal rows all do.

    Raises:
        WorkbookError: another shape, NaN or infinite numbers.
    """
    rows = np.asarray(points, dtype=np.float64)
    if rows.ndim != 2:
        raise WorkbookError(
            f"Points have shape {rows.shape}, but must be (n, tasks): give one row for each model."
        )
    if not np.isfinite(rows).all():
        raise WorkbookError("Points of a Pareto front must be finite: leave out failed models.")
    falling, place = np.unique(-rows, axis=0, return_inverse=True)
    return _unbeaten(-falling)[place.ravel()]


def _unbeaten(rows: np.ndarray) -> np.ndarray:
    """Return which rows lie on the front, where all differ and they fall from first to last.

    What dominates a row stands above it, and only what lies on the front need be compared with; of
    two tasks only the best so far for the second.
    """
    if rows.shape[1] <= 2:
        last = rows[:, -1]
        return last > np.maximum.accumulate(np.append(-np.inf, last))[:-1]
    front, number = np.empty_like(rows), 0
    unbeaten = np.zeros(len(rows), dtype=bool)
    for place, row in enumerate(rows):
        if not (front[:number] >= row).all(axis=1).any():
            unbeaten[place] = True
            front[number] = row
            number += 1
    return unbeaten
