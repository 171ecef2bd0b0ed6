"""Pictures of lesson 10: what a report shows of an experiment and its baselines."""

from typing import Any

import numpy as np

from simmim_lib import calibration, datasets
from simmim_lib.experiments.baselines import (
    ASKED,
    FINE_TUNE,
    PROBE,
    SCRATCH,
    SEPARATE,
    Findings,
    Way,
)
from simmim_lib.foundation.intervals import mean_and_interval, seeds_in_words
from simmim_lib.pictures import charts, classification
from simmim_lib.pictures.style import COLOURS, Picture, new_figure, styled
from simmim_lib.settings import Settings

STYLES: dict[str, dict[str, Any]] = {
    SCRATCH: {"color": COLOURS["baseline"], "ls": "--"},
    PROBE: {"color": COLOURS["frozen"], "ls": ":"},
    FINE_TUNE: {"color": COLOURS["trained"], "ls": "-."},
    SEPARATE: {"color": COLOURS["source"], "ls": (0, (5, 1))},
    ASKED: {"color": COLOURS["target"], "ls": "-"},
}
"""How each way of training is drawn; line and colour both tell it from the others."""


def examples(name: str, role: str) -> Picture:
    """Show an image of each class of a dataset.

    Args:
        name: the dataset.
        role: what it is for, such as "target".
    """
    data = datasets.load(name)
    classes = range(min(len(data.class_names), classification.MAX_CLASSES))
    firsts = [np.flatnonzero(data.train.labels == label)[0] for label in classes]
    names = [data.class_names[label] for label in classes]
    alt = (
        f"One training image of each of {len(names)} of the {len(data.class_names)} classes of "
        f"{data.title} ({role}): {', '.join(names)}."
    )
    return charts.image_grid(data.train.images[firsts], [name[:11] for name in names], alt)


def accuracies(findings: Findings) -> Picture:
    """Draw each target's test accuracy with all ways of training, and its 95 % intervals."""
    settings = findings.settings
    missing = np.array([np.nan])
    groups = {
        target: {name: way.accuracy.get(target, missing) for name, way in findings.ways.items()}
        for target in settings.targets
    }
    title = f"Mean, 95 % interval and every seed: {made_by(settings)}"
    means = "; ".join(
        f"{target}, {name}: {100 * way.accuracy[target].mean():.1f} %"
        for target in settings.targets
        for name, way in findings.serving(target).items()
    )
    return Picture(
        charts.accuracy_rows(groups, title).figure,
        f"Test accuracies of {settings.seeds} seeds with their intervals, which the tables below "
        f"give as numbers. Means: {means}.",
    )


def made_by(settings: Settings) -> str:
    """Return what every figure says of where it comes from."""
    return f"{seeds_in_words(settings.seeds)}, budget {settings.budget}"


@styled
def confusion(findings: Findings, target: str) -> Picture:
    """Draw which class is taken for which, in percent of the true class, mean over seeds."""
    class_names = datasets.load(target).class_names
    shares = confusion_shares(findings.asked, target)
    ticks = [name[:12] for name in class_names]
    # Names that stand upright need more room below.
    bottom, height = (0.20, 5.9) if classification.turned(ticks) else (0.11, 5.3)
    figure = new_figure(6.6, height)
    axes = figure.add_axes((0.19, bottom, 0.64, 0.92 - bottom))
    percent = np.rint(100 * shares).astype(int)
    image = classification.draw_confusion(axes, shares, percent, ticks)
    axes.set_title(f"{target}: {made_by(findings.settings)}")
    bar = figure.colorbar(image, cax=figure.add_axes((0.86, bottom, 0.03, 0.92 - bottom)))
    bar.set_label("percent of the true class")
    return Picture(figure, _describe_confusion(shares, class_names, target))


def confusion_shares(way: Way, target: str) -> np.ndarray:
    """Return the share of each true class (row) that is predicted as each class (column)."""
    labels = datasets.load(target).test.labels
    counts = [
        classification.confusion_counts(probabilities, labels)
        for probabilities in way.probabilities[target]
    ]
    return classification.confusion_shares(np.array(counts)).mean(axis=0)


def _describe_confusion(shares: np.ndarray, class_names: tuple[str, ...], target: str) -> str:
    right = "; ".join(
        f"{name}: {100 * share:.0f} %"
        for name, share in zip(class_names, np.diag(shares), strict=True)
    )
    true, predicted = classification.most_confused(shares)
    return (
        f"Confusion matrix of {target}. Recognised, by true class: {right}. The most frequent "
        f"confusion: {class_names[true]} is taken for {class_names[predicted]} in "
        f"{100 * shares[true, predicted]:.0f} %."
    )


@styled
def learning_curves(findings: Findings, target: str) -> Picture:
    """Draw how the accuracy on validation images rose with the steps, for each way."""
    figure = new_figure(8, 3.6)
    axes = figure.add_axes((0.09, 0.16, 0.66, 0.74))
    sentences = []
    for name, way in findings.serving(target).items():
        if target not in way.curves:
            continue
        steps, curve = way.steps[target], way.curves[target]
        mean, low, high = curve.mean(axis=1), curve.min(axis=1), curve.max(axis=1)
        axes.plot(steps, mean, label=name, lw=2, **STYLES[name])
        axes.fill_between(steps, low, high, color=STYLES[name]["color"], alpha=0.15, lw=0)
        sentences.append(
            f"{name}: {mean[0]:.2f} at first, {mean[len(mean) // 2]:.2f} half-way, "
            f"{mean[-1]:.2f} at the end"
        )
    axes.set(xlabel="training steps", ylabel="validation accuracy", ylim=(0, 1.02))
    axes.margins(x=0.01)
    axes.set_title(f"{target}: mean and range of {made_by(findings.settings)}")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), fontsize=10)
    alt = f"Validation accuracy on {target} by training step. {'. '.join(sentences)}."
    return Picture(figure, alt)


@styled
def reliability(findings: Findings, target: str) -> Picture:
    """Draw for each confidence how often a prediction is right: what was asked, and a baseline."""
    compared = {ASKED: findings.asked}
    baseline = findings.best_baseline(target)
    if baseline:
        compared[baseline] = findings.baselines[baseline]
    labels = datasets.load(target).test.labels
    diagrams, sentences = {}, []
    for name, way in compared.items():
        probabilities = way.probabilities[target]
        error = f"{mean_and_interval(100 * way.calibration_error(target), digits=1)} %"
        diagrams[f"{name}:\ncalibration error {error}"] = calibration.reliability(
            np.concatenate(probabilities), np.tile(labels, len(probabilities))
        )
        sentences.append(f"{name}: expected calibration error {error}")
    return Picture(
        classification.draw_reliability(diagrams, f"{target}: {made_by(findings.settings)}"),
        f"Reliability diagrams of {target}: the share of right predictions by confidence, and how "
        f"many predictions are that confident. {'. '.join(sentences)}.",
    )
