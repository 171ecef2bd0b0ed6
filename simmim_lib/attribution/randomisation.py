"""Randomisation tests: a map that stays when the network forgets says nothing of the network.

They take any method: a function from a network to a map of each of some images.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simmim_lib.attribution.arrays import flat
from simmim_lib.attribution.methods import Map
from simmim_lib.errors import WorkbookError, check_whole
from simmim_lib.trunks import fresh_weights

if TYPE_CHECKING:
    import keras

Explain = Callable[["keras.Model"], Map]
"""From a network to maps of the same images each time, (n, height, width, channels)."""

BINS = 100
"""Of the histogram whose entropy is a map's complexity, as the paper has it."""


def randomised(network: "keras.Model", seed: int = 0) -> "Iterator[tuple[str, keras.Model]]":
    """Yield a network that forgets layer by layer, from the last one down.

    Args:
        network: any Keras model that can be cloned; it is left as it is.
        seed: of the fresh weights.

    Yields:
        The name of the layer that has just got fresh weights, and the network, which is the same
        object each time: look at it before you ask for the next.

    Raises:
        WorkbookError: a network without weights.

    Source: Adebayo et al. 2018, "Sanity Checks for Saliency Maps", section 3 (cascading).
    """
    import keras

    check_whole("seed", seed, least=0)
    copy = keras.models.clone_model(network)
    copy.set_weights(network.get_weights())
    fresh = dict(zip(map(id, copy.weights), fresh_weights(copy, seed), strict=True))
    layers = [layer for layer in _leaves(copy) if layer.weights]
    if not layers:
        raise WorkbookError(
            "The network has no weights, so that there is nothing to forget: pass one that was "
            "trained."
        )
    for layer in reversed(layers):
        for weight in layer.weights:
            weight.assign(fresh[id(weight)])
        yield layer.name, copy


def _leaves(model: "keras.Model") -> "Iterator[keras.layers.Layer]":
    for layer in model.layers:
        if getattr(layer, "layers", None):
            yield from _leaves(layer)
        else:
            yield layer


def cascade(
    network: "keras.Model", explain: Explain, seed: int = 0
) -> dict[str, NDArray[np.float64]]:
    """Return how like the maps stay while the network forgets layer by layer.

    Args:
        network: which has learned something.
        explain: the method to be tested.
        seed: of the fresh weights.

    Returns:
        By the name of the last layer that has forgotten, the `similarity` to the map of the
        network as it was, (n,). A method passes if it comes down to zero.

    Source: Adebayo et al. 2018, section 3.
    """
    known = explain(network)
    return {name: similarity(known, explain(copy)) for name, copy in randomised(network, seed)}


def similarity(maps: ArrayLike, others: ArrayLike) -> NDArray[np.float64]:
    """Return Spearman's rank correlation of the sizes in pairs of maps, (n,).

    Sizes are absolute values; where a map is the same everywhere, it is like none.

    Raises:
        WorkbookError: maps of different shapes, or as `arrays.flat`.
    """
    from scipy.stats import rankdata

    if np.shape(maps) != np.shape(others):
        raise WorkbookError(
            f"The maps have the shapes {np.shape(maps)} and {np.shape(others)}: give pairs of maps "
            "of the same images."
        )
    ranks = [rankdata(np.abs(flat("maps", each)), axis=1) for each in (maps, others)]
    one, other = (each - each.mean(axis=1, keepdims=True) for each in ranks)
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return (one * other).sum(axis=1) / np.maximum(lengths, 1e-12)


def complexity(maps: ArrayLike, bins: int = BINS) -> NDArray[np.float64]:
    """Return the entropy of the histogram of each map's values, in nats, (n,).

    Raises:
        WorkbookError: no bins, or as `arrays.flat`.
    """
    from scipy.stats import entropy

    check_whole("bins", bins, least=1)
    return np.array([entropy(np.histogram(each, bins)[0]) for each in flat("maps", maps)])


def complexity_rise(network: "keras.Model", explain: Explain, seed: int = 0) -> NDArray[np.float64]:
    """Return by which share maps become more complex when the whole network forgets, (n,).

    It is the efficient randomisation test (eMPRT): it needs no similarity, which depends on what
    all maps of an image have in common, and no order of layers. A method passes if it is above 0.
    Where only the map of the network that knows is the same everywhere, it is infinite.

    Args:
        network: which has learned something.
        explain: the method to be tested.
        seed: of the fresh weights.

    Source: Hedstroem et al. 2023, "Sanity Checks Revisited: An Exploration to Repair the Model
        Parameter Randomisation Test", section 3.2.
    """
    known = complexity(explain(network))
    *_, (_, forgetful) = randomised(network, seed)
    change = complexity(explain(forgetful)) - known
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(change == 0, 0.0, change / known)
