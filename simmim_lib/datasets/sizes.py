"""How large images are, without reading them."""

import contextlib
import warnings
from pathlib import Path

from simmim_lib.datasets import dicom_files
from simmim_lib.datasets.image_files import FORMATS, upright_size
from simmim_lib.datasets.listing import Listing

Size = tuple[int, int]
"""Width and height, in pixels."""


def sizes_of(listing: Listing) -> list[Size]:
    """Return the sizes of listed images, the right way up, from the first bytes of each file.

    Files that cannot be read are left out.
    """
    sizes = [_size(file.path) for file in listing.files]
    return [size for size in sizes if size]


def _size(path: Path) -> Size | None:
    from PIL import Image

    # Who reads the image says what is wrong with it.
    with contextlib.suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if dicom_files.is_dicom(path):
            return dicom_files.size(path)
        with Image.open(path, formats=FORMATS) as picture:
            # A PNG file's own method would read all pixels, to see if anything follows them.
            return upright_size(picture.size, Image.Image.getexif(picture))
    return None
