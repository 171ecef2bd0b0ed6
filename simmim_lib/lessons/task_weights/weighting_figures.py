"""Pictures of lesson 04: how weightings learn, against the plain sum; their colours and lines."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib.experiments import Course
from simmim_lib.foundation.intervals import Difference, mean_and_interval, seeds_in_words
from simmim_lib.lessons.task_weights import shares
from simmim_lib.pictures.charts import draw_mean_and_range, error_bar
from simmim_lib.pictures.style import COLOURS, Picture, new_figure, short_title, styled
from simmim_lib.weighting import METHODS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINES: dict[str, dict[str, Any]] = {
    "fixed": {"color": COLOURS["baseline"], "ls": "--", "marker": "o"},
    "random": {"color": "#88CCEE", "ls": "-", "marker": "v"},
    "uncertainty": {"color": "#332288", "ls": "-", "marker": "s"},
    "dwa": {"color": "#44AA99", "ls": "-", "marker": "^"},
    "gradnorm": {"color": "#117733", "ls": "-", "marker": "D"},
    "famo": {"color": "#999933", "ls": "-", "marker": "P"},
    "stch": {"color": "#DDCC77", "ls": "-", "marker": "X"},
    "db-mtl": {"color": "#661100", "ls": ":", "marker": "p"},
    "mgda": {"color": "#A6761D", "ls": "-.", "marker": "v"},
    "pcgrad": {"color": "#CC6677", "ls": "-.", "marker": "s"},
    "cagrad": {"color": "#882255", "ls": "-.", "marker": "^"},
    "imtl-g": {"color": "#AA4499", "ls": "-.", "marker": "D"},
    "nash-mtl": {"color": "#E69F00", "ls": "-.", "marker": "P"},
    "aligned-mtl": {"color": "#0072B2", "ls": "-.", "marker": "X"},
    "upgrad": {"color": "#CC3311", "ls": "-.", "marker": "o"},
    "dualproj": {"color": "#4477AA", "ls": "-.", "marker": "<"},
    "config": {"color": "#009988", "ls": "-.", "marker": ">"},
    "fairgrad": {"color": "#6A3D9A", "ls": "-.", "marker": "d"},
}
"""Each weighting has a colour and a marker; solid or dotted are those from losses.

Nobody tells eighteen colours apart: where lines run close, the markers do.

Source: Paul Tol's "muted" scheme, and eight more colours, mostly of his and of ColorBrewer.
"""


def point_style(method: str, clear: bool) -> dict[str, Any]:
    """Return how a point of a weighting is drawn: filled if what it shows is clear."""
    line = LINES[method]
    face = line["color"] if clear else "white"
    return {"fmt": line["marker"], "color": line["color"], "mfc": face}


@styled
def against_plain_sum(courses: Mapping[str, Course], waiting: Sequence[str] = ()) -> Picture:
    """Draw how weightings learn on the same batches, and how they compare with the plain sum.

    Args:
        courses: finished ones by method, on the same seeds; that of "fixed" among them.
        waiting: methods that have yet to train, and get a row each.
    """
    settings = courses["fixed"].settings
    targets = settings.targets
    gains = shares.against_plain_sum(courses)
    rows = len(courses) + len(waiting)
    height = 4.5 + 0.34 * rows
    figure = new_figure(9, height)
    width = 0.9 / len(targets)
    for column, target in enumerate(targets):
        box = (0.075 + width * column, 1 - 2.75 / height, width - 0.055, 2.35 / height)
        _draw_learning(figure.add_axes(box), courses, target, named=column == 0)
    below, tall = 0.6 / height, 0.34 * rows / height
    _draw_names(figure.add_axes((0.01, below, 0.2, tall)), courses, waiting)
    width = 0.78 / (len(targets) + 1)
    for column, target in enumerate((*targets, "mean")):
        axes = figure.add_axes((0.215 + width * column, below, width - 0.02, tall))
        accuracy = {method: _tested(course, target) for method, course in courses.items()}
        of_target = {method: of_method[target] for method, of_method in gains.items()}
        _draw_gains(axes, accuracy, of_target)
        axes.set_ylim(0.5 - rows, 0.5)
        title = "mean of targets" if target == "mean" else short_title(target)
        axes.set_title(title, fontsize=10.5)
    seeds = seeds_in_words(settings.seeds, "95 % intervals of")
    title = f"Test accuracy, and distance to the plain sum ({seeds}; filled: clear)"
    figure.text(0.01, below + tall + 0.38 / height, title, fontsize=12)
    return Picture(figure, _describe(courses, gains))


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
    seeds = seeds_in_words(settings.seeds, "mean and range of")
    axes.set_title(f"{short_title(target)} ({seeds})", fontsize=10)


def _draw_names(axes: "Axes", courses: Mapping[str, Course], waiting: Sequence[str]) -> None:
    """Draw the rows' names with the lines that they have above."""
    axes.axis("off")
    axes.set(xlim=(0, 1), ylim=(0.5 - len(courses) - len(waiting), 0.5))
    for row, method in enumerate(waiting, start=len(courses)):
        text = f"{METHODS[method].short_title}: waiting"
        axes.text(0.26, -row, text, va="center", fontsize=10, color=COLOURS["unlabelled"])
    for row, method in enumerate(courses):
        axes.plot([0.02, 0.11, 0.2], [-row] * 3, lw=1.8, ms=5, markevery=[1], **LINES[method])
        axes.text(0.26, -row, METHODS[method].short_title, va="center", fontsize=10)


def _draw_gains(
    axes: "Axes", accuracy: Mapping[str, np.ndarray], gains: Mapping[str, Difference]
) -> None:
    """Draw the differences to the plain sum for one target, a row for each method."""
    axes.axvline(0, color=COLOURS["baseline"], ls="--", lw=1)
    at_the_left = axes.get_yaxis_transform()
    for row, (method, values) in enumerate(accuracy.items()):
        text = f"{mean_and_interval(100 * values, digits=1)} %"
        axes.text(0.0, -row, text, va="center", fontsize=9.5, transform=at_the_left)
        if method in gains:
            gain = gains[method]
            style = point_style(method, gain.is_clear)
            bar = error_bar(gain.half_width)
            axes.errorbar(gain.mean, -row, xerr=bar, ms=5, capsize=3, **style)
    ends = [abs(gain.mean) + (error_bar(gain.half_width) or 0) for gain in gains.values()]
    reach = 1.1 * max([1.0, *ends])
    axes.set_xlim(-3.6 * reach, reach)  # the left part is for the numbers
    tick = _round_down(reach)
    axes.set_xticks([-tick, 0, tick], [f"{-tick:+g}", "0", f"{tick:+g}"], fontsize=9)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("points", fontsize=9, loc="right")


def _round_down(value: float) -> float:
    """Return a value with one digit that is not greater, for ticks."""
    unit = 10 ** np.floor(np.log10(value))
    return float(np.floor(value / unit) * unit)


def _tested(course: Course, target: str) -> np.ndarray:
    assert course.result is not None
    accuracy = course.result.accuracy
    return np.mean(list(accuracy.values()), axis=0) if target == "mean" else accuracy[target]


def _describe(courses: Mapping[str, Course], gains: Mapping[str, Mapping[str, Difference]]) -> str:
    settings = courses["fixed"].settings
    plain = "; ".join(
        f"{target} {mean_and_interval(_tested(courses['fixed'], target))}"
        for target in (*settings.targets, "mean")
    )
    differences = " ".join(_describe_gains(method, gains[method]) for method in gains)
    return (
        f"{len(courses)} weightings on the same labels and batches, one network for "
        f"{', '.join(settings.targets)}, {settings.steps} steps, "
        f"{seeds_in_words(settings.seeds)}, budget {settings.budget}. Test accuracy of the plain "
        f"sum: {plain}."
        + (f" Difference from the plain sum, in percentage points: {differences}" if gains else "")
    )


def _describe_gains(method: str, gains: Mapping[str, Difference]) -> str:
    numbers = "; ".join(f"{target} {gain}" for target, gain in gains.items())
    return f"{METHODS[method].short_title}: {numbers}."
