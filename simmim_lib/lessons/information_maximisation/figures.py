"""Pictures of lesson 05: views, what each part of the recipe is worth, and what can go wrong."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib.collapse import Diagnosis
from simmim_lib.foundation.intervals import Difference, difference, interval, mean_and_interval
from simmim_lib.pictures import charts
from simmim_lib.pictures.style import BAND, COLOURS, Picture, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@styled
def views(images: np.ndarray, weak: np.ndarray, strong: np.ndarray) -> Picture:
    """Show images, and under each its weak and its strong view.

    Args:
        images: (n, height, width, channels) in [0, 1]; at most ten or so fit.
        weak: the views that teach, the same shape.
        strong: the views that learn, the same shape.
    """
    rows = {"image": images, "weak view": weak, "strong view": strong}
    size = 6.9 / len(images)
    height = size * len(rows)
    figure = new_figure(8, height)
    for row, (name, of_row) in enumerate(rows.items()):
        bottom = 1 - (row + 1) / len(rows)
        figure.text(0.005, bottom + 0.5 / len(rows), name, va="center")
        for column, image in enumerate(of_row):
            left, width = 1.1 / 8 + column * size / 8, 0.96 * size / 8
            axes = figure.add_axes((left, bottom, width, 0.96 / len(rows)))
            charts.show_image(axes, image)
            # A frame shows how far the view has moved what is on it.
            axes.axis("on")
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set(visible=True, color="#BBBBBB")
    moved = [np.abs(view - images).mean() for view in (weak, strong)]
    return Picture(
        figure,
        f"{len(images)} images in three rows: as they are, in a weak view and in a strong one, "
        f"slightly rotated, sheared, stretched and shifted. A pixel changes by {moved[0]:.2f} on "
        f"average in the weak views and by {moved[1]:.2f} in the strong ones.",
    )


NOTHING = "nothing"
"""The row of an ablation that has every part."""


@styled
def ablation(rows: Mapping[int, Mapping[str, np.ndarray]], title: str) -> Picture:
    """Draw the accuracy without each part of a recipe, beside that of the whole.

    Args:
        rows: by labels per class, then by the part that is left out, one accuracy for each seed;
            the same parts for all, `NOTHING` among them.
        title: what was measured.
    """
    parts = list(next(iter(rows.values())))
    height = 1.45 + 0.4 * len(parts)
    figure = new_figure(8, height)
    figure.text(0.01, 1 - 0.1 / height, title, va="top", fontsize=12)
    width = 0.66 / len(rows)
    sentences = []
    for number, (labels, values) in enumerate(rows.items()):
        place = (0.30 + number * (width + 0.03), 0.6 / height, width, 1 - 1.3 / height)
        axes = figure.add_axes(place)
        lost = _draw_ablation(axes, parts, values)
        axes.set_title(f"{labels} label{'s' if labels > 1 else ''} per class", fontsize=11)
        if number:
            axes.tick_params(labelleft=False)
        sentences.append(
            f"{labels} per class: {mean_and_interval(values[NOTHING])} with every part; "
            + "; ".join(
                f"without {part} {mean_and_interval(values[part])}, {loss}" for part, loss in lost
            )
        )
    figure.text(0.285, 1 - 0.6 / height, "left out:", ha="right", fontsize=11)
    return Picture(figure, f"Test accuracy. {title}. {'. '.join(sentences)}.")


def _draw_ablation(
    axes: "Axes", parts: Sequence[str], values: Mapping[str, np.ndarray]
) -> list[tuple[str, Difference]]:
    """Draw a dot for each part; return what its absence costs, seed by seed."""
    whole, lost = values[NOTHING], []
    mean, half_width = interval(whole)
    axes.axvline(mean, ls="--", lw=1, color=COLOURS["baseline"])
    axes.axvspan(mean - half_width, mean + half_width, color=COLOURS["baseline"], **BAND)
    for place, part in enumerate(parts):
        accuracies = values[part]
        axes.plot(accuracies, [place] * len(accuracies), "|", ms=10, color=COLOURS["unlabelled"])
        style: dict[str, Any] = {"fmt": "o", "ms": 6, "color": COLOURS["target"]}
        if part == NOTHING:
            style = {"fmt": "D", "ms": 8, "color": COLOURS["baseline"]}
        else:
            lost.append((part, difference(accuracies, whole)))
        mean, half_width = interval(accuracies)
        axes.errorbar(mean, place, xerr=half_width, capsize=3, **style)
    names = [f"{part}: the whole recipe" if part == NOTHING else part for part in parts]
    axes.set_yticks(range(len(parts)), names)
    axes.set(ylim=(len(parts) - 0.5, -0.5), xlabel="test accuracy")
    axes.locator_params("x", nbins=5)
    axes.grid(axis="x")
    return lost


ALARM_SIGNS = {"alarm": ("X", "target"), "no alarm": ("o", "source")}
"""Marker and role of the colour of a seed."""


@styled
def collapse(rows: Mapping[str, Diagnosis], title: str) -> Picture:
    """Draw for each seed how many classes its predictions use, and where the alarm rings.

    Args:
        rows: by setting.
        title: what was measured.
    """
    height = 1.6 + 0.42 * len(rows)
    figure = new_figure(8, height)
    figure.text(0.01, 1 - 0.1 / height, title, va="top", fontsize=12)
    bottom, tall = 0.8 / height, 1 - 1.5 / height
    shares = figure.add_axes((0.285, bottom, 0.325, tall))
    classes = figure.add_axes((0.65, bottom, 0.325, tall))
    for place, diagnosis in enumerate(rows.values()):
        _draw_diagnosis(shares, classes, diagnosis, place)
    most = np.exp(next(iter(rows.values())).expected_entropy)
    _mark_alarm(classes, most)
    shares.set(xlim=(0, 100), xlabel="largest share of one class (%)")
    shares.set_yticks(range(len(rows)), list(rows))
    classes.set_yticks(range(len(rows)), [""] * len(rows))
    for axes in (shares, classes):
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.grid(axis="x")
    signs = [
        classes.plot([], [], sign, color=COLOURS[role], label=label)[0]
        for label, (sign, role) in ALARM_SIGNS.items()
    ]
    figure.legend(handles=signs, loc="lower left", ncols=1, fontsize=9)
    sentences = "; ".join(
        f"{name}: the alarm rings in {diagnosis.collapsed.sum()} of {len(diagnosis.entropy)} "
        f"seeds, the largest share of one class is {diagnosis.largest_share.mean():.0%} on "
        f"average and at most {diagnosis.largest_share.max():.0%}"
        for name, diagnosis in rows.items()
    )
    return Picture(
        figure,
        f"{title}. {sentences}. The alarm rings where fewer than {most / 2:g} classes are in use.",
    )


def _draw_diagnosis(shares: "Axes", classes: "Axes", diagnosis: Diagnosis, place: float) -> None:
    """Draw a sign for each seed, those of one setting a little above each other."""
    seeds = len(diagnosis.entropy)
    heights = place + (np.linspace(-0.22, 0.22, seeds) if seeds > 1 else np.zeros(1))
    chosen = {"alarm": diagnosis.collapsed, "no alarm": ~diagnosis.collapsed}
    for label in ("no alarm", "alarm"):
        sign, role = ALARM_SIGNS[label]
        style: dict[str, Any] = {"color": COLOURS[role], "ms": 7, "mec": "white", "mew": 0.5}
        of_label = chosen[label]
        for axes, values in (
            (shares, 100 * diagnosis.largest_share),
            (classes, np.exp(diagnosis.entropy)),
        ):
            axes.plot(values[of_label], heights[of_label], sign, clip_on=False, **style)


def _mark_alarm(classes: "Axes", most: float) -> None:
    """Mark where the alarm rings: where less than half of all classes are in use."""
    classes.axvline(most / 2, color=COLOURS["baseline"], ls="--")
    classes.axvspan(0, most / 2, color=COLOURS["target"], alpha=0.08, lw=0)
    classes.set(xlim=(0, most), xlabel="classes in use, exp H(mean p)")
    classes.set_xticks([0, most / 2, most], [f"{share * most:g}" for share in (0, 0.5, 1)])
    classes.set_title("◀ the alarm rings", fontsize=10, x=0.02)
