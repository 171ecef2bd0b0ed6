"""Maps of what a head looks at, by name."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from simmim_lib import attribution
from simmim_lib.attribution.methods import Map

if TYPE_CHECKING:
    import keras

Method = Callable[["keras.Model", np.ndarray, np.ndarray], Map]
"""From a network, images and the class that is asked about, to a map of each image."""


def _gradient_times_input(network: "keras.Model", images: np.ndarray, classes: np.ndarray) -> Map:
    return images * attribution.gradients(network, images, classes)


def _integrated(network: "keras.Model", images: np.ndarray, classes: np.ndarray) -> Map:
    """Return integrated gradients of few steps: who adds them up takes more, who looks need not."""
    return attribution.integrated_gradients(network, images, classes, steps=64)


def _grad_cam(network: "keras.Model", images: np.ndarray, classes: np.ndarray) -> Map:
    import keras

    *layers, head = network.layers
    trunk = keras.Sequential([keras.Input(network.input_shape[1:]), *layers])
    return attribution.grad_cam(trunk, head, images, classes)


def _edges(_: "keras.Model", images: np.ndarray, __: np.ndarray) -> Map:
    """Return how fast the image changes: a map that looks good and asks no network."""
    down, right = np.gradient(images, axis=(1, 2))
    return np.hypot(down, right)


NOT_ASKING = "edges (asks no network)"

METHODS: dict[str, Method] = {
    "gradient": attribution.gradients,
    "gradient x input": _gradient_times_input,
    "integrated gradients": _integrated,
    "SmoothGrad": attribution.smooth_grad,
    "occlusion": attribution.occlusion,
    "Grad-CAM": _grad_cam,
    NOT_ASKING: _edges,
}


def answers(network: "keras.Model", images: np.ndarray) -> np.ndarray:
    """Return the class that a network names for each image, (n,)."""
    return np.asarray(network(images)).argmax(axis=1)
