"""Images as another exposure, or a worse device, would have made them."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.floating]

WORST = 5
"""The highest severity; 0 leaves an image as it is."""


def _brightness(images: Images, factor: float) -> Images:
    return images * factor


def _contrast(images: Images, factor: float) -> Images:
    mean = images.mean(axis=(1, 2, 3), keepdims=True)
    return mean + factor * (images - mean)


def _gamma(images: Images, exponent: float) -> Images:
    return images**exponent


def _noise(images: Images, spread: float) -> Images:
    return images + np.random.default_rng(0).normal(0, spread, images.shape)


def _blur(images: Images, window: float) -> Images:
    from scipy.ndimage import gaussian_filter

    spread = 0.15 * window + 0.35  # as torchvision takes it for a window of so many pixels
    return gaussian_filter(images, (0, spread, spread, 0), mode="mirror")


class Corruption(NamedTuple):
    """What happens to images, and how much of it at each severity from 1 on."""

    change: Callable[[Images, float], Images]
    amounts: tuple[float, float, float, float, float]


KINDS = {
    "brighter": Corruption(_brightness, (1.1, 1.2, 1.3, 1.4, 1.5)),
    "darker": Corruption(_brightness, (0.9, 0.8, 0.7, 0.6, 0.5)),
    "more contrast": Corruption(_contrast, (1.1, 1.2, 1.3, 1.4, 1.6)),
    "less contrast": Corruption(_contrast, (0.9, 0.8, 0.7, 0.6, 0.4)),
    "gamma up": Corruption(_gamma, (1.1, 1.2, 1.3, 1.4, 1.6)),
    "gamma down": Corruption(_gamma, (0.9, 0.8, 0.7, 0.6, 0.4)),
    "noise": Corruption(_noise, (0.04, 0.05, 0.06, 0.07, 0.08)),
    "blur": Corruption(_blur, (3, 5, 7, 9, 11)),
}
"""Kinds and amounts that MedMNIST-C uses on PneumoniaMNIST.

A blur's window is in pixels. Theirs are those of images of 224 pixels: in one of 28 they are eight
times as wide a part of the chest.

Source: Di Salvo et al. 2024, "MedMNIST-C: Comprehensive benchmark and improved classifier
    robustness by simulating realistic image corruptions", and the registry of its package.
"""


def corrupted(images: Images, kind: str, severity: int) -> Images:
    """Return changed images.

    Args:
        images: (n, height, width, channels) in [0, 1].
        kind: one of `KINDS`.
        severity: from 0, which changes nothing, to `WORST`.
    """
    if severity == 0:
        return images
    change, amounts = KINDS[kind]
    return np.clip(change(images, amounts[severity - 1]), 0, 1).astype(np.float32)
