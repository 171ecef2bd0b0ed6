"""Self-attention: each place of a sequence takes from all places what fits its question.

It is made of dense layers and products of matrices: Keras's own layer for this takes more than
twice as long on a processor.

Source: Vaswani et al. 2017, "Attention Is All You Need", sections 3.2.1 and 3.2.2.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def attend(
    tokens: "keras.KerasTensor",
    heads: int,
    name: str,
    there: "keras.KerasTensor | None" = None,
) -> "keras.KerasTensor":
    """Let each token take from all tokens, by how well its query fits their keys.

    One dense layer makes queries, keys and values, since one large product takes less time than
    three.

    Args:
        tokens: (n, places, width).
        heads: that look side by side; they divide the width.
        name: of the block, with which the names of the layers begin.
        there: whether there is a token at each place, (n, places); nobody takes from the others.

    Returns:
        What each token has taken, (n, places, width).
    """
    from keras import layers, ops

    _, places, width = tokens.shape
    depth = width // heads
    mixed = layers.Dense(3 * width, name=f"{name}_queries_keys_values")(tokens)
    queries, keys, values = (
        ops.reshape(each, (-1, places, heads, depth)) for each in ops.split(mixed, 3, axis=-1)
    )
    queries, values = (ops.transpose(each, (0, 2, 1, 3)) for each in (queries, values))
    fit = ops.matmul(queries * depth**-0.5, ops.transpose(keys, (0, 2, 3, 1)))
    masked = {} if there is None else {"mask": ops.expand_dims(there, (1, 2))}
    attention = layers.Softmax(name=layer_name(name))(fit, **masked)
    taken = ops.transpose(ops.matmul(attention, values), (0, 2, 1, 3))
    joined = ops.reshape(taken, (-1, places, width))
    return layers.Dense(width, name=f"{name}_taken")(joined)


def layer_name(block: str) -> str:
    """Return the name of the layer that gives a block's attention, (n, heads, to, from)."""
    return f"{block}_attention"
