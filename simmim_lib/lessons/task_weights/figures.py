"""Pictures of lesson 04: weightings beside each other while they learn."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib import weighting
from simmim_lib.experiments import Course
from simmim_lib.foundation.intervals import Difference, interval, mean_and_interval
from simmim_lib.lessons.task_weights.shares import against_plain_sum
from simmim_lib.pictures.style import COLOURS, Picture, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
from simmim_lib.foundation.intervals import seeds_with_intervals
from simmim_lib.pictures.charts import draw_mean_and_range, error_bar
from simmim_lib.pictures.style import short_title

TITLES = {name: method.short_title for name, method in weighting.METHODS.items()}
"""Weightings as papers call them."""

LINES: dict[str, dict[str, Any]] = {
    "fixed": {"color": COLOURS["baseline"], "ls": "--", "marker": "o"},
    "random": {"color": "#88CCEE", "ls": "-", "marker": "v"},
    "uncertainty": {"color": "#332288", "ls": "-", "marker": "s"},
    "dwa": {"color": "#44AA99", "ls": "-", "marker": "^"},
    "gradnorm": {"color": "#117733", "ls": "-", "marker": "D"},
    "famo": {"color": "#999933", "ls": "-", "marker": "P"},
    "mgda": {"color": "#A6761D", "ls": "-.", "marker": "v"},
    "pcgrad": {"color": "#CC6677", "ls": "-.", "marker": "s"},
    "cagrad": {"color": "#882255", "ls": "-.", "marker": "^"},
    "imtl-g": {"color": "#AA4499", "ls": "-.", "marker": "D"},
    "nash-mtl": {"color": "#E69F00", "ls": "-.", "marker": "P"},
    "aligned-mtl": {"color": "#0072B2", "ls": "-.", "marker": "X"},
}
"""Each weighting has a colour and a marker; solid are those from losses.

Source: Paul Tol's "muted" scheme, told apart by colour-blind readers.
"""


@styled
def race(courses: Mapping[str, Course], waiting: Sequence[str] = ()) -> Picture:
    """Draw how weightings learn on the same batches, and how they compare with the plain sum.

    Args:
        courses: finished ones by method, on the same seeds; that of "fixed" among them.
        waiting: methods that have yet to train, and get a row each.
    """
    settings = courses["fixed"].settings
    targets = settings.targets
    rows = len(courses) + len(waiting)
    height = 4.5 + 0.34 * rows
    figure = new_figure(9, height)
    width = 0.9 / len(targets)
    for column, target in enumerate(targets):
        box = (0.075 + width * column, 1 - 2.75 / height, width - 0.055, 2.35 / height)
        _draw_learning(figure.add_axes(box), courses, target, named=column == 0)
    below, tall = 0.6 / height, 0.34 * rows / height
    gains = against_plain_sum(courses)
    _draw_names(figure.add_axes((0.01, below, 0.2, tall)), courses, waiting)
    width = 0.78 / (len(targets) + 1)
    for column, target in enumerate((*targets, "mean")):
        box = (0.215 + width * column, below, width - 0.02, tall)
        axes = figure.add_axes(box)
        _draw_gains(axes, courses, gains, target)
        axes.set_ylim(0.5 - rows, 0.5)
    seeds = seeds_with_intervals(settings.seeds)
    title = f"Test accuracy, and distance to the plain sum ({seeds}; filled: clear)"
    figure.text(0.01, below + tall + 0.38 / height, title, fontsize=12)
    return Picture(figure, _describe_race(courses, gains))


def _draw_learning(axes: "Axes", courses: Mapping[str, Course], target: str, named: bool) -> None:
    settings = courses["fixed"].settings
    aside = np.linspace(-0.02, 0.02, len(LINES)) * settings.steps
    for shift, (method, line) in zip(aside, LINES.items(), strict=True):
        if method in courses:
            course = courses[method]
            draw_mean_and_range(axes, course.steps + shift, course.validation[target], **line)
    # Before the first step all guess; what comes after would be squeezed if that were shown.
    later = np.concatenate([course.validation[target][1:].ravel() for course in courses.values()])
    low = np.floor(20 * later.min()) / 20
    axes.set(xlim=(0, 1.03 * settings.steps), ylim=(low, 1), xlabel="training steps")
    if named:
        axes.set_ylabel("validation accuracy")
    seeds = "1 seed" if settings.seeds == 1 else f"mean and range of {settings.seeds} seeds"
    axes.set_title(f"{short_title(target)} ({seeds})", fontsize=11)


def _draw_names(axes: "Axes", courses: Mapping[str, Course], waiting: Sequence[str]) -> None:
    """Draw the rows' names with the lines that they have above."""
    axes.axis("off")
    axes.set(xlim=(0, 1), ylim=(0.5 - len(courses) - len(waiting), 0.5))
    for row, method in enumerate(waiting, start=len(courses)):
        text = f"{TITLES[method]}: waiting"
        axes.text(0.26, -row, text, va="center", fontsize=10, color=COLOURS["unlabelled"])
    for row, method in enumerate(courses):
        axes.plot([0.02, 0.11, 0.2], [-row] * 3, lw=1.8, ms=5, markevery=[1], **LINES[method])
        axes.text(0.26, -row, TITLES[method], va="center", fontsize=10)


def _draw_gains(
    axes: "Axes",
    courses: Mapping[str, Course],
    gains: Mapping[str, Mapping[str, Difference]],
    target: str,
) -> None:
    """Draw the differences to the plain sum in one measure, a row for each method."""
    axes.axvline(0, color=COLOURS["baseline"], ls="--", lw=1)
    for row, method in enumerate(courses):
        accuracy = _tested(courses[method], target)
        mean, half = interval(accuracy)
        spread = f" ± {100 * half:.1f}" if np.isfinite(half) else ""
        axes.text(0.0, -row, f"{100 * mean:.1f}{spread} %", va="center", fontsize=9.5,
                  transform=axes.get_yaxis_transform())  # fmt: skip
        if method == "fixed":
            continue
        gain, line = gains[method][target], LINES[method]
        style = {"color": line["color"], "marker": line["marker"], "ms": 5, "capsize": 3}
        clear = gain.verdict in ("gain", "loss")
        axes.errorbar(
            gain.mean,
            -row,
            xerr=error_bar(gain.half_width),
            mfc=line["color"] if clear else "white",
            **style,
        )
    # The left part of the axes is for the numbers.
    reach = [abs(g[target].mean) + (error_bar(g[target].half_width) or 0) for g in gains.values()]
    most = 1.1 * max([1.0, *reach])
    axes.set_xlim(-3.6 * most, most)
    ticks = [-_round_down(most), 0, _round_down(most)]
    axes.set_xticks(ticks, [f"{tick:+g}" if tick else "0" for tick in ticks], fontsize=9)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_title("mean of targets" if target == "mean" else short_title(target), fontsize=10.5)
    axes.set_xlabel("points", fontsize=9, loc="right")


def _round_down(value: float) -> float:
    """Return a value with one digit that is not greater, for ticks."""
    unit = 10 ** np.floor(np.log10(value))
    return float(np.floor(value / unit) * unit)


def _tested(course: Course, target: str) -> np.ndarray:
    assert course.result is not None
    accuracy = course.result.accuracy
    return np.mean(list(accuracy.values()), axis=0) if target == "mean" else accuracy[target]


def _describe_race(
    courses: Mapping[str, Course], gains: Mapping[str, Mapping[str, Difference]]
) -> str:
    settings = courses["fixed"].settings
    plain = "; ".join(
        f"{target} {mean_and_interval(_tested(courses['fixed'], target))}"
        for target in (*settings.targets, "mean")
    )
    told = " ".join(
        f"{TITLES[method]}: " + "; ".join(f"{target} {gain}" for target, gain in own.items()) + "."
        for method, own in gains.items()
    )
    return (
        f"{len(courses)} weightings on the same labels and batches, one network for "
        f"{', '.join(settings.targets)}, {settings.steps} steps, {settings.seeds} seeds, budget "
        f"{settings.budget}. Test accuracy of the plain sum: {plain}."
        + (f" Less the plain sum, in percentage points: {told}" if told else "")
    )
