"""Figures of lesson 01."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from simmim_lib import datasets
from simmim_lib.experiments import Result
from simmim_lib.experiments.network import architecture
from simmim_lib.foundation.intervals import (
    interval,
    intervals,
    mean_and_interval,
    seeds_in_words,
)
from simmim_lib.pictures.charts import draw_baseline, error_bar, error_bars, show_image
from simmim_lib.pictures.networks import draw_network
from simmim_lib.pictures.style import COLOURS, Picture, new_figure, shortened, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LONG_NAMES = 10
"""Letters of two classes from which they need a line each, above a small picture."""

PROBE_NOTE = "A probe freezes all layers,\nwhatever the slider says."


@styled
def frozen_depth(results: Mapping[int, Result], shown: int, baseline: Result | None) -> Picture:
    """Draw the network, the accuracy for every number of frozen layers, and some mistakes.

    Args:
        results: by number of frozen layers; those not measured yet are left out.
        shown: the number whose network and mistakes are drawn; a key of `results`.
        baseline: the same task from scratch, once it is measured.

    A probe freezes all layers, so it has one result, and the figure says why.
    """
    result = results[shown]
    target = result.settings.targets[0]
    figure = new_figure(8, 6)
    draw_network(figure.add_axes((0.02, 0.57, 0.96, 0.40)), result.settings)
    _draw_depth_curve(figure.add_axes((0.085, 0.10, 0.50, 0.37)), results, shown, baseline, target)
    _draw_mistakes(figure, result, target, (0.64, 0.03, 0.35, 0.48))
    return Picture(figure, _describe_depth_curve(results, shown, baseline, target))


def _draw_depth_curve(
    axes: "Axes",
    results: Mapping[int, Result],
    shown: int,
    baseline: Result | None,
    target: str,
) -> None:
    depths = sorted(results)
    if baseline is not None:
        draw_baseline(axes, baseline.accuracy[target])
    for depth in depths:
        values = results[depth].accuracy[target]
        offsets = np.linspace(-0.12, 0.12, len(values)) if len(values) > 1 else [0.0]
        axes.plot(depth + np.asarray(offsets), values, "o", ms=4, color=COLOURS["unlabelled"])
    settings = results[shown].settings
    layers = len(settings.trunk_info.blocks)
    means, half_widths = intervals([results[depth].accuracy[target] for depth in depths])
    axes.errorbar(
        depths,
        means,
        error_bars(half_widths),
        fmt="o-",
        color=COLOURS["target"],
        capsize=4,
        label=seeds_in_words(settings.seeds, "mean and 95 % interval of"),
    )
    axes.axvspan(shown - 0.3, shown + 0.3, color=COLOURS["frozen"], alpha=0.25, lw=0)
    axes.set(
        xlim=(-0.5, layers + 0.5),
        xticks=range(layers + 1),
        xlabel="frozen layers",
        ylabel="test accuracy",
        title=f"{settings.labels_per_class} labels per class, {seeds_in_words(settings.seeds)}",
    )
    if settings.adaptation == "probe":
        axes.text(0.04, 0.55, PROBE_NOTE, transform=axes.transAxes)
    axes.legend(loc="lower left", fontsize=9)


def _draw_mistakes(
    figure: "Figure", result: Result, target: str, place: tuple[float, float, float, float]
) -> None:
    """Show the first eight test images that the first seed's network gets wrong."""
    dataset = datasets.load(target, result.settings.image_size)
    guesses = result.predictions[target][0]
    wrong = np.flatnonzero(guesses != dataset.test.labels)
    left, bottom, width, height = place
    figure.text(
        left, bottom + height - 0.02, f"{len(wrong):,} mistakes in {len(guesses):,}, seed 0"
    )
    for position, index in enumerate(wrong[:8]):
        row, column = divmod(position, 4)
        axes = figure.add_axes(
            (left + column * width / 4, bottom + (1 - row) * 0.23, width / 4.2, 0.17)
        )
        show_image(axes, dataset.test.images[index])
        truth, guess = (
            shortened(dataset.class_names[i], 10)
            for i in (dataset.test.labels[index], guesses[index])
        )
        between = " as " if len(truth + guess) < LONG_NAMES else "\nas "
        axes.set_title(f"{truth}{between}{guess}", fontsize=7.5, loc="center", pad=2)


def _describe_depth_curve(
    results: Mapping[int, Result], shown: int, baseline: Result | None, target: str
) -> str:
    settings = results[shown].settings
    values = "; ".join(
        f"{depth} frozen: {mean_and_interval(results[depth].accuracy[target])}"
        for depth in sorted(results)
    )
    scratch = f" From scratch: {mean_and_interval(baseline.accuracy[target])}." if baseline else ""
    note = f" {' '.join(PROBE_NOTE.split())}" if settings.adaptation == "probe" else ""
    layers = architecture(settings)
    return (
        f"Test accuracy on {datasets.short_name(target)} after pre-training on {settings.source}, "
        f"{settings.labels_per_class} labels per class, {seeds_in_words(settings.seeds)}, "
        f"budget {settings.budget}. {values}.{scratch}{note} The drawing marks as frozen: "
        f"{', '.join(settings.frozen_layer_names) or 'no layer'}. {layers.trained:,} weights "
        f"trained, {layers.frozen:,} frozen."
    )


def _draw_score(axes: "Axes", score: float, accuracy: np.ndarray, marker: str) -> None:
    """Draw the mean accuracy of the seeds, with its interval, above a score."""
    mean, half_width = interval(accuracy)
    axes.errorbar(score, mean, error_bar(half_width), fmt=marker, color=COLOURS["source"])


@styled
def score_against_accuracy(
    scores: Mapping[str, Mapping[tuple[str, str], float]],
    accuracy: Mapping[tuple[str, str], np.ndarray],
    baselines: Mapping[str, np.ndarray],
    title: str,
) -> Picture:
    """Draw, for each score, what it said beforehand against what happened.

    Args:
        scores: by name and unit of the score, then by (source, target).
        accuracy: by (source, target), one for each seed.
        baselines: by target, the accuracies from scratch.
        title: what was measured, and with which budget.
    """
    targets = list(baselines)
    sources = sorted({source for source, _ in accuracy})
    markers = dict(zip(sources, "osD^v", strict=False))
    height = 1.4 + 1.6 * len(targets)
    figure = new_figure(8, height)
    figure.text(0.01, 1 - 0.1 / height, title, va="top", fontsize=12)
    axes_of = figure.subplots(len(targets), len(scores), sharey="row", squeeze=False)
    for row, target in zip(axes_of, targets, strict=True):
        for axes, (name, values) in zip(row, scores.items(), strict=True):
            draw_baseline(axes, baselines[target])
            for source in sources:
                if (source, target) in accuracy:
                    of_source = accuracy[source, target]
                    _draw_score(axes, values[source, target], of_source, markers[source])
            axes.margins(x=0.25)
            axes.locator_params(nbins=3)
            axes.tick_params(labelsize=9)
            if target == targets[-1]:
                axes.set_xlabel(name, fontsize=9)
        row[0].set_ylabel(f"{target}\ntest accuracy", fontsize=9)
    handles = [
        axes_of[0, 0].plot([], [], markers[source], color=COLOURS["source"])[0]
        for source in sources
    ]
    handles.append(axes_of[0, 0].plot([], [], "--", color=COLOURS["baseline"])[0])
    names = [*(f"from {source}" for source in sources), "from scratch"]
    corner = (0.0, 1 - 0.3 / height)
    figure.legend(
        handles, names, ncols=len(names), fontsize=9, loc="upper left", bbox_to_anchor=corner
    )
    edges = {"left": 0.1, "right": 0.98, "top": 1 - 0.75 / height, "bottom": 0.65 / height}
    figure.subplots_adjust(**edges, wspace=0.12, hspace=0.35)
    numbers = "; ".join(
        f"{source or 'scratch'} to {target}: {mean_and_interval(values)}"
        for (source, target), values in [
            *accuracy.items(),
            *(((None, target), values) for target, values in baselines.items()),
        ]
    )
    return Picture(figure, f"Test accuracy against {', '.join(scores)}. {title}. {numbers}.")
