"""Studies of lesson 01: depth, few labels, adaptations, negative transfer."""

from typing import Any

import numpy as np

from simmim_lib import datasets
from simmim_lib.experiments import Result
from simmim_lib.experiments.features import frozen_features
from simmim_lib.experiments.pretrained import Pretrained
from simmim_lib.experiments.pretraining import pretrained
from simmim_lib.settings import Settings
from simmim_lib.studies.measures import Measures, accuracies_and
from simmim_lib.studies.registry import full_settings, study
from simmim_lib.transferability import h_score, leep, logme, nearest_neighbours
from simmim_lib.trunks.catalogue import SMALL_CNN

ALL_LAYERS = len(SMALL_CNN.blocks)


@study("What do the first n layers of a source give a network that has plenty of target labels?")
def frozen_depth() -> list[Settings]:
    """Copy n layers, frozen or fine-tuned, the others fresh: Yosinski et al. 2014, figure 2."""
    plenty = {"labels_per_class": 300, "steps": 300}
    depths = range(1, ALL_LAYERS + 1)
    frozen = [
        full_settings(source, "mnist", depth, copied_layers=depth, **plenty)
        for source in ("mnist", "glyphs", "fashion")
        for depth in depths
    ]
    tuned = [full_settings("glyphs", "mnist", copied_layers=depth, **plenty) for depth in depths]
    return [full_settings(None, "mnist", **plenty), *frozen, *tuned]


@study("How much does transfer help with few labels, and with more of them?")
def few_labels() -> list[Settings]:
    """From glyphs to MNIST, the first two layers frozen, beside training from scratch."""
    return [
        full_settings(source, "mnist", frozen, labels_per_class=labels, steps=200)
        for labels in (1, 2, 5, 10, 20, 50)
        for source, frozen in ((None, 0), ("glyphs", 2))
    ]


@study("Fine-tune, probe, or probe and then fine-tune?")
def adaptations() -> list[Settings]:
    """From glyphs to two sets of handwritten digits, nothing frozen while fine-tuning."""
    return [
        full_settings(source, target, adaptation=adaptation, steps=200)
        for target in ("mnist", "uci-digits")
        for source, adaptation in (
            (None, "fine-tune"),
            ("glyphs", "probe"),
            ("glyphs", "fine-tune"),
            ("glyphs", "probe-then-fine-tune"),
        )
    ]


GENTLE: tuple[dict[str, Any], ...] = (
    *({"trunk_learning_rate": factor} for factor in (0.3, 0.1, 0.03)),
    {"adaptation": "gradual-unfreezing"},
    {"adaptation": "probe-then-fine-tune", "trunk_learning_rate": 0.1},
    {"adaptation": "gradual-unfreezing", "trunk_learning_rate": 0.1},
)
"""Ways to fine-tune copied layers that change them less, or later."""


@study("Do smaller steps for copied layers help, or unfreezing them one after the other?")
def gentle_fine_tuning() -> list[Settings]:
    """From glyphs to two sets of handwritten digits, as in `adaptations`, to compare with it."""
    return [
        full_settings("glyphs", target, steps=200, **way)
        for target in ("mnist", "uci-digits")
        for way in GENTLE
    ]


@study("Can transfer hurt?")
def negative_transfer() -> list[Settings]:
    """A source that is like the target, and one that is not, at every frozen depth."""
    transferred = [
        full_settings(source, "mnist", depth)
        for source in ("glyphs", "fashion")
        for depth in range(ALL_LAYERS + 1)
    ]
    return [full_settings(None, "mnist"), *transferred]


def scores(result: Result) -> Measures:
    """Return the transferability scores of a source, from the labelled target images alone.

    Args:
        result: of one target; without a source there is no score.
    """
    settings = result.settings
    if settings.source is None:
        return {}
    (labels_per_class,) = settings.labels_of.values()
    source = pretrained(settings.source)
    data = frozen_features(source, ALL_LAYERS, datasets.load(settings.targets[0]))
    by_seed = []
    for seed in range(settings.seeds):
        chosen = datasets.choose(data, labels_per_class, seed).labelled
        by_seed.append(_scores(source, data.train.images[chosen], data.train.labels[chosen]))
    return {name: np.array([scores[name] for scores in by_seed]) for name in by_seed[0]}


def _scores(source: Pretrained, features: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    from scipy.special import softmax

    kernel, bias = source.head
    return {
        "leep": leep(softmax(features @ kernel + bias, axis=1), labels),
        "h_score": h_score(features, labels),
        "logme": logme(features, labels),
        "nearest_neighbours": nearest_neighbours(features, labels),
    }


@study("Can a score tell beforehand which source will help?", accuracies_and(scores))
def transferability() -> list[Settings]:
    """Every source for every other target, everything fine-tuned, and from scratch."""
    names = ("mnist", "uci-digits", "fashion")
    return [
        full_settings(source, target, labels_per_class=20, steps=200)
        for target in names
        for source in (None, "glyphs", *names)
        if source != target
    ]
