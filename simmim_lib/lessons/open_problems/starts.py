"""Where networks of this lesson start from: a trunk that knows glyphs, and a fresh head."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from simmim_lib import trunks
from simmim_lib.experiments.pretraining import pretrained

if TYPE_CHECKING:
    import keras


def from_glyphs(network: "keras.Model", seed: int) -> trunks.Weights:
    """Return a network's weights: the trunk's of glyphs, and a seed's fresh heads."""
    copied = pretrained("glyphs").trunk_weights
    return [*copied, *trunks.fresh_weights(network, seed)[len(copied) :]]


def stacked(weights: Sequence[trunks.Weights]) -> trunks.Weights:
    """Return the weights of several networks of one kind as those of one, each (networks, ...)."""
    return [np.stack(each) for each in zip(*weights, strict=True)]
