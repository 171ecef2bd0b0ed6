"""Glyphs: letters and digits drawn from fonts and distorted, a source task without a download."""

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image as ImageType

Images = NDArray[np.float32]
Labels = NDArray[np.int32]

# Letters whose two cases look alike once scaled appear once; l and o would be 1 and 0.
CHARACTERS = tuple("0123456789abcdefghijkmnpqrstuvwxyzABDEFGHLMNQRT")

VERSION = 2
"""To be raised with every change of the images, so that no network of older ones is used."""

COUNTS = (20_000, 2_000)
"""How many glyphs are rendered for training and for testing."""

FONTS = (
    *("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSans-BoldOblique"),
    *("DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic", "DejaVuSerif-BoldItalic"),
    *("STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic", "STIXGeneralBolIta"),
    *("cmr10", "cmb10", "cmss10", "cmtt10"),
)
"""Files among matplotlib's fonts: named, so that a new font there does not change the data."""


def render(count: int, random: np.random.Generator) -> tuple[Images, Labels]:
    """Draw characters in matplotlib's fonts, each distorted in its own random way.

    An affine map turns, slants and stretches the character, then an elastic deformation makes its
    strokes wobble as if written by hand. The same generator state gives the same images with the
    same versions of Pillow and matplotlib; another version may draw the edges of a letter a little
    differently.

    Args:
        count: how many images; every character gets its equal share.
        random: the source of chance.

    Returns:
        Images (count, 28, 28, 1), float32 in [0, 1], and labels (count,), int32, positions in
        `CHARACTERS`.
    """
    from PIL.Image import Resampling, Transform

    labels = random.permutation(np.arange(count) % len(CHARACTERS)).astype(np.int32)
    fonts = random.integers(len(FONTS), size=count)
    images = np.empty((count, 28, 28), np.uint8)
    for i, affine_map in enumerate(_affine_maps(count, random)):
        glyph = _draw(FONTS[fonts[i]], CHARACTERS[labels[i]])
        moved = glyph.transform(
            (28, 28), Transform.AFFINE, affine_map.tolist(), Resampling.BILINEAR
        )
        images[i] = np.asarray(moved)
    return (_wobble(images, random) / np.float32(255))[..., None], labels


def render_parts() -> list[tuple[Images, Labels]]:
    """Render the train and test parts from two streams of chance that have nothing in common."""
    streams = np.random.SeedSequence(0).spawn(2)
    return [
        render(count, np.random.default_rng(stream))
        for count, stream in zip(COUNTS, streams, strict=True)
    ]


def _wobble(images: NDArray[np.uint8], random: np.random.Generator) -> Images:
    """Deform each image (28 x 28) by a smooth random field of shifts, 1.4 pixels strong.

    Source: Simard, Steinkraus and Platt 2003, "Best practices for convolutional neural networks
        applied to visual document analysis".
    """
    distance = np.arange(28)[:, None] - np.arange(28)
    smooth = np.exp(-(distance**2) / (2 * 4.0**2)).astype(np.float32)
    smooth *= 1.4**0.5 / np.sqrt((smooth**2).sum(axis=1, keepdims=True))
    wobbled = np.empty(images.shape, np.float32)
    for start in range(0, len(images), 2000):  # a piece at a time, to stay small in memory
        piece = images[start : start + 2000].astype(np.float32)
        noise = random.standard_normal((2, *piece.shape), np.float32)
        rows, columns = smooth @ noise @ smooth.T + np.mgrid[:28, :28][:, None]
        wobbled[start : start + 2000] = _sample(piece, rows, columns)
    return wobbled


def _sample(images: Images, rows: Images, columns: Images) -> Images:
    """Return images read between their pixels (bilinear), at positions (n, 28, 28) inside them."""
    rows, columns = np.clip(rows, 0, 26.999), np.clip(columns, 0, 26.999)
    top, left = rows.astype(np.intp), columns.astype(np.intp)
    down, right = rows - top, columns - left
    flat = images.ravel()
    corner = np.arange(len(images))[:, None, None] * 784 + top * 28 + left
    upper = flat[corner] * (1 - right) + flat[corner + 1] * right
    lower = flat[corner + 28] * (1 - right) + flat[corner + 29] * right
    return upper * (1 - down) + lower * down


def _affine_maps(count: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Return `count` random maps (a, b, c, d, e, f) from a 28 x 28 image into a 56 x 56 glyph.

    Pillow fills the pixel at (x, y) from (a x + b y + c, d x + e y + f). The map is a rotation of
    a shear of a stretch, times 2 for the finer glyph, and moves centre to centre up to a shift.
    """
    angle, shear = random.normal(0, 0.2, count), random.normal(0, 0.25, count)
    width, height = random.uniform(0.75, 1.1, (2, count))
    centre_x, centre_y = 14 + random.normal(0, 1.5, (2, count))
    cos, sin = np.cos(angle), np.sin(angle)
    a, b = 2 * cos / width, 2 * (cos * shear - sin) / height
    d, e = 2 * sin / width, 2 * (sin * shear + cos) / height
    c, f = 28 - a * centre_x - b * centre_y, 28 - d * centre_x - e * centre_y
    return np.stack([a, b, c, d, e, f], axis=1)


@functools.cache
def _draw(font_name: str, character: str) -> "ImageType":
    """Draw a character, white on black, its longer side 40 pixels, in the middle of 56 x 56."""
    import matplotlib
    from PIL import Image, ImageDraw, ImageFont

    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{font_name}.ttf"
    sheet = Image.new("L", (80, 80))
    font = ImageFont.truetype(str(path), 48)
    ImageDraw.Draw(sheet).text((40, 40), character, fill=255, font=font, anchor="mm")
    glyph = sheet.crop(sheet.getbbox())
    scale = 40 / max(glyph.size)
    glyph = glyph.resize(
        (max(1, round(glyph.width * scale)), max(1, round(glyph.height * scale))),
        Image.Resampling.BILINEAR,
    )
    centred = Image.new("L", (56, 56))
    centred.paste(glyph, ((56 - glyph.width) // 2, (56 - glyph.height) // 2))
    return centred
