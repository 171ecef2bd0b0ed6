"""BERT of any size: transformers that read a whole text at once, and whose mean is a vector.

Source: Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers"; Reimers and
    Gurevych 2019, "Sentence-BERT", for the mean of the tokens at length 1.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simmim_lib.foundation import keras_setup
from simmim_lib.trunks import attention
from simmim_lib.trunks.fresh_weights import Blocks, Weights

if TYPE_CHECKING:
    import keras

ACTIVATIONS = ("gelu", "relu")
"""What a layer's wide part may have, by the names that such networks give them, as Keras does."""


@dataclass(frozen=True)
class Sizes:
    """What tells one such network from another.

    Attributes:
        vocabulary: tokens that it knows.
        positions: the longest text, in tokens.
        width: numbers for each token.
        heads: in which a layer looks at other tokens, each with an equal part of the width.
        inner: numbers for each token in a layer's wide part.
        layers: how many.
        segments: marks for the first sentence of a text, the second, and so on.
        epsilon: added to a variance before it is divided by.
        activation: one of `ACTIVATIONS`.
    """

    vocabulary: int
    positions: int
    width: int
    heads: int
    inner: int
    layers: int
    segments: int = 2
    epsilon: float = 1e-12
    activation: str = "gelu"

    @property
    def blocks(self) -> tuple[str, ...]:
        """What can be frozen, first to last."""
        return ("embedding", *(f"layer_{number}" for number in range(1, self.layers + 1)))

    @property
    def number_of_weights(self) -> int:
        """How many weights there are, but for the few of biases and normalisations."""
        embedded = (self.vocabulary + self.positions) * self.width
        return embedded + self.layers * self.width * (4 * self.width + 2 * self.inner)

    @property
    def ends(self) -> tuple[str, ...]:
        """The layers whose outputs end the blocks; the last layer's is the mean of its tokens."""
        return (*self.blocks[:-1], "features")


@keras_setup.as_usual()
def build(sizes: Sizes, length: int) -> "keras.Model":
    """Return a network, its weights fresh.

    Every block gives zeros where a text has ended, and reads from them where that is: so a block
    needs nothing but what the one before it gives, and the network can be cut behind any.

    Args:
        sizes: of the network.
        length: how many tokens a text has; shorter ones are filled up with 0.

    Returns:
        A model from the numbers of tokens (n, length), int32, to features (n, width) of length 1.
    """
    import keras
    from keras import layers, ops

    ids = keras.Input((length,), dtype="int32", name="tokens")
    positions = ops.cumsum(ops.ones_like(ids), axis=1) - 1
    words = layers.Embedding(sizes.vocabulary, sizes.width, name="words")(ids)
    places = layers.Embedding(sizes.positions, sizes.width, name="places")(positions)
    hidden = _normalise(layers.Add()([words, places]), sizes, "embedding_norm")
    there = ops.cast(ops.expand_dims(ids != 0, -1), "float32")
    hidden = layers.Multiply(name="embedding")([hidden, there])
    for name in sizes.blocks[1:]:
        hidden = _layer(hidden, sizes, name)
    # The mean of all tokens, at length 1, is their sum at length 1.
    features = layers.UnitNormalization(name="features")(ops.sum(hidden, axis=1))
    return keras.Model(ids, features, name="trunk")


def _layer(hidden: "keras.KerasTensor", sizes: Sizes, name: str) -> "keras.KerasTensor":
    """Let every token look at all others, then pass each through two dense layers."""
    from keras import layers, ops

    there = ops.any(hidden != 0, axis=-1)
    seen = attention.attend(hidden, sizes.heads, name, there)
    hidden = _normalise(layers.Add()([hidden, seen]), sizes, f"{name}_attention_norm")
    inner = layers.Dense(sizes.inner, sizes.activation, name=f"{name}_inner")(hidden)
    outer = layers.Dense(sizes.width, name=f"{name}_outer")(inner)
    hidden = _normalise(layers.Add()([hidden, outer]), sizes, f"{name}_norm")
    return layers.Multiply(name=name)([hidden, ops.cast(ops.expand_dims(there, -1), "float32")])


def _normalise(hidden: "keras.KerasTensor", sizes: Sizes, name: str) -> "keras.KerasTensor":
    from keras import layers

    return layers.LayerNormalization(epsilon=sizes.epsilon, name=name)(hidden)


def blocks(tensors: dict[str, np.ndarray], sizes: Sizes) -> Blocks:
    """Return weights as Keras has them, block by block, from those of a BERT as PyTorch has them.

    Args:
        tensors: by the names that the package transformers gives them, see `tensor_shapes`.
        sizes: of the network.
    """
    first = "embeddings"
    # All of a text is its first sentence, so the mark of that one is added to every place.
    places = tensors[f"{first}.position_embeddings.weight"]
    places = places + tensors[f"{first}.token_type_embeddings.weight"][0]
    words = tensors[f"{first}.word_embeddings.weight"]
    by_block = {"embedding": [words, places, *_norm(tensors, f"{first}.LayerNorm")]}
    for number, name in enumerate(sizes.blocks[1:]):
        by_block[name] = _layer_weights(tensors, f"encoder.layer.{number}")
    return by_block


def tensor_shapes(sizes: Sizes) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the tensors that `blocks` reads, by their names."""
    width, inner = sizes.width, sizes.inner
    dense = {}
    for number in range(sizes.layers):
        layer = f"encoder.layer.{number}"
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            dense[f"{layer}.attention.{part}"] = (width, width)
        dense[f"{layer}.intermediate.dense"] = (inner, width)
        dense[f"{layer}.output.dense"] = (width, inner)
    norms = ["embeddings.LayerNorm"]
    for number in range(sizes.layers):
        norms += [
            f"encoder.layer.{number}.{part}.LayerNorm" for part in ("attention.output", "output")
        ]
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (sizes.vocabulary, width),
        "embeddings.position_embeddings.weight": (sizes.positions, width),
        "embeddings.token_type_embeddings.weight": (sizes.segments, width),
    }
    for name, shape in dense.items():
        shapes |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    for name in norms:
        shapes |= {f"{name}.weight": (width,), f"{name}.bias": (width,)}
    return shapes


def _layer_weights(tensors: dict[str, np.ndarray], name: str) -> Weights:
    parts = [_dense(tensors, f"{name}.attention.self.{part}") for part in ("query", "key", "value")]
    return [
        *(np.concatenate(of_kind, axis=-1) for of_kind in zip(*parts, strict=True)),
        *_dense(tensors, f"{name}.attention.output.dense"),
        *_norm(tensors, f"{name}.attention.output.LayerNorm"),
        *_dense(tensors, f"{name}.intermediate.dense"),
        *_dense(tensors, f"{name}.output.dense"),
        *_norm(tensors, f"{name}.output.LayerNorm"),
    ]


def _dense(tensors: dict[str, np.ndarray], name: str) -> Weights:
    return [np.ascontiguousarray(tensors[f"{name}.weight"].T), tensors[f"{name}.bias"]]


def _norm(tensors: dict[str, np.ndarray], name: str) -> Weights:
    return [tensors[f"{name}.weight"], tensors[f"{name}.bias"]]
