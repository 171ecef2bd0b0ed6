"""Learning in one hospital, and testing there and where the device tells the opposite."""

from typing import NamedTuple

import numpy as np

from simmim_lib.foundation.progress import Progress, progress_bar
from simmim_lib.lessons.medical_images import cohorts
from simmim_lib.lessons.medical_images.studies import clinical
from simmim_lib.panels.memory import measure_each
from simmim_lib.settings import Settings

TIES = (0.0, 0.5, 0.8, 0.9, 0.95)
"""How much device and illness go together in the hospital that is learnt from."""


class Areas(NamedTuple):
    """The AUC of each seed's network, each (seeds,).

    Attributes:
        same: where it learnt.
        other: in the reversed hospital.
    """

    same: np.ndarray
    other: np.ndarray


def areas(
    tie: float, balanced: bool = False, seeds: int = 3, progress: Progress | None = None
) -> Areas:
    """Train in a hospital, and test there and in the reversed one.

    Args:
        tie: one of `TIES`.
        balanced: whether of each device as many ill as healthy are learnt from.
        seeds: how many networks are trained.
        progress: told after every few steps; by default a bar is shown.
    """
    if progress is None:
        with progress_bar("Two hospitals") as bar:
            return areas(tie, balanced, seeds, bar)
    plans = [
        _settings(cohorts.hospital(tie, reversed_test, balanced), seeds)
        for reversed_test in (False, True)
    ]
    return Areas(*(clinical(result)["AUC"] for result in measure_each(plans, progress)))


def _settings(name: str, seeds: int) -> Settings:
    return Settings(
        targets=(name,), frozen_layers=0, labels_per_class="up to 200", steps=200, seeds=seeds
    )
