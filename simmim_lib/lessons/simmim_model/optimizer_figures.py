"""Pictures of lesson 03: optimizers over steps, on a slice of the loss and by learning rate."""

from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib.foundation.intervals import intervals, mean_and_interval, seeds_in_words
from simmim_lib.lessons.simmim_model.optimizers import (
    MAX_VALIDATION_IMAGES,
    RATES,
    Comparison,
    accuracies,
    best_rate,
    verdicts,
)
from simmim_lib.pictures.style import BAND, COLOURS, Picture, make_logarithmic, new_figure, styled
from simmim_lib.settings import OPTIMIZERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLES = {
    "sgd": "SGD",
    "momentum": "momentum",
    "adam": "Adam",
    "adamw": "AdamW",
    "rmsprop": "RMSProp",
}

LINES: dict[str, dict[str, Any]] = {
    "sgd": {"color": "#004488", "ls": "-"},  # dark blue
    "momentum": {"color": "#6699CC", "ls": (0, (6, 1.5))},  # light blue
    "adam": {"color": "#994455", "ls": "-"},  # dark red
    "adamw": {"color": "#EE99AA", "ls": (0, (2, 1.5))},  # light red
    "rmsprop": {"color": "#997700", "ls": (0, (6, 1.5, 1, 1.5))},  # dark yellow
}
"""Relatives share a hue; markers and kinds of line tell them apart without it.

Source: Paul Tol's "medium-contrast" scheme, told apart by colour-blind readers.
"""

COLUMNS = {0.35: "learning rate", 0.55: "training loss", 0.8: "validation accuracy"}
"""Heads of the table of optimizers, by where they end."""

MARKERS = {"sgd": "o", "momentum": "s", "adam": "^", "adamw": "v", "rmsprop": "D"}


@styled
def comparison(compared: Comparison) -> Picture:
    """Draw the loss over steps, the paths on a slice of it, and a table of both.

    Args:
        compared: from `optimizers.compare`.
    """
    rows = len(compared.setup.optimizers)
    height = 4.2 + 0.24 * (rows + 1)
    figure = new_figure(8, height)

    def box(left: float, width: float) -> tuple[float, float, float, float]:
        return left, 1 - 3.6 / height, width, 3.25 / height  # as high in inches for any table

    _draw_losses(figure.add_axes(box(0.12, 0.35)), compared)
    _draw_slice(figure.add_axes(box(0.58, 0.405)), compared)
    _draw_table(figure, compared, (0.02, 0.06 / height, 0.96, 0.24 * (rows + 1) / height))
    return Picture(figure, _describe(compared))


def _draw_losses(axes: "Axes", compared: Comparison) -> None:
    for name, loss in zip(compared.setup.optimizers, compared.loss, strict=True):
        style = {"lw": 2, "zorder": _depth(name), **LINES[name]}
        axes.plot(compared.steps, np.median(loss, axis=0), **style)
        low, high = loss.min(axis=0), loss.max(axis=0)
        axes.fill_between(compared.steps, low, high, color=style["color"], **BAND)
    seeds = seeds_in_words(compared.setup.seeds, "median and range of")
    title = f"Training loss: {seeds}"
    make_logarithmic(axes, "y")
    axes.set(xlabel="training step", ylabel="loss (nats)", title=title)
    axes.set_xlim(0, compared.steps[-1])
    start = np.nanmax(compared.loss[..., 0])
    axes.set_ylim(top=min(np.nanmax(compared.loss) * 1.3, 10 * start))  # the rest has gone astray


def _draw_slice(axes: "Axes", compared: Comparison) -> None:
    plane = compared.plane
    levels = _levels(plane.losses)
    grid = (plane.horizontal, plane.vertical, np.clip(plane.losses, None, 10 * levels[-1]))
    # The higher, the darker; lines alone, so that the paths' colours keep their contrast.
    shades = [f"{shade:.2f}" for shade in np.linspace(0.85, 0.3, len(levels))]
    contours = axes.contour(*grid, levels, colors=shades, linewidths=1.1)
    axes.clabel(contours, levels[::2], fmt=_loss, fontsize=8, colors="#444444")
    for name, path in zip(compared.setup.optimizers, plane.paths, strict=True):
        _draw_path(axes, name, path)
    axes.plot(0, 0, "*", ms=14, color="black", mec="white", mew=1.2, zorder=6)
    (left, right), (low, high) = plane.horizontal[[0, -1]], plane.vertical[[0, -1]]
    axes.set(
        xlim=(left, right),
        ylim=(low, high),
        aspect="equal",
        title="Slice of the loss (nats), seed 0",
    )
    axes.set(xlabel="distance along 1st direction", ylabel="along 2nd direction")
    axes.grid(visible=False)


def _draw_path(axes: "Axes", name: str, path: np.ndarray) -> None:
    """Draw the way on the slice with a dot for each look, shape (K, 2), and mark its end."""
    depth, line = _depth(name), LINES[name]
    axes.plot(*path.T, color="white", lw=3.6, zorder=depth)
    axes.plot(*path.T, lw=2, zorder=depth, **line)
    # Where the dots lie close, the steps were short.
    dots: dict[str, Any] = {"ms": 3.5, "mec": "white", "mew": 0.4, "zorder": depth}
    axes.plot(*path.T, "o", color=line["color"], **dots)
    end = path[np.isfinite(path).all(axis=1)][-1]
    mark: dict[str, Any] = {"ms": 8, "mec": "white", "mew": 1.2, "zorder": depth + 2}
    axes.plot(*end, MARKERS[name], color=line["color"], **mark)


def _depth(name: str) -> int:
    """Return how far in front an optimizer is drawn: AdamW's dashes let Adam's line be seen."""
    return 3 if name == "adamw" else 2


def _levels(losses: np.ndarray) -> np.ndarray:
    """Return heights for contours, evenly spread in the logarithm, high cliffs left out."""
    low = np.nanmin(losses)
    high = min(np.nanmax(losses), max(30.0, 2 * low))
    return np.geomspace(low, max(high, 1.01 * low), 12)[1:]


def _draw_table(
    figure: "Figure", compared: Comparison, box: tuple[float, float, float, float]
) -> None:
    """Say of each line whose it is, and the numbers that belong to it."""
    names = compared.setup.optimizers
    axes = figure.add_axes(box)
    axes.set(xlim=(0, 1), ylim=(len(names) + 0.5, -0.5))
    axes.axis("off")
    for place, head in COLUMNS.items():
        axes.text(place, 0, head, ha="right", va="center", fontsize=9, color="#555555")
    for row, name in enumerate(names, start=1):
        axes.plot([0.005, 0.05], [row, row], lw=2, **LINES[name])
        axes.plot(0.0275, row, MARKERS[name], ms=7, color=LINES[name]["color"], mec="white")
        axes.text(0.065, row, TITLES[name], va="center", fontsize=10)
        for place, text in zip(COLUMNS, _numbers(compared, row - 1), strict=True):
            axes.text(place, row, text, ha="right", va="center", fontsize=10)


def _numbers(compared: Comparison, row: int) -> tuple[str, ...]:
    """Return an optimizer's learning rate, and what it has come to: loss and accuracy."""
    return (
        f"{compared.rates[row]:g}",
        _loss(np.median(compared.loss[row, :, -1])),
        f"{np.median(compared.accuracy[row, :, -1]):.3f}",
    )


def _loss(value: float) -> str:
    return f"{value:.2g}" if np.isfinite(value) else "none: diverged"


def _describe(compared: Comparison) -> str:
    setup = compared.setup
    sentences = []
    for row, name in enumerate(setup.optimizers):
        rate, loss, accuracy = _numbers(compared, row)
        sentences.append(
            f"{TITLES[name]} at learning rate {rate}: final loss {loss}, validation accuracy "
            f"{accuracy}, {compared.plane.shares[row]:.0%} of the path's length lies in the slice"
        )
    seeds = seeds_in_words(setup.seeds, "medians over")
    return (
        f"Optimizers on the same {setup.labels_per_class} images of each digit and the same "
        f"batches for {setup.steps} steps, schedule {setup.schedule}, {seeds}. Left: training "
        f"loss over steps. Right: the paths of the first seed on the plane of their two principal "
        f"directions, over contours of the loss from {compared.plane.losses.min():.2g} to "
        f"{compared.plane.losses.max():.2g} nats. {'; '.join(sentences)}. Accuracy is on "
        f"{MAX_VALIDATION_IMAGES} validation images a seed."
    )


@styled
def claim(common: float = 0.001, schedule: str = "constant") -> Picture:
    """Draw the stored accuracies over the learning rate, and who beats plain gradient descent.

    Args:
        common: one of `optimizers.RATES`, at which all are compared, too.
        schedule: a name of `settings.SCHEDULES`.
    """
    figure = new_figure(8, 4.6)
    curves = figure.add_axes((0.08, 0.27, 0.47, 0.65))
    judged = figure.add_axes((0.68, 0.27, 0.29, 0.65))
    alt = _draw_rates(curves, schedule)
    alt += _draw_verdicts(judged, common, schedule)
    curves.legend(loc="upper left", bbox_to_anchor=(-0.02, -0.17), ncols=3, fontsize=10)
    return Picture(figure, alt)


def _draw_rates(axes: "Axes", schedule: str) -> str:
    """Draw test accuracy over the learning rate, and return the same in words."""
    sentences = []
    for shift, name in enumerate(OPTIMIZERS, start=-2):
        by_rate = [accuracies(name, rate, schedule) for rate in RATES]
        means, half_widths = intervals(by_rate)
        places = np.array(RATES) * 1.04**shift  # beside each other, not on top
        style = {"marker": MARKERS[name], "ms": 5, "capsize": 2, "lw": 1.8, **LINES[name]}
        axes.errorbar(places, means, half_widths, label=TITLES[name], **style)
        best = RATES.index(best_rate(name, schedule))
        ring = {"mfc": "none", "mec": style["color"], "mew": 1.6, "ms": 13}
        axes.plot(places[best], means[best], "o", **ring)
        number = mean_and_interval(by_rate[best])
        sentences.append(f"{TITLES[name]} {number} at its best, {RATES[best]:g}")
    seeds = len(by_rate[0])
    axes.set(
        xscale="log",
        xticks=RATES,
        xticklabels=[f"{rate:g}" for rate in RATES],
        ylim=(0, 1),
        xlabel="learning rate (ringed: best on validation images)",
        ylabel="test accuracy",
        title=f"Every optimizer at every rate: {seeds} seeds, 95 %",
    )
    axes.minorticks_off()
    return (
        f"Test accuracy of five optimizers over the learning rate, schedule {schedule}, {seeds} "
        f"seeds with 95 % intervals: {'; '.join(sentences)}."
    )


def _draw_verdicts(axes: "Axes", common: float, schedule: str) -> str:
    """Draw the differences from plain gradient descent, and return the same in words."""
    rows = ((None, "each at its best", -0.1, "full"), (common, f"all at {common:g}", 0.3, "none"))
    sentences = []
    for rate, label, shift, fill in rows:
        gains = verdicts(rate, schedule)
        for row, (name, gain) in enumerate(gains.items()):
            style: Any = {"marker": MARKERS[name], "ms": 7, "fillstyle": fill, "capsize": 3}
            colour, bar = LINES[name]["color"], gain.half_width
            axes.errorbar(gain.mean, row + shift, xerr=bar, color=colour, **style)
            text = gain.size.replace("-", "−")
            axes.text(gain.mean, row + shift - 0.12, text, ha="center", va="bottom", fontsize=8)
        axes.plot([], [], "o", fillstyle=fill, color=COLOURS["baseline"], label=label)
        judged = "; ".join(f"{TITLES[name]} {gain}" for name, gain in gains.items())
        sentences.append(f" Against SGD, {label}: {judged}.")
    axes.axvline(0, color=COLOURS["baseline"], ls="--", lw=1)
    axes.set_yticks(range(len(gains)), [TITLES[name] for name in gains])
    axes.set(ylim=(len(gains) - 0.5, -0.5), xlabel="accuracy gained (points)", title="Against SGD")
    axes.grid(axis="x")
    axes.margins(x=0.18)
    axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.17), ncols=2, fontsize=9)
    return "".join(sentences)
