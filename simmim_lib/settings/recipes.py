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

ON_FEATURES: dict[str, Any] = {"schedule": "cosine", "information": 0.3}
"""The same where blocks are frozen, so that images cannot be changed: views do not go with it."""


def usual_in_recipe(name: str, settings: "Settings") -> Any:
    """Return what a field usually is in the recipe of settings, or `USUAL` for what it always is.

    Args:
        name: of the field.
        settings: of which the fields before this one are known.
    """
    if settings.recipe != "simmim" or settings.adaptation not in (USUAL, "fine-tune"):
        return USUAL  # images without labels go with fine-tuning only
    if name == "frozen_layers":
        return USUAL if settings.trunk_info.published else INFORMED[name]
    on_features = settings.frozen_layers if isinstance(settings.frozen_layers, int) else 0
    return (ON_FEATURES if on_features else INFORMED).get(name, USUAL)
