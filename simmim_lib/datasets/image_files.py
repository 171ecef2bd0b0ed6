"""One image file: opened safely, brought upright and to a square of pixels."""

import contextlib
import hashlib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simmim_lib.datasets.dataset import IMAGE_SIZE

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")
"""What may be opened, whatever a file is called: Pillow knows others that start programs (EPS)."""

SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".pbm", ".pgm", ".ppm"),
)

GREY_MODES = ("1", "L", "LA", "I", "I;16", "I;16B", "I;16L", "F")
"""Pillow's modes that cannot hold colour."""


class BrokenImageError(Exception):
    """An image that cannot be read, with the reason in words that follow the file's name."""


class ImageFile(NamedTuple):
    """What a file holds.

    Attributes:
        pixels: (size, size), or (size, size, 3) in colour, uint8.
        thumbnail: the same at `IMAGE_SIZE`, always in colour.
        width: of the file's image, in pixels, the right way up.
        height: likewise.
    """

    pixels: NDArray[np.uint8]
    thumbnail: NDArray[np.uint8]
    width: int
    height: int

    @property
    def has_colour(self) -> bool:
        """Tell whether any pixel of the thumbnail has colour."""
        return bool(np.any(self.thumbnail.min(axis=-1) != self.thumbnail.max(axis=-1)))

    @property
    def fingerprint(self) -> bytes:
        """The same for images that look the same at `IMAGE_SIZE`, whatever size is read."""
        return hashlib.sha256(self.thumbnail.tobytes()).digest()


def is_image(path: Path) -> bool:
    """Tell by the name; what is no plain file, such as a pipe, might keep its reader for ever."""
    return path.suffix.lower() in SUFFIXES and path.is_file()


def read_image(path: Path, size: int = IMAGE_SIZE, grey: bool = False) -> ImageFile:
    """Read an image file.

    The image is turned as its camera says (EXIF), its middle square is cut out and scaled to
    `size`, so nothing is distorted. Palettes and CMYK become red, green and blue, transparent
    pixels white, 16 bits 8; of several frames or pages the first counts.

    Args:
        path: of the file.
        size: the height and width to scale to, in pixels.
        grey: whether to do without colours.

    Raises:
        BrokenImageError: the file is broken or unreadable, or has dangerously many pixels.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks on oddities that do no harm
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as picture:
                return _cut(picture, size, grey)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise BrokenImageError(
            f"has more than {Image.MAX_IMAGE_PIXELS:,} pixels, too many to be opened safely"
        ) from error
    except UnidentifiedImageError as error:
        raise BrokenImageError(
            f"is broken, or of a kind other than {', '.join(FORMATS)}"
        ) from error
    except Exception as error:  # whatever a damaged file makes Pillow raise
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise BrokenImageError(f"cannot be read: {reason}") from error


def has_colour(path: Path) -> bool:
    """Tell whether an image has colour, from its first bytes where they rule it out."""
    from PIL import Image

    with contextlib.suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(path, formats=FORMATS) as picture:
            if picture.mode in GREY_MODES:
                return False
        return read_image(path).has_colour
    return False  # of what cannot be read; who reads it says so


def upright_size(size: tuple[int, int], exif: Mapping[int, Any]) -> tuple[int, int]:
    """Return width and height of an image the right way up, as its camera says."""
    turned = exif.get(0x0112, 1) >= 5  # a quarter of a turn, to one side or the other
    width, height = size
    return (height, width) if turned else (width, height)


def _cut(picture: "Picture", size: int, grey: bool) -> ImageFile:
    from PIL import Image, ImageOps

    width, height = upright_size(picture.size, picture.getexif())
    upright = _upright(picture, max(size, IMAGE_SIZE))

    def square(side: int) -> "Picture":
        return ImageOps.fit(upright, (side, side), Image.Resampling.LANCZOS)

    thumbnail = square(IMAGE_SIZE)
    scaled = thumbnail if size == IMAGE_SIZE else square(size)
    pixels = np.asarray(scaled.convert("L") if grey else scaled)
    return ImageFile(pixels, np.asarray(thumbnail), width, height)


def _upright(picture: "Picture", size: int) -> "Picture":
    """Bring an image of any kind to red, green and blue, the right way up."""
    from PIL import Image, ImageOps

    picture.draft(None, (4 * size, 4 * size))  # a large JPEG need not be decoded in full
    upright = ImageOps.exif_transpose(picture)
    if upright.mode.startswith("I;16") or (
        upright.mode == "I" and picture.format in ("PNG", "PPM")
    ):
        upright = Image.fromarray(np.rint(np.asarray(upright) / 257).astype(np.uint8))
    if upright.mode in ("I", "F"):
        raise ValueError(f"its pixels are of mode {upright.mode}, whose range is not known")
    if "A" in upright.getbands() or "transparency" in upright.info:
        upright = upright.convert("RGBA")
        white = Image.new("RGBA", upright.size, "white")
        upright = Image.alpha_composite(white, upright)
    return upright.convert("RGB")
