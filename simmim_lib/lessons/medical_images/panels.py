"""Panels of lesson 06: a threshold, few labels, two hospitals, and worse images."""

import functools
from collections.abc import Iterator

import numpy as np

from simmim_lib.diagnostic_accuracy import confusion
from simmim_lib.foundation.intervals import seeds_in_words
from simmim_lib.foundation.progress import Progress
from simmim_lib.lessons.medical_images import cohorts, corruptions, figures
from simmim_lib.lessons.medical_images.readings import Reading
from simmim_lib.lessons.medical_images.studies import TIES, WAYS, ClinicTrial, clinical
from simmim_lib.panels.controls import dropdown, slider
from simmim_lib.panels.memory import measure_each
from simmim_lib.panels.panel import Panel, Values
from simmim_lib.pictures import charts
from simmim_lib.pictures.style import Picture
from simmim_lib.settings import Settings, offers

THRESHOLDS = tuple(np.arange(0.05, 1, 0.05).round(2).tolist())
PREVALENCES = (0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.62, 0.74)


def threshold(reading: Reading, at: float = 0.5) -> Panel:
    """Return the panel that moves a threshold, ill people in and out, and opens images.

    Args:
        reading: of the test images.
        at: the threshold at first.
    """
    openable = figures.dots(reading)
    numbered = [(str(number), int(each)) for number, each in enumerate(openable, start=1)]
    # As exact as it was fixed: rounded, one of 0.997 would tell nobody to be ill.
    offered = {f"{each:.2f}": each for each in THRESHOLDS} | {f"{at:.2f}": at}
    in_order = sorted(offered.items(), key=lambda pair: pair[1])
    controls = {
        "threshold": slider("Threshold", in_order, at),
        "prevalence": slider("Share of ill people", PREVALENCES, 0.5),
        "opened": slider("Open the dot", numbered, numbered[len(numbered) // 2][1]),
    }

    def pictures(values: Values, progress: Progress) -> Iterator[Picture]:
        counts = confusion(reading.labels, reading.probabilities, values["threshold"])
        shown = (values["threshold"], values["prevalence"], values["opened"])
        yield figures.threshold(reading, counts, *shown)

    return Panel(controls, pictures)


def few_labels(labels: int = 20, seeds: int = 3) -> Panel:
    """Return the panel that trains from few labels in a clinic, beside training from scratch.

    Args:
        labels: of each class, at first.
        seeds: how many networks are trained.
    """
    scratch, *others = WAYS
    controls = {
        "labels": slider("Labels per class", offers("labels_per_class", labels), labels),
        "way": dropdown("Against scratch", others, "from other phantoms"),
    }

    def pictures(values: Values, progress: Progress) -> Iterator[Picture]:
        compared = (scratch, values["way"])
        trials = [ClinicTrial(way, values["labels"], seeds=seeds) for way in compared]
        results = measure_each([trial.settings() for trial in trials], progress)
        areas = [clinical(result)["AUC"] for result in results]
        where = f"{values['labels']} labels per class"
        found = {where: dict(zip(compared, areas, strict=True))}
        title = f"New patients' phantoms, {seeds_in_words(seeds)} (live)"
        yield charts.accuracy_rows(found, title, {where: "AUC"})

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
        plans = [
            _short_training(
                cohorts.hospital(values["tie"], reversed_test, values["balanced"]), seeds
            )
            for reversed_test in (False, True)
        ]
        areas = [clinical(result)["AUC"] for result in measure_each(plans, progress)]
        yield figures.hospitals(values["tie"], *areas)

    return Panel(controls, pictures)


def _short_training(name: str, seeds: int) -> Settings:
    return Settings(
        targets=(name,), frozen_layers=0, labels_per_class="up to 200", steps=200, seeds=seeds
    )


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
