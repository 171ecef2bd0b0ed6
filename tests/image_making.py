"""Folders of made-up images, for the tests of the user's own data."""

import zlib
from pathlib import Path

import numpy as np
from PIL import Image


def noise(seed: int, shape: tuple[int, ...] = (28, 28)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def fill(folder: Path, counts: dict[str, int], shape: tuple[int, ...] = (28, 28)) -> Path:
    """Put different noise into a folder with so many images of each class."""
    for name, count in counts.items():
        for number in range(count):
            seed = zlib.crc32(repr((folder.name, name, number)).encode())
            save(folder / name / f"{number:03}.png", noise(seed, shape))
    return folder
