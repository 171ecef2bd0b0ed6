"""Pictures of lesson 09: promises of privacy, attacks, and maps of what a head looks at."""

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simmim_lib import weighting
from simmim_lib.datasets.phantoms import FINDINGS, Cohort
from simmim_lib.foundation.intervals import interval, intervals, mean_and_interval
from simmim_lib.pictures.charts import error_bar, error_bars, show_image, show_map
from simmim_lib.pictures.style import (
    BAND,
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
    from matplotlib.transforms import Bbox

EPSILON = "epsilon for one image more or fewer"
"""An epsilon says little without the relation of neighbours: with or without one of the images."""

MARKERS = "os^Dv<>"
LOOKS = (("source", "-"), ("target", "--"), ("trained", "-."), ("frozen", ":"), ("baseline", "-"))
"""Colour and line of the curves of a figure, in order."""


def look(position: int) -> tuple[str, str, str]:
    """Return the colour, the line and the marker of a curve by its position."""
    role, line = LOOKS[position % len(LOOKS)]
    line = line if position < len(LOOKS) else ":"  # the colour is there already
    return COLOURS[role], line, MARKERS[position % len(MARKERS)]


# --- Cost


class Way(NamedTuple):
    """What a way to learn costs, and what it brings.

    Attributes:
        group: the network that it trains.
        name: of the way.
        cost: in billions of floating-point operations.
        accuracy: (seeds,).
    """

    group: str
    name: str
    cost: float
    accuracy: np.ndarray


@styled
def accuracy_against_cost(
    ways: Sequence[Way], title: str, limit: float | None = None, live: Way | None = None
) -> Picture:
    """Draw accuracy against arithmetic, and the ways that no other beats in both.

    Args:
        ways: to compare.
        title: what was measured.
        limit: what can be afforded, in billions of operations.
        live: a run of one seed that was just made, which is drawn but not compared.
    """
    figure = new_figure(8, 4.6)
    axes = figure.add_axes((0.09, 0.22, 0.88, 0.7))
    groups = list(dict.fromkeys(way.group for way in ways))
    for position, group in enumerate(groups):
        colour, _, marker = look(position)
        some = [way for way in ways if way.group == group]
        means, halves = intervals([way.accuracy for way in some])
        costs = [way.cost for way in some]
        style: Any = {"fmt": marker, "color": colour, "capsize": 3, "ms": 7}
        axes.errorbar(costs, means, error_bars(halves), label=legend_entry(group), **style)
    make_logarithmic(axes, "x")
    axes.margins(0.14)
    front = pareto_front(ways)
    steps = np.array([(way.cost, way.accuracy.mean()) for way in front])
    axes.step(*steps.T, where="post", color=COLOURS["unlabelled"], lw=1, zorder=1)
    if limit is not None:
        axes.axvline(limit, color=COLOURS["baseline"], ls="--", label="what you can afford")
    if live is not None:
        colour, label = COLOURS["target"], f"{live.group}: {live.name}"
        axes.plot(live.cost, live.accuracy, "*", ms=14, color=colour, mec="black", label=label)
    _name_ways(axes, ways, front)
    axes.set(xlabel="billions of floating-point operations, one seed", ylabel="test accuracy")
    axes.set_title(shortened(title, 90))
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=4, fontsize=9)
    numbers = "; ".join(
        f"{way.group}, {way.name}: {mean_and_interval(way.accuracy)} for {way.cost:,.1f}"
        for way in sorted(ways, key=lambda way: way.cost)
    )
    best = ", ".join(f"{way.group} {way.name}" for way in front)
    now = f" {label}, accuracy {live.accuracy[0]:.3f} for {live.cost:,.1f}." if live else ""
    return Picture(
        figure,
        f"Test accuracy against billions of floating-point operations. {title}. {numbers}. No "
        f"other is better and cheaper than: {best}.{now}",
    )


def _name_ways(axes: "Axes", ways: Sequence[Way], front: Sequence[Way]) -> None:
    """Write each name beside its point, where there is room; those on the front in bold."""
    from matplotlib.transforms import Bbox

    inches = axes.figure.dpi_scale_trans.inverted()
    inside = axes.get_window_extent().transformed(inches)
    means = [(way.cost, float(way.accuracy.mean())) for way in ways]
    places = inches.transform(axes.transData.transform(means))
    ends = [(way.cost, sum(interval(way.accuracy))) for way in ways]
    bars = inches.transform(axes.transData.transform(ends))[:, 1] - places[:, 1]
    taken = [
        Bbox.from_bounds(x - 0.06, y - bar, 0.12, 2 * bar)
        for (x, y), bar in zip(places, bars, strict=True)
    ]
    for way, point, place in zip(ways, means, places, strict=True):
        text = shortened(way.name, 30)
        offset, box = _room(len(text), place, taken, inside)
        taken.append(box)
        axes.annotate(
            text,
            point,
            xytext=offset,
            textcoords="offset points",
            ha="right" if offset[0] < 0 else "left",
            va="center",
            fontsize=9,
            weight="bold" if way in front else "normal",
        )


def _room(
    characters: int, place: np.ndarray, taken: "Sequence[Bbox]", inside: "Bbox"
) -> "tuple[tuple[float, float], Bbox]":
    """Return the first offset, in points, at which a text lies on nothing else, and its box there.

    Args:
        characters: of the text.
        place: of its point, in inches, as are the boxes.
        taken: boxes where something is.
        inside: the box that it shall not leave.
    """
    from matplotlib.transforms import Bbox

    width, height = 0.075 * characters, 0.15
    offsets = [(side, up) for up in (8, -8, 20, -20, 32, -32) for side in (9, -9)]
    boxes = []
    for side, up in offsets:
        left = place[0] + side / 72 - (width if side < 0 else 0)
        boxes.append(Bbox.from_bounds(left, place[1] + up / 72 - height / 2, width, height))
    free = (
        n
        for n, box in enumerate(boxes)
        if not box.count_overlaps(taken) and all(inside.contains(*each) for each in box.corners())
    )
    chosen = next(free, 0)
    return offsets[chosen], boxes[chosen]


def pareto_front(ways: Sequence[Way]) -> list[Way]:
    """Return the ways that no other beats in cost and mean accuracy, the cheapest first."""
    points = [(-way.cost, way.accuracy.mean()) for way in ways]
    front = itertools.compress(ways, weighting.pareto_front(points))
    return sorted(front, key=lambda way: way.cost)


# --- Private heads


@styled
def private_head(
    curves: Mapping[str, Mapping[float, np.ndarray]],
    limits: Mapping[str, np.ndarray],
    here: tuple[float, np.ndarray, str],
    title: str,
) -> Picture:
    """Draw accuracies by epsilon, a promise that was just tried, and what it means in odds.

    Args:
        curves: by kind of features, then by epsilon, from a stored study, (seeds,) each.
        limits: by kind of features, the accuracy without privacy, (seeds,).
        here: the epsilon that was tried, its accuracies, and the kind of features.
        title: what was measured.
    """
    epsilon, values, kind = here
    figure = new_figure(8, 3.9)
    axes = figure.add_axes((0.08, 0.15, 0.55, 0.75))
    for position, (name, of_epsilon) in enumerate(curves.items()):
        colour, line, marker = look(position)
        means, halves = intervals([of_epsilon[place] for place in sorted(of_epsilon)])
        style: Any = {"ls": line, "marker": marker, "color": colour, "capsize": 3}
        axes.errorbar(
            sorted(of_epsilon), means, error_bars(halves), label=legend_entry(name), **style
        )
        axes.axhline(limits[name].mean(), color=colour, lw=0.8, ls=":")
    mean, half = interval(values)
    axes.errorbar(epsilon, mean, error_bar(half), fmt="*", ms=16, color=COLOURS["baseline"])
    make_logarithmic(axes, "x")
    axes.set(xlabel=f"{EPSILON} (left: more private)", ylabel="test accuracy")
    axes.set_title(shortened(title, 60))
    axes.legend(loc="lower right", fontsize=9)
    _draw_odds(figure.add_axes((0.72, 0.15, 0.26, 0.75)), epsilon)
    numbers = ". ".join(
        f"{name}: "
        + "; ".join(f"{place:g}: {mean_and_interval(each)}" for place, each in of_epsilon.items())
        + f"; without privacy {mean_and_interval(limits[name])}"
        for name, of_epsilon in curves.items()
    )
    return Picture(
        figure,
        f"Test accuracy by {EPSILON}. {title}. {numbers}. Just tried, {kind}, epsilon {epsilon:g}: "
        f"{mean_and_interval(values)}. Whoever bets even money that somebody's image was there "
        f"may bet {np.exp(epsilon):,.1f} to 1 at most after seeing the head.",
    )


def _draw_odds(axes: "Axes", epsilon: float) -> None:
    """Draw how sure of a person's presence anybody can become, who was in doubt before."""
    sure = 1 / (1 + np.exp(-epsilon))
    axes.bar([0, 1], [0.5, sure], color=[COLOURS["unlabelled"], COLOURS["target"]], width=0.6)
    for place, height in enumerate((0.5, sure)):
        axes.text(place, height + 0.01, f"{height:.0%}", ha="center")
    axes.set_xticks([0, 1], ["before", "after, at most"])
    axes.set(ylim=(0, 1.08), xlim=(-0.6, 1.6))
    axes.set_title('"They were in it"', fontsize=11)


# --- Claimed and found


@styled
def claimed_and_found(rows: Mapping[str, tuple[float, np.ndarray]], title: str) -> Picture:
    """Draw the epsilon that is claimed beside those that audits have found, a row each.

    Args:
        rows: by what was audited: what the accountant claims, and what each run found, (runs,).
        title: what was measured.
    """
    height = 1.5 + 0.45 * len(rows)
    figure = new_figure(8, height)
    left = 0.04 + 0.0118 * max(len(shortened(name, 34)) for name in rows)
    axes = figure.add_axes((left, 0.95 / height, 0.97 - left, 1 - 1.35 / height))
    for place, (claimed, found) in enumerate(rows.values()):
        shift = np.linspace(-0.22, 0.22, len(found))
        over = found > claimed
        for which, colour in ((over, COLOURS["target"]), (~over, COLOURS["source"])):
            axes.plot(found[which], (place + shift)[which], "o", ms=4, color=colour)
        axes.plot([claimed] * 2, [place - 0.4, place + 0.4], color=COLOURS["baseline"], lw=3)
    axes.plot([], [], color=COLOURS["baseline"], lw=3, label="claimed")
    axes.plot([], [], "o", ms=4, color=COLOURS["source"], label="found, within the claim")
    axes.plot([], [], "o", ms=4, color=COLOURS["target"], label="found, above it: a bug")
    axes.set_yticks(range(len(rows)), [shortened(name, 34) for name in rows])
    axes.set(ylim=(len(rows) - 0.5, -0.5), xlabel=EPSILON)
    axes.set_xlim(left=-0.1)
    axes.grid(axis="x")
    axes.set_title(shortened(title, 60))
    figure.legend(loc="lower center", ncols=3, fontsize=9)
    numbers = "; ".join(
        f"{name}: claimed {claimed:.2g}, found {found.min():.2f} to {found.max():.2f} in "
        f"{len(found)} runs, above the claim in {(found > claimed).sum()}"
        for name, (claimed, found) in rows.items()
    )
    return Picture(figure, f"Claimed and found: {EPSILON}. {title}. {numbers}.")


MIN_ACCUSED = 1e-3
"""The share of others accused at which attacks are judged."""


class Promised(NamedTuple):
    """An attack on private training, and what is known of its promise.

    Attributes:
        found: shares of members found, (n, seeds).
        claimed: the shares that the accountant's epsilon allows, (n,).
        proved: the shares that the epsilon allows that canaries have proved, (n,).
    """

    found: np.ndarray
    claimed: np.ndarray
    proved: np.ndarray


@styled
def membership(
    accused: np.ndarray,
    attacks: Mapping[str, np.ndarray],
    private: Mapping[str, Promised],
    title: str,
) -> Picture:
    """Draw ROC curves of attacks on logarithmic axes: without a promise, and beside promises.

    They begin where one in a thousand is accused: fewer of a thousand are none.

    Args:
        accused: shares of others that are accused, rising, (n,).
        attacks: on what promises nothing: shares of members found, (n, seeds).
        private: on what promises an epsilon.
        title: what was measured.
    """
    figure = new_figure(9.5, 4.9)
    places = [(0.09, 0.35, 0.385, 0.54), (0.59, 0.35, 0.385, 0.54)]
    left, right = (figure.add_axes(place) for place in places)
    at = int(np.argmin(np.abs(accused - MIN_ACCUSED)))
    told = []
    for position, (name, found) in enumerate(attacks.items()):
        _roc(left, accused, found, position, name, look(position)[1])
        told.append(f"{name}: {mean_and_interval(found[at], 4)}")
    for position, (name, each) in enumerate(private.items()):
        _roc(right, accused, each.found, position, f"{name}, attacked", "-")
        colour = look(position)[0]
        right.plot(accused, each.claimed, "--", color=colour, label=f"{name}, the claim's ceiling")
        right.plot(accused, each.proved, ":", color=colour, label=f"{name}, canaries prove")
        told.append(
            f"{name}: {mean_and_interval(each.found[at], 4)}, of {each.claimed[at]:.4f} that the "
            f"claim allows and {each.proved[at]:.4f} that canaries prove possible"
        )
    for axes, named in ((left, "No promise"), (right, "Private heads")):
        _roc_axes(axes, named)
    figure.suptitle(shortened(title, 80), y=0.98)
    return Picture(
        figure,
        f"Share of members found by share of others accused, both logarithmic. {title}. Where "
        f"{MIN_ACCUSED:.1%} of the others are accused, {'; '.join(told)}.",
    )


def _roc(
    axes: "Axes", accused: np.ndarray, found: np.ndarray, position: int, name: str, line: str
) -> None:
    """Draw the mean of an attack's curves, with its interval."""
    colour = look(position)[0]
    means, halves = intervals(found)
    seen = (accused > 0) & (means > 0)
    axes.plot(accused[seen], means[seen], line, color=colour, label=legend_entry(name))
    low, high = np.clip([means - halves, means + halves], 1e-5, 1)
    axes.fill_between(accused[seen], low[seen], high[seen], color=colour, **BAND)


def _roc_axes(axes: "Axes", title: str) -> None:
    shares = np.geomspace(MIN_ACCUSED, 1, 50)
    axes.plot(shares, shares, color=COLOURS["unlabelled"], lw=1, label="guessing")
    make_logarithmic(axes, "x")
    make_logarithmic(axes, "y")
    axes.minorticks_off()
    axes.set(xlim=(MIN_ACCUSED, 1), ylim=(MIN_ACCUSED / 2, 1), title=title)
    axes.set(xlabel="share of others accused", ylabel="share of members found")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), fontsize=8, ncols=2)


# --- Maps


@styled
def map_rows(
    images: np.ndarray, rows: Mapping[str, np.ndarray], captions: Sequence[str], alt: str
) -> Picture:
    """Show images, and in each row below them a map of each, framed where a mask says so.

    Args:
        images: (n, height, width, channels) in [0, 1]; at most eight or so fit.
        rows: by name, maps (n, height, width, channels).
        captions: one for each image.
        alt: the text in place of the picture.
    """
    size = 6.6 / len(images)
    height = size * (len(rows) + 1) + 0.35
    figure = new_figure(8, height)
    for row, name in enumerate(["image", *rows]):
        bottom = 1 - (0.3 + (row + 1) * size) / height
        figure.text(0.005, bottom + 0.5 * size / height, _in_lines(name), va="center", fontsize=9)
        for column, image in enumerate(images):
            place = (1.35 / 8 + column * size / 8, bottom, 0.94 * size / 8, 0.94 * size / height)
            axes = figure.add_axes(place)
            if name == "image":
                _show_framed(axes, image)
                axes.set_title(shortened(captions[column], 22), fontsize=8.5, loc="center", pad=2)
            else:
                show_map(axes, rows[name][column])
    return Picture(figure, alt)


def heads(images: np.ndarray, attributions: Mapping[str, np.ndarray]) -> Picture:
    """Show pictures, and below them the maps of each head.

    Args:
        images: of two things each, (n, height, width, channels).
        attributions: by task, maps of these images first.
    """
    rows = {f"{task}, head": each for task, each in attributions.items()}
    alt = f"{len(images)} pictures of two things, each with a map of what {_and(attributions)} use."
    return map_rows(images, rows, [""] * len(images), alt)


def chests(cohort: Cohort, attributions: Mapping[str, np.ndarray], count: int = 6) -> Picture:
    """Show chest phantoms, and below them the maps of networks that have learned other things.

    Args:
        cohort: which.
        attributions: by what was learned, maps of these images.
        count: so many are shown, from all over the cohort, since a patient's images stand together.
    """
    some = np.linspace(0, len(cohort) - 1, count).astype(int)
    rows = {f"learned the, {learned}": each[some] for learned, each in attributions.items()}
    learned = ", and one of the network that learned the ".join(attributions)
    findings = [FINDINGS[each] for each in cohort.finding[some]]
    alt = f"Chest phantoms ({', '.join(findings)}), each with a map of the network that learned "
    return map_rows(cohort.images[some], rows, findings, f"{alt}the {learned}.")


def _and(tasks: Mapping[str, object]) -> str:
    return " and ".join(f"the {task} head" for task in tasks)


def _in_lines(name: str) -> str:
    return "\n".join(shortened(part, 18) for part in name.split(", "))


def _show_framed(axes: "Axes", image: np.ndarray) -> None:
    """Show an image in a frame, since its ground is as white as the page."""
    show_image(axes, image)
    axes.axis("on")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=True, color="#BBBBBB")


@styled
def forgetting(curves: Mapping[str, np.ndarray], layers: Sequence[str], title: str) -> Picture:
    """Draw how like maps stay while a network forgets layer by layer, from the last down.

    Args:
        curves: by method, similarities (layers, seeds).
        layers: in the order in which they forget.
        title: what was measured.
    """
    figure = new_figure(8, 4)
    axes = figure.add_axes((0.09, 0.2, 0.58, 0.7))
    places = np.arange(len(layers) + 1)
    for position, (name, values) in enumerate(curves.items()):
        colour, line, marker = look(position)
        means, halves = intervals(values)
        style: Any = {"ls": line, "marker": marker, "color": colour, "capsize": 3}
        whole = np.concatenate([[1.0], means])
        bars = np.concatenate([[0.0], error_bars(halves)])
        axes.errorbar(places + 0.03 * position, whole, bars, label=legend_entry(name), **style)
    axes.axhline(0, color=COLOURS["baseline"], lw=0.8)
    axes.set_xticks(places, ["none", *(_short_layer(layer) for layer in layers)], fontsize=9)
    axes.set(xlabel="the last layer that has forgotten", ylabel="similarity to the map before")
    axes.set(title=shortened(title, 60), ylim=(-0.35, 1.08))
    axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1), fontsize=9)
    numbers = "; ".join(
        f"{name}: {mean_and_interval(values[-1], 2)}" for name, values in curves.items()
    )
    return Picture(
        figure,
        f"Similarity of maps to what they were, layer by layer. {title}. When all layers have "
        f"forgotten: {numbers}.",
    )


def _short_layer(name: str) -> str:
    return shortened(name.replace("convolution_", "conv. "), 14)


@styled
def one_map(
    image: np.ndarray, values: np.ndarray, baseline: np.ndarray, title: str, notes: Sequence[str]
) -> Picture:
    """Show an image, what it is compared with, a map, and what there is to say of it.

    Args:
        image: (height, width, channels) in [0, 1].
        values: its map, of the same height and width.
        baseline: the image that shows nothing.
        title: who is asked about what.
        notes: sentences to stand beside it.
    """
    figure = new_figure(8, 3.0)
    figure.text(0.01, 0.97, shortened(title, 90), va="top", fontsize=12)
    for column, (name, shown) in enumerate((("image", image), ("baseline", baseline))):
        axes = figure.add_axes((0.02 + 0.2 * column, 0.16, 0.18, 0.6))
        _show_framed(axes, shown)
        axes.set_title(name, fontsize=10, loc="center")
    axes = figure.add_axes((0.43, 0.06, 0.28, 0.75))
    show_map(axes, values)
    axes.set_title("map", fontsize=10, loc="center")
    for line, note in enumerate(notes):
        figure.text(0.73, 0.72 - 0.17 * line, note, va="top", fontsize=9.5)
    return Picture(figure, f"{title}. {' '.join(' '.join(note.split()) for note in notes)}")


@styled
def run_card(title: str, lines: Sequence[str], verdict: str, score: str) -> Picture:
    """Show how somebody has trained, and what is to be said of it.

    Args:
        title: of the run.
        lines: what they did.
        verdict: what is to be said; "" before an answer.
        score: how the answers went so far.
    """
    rows = len(lines) + len(verdict.splitlines())
    height = 1.1 + 0.28 * rows
    figure = new_figure(8, height)
    figure.text(0.02, 1 - 0.15 / height, shortened(title, 80), va="top", fontsize=13)
    for position, line in enumerate(lines):
        where = 1 - (0.55 + 0.28 * position) / height
        figure.text(0.04, where, line, va="top", fontsize=10.5, family="monospace")
    where = 1 - (0.65 + 0.28 * len(lines)) / height
    figure.text(0.02, where, verdict, va="top", fontsize=10.5, linespacing=1.5)
    figure.text(0.98, 0.1 / height, score, va="bottom", ha="right", fontsize=10)
    told = " ".join([*lines, " ".join(verdict.split()), score])
    return Picture(figure, f"{title}. {told}")
