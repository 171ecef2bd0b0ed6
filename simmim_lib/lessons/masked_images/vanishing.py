"""Where a mask is gone: what a convolutional network's places have seen of an image."""

import numpy as np

from simmim_lib import masking

LAYERS = ("input", "convolution 1", "convolution 2", "convolution 3")


def seen_after_layers(mask: np.ndarray, size: int = 28) -> dict[str, list[np.ndarray]]:
    """Return which places of the input and of each convolution have seen anything.

    A place of a plain convolution has seen what its 3 x 3 window touches; masked again after each
    layer, a place keeps only what its own 2 x 2 pixels of the layer before have seen.

    Args:
        mask: of patches, True where hidden, (grid, grid).
        size: of the image, in pixels.
    """
    seen = np.array(masking.pixels_of(mask[None], size))[0, :, :, 0] == 0
    return {"plain": _through(seen, window=3), "masked again": _through(seen, window=2)}


def _through(seen: np.ndarray, window: int) -> list[np.ndarray]:
    """Return the map itself, and what is left of it after each convolution of stride 2.

    What is padded is seen by nobody; as Keras pads ("same"), half of it lies before the map.
    """
    maps = [seen]
    for _ in LAYERS[1:]:
        before = len(maps[-1])
        size = -(-before // 2)
        first = max(2 * (size - 1) + window - before, 0) // 2
        padded = np.zeros((2 * size + 1, 2 * size + 1), bool)
        padded[first : first + before, first : first + before] = maps[-1]
        shifts = [
            padded[row : row + 2 * size : 2, column : column + 2 * size : 2]
            for row in range(window)
            for column in range(window)
        ]
        maps.append(np.any(shifts, axis=0))
    return maps
