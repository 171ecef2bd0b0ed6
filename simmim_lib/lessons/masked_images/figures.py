"""Figures of lesson 08."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from simmim_lib.foundation.intervals import intervals, mean_and_interval
from simmim_lib.lessons.masked_images.vanishing import LAYERS
from simmim_lib.pictures.charts import draw_baseline, error_bars, show_image
from simmim_lib.pictures.style import COLOURS, Picture, make_logarithmic, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HIDDEN = (0.34, 0.71, 0.91)
"""The colour of what is hidden: that of what is frozen, sky blue, which no grey image has."""


@styled
def filled_in(images: np.ndarray, mask: np.ndarray, filled: np.ndarray, title: str) -> Picture:
    """Show images, what is left of them, and what a network makes of that.

    Args:
        images: grey, (n, size, size, 1) in [0, 1].
        mask: of patches, True where hidden, (n, grid, grid).
        filled: the network's reconstructions, as the images.
        title: what was masked, and which network it was.
    """
    hidden = _of_pixels(mask, images.shape[1])
    together = np.where(hidden, np.clip(filled, 0, 1), images)
    rows = {"image": images, "what is seen": images, "filled in": together}
    columns = len(images)
    figure = new_figure(8, 0.5 + 3 * 7.2 / columns)
    figure.suptitle(title, x=0.01, ha="left", fontsize=12)
    axes_of = figure.subplots(3, columns, squeeze=False)
    for (name, shown), row in zip(rows.items(), axes_of, strict=True):
        for axes, image, hole in zip(row, shown, hidden, strict=True):
            show_image(axes, image)
            if name == "what is seen":
                _cover(axes, hole[..., 0])
        row[0].text(
            *(-0.13, 0.5, name), transform=row[0].transAxes, rotation=90, va="center", ha="center"
        )
    top = 1 - 0.45 / figure.get_figheight()
    figure.subplots_adjust(left=0.06, right=0.99, bottom=0.01, top=top, wspace=0.06, hspace=0.06)
    error = np.abs(np.clip(filled, 0, 1) - images)[hidden].mean()
    return Picture(
        figure,
        f"{title}. Above, {columns} images; in the middle, the same with "
        f"{mask[0].sum()} of {mask[0].size} patches hidden; below, the hidden patches filled in by "
        f"the network. On average, a hidden pixel is off by {error:.2f} of the range from white "
        "to black.",
    )


def _of_pixels(mask: np.ndarray, size: int) -> np.ndarray:
    patch = size // mask.shape[1]
    return mask.astype(bool).repeat(patch, axis=1).repeat(patch, axis=2)[..., None]


def _cover(axes: "Axes", hidden: np.ndarray) -> None:
    axes.imshow(np.dstack([np.full((*hidden.shape, 3), HIDDEN), hidden.astype(float)]))


@styled
def after_seconds(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]], scratch: np.ndarray, title: str
) -> Picture:
    """Draw fine-tuned accuracy against the seconds of pre-training before it.

    Args:
        curves: by pretext, three at most, the seconds (looks,) and the accuracies (looks, seeds).
        scratch: accuracies without pre-training, (seeds,).
        title: what was measured.
    """
    figure = new_figure(8, 3.8)
    axes = figure.add_axes((0.11, 0.15, 0.58, 0.74))
    draw_baseline(axes, scratch, "none: from scratch")
    looks = (("target", "o"), ("source", "s"), ("trained", "^"))
    for (name, (seconds, accuracies)), look in zip(curves.items(), looks, strict=False):
        colour, marker = look
        means, widths = intervals(accuracies)
        axes.errorbar(
            seconds,
            means,
            error_bars(widths),
            fmt=f"-{marker}",
            color=COLOURS[colour],
            capsize=3,
            label=name,
        )
    make_logarithmic(axes, "x")
    axes.set(
        xlabel="seconds of pre-training, two processor cores",
        ylabel="test accuracy",
        title=title,
    )
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), fontsize=9)
    numbers = ". ".join(
        f"{name}: "
        + "; ".join(
            f"after {second:.0f} s {mean_and_interval(of_look)}"
            for second, of_look in zip(seconds, accuracies, strict=True)
        )
        for name, (seconds, accuracies) in curves.items()
    )
    return Picture(
        figure,
        f"Test accuracy by seconds of pre-training. {title}. From scratch: "
        f"{mean_and_interval(scratch)}. {numbers}.",
    )


@styled
def ratios_and_units(
    accuracies: Mapping[tuple[float, int], np.ndarray],
    chosen: tuple[float, int],
    mask: np.ndarray,
    title: str,
) -> Picture:
    """Draw a map of accuracies by ratio and unit, with one place marked, and a mask of its kind.

    Args:
        accuracies: by ratio and unit, (seeds,).
        chosen: a key of them.
        mask: one of the chosen ratio and unit, (grid, grid).
        title: what was measured.
    """
    figure = new_figure(8, 3.2)
    axes = figure.add_axes((0.12, 0.2, 0.54, 0.62))
    axes.set(title=title)
    _draw_map(axes, accuracies, chosen)
    beside = figure.add_axes((0.72, 0.2, 0.25, 0.62))
    beside.imshow(mask, cmap="Blues", vmin=0, vmax=1.6)
    beside.set(xticks=[], yticks=[], title=f"{mask.sum()} of {mask.size} patches")
    numbers = "; ".join(
        f"ratio {ratio:g}, unit {unit}: {mean_and_interval(values)}"
        for (ratio, unit), values in accuracies.items()
    )
    return Picture(
        figure,
        f"Test accuracy by ratio and unit. {title}. {numbers}. Marked: ratio {chosen[0]:g}, unit "
        f"{chosen[1]}, whose masks hide {mask.sum()} of {mask.size} patches.",
    )


def _draw_map(
    axes: "Axes", accuracies: Mapping[tuple[float, int], np.ndarray], chosen: tuple[float, int]
) -> None:
    ratios = sorted({ratio for ratio, _ in accuracies})
    units = sorted({unit for _, unit in accuracies})
    means = np.array([[accuracies[ratio, unit].mean() for ratio in ratios] for unit in units])
    axes.imshow(means, cmap="Blues", aspect="auto", vmin=means.min() - 0.02, vmax=means.max() + 0.1)
    for (ratio, unit), values in accuracies.items():
        text = mean_and_interval(values).replace(" ± ", "\n± ")
        axes.text(ratios.index(ratio), units.index(unit), text, ha="center", va="center")
    _outline(axes, (units.index(chosen[1]), ratios.index(chosen[0])), 1)
    axes.set_xticks(range(len(ratios)), [f"{ratio:g}" for ratio in ratios])
    axes.set_yticks(range(len(units)), [f"{unit} x {unit}" for unit in units])
    axes.set(xlabel="ratio", ylabel="unit, in patches")
    axes.grid(visible=False)


@styled
def vanishing_mask(maps: Mapping[str, Sequence[np.ndarray]]) -> Picture:
    """Show, layer by layer, which places of a convolutional network hold nothing but the mask.

    Args:
        maps: by row, for the input and each layer True where something was seen, (size, size).
    """
    figure = new_figure(8, 4.2)
    axes_of = figure.subplots(len(maps), len(LAYERS), squeeze=False)
    for (name, row_of_maps), row in zip(maps.items(), axes_of, strict=True):
        for axes, seen, layer in zip(row, row_of_maps, LAYERS, strict=True):
            axes.imshow(~seen, cmap="Blues", vmin=0, vmax=1.6)
            axes.set(xticks=[], yticks=[])
            axes.set_title(f"{layer}\n{1 - seen.mean():.0%} hidden", fontsize=9, loc="center")
        row[0].set_ylabel(name)
    figure.subplots_adjust(left=0.06, right=0.99, bottom=0.02, top=0.9, hspace=0.35)
    numbers = ". ".join(
        f"{name}: "
        + "; ".join(
            f"{layer} {1 - seen.mean():.0%}"
            for layer, seen in zip(LAYERS, row_of_maps, strict=True)
        )
        for name, row_of_maps in maps.items()
    )
    return Picture(figure, f"The share of places that hold nothing but the mask. {numbers}.")


@styled
def attention(image: np.ndarray, patch: tuple[int, int], maps: np.ndarray, title: str) -> Picture:
    """Show an image with one patch marked, and where each head of each block looks from there.

    Args:
        image: grey, (size, size, 1).
        patch: its row and column.
        maps: what it takes from each patch, (blocks, heads, grid, grid).
        title: which network it was.
    """
    blocks, heads, grid, _ = maps.shape
    figure = new_figure(8, 1.0 + 1.45 * heads)
    figure.suptitle(title, x=0.01, ha="left", fontsize=12)
    picture = figure.add_axes((0.02, 0.1, 0.22, 0.72))
    show_image(picture, image)
    _outline(picture, patch, len(image) // grid)
    axes_of = figure.subplots(heads, blocks, squeeze=False)
    for number, column in enumerate(axes_of.T):
        for head, axes in enumerate(column):
            axes.imshow(maps[number, head], cmap="Blues", vmin=0)
            axes.set(xticks=[], yticks=[])
            _outline(axes, patch, 1)
            if number == 0:
                axes.set_ylabel(f"head {head + 1}")
        column[0].set_title(f"block {number + 1}", loc="center")
    figure.subplots_adjust(left=0.32, right=0.99, bottom=0.04, top=0.8, wspace=0.1, hspace=0.1)
    most = [np.unravel_index(of.mean(axis=0).argmax(), (grid, grid)) for of in maps]
    told = "; ".join(
        f"block {number}: row {row + 1}, column {column + 1}"
        for number, (row, column) in enumerate(most, start=1)
    )
    return Picture(
        figure,
        f"{title}. The patch in row {patch[0] + 1}, column {patch[1] + 1}, is marked. The patch "
        f"that it takes most from, on average over the heads: {told}.",
    )


def _outline(axes: "Axes", patch: tuple[int, int], size: int) -> None:
    from matplotlib.patches import Rectangle

    row, column = patch
    corner = (column * size - 0.5, row * size - 0.5)
    axes.add_patch(Rectangle(corner, size, size, fill=False, lw=2.5, edgecolor=COLOURS["target"]))
