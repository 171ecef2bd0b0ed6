"""Images with different labels that look nearly the same, such as one picture saved twice."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from simmim_lib.datasets.dataset import Labels

MAX_BITS = 4
"""In how many of its 64 bits the difference hash may differ."""

MIN_CORRELATION = 0.98
"""Of the pixels: of images with little in them, such as digits on black, the hash says little."""

BLOCK = 500  # of images compared with all others at a time; bounds the memory


def difference_hashes(grey: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return whether each of 8 x 8 places is brighter than the place to its left.

    Args:
        grey: (n, height, width).

    Returns:
        (n, 64).

    Source: N. Krawetz 2013, "Kind of Like That": the hash dHash.
    """
    height, width = grey.shape[1:]
    small = _areas(height, 8) @ grey @ _areas(width, 9).T
    return (small[:, :, 1:] > small[:, :, :-1]).reshape(len(grey), 64)


def near_duplicates(thumbnails: NDArray[np.uint8], labels: Labels) -> list[tuple[int, int]]:
    """Return pairs of images that look nearly the same but have different labels.

    Their difference hashes differ in at most 4 of 64 bits, and their pixels correlate by 0.98 or
    more.

    Args:
        thumbnails: (n, height, width, 3), none like another.
        labels: (n,) or (n, columns).

    Returns:
        Pairs of positions, the smaller one first, in order.
    """
    grey = thumbnails.mean(axis=-1, dtype=np.float32) / 255
    signs = np.where(difference_hashes(grey), 1, -1).astype(np.float32)
    columns, pixels = labels.reshape(len(labels), -1), _standardised(grey)
    return [
        (one, other)
        for one, other in _close(signs)
        if np.any(columns[one] != columns[other]) and pixels[one] @ pixels[other] >= MIN_CORRELATION
    ]


def _close(signs: NDArray[np.float32]) -> Iterator[tuple[int, int]]:
    """Yield the pairs whose hashes, as 1 and -1, differ in few bits."""
    for start in range(0, len(signs), BLOCK):
        agreement = signs[start : start + BLOCK] @ signs[start:].T
        for one, other in np.argwhere(agreement >= signs.shape[1] - 2 * MAX_BITS).tolist():
            if one < other:
                yield start + one, start + other


def _standardised(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return vectors whose products are correlations; 0 for an image of one brightness."""
    flat = grey.reshape(len(grey), -1)
    centred = flat - flat.mean(axis=1, keepdims=True)
    return centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-6)


def _areas(size: int, parts: int) -> NDArray[np.float32]:
    """Return the matrix (parts, size) that takes the mean over equal parts of a line of pixels."""
    edges = np.linspace(0, size, parts + 1)
    left, right = edges[:-1, None], edges[1:, None]
    pixels = np.arange(size)
    overlap = np.clip(np.minimum(right, pixels + 1) - np.maximum(left, pixels), 0, None)
    return (overlap * parts / size).astype(np.float32)
