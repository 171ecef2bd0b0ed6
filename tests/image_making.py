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


def fill_table(folder: Path, rows: int = 60) -> Path:
    """Make a table of different noise: labels `bar` and `top`, 0 or 1, and a number `score`."""
    random = np.random.default_rng(0)
    lines = ["image,bar,top,score"]
    for number in range(rows):
        save(folder / f"{number:03}.png", noise(number, (40, 50)))
        bar, top = number % 2, number // 2 % 2
        lines.append(f"{number:03}.png,{bar},{top},{random.normal(1500, 200):.3f}")
    (folder / "table.csv").write_text("\n".join(lines) + "\n")
    return folder / "table.csv"


WAVES = {"broad": 4, "fine": 12, "checks": 8}
"""The number of waves across a picture, by the name of its class."""


def waves(name: str, random: np.random.Generator) -> np.ndarray:
    """Return a picture (64, 64, 3) of waves in any direction and colour, with noise."""
    y, x = np.mgrid[:64, :64] / 64
    angle = random.uniform(0, np.pi)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    frequency = 2 * np.pi * WAVES[name] * random.uniform(0.8, 1.2)
    heights = np.sin(frequency * along)
    if name == "checks":
        heights *= np.sin(frequency * across)
    colour, grain = random.uniform(60, 200, 3), random.normal(0, 20, (64, 64, 3))
    return np.uint8(np.clip(colour + 50 * heights[..., np.newaxis] + grain, 0, 255))


def fill_with_waves(folder: Path, images: int) -> Path:
    """Put so many pictures of each class of `WAVES` into a folder: easy to tell apart."""
    random = np.random.default_rng(0)
    for name in WAVES:
        for number in range(images):
            save(folder / name / f"{number:03}.png", waves(name, random))
    return folder
