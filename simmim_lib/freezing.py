"""Copy and freeze the first layers of a network."""

from typing import TYPE_CHECKING

from simmim_lib.errors import WorkbookError, check_whole, shown

if TYPE_CHECKING:
    import keras


def copy_layers(source: "keras.Model", target: "keras.Model", layers: int) -> None:
    """Copy the weights of the first layers of one model into another; nothing is shared.

    Args:
        source: the pre-trained model.
        target: a model whose first layers have the same shapes; it is changed.
        layers: how many layers with weights to copy, counted from the input.

    Raises:
        WorkbookError: a model has fewer layers, or the weights differ in shape.
    """
    pairs = list(zip(_layers_with_weights(source), _layers_with_weights(target), strict=False))
    check_whole("layers", layers, 0, len(pairs))
    for theirs, ours in pairs[:layers]:
        shapes = [[tuple(weight.shape) for weight in layer.weights] for layer in (theirs, ours)]
        if shapes[0] != shapes[1]:
            raise WorkbookError(
                f"Layer {shown(theirs.name)} has weights of shapes {shapes[0]}, but "
                f"{shown(ours.name)} needs {shapes[1]}: build both models from the same first "
                "layers."
            )
    for theirs, ours in pairs[:layers]:
        ours.set_weights(theirs.get_weights())


def freeze(model: "keras.Model", layers: int) -> None:
    """Freeze the first layers of a model and let all others be trained.

    A frozen BatchNormalization layer also keeps its running mean and variance: Keras runs it in
    inference mode. A compiled model must be compiled again, because `compile` remembers which
    weights are trained.

    Args:
        model: changed in place.
        layers: how many layers with weights to freeze, counted from the input.

    Raises:
        WorkbookError: `layers` is out of range.
    """
    with_weights = _layers_with_weights(model)
    check_whole("layers", layers, 0, len(with_weights))
    for position, layer in enumerate(with_weights):
        layer.trainable = position >= layers


def _layers_with_weights(model: "keras.Model") -> "list[keras.Layer]":
    return [layer for layer in model.layers if layer.weights]
