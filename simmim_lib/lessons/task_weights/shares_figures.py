"""Pictures of lesson 04: task weights, and the trades that they make between targets."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib.experiments import Result
from simmim_lib.foundation.intervals import interval, mean_and_interval, seeds_in_words
from simmim_lib.lessons.task_weights.shares import Shares, on_front
from simmim_lib.pictures.charts import error_bar
from simmim_lib.pictures.style import (
    COLOURS,
    Picture,
    new_figure,
    short_title,
    styled,
    target_style,
)
from simmim_lib.settings import Settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CORNERS = np.array([[0.5, np.sqrt(3) / 2], [0, 0], [1, 0]])
"""Where all weight is on the first target (top), the second (left) and the third (right)."""

CENTRE = CORNERS.mean(axis=0)

NOW: dict[str, Any] = {"mec": "black", "mew": 2.0, "mfc": "none", "ms": 16, "zorder": 6}
"""A ring marks the weights that are set now."""


BEST: dict[str, Any] = {"mec": COLOURS["source"], "mew": 1.6, "mfc": "none", "ms": 10.5}
"""A thin ring marks the Pareto front among coloured points."""


@styled
def task_weights(measured: Mapping[Shares, Result], visited: Sequence[Shares]) -> Picture:
    """Draw what the weights give each target, and where that lies among all that was measured.

    Args:
        measured: by shares, of the same experiment but for its task weights.
        visited: those that were set so far, keys of `measured`; the last is set now.
    """
    now, result = visited[-1], measured[visited[-1]]
    figure = new_figure(9, 5.2)
    _draw_shares(figure.add_axes((0.02, 0.86, 0.96, 0.08)), now, result.settings)
    best = on_front(measured)
    draw, width = (_draw_plane, 0.3) if len(now) == 2 else (_draw_triangles, 0.26)
    _draw_accuracies(figure.add_axes((0.09, 0.13, width, 0.56)), measured, visited)
    draw(figure, measured, visited, best)
    return Picture(figure, _describe_weights(measured, visited, best))


def _draw_shares(axes: "Axes", now: Shares, settings: Settings) -> None:
    """Draw the shares as parts of one bar."""
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.axis("off")
    axes.set_title("Share of each target in the sum of losses")
    left = 0.0
    for target, share in zip(settings.targets, now, strict=True):
        colour, _ = target_style(target)
        axes.barh(0.5, share, 1, left, color=colour, edgecolor="white", lw=2)
        text = f"{short_title(target)} {share:.0%}"
        if share >= 0.12:
            axes.text(left + share / 2, 0.45, text, ha="center", va="center", weight="bold")
        left += share


def _draw_accuracies(
    axes: "Axes", measured: Mapping[Shares, Result], visited: Sequence[Shares]
) -> None:
    """Draw each target's validation accuracy for the weights set now, and for those before."""
    result = measured[visited[-1]]
    targets = result.settings.targets
    for row, target in enumerate(targets):
        colour, marker = target_style(target)
        values = result.validation[target]
        mean, half_width = interval(values)
        earlier = [measured[shares].validation[target].mean() for shares in visited[:-1]]
        axes.plot(earlier, [-row - 0.25] * len(earlier), marker, ms=6, color=colour, mfc="white")
        axes.plot(values, [-row] * len(values), "|", ms=12, color=COLOURS["unlabelled"])
        axes.errorbar(
            mean,
            -row,
            xerr=error_bar(half_width),
            fmt=marker,
            ms=8,
            color=colour,
            capsize=4,
            zorder=3,
        )
        axes.text(mean, -row + 0.17, mean_and_interval(values), ha="center", fontsize=10)
    axes.set_yticks(-np.arange(len(targets)), [short_title(target) for target in targets])
    axes.set(ylim=(-len(targets) + 0.5, 0.5), xlabel="validation accuracy")
    axes.grid(axis="x")
    axes.grid(axis="y", visible=False)
    axes.margins(x=0.2)
    seeds = seeds_in_words(result.settings.seeds, "95 % intervals of")
    axes.set_title(f"Set now\n{seeds}", fontsize=11)


def _draw_plane(
    figure: "Figure",
    measured: Mapping[Shares, Result],
    visited: Sequence[Shares],
    best: set[Shares],
) -> None:
    """Draw all positions on the plane of two accuracies, and the front through the best."""
    axes = figure.add_axes((0.495, 0.13, 0.49, 0.56))
    targets = measured[visited[-1]].settings.targets
    places = {shares: _place(result) for shares, result in measured.items()}
    front = np.array(sorted(places[shares] for shares in best))
    axes.step(*front.T, where="pre", color=COLOURS["source"], lw=1.2, alpha=0.6)
    axes.plot(*front.T, "o", ms=7, color=COLOURS["source"], label="Pareto front")
    beaten = np.array([place for shares, place in places.items() if shares not in best])
    if len(beaten):
        axes.plot(*beaten.T, "x", ms=7, mew=1.6, color=COLOURS["unlabelled"], label="dominated")
    _name_ends(axes, places)
    trail = np.array([places[shares] for shares in visited])
    if len(trail) > 1:
        axes.plot(*trail.T, "-", lw=0.8, color="black", alpha=0.5)
        earlier = trail[:-1]
        axes.plot(*earlier.T, "D", ms=11, mfc="none", mec="#666666", label="set before")
    now = measured[visited[-1]]
    axes.plot(*now.validation.values(), "+", ms=7, color="black", label="set now: each seed")
    axes.plot(*trail[-1], "o", label="set now: mean", **NOW)
    axes.set(
        xlabel=f"validation accuracy, {short_title(targets[0])}", ylabel=short_title(targets[1])
    )
    axes.margins(0.12)
    axes.grid(axis="both")
    axes.set_title(f"{len(measured)} weightings, mean of the seeds", fontsize=11, pad=38)
    axes.legend(
        loc="lower left", bbox_to_anchor=(-0.12, 1.0), ncols=3, fontsize=9, columnspacing=1.0
    )


def _name_ends(axes: "Axes", places: Mapping[Shares, tuple[float, ...]]) -> None:
    """Write the first target's share beside the two extreme weightings and the most even one."""
    ordered = sorted(places)
    even = min(ordered, key=lambda shares: abs(shares[0] - 0.5))
    offsets = {even: (9, 6), ordered[-1]: (10, -4), ordered[0]: (0, -17)}
    for shares, offset in offsets.items():
        axes.annotate(
            _ratio(shares),
            (places[shares][0], places[shares][1]),
            offset,
            textcoords="offset points",
            ha="left" if offset[0] else "center",
            fontsize=9,
            color="#444444",
        )


def _draw_triangles(
    figure: "Figure",
    measured: Mapping[Shares, Result],
    visited: Sequence[Shares],
    best: set[Shares],
) -> None:
    """Draw a triangle of shares for each target, the points coloured by its accuracy."""
    targets = measured[visited[-1]].settings.targets
    about = f"{len(measured)} weightings, mean of the seeds"
    figure.text(0.4, 0.78, about, fontsize=11)
    figure.text(0.4, 0.74, "at a corner, all weight is on the target so marked", fontsize=9)
    for column, target in enumerate(targets):
        # A target without weight is not learnt at all: such points would use up all colours.
        accuracy = {
            shares: result.validation[target].mean()
            for shares, result in measured.items()
            if shares[column] > 0
        }
        axes = figure.add_axes((0.385 + 0.203 * column, 0.22, 0.19, 0.44))
        _draw_triangle(axes, measured, accuracy, visited, best)
        axes.set_title(f"accuracy, {short_title(target)}", fontsize=10.5, loc="center", pad=12)
        for corner, name in zip(CORNERS, targets, strict=True):
            colour, marker = target_style(name)
            place = CENTRE + 1.2 * (corner - CENTRE)
            axes.plot(*place, marker, color=colour, ms=8, clip_on=False)
    axes = figure.add_axes((0.42, 0.02, 0.56, 0.1))
    axes.axis("off")
    axes.plot([], [], "o", ms=9, mfc="white", mec="#666666", label="weight 0: not learnt")
    axes.plot([], [], "o", label="Pareto front", **BEST)
    axes.plot([], [], "o", label="set now", **{**NOW, "ms": 11})
    axes.plot([], [], "D", ms=8, mfc="none", mec="black", label="set before")
    axes.legend(loc="center", ncols=4, fontsize=9, handletextpad=0.3, columnspacing=1.2)


def _draw_triangle(
    axes: "Axes",
    measured: Mapping[Shares, Result],
    accuracy: Mapping[Shares, float],
    visited: Sequence[Shares],
    best: set[Shares],
) -> None:
    axes.fill(*CORNERS.T, facecolor="none", edgecolor="#AAAAAA", lw=1)
    spots = {shares: np.array(shares) / sum(shares) @ CORNERS for shares in measured}
    unlearnt = np.array([spot for shares, spot in spots.items() if shares not in accuracy])
    if len(unlearnt):
        axes.plot(*unlearnt.T, "o", ms=7, mfc="white", mec="#999999", clip_on=False)
    if accuracy:
        x, y = np.transpose([spots[shares] for shares in accuracy])
        points = axes.scatter(
            x,
            y,
            c=list(accuracy.values()),
            s=55,
            clip_on=False,
            zorder=4,
        )
        place = axes.inset_axes((0.12, -0.1, 0.76, 0.045))
        bar = axes.figure.colorbar(points, cax=place, orientation="horizontal", format="%.2f")
        bar.ax.locator_params(nbins=3)
        bar.ax.tick_params(labelsize=8.5)
        bar.outline.set_visible(False)
    front = np.array([spots[shares] for shares in best])
    axes.plot(*front.T, "o", clip_on=False, **BEST)
    trail = np.array([spots[shares] for shares in visited])
    axes.plot(*trail[:-1].T, "D", ms=14, mfc="none", mec="black", mew=0.8, zorder=5, clip_on=False)
    axes.plot(*trail[-1], "o", clip_on=False, **NOW)
    axes.set(aspect="equal", xlim=(-0.14, 1.14), ylim=(-0.14, 1.02))
    axes.axis("off")


def _describe_weights(
    measured: Mapping[Shares, Result], visited: Sequence[Shares], best: set[Shares]
) -> str:
    result = measured[visited[-1]]
    settings = result.settings
    now = "; ".join(
        f"{target} has {share:.0%} of the weight and validation accuracy "
        f"{mean_and_interval(result.validation[target])}"
        for target, share in zip(settings.targets, visited[-1], strict=True)
    )
    front = "; ".join(
        f"{_ratio(shares)} gives "
        + ", ".join(f"{accuracy:.3f}" for accuracy in _place(measured[shares]))
        for shares in sorted(best)
    )
    before = ", ".join(_ratio(shares) for shares in visited[:-1])
    return (
        f"One network for {', '.join(settings.targets)}, {settings.labels_of[settings.targets[0]]} "
        f"labels per class, {seeds_in_words(settings.seeds)}, budget {settings.budget}: {now}. Of "
        f"{len(measured)} weightings {len(best)} lie on the Pareto front: {front}."
        + (f" Set before: {before}." if before else "")
    )


def _place(result: Result) -> tuple[float, ...]:
    return tuple(float(accuracy.mean()) for accuracy in result.validation.values())


def _ratio(shares: Shares) -> str:
    return " : ".join(f"{100 * share:.0f}" for share in shares)
