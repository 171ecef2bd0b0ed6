"""Panels of lesson 06: a threshold, two hospitals, and worse images."""

import functools
from collections.abc import Iterator

import numpy as np

from simmim_lib.diagnostic_accuracy import confusion
from simmim_lib.foundation.progress import Progress
from simmim_lib.lessons.medical_images import corruptions, figures
from simmim_lib.lessons.medical_images.hospitals import TIES, areas
from simmim_lib.lessons.medical_images.readings import Reading
from simmim_lib.panels.controls import dropdown, slider
from simmim_lib.panels.panel import Panel, Values
from simmim_lib.pictures.style import Picture

THRESHOLDS = tuple(np.arange(0.05, 1, 0.05).round(2).tolist())
PREVALENCES = (0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.62, 0.74)


def threshold(reading: Reading, at: float = 0.5) -> Panel:
    """Return the panel that moves a threshold along the ROC curve, and ill people in and out.

    Args:
        reading: of the test images.
        at: the threshold at first.
    """
    controls = {
        "threshold": slider("Threshold", sorted({*THRESHOLDS, round(at, 2)}), round(at, 2)),
        "prevalence": slider("Share of ill people", PREVALENCES, 0.5),
    }

    def pictures(values: Values, progress: Progress) -> Iterator[Picture]:
        counts = confusion(reading.labels, reading.probabilities, values["threshold"])
        yield figures.threshold(reading, counts, values["threshold"], values["prevalence"])

    return Panel(controls, pictures)


def hospitals(tie: float = 0.9, seeds: int = 3) -> Panel:
    """Return the panel that trains in one hospital, and tests there and in a reversed one.

    Args:
        tie: how much device and illness go together at first.
        seeds: how many networks are trained.
    """
    controls = {
        "tie": slider("Tie to the device", TIES, tie),
        "balanced": dropdown("Learns from", [("all", False), ("balanced devices", True)], False),
    }

    def pictures(values: Values, progress: Progress) -> Iterator[Picture]:
        found = areas(values["tie"], values["balanced"], seeds, progress)
        yield figures.hospitals(values["tie"], *found)

    return Panel(controls, pictures)


def corruption(reading: Reading, at: float) -> Panel:
    """Return the panel that makes test images worse, and lets the network read them again.

    Args:
        reading: of the test images as they are.
        at: the threshold, which stays.
    """
    severities = range(corruptions.WORST + 1)
    controls = {
        "kind": dropdown("What happens", corruptions.KINDS, "brighter"),
        "severity": slider("Severity", severities, 3),
    }

    def pictures(values: Values, progress: Progress) -> Iterator[Picture]:
        kind = values["kind"]
        yield figures.corruption(by_severity(reading, kind), kind, values["severity"], at)

    return Panel(controls, pictures)


@functools.lru_cache(maxsize=len(corruptions.KINDS))
def by_severity(reading: Reading, kind: str) -> dict[int, Reading]:
    """Return what the network says about the images at each severity."""
    return {
        severity: reading.of(corruptions.corrupted(reading.images, kind, severity))
        for severity in range(corruptions.WORST + 1)
    }
