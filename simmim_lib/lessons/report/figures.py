"""Pictures of lesson 10: what a report shows of an experiment and its baselines."""

from typing import TYPE_CHECKING, Any

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
from simmim_lib.foundation.intervals import interval
from simmim_lib.pictures import charts
from simmim_lib.pictures.style import COLOURS, Picture, new_figure, styled
from simmim_lib.settings import Settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOOKS: dict[str, dict[str, Any]] = {
    SCRATCH: {"color": COLOURS["baseline"], "ls": "--"},
    PROBE: {"color": COLOURS["frozen"], "ls": ":"},
    FINE_TUNE: {"color": COLOURS["trained"], "ls": "-."},
    SEPARATE: {"color": COLOURS["source"], "ls": (0, (5, 1))},
    ASKED: {"color": COLOURS["target"], "ls": "-"},
}
"""How each way of training is drawn; line and colour both tell it from the others."""

FEWEST = 10  # predictions in a bin of a reliability diagram, for its point to be drawn
MOST_CLASSES = 20  # in a grid of examples, and with numbers in a confusion matrix


def examples(name: str, role: str) -> Picture:
    """Show an image of each class of a dataset.

    Args:
        name: the dataset.
        role: what it is for, such as "target".
    """
    data = datasets.load(name)
    classes = range(min(len(data.class_names), MOST_CLASSES))
    firsts = [np.flatnonzero(data.train.labels == label)[0] for label in classes]
    names = [data.class_names[label] for label in classes]
    alt = (
        f"One training image of each of {len(names)} of the {len(data.class_names)} classes of "
        f"{data.title} ({role}): {', '.join(names)}."
    )
    return charts.image_grid(data.train.images[firsts], [each[:11] for each in names], alt)


def accuracies(found: Findings) -> Picture:
    """Draw each target's test accuracy with all ways of training, and its 95 % intervals."""
    settings, nothing = found.settings, np.array([np.nan])
    groups = {
        target: {name: way.accuracy.get(target, nothing) for name, way in found.ways.items()}
        for target in settings.targets
    }
    title = f"Mean, 95 % interval and every seed: {made_by(settings)}"
    told = "; ".join(
        f"{target}, {name}: {100 * way.accuracy[target].mean():.1f} %"
        for target in settings.targets
        for name, way in found.serving(target).items()
    )
    return Picture(
        charts.accuracy_rows(groups, title).figure,
        f"Test accuracies of {settings.seeds} seeds with their intervals, which the tables below "
        f"give as numbers. Means: {told}.",
    )


def made_by(settings: Settings) -> str:
    """Return what every figure says of where it comes from."""
    seeds = "1 seed" if settings.seeds == 1 else f"{settings.seeds} seeds"
    return f"{seeds}, budget {settings.budget}"


@styled
def confusion(found: Findings, target: str) -> Picture:
    """Draw which class is taken for which, in percent of the true class, mean over seeds."""
    data = datasets.load(target)
    names = data.class_names
    shares = confusion_shares(found.asked, target)
    size = len(names)
    written = [name[:12] for name in names]
    turned = max(map(len, written)) > 2
    bottom = 0.20 if turned else 0.11
    figure = new_figure(6.6, 5.9 if turned else 5.3)
    axes = figure.add_axes((0.19, bottom, 0.64, 0.92 - bottom))
    image = axes.imshow(100 * shares, cmap="cividis", vmin=0, vmax=100)
    small = 9 if size <= MOST_CLASSES else 5
    axes.set_xticks(range(size), written, rotation=90 if turned else 0, fontsize=small)
    axes.set_yticks(range(size), written, fontsize=small)
    axes.grid(False)
    axes.set(xlabel="predicted class", ylabel="true class")
    axes.set_title(f"{target}: {made_by(found.settings)}")
    if size <= MOST_CLASSES:
        for row, column in np.argwhere(shares >= 0.005):
            share = 100 * shares[row, column]
            colour = "black" if share > 50 else "white"
            axes.text(column, row, f"{share:.0f}", ha="center", va="center", color=colour, size=8)
    bar = figure.colorbar(image, cax=figure.add_axes((0.86, bottom, 0.03, 0.92 - bottom)))
    bar.set_label("percent of the true class")
    return Picture(figure, _describe_confusion(shares, names, target))


def confusion_shares(way: Way, target: str) -> np.ndarray:
    """Return the share of each true class (row) that is predicted as each class (column)."""
    from sklearn.metrics import confusion_matrix

    labels = datasets.load(target).test.labels
    classes = range(way.probabilities[target].shape[-1])
    matrices = [
        confusion_matrix(labels, own.argmax(axis=-1), labels=classes, normalize="true")
        for own in way.probabilities[target]
    ]
    return np.mean(matrices, axis=0)


def _describe_confusion(shares: np.ndarray, names: tuple[str, ...], target: str) -> str:
    right = "; ".join(
        f"{name}: {100 * share:.0f} %" for name, share in zip(names, np.diag(shares), strict=True)
    )
    wrong = np.where(np.eye(len(names), dtype=bool), 0, shares)
    row, column = np.unravel_index(wrong.argmax(), wrong.shape)
    return (
        f"Confusion matrix of {target}. Recognised, by true class: {right}. The most frequent "
        f"confusion: {names[row]} is taken for {names[column]} in {100 * wrong.max():.0f} %."
    )


@styled
def learning_curves(found: Findings, target: str) -> Picture:
    """Draw how the accuracy on validation images rose with the steps, for each way."""
    figure = new_figure(8, 3.6)
    axes = figure.add_axes((0.09, 0.16, 0.66, 0.74))
    told = []
    for name, way in found.serving(target).items():
        if target not in way.curves:
            continue
        steps, curve = way.steps[target], way.curves[target]
        mean = curve.mean(axis=1)
        axes.plot(steps, mean, label=name, lw=2, **LOOKS[name])
        axes.fill_between(
            steps,
            curve.min(axis=1),
            curve.max(axis=1),
            color=LOOKS[name]["color"],
            alpha=0.15,
            lw=0,
        )
        told.append(
            f"{name}: {mean[0]:.2f} at first, {mean[len(mean) // 2]:.2f} half-way, "
            f"{mean[-1]:.2f} at the end"
        )
    axes.set(xlabel="training steps", ylabel="validation accuracy", ylim=(0, 1.02))
    axes.margins(x=0.01)
    axes.set_title(f"{target}: mean and range of {made_by(found.settings)}")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), fontsize=10)
    return Picture(figure, f"Validation accuracy on {target} by training step. {'. '.join(told)}.")


@styled
def reliability(found: Findings, target: str) -> Picture:
    """Draw for each confidence how often a prediction is right: what was asked, and a baseline."""
    ways = {ASKED: found.asked}
    beside = found.best_baseline(target)
    if beside:
        ways[beside] = found.baselines[beside]
    figure = new_figure(8, 4.3)
    told = []
    for number, (name, way) in enumerate(ways.items()):
        axes = figure.add_axes((0.09 + 0.48 * number, 0.14, 0.40, 0.64))
        labels = datasets.load(target).test.labels
        probabilities = way.probabilities[target]
        diagram = calibration.reliability(
            np.concatenate(probabilities), np.tile(labels, len(probabilities))
        )
        mean, half = interval(100 * way.calibration_error(target))
        error = f"{mean:.1f} ± {half:.1f} %" if np.isfinite(half) else f"{mean:.1f} %"
        _draw_reliability(axes, diagram)
        axes.set_title(f"{name}: expected calibration\nerror {error}")
        told.append(f"{name}: expected calibration error {error}")
    figure.text(0.02, 0.98, f"{target}: {made_by(found.settings)}", va="top", fontsize=12)
    return Picture(
        figure,
        f"Reliability diagrams of {target}: the share of right predictions by confidence, and how "
        f"many predictions are that confident. {'. '.join(told)}.",
    )


def _draw_reliability(axes: "Axes", diagram: calibration.Reliability) -> None:
    middles = (diagram.edges[:-1] + diagram.edges[1:]) / 2
    width = np.diff(diagram.edges)
    shares = diagram.count / diagram.count.sum()
    axes.bar(
        middles, shares, width, color=COLOURS["unlabelled"], alpha=0.45, label="share of images"
    )
    axes.plot([0, 1], [0, 1], "--", color=COLOURS["baseline"], label="as sure as right")
    seen = diagram.count >= FEWEST  # a share of fewer says nothing
    axes.plot(
        diagram.confidence[seen],
        diagram.accuracy[seen],
        "o-",
        color=COLOURS["target"],
        label="right",
    )
    axes.set(xlim=(0, 1), ylim=(0, 1.03), xlabel="confidence", ylabel="share")
    axes.legend(loc="upper left", fontsize=9)
