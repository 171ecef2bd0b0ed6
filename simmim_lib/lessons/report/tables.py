"""Tables of lesson 10: what a report says of an experiment and its baselines."""

import dataclasses

import numpy as np

from simmim_lib import datasets
from simmim_lib.experiments import baselines
from simmim_lib.experiments.baselines import ASKED, WAYS, Findings
from simmim_lib.experiments.environment import describe_environment, peak_memory_in_words
from simmim_lib.foundation.intervals import mean_and_interval
from simmim_lib.reports.pages import Table
from simmim_lib.settings import Settings

USUAL = ("source", "targets", "labels_per_class", "frozen_layers", "steps", "seeds", "budget")
"""What a reader wants to know of every experiment."""


def asked(settings: Settings) -> Table:
    """List the main settings, and all others that are not as usual."""
    usual = Settings(targets=settings.targets, budget=settings.budget)
    names = [field.name for field in dataclasses.fields(settings)]
    return _settings(
        settings,
        [
            name
            for name in names
            if name in USUAL or getattr(settings, name) != getattr(usual, name)
        ],
    )


def all_settings(settings: Settings) -> Table:
    """List every setting, its value and what it means."""
    return _settings(settings, [field.name for field in dataclasses.fields(settings)])


def _settings(settings: Settings, names: list[str]) -> Table:
    help_of = {field.name: field.metadata["help"] for field in dataclasses.fields(settings)}
    rows = [(name, _as_text(getattr(settings, name)), help_of[name]) for name in names]
    return Table(("setting", "value", "meaning"), rows)


def _as_text(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return {"None": "–", "True": "yes", "False": "no"}.get(text, text)


def data(settings: Settings) -> Table:
    """List the datasets: how many classes and images, and how many of these have labels."""
    roles = {
        **({settings.source_dataset: "source"} if settings.source_dataset else {}),
        **dict.fromkeys(settings.targets, "target"),
        **({settings.foreign_images: "foreign images"} if settings.foreign_images else {}),
    }
    rows = []
    for name, role in roles.items():
        dataset = datasets.load(name)
        per_class = settings.labels_of.get(name)
        labelled = (
            len(dataset.train)
            if per_class is None
            else len(datasets.choose(dataset, per_class, seed=0).labelled)
        )
        rows.append(
            (
                f"{name} ({role})",
                str(len(dataset.class_names)),
                f"{len(dataset.train):,}",
                "–" if role == "foreign images" else f"{labelled:,}",
                f"{len(dataset.test):,}",
                dataset.licence,
            )
        )
    head = ("dataset", "classes", "training images", "labels seen", "test images", "licence")
    return Table(head, rows)


def ways(compared: dict[str, baselines.Way]) -> Table:
    """List the ways of training that a report compares."""
    rows = [(name, WAYS[name]) for name in (*compared, ASKED)]
    return Table(("way", "what it does"), rows)


def accuracies(findings: Findings, target: str) -> Table:
    """List a target's test accuracies, and how much better or worse the asked-for way is."""
    differences = findings.differences(target)
    rows = [
        (
            name,
            _percent(way.accuracy[target]),
            " ".join(f"{100 * value:.1f}" for value in way.accuracy[target]),
            str(differences[name]) if name in differences else "–",
        )
        for name, way in findings.serving(target).items()
    ]
    head = ("way", "test accuracy", "each seed, %", "SimMIM minus this one")
    return Table(head, rows, f"{target}: means with 95 % intervals")


def _percent(values: np.ndarray) -> str:
    return f"{mean_and_interval(100 * values, digits=1)} %"


def calibration(findings: Findings) -> Table:
    """List the expected calibration error of every way on every target."""
    targets = findings.settings.targets
    rows = [
        (
            name,
            *(
                _percent(way.calibration_error(target)) if target in way.accuracy else "–"
                for target in targets
            ),
        )
        for name, way in findings.ways.items()
    ]
    return Table(("way", *targets), rows, "Expected calibration error, with 95 % intervals")


def cost(findings: Findings) -> Table:
    """List what each way takes."""
    rows = [
        (
            name,
            f"{way.cost.trained:,}",
            f"{way.cost.frozen:,}",
            f"{way.seconds:.1f}",
            f"{way.cost.flops / 1e9:,.1f}",
        )
        for name, way in findings.ways.items()
        if way.cost.flops
    ]
    head = (
        "way",
        "trained parameters",
        "frozen parameters",
        "seconds, all seeds",
        "estimated GFLOP, all seeds",
    )
    return Table(head, rows, f"Peak memory of the process: {peak_memory_in_words()}")


def environment(settings: Settings) -> Table:
    """List what the numbers depend on besides the settings."""
    return Table(("what", "which"), list(describe_environment(settings).items()))
