"""Pictures of a sweep: scores over one field of the settings or two, and what it costs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simmim_lib.foundation.intervals import intervals, mean_and_interval
from simmim_lib.pictures.charts import error_bars, every
from simmim_lib.pictures.style import (
    COLOURS,
    Picture,
    legend_entry,
    make_logarithmic,
    new_figure,
    shortened,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import XAxis, YAxis

MARKERS = "osD^vP"
MAX_NUMBERED = 12
"""Columns of a heat map that numbers still fit into."""

MAX_TICKS = 40
"""Values that are written along an axis."""

MAX_TITLE = 70
"""Characters of a title."""

MAX_NAMED = 12
"""Experiments that are named in a figure, if so many are on the Pareto front."""

MAX_TOLD = 50
"""Numbers in the text that says the same as a figure."""


@dataclass(frozen=True)
class Axis:
    """A field of the settings along an axis.

    Attributes:
        name: of the field.
        values: in order, as texts.
        places: the same as numbers, where that is what they are.
    """

    name: str
    values: tuple[str, ...]
    places: tuple[float, ...] | None = None

    @property
    def short_values(self) -> list[str]:
        """The values as texts that there is room for."""
        return [shortened(value) for value in self.values]


Cells = Mapping[tuple[int, int], np.ndarray]
"""Scores, shape (seeds,), by position on two axes; some may be missing."""


@styled
def heat_map(across: Axis, down: Axis, cells: Cells, measure: str, title: str) -> Picture:
    """Draw the mean score for each pair of values as a colour, with the number in it.

    Args:
        across: the field of the columns.
        down: the field of the rows.
        cells: by column and row.
        measure: the name of what was measured.
        title: what of.
    """
    height = min(1.5 + 0.5 * len(down.values), 14)
    figure = new_figure(8, height)
    axes = figure.add_axes((0.2, 0.75 / height, 0.76, 1 - 1.3 / height))
    means = np.full((len(down.values), len(across.values)), np.nan)
    for (column, row), values in cells.items():
        means[row, column] = values.mean()
    image = axes.imshow(means, aspect="auto", cmap="cividis")
    figure.colorbar(image, label=f"test {measure}", pad=0.02)
    if len(across.values) <= MAX_NUMBERED:
        _number(axes, means, cells)
    _write_values(axes.xaxis, np.arange(len(across.values)), across)
    _write_values(axes.yaxis, np.arange(len(down.values)), down)
    axes.set(xlabel=across.name, ylabel=down.name, title=shortened(title, MAX_TITLE))
    axes.grid(False)
    numbers = [
        f"{across.name} {across.values[column]}, {down.name} {down.values[row]}: "
        f"{mean_and_interval(values)}"
        for (column, row), values in cells.items()
    ]
    return Picture(figure, f"{title}. Test {measure}. {_told(numbers)}.")


def _write_values(axis: "XAxis | YAxis", places: np.ndarray, field: Axis) -> None:
    """Write a field's values along an axis, or of very many some."""
    chosen = every(len(places), MAX_TICKS)
    axis.set_ticks(places[chosen], field.short_values[chosen], fontsize=9)


def _told(numbers: Sequence[str]) -> str:
    """Return numbers in a row, and of very many how many more there are."""
    more = len(numbers) - MAX_TOLD
    return "; ".join(numbers[:MAX_TOLD]) + (f"; and {more} more" if more > 0 else "")


def _number(axes: "Axes", means: np.ndarray, cells: Cells) -> None:
    middle = (np.nanmin(means) + np.nanmax(means)) / 2
    for (column, row), values in cells.items():
        colour = "white" if means[row, column] < middle else "black"
        axes.text(
            column, row, f"{values.mean():.3f}", ha="center", va="center", color=colour, fontsize=9
        )


@styled
def curves(along: Axis, lines: Axis | None, cells: Cells, measure: str, title: str) -> Picture:
    """Draw mean scores with their 95 % intervals along one field, a line for each other value.

    Args:
        along: the field of the axis.
        lines: the field whose values are told apart by lines, if there is one.
        cells: by position along the axis and line.
        measure: the name of what was measured.
        title: what of.
    """
    import matplotlib as mpl

    names = lines.values if lines else ("",)
    colours = mpl.colormaps["cividis"](np.linspace(0, 0.85, len(names)))
    figure = new_figure(8, 3.8)
    axes = figure.add_axes((0.09, 0.15, 0.64 if lines else 0.88, 0.74))
    x = _scale(axes, along)
    numbers = []
    for line, name in enumerate(names):
        by_place = {place: cells[place, line] for place in range(len(x)) if (place, line) in cells}
        means, half_widths = intervals(by_place.values())
        axes.errorbar(
            x[list(by_place)],
            means,
            error_bars(half_widths),
            # Between values that are not numbers there is nothing for a line to go through.
            fmt=MARKERS[line % len(MARKERS)] + ("-" if along.places else ""),
            color=colours[line] if lines else COLOURS["target"],
            capsize=3,
            label=legend_entry(shortened(name)),
        )
        prefix = f"{lines.name} {name}, " if lines else ""
        numbers += [
            f"{prefix}{along.name} {along.values[place]}: {mean_and_interval(values)}"
            for place, values in by_place.items()
        ]
    axes.set(xlabel=along.name, ylabel=f"test {measure}", title=shortened(title, MAX_TITLE))
    if lines:
        axes.legend(title=lines.name, loc="upper left", bbox_to_anchor=(1.01, 1), fontsize=9)
    return Picture(figure, f"{title}. Test {measure}. {_told(numbers)}.")


def _scale(axes: "Axes", along: Axis) -> np.ndarray:
    """Prepare the horizontal axis, and return where its values lie."""
    if along.places is None:
        places = np.arange(len(along.values))
        axes.margins(x=0.15)
    else:
        places = np.array(along.places)
        if places.min() > 0 and places.max() >= 20 * places.min():
            axes.set_xscale("log")
    _write_values(axes.xaxis, places, along)
    axes.minorticks_off()
    return places


@styled
def scores_against_cost(
    seconds: Sequence[float],
    scores: Sequence[np.ndarray],
    measure: str,
    front: np.ndarray,
    names: Sequence[str],
    title: str,
) -> Picture:
    """Draw every experiment's score against what it cost, and those that none other beats.

    Args:
        seconds: of each experiment.
        scores: of each experiment, shape (seeds,).
        measure: the name of what was measured.
        front: whether it lies on the Pareto front, shape (n,).
        names: of the experiments, for those on the front.
        title: what of.
    """
    figure = new_figure(8, 3.8)
    axes = figure.add_axes((0.09, 0.15, 0.88, 0.74))
    points = np.column_stack([seconds, [values.mean() for values in scores]])
    axes.plot(*points[~front].T, "o", color=COLOURS["unlabelled"], label="beaten in both")
    best = np.flatnonzero(front)[np.argsort(points[front][:, 0])]
    axes.step(*points[best].T, "-o", where="post", color=COLOURS["target"], label="Pareto front")
    if points[:, 0].max() >= 20 * points[:, 0].min() > 0:
        make_logarithmic(axes, "x")
    axes.margins(0.1)
    axes.autoscale_view()  # now, since names are placed by it
    for number in best[every(len(best), MAX_NAMED)]:
        _name_point(axes, points[number], names[number])
    axes.set(xlabel="seconds for all seeds", ylabel=f"test {measure}")
    axes.set_title(shortened(title, MAX_TITLE))
    axes.legend(fontsize=9)
    numbers = [
        f"{names[number]}: {mean_and_interval(scores[number])} in {seconds[number]:.1f} s"
        for number in best
    ]
    return Picture(figure, f"{title}. On the Pareto front: {_told(numbers)}.")


def _name_point(axes: "Axes", point: np.ndarray, name: str) -> None:
    """Write a name beside a point, on the side where there is more room."""
    across = axes.transAxes.inverted().transform(axes.transData.transform(point))[0]
    side, shift = ("right", -4) if across > 0.5 else ("left", 4)
    text = shortened(name, MAX_TITLE // 2)
    axes.annotate(
        text, (point[0], point[1]), (shift, 5), textcoords="offset points", ha=side, fontsize=9
    )
