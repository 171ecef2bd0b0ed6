"""Weights of a network as arrays, and fresh ones to begin with."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras

Weights = list[np.ndarray]
"""A network's weights in Keras's order; for several seeds at once with a leading axis of seeds."""


def fresh_weights(model: "keras.Model", seed: int) -> Weights:
    """Return new initial weights of a model: Glorot's for its kernels, zeros for its biases.

    The model itself is left alone, and so is every global random state.

    Source: Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward
        neural networks"; the default of Keras.
    """
    random = np.random.default_rng(seed)
    return [
        _glorot_uniform(tuple(weight.shape), random)
        if weight.name == "kernel"
        else np.zeros(weight.shape, np.float32)
        for weight in model.weights
    ]


def _glorot_uniform(shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    *window, inputs, outputs = shape
    limit = np.sqrt(6 / (np.prod(window, initial=1) * (inputs + outputs)))
    return random.uniform(-limit, limit, shape).astype(np.float32)
