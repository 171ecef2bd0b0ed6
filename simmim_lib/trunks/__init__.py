"""Trunks: networks of named blocks without a head, and what is done with their weights."""

from simmim_lib.trunks.article import article_network
from simmim_lib.trunks.blocks import (
    CutTrunk,
    cut,
    positions,
    set_weights,
    variables_of,
    weights_of,
)
from simmim_lib.trunks.building import adapter, build_trunk, cut_trunk
from simmim_lib.trunks.catalogue import (
    FILE,
    IMAGENET,
    PUBLISHED,
    SENTENCE_PAIRS,
    TRUNKS,
    Trunk,
    describe,
)
from simmim_lib.trunks.fresh_weights import Blocks, Weights, fresh_weights
from simmim_lib.trunks.heads import add_head, classifier
from simmim_lib.trunks.small_cnn import CONVOLUTION_FILTERS, DENSE_UNITS

__all__ = [
    "CONVOLUTION_FILTERS",
    "DENSE_UNITS",
    "FILE",
    "IMAGENET",
    "PUBLISHED",
    "SENTENCE_PAIRS",
    "TRUNKS",
    "Blocks",
    "CutTrunk",
    "Trunk",
    "Weights",
    "adapter",
    "add_head",
    "article_network",
    "build_trunk",
    "classifier",
    "cut",
    "cut_trunk",
    "describe",
    "fresh_weights",
    "positions",
    "set_weights",
    "variables_of",
    "weights_of",
]
