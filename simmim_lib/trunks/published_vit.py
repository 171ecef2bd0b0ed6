"""Weights of vision transformers as others publish them, for the networks of `vit`."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from simmim_lib.errors import WorkbookError, shown
from simmim_lib.trunks.catalogue import SMALL_VIT
from simmim_lib.trunks.fresh_weights import Weights
from simmim_lib.trunks.vit import Sizes

if TYPE_CHECKING:
    import keras

State = Mapping[str, np.ndarray]
"""Arrays by name, as `state_dict()` of a model in PyTorch gives them."""

START = "vit.embeddings."
"""How the names of all begin that stands before the blocks."""

PROJECTION = f"{START}patch_embeddings.projection"


def load(model: "keras.Model", state: State, sizes: Sizes) -> None:
    """Give a model the weights of a masked vision transformer of Hugging Face's `transformers`.

    Args:
        model: with the layers that `vit.build` and `masked.fill_tokens` name; those it does not
            have are passed over.
        state: of a `ViTForMaskedImageModeling`, version 5 of the library.
        sizes: of the network.

    Raises:
        WorkbookError: the state lacks an array, or has one of another shape or without finite
            numbers, or more blocks; the model is left as it was.
    """
    layers = {layer.name: layer for layer in model._flatten_layers()}
    _check_network(layers, sizes)
    if not isinstance(state, Mapping):
        raise WorkbookError(f"The weights are {shown(state)}: give arrays by name.")
    arrays = _checked(state, _shapes(layers[SMALL_VIT.blocks[0]], sizes), sizes)
    given = {name: each for name, each in _by_layer(arrays, sizes).items() if name in layers}
    for name, weights in given.items():
        _check_shapes(layers[name], weights)
    for name, weights in given.items():
        layers[name].set_weights(weights)


def _check_network(layers: Mapping[str, "keras.layers.Layer"], sizes: Sizes) -> None:
    """Compare the network with the sizes that are said to be its own."""
    if SMALL_VIT.blocks[0] not in layers:
        raise WorkbookError("The network is no vision transformer: give one that `vit.build` made.")
    kernel, _ = layers[SMALL_VIT.blocks[0]].weights
    depth = sum(re.fullmatch(r"block_\d+", name) is not None for name in layers)
    width, fits = kernel.shape[1], kernel.shape[0] % sizes.patch**2 == 0
    if (depth, width) != (sizes.depth, sizes.width) or not fits:
        raise WorkbookError(
            f"The network has not {sizes.depth} blocks of width {sizes.width} on patches of "
            f"{sizes.patch} x {sizes.patch} pixels: give the sizes that it was built with."
        )


def _shapes(embedding: "keras.layers.Layer", sizes: Sizes) -> dict[str, tuple[int, ...]]:
    """Return the shapes of all arrays that a network needs, by their names elsewhere.

    Args:
        embedding: the network's, whose weights say how many places and channels there are.
        sizes: of the network.
    """
    kernel, bias = embedding.weights
    places, width, patch = bias.shape[0], sizes.width, sizes.patch
    channels = kernel.shape[0] // patch**2
    shapes: dict[str, tuple[int, ...]] = {
        **{f"{START}{token}_token": (1, 1, width) for token in ("cls", "mask")},
        f"{START}position_embeddings": (1, places, width),
        f"{PROJECTION}.weight": (width, channels, patch, patch),
        f"{PROJECTION}.bias": (width,),
        **{f"vit.layernorm.{part}": (width,) for part in ("weight", "bias")},
        "decoder.0.weight": (channels * patch**2, width, 1, 1),
        "decoder.0.bias": (channels * patch**2,),
    }
    for number in range(sizes.depth):
        shapes |= _shapes_of_block(f"vit.layers.{number}.", sizes)
    return shapes


def _shapes_of_block(start: str, sizes: Sizes) -> dict[str, tuple[int, ...]]:
    dense = {f"attention.{each}_proj": (sizes.width, sizes.width) for each in "qkvo"}
    dense |= {"mlp.fc1": (sizes.hidden, sizes.width), "mlp.fc2": (sizes.width, sizes.hidden)}
    norms = ("layernorm_before", "layernorm_after")
    return {
        **{f"{start}{name}.weight": shape for name, shape in dense.items()},
        **{f"{start}{name}.bias": shape[:1] for name, shape in dense.items()},
        **{
            f"{start}{name}.{part}": (sizes.width,) for name in norms for part in ("weight", "bias")
        },
    }


def _checked(state: State, shapes: Mapping[str, tuple[int, ...]], sizes: Sizes) -> State:
    """Return those arrays of a state that are needed."""
    lacking = [name for name in shapes if name not in state]
    if lacking:
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        raise WorkbookError(
            f"The weights lack {shown(lacking[0])}{more}: give the state of a "
            f"ViTForMaskedImageModeling with {sizes.depth} blocks."
        )
    blocks = {name.split(".")[2] for name in map(str, state) if name.startswith("vit.layers.")}
    if len(blocks) > sizes.depth:
        raise WorkbookError(
            f"The weights have {len(blocks)} blocks, but the network {sizes.depth}: build it with "
            "the sizes of the weights."
        )
    return {name: _checked_array(name, state[name], shape) for name, shape in shapes.items()}


def _checked_array(name: str, given: object, shape: tuple[int, ...]) -> np.ndarray:
    """Return one array as the network takes it, in single precision."""
    try:
        with np.errstate(over="ignore"):  # infinite numbers are refused below
            array = np.asarray(given).astype(np.float32)
    except (TypeError, ValueError):
        raise WorkbookError(
            f"The weights' {shown(name)} is {shown(given)}: give an array of numbers."
        ) from None
    if array.shape != shape:
        raise WorkbookError(
            f"The weights' {shown(name)} has the shape {array.shape}, but the network needs "
            f"{shape}: build it with the sizes of the weights."
        )
    if not np.isfinite(array).all():
        raise WorkbookError(
            f"The weights' {shown(name)} has entries that are no finite numbers: read the file "
            "again, or take another."
        )
    return array


def _check_shapes(layer: "keras.layers.Layer", weights: Weights) -> None:
    wanted, given = ([tuple(each.shape) for each in of] for of in (layer.weights, weights))
    if wanted != given:
        raise WorkbookError(
            f"The weights for {shown(layer.name)} have the shapes {given}, but the network "
            f"{wanted}: build it with the sizes of the weights."
        )


def _by_layer(state: State, sizes: Sizes) -> dict[str, Weights]:
    """Return the weights of each layer of ours."""
    layers = _ends(state, sizes)
    for number in range(sizes.depth):
        layers |= _block(state, number)
    return layers


def _ends(state: State, sizes: Sizes) -> dict[str, Weights]:
    """Return the weights before the blocks and behind them.

    Our bias of a place holds the patch's bias and the place's position; so our mask token is the
    difference to a patch's bias.
    """
    projection, bias = state[f"{PROJECTION}.weight"], state[f"{PROJECTION}.bias"]
    positions = state[f"{START}position_embeddings"][0]
    first = state[f"{START}cls_token"][0] + positions[:1]
    kernel = projection.transpose(2, 3, 1, 0).reshape(-1, sizes.width)
    return {
        SMALL_VIT.blocks[0]: [kernel, np.concatenate([first, positions[1:] + bias])],
        "mask_token": [state[f"{START}mask_token"][0] - bias],
        "final_norm": [state[f"vit.layernorm.{part}"] for part in ("weight", "bias")],
        "reconstruction": _pixels_last(state["decoder.0.weight"], state["decoder.0.bias"], sizes),
    }


def _pixels_last(kernel: np.ndarray, bias: np.ndarray, sizes: Sizes) -> Weights:
    """Return the head with its outputs by row, column and channel, and not channel first."""
    by_channel = np.arange(len(bias)).reshape(-1, sizes.patch, sizes.patch)
    order = by_channel.transpose(1, 2, 0).ravel()
    return [kernel[order, :, 0, 0].T, bias[order]]


def _block(state: State, number: int) -> dict[str, Weights]:
    start, ours = f"vit.layers.{number}.", f"block_{number + 1}"

    def dense(*names: str) -> Weights:
        """Return kernel and bias of dense layers, side by side."""
        kernels = [state[f"{start}{name}.weight"].T for name in names]
        biases = [state[f"{start}{name}.bias"] for name in names]
        return [np.concatenate(kernels, axis=1), np.concatenate(biases)]

    def norm(name: str) -> Weights:
        return [state[f"{start}{name}.{part}"] for part in ("weight", "bias")]

    return {
        f"{ours}_norm_1": norm("layernorm_before"),
        f"{ours}_queries_keys_values": dense(*(f"attention.{each}_proj" for each in "qkv")),
        f"{ours}_taken": dense("attention.o_proj"),
        f"{ours}_norm_2": norm("layernorm_after"),
        f"{ours}_hidden": dense("mlp.fc1"),
        f"{ours}_thought": dense("mlp.fc2"),
    }
