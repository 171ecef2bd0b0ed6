"""Images as another exposure, or a worse device, would have made them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.floating]

WORST = 5
"""The highest severity; 0 leaves an image as it is."""


def _brightness(images: Images, severity: int) -> Images:
    return images + 0.05 * severity


def _darkness(images: Images, severity: int) -> Images:
    return images - 0.05 * severity


def _contrast(images: Images, severity: int) -> Images:
    mean = images.mean(axis=(1, 2, 3), keepdims=True)
    return images + 0.15 * severity * (mean - images)


def _noise(images: Images, severity: int) -> Images:
    return images + np.random.default_rng(0).normal(0, 0.03 * severity, images.shape)


def _blur(images: Images, severity: int) -> Images:
    from scipy.ndimage import gaussian_filter

    spread = 0.3 * severity  # pixels
    return gaussian_filter(images, (0, spread, spread, 0))


KINDS: dict[str, Callable[[Images, int], Images]] = {
    "brighter": _brightness,
    "darker": _darkness,
    "less contrast": _contrast,
    "noise": _noise,
    "blur": _blur,
}
"""What may happen to an image; compare Di Salvo et al. 2024, "MedMNIST-C"."""


def corrupted(images: Images, kind: str, severity: int) -> Images:
    """Return changed images.

    Args:
        images: (n, height, width, channels) in [0, 1].
        kind: one of `KINDS`.
        severity: from 0, which changes nothing, to `WORST`.

    Source: the idea of severities, Hendrycks and Dietterich 2019, "Benchmarking neural network
        robustness to common corruptions and perturbations"; the sizes of the steps are ours.
    """
    return np.clip(KINDS[kind](images, severity), 0, 1).astype(np.float32)
