"""Figures of lesson 00."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib import datasets
from simmim_lib.foundation.intervals import (
    interval,
    intervals,
    mean_and_interval,
    seeds_in_words,
)
from simmim_lib.pictures.charts import error_bar, error_bars
from simmim_lib.pictures.style import COLOURS, Picture, new_figure, shortened, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_IMAGES = 10
"""Images of a class that are shown."""


@styled
def few_labels(
    dataset: datasets.Dataset,
    labelled: datasets.Part,
    nearest: Mapping[int, np.ndarray],
    network: np.ndarray | None = None,
) -> Picture:
    """Show the labelled images, and how far a nearest neighbour and a network get with them.

    Args:
        dataset: where the images come from.
        labelled: equally many images of each class.
        nearest: the nearest neighbour's accuracy by number of labels per class, one for each seed;
            that of `labelled` is a key.
        network: the network's accuracy with `labelled`, one for each seed, once it is trained.
    """
    classes = len(dataset.class_names)
    shown = len(labelled) // classes
    figure = new_figure(8, 4)
    _draw_classes(figure.add_axes((0.11, 0.03, 0.36, 0.84)), dataset, labelled)
    axes = figure.add_axes((0.57, 0.15, 0.41, 0.72))
    _draw_nearest(axes, nearest, shown)
    if network is not None:
        mean, half_width = interval(network)
        look: dict[str, Any] = {"fmt": "D", "ms": 9, "color": COLOURS["target"], "capsize": 4}
        axes.errorbar(shown, mean, error_bar(half_width), label="network, retrained", **look)
    axes.axhline(1 / classes, ls="--", color=COLOURS["baseline"], label="guessing")
    axes.set(ylim=(0, 1), xlabel="labelled images per class", ylabel="test accuracy")
    axes.set_title(_title(nearest[shown], network))
    axes.legend(loc="lower right", bbox_to_anchor=(1, 0.12), fontsize=9)
    return Picture(figure, _describe(dataset, shown, nearest, network))


def _draw_nearest(axes: "Axes", nearest: Mapping[int, np.ndarray], shown: int) -> None:
    counts = sorted(nearest)
    means, half_widths = intervals([nearest[count] for count in counts])
    look: dict[str, Any] = {"fmt": "o-", "color": COLOURS["unlabelled"], "capsize": 4}
    axes.errorbar(counts, means, error_bars(half_widths), label="nearest image", **look)
    axes.plot(shown, np.mean(nearest[shown]), "o", ms=13, mfc="none", color=COLOURS["unlabelled"])
    axes.set_xscale("log")
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.minorticks_off()


def _title(nearest: np.ndarray, network: np.ndarray | None) -> str:
    trained = "" if network is None else f"network {np.mean(network):.0%}, "
    return f"{trained}nearest image {np.mean(nearest):.0%}"


def _describe(
    dataset: datasets.Dataset,
    shown: int,
    nearest: Mapping[int, np.ndarray],
    network: np.ndarray | None,
) -> str:
    values = "; ".join(f"{count}: {mean_and_interval(nearest[count])}" for count in sorted(nearest))
    trained = (
        ""
        if network is None
        else (
            f" A network that knows printed characters, retrained with {shown}: "
            f"{mean_and_interval(network)} over {seeds_in_words(len(network))}."
        )
    )
    return (
        f"{shown} labelled images of each class of {dataset.title}, and the test accuracy of the "
        "nearest labelled image by labels per class, mean and 95 % interval over "
        f"{seeds_in_words(len(nearest[shown]))}. {values}.{trained} "
        f"Guessing: {1 / len(dataset.class_names):.3f}."
    )


def _draw_classes(axes: "Axes", dataset: datasets.Dataset, labelled: datasets.Part) -> None:
    """Show a row of images for each class."""
    classes, side = len(dataset.class_names), datasets.IMAGE_SIZE
    rows = [labelled.images[labelled.labels == label].squeeze(-1) for label in range(classes)]
    page = np.zeros((classes * side, MAX_IMAGES * side), np.float32)
    for position, row in enumerate(rows):
        strip = np.concatenate(row[:MAX_IMAGES], axis=1)
        page[position * side : (position + 1) * side, : strip.shape[1]] = strip
    axes.imshow(page, cmap="Greys", vmin=0, vmax=1)
    axes.set_anchor("N")
    names = [shortened(name, 12) for name in dataset.class_names]
    axes.set_yticks(side * (np.arange(classes) + 0.5), names, fontsize=9)
    axes.set_xticks([])
    axes.grid(False)
    axes.tick_params(length=0)
    axes.spines[["left", "bottom"]].set_visible(False)
    count = len(rows[0])
    axes.set_title(
        f"{count} of each class" + (" (ten of them shown)" if count > MAX_IMAGES else "")
    )
