"""Blocks: what is counted when layers are copied or frozen, and where a network is cut.

A block ends at the output of the layer it is named after. All layers that this output needs, and
that no earlier block needed, belong to it: a residual unit is one block, however many layers it
has, and nothing here counts layers or arrays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simmim_lib.errors import WorkbookError, check_choice, check_whole, shown
from simmim_lib.foundation import keras_setup
from simmim_lib.trunks.fresh_weights import Blocks, Weights

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, eq=False)
class CutTrunk:
    """A trunk in two parts, of which only the second is trained.

    Attributes:
        frozen: how many of its blocks are in the first part.
        front: the frozen blocks: a fixed map from inputs to features.
        back: the other blocks, from these features to the trunk's output.
        variables: of each block of the whole trunk by name, first to last, those that are not
            trained included.
        shapes: of each block's output for one image.
    """

    frozen: int
    front: "keras.Model"
    back: "keras.Model"
    variables: "dict[str, list[keras.Variable]]"
    shapes: dict[str, tuple[int, ...]]


@keras_setup.as_usual()
def cut(trunk: "keras.Model", blocks: Mapping[str, str], frozen: int) -> CutTrunk:
    """Cut a trunk at the output of the last frozen block.

    The two parts share the trunk's layers, so that `back(front(inputs))` equals `trunk(inputs)`.

    Args:
        trunk: a model with one input and one output.
        blocks: of each block, first to last, the layer whose output ends it.
        frozen: how many of them are frozen, from 0.

    Raises:
        WorkbookError: `frozen` is out of range, or a layer is not there, or not all that comes
            after it depends on its output alone.
    """
    import keras

    check_whole("frozen_layers", frozen, 0, len(blocks))
    layers = {name: _layer(trunk, end) for name, end in blocks.items()}
    start, end = trunk.inputs[0], trunk.outputs[0]
    edge = [*layers.values()][frozen - 1].output if frozen else start
    front = nothing(start) if edge is start else keras.Model(start, edge)
    back = nothing(end) if edge is end else _rest(trunk, [*blocks][frozen - 1], edge)
    shapes = {name: tuple(layer.output.shape[1:]) for name, layer in layers.items()}
    return CutTrunk(frozen, front, back, variables_of(trunk, blocks), shapes)


def _layer(trunk: "keras.Model", name: str) -> "keras.layers.Layer":
    names = [layer.name for layer in trunk.layers]
    return trunk.get_layer(check_choice("layer", name, names))


@keras_setup.as_usual()
def ended(trunk: "keras.Model", last: str) -> "keras.Model":
    """Return a trunk up to the layer that ends its last block.

    What follows in a network, such as the classes that it was trained for, is no part of a trunk.

    Args:
        trunk: a model with one input and one output.
        last: the layer's name.

    Raises:
        WorkbookError: the layer is not there.
    """
    import keras

    end = _layer(trunk, last).output
    return trunk if end is trunk.outputs[0] else keras.Model(trunk.inputs[0], end)


def _rest(trunk: "keras.Model", block: str, edge: "keras.KerasTensor") -> "keras.Model":
    """Return what comes after a block."""
    import keras

    try:
        rest = keras.Model(edge, trunk.outputs[0])
    except ValueError:
        whole = False
    else:  # Keras 3.13 only notices at the first call, and then leaves the trunk's input in it
        whole = sum(isinstance(layer, keras.layers.InputLayer) for layer in rest.layers) == 1
    if not whole:
        raise WorkbookError(
            f"The network cannot be cut after {shown(block)}, since what follows also needs "
            "something from before, as inside a residual unit: end the block at the layer that "
            "adds the two."
        )
    return rest


def nothing(like: "keras.KerasTensor") -> "keras.Model":
    """Return a model that gives back what it is given."""
    import keras

    inputs = keras.Input(like.shape[1:], dtype=like.dtype)
    # Before version 3.15, Keras refuses a model that has no layer at all.
    return keras.Model(inputs, keras.layers.Identity()(inputs))


def variables_of(
    trunk: "keras.Model", blocks: Mapping[str, str]
) -> "dict[str, list[keras.Variable]]":
    """Return the variables of each block of a trunk.

    Args:
        trunk: a model with one input and one output.
        blocks: of each block, first to last, the layer whose output ends it.

    Raises:
        WorkbookError: a layer is not there.
    """
    import keras

    of_blocks: dict[str, list[keras.Variable]] = {}
    claimed: set[int] = set()
    for name, end in blocks.items():
        up_to_here = keras.Model(trunk.inputs[0], _layer(trunk, end).output).weights
        of_blocks[name] = [weight for weight in up_to_here if id(weight) not in claimed]
        claimed.update(map(id, up_to_here))
    return of_blocks


def set_weights(trunk: "keras.Model", blocks: Mapping[str, str], weights: Blocks) -> None:
    """Give blocks of a trunk their weights; blocks that none are given for stay as they are.

    Args:
        trunk: as `variables_of` takes it.
        blocks: as there.
        weights: by block.

    Raises:
        WorkbookError: as `variables_of`.
    """
    variables = variables_of(trunk, blocks)
    for name, values in weights.items():
        for variable, value in zip(variables[name], values, strict=True):
            variable.assign(value)


def weights_of(trunk: "keras.Model", blocks: Mapping[str, str]) -> Blocks:
    """Return the weights of each block of a trunk, see `variables_of`."""
    of_blocks = variables_of(trunk, blocks)
    return {name: [np.asarray(each) for each in block] for name, block in of_blocks.items()}


def positions(model: "keras.Model", of_block: "Sequence[keras.Variable]") -> list[int]:
    """Return where in `model.weights` the variables of a block are.

    Raises:
        ValueError: the model does not have them.
    """
    places = [id(weight) for weight in model.weights]
    return [places.index(id(variable)) for variable in of_block]


def by_block(weights: Weights, variables: "Mapping[str, Sequence[keras.Variable]]") -> Blocks:
    """Return a trunk's weights, given in the order of its blocks, block by block."""
    rest = iter(weights)
    return {name: [next(rest) for _ in block] for name, block in variables.items()}
