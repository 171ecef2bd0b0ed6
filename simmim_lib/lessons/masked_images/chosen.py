"""How each start is fine-tuned: chosen on validation images, by one rule for all."""

from typing import Any

import numpy as np

from simmim_lib.settings import Settings
from simmim_lib.studies import stored

SOURCES = {"none": None, "masked": "fashion", "contrastive": "fashion", "labels": "glyphs"}
"""The starts that are compared, and what each has seen; "none" is one from random weights."""

WITHOUT_LABELS = ("masked", "contrastive")
"""Those that have seen the target's own images, without their labels."""

FIELDS = ("learning_rate", "layer_decay", "steps", "copied_layers")
"""What is chosen."""


def chosen(pretext: str) -> dict[str, Any]:
    """Return how networks are fine-tuned after a pretext, or "none".

    The rule: of all that was tried, what has the highest validation accuracy on average over the
    seeds and the numbers of labels.
    """
    return _best(pretext, "fine-tuning-rates", "fine-tuning-extent")


def chosen_rates(pretext: str) -> dict[str, Any]:
    """Return the learning rate and the layer-wise decay that the rule chooses at 120 steps."""
    best = _best(pretext, "fine-tuning-rates")
    return {name: best[name] for name in FIELDS[:2]}


def _best(pretext: str, *studies: str) -> dict[str, Any]:
    found: dict[tuple[Any, ...], list[float]] = {}
    for record in (record for study in studies for record in stored.load(study).records):
        if start_of(record.settings) == pretext:
            tried = tuple(getattr(record.settings, field) for field in FIELDS)
            found.setdefault(tried, []).append(float(record.values("validation").mean()))
    best = max(found, key=lambda tried: np.mean(found[tried]))
    return dict(zip(FIELDS, best, strict=True))


def start_of(settings: Settings) -> str:
    """Return what a network was pre-trained to do, or "none"."""
    return settings.pretext if settings.source else "none"
