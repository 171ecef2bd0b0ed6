"""Pictures of lesson 04 for stored studies of weightings, and for made-up losses."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib.foundation.intervals import Difference, difference
from simmim_lib.lessons.task_weights.weighting_figures import LINES, point_style
from simmim_lib.pictures.style import COLOURS, Picture, make_logarithmic, new_figure, styled
from simmim_lib.weighting import METHODS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GainsByTargets = Mapping[tuple[str, ...], Mapping[str, np.ndarray]]
"""By targets and weighting ("fixed" is the plain sum), delta-m in percent, shape (seeds,)."""

REACH = 4.5
"""Weightings that are more points than this behind the plain sum stand at the edge."""


@styled
def against_tuned_sum(gains: GainsByTargets, about: str) -> Picture:
    """Draw each weighting's delta-m, and how clearly it differs from that of the tuned plain sum.

    Args:
        gains: from `studies.relative_gains`.
        about: the title.
    """
    comparisons = sum(len(of_targets) - 1 for of_targets in gains.values())
    first, *_ = gains.values()
    height = 1.9 + 0.26 * len(first)
    figure, low, high = new_figure(9, height), 1.15 / height, 1 - 0.75 / height
    order = sorted(first, key=lambda name: -np.mean([g[name].mean() for g in gains.values()]))
    sentences = []
    for column, (targets, of_targets) in enumerate(gains.items()):
        axes = figure.add_axes((0.145 + 0.44 * column, low, 0.4, high - low))
        _draw_study(axes, of_targets, order, 1 - 0.05 / comparisons)
        axes.set_title(" + ".join(targets), fontsize=11)
        axes.set_xlabel("delta-m, percent")
        axes.set_yticks(-np.arange(len(order)), [METHODS[name].short_title for name in order])
        if column:
            axes.tick_params(axis="y", labelleft=False)
        sentences.append(_describe_study(targets, of_targets, order))
    figure.text(0.01, 1 - 0.25 / height, about, fontsize=12)
    figure.text(
        0.01,
        0.1 / height,
        "Dashed: the tuned plain sum. Dotted: a network for each target. Bars: interval of the "
        "difference to the plain sum, seed by seed,\nthick for 95 % of one comparison, thin for 95 "
        f"% of all {comparisons} at once; filled: the thick one leaves the dashed line out.",
        fontsize=9,
    )
    return Picture(figure, f"{about}. " + " ".join(sentences))


def _draw_study(
    axes: "Axes", gains: Mapping[str, np.ndarray], order: list[str], level: float
) -> None:
    plain = gains["fixed"].mean()
    axes.axvline(plain, color=COLOURS["baseline"], ls="--", lw=1.2)
    axes.axvline(0, color=COLOURS["unlabelled"], ls=":", lw=1.2)
    axes.set(xlim=(plain - REACH, 1.1), ylim=(0.6 - len(order), 0.6))
    axes.grid(axis="x")
    axes.grid(axis="y", visible=False)
    for row, name in enumerate(order):
        mean = gains[name].mean()
        if name == "fixed":
            axes.errorbar(mean, -row, ms=7, **point_style(name, clear=True))
            continue
        alone, together = _two_intervals(gains, name, level)
        if mean < plain - REACH:
            text = f"← {mean:.1f} ({alone.size})"
            axes.text(plain - REACH + 0.1, -row, text, va="center", fontsize=9.5)
            continue
        style = {"ms": 7, **point_style(name, alone.is_clear)}
        axes.errorbar(mean, -row, xerr=together.half_width, elinewidth=0.8, **style)
        axes.errorbar(mean, -row, xerr=alone.half_width, elinewidth=3, **style)


def _two_intervals(
    gains: Mapping[str, np.ndarray], name: str, level: float
) -> tuple[Difference, Difference]:
    """Return the difference to the plain sum, at 95 % and at a level for all comparisons."""
    values, plain = gains[name] / 100, gains["fixed"] / 100
    return difference(values, plain), difference(values, plain, level)


def _describe_study(
    targets: tuple[str, ...], gains: Mapping[str, np.ndarray], order: list[str]
) -> str:
    rows = "; ".join(
        f"{METHODS[name].short_title} {gains[name].mean():+.2f}"
        + ("" if name == "fixed" else f" ({difference(gains[name] / 100, gains['fixed'] / 100)})")
        for name in order
    )
    return (
        f"Delta-m in percent, and difference to the tuned plain sum, {', '.join(targets)}: {rows}."
    )


MAX_CHANGE = 7
"""In points: wider intervals leave the picture, and their numbers are told in words."""


@styled
def changes(rows: Mapping[str, Mapping[str, Difference]], about: str) -> Picture:
    """Draw differences in accuracy, a row for each weighting and a column for each target.

    Args:
        rows: by weighting and target.
        about: the title.
    """
    figure = new_figure(8, 1.3 + 0.29 * len(rows))
    low = 0.55 / figure.get_figheight()
    first, *_ = rows.values()
    width = 0.8 / len(first)
    differences = [change for of_target in rows.values() for change in of_target.values()]
    widest = max(abs(change.mean) + change.half_width for change in differences)
    reach = min(1.1 * widest, MAX_CHANGE)
    for column, target in enumerate(first):
        axes = figure.add_axes((0.165 + width * column, low, width - 0.03, 0.86 - low))
        axes.axvline(0, color=COLOURS["baseline"], ls="--", lw=1)
        for row, (name, of_target) in enumerate(rows.items()):
            change = of_target[target]
            style = point_style(name, change.is_clear)
            axes.errorbar(change.mean, -row, xerr=change.half_width, capsize=3, **style)
        axes.set(xlim=(-reach, reach), ylim=(0.5 - len(rows), 0.5), xlabel="percentage points")
        axes.set_yticks(-np.arange(len(rows)), [METHODS[name].short_title for name in rows])
        axes.tick_params(axis="y", labelleft=not column)
        axes.grid(axis="x")
        axes.set_title(target, fontsize=11)
    figure.text(0.01, 0.95, about, fontsize=12)
    numbers = "; ".join(
        f"{METHODS[name].short_title}: "
        + ", ".join(f"{target} {change}" for target, change in of_target.items())
        for name, of_target in rows.items()
    )
    return Picture(figure, f"{about}. {numbers}.")


@styled
def weights_over_steps(losses: np.ndarray, ratios: Mapping[str, np.ndarray]) -> Picture:
    """Draw two tasks' losses, and the second one's weight divided by the first one's.

    Args:
        losses: shape (steps, 2).
        ratios: by weighting, shape (steps,); the plain sum, whose ratio is 1, is drawn anyway.
    """
    figure = new_figure(9, 3.6)
    left = figure.add_axes((0.105, 0.15, 0.28, 0.74))
    for task, (role, line) in enumerate((("source", "-"), ("target", "--"))):
        left.plot(losses[:, task], line, color=COLOURS[role], label=f"task {task + 1}")
    make_logarithmic(left, "y")
    left.set(xlabel="training steps", ylabel="loss", title="Two losses, made up")
    left.legend()
    right = figure.add_axes((0.495, 0.15, 0.315, 0.74))
    # Below the others, and wide, so that it is seen where a weighting is close to it.
    right.axhline(1, lw=6, color=COLOURS["unlabelled"], alpha=0.35, label="plain sum")
    for name, ratio in ratios.items():
        style: dict[str, Any] = {"lw": 1.6, "ms": 5, "markevery": max(1, len(ratio) // 10)}
        if name == "random":  # a line from draw to draw would hide all others
            style = {"ls": "", "marker": ".", "ms": 3, "markevery": 2}
        right.plot(ratio, **{**LINES[name], **style}, label=METHODS[name].short_title)
    make_logarithmic(right, "y")
    right.set(xlabel="training steps", ylabel="weight of task 2 / task 1")
    right.set_title("What the weightings make of them")
    right.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=10)
    last = "; ".join(
        f"{METHODS[name].short_title} {ratio[-1]:.2g}" for name, ratio in ratios.items()
    )
    ends = [
        f"from {start:.2g} to {end:.2g}" for start, end in zip(losses[0], losses[-1], strict=True)
    ]
    return Picture(
        figure,
        f"Losses of two tasks fall over {len(losses)} steps, the first {ends[0]}, the second "
        f"{ends[1]}. Weight of the second divided by that of the first in the last step: {last}.",
    )


@styled
def sums_on_a_front(front: np.ndarray, reached: np.ndarray) -> Picture:
    """Draw a Pareto front of two losses, and the points on it where weighted sums are least.

    Args:
        front: shape (n, 2).
        reached: one for each weighting of the sum, shape (m, 2).
    """
    figure = new_figure(5.4, 3.8)
    axes = figure.add_axes((0.13, 0.14, 0.84, 0.76))
    axes.plot(*front.T, color=COLOURS["source"], lw=2, label="Pareto front")
    style: dict[str, Any] = {"ms": 8, "mfc": "none", "color": COLOURS["target"]}
    axes.plot(*reached.T, "o", **style, label=f"least sums of {len(reached)} weightings")
    axes.set(
        xlabel="loss of task 1", ylabel="loss of task 2", xlim=(-0.05, 1.05), ylim=(-0.05, 1.05)
    )
    axes.set_title("A front that bulges the other way")
    axes.legend(loc="lower left")
    between = reached.min(axis=1).max()
    return Picture(
        figure,
        f"A Pareto front from loss 0 for task 1 to loss 0 for task 2, bulging outwards. The least "
        f"sums of {len(reached)} weightings lie at its ends: in each, one of the losses is at most "
        f"{between:.2f}.",
    )
