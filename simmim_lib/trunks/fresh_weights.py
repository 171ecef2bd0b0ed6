"""Weights of a network as arrays, and fresh ones to begin with."""

from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib.errors import WorkbookError, shown

if TYPE_CHECKING:
    import keras

Weights = list[np.ndarray]
"""A network's variables in Keras's order; of several seeds with a leading axis of seeds."""

Blocks = dict[str, Weights]
"""The weights of each block of a trunk by its name, first to last."""


def fresh_weights(model: "keras.Model", seed: int) -> Weights:
    """Return new weights of a model, each drawn by the initialiser that its layer names for it.

    The model itself is left alone, and so is every global random state. Glorot's uniform numbers,
    Keras's default for kernels, come from NumPy's generator and not from Keras's, so that they are
    the same with every version and every backend.

    Args:
        model: any built one.
        seed: a whole number; another one gives other weights.

    Raises:
        WorkbookError: a trained variable whose layer names no initialiser, and which was not built
            as the same number everywhere.

    Source: Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward
        neural networks".
    """
    random = np.random.default_rng(seed)
    initializers = _initializers(model)
    return [_draw(variable, initializers.get(id(variable)), random) for variable in model.weights]


def _initializers(model: "keras.Model") -> dict[int, Any]:
    """Return the initialiser of each variable, by the variable's identity."""
    return {
        id(variable): initializer
        for layer in model._flatten_layers()
        for variable in layer.weights
        for name in _initializer_names(variable.name)
        if (initializer := getattr(layer, name, None)) is not None
    }


def _initializer_names(variable: str) -> tuple[str, ...]:
    """Return the attributes in which Keras's layers keep the initialiser of a variable."""
    short = variable.removesuffix("_kernel")  # of separable and recurrent layers
    names = (f"{variable}_initializer", f"{short}_initializer")
    return (*names, "depthwise_initializer") if variable == "kernel" else names


def _draw(variable: "keras.Variable", initializer: Any, random: np.random.Generator) -> np.ndarray:
    from keras import initializers, ops

    shape, dtype = tuple(variable.shape), variable.dtype
    if initializer is None:
        return _draw_state(variable, random)
    if isinstance(initializer, initializers.GlorotUniform) and len(shape) > 1:
        return _glorot_uniform(shape, random)
    options = initializer.get_config()
    if "seed" in options:  # drawn anew for each variable: equal seeds would give equal weights
        options["seed"] = int(random.integers(2**31))
    drawn = type(initializer).from_config(options)(shape, dtype=dtype)
    return ops.convert_to_numpy(drawn)


def _draw_state(variable: "keras.Variable", random: np.random.Generator) -> np.ndarray:
    """Return what no initialiser draws.

    That is the state of a generator of random numbers, as a dropout layer has one, or a constant.
    """
    if np.dtype(variable.dtype).kind not in "ui":
        built = np.asarray(variable)
        if np.all(built == built.flat[0]):  # as the scale of a layer begins, which is no chance
            return built
        raise WorkbookError(
            f"The layer of the weight {shown(variable.path)} names no initialiser for it, so that "
            "no fresh one can be drawn: give the layer an attribute "
            f"{variable.name}_initializer, as Keras's own layers have."
        )
    return random.integers(2**31, size=tuple(variable.shape)).astype(variable.dtype)


def _glorot_uniform(shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    *window, inputs, outputs = shape
    limit = np.sqrt(6 / (np.prod(window, initial=1) * (inputs + outputs)))
    return random.uniform(-limit, limit, shape).astype(np.float32)
