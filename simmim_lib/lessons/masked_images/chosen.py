"""How each start is fine-tuned: chosen on validation images, by one rule for all."""

from collections.abc import Sequence
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

INFORMED_FIELDS = ("learning_rate", "augmentation")
"""What is chosen of lesson 05's recipe, which was fixed for another network."""


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


def chosen_informed() -> dict[str, Any]:
    """Return what the rule chooses of `INFORMED_FIELDS` where images without labels teach, too."""
    return _best("masked", "informed-recipes", fields=INFORMED_FIELDS)


def informed_validation(augmentation: float) -> float:
    """Return the best validation accuracy with views of a strength, over what the rule averages."""
    found = _tried("masked", "informed-recipes", fields=INFORMED_FIELDS)
    place = INFORMED_FIELDS.index("augmentation")
    return max(mean for tried, mean in found.items() if tried[place] == augmentation)


def _best(pretext: str, *studies: str, fields: Sequence[str] = FIELDS) -> dict[str, Any]:
    found = _tried(pretext, *studies, fields=fields)
    best = max(found, key=lambda tried: found[tried])
    return dict(zip(fields, best, strict=True))


def _tried(pretext: str, *studies: str, fields: Sequence[str]) -> dict[tuple[Any, ...], float]:
    """Return the validation accuracy of all that was tried, on average, by the fields' values."""
    found: dict[tuple[Any, ...], list[float]] = {}
    for record in (record for study in studies for record in stored.load(study).records):
        if start_of(record.settings) == pretext:
            tried = tuple(getattr(record.settings, field) for field in fields)
            found.setdefault(tried, []).append(float(record.values("validation").mean()))
    return {tried: float(np.mean(values)) for tried, values in found.items()}


def start_of(settings: Settings) -> str:
    """Return what a network was pre-trained to do, or "none"."""
    return settings.pretext if settings.source else "none"
