"""Images and maps as arrays of finite numbers, or one sentence about what they are instead."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simmim_lib.errors import WorkbookError, shown


def numbers(what: str, given: ArrayLike) -> NDArray[np.float32]:
    """Return finite numbers, or refuse: a map of others would be NaN, or of nothing.

    Args:
        what: the name for what is given, a plural.
        given: of any shape.

    Raises:
        WorkbookError: no numbers, or NaN or infinite ones.
    """
    try:
        array = np.asarray(given)
    except Exception:  # rows of several lengths, or a tensor that is no array
        array = np.array(None)
    if array.dtype.kind not in "biuf":
        raise WorkbookError(f"{what} is {shown(given)}, but must be an array of numbers.")
    with np.errstate(over="ignore"):  # told below
        array = array.astype(np.float32)
    if not np.isfinite(array).all():
        raise WorkbookError(
            f"{np.count_nonzero(~np.isfinite(array)):,} of the {array.size:,} values of {what} are "
            "NaN or infinite in single precision: leave these images out, or fill them in."
        )
    return array


def flat(what: str, maps: ArrayLike) -> NDArray[np.float64]:
    """Return maps as rows, (n, values).

    Args:
        what: the name for what is given, a plural.
        maps: (n, ...), with n at least 1.

    Raises:
        WorkbookError: as `numbers`, or no map.
    """
    array = numbers(what, maps)
    if array.ndim < 2 or not array.size:
        raise WorkbookError(
            f"{what} have the shape {array.shape}, but must be (n, height, width, channels), with "
            "n at least 1: pass the maps of a batch of images."
        )
    return array.reshape(len(array), -1).astype(np.float64)
