"""Weights of a BERT as the package transformers names them, drawn by chance."""

import numpy as np

from simmim_lib.trunks.bert import Sizes


def random_tensors(sizes: Sizes, spread: float) -> dict[str, np.ndarray]:
    """Return the weights by name, with some that nobody reads.

    Args:
        sizes: of the network.
        spread: the standard deviation of all weights.
    """
    random, width, inner = np.random.default_rng(0), sizes.width, sizes.inner
    shapes = {
        "embeddings.word_embeddings.weight": (sizes.vocabulary, width),
        "embeddings.position_embeddings.weight": (sizes.positions, width),
        "embeddings.token_type_embeddings.weight": (2, width),
        "pooler.dense.weight": (width, width),
    }
    norms = ["embeddings.LayerNorm"]
    dense = {}
    for number in range(sizes.layers):
        layer = f"encoder.layer.{number}"
        for name in ("self.query", "self.key", "self.value", "output.dense"):
            dense[f"{layer}.attention.{name}"] = (width, width)
        dense[f"{layer}.intermediate.dense"] = (inner, width)
        dense[f"{layer}.output.dense"] = (width, inner)
        norms += [f"{layer}.attention.output.LayerNorm", f"{layer}.output.LayerNorm"]
    for name, shape in dense.items():
        shapes |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    for name in norms:
        shapes |= {f"{name}.weight": (width,), f"{name}.bias": (width,)}
    return {
        name: random.normal(0, spread, size).astype(np.float32) for name, size in shapes.items()
    }
