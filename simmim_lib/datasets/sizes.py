"""How large the images behind an address are, without reading them."""

import contextlib
import warnings
from pathlib import Path

from simmim_lib.datasets import own
from simmim_lib.datasets.image_files import FORMATS, upright_size
from simmim_lib.datasets.naming import parse

Size = tuple[int, int]
"""Width and height, in pixels."""


def picture_sizes(name: str) -> list[Size]:
    """Return the sizes of the images behind an address, from the first bytes of each file.

    Args:
        name: as `load` takes it.

    Returns:
        Width and height of each image, the right way up, without files that cannot be read; none
        for a dataset whose images are no files of the user's own.

    Raises:
        WorkbookError: an address that leads to nothing.
    """
    address = parse(name)
    if address is None:
        return []
    sizes = [_size(file.path) for file in own.list_files(address).files]
    return [size for size in sizes if size]


def _size(path: Path) -> Size | None:
    from PIL import Image

    # Who reads the image says what is wrong with it.
    with contextlib.suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(path, formats=FORMATS) as picture:
            # A PNG file's own method would read all pixels, to see if anything follows them.
            return upright_size(picture.size, Image.Image.getexif(picture))
    return None
