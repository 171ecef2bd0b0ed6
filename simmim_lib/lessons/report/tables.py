"""Tables of lesson 10: what a report says of an experiment and its baselines."""

import dataclasses

import numpy as np

from simmim_lib import datasets
from simmim_lib.experiments import baselines
from simmim_lib.experiments.baselines import ASKED, SCRATCH, WAYS, Findings, has_probabilities
from simmim_lib.experiments.environment import describe_environment, peak_memory_in_words
from simmim_lib.foundation.intervals import mean_and_interval
from simmim_lib.lessons.report.judgements import THRESHOLD
from simmim_lib.reports.pages import Paragraph, Table
from simmim_lib.reports.words import image_sizes, listed
from simmim_lib.settings import Settings
from simmim_lib.trunks.catalogue import SMALL_CNN

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
    """List the datasets: how many classes and examples, and how many of these have labels."""
    roles = {
        **({settings.source_dataset: "source"} if settings.source_dataset else {}),
        **dict.fromkeys(settings.targets, "target"),
        **({settings.foreign_images: "foreign images"} if settings.foreign_images else {}),
    }
    names = datasets.short_names(roles)
    rows = [
        (f"{names[name]} ({role})", *_counts(settings, name, role), image_sizes(name, settings))
        for name, role in roles.items()
    ]
    head = ("dataset", "classes", "training examples", "labels seen", "test examples", "size")
    licences = (f"{names[name]}: {datasets.describe(name).licence}" for name in roles)
    return Table(head, rows, f"Licences: {'; '.join(licences)}")


def _counts(settings: Settings, name: str, role: str) -> tuple[str, ...]:
    """Return how many classes a dataset has, and how many examples of each sort."""
    dataset = datasets.load(name, settings.image_size)
    per_class = settings.labels_of.get(name)
    labelled = len(dataset.train)
    if per_class is not None:
        labelled = len(datasets.choose(dataset, per_class, seed=0).labelled)
    return (
        _classes(dataset),
        f"{len(dataset.train):,}",
        "–" if role == "foreign images" else f"{labelled:,}",
        f"{len(dataset.test):,}",
    )


def _classes(dataset: datasets.Dataset) -> str:
    number = len(dataset.class_names)
    return {
        "classification": str(number),
        "multi-label": f"{number} labels",
        "regression": f"a number, {listed(dataset.class_names)}",
    }[dataset.kind]


def ways(settings: Settings, compared: dict[str, baselines.Way]) -> Table:
    """List the ways of training that a report compares."""
    meanings = WAYS
    if settings.baseline == "small-trunk":
        scratch = f"{WAYS[SCRATCH]}; the workbook's small network, at {SMALL_CNN.size} pixels"
        meanings = {**WAYS, SCRATCH: scratch}
    rows = [(name, meanings[name]) for name in (*compared, ASKED)]
    return Table(("way", "what it does"), rows)


def accuracies(findings: Findings, target: str) -> Table:
    """List a target's test scores, and how much better or worse the asked-for way is."""
    differences, judged = findings.differences(target), findings.yardstick(target)
    rows = [
        (
            name,
            judged.mean(way.main_scores(target)),
            judged.each(way.main_scores(target)),
            str(differences[name]) if name in differences else "–",
        )
        for name, way in findings.serving(target).items()
    ]
    head = (
        "way",
        f"test {judged.measure}",
        f"each seed{', %' if judged.unit else ''}",
        f"{ASKED}, {'error smaller by' if judged.is_error else 'minus this one'}",
    )
    return Table(head, rows, f"{findings.names[target]}: means with 95 % intervals")


def labels(findings: Findings, target: str) -> Table:
    """List for each label of a multi-label target how well the networks know where it is true."""
    data = findings.data(target)
    true = data.test.labels > 0
    said = findings.asked.probabilities[target] >= THRESHOLD
    rows = [
        (
            name,
            f"{true[:, column].sum():,}",
            _percent(_share(said[..., column] & true[:, column], true[:, column])),
            _percent(_share(said[..., column] & true[:, column], said[..., column])),
            _percent(np.mean(said[..., column] == true[:, column], axis=1)),
        )
        for column, name in enumerate(data.class_names)
    ]
    head = ("label", "test examples with it", "found (recall)", "right (precision)", "accuracy")
    return Table(head, rows, f"{findings.names[target]}: means with 95 % intervals")


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return for each seed how much of a whole a part is, (seeds,), NaN of nothing.

    Args:
        part: (seeds, n), of yes or no.
        whole: (n,) or (seeds, n).
    """
    counts = np.broadcast_to(whole, part.shape).sum(axis=1)
    return np.divide(part.sum(axis=1), counts, out=np.full(len(part), np.nan), where=counts > 0)


def _percent(values: np.ndarray) -> str:
    """Return mean and interval of shares, (seeds,); without those of nothing, which are NaN."""
    known = values[~np.isnan(values)]
    return f"{mean_and_interval(100 * known, digits=1)} %" if len(known) else "–"


def calibration(findings: Findings) -> Table | Paragraph:
    """List the expected calibration error of every way on every target that has probabilities."""
    targets = [target for target in findings.settings.targets if has_probabilities(target)]
    if not targets:
        return Paragraph("Numbers come without probabilities, so there is nothing to calibrate.")
    rows = [
        (
            name,
            *(
                _percent(way.calibration_error(target)) if target in way.probabilities else "–"
                for target in targets
            ),
        )
        for name, way in findings.ways.items()
    ]
    head = ("way", *(findings.names[target] for target in targets))
    return Table(head, rows, "Expected calibration error, with 95 % intervals")


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
