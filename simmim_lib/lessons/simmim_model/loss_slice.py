"""A slice of the loss: the plane along which the paths of several trainings lie best.

Source: Li et al. 2018, "Visualizing the Loss Landscape of Neural Nets", section 7: paths on the
plane of their principal directions.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from simmim_lib.foundation.progress import Progress

GRID = 21
"""Points along each side of the slice."""

MAX_MOVE = 1e12
"""Of one weight: beyond this, squares would soon overflow, and the network has diverged."""


@dataclass(frozen=True, eq=False)
class Plane:
    """A plane through the common start of O paths, and the loss on it.

    A place is given by two distances from the start, measured in the weights as they are
    (Euclidean), along two directions at right angles.

    Attributes:
        origin: all weights at the start in one row, shape (P,).
        directions: of length 1, shape (2, P).
        horizontal: where the loss was computed along the first direction, shape (n,).
        vertical: the same along the second, shape (n,).
        losses: on the grid of both in nats, shape (n, n), rows are vertical.
        paths: each path as it falls on the plane, shape (O, K, 2); NaN where training had diverged.
        shares: the length of that shadow as a share of the whole path's, shape (O,).
    """

    origin: np.ndarray = field(repr=False)
    directions: np.ndarray = field(repr=False)
    horizontal: np.ndarray
    vertical: np.ndarray
    losses: np.ndarray
    paths: np.ndarray
    shares: np.ndarray


def slice_along(
    paths: np.ndarray,
    loss: np.ndarray,
    measure: Callable[[np.ndarray], np.ndarray],
    progress: Progress,
) -> Plane:
    """Lay a plane along paths, and compute the loss on it.

    Args:
        paths: weights at K looks, each network's in one row, from a common start, shape (O, K, P).
        loss: of these networks, shape (O, K).
        measure: returns the losses, shape (n,), of networks whose weights are rows of (n, P).
        progress: called after every row of the slice.
    """
    origin = paths[0, 0].copy()  # a view would keep all paths in memory
    moves = paths - origin
    sound = (np.abs(moves).max(axis=-1) < MAX_MOVE) & np.isfinite(loss)
    moves[~sound] = 0
    directions = principal_directions(moves)
    moves[~sound] = np.nan
    places = moves @ directions.T
    # A path that is thrown out would make the window so wide that all others were a dot.
    no_worse = sound & (loss <= loss[:, :1])
    horizontal, vertical = _window(places[no_worse])

    rows = []
    for done, height in enumerate(vertical, start=1):
        points = np.stack([horizontal, np.full(GRID, height)], axis=1).astype(np.float32)
        rows.append(measure(origin + points @ directions))
        progress(done, GRID)
    return Plane(
        origin,
        directions,
        horizontal,
        vertical,
        losses=np.stack(rows),
        paths=places,
        shares=share_of_length(moves, places),
    )


def principal_directions(moves: np.ndarray) -> np.ndarray:
    """Return the two directions along which several paths from one start lie best.

    Every path counts as much as every other, however far it leads: optimizers differ in that by
    orders of magnitude, and the longest path would otherwise lay the plane for itself.

    Args:
        moves: places on the paths as seen from their start, shape (O, K, P).

    Returns:
        Two directions of length 1, at right angles, shape (2, P); most paths end on their
        positive sides.
    """
    sizes = np.linalg.norm(moves.reshape(len(moves), -1), axis=1)[:, None, None]
    scaled = (moves / np.where(sizes > 0, sizes, 1)).reshape(-1, moves.shape[-1])
    # The eigenvectors of the small matrix of inner products give those of the huge one.
    _, vectors = np.linalg.eigh((scaled @ scaled.T).astype(float))
    principal = scaled.T @ vectors[:, :-3:-1].astype(np.float32)
    # Also where a single straight path leaves the second direction open, this gives one.
    directions = np.linalg.qr(principal)[0].T
    ends = np.sum(moves[:, -1] / np.where(sizes > 0, sizes, 1)[:, 0], axis=0) @ directions.T
    return directions * np.where(ends < 0, -1, 1)[:, None].astype(np.float32)


def share_of_length(moves: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return how much of each path's length, from look to look, its shadow on the plane has.

    Args:
        moves: places on the paths, shape (O, K, P).
        places: the same on the plane, shape (O, K, 2); steps to or from NaN do not count.

    Returns:
        Shares from 0 to 1, shape (O,); 0 for a path that leads nowhere.
    """
    whole, shadow = _lengths(moves), _lengths(places)
    return np.divide(shadow, whole, out=np.zeros_like(whole), where=whole > 0)


def _lengths(paths: np.ndarray) -> np.ndarray:
    """Return the length of each path, (O, K, ...) to (O,); steps from or to NaN do not count."""
    return np.nansum(np.linalg.norm(np.diff(paths, axis=1), axis=-1), axis=1)


def _window(points: np.ndarray) -> np.ndarray:
    """Return the grid's two axes, shape (2, GRID): a square around points (n, 2), with a margin."""
    low, high = points.min(axis=0), points.max(axis=0)
    half = 0.58 * max(*(high - low), 1e-3)
    return np.linspace((low + high) / 2 - half, (low + high) / 2 + half, GRID, axis=1)
