"""Recipes: settings that a lesson found to be good."""

from typing import Any

INFORMED: dict[str, Any] = {
    "frozen_layers": 0,
    "learning_rate": 3e-3,
    "schedule": "cosine",
    "information": 1.0,
    "agreement": 1.0,
    "augmentation": 1.0,
}
"""Lesson 05's recipe for images without labels, fixed on MNIST's validation images alone."""
