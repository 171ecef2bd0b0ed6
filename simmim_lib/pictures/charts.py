"""Charts that several lessons share: images in rows, accuracies along an axis or in rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib.foundation.intervals import interval, intervals, mean_and_interval
from simmim_lib.pictures.style import (
    COLOURS,
    Picture,
    legend_entry,
    new_figure,
    shortened,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_ROW = 120
"""Characters of all captions in a row of images."""

MAX_WAY = 40
"""Characters of a way of training beside a chart."""


def every(count: int, most: int) -> slice:
    """Return which of so many names to write where there is room for fewer: evenly spread ones."""
    return slice(None, None, max(1, -(-count // most)))


@styled
def image_grid(images: np.ndarray, captions: Sequence[str], alt: str, columns: int = 10) -> Picture:
    """Show images in rows, each with a caption.

    Args:
        images: (n, height, width, channels) in [0, 1].
        captions: one for each image.
        alt: the text in place of the picture.
        columns: images in a row.
    """
    rows = -(-len(images) // columns)
    figure = new_figure(8, 1.05 * rows)
    for position, (image, caption) in enumerate(zip(images, captions, strict=True)):
        axes = figure.add_subplot(rows, columns, position + 1)
        show_image(axes, image)
        axes.set_title(shortened(caption, MAX_ROW // columns), fontsize=9, loc="center", pad=2)
    figure.subplots_adjust(left=0.01, right=0.99, bottom=0.02, top=1 - 0.22 / rows, hspace=0.35)
    return Picture(figure, alt)


def draw_baseline(axes: "Axes", values: np.ndarray, label: str = "from scratch") -> None:
    """Draw a baseline's mean as a dashed line, with its interval as a band."""
    mean, width = interval(values)
    colour = COLOURS["baseline"]
    axes.axhline(mean, ls="--", color=colour, label=label)
    if np.isfinite(width):
        axes.axhspan(mean - width, mean + width, color=colour, alpha=0.12, lw=0)


def show_image(axes: "Axes", image: np.ndarray) -> None:
    """Show an image without axes."""
    # Bright means ink, as in the data; a light page shows it dark on light.
    axes.imshow(image.squeeze(-1) if image.shape[-1] == 1 else image, cmap="Greys", vmin=0, vmax=1)
    axes.axis("off")


def show_map(axes: "Axes", values: np.ndarray) -> None:
    """Show a map: blue speaks for the class, vermilion against it, white says nothing.

    Args:
        axes: to draw in.
        values: of each pixel, (height, width, channels).
    """
    from matplotlib.colors import LinearSegmentedColormap

    colours = LinearSegmentedColormap.from_list(
        "map", [COLOURS["target"], "white", COLOURS["source"]]
    )
    sums = values.sum(axis=-1)
    most = np.abs(sums).max() or 1.0
    axes.imshow(sums, cmap=colours, vmin=-most, vmax=most)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=True, color="#BBBBBB")


def error_bar(half_width: float) -> float | None:
    """Return the bar of one point: where a single seed has no interval, there is none."""
    return half_width if np.isfinite(half_width) else None


def error_bars(half_widths: np.ndarray) -> np.ndarray:
    """Return the bars of several points: where a single seed has no interval, of length 0."""
    return np.where(np.isfinite(half_widths), half_widths, 0)


def draw_mean_and_range(axes: "Axes", steps: np.ndarray, values: np.ndarray, **style: Any) -> None:
    """Draw the mean over seeds as a line, and from the least to the greatest as bars.

    Args:
        axes: to draw on.
        steps: of training, shape (K,).
        values: at these steps, shape (K, seeds).
        style: colour, marker, label and the like, as matplotlib takes them.
    """
    mean = values.mean(axis=1)
    reach = mean - values.min(axis=1), values.max(axis=1) - mean
    axes.errorbar(steps, mean, reach, elinewidth=0.8, **{"lw": 1.6, "ms": 4.5, **style})


@dataclass(frozen=True, eq=False)
class Curve:
    """Accuracies along an axis.

    Attributes:
        label: for the legend.
        values: by place on the axis, one accuracy for each seed.
        role: a key of `COLOURS`.
        marker: matplotlib's sign for it; it tells curves of one colour apart.
    """

    label: str
    values: Mapping[float, np.ndarray]
    role: str
    marker: str = "o"


@styled
def accuracy_curves(
    curves: Sequence[Curve],
    x_label: str,
    title: str,
    baseline: tuple[str, np.ndarray] | None = None,
    logarithmic: bool = False,
    lowest: float | None = None,
) -> Picture:
    """Draw mean accuracies with their 95 % intervals along an axis.

    Args:
        curves: drawn beside each other, a little apart.
        x_label: what the axis counts.
        title: what was measured, and with which budget.
        baseline: its name and its accuracies, drawn as a dashed line with a band.
        logarithmic: whether the axis is.
        lowest: where the axis of accuracies starts; a mean below it is told by an arrow.
    """
    figure = new_figure(8, 3.8)
    axes = figure.add_axes((0.09, 0.15, 0.60, 0.74))
    if baseline is not None:
        name, values = baseline
        draw_baseline(axes, values, legend_entry(name))
    ticks = sorted({place for curve in curves for place in curve.values})
    gap = min(np.diff(ticks), default=1.0)
    shifts = np.linspace(-0.5, 0.5, len(curves)) if len(curves) > 1 else [0.0]
    for curve, shift in zip(curves, shifts, strict=True):
        places = np.array(sorted(curve.values), float)
        # Beside each other, so that intervals do not hide each other.
        beside = places * 1.06**shift if logarithmic else places + 0.12 * gap * shift
        _draw_curve(axes, curve, beside)
    if lowest is not None:
        axes.set_ylim(bottom=lowest)
        _mark_below(axes, curves, lowest)
    if logarithmic:
        axes.set_xscale("log")
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set(xlabel=x_label, ylabel="test accuracy", title=title)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), fontsize=9, labelspacing=0.8)
    return Picture(figure, _describe_curves(curves, x_label, title, baseline))


def _draw_curve(axes: "Axes", curve: Curve, x: np.ndarray) -> None:
    means, half_widths = intervals([curve.values[place] for place in sorted(curve.values)])
    axes.errorbar(
        x,
        means,
        error_bars(half_widths),
        fmt=f"{'--' if curve.role == 'baseline' else '-'}{curve.marker}",
        color=COLOURS[curve.role],
        markeredgecolor="black",
        markeredgewidth=0.5,
        capsize=3,
        label=legend_entry(curve.label),
    )


def _mark_below(axes: "Axes", curves: Sequence[Curve], lowest: float) -> None:
    """Write the means that lie below the axis at its edge, with an arrow."""
    for curve in curves:
        for place in sorted(curve.values):
            mean = curve.values[place].mean()
            if mean < lowest:
                text = f"{mean:.2f} ↓"
                axes.annotate(text, (place, 0.03), xycoords=("data", "axes fraction"), ha="center")


def _describe_curves(
    curves: Sequence[Curve], x_label: str, title: str, baseline: tuple[str, np.ndarray] | None
) -> str:
    sentences = [
        f"{curve.label}: "
        + "; ".join(
            f"{place:g}: {mean_and_interval(curve.values[place])}" for place in sorted(curve.values)
        )
        for curve in curves
    ]
    if baseline is not None:
        name, values = baseline
        sentences.append(f"{name}: {mean_and_interval(values)}")
    numbers = ". ".join(sentence.replace("\n", " ") for sentence in sentences)
    return f"Test accuracy by {x_label}. {title}. {numbers}."


@styled
def accuracy_rows(
    groups: Mapping[str, Mapping[str, np.ndarray]],
    title: str,
    measures: Mapping[str, str] | None = None,
    span: tuple[float, float] | None = None,
) -> Picture:
    """Draw ways of training below each other: mean, 95 % interval and every seed.

    Args:
        groups: by target, then by way of training; "from scratch" is drawn as the baseline.
        title: what was measured, and with which budget.
        measures: by target, what was measured where that is not the accuracy.
        span: the ends of each target's axis, where they are to be compared; by default each has
            its own.
    """
    rows = sum(map(len, groups.values()))
    height = 1.3 + 0.36 * rows / len(groups)
    figure = new_figure(8, height)
    figure.text(0.01, 1 - 0.1 / height, title, va="top", fontsize=12)
    longest = max(len(shortened(way, MAX_WAY)) for ways in groups.values() for way in ways)
    margin = max(0.24, 0.0125 * longest)
    gaps = 0.05 * (len(groups) - 1)
    width = (min(0.9, 0.97 - gaps) - margin) / len(groups)
    for number, (target, ways) in enumerate(groups.items()):
        left = margin + number * (width + 0.05)
        axes = figure.add_axes((left, 0.55 / height, width, 1 - 1.25 / height))
        for place, (way, values) in enumerate(ways.items()):
            scratch = way == "from scratch"
            colour = COLOURS["baseline"] if scratch else COLOURS["target"]
            axes.plot(values, [place] * len(values), "|", ms=9, color=COLOURS["unlabelled"])
            mean, half = interval(values)
            axes.errorbar(
                mean, place, xerr=error_bar(half), fmt="s" if scratch else "o", color=colour
            )
        names = [shortened(way, MAX_WAY) if number == 0 else "" for way in ways]
        axes.set_yticks(range(len(ways)), names)
        measure = (measures or {}).get(target, "accuracy")
        axes.set(ylim=(len(ways) - 0.5, -0.5), xlabel=f"test {measure}", title=target)
        if span:
            axes.set_xlim(span)
        axes.grid(axis="x")
    numbers = ". ".join(
        f"{target}: "
        + "; ".join(f"{way}: {mean_and_interval(values)}" for way, values in ways.items())
        for target, ways in groups.items()
    )
    named = dict.fromkeys((measures or {}).get(target, "accuracy") for target in groups)
    return Picture(figure, f"Test {' and '.join(named)}. {title}. {numbers}.")
