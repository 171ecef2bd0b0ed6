"""The pointing game: where the truth is known, does the largest value of a map lie on it?"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simmim_lib.attribution.arrays import flat, numbers
from simmim_lib.errors import WorkbookError


def pointing_game(maps: ArrayLike, masks: ArrayLike) -> NDArray[np.bool_]:
    """Return for each image whether its map is largest on what counts.

    Args:
        maps: (n, height, width, channels); channels are added up.
        masks: where it is, (n, height, width), True or False.

    Returns:
        (n,); a map that is the same everywhere points nowhere.

    Raises:
        WorkbookError: masks of another shape than the maps, or as `arrays.numbers` and
            `arrays.flat` refuse.

    Source: Zhang et al. 2018, "Top-down Neural Attention by Excitation Backprop", section 4.
    """
    values, masks = flat("maps", maps), numbers("masks", masks).astype(bool)
    if np.shape(maps)[:-1] != masks.shape:
        raise WorkbookError(
            f"The maps have the shape {np.shape(maps)} and the masks {masks.shape}: give "
            "(n, height, width, channels) and (n, height, width)."
        )
    sums = values.reshape(len(masks), -1, np.shape(maps)[-1]).sum(axis=-1)
    highest = sums.argmax(axis=1)
    hits = masks.reshape(len(masks), -1)[np.arange(len(masks)), highest]
    return hits & (np.ptp(sums, axis=1) > 0)
