"""Pictures of lesson 10: what a report shows of an experiment and its baselines."""

from typing import Any

import numpy as np

from simmim_lib import calibration
from simmim_lib.experiments.baselines import (
    ASKED,
    FINE_TUNE,
    PROBE,
    SCRATCH,
    SEPARATE,
    Findings,
    decisions,
)
from simmim_lib.foundation.intervals import mean_and_interval, seeds_in_words
from simmim_lib.lessons.report import tables
from simmim_lib.pictures import charts, classification
from simmim_lib.pictures.style import COLOURS, Picture, new_figure, shortened, styled
from simmim_lib.reports.pages import Table
from simmim_lib.settings import Settings

TITLES = 60
"""Characters of titles that fit beside each other."""

STYLES: dict[str, dict[str, Any]] = {
    SCRATCH: {"color": COLOURS["baseline"], "ls": "--"},
    PROBE: {"color": COLOURS["frozen"], "ls": ":"},
    FINE_TUNE: {"color": COLOURS["trained"], "ls": "-."},
    SEPARATE: {"color": COLOURS["source"], "ls": (0, (5, 1))},
    ASKED: {"color": COLOURS["target"], "ls": "-"},
}
"""How each way of training is drawn; line and colour both tell it from the others."""


@styled
def accuracies(findings: Findings) -> Picture:
    """Draw what each target is judged by, for all ways of training, and its 95 % intervals."""
    settings, names = findings.settings, findings.names
    titles = _titles(names)
    missing = np.array([np.nan])
    groups = {
        titles[target]: {
            name: way.main_scores(target) if target in way.scores else missing
            for name, way in findings.ways.items()
        }
        for target in settings.targets
    }
    judged = {target: findings.yardstick(target) for target in settings.targets}
    measures = {titles[target]: judged[target].measure for target in settings.targets}
    title = f"Mean, 95 % interval and every seed: {made_by(settings)}"
    means = "; ".join(
        f"{names[target]}, {name}: {judged[target].number(way.main_scores(target).mean())}"
        for target in settings.targets
        for name, way in findings.serving(target).items()
    )
    return Picture(
        charts.accuracy_rows(groups, title, measures).figure,
        f"Test scores ({', '.join(dict.fromkeys(measures.values()))}) of {settings.seeds} seeds "
        f"with their intervals, which the tables below give as numbers. Means: {means}.",
    )


def _titles(names: dict[str, str]) -> dict[str, str]:
    """Return names that fit beside each other, unless that makes some of them the same."""
    short = {target: shortened(name, TITLES // len(names)) for target, name in names.items()}
    return short if len({*short.values()}) == len(short) else names


def made_by(settings: Settings) -> str:
    """Return what every figure says of where it comes from."""
    return f"{seeds_in_words(settings.seeds)}, budget {settings.budget}"


def outcome(findings: Findings, target: str) -> Picture | Table:
    """Show what is predicted beside the truth, as suits the kind of the target."""
    shown = {
        "classification": confusion,
        "multi-label": tables.labels,
        "regression": predicted_numbers,
    }[findings.data(target).kind]
    return shown(findings, target)


@styled
def confusion(findings: Findings, target: str) -> Picture:
    """Draw which class is taken for which, in percent of the true class, mean over seeds."""
    class_names = findings.data(target).class_names
    shares = confusion_shares(findings, target)
    ticks = [shortened(name, 12) for name in class_names]
    # Names that stand upright need more room below.
    bottom, height = (0.20, 5.9) if classification.turned(ticks) else (0.11, 5.3)
    figure = new_figure(6.6, height)
    axes = figure.add_axes((0.19, bottom, 0.64, 0.92 - bottom))
    percent = np.rint(100 * shares).astype(int)
    image = classification.draw_confusion(axes, shares, percent, ticks)
    axes.set_title(_title(findings, target))
    bar = figure.colorbar(image, cax=figure.add_axes((0.86, bottom, 0.03, 0.92 - bottom)))
    bar.set_label("percent of the true class")
    return Picture(figure, _describe_confusion(shares, class_names, findings.names[target]))


def _title(findings: Findings, target: str, before: str = "") -> str:
    return f"{shortened(findings.names[target])}: {before}{made_by(findings.settings)}"


def confusion_shares(findings: Findings, target: str) -> np.ndarray:
    """Return the share of each true class (row) that is predicted as each class (column)."""
    labels = findings.data(target).test.labels
    counts = [
        classification.confusion_counts(probabilities, labels)
        for probabilities in findings.asked.probabilities[target]
    ]
    return classification.confusion_shares(np.array(counts)).mean(axis=0)


def _describe_confusion(shares: np.ndarray, class_names: tuple[str, ...], name: str) -> str:
    right = "; ".join(
        f"{each}: {100 * share:.0f} %"
        for each, share in zip(class_names, np.diag(shares), strict=True)
    )
    true, predicted = classification.most_confused(shares)
    return (
        f"Confusion matrix of {name}. Recognised, by true class: {right}. The most frequent "
        f"confusion: {class_names[true]} is taken for {class_names[predicted]} in "
        f"{100 * shares[true, predicted]:.0f} %."
    )


@styled
def learning_curves(findings: Findings, target: str) -> Picture:
    """Draw how what a target is judged by changed on validation images, for each way."""
    figure = new_figure(8, 3.6)
    axes = figure.add_axes((0.10, 0.16, 0.65, 0.74))
    judged, sentences = findings.yardstick(target), []
    for name, way in findings.serving(target).items():
        if target not in way.curves:
            continue
        steps, curve = way.steps[target], judged.from_validation(way.curves[target])
        mean, low, high = curve.mean(axis=1), curve.min(axis=1), curve.max(axis=1)
        axes.plot(steps, mean, label=name, lw=2, **STYLES[name])
        axes.fill_between(steps, low, high, color=STYLES[name]["color"], alpha=0.15, lw=0)
        first, middle, last = map(judged.number, (mean[0], mean[len(mean) // 2], mean[-1]))
        sentences.append(f"{name}: {first} at first, {middle} half-way, {last} at the end")
    top = None if judged.is_error else 1.02
    axes.set(xlabel="training steps", ylabel=f"validation {judged.measure}", ylim=(0, top))
    axes.margins(x=0.01)
    axes.set_title(_title(findings, target, "mean and range of "))
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), fontsize=10)
    return Picture(
        figure,
        f"Validation {judged.title} on {findings.names[target]} by training step. "
        f"{'. '.join(sentences)}.",
    )


@styled
def reliability(findings: Findings, target: str) -> Picture:
    """Draw for each confidence how often a prediction is right: what was asked, and a baseline."""
    compared = {ASKED: findings.asked}
    baseline = findings.best_baseline(target)
    if baseline:
        compared[baseline] = findings.baselines[baseline]
    data = findings.data(target)
    diagrams, sentences = {}, []
    for name, way in compared.items():
        by_seed = [decisions(data, own) for own in way.probabilities[target]]
        error = f"{mean_and_interval(100 * way.calibration_error(target), digits=1)} %"
        probabilities, labels = (np.concatenate(each) for each in zip(*by_seed, strict=True))
        title = f"{name}:\ncalibration error {error}"
        diagrams[title] = calibration.reliability(probabilities, labels)
        sentences.append(f"{name}: expected calibration error {error}")
    return Picture(
        classification.draw_reliability(diagrams, _title(findings, target)),
        f"Reliability diagrams of {findings.names[target]}: the share of right predictions by "
        f"confidence, and how many predictions are that confident. {'. '.join(sentences)}.",
    )


@styled
def predicted_numbers(findings: Findings, target: str) -> Picture:
    """Draw what the best seed predicts for each test image of a regression against the truth."""
    seed, judged = findings.result.best_seed(target), findings.yardstick(target)
    true = findings.data(target).test.labels[:, 0]
    predicted = findings.asked.probabilities[target][seed][:, 0]
    figure = new_figure(6.6, 5.3)
    axes = figure.add_axes((0.15, 0.11, 0.68, 0.81))
    ends = np.array([min(true.min(), predicted.min()), max(true.max(), predicted.max())])
    axes.plot(ends, ends, "--", color=COLOURS["baseline"], label="as true")
    axes.plot(true, predicted, "o", ms=5, color=COLOURS["target"], alpha=0.6, label="test image")
    axes.set(xlabel=f"true {judged.label}", ylabel=f"predicted {judged.label}")
    axes.set_title(
        f"{shortened(findings.names[target])}: seed {seed}, budget {findings.settings.budget}"
    )
    axes.legend(loc="upper left", fontsize=10)
    off = np.abs(predicted - true)
    return Picture(
        figure,
        f"Predicted {judged.label} of {len(true)} test images of {findings.names[target]} against "
        f"the true one, by seed {seed}: half of them are off by less than "
        f"{judged.number(float(np.median(off)))}, the worst by {judged.number(off.max())}.",
    )
