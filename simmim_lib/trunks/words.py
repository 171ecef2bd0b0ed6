"""The workbook's own language model: a small transformer that reads from left to right.

Source: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", for the layers.
"""

import functools
import io
from typing import TYPE_CHECKING

import numpy as np

from simmim_lib.errors import WorkbookError
from simmim_lib.foundation import directories, keras_setup

if TYPE_CHECKING:
    import keras

VOCABULARY = 4096
CONTEXT = 64
"""Tokens that it sees at once."""

WIDTH = 96
HEADS = 4
INNER = 384
LAYERS = 2
END = 1
"""The number of the token behind the end of a text; 0 is padding."""


@keras_setup.as_usual()
def build(length: int) -> "keras.Model":
    """Return the network without a head, its weights fresh.

    Args:
        length: how many tokens a text has, at most `CONTEXT`; shorter ones are filled up with 0.

    Returns:
        A model from the numbers of tokens (n, length), int32, to features (n, 96), the mean of what
        it has made of each token.
    """
    import keras
    from keras import layers, ops

    ids = keras.Input((length,), dtype="int32", name="tokens")
    hidden = _embed(ids)
    for number in range(1, LAYERS + 1):
        hidden = _layer(hidden, f"layer_{number}")
    there = _there(hidden)
    read = layers.LayerNormalization(name="read")(hidden) * there
    # A text without a token has the mean 0.
    count = ops.maximum(ops.sum(there, axis=1), 1.0)
    features = layers.Identity(name="features")(ops.sum(read, axis=1) / count)
    return keras.Model(ids, features, name="trunk")


@keras_setup.as_usual()
def next_token_logits(trunk: "keras.Model") -> "keras.Model":
    """Return a model from tokens (n, length) to logits of each next one, (n, length, VOCABULARY).

    It shares the trunk's layers. A token's logit is the product of its own embedding with what the
    network has read so far, so that nothing is needed beside the trunk.

    Source: Press and Wolf 2017, "Using the Output Embedding to Improve Language Models".
    """
    import keras
    from keras import layers, ops

    words = trunk.get_layer("words")
    # A layer, so that the table is looked at whenever the model is called, not only now.
    compare = layers.Lambda(lambda read: ops.matmul(read, ops.transpose(words.embeddings)))
    return keras.Model(trunk.inputs[0], compare(trunk.get_layer("read").output))


def _embed(ids: "keras.KerasTensor") -> "keras.KerasTensor":
    from keras import initializers, layers, ops

    small = initializers.RandomNormal(stddev=0.05)
    positions = ops.cumsum(ops.ones_like(ids), axis=1) - 1
    words = layers.Embedding(VOCABULARY, WIDTH, embeddings_initializer=small, name="words")(ids)
    places = layers.Embedding(CONTEXT, WIDTH, embeddings_initializer=small, name="places")
    there = ops.cast(ops.expand_dims(ids != 0, -1), "float32")
    return layers.Multiply(name="embedding")([words + places(positions), there])


def _there(hidden: "keras.KerasTensor") -> "keras.KerasTensor":
    """Return 1 for tokens, 0 for padding, which is 0 behind every block: (n, length, 1)."""
    from keras import ops

    return ops.cast(ops.any(hidden != 0, axis=-1, keepdims=True), "float32")


def _layer(hidden: "keras.KerasTensor", name: str) -> "keras.KerasTensor":
    """Let every token look at those before it, then pass each through two dense layers."""
    from keras import layers, ops

    there = _there(hidden)
    normal = layers.LayerNormalization(name=f"{name}_norm_1")(hidden)
    attention = layers.MultiHeadAttention(HEADS, WIDTH // HEADS, name=f"{name}_attention")
    mask = ops.cast(ops.transpose(there, (0, 2, 1)), "bool")
    hidden = hidden + attention(normal, normal, attention_mask=mask, use_causal_mask=True)
    normal = layers.LayerNormalization(name=f"{name}_norm_2")(hidden)
    inner = layers.Dense(INNER, activation="gelu", name=f"{name}_inner")(normal)
    hidden = hidden + layers.Dense(WIDTH, name=f"{name}_outer")(inner)
    return layers.Multiply(name=name)([hidden, there])


@functools.cache
def tokenizer_json() -> str:
    """Return the description of the tokenizer that was trained on the Wikipedia articles.

    Raises:
        WorkbookError: its file is missing or damaged.
    """
    path = directories.data_directory() / "trunks" / "words-tokenizer.npz"
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
            return arrays["json"].tobytes().decode()
    except Exception as error:  # whatever a missing or damaged archive makes NumPy raise
        raise WorkbookError(
            f"The tokenizer {path} is missing or damaged ({type(error).__name__}): reinstall the "
            "workbook."
        ) from error
