"""Pictures of lesson 04: gradients in conflict, as arrows and over a training."""

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib.foundation.intervals import seeds_in_words
from simmim_lib.lessons.task_weights.conflict import Conflict, TwoGradients
from simmim_lib.pictures.charts import draw_mean_and_range
from simmim_lib.pictures.style import (
    COLOURS,
    Picture,
    legend_entry,
    make_logarithmic,
    new_figure,
    short_title,
    styled,
    target_style,
)
from simmim_lib.weighting import METHODS, Combination

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PLAIN: dict[str, Any] = {"color": "#777777", "lw": 2.0, "ls": (0, (3, 1.5))}
FIRST, SECOND, STEP = COLOURS["source"], COLOURS["target"], "black"
MIN_LENGTH = 0.3
"""Arrows are drawn at least so long, relative to the longest."""

PAIR_STYLES = (
    {"color": "#0072B2", "marker": "o"},
    {"color": "#E69F00", "marker": "s"},
    {"color": "#332288", "marker": "^"},
)
"""How the angles of each pair of targets are drawn."""


@styled
def conflict(given: TwoGradients) -> Picture:
    """Draw two gradients, and the direction that each gradient-based method makes of them.

    Args:
        given: from `conflict.two_gradients`.
    """
    figure = new_figure(9, 5.8)
    axes = figure.add_axes((0, 0.09, 1, 0.84))
    axes.axis("off")
    plain = given.gradients.sum(axis=0)
    directions = [combination.direction for combination in given.combined.values()]
    arrows = [*given.gradients, plain, *directions]
    longest = max(float(np.linalg.norm(arrow)) for arrow in arrows)
    for position, (name, combination) in enumerate(given.combined.items()):
        origin = np.array([1.1 + 2.4 * (position % 3), -2.1 * (position // 3)])
        _draw_combination(axes, origin, given, combination, longest)
        left, bottom = origin - (1.05, 0)
        axes.text(left, bottom + 1.26, METHODS[name].short_title, weight="bold", fontsize=11)
        axes.text(left, bottom + 1.08, _weights_in_words(combination.weights), fontsize=10)
        falls = _falls_in_words(given.falls(combination.direction))
        axes.text(origin[0], bottom - 0.37, falls, ha="center", fontsize=10)
    axes.set(xlim=(0, 7.1), ylim=(-2.5, 1.4), aspect="equal")
    figure.text(0.01, 0.955, _angle_in_words(given), fontsize=12)
    about = f"Arrows are drawn at least {MIN_LENGTH:.0%} as long as the longest one."
    figure.text(0.99, 0.01, about, ha="right", fontsize=8.5, color="#666666")
    _draw_arrow_key(figure)
    return Picture(figure, _describe_arrows(given))


def _draw_combination(
    axes: "Axes",
    origin: np.ndarray,
    given: TwoGradients,
    combination: Combination,
    longest: float,
) -> None:
    from matplotlib.patches import Wedge

    if given.angle < 180:
        # A direction lowers a loss if it lies within a right angle of that loss's gradient.
        lowest = max(given.angle - 90, -13)  # what lies lower would reach into other pictures
        style: dict[str, Any] = {"facecolor": "#E9E2A6", "edgecolor": "none", "zorder": 0}
        axes.add_patch(Wedge(tuple(origin), 1, lowest, 90, **style))
    axes.plot([origin[0] - 1, origin[0] + 1], [origin[1]] * 2, color="#BBBBBB", lw=0.7, zorder=1)
    plain = given.gradients.sum(axis=0) / longest
    axes.plot(*np.transpose([origin, origin + plain]), **PLAIN, zorder=2)
    _draw_arrow(axes, origin, given.gradients[0] / longest, FIRST, 0.035)
    _draw_arrow(axes, origin, given.gradients[1] / longest, SECOND, 0.035)
    _draw_arrow(axes, origin, combination.direction / longest, STEP, 0.055)


def _draw_arrow(
    axes: "Axes", origin: np.ndarray, arrow: np.ndarray, colour: str, width: float
) -> None:
    length = np.linalg.norm(arrow)
    if length < 1e-9:
        axes.plot(*origin, "o", ms=7, color=colour, zorder=4)
        return
    head = {"head_width": 0.08 + width, "head_length": 0.14, "length_includes_head": True}
    drawn = arrow * max(MIN_LENGTH / length, 1)
    axes.arrow(*origin, *drawn, width=width, color=colour, lw=0, zorder=3, **head)


def _draw_arrow_key(figure: "Figure") -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles = [
        Line2D([], [], color=FIRST, lw=2.4, label="gradient of task 1"),
        Line2D([], [], color=SECOND, lw=2.4, label="gradient of task 2"),
        Line2D([], [], color=STEP, lw=3.2, label="the method's direction d"),
        Line2D([], [], label="plain sum", **PLAIN),
        Patch(color="#E9E2A6", label="d here: both losses fall"),
    ]
    figure.legend(
        handles=handles,
        loc="lower center",
        bbox_to_anchor=(0.5, 0.025),
        ncols=5,
        fontsize=9,
        handlelength=2,
        columnspacing=1.3,
    )


def _weights_in_words(weights: np.ndarray) -> str:
    return "weights " + ", ".join(_number(weight) for weight in weights)


def _number(value: float) -> str:
    """Return three digits of a number, of which rounding counts as 0."""
    return f"{value:.3g}" if abs(value) > 1e-9 else "0"


def _falls_in_words(falls: np.ndarray) -> str:
    words = {1: "falls", 0: "stays", -1: "rises"}
    if falls[0] == falls[1]:
        verb = {1: "fall", 0: "stay", -1: "rise"}[int(falls[0])]
        return f"both losses {verb}"
    return ", ".join(f"loss {task + 1} {words[int(sign)]}" for task, sign in enumerate(falls))


def _angle_in_words(given: TwoGradients) -> str:
    cosine = np.cos(np.radians(given.angle))
    word = "conflict" if given.angle > 90 else "no conflict"
    alike = np.isclose(given.length, 1)
    long = "equally long" if alike else f"the second {given.length:.3g} times as long"
    return (
        f"Gradients {given.angle:.0f}° apart (cosine {cosine:.2f}: {word}), {long}. "
        "A step goes against d."
    )


def _describe_arrows(given: TwoGradients) -> str:
    combined = "; ".join(
        f"{METHODS[name].short_title}: {_weights_in_words(combination.weights)}, direction of "
        f"length {_number(float(np.linalg.norm(combination.direction)))}, "
        + _falls_in_words(given.falls(combination.direction))
        for name, combination in given.combined.items()
    )
    plain = _falls_in_words(given.falls(given.gradients.sum(axis=0)))
    return (
        f"{_angle_in_words(given)} {combined}. Against the plain sum: {plain}. "
        f"Arrows shorter than {MIN_LENGTH:.0%} of the longest are drawn longer."
    )


@styled
def conflict_over_time(measured: Conflict) -> Picture:
    """Draw the cosines between the targets' gradients, and the gradients' norms, over training.

    Args:
        measured: from `conflict.conflict_over_time`.
    """
    steps = measured.settings.steps
    figure = new_figure(9, 3.9)
    cosines = figure.add_axes((0.085, 0.15, 0.44, 0.66))
    norms = figure.add_axes((0.63, 0.15, 0.35, 0.66))
    _draw_cosines(cosines, measured)
    _draw_norms(norms, measured)
    for axes in (cosines, norms):
        axes.set(xlim=(-0.02 * steps, 1.02 * steps), xlabel="training steps")
        axes.legend(
            loc="lower left", bbox_to_anchor=(-0.1, 0.99), ncols=3, fontsize=9, columnspacing=1
        )
    return Picture(figure, _describe_conflict(measured))


def _draw_cosines(axes: "Axes", measured: Conflict) -> None:
    """Draw how far every two gradients point in the same direction."""
    settings = measured.settings
    aside = np.linspace(0.012, -0.012, len(measured.pairs)) * settings.steps
    styles = itertools.cycle(PAIR_STYLES)
    for (one, other), shift, style in zip(measured.pairs, aside, styles, strict=False):
        names = [short_title(settings.targets[position]) for position in (one, other)]
        label = legend_entry(" and ".join(names))
        values = measured.cosines[:, :, one, other]
        draw_mean_and_range(axes, measured.steps + shift, values, label=label, **style)
    axes.axhline(0, color=COLOURS["baseline"], ls="--", lw=1)
    greatest = max(measured.cosines[..., one, other].max() for one, other in measured.pairs)
    low = min(-0.3, float(measured.cosines.min()) - 0.05)
    high = max(0.3, float(greatest) + 0.05)
    axes.set(ylim=(low, high), ylabel="cosine of task gradients")
    axes.text(settings.steps, low / 2, "conflict", ha="right", color="#666666")
    seeds = seeds_in_words(settings.seeds, "mean and range of")
    axes.set_title(f"Angles ({seeds})", pad=24, fontsize=11)


def _draw_norms(axes: "Axes", measured: Conflict) -> None:
    """Draw how long each target's gradient is."""
    for position, target in enumerate(measured.settings.targets):
        colour, marker = target_style(target)
        style = {"color": colour, "marker": marker, "label": legend_entry(short_title(target))}
        draw_mean_and_range(axes, measured.steps, measured.norms[:, :, position], **style)
    make_logarithmic(axes, "y")
    axes.set_ylabel("gradient norm")
    axes.set_title("Lengths", pad=24, fontsize=11)


def _describe_conflict(measured: Conflict) -> str:
    settings = measured.settings
    angles = "; ".join(
        f"{settings.targets[one]} and {settings.targets[other]}: cosine "
        f"{measured.cosines[0, :, one, other].mean():.2f} at the start, "
        f"{measured.cosines[-1, :, one, other].mean():.2f} at the end, below zero in "
        f"{np.mean(measured.cosines[:, :, one, other] < 0):.0%} of looks and seeds"
        for one, other in measured.pairs
    )
    norms = measured.norms.mean(axis=1)
    lengths = "; ".join(
        f"{target}: {start:.2g}, then {end:.2g}"
        for target, start, end in zip(settings.targets, norms[0], norms[-1], strict=True)
    )
    return (
        f"Gradients of each target's loss in the shared layers over {settings.steps} steps, "
        f"{seeds_in_words(settings.seeds)}, budget {settings.budget}. {angles}. Norms: {lengths}."
    )
