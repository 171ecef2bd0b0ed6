"""Pictures of lesson 04: shares and accuracies, gradients in conflict, weightings raced."""

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib import datasets, weighting
from simmim_lib.experiments import Course, Result
from simmim_lib.foundation.intervals import Difference, interval
from simmim_lib.lessons.task_weights.conflict import Arrows, Conflict
from simmim_lib.lessons.task_weights.shares import Shares, against_plain_sum, on_front
from simmim_lib.pictures import charts
from simmim_lib.pictures.style import COLOURS, Picture, look, new_figure, styled
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
        colour, _ = look(target)
        axes.barh(0.5, share, 1, left, color=colour, edgecolor="white", lw=2)
        text = f"{_short(target)} {share:.0%}"
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
        colour, marker = look(target)
        values = result.validation[target]
        mean, half = interval(values)
        earlier = [measured[shares].validation[target].mean() for shares in visited[:-1]]
        axes.plot(earlier, [-row - 0.25] * len(earlier), marker, ms=6, color=colour, mfc="white")
        axes.plot(values, [-row] * len(values), "|", ms=12, color=COLOURS["unlabelled"])
        axes.errorbar(
            mean, -row, xerr=_finite(half), fmt=marker, ms=8, color=colour, capsize=4, zorder=3
        )
        axes.text(mean, -row + 0.17, charts.mean_and_interval(values), ha="center", fontsize=10)
    axes.set_yticks(-np.arange(len(targets)), [_short(target) for target in targets])
    axes.set(ylim=(-len(targets) + 0.5, 0.5), xlabel="validation accuracy")
    axes.grid(axis="x")
    axes.grid(axis="y", visible=False)
    axes.margins(x=0.2)
    axes.set_title(f"Set now\n{_over_seeds(result.settings)}", fontsize=11)


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
    axes.set(xlabel=f"validation accuracy, {_short(targets[0])}", ylabel=_short(targets[1]))
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
    # Where a target has no weight, it is not learnt at all: such points would use up all colours.
    looks = [
        {s: r.validation[target].mean() for s, r in measured.items() if s[row] > 0}
        for row, target in enumerate(targets)
    ]
    for column, (target, accuracy) in enumerate(zip(targets, looks, strict=True)):
        axes = figure.add_axes((0.385 + 0.203 * column, 0.22, 0.19, 0.44))
        _draw_triangle(axes, measured, accuracy, visited, best)
        axes.set_title(f"accuracy, {_short(target)}", fontsize=10.5, loc="center", pad=12)
        for corner, name in zip(CORNERS, targets, strict=True):
            colour, marker = look(name)
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
    told = "; ".join(
        f"{target} has {share:.0%} of the weight and validation accuracy "
        f"{charts.mean_and_interval(result.validation[target])}"
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
        f"labels per class, {settings.seeds} seeds, budget {settings.budget}: {told}. Of "
        f"{len(measured)} weightings {len(best)} lie on the Pareto front: {front}."
        + (f" Set before: {before}." if before else "")
    )


def _place(result: Result) -> tuple[float, ...]:
    return tuple(float(accuracy.mean()) for accuracy in result.validation.values())


def _ratio(shares: Shares) -> str:
    return " : ".join(f"{100 * share:.0f}" for share in shares)


def _short(target: str) -> str:
    """Return a target's title for places where there is little room."""
    return (
        datasets.describe(target).title.removesuffix(" digits").replace("Fashion-MNIST", "Fashion")
    )


def _over_seeds(settings: Settings) -> str:
    return "1 seed" if settings.seeds == 1 else f"{settings.seeds} seeds, 95 % intervals"


def _finite(half_width: float) -> float | None:
    """Return what an error bar takes: a single seed has no interval."""
    return half_width if np.isfinite(half_width) else None


PLAIN: dict[str, Any] = {"color": "#777777", "lw": 2.0, "ls": (0, (3, 1.5))}
FIRST, SECOND, STEP = COLOURS["source"], COLOURS["target"], "black"
SHORTEST = 0.3  # arrows are drawn at least so long, relative to the longest
TITLES = {
    "mgda": "MGDA",
    "pcgrad": "PCGrad",
    "cagrad": "CAGrad",
    "imtl-g": "IMTL-G",
    "nash-mtl": "Nash-MTL",
    "aligned-mtl": "Aligned-MTL",
    "fixed": "plain sum",
    "random": "random (RLW)",
    "uncertainty": "uncertainty",
    "dwa": "DWA",
    "gradnorm": "GradNorm",
    "famo": "FAMO",
}
"""Methods as papers call them."""


@styled
def conflict(given: Arrows) -> Picture:
    """Draw two gradients, and the direction that each gradient-based method makes of them.

    Args:
        given: from `conflict.arrows`.
    """
    figure = new_figure(9, 5.8)
    axes = figure.add_axes((0, 0.09, 1, 0.84))
    axes.axis("off")
    plain = given.gradients.sum(axis=0)
    arrows = [*given.gradients, plain, *(each.direction for each in given.combined.values())]
    longest = max(float(np.linalg.norm(arrow)) for arrow in arrows)
    for position, (name, combination) in enumerate(given.combined.items()):
        origin = np.array([1.1 + 2.4 * (position % 3), -2.1 * (position // 3)])
        _draw_combination(axes, origin, given, combination, longest)
        left, bottom = origin - (1.05, 0)
        axes.text(left, bottom + 1.26, TITLES[name], weight="bold", fontsize=11)
        axes.text(left, bottom + 1.08, _weights_in_words(combination.weights), fontsize=10)
        told = _falls_in_words(given.falls(combination.direction))
        axes.text(origin[0], bottom - 0.37, told, ha="center", fontsize=10)
    axes.set(xlim=(0, 7.1), ylim=(-2.5, 1.4), aspect="equal")
    figure.text(0.01, 0.955, _angle_in_words(given), fontsize=12)
    about = f"Arrows are drawn at least {SHORTEST:.0%} as long as the longest one."
    figure.text(0.99, 0.01, about, ha="right", fontsize=8.5, color="#666666")
    _draw_arrow_key(figure)
    return Picture(figure, _describe_arrows(given))


def _draw_combination(
    axes: "Axes",
    origin: np.ndarray,
    given: Arrows,
    combination: weighting.Combination,
    longest: float,
) -> None:
    from matplotlib.patches import Wedge

    if given.angle < 180:
        # A direction lowers a loss if it lies within a right angle of that loss's gradient.
        looks: dict[str, Any] = {"facecolor": "#E9E2A6", "edgecolor": "none", "zorder": 0}
        lowest = max(given.angle - 90, -13)  # what lies lower would reach into other pictures
        axes.add_patch(Wedge(tuple(origin), 1, lowest, 90, **looks))
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
    drawn = arrow * max(SHORTEST / length, 1)
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


def _angle_in_words(given: Arrows) -> str:
    cosine = np.cos(np.radians(given.angle))
    word = "conflict" if given.angle > 90 else "no conflict"
    alike = np.isclose(given.length, 1)
    long = "equally long" if alike else f"the second {given.length:.3g} times as long"
    return (
        f"Gradients {given.angle:.0f}° apart (cosine {cosine:.2f}: {word}), {long}. "
        "A step goes against d."
    )


def _describe_arrows(given: Arrows) -> str:
    told = "; ".join(
        f"{TITLES[name]}: {_weights_in_words(each.weights)}, direction of length "
        f"{_number(float(np.linalg.norm(each.direction)))}, "
        + _falls_in_words(given.falls(each.direction))
        for name, each in given.combined.items()
    )
    plain = _falls_in_words(given.falls(given.gradients.sum(axis=0)))
    return (
        f"{_angle_in_words(given)} {told}. Against the plain sum: {plain}. "
        f"Arrows shorter than {SHORTEST:.0%} of the longest are drawn longer."
    )


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
    figure.text(
        0.01,
        below + tall + 0.38 / height,
        f"Test accuracy, and distance to the plain sum ({_over_seeds(settings)}; filled: clear)",
        fontsize=12,
    )
    return Picture(figure, _describe_race(courses, gains))


def _draw_learning(axes: "Axes", courses: Mapping[str, Course], target: str, named: bool) -> None:
    settings = courses["fixed"].settings
    aside = np.linspace(-0.02, 0.02, len(LINES)) * settings.steps
    for shift, (method, line) in zip(aside, LINES.items(), strict=True):
        if method in courses:
            course = courses[method]
            _draw_course(axes, course.steps + shift, course.validation[target], **line)
    # Before the first step all guess; what comes after would be squeezed if that were shown.
    later = np.concatenate([course.validation[target][1:].ravel() for course in courses.values()])
    low = np.floor(20 * later.min()) / 20
    axes.set(xlim=(0, 1.03 * settings.steps), ylim=(low, 1), xlabel="training steps")
    if named:
        axes.set_ylabel("validation accuracy")
    seeds = "1 seed" if settings.seeds == 1 else f"mean and range of {settings.seeds} seeds"
    axes.set_title(f"{_short(target)} ({seeds})", fontsize=11)


def _draw_course(axes: "Axes", steps: np.ndarray, values: np.ndarray, **looks: Any) -> None:
    """Draw the mean over seeds as a line and their range as bars; values (looks, seeds)."""
    mean = values.mean(axis=1)
    reach = mean - values.min(axis=1), values.max(axis=1) - mean
    axes.errorbar(steps, mean, reach, elinewidth=0.8, **{"lw": 1.6, "ms": 4.5, **looks})


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
        looks = {"color": line["color"], "marker": line["marker"], "ms": 5, "capsize": 3}
        clear = gain.verdict in ("gain", "loss")
        axes.errorbar(
            gain.mean,
            -row,
            xerr=_finite(gain.half_width),
            mfc=line["color"] if clear else "white",
            **looks,
        )
    # The left part of the axes is for the numbers.
    reach = [abs(g[target].mean) + (_finite(g[target].half_width) or 0) for g in gains.values()]
    most = 1.1 * max([1.0, *reach])
    axes.set_xlim(-3.6 * most, most)
    ticks = [-_round_down(most), 0, _round_down(most)]
    axes.set_xticks(ticks, [f"{tick:+g}" if tick else "0" for tick in ticks], fontsize=9)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_title("mean of targets" if target == "mean" else _short(target), fontsize=10.5)
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
        f"{target} {charts.mean_and_interval(_tested(courses['fixed'], target))}"
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


@styled
def conflict_over_time(found: Conflict) -> Picture:
    """Draw the cosines between the targets' gradients, and the gradients' norms, over training.

    Args:
        found: from `conflict.conflict_over_time`.
    """
    settings = found.settings
    figure = new_figure(9, 3.9)
    cosines = figure.add_axes((0.085, 0.15, 0.44, 0.66))
    norms = figure.add_axes((0.63, 0.15, 0.35, 0.66))
    aside = np.linspace(0.012, -0.012, len(found.pairs)) * settings.steps
    for (one, other), shift, looks in zip(
        found.pairs, aside, itertools.cycle(PAIR_LOOKS), strict=False
    ):
        values = found.cosines[:, :, one, other]
        label = f"{_short(settings.targets[one])} and {_short(settings.targets[other])}"
        _draw_course(cosines, found.steps + shift, values, label=label, **looks)
    cosines.axhline(0, color=COLOURS["baseline"], ls="--", lw=1)
    low = min(-0.3, float(found.cosines.min()) - 0.05)
    high = max(0.3, float(max(found.cosines[..., a, b].max() for a, b in found.pairs)) + 0.05)
    cosines.text(settings.steps, low / 2, "conflict", ha="right", color="#666666")
    cosines.set(
        xlim=(-0.02 * settings.steps, 1.02 * settings.steps),
        ylim=(low, high),
        xlabel="training steps",
        ylabel="cosine of task gradients",
    )
    cosines.set_title(f"Angles (mean and range of {settings.seeds} seeds)", pad=24, fontsize=11)
    cosines.legend(
        loc="lower left", bbox_to_anchor=(-0.1, 0.99), ncols=3, fontsize=9, columnspacing=1
    )
    for position, target in enumerate(settings.targets):
        colour, marker = look(target)
        values = found.norms[:, :, position]
        looks = {"color": colour, "marker": marker, "label": _short(target)}
        _draw_course(norms, found.steps, values, **looks)
    norms.set(
        yscale="log",
        xlim=(-0.02 * settings.steps, 1.02 * settings.steps),
        xlabel="training steps",
        ylabel="gradient norm",
    )
    norms.set_title("Lengths", pad=24, fontsize=11)
    norms.legend(
        loc="lower left", bbox_to_anchor=(-0.1, 0.99), ncols=3, fontsize=9, columnspacing=1
    )
    return Picture(figure, _describe_conflict(found))


PAIR_LOOKS = (
    {"color": "#0072B2", "marker": "o"},
    {"color": "#E69F00", "marker": "s"},
    {"color": "#332288", "marker": "^"},
)


def _describe_conflict(found: Conflict) -> str:
    settings = found.settings
    angles = "; ".join(
        f"{settings.targets[one]} and {settings.targets[other]}: cosine "
        f"{found.cosines[0, :, one, other].mean():.2f} at the start, "
        f"{found.cosines[-1, :, one, other].mean():.2f} in the end, below zero in "
        f"{np.mean(found.cosines[:, :, one, other] < 0):.0%} of looks and seeds"
        for one, other in found.pairs
    )
    lengths = "; ".join(
        f"{target}: {found.norms[0, :, k].mean():.2g}, then {found.norms[-1, :, k].mean():.2g}"
        for k, target in enumerate(settings.targets)
    )
    return (
        f"Gradients of each target's loss in the shared layers over {settings.steps} steps, "
        f"{settings.seeds} seeds, budget {settings.budget}. {angles}. Norms: {lengths}."
    )
