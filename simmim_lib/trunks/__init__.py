"""Trunks: networks of named blocks without a head, and what is done with their weights."""

from simmim_lib.trunks.article import article_network
from simmim_lib.trunks.cutting import add_head, classifier, count_parameters, split
from simmim_lib.trunks.small_cnn import CONVOLUTION_FILTERS, DENSE_UNITS, build_trunk
from simmim_lib.trunks.weights import Weights, fresh_weights

__all__ = [
    "CONVOLUTION_FILTERS",
    "DENSE_UNITS",
    "Weights",
    "add_head",
    "article_network",
    "build_trunk",
    "classifier",
    "count_parameters",
    "fresh_weights",
    "split",
]
