"""One image file: opened safely, brought upright and to a square of pixels."""

import contextlib
import hashlib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simmim_lib.datasets import dicom_files
from simmim_lib.datasets.dataset import IMAGE_SIZE
from simmim_lib.errors import WorkbookError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")
"""What may be opened, whatever a file is called: Pillow knows others that start programs (EPS)."""

SUFFIXES = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".tif", ".tiff", ".webp"),
    *(".pbm", ".pgm", ".ppm", ".pnm"),
    *dicom_files.SUFFIXES,
)

ORIENTATION = 0x0112
"""The tag by which a camera says how it was held."""

LARGE = 16_000_000
"""Pixels; of more, an image is brought down before it is copied: Pillow needs 4 bytes a pixel."""

STRIP = 1_000_000
"""Pixels that are worked on at once of a large image."""

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
    pixels white, 16 bits 8; of several frames or pages the first counts. A DICOM file is shown as
    its own tags say, and is refused where it has several frames or colour.

    Args:
        path: of the file.
        size: the height and width to scale to, in pixels.
        grey: whether to do without colours.

    Raises:
        BrokenImageError: the file is broken or unreadable, or has dangerously many pixels.
        WorkbookError: it is a DICOM file, and pydicom is not installed.
    """
    from PIL import Image, UnidentifiedImageError

    if dicom_files.is_dicom(path):
        return _read_dicom(path, size, grey)
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


def _read_dicom(path: Path, size: int, grey: bool) -> ImageFile:
    from PIL import Image

    try:
        return _cut(Image.fromarray(dicom_files.pixels(path, Image.MAX_IMAGE_PIXELS)), size, grey)
    except WorkbookError:
        raise
    except dicom_files.NoGreyImageError as error:
        raise BrokenImageError(str(error)) from error
    except Exception as error:  # whatever a damaged file makes pydicom raise
        told = str(error) if isinstance(error, ValueError) else getattr(error, "strerror", None)
        reason = told or "it is damaged, or is no DICOM file"
        raise BrokenImageError(f"cannot be read: {reason}") from error


def has_colour(path: Path) -> bool:
    """Tell whether an image has colour, from its first bytes where they rule it out."""
    from PIL import Image

    if dicom_files.is_dicom(path):
        return False  # what has is refused
    with contextlib.suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(path, formats=FORMATS) as picture:
            if picture.mode in GREY_MODES:
                return False
        return read_image(path).has_colour
    return False  # of what cannot be read; who reads it says so


def upright_size(size: tuple[int, int], exif: Mapping[int, Any]) -> tuple[int, int]:
    """Return width and height of an image the right way up, as its camera says."""
    turned = exif.get(ORIENTATION, 1) >= 5  # a quarter of a turn, to one side or the other
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
    """Bring an image of any kind to red, green and blue, the right way up.

    Of a large one, the middle square is brought down to at least four times the size that is
    wanted, from where what is left to do makes no difference to be seen.
    """
    from PIL import ImageOps

    picture.draft(None, (4 * size, 4 * size))  # a large JPEG need not be decoded in full
    picture.load()
    orientation = picture.getexif().get(ORIENTATION, 1)
    if picture.width * picture.height > LARGE:
        flat = _shrunk(picture, 4 * size)
    else:
        flat = _flattened(picture, picture.format)
    flat.getexif()[ORIENTATION] = orientation
    return ImageOps.exif_transpose(flat)


def _shrunk(picture: "Picture", least: int) -> "Picture":
    """Return the middle square in red, green and blue, its side a fraction, but at least `least`.

    It is done strip by strip, as several copies of a large image would fill the memory.
    """
    from PIL import Image

    side = min(picture.size)
    left, top = ((length - side) // 2 for length in picture.size)
    factor = max(1, side // least)
    rows = factor * max(1, STRIP // (side * factor))
    shrunk = Image.new("RGB", (-(-side // factor), -(-side // factor)))
    for first in range(0, side, rows):
        last = min(first + rows, side)
        strip = picture.crop((left, top + first, left + side, top + last))
        shrunk.paste(_flattened(strip, picture.format).reduce(factor), (0, first // factor))
    return shrunk


def _flattened(picture: "Picture", format: str | None) -> "Picture":
    """Return an image, or a part of one, in red, green and blue, 8 bits each, on white.

    Args:
        picture: of any mode.
        format: of the file that it comes from.
    """
    from PIL import Image

    if picture.mode.startswith("I;16") or (picture.mode == "I" and format in ("PNG", "PPM")):
        picture = Image.fromarray(np.rint(np.asarray(picture) / 257).astype(np.uint8))
    if picture.mode in ("I", "F"):
        raise ValueError(f"its pixels are of mode {picture.mode}, whose range is not known")
    if "A" in picture.getbands() or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return picture.convert("RGB")
