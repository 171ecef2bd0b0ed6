"""Pictures of the race between optimizers: loss over steps, paths on a slice, learning rates."""

from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib.foundation.intervals import interval
from simmim_lib.lessons.simmim_model.optimizers import (
    RATES,
    WATCHED,
    Race,
    accuracies,
    best_rate,
    verdicts,
)
from simmim_lib.pictures.style import COLOURS, Picture, new_figure, styled
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

MARKERS = {"sgd": "o", "momentum": "s", "adam": "^", "adamw": "v", "rmsprop": "D"}


@styled
def race(raced: Race) -> Picture:
    """Draw the loss over steps, the paths on a slice of it, and a table of both.

    Args:
        raced: several optimizers on the same task.
    """
    rows = len(raced.plan.optimizers)
    height = 4.2 + 0.24 * (rows + 1)
    figure = new_figure(8, height)

    def box(left: float, width: float) -> tuple[float, float, float, float]:
        return left, 1 - 3.6 / height, width, 3.25 / height  # as high in inches for any table

    _draw_losses(figure.add_axes(box(0.095, 0.375)), raced)
    _draw_slice(figure.add_axes(box(0.58, 0.405)), raced)
    _draw_table(figure, raced, (0.02, 0.06 / height, 0.96, 0.24 * (rows + 1) / height))
    return Picture(figure, _describe(raced))


def _draw_losses(axes: "Axes", raced: Race) -> None:
    for name, loss in zip(raced.plan.optimizers, raced.loss, strict=True):
        look = {"lw": 2, "zorder": 3 if name == "adamw" else 2, **LINES[name]}
        axes.plot(raced.steps, np.median(loss, axis=0), **look)
        low, high = loss.min(axis=0), loss.max(axis=0)
        axes.fill_between(raced.steps, low, high, color=look["color"], alpha=0.18, lw=0)
    seeds = raced.plan.seeds
    title = "Training loss" + (f": median and range, {seeds} seeds" if seeds > 1 else ", 1 seed")
    axes.set(yscale="log", xlabel="training step", ylabel="loss (nats)", title=title)
    axes.set_xlim(0, raced.steps[-1])
    start = np.nanmax(raced.loss[..., 0])
    axes.set_ylim(top=min(np.nanmax(raced.loss) * 1.3, 10 * start))  # the rest has gone astray


def _draw_slice(axes: "Axes", raced: Race) -> None:
    plane = raced.plane
    levels = _levels(plane.losses)
    grid = (plane.horizontal, plane.vertical, np.clip(plane.losses, None, 10 * levels[-1]))
    # The higher, the darker; lines alone, so that the paths' colours keep their contrast.
    shades = [f"{shade:.2f}" for shade in np.linspace(0.85, 0.3, len(levels))]
    contours = axes.contour(*grid, levels, colors=shades, linewidths=1.1)
    axes.clabel(contours, levels[::2], fmt=_loss, fontsize=8, colors="#444444")
    for name, path in zip(raced.plan.optimizers, plane.paths, strict=True):
        front = 3 if name == "adamw" else 2
        axes.plot(*path.T, color="white", lw=3.6, zorder=front)
        axes.plot(*path.T, lw=2, zorder=front, **LINES[name])
        # A dot for each look: where they lie close, the steps were short.
        axes.plot(
            *path.T, "o", ms=3.5, color=LINES[name]["color"], zorder=front, mec="white", mew=0.4
        )
        end = path[np.isfinite(path).all(axis=1)][-1]
        look = {"ms": 8, "color": LINES[name]["color"], "mec": "white", "mew": 1.2}
        axes.plot(*end, MARKERS[name], zorder=5 if name == "adamw" else 4, **look)
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


def _levels(losses: np.ndarray) -> np.ndarray:
    """Return heights for contours, evenly spread in the logarithm, high cliffs left out."""
    low = np.nanmin(losses)
    high = min(np.nanmax(losses), max(30.0, 2 * low))
    return np.geomspace(low, max(high, 1.01 * low), 12)[1:]


def _draw_table(figure: "Figure", raced: Race, box: tuple[float, float, float, float]) -> None:
    """Say of each line whose it is, and the numbers that belong to it."""
    names = raced.plan.optimizers
    axes = figure.add_axes(box)
    axes.set(xlim=(0, 1), ylim=(len(names) + 0.5, -0.5))
    axes.axis("off")
    heads = (
        "learning rate",
        "loss",
        "validation accuracy",
        "path in slice",
        "loss at its end in slice",
    )
    places = (0.3, 0.4, 0.59, 0.74, 0.98)
    for place, head in zip(places, heads, strict=True):
        axes.text(place, 0, head, ha="right", va="center", fontsize=9, color="#555555")
    for row, name in enumerate(names, start=1):
        axes.plot([0.005, 0.05], [row, row], lw=2, **LINES[name])
        axes.plot(0.0275, row, MARKERS[name], ms=7, color=LINES[name]["color"], mec="white")
        axes.text(0.065, row, TITLES[name], va="center", fontsize=10)
        for place, text in zip(places, _numbers(raced, row - 1), strict=True):
            axes.text(place, row, text, ha="right", va="center", fontsize=10)


def _numbers(raced: Race, row: int) -> tuple[str, ...]:
    """Return an optimizer's learning rate, loss, accuracy, share of path and loss on the plane."""
    plane = raced.plane
    return (
        f"{raced.rates[row]:g}",
        _loss(np.median(raced.loss[row, :, -1])),
        f"{np.median(raced.accuracy[row, :, -1]):.3f}",
        f"{plane.shares[row]:.0%}",
        _loss(plane.end_losses[row]) + f" (really {_loss(raced.loss[row, 0, -1])})",
    )


def _loss(value: float) -> str:
    return f"{value:.2g}" if np.isfinite(value) else "none: diverged"


def _describe(raced: Race) -> str:
    plan = raced.plan
    told = []
    for row, name in enumerate(plan.optimizers):
        rate, loss, accuracy, share, seen = _numbers(raced, row)
        told.append(
            f"{TITLES[name]} at learning rate {rate}: final loss {loss}, validation accuracy "
            f"{accuracy}, {share} of the path's length lies in the slice, whose loss at its end "
            f"is {seen}"
        )
    seeds = "1 seed" if plan.seeds == 1 else f"medians over {plan.seeds} seeds"
    return (
        f"Optimizers on the same {plan.labels_per_class} images of each digit and the same batches "
        f"for {plan.steps} steps, schedule {plan.schedule}, {seeds}. Left: training loss over "
        f"steps. Right: the paths of the first seed on the plane of their two principal "
        f"directions, over contours of the loss from {raced.plane.losses.min():.2g} to "
        f"{raced.plane.losses.max():.2g} nats. {'; '.join(told)}. Accuracy is on {WATCHED} "
        "validation images a seed."
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
    told = []
    for shift, name in enumerate(OPTIMIZERS, start=-2):
        outcomes = [accuracies(name, rate, schedule) for rate in RATES]
        means, widths = np.array([interval(values) for values in outcomes]).T
        places = np.array(RATES) * 1.04**shift  # beside each other, not on top
        look = {"marker": MARKERS[name], "ms": 5, "capsize": 2, "lw": 1.8, **LINES[name]}
        axes.errorbar(places, means, widths, label=TITLES[name], **look)
        best = RATES.index(best_rate(name, schedule))
        ring = {"mfc": "none", "mec": look["color"], "mew": 1.6, "ms": 13}
        axes.plot(places[best], means[best], "o", **ring)
        told.append(
            f"{TITLES[name]} {means[best]:.3f} ± {widths[best]:.3f} at its best, {RATES[best]:g}"
        )
    seeds = len(outcomes[0])
    axes.set(
        xscale="log",
        xticks=RATES,
        xticklabels=[f"{rate:g}" for rate in RATES],
        ylim=(0, 1),
        xlabel="learning rate (ringed: best on validation images)",
        ylabel="test accuracy",
        title=f"Everyone at every rate: {seeds} seeds, 95 %",
    )
    axes.minorticks_off()
    return (
        f"Test accuracy of five optimizers over the learning rate, schedule {schedule}, {seeds} "
        f"seeds with 95 % intervals: {'; '.join(told)}."
    )


def _draw_verdicts(axes: "Axes", common: float, schedule: str) -> str:
    """Draw the differences from plain gradient descent, and return the same in words."""
    rows = ((None, "each at its best", -0.1, "full"), (common, f"all at {common:g}", 0.3, "none"))
    told = []
    for rate, label, shift, fill in rows:
        found = verdicts(rate, schedule)
        for row, (name, each) in enumerate(found.items()):
            colour = LINES[name]["color"]
            look: Any = {"marker": MARKERS[name], "ms": 7, "fillstyle": fill, "capsize": 3}
            axes.errorbar(each.mean, row + shift, xerr=each.half_width, color=colour, **look)
            text = f"{each.mean:+.1f} ± {each.half_width:.1f}".replace("-", "−")
            axes.text(each.mean, row + shift - 0.12, text, ha="center", va="bottom", fontsize=8)
        axes.plot([], [], "o", fillstyle=fill, color=COLOURS["baseline"], label=label)
        judged = "; ".join(f"{TITLES[name]} {each}" for name, each in found.items())
        told.append(f" Against SGD, {label}: {judged}.")
    axes.axvline(0, color=COLOURS["baseline"], ls="--", lw=1)
    axes.set_yticks(range(len(found)), [TITLES[name] for name in found])
    axes.set(ylim=(len(found) - 0.5, -0.5), xlabel="accuracy gained (points)", title="Against SGD")
    axes.grid(axis="x")
    axes.margins(x=0.18)
    axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.17), ncols=2, fontsize=9)
    return "".join(told)
