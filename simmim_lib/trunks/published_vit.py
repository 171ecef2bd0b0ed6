"""Weights of vision transformers as others publish them, for the networks of `vit`."""

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


def load(model: "keras.Model", state: State, sizes: Sizes) -> None:
    """Give a model the weights of a masked vision transformer of Hugging Face's `transformers`.

    Args:
        model: with the layers that `vit.build` and `masked.fill_tokens` name; those it does not
            have are passed over.
        state: of a `ViTForMaskedImageModeling`, version 5 of the library.
        sizes: of the network.

    Raises:
        WorkbookError: the state lacks an array, or has one of another shape, or more blocks; the
            model is left as it was.
    """
    _check_sizes(state, sizes)
    layers = {layer.name: layer for layer in model._flatten_layers()}
    given = {name: each for name, each in _by_layer(state, sizes).items() if name in layers}
    for name, weights in given.items():
        _check_shapes(layers[name], weights)
    for name, weights in given.items():
        layers[name].set_weights(weights)


def _check_sizes(state: State, sizes: Sizes) -> None:
    """Compare width, patch and number of blocks, before anything is rearranged by them."""
    found = np.shape(state.get(f"{START}patch_embeddings.projection.weight", ()))
    if found and (found[0], *found[2:]) != (sizes.width, sizes.patch, sizes.patch):
        raise WorkbookError(
            f"The weights are of width {found[0]} and patches of {found[2:]} pixels, but the "
            f"network of width {sizes.width} and patches of {(sizes.patch, sizes.patch)}: build it "
            "with the sizes of the weights."
        )
    blocks = {name.split(".")[2] for name in state if name.startswith("vit.layers.")}
    if len(blocks) > sizes.depth:
        raise WorkbookError(
            f"The weights have {len(blocks)} blocks, but the network {sizes.depth}: build it with "
            "the sizes of the weights."
        )


def _check_shapes(layer: "keras.layers.Layer", weights: Weights) -> None:
    wanted, given = ([tuple(each.shape) for each in of] for of in (layer.weights, weights))
    if wanted != given:
        raise WorkbookError(
            f"The weights for {shown(layer.name)} have the shapes {given}, but the network "
            f"{wanted}: build it with the sizes of the weights."
        )


def _by_layer(state: State, sizes: Sizes) -> dict[str, Weights]:
    """Return the weights of each layer of ours."""
    try:
        blocks = [_block(state, number) for number in range(sizes.depth)]
        return {
            **_ends(state, sizes),
            **{name: weights for block in blocks for name, weights in block.items()},
        }
    except KeyError as error:
        raise WorkbookError(
            f"The weights lack {error}: give the state of a ViTForMaskedImageModeling with "
            f"{sizes.depth} blocks."
        ) from error


def _ends(state: State, sizes: Sizes) -> dict[str, Weights]:
    """Return the weights before the blocks and behind them.

    Our bias of a place holds the patch's bias and the place's position; so our mask token is the
    difference to a patch's bias.
    """
    projection = state[f"{START}patch_embeddings.projection.weight"]
    bias = state[f"{START}patch_embeddings.projection.bias"]
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
