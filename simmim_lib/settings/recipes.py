"""Recipes: what is usual for a whole way of learning, as lessons found it to be good."""

from typing import TYPE_CHECKING, Any

from simmim_lib.foundation.options import USUAL

if TYPE_CHECKING:
    from simmim_lib.settings.experiment_settings import Settings

INFORMED: dict[str, Any] = {
    "frozen_layers": 0,
    "learning_rate": 3e-3,
    "schedule": "cosine",
    "information": 1.0,
    "agreement": 1.0,
    "augmentation": 1.0,
}
"""Lesson 05's recipe for images without labels, fixed on MNIST's validation images alone."""

PARTLY_FROZEN: dict[str, Any] = {"schedule": "cosine", "information": 1.0}
"""The same where some blocks are frozen: there are no views, as features are computed once."""

HEAD_ONLY: dict[str, Any] = {**PARTLY_FROZEN, "learning_rate": 8e-3}
"""The same where all blocks are frozen.

Both were fixed on validation images of MNIST and Fashion-MNIST, the latter also with features of
EfficientNet-Lite0.
"""


def usual_in_recipe(name: str, settings: "Settings") -> Any:
    """Return what a field usually is in the recipe of settings, or `USUAL` for what it always is.

    Args:
        name: of the field.
        settings: of which the fields before this one are known.
    """
    if name not in INFORMED or settings.recipe != "simmim":
        return USUAL
    if settings.adaptation not in (USUAL, "fine-tune"):
        return USUAL  # images without labels go with fine-tuning only
    if name == "frozen_layers":
        return USUAL if settings.trunk_info.published else INFORMED[name]
    return _for_depth(settings).get(name, USUAL)


def _for_depth(settings: "Settings") -> dict[str, Any]:
    """Return the recipe for as many frozen blocks as the settings have."""
    frozen = settings.frozen_layers
    if frozen == 0:
        return INFORMED
    return HEAD_ONLY if frozen == len(settings.trunk_info.blocks) else PARTLY_FROZEN
