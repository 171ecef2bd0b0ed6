"""Attribution in texts: which words a network's answer rests on.

Numbers of tokens have no gradient, but what a network makes of them first, their embedding, has.
So a network that reads texts is cut behind its embedding, and the methods for images are asked
about what lies there; a token's share is the sum over its numbers.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simmim_lib.attribution import methods
from simmim_lib.errors import WorkbookError, check_choice, check_whole, shown
from simmim_lib.trunks import blocks
from simmim_lib.trunks.tokens import PADDING

if TYPE_CHECKING:
    import keras

EMBEDDING = "embedding"
"""The layer behind which a trunk for texts is cut; its first block ends there."""

METHODS = ("integrated gradients", "gradient x input", "occlusion")


def word_shares(
    model: "keras.Model",
    tokens: ArrayLike,
    classes: ArrayLike,
    neutral: int,
    method: str = "integrated gradients",
    steps: int | None = None,
) -> NDArray[np.float32]:
    """Return how much each token speaks for a class, compared with a token that says nothing.

    Args:
        model: what `Result.model` or `simmim run --save` gives for texts: from the numbers of
            tokens to probabilities. Its logits are asked.
        tokens: (n, length), 0 behind the end of a text.
        classes: of each text the class that is asked about, (n,), or one for all.
        neutral: the number of a token that says nothing.
        method: one of `METHODS`. Integrated gradients start from the text in which every token is
            the neutral one; occlusion puts it in the place of one token at a time.
        steps: of integrated gradients, as there.

    Returns:
        Shape (n, length), 0 behind the end of a text. Those of integrated gradients add up to the
        difference between the logit of the text and that of the neutral one.

    Raises:
        WorkbookError: a model that does not read texts, tokens that are none, a method that does
            not exist, and as `methods.gradients`.

    Source: as `methods.integrated_gradients`, section 6.4, for the start from a neutral text.
    """
    check_choice("method", method, METHODS)
    trunk, head = _parts(model)
    tokens = _checked(tokens, trunk, neutral)
    cut = blocks.cut(trunk, {EMBEDDING: EMBEDDING}, 1)

    def logits(embedded):  # type: ignore[no-untyped-def] # tensors of the backend
        return head(cut.back(embedded))

    there = tokens != PADDING
    if method == "occlusion":
        return _occlusion(logits, cut.front, tokens, classes, neutral)
    values = np.asarray(cut.front(tokens))
    start = np.asarray(cut.front(np.where(there, neutral, PADDING)))
    if method == "integrated gradients":
        found = methods.integrated_gradients(logits, values, classes, start, steps)
    else:
        found = (values - start) * methods.gradients(logits, values, classes)
    return (found.sum(axis=-1) * there).astype(np.float32)


def _occlusion(
    logits: methods.Logits,
    embed: "keras.Model",
    tokens: NDArray[np.int32],
    classes: ArrayLike,
    neutral: int,
) -> NDArray[np.float32]:
    """Return how much the logit falls when one token becomes the neutral one, for each token."""
    _, asked = methods.checked(logits, np.asarray(embed(tokens)), classes)
    found = np.zeros(tokens.shape, np.float32)
    for row, (text, known) in enumerate(zip(tokens, asked, strict=True)):
        (places,) = np.nonzero(text != PADDING)
        without = np.tile(text, (len(places) + 1, 1))
        without[np.arange(len(places)), places] = neutral  # the last row is the text itself
        every = np.asarray(logits(embed(without)))[:, known]
        found[row, places] = every[-1] - every[:-1]
    return found


def _parts(model: "keras.Model") -> "tuple[keras.Model, keras.layers.Layer]":
    """Return the trunk and the layer of logits of a model that reads texts."""
    names = [layer.name for layer in model.layers]
    if "trunk" in names and "logits" in names:
        trunk = model.get_layer("trunk")
        if EMBEDDING in [layer.name for layer in getattr(trunk, "layers", ())]:
            return trunk, model.get_layer("logits")
    raise WorkbookError(
        f"The model {shown(model.name)} has no trunk that reads texts: give one that was trained "
        "with trunk=words or trunk=minilm-l6, as result.model(0) returns it."
    )


def _checked(tokens: ArrayLike, trunk: "keras.Model", neutral: int) -> NDArray[np.int32]:
    """Return the numbers of tokens, or refuse what cannot be read."""
    table = trunk.get_layer("words").input_dim
    check_whole("neutral", neutral, least=1, most=table - 1)
    found, length = np.asarray(tokens), trunk.input_shape[1]
    if (
        found.dtype.kind not in "iu"
        or found.ndim != 2
        or found.shape[1] != length
        or not len(found)
    ):
        raise WorkbookError(
            f"tokens is {shown(tokens)}, but must be whole numbers of the shape (n, {length}), "
            "with n at least 1, as trunks.tokens.token_ids gives them."
        )
    if found.min() < 0 or found.max() >= table:
        raise WorkbookError(
            f"The tokens go from {found.min()} to {found.max()}, but this network knows 0 to "
            f"{table - 1}: cut the texts with its own tokenizer."
        )
    return found.astype(np.int32)
