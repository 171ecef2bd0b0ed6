"""Images as rows of patches, and back: what a vision transformer reads and writes."""

from typing import Any

from simmim_lib.errors import WorkbookError, check_whole


def split(images: Any, patch: int) -> Any:
    """Return the patches of images, row by row.

    Args:
        images: (n, size, size, channels).
        patch: pixels on each side of a patch.

    Returns:
        Shape (n, patches, patch * patch * channels).

    Raises:
        WorkbookError: the patches do not divide the image evenly.
    """
    from keras import ops

    *_, height, width, channels = images.shape
    check_whole("patch, in pixels,", patch, 1, max(1, min(height, width)))
    if height % patch or width % patch:
        raise WorkbookError(
            f"Images of {height} x {width} pixels cannot be divided into patches of {patch} x "
            f"{patch}: use a multiple of {patch}, such as {patch * max(1, round(height / patch))}."
        )
    rows, columns = height // patch, width // patch
    grid = ops.reshape(images, (-1, rows, patch, columns, patch, channels))
    by_patch = ops.transpose(grid, (0, 1, 3, 2, 4, 5))
    return ops.reshape(by_patch, (-1, rows * columns, patch * patch * channels))


def join(by_patch: Any, grid: int, patch: int) -> Any:
    """Return images whose patches are given: `split` undone, also known as pixel shuffle.

    Args:
        by_patch: (n, grid * grid, patch * patch * channels).
        grid: patches on each side of an image.
        patch: pixels on each side of a patch.

    Returns:
        Shape (n, grid * patch, grid * patch, channels).
    """
    from keras import ops

    channels = by_patch.shape[-1] // patch**2
    pixels = ops.reshape(by_patch, (-1, grid, grid, patch, patch, channels))
    rows = ops.transpose(pixels, (0, 1, 3, 2, 4, 5))
    return ops.reshape(rows, (-1, grid * patch, grid * patch, channels))
