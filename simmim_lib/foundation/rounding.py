"""Rounding that keeps a sum."""

import numpy as np
from numpy.typing import ArrayLike


def largest_remainders(exact: ArrayLike) -> np.ndarray:
    """Round shares to whole numbers with the same sum.

    All are rounded down; what is missing then goes to those that lost most, and among equals to
    the first.

    Args:
        exact: at least 0, with a whole sum, shape (n,).

    Returns:
        Whole numbers, shape (n,), each less than 1 from its share.

    Source: Balinski and Young 1982, "Fair Representation": Hamilton's method of dividing seats.
    """
    shares = np.asarray(exact, dtype=float)
    # A share that is whole but for the rounding of floats must not be rounded down.
    whole = np.floor(shares + 1e-9).astype(int)
    missing = round(shares.sum()) - whole.sum()
    most_lost = np.argsort(whole - shares, kind="stable")
    whole[most_lost[:missing]] += 1
    return whole
