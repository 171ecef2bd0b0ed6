"""Pictures for lesson 03's "bring your own": road signs before walls, as a phone might see them."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

CORNERS = {"octagonal": 8, "round": 48, "square": 4, "triangular": 3}
"""The kinds of signs, and how many corners the polygon has that is drawn for each."""


def draw(folder: Path, each: int, seed: int = 0) -> None:
    """Write made-up photographs of road signs, a sub-folder of JPEG files for each kind.

    Args:
        folder: where they go; made if it is not there.
        each: how many of each kind.
        seed: decides all of them.
    """
    random = np.random.default_rng(seed)
    for kind, corners in CORNERS.items():
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for number in range(each):
            _photograph(random, corners).save(folder / kind / f"{number:03}.jpg", quality=90)


def _photograph(random: np.random.Generator, corners: int) -> "Image.Image":
    """Return a sign somewhere before a wall, both of any colour, in a picture of any size."""
    from PIL import ImageDraw

    width, height = (int(side) for side in random.integers(120, 200, size=2))
    picture = _wall(random, width, height)
    radius = random.uniform(0.18, 0.32) * min(width, height)
    middle = random.uniform(radius, np.array([width, height]) - radius)
    angles = random.uniform(0, 2 * np.pi) + 2 * np.pi * np.arange(corners) / corners
    points = middle + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    face, rim = (tuple(int(part) for part in random.integers(256, size=3)) for _ in range(2))
    outline = [tuple(point) for point in points]
    ImageDraw.Draw(picture).polygon(outline, fill=face, outline=rim, width=int(radius / 6))
    return picture


def _wall(random: np.random.Generator, width: int, height: int) -> "Image.Image":
    """Return large patches of colour under fine grain."""
    from PIL import Image

    patches = random.integers(256, size=3) + random.normal(0, 30, size=(4, 4, 3))
    small = Image.fromarray(np.clip(patches, 0, 255).astype(np.uint8))
    wall = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))
    grain = random.normal(0, 18, size=(height, width, 1))
    return Image.fromarray(np.clip(wall + grain, 0, 255).astype(np.uint8))


def opened(folder: Path, size: int) -> np.ndarray:
    """Open all pictures in a folder, in the order of their names, cut to squares.

    Args:
        folder: with pictures in it or in folders in it.
        size: of the squares, in pixels.

    Returns:
        Brightness from 0 to 255, (n, size, size, 3).
    """
    from PIL import Image, ImageOps

    files = sorted(folder.rglob("*.jpg"))
    return np.stack([np.asarray(ImageOps.fit(Image.open(file), (size, size))) for file in files])
