"""Pictures: one visual language for all lessons, and functions from results to figures."""

import functools
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib import datasets, models
from simmim_lib.experiment import Result, interval
from simmim_lib.settings import FREEZABLE_LAYERS, Settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {
    "source": "#0072B2",  # blue
    "target": "#D55E00",  # vermilion
    "trained": "#E69F00",  # orange
    "frozen": "#56B4E9",  # sky blue, and hatched
    "unlabelled": "#999999",  # grey
    "baseline": "#333333",  # nearly black, and dashed
}
"""A colour has one meaning in all lessons.

Source: Okabe and Ito 2008, "Color universal design", a palette told apart by colour-blind readers.
"""

STYLE: Any = {
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": "#DDDDDD",
    "legend.frameon": False,
    "hatch.linewidth": 0.6,
    "image.cmap": "cividis",
}


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure with a text that says the same; a notebook shows it by itself.

    Attributes:
        figure: drawn without pyplot, so that threads do not meet in it.
        alt: what a reader who cannot see the figure needs to know.
    """

    figure: "Figure"
    alt: str

    def png(self) -> bytes:
        """Return the figure as the content of a PNG file."""
        import matplotlib as mpl
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from PIL import Image

        canvas = FigureCanvasAgg(self.figure)
        with mpl.rc_context(STYLE):
            canvas.draw()
        # A palette makes the file a third as large: notebooks stay small and redraws quick.
        image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
        buffer = io.BytesIO()
        colours = Image.Quantize.MAXCOVERAGE  # a third quicker than Pillow's usual choice
        image.quantize(128, colours, dither=Image.Dither.NONE).save(buffer, "png")
        return buffer.getvalue()

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, object], dict[str, object]]:
        data: dict[str, object] = {"image/png": self.png(), "text/plain": self.alt}
        return data, {"image/png": {"alt": self.alt}}


def new_figure(width: float = 8, height: float = 3.6) -> "Figure":
    """Return an empty figure of the workbook's style, width and height in inches."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        return Figure(figsize=(width, height))


def styled(draw: Any) -> Any:
    """Draw with the workbook's style, whatever a lesson has set for itself."""

    @functools.wraps(draw)
    def wrapper(*arguments: Any, **options: Any) -> Any:
        import matplotlib as mpl

        with mpl.rc_context(STYLE):
            return draw(*arguments, **options)

    return wrapper


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
        _show_image(axes, image)
        axes.set_title(caption, fontsize=9, loc="center", pad=2)
    figure.subplots_adjust(left=0.01, right=0.99, bottom=0.02, top=1 - 0.22 / rows, hspace=0.35)
    return Picture(figure, alt)


@styled
def frozen_depth(results: Mapping[int, Result], shown: int, baseline: Result | None) -> Picture:
    """Draw the network, the accuracy for every number of frozen layers, and some mistakes.

    Args:
        results: by number of frozen layers; those not measured yet are left out.
        shown: the number whose network and mistakes are drawn; a key of `results`.
        baseline: the same task from scratch, once it is measured.
    """
    result = results[shown]
    target = result.settings.targets[0]
    figure = new_figure(8, 6)
    draw_network(figure.add_axes((0.02, 0.57, 0.96, 0.40)), result.settings, target)
    _draw_depth_curve(figure.add_axes((0.085, 0.10, 0.50, 0.37)), results, shown, baseline, target)
    _draw_mistakes(figure, result, target, (0.64, 0.03, 0.35, 0.48))
    return Picture(figure, _describe_depth_curve(results, shown, baseline, target))


def draw_network(axes: "Axes", settings: Settings, target: str) -> None:
    """Draw the workbook's network: a block for each layer, frozen ones hatched.

    A block's height goes with the side of its feature map, its width with the number of maps.
    """
    dataset = datasets.load(target)
    classes = len(dataset.class_names)
    layers = _layer_sizes(classes, dataset.train.images.shape[-1])
    axes.set(xlim=(0, 100), ylim=(0, 100))
    axes.axis("off")
    left = 3.0
    for position, (name, side, depth, parameters) in enumerate(layers):
        width, height = 2.5 + depth**0.5 * 0.62, 14 + 1.7 * side
        frozen = 1 <= position <= settings.frozen_layers
        colour = COLOURS["frozen" if frozen else "trained"] if position else "#EEEEEE"
        _draw_block(axes, (left, 57, width, height), colour, "//" if frozen else "")
        size = f"{side} × {side} × {depth}" if side > 1 else f"{depth}"
        lines = [name.replace("_", " "), size, f"{parameters:,} weights" if parameters else ""]
        middle = left + width / 2
        axes.text(middle, 2, "\n".join(lines), ha="center", va="bottom", fontsize=9)
        if position:
            word = "frozen" if frozen else "trained"
            above = 59 + height / 2
            axes.text(middle, above, word, ha="center", va="bottom", fontsize=9, weight="bold")
        if position < len(layers) - 1:
            arrow = {"arrowstyle": "->", "color": "#666666"}
            axes.annotate("", (left + 17.2, 57), (left + width + 0.6, 57), arrowprops=arrow)
        left += 17.6
    trained, frozen_count = models.count_parameters(classes, settings.frozen_layers)
    axes.set_title(
        f"{settings.source or 'from scratch'} → {target}: {trained:,} weights trained, "
        f"{frozen_count:,} frozen",
        y=0.95,
    )


def _draw_block(
    axes: "Axes", place: tuple[float, float, float, float], colour: str, hatch: str
) -> None:
    from matplotlib.patches import Rectangle

    left, middle, width, height = place
    block = Rectangle(
        (left, middle - height / 2), width, height, facecolor=colour, hatch=hatch, edgecolor="black"
    )
    axes.add_patch(block)


def _layer_sizes(classes: int, channels: int) -> list[tuple[str, int, int, int]]:
    """Return name, side of the feature map, number of maps and of weights, from image to head."""
    sizes = [("image", datasets.IMAGE_SIZE, channels, 0)]
    _, network = models.network(classes, 0, channels)
    for layer in network.layers:
        if layer.weights:
            shape = layer.output.shape[1:]
            side = shape[0] if len(shape) == 3 else 1
            sizes.append((layer.name, side, shape[-1], layer.count_params()))
    return sizes


def _draw_depth_curve(
    axes: "Axes",
    results: Mapping[int, Result],
    shown: int,
    baseline: Result | None,
    target: str,
) -> None:
    depths = sorted(results)
    if baseline is not None:
        _draw_baseline(axes, baseline.accuracy[target])
    for depth in depths:
        values = results[depth].accuracy[target]
        offsets = np.linspace(-0.12, 0.12, len(values)) if len(values) > 1 else [0.0]
        axes.plot(depth + np.asarray(offsets), values, "o", ms=4, color=COLOURS["unlabelled"])
    means, widths = zip(*(interval(results[d].accuracy[target]) for d in depths), strict=True)
    axes.errorbar(
        depths,
        means,
        np.where(np.isfinite(widths), widths, 0),
        fmt="o-",
        color=COLOURS["target"],
        capsize=4,
        label="mean and 95 % interval" if len(results[shown].accuracy[target]) > 1 else "1 seed",
    )
    axes.axvspan(shown - 0.3, shown + 0.3, color=COLOURS["frozen"], alpha=0.25, lw=0)
    settings = results[shown].settings
    axes.set(
        xlim=(-0.5, len(FREEZABLE_LAYERS) + 0.5),
        xticks=range(len(FREEZABLE_LAYERS) + 1),
        xlabel="frozen layers",
        ylabel="test accuracy",
        title=f"{settings.labels_per_class} labels per class, {settings.seeds} seeds",
    )
    axes.legend(loc="lower left", fontsize=9)


def _draw_baseline(axes: "Axes", values: np.ndarray, label: str = "from scratch") -> None:
    mean, width = interval(values)
    colour = COLOURS["baseline"]
    axes.axhline(mean, ls="--", color=colour, label=label)
    if np.isfinite(width):
        axes.axhspan(mean - width, mean + width, color=colour, alpha=0.12, lw=0)


def _draw_mistakes(
    figure: "Figure", result: Result, target: str, place: tuple[float, float, float, float]
) -> None:
    """Show the first eight test images that the first seed's network gets wrong."""
    dataset = datasets.load(target)
    guesses = result.predictions[target][0]
    wrong = np.flatnonzero(guesses != dataset.test.labels)
    left, bottom, width, height = place
    figure.text(
        left, bottom + height - 0.02, f"{len(wrong):,} mistakes in {len(guesses):,}, seed 0"
    )
    for position, index in enumerate(wrong[:8]):
        row, column = divmod(position, 4)
        axes = figure.add_axes(
            (left + column * width / 4, bottom + (1 - row) * 0.225, width / 4.2, 0.185)
        )
        _show_image(axes, dataset.test.images[index])
        truth, guess = (
            dataset.class_names[i] for i in (dataset.test.labels[index], guesses[index])
        )
        axes.set_title(f"{truth[:7]} as {guess[:7]}", fontsize=7.5, loc="center", pad=2)


def _show_image(axes: "Axes", image: np.ndarray) -> None:
    # Bright means ink, as in the data; a light page shows it dark on light.
    axes.imshow(image.squeeze(-1) if image.shape[-1] == 1 else image, cmap="Greys", vmin=0, vmax=1)
    axes.axis("off")


def _describe_depth_curve(
    results: Mapping[int, Result], shown: int, baseline: Result | None, target: str
) -> str:
    settings = results[shown].settings
    values = "; ".join(
        f"{depth} frozen: {_spread(results[depth].accuracy[target])}" for depth in sorted(results)
    )
    scratch = f" From scratch: {_spread(baseline.accuracy[target])}." if baseline else ""
    return (
        f"Test accuracy on {target} after pre-training on {settings.source}, "
        f"{settings.labels_per_class} labels per class, {settings.seeds} seeds, "
        f"budget {settings.budget}. {values}.{scratch} The drawing marks as frozen: "
        f"{', '.join(FREEZABLE_LAYERS[:shown]) or 'no layer'}."
    )


def _spread(values: np.ndarray) -> str:
    mean, width = interval(values)
    return f"{mean:.3f} ± {width:.3f}" if np.isfinite(width) else f"{mean:.3f}"


@styled
def few_labels(
    dataset: datasets.Dataset, labelled: datasets.Part, accuracy: Mapping[int, np.ndarray]
) -> Picture:
    """Show the labelled images, and how far a nearest neighbour gets with more and fewer of them.

    Args:
        dataset: where the images come from.
        labelled: equally many images of each class.
        accuracy: by number of labels per class, one for each seed; that of `labelled` is a key.
    """
    classes = len(dataset.class_names)
    shown = len(labelled) // classes
    figure = new_figure(8, 4)
    _draw_classes(figure.add_axes((0.11, 0.03, 0.36, 0.84)), dataset, labelled)
    axes = figure.add_axes((0.57, 0.15, 0.41, 0.72))
    counts = sorted(accuracy)
    means, widths = zip(*(interval(accuracy[count]) for count in counts), strict=True)
    axes.errorbar(
        counts, means, widths, fmt="o-", color=COLOURS["target"], capsize=4, label="nearest image"
    )
    axes.plot(shown, np.mean(accuracy[shown]), "o", ms=13, mfc="none", color=COLOURS["target"])
    axes.axhline(1 / classes, ls="--", color=COLOURS["baseline"], label="guessing")
    axes.set_xscale("log")
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.minorticks_off()
    axes.set(ylim=(0, 1), xlabel="labelled images per class", ylabel="test accuracy")
    seeds = len(accuracy[shown])
    axes.set_title(f"{_spread(accuracy[shown])} with {shown} per class, {seeds} seeds")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 0.12), fontsize=9)
    values = "; ".join(f"{count}: {_spread(accuracy[count])}" for count in counts)
    return Picture(
        figure,
        f"{shown} labelled images of each class of {dataset.title}, and the test accuracy of the "
        f"nearest labelled image by labels per class, mean and 95 % interval over {seeds} seeds. "
        f"{values}. Guessing: {1 / classes:.3f}.",
    )


def _draw_classes(axes: "Axes", dataset: datasets.Dataset, labelled: datasets.Part) -> None:
    """Show a row of images for each class, at most ten in a row."""
    classes, side, most = len(dataset.class_names), datasets.IMAGE_SIZE, 10
    rows = [labelled.images[labelled.labels == label].squeeze(-1) for label in range(classes)]
    page = np.zeros((classes * side, most * side), np.float32)
    for position, row in enumerate(rows):
        strip = np.concatenate(row[:most], axis=1)
        page[position * side : (position + 1) * side, : strip.shape[1]] = strip
    axes.imshow(page, cmap="Greys", vmin=0, vmax=1)
    axes.set_anchor("N")
    axes.set_yticks(side * (np.arange(classes) + 0.5), dataset.class_names, fontsize=9)
    axes.set_xticks([])
    axes.grid(False)
    axes.tick_params(length=0)
    axes.spines[["left", "bottom"]].set_visible(False)
    count = len(rows[0])
    axes.set_title(f"{count} of each class" + (" (ten of them shown)" if count > most else ""))


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
        _draw_baseline(axes, baseline[1], baseline[0])
    shifts = np.linspace(-0.5, 0.5, len(curves)) if len(curves) > 1 else [0.0]
    for curve, shift in zip(curves, shifts, strict=True):
        places = np.array(sorted(curve.values), float)
        means, widths = zip(*(interval(curve.values[place]) for place in places), strict=True)
        axes.errorbar(
            places * 1.06**shift if logarithmic else places + 0.12 * shift,
            means,
            np.where(np.isfinite(widths), widths, 0),
            fmt=f"{'--' if curve.role == 'baseline' else '-'}{curve.marker}",
            color=COLOURS[curve.role],
            markeredgecolor="black",
            markeredgewidth=0.5,
            capsize=3,
            label=curve.label,
        )
        for place, mean in zip(places, means, strict=True):
            if lowest is not None and mean < lowest:
                text = f"{mean:.2f} ↓"
                axes.annotate(text, (place, 0.03), xycoords=("data", "axes fraction"), ha="center")
    if lowest is not None:
        axes.set_ylim(bottom=lowest)
    ticks = sorted({place for curve in curves for place in curve.values})
    if logarithmic:
        axes.set_xscale("log")
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set(xlabel=x_label, ylabel="test accuracy", title=title)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), fontsize=9, labelspacing=0.8)
    return Picture(figure, _describe_curves(curves, x_label, title, baseline))


def _describe_curves(
    curves: Sequence[Curve], x_label: str, title: str, baseline: tuple[str, np.ndarray] | None
) -> str:
    told = [
        f"{curve.label}: "
        + "; ".join(f"{place:g}: {_spread(curve.values[place])}" for place in sorted(curve.values))
        for curve in curves
    ]
    if baseline is not None:
        told.append(f"{baseline[0]}: {_spread(baseline[1])}")
    lines = ". ".join(line.replace("\n", " ") for line in told)
    return f"Test accuracy by {x_label}. {title}. {lines}."


@styled
def accuracy_rows(groups: Mapping[str, Mapping[str, np.ndarray]], title: str) -> Picture:
    """Draw ways of training below each other: mean, 95 % interval and every seed.

    Args:
        groups: by target, then by way of training; "from scratch" is drawn as the baseline.
        title: what was measured, and with which budget.
    """
    rows = sum(map(len, groups.values()))
    height = 1.3 + 0.36 * rows / len(groups)
    figure = new_figure(8, height)
    figure.text(0.01, 1 - 0.1 / height, title, va="top", fontsize=12)
    width = 0.66 / len(groups)
    for number, (target, ways) in enumerate(groups.items()):
        left = 0.24 + number * (width + 0.05)
        axes = figure.add_axes((left, 0.55 / height, width, 1 - 1.25 / height))
        for place, (way, values) in enumerate(ways.items()):
            scratch = way == "from scratch"
            colour = COLOURS["baseline" if scratch else "target"]
            axes.plot(values, [place] * len(values), "|", ms=9, color=COLOURS["unlabelled"])
            mean, half = interval(values)
            axes.errorbar(mean, place, xerr=half, fmt="s" if scratch else "o", color=colour)
        names = list(ways) if number == 0 else [""] * len(ways)
        axes.set_yticks(range(len(ways)), names)
        axes.set(ylim=(len(ways) - 0.5, -0.5), xlabel="test accuracy", title=target)
        axes.grid(axis="x")
    told = ". ".join(
        f"{target}: " + "; ".join(f"{way}: {_spread(values)}" for way, values in ways.items())
        for target, ways in groups.items()
    )
    return Picture(figure, f"Test accuracy. {title}. {told}.")


@styled
def score_against_accuracy(
    scores: Mapping[str, Mapping[tuple[str, str], float]],
    accuracy: Mapping[tuple[str, str], np.ndarray],
    baselines: Mapping[str, np.ndarray],
    title: str,
) -> Picture:
    """Draw, for each score, what it said beforehand against what happened.

    Args:
        scores: by name and unit of the score, then by (source, target).
        accuracy: by (source, target), one for each seed.
        baselines: by target, the accuracies from scratch.
        title: what was measured, and with which budget.
    """
    targets = list(baselines)
    sources = sorted({source for source, _ in accuracy})
    markers = dict(zip(sources, "osD^v", strict=False))
    height = 1.4 + 1.6 * len(targets)
    figure = new_figure(8, height)
    figure.text(0.01, 1 - 0.1 / height, title, va="top", fontsize=12)
    axes_of = figure.subplots(len(targets), len(scores), sharey="row", squeeze=False)
    for row, target in zip(axes_of, targets, strict=True):
        for axes, (name, values) in zip(row, scores.items(), strict=True):
            _draw_baseline(axes, baselines[target])
            for source in (each for each in sources if (each, target) in accuracy):
                mean, half = interval(accuracy[source, target])
                place = values[source, target]
                axes.errorbar(place, mean, half, fmt=markers[source], color=COLOURS["source"])
            axes.margins(x=0.25)
            axes.locator_params(nbins=3)
            axes.tick_params(labelsize=9)
            if target == targets[-1]:
                axes.set_xlabel(name, fontsize=9)
        row[0].set_ylabel(f"{target}\ntest accuracy", fontsize=9)
    handles = [
        axes_of[0, 0].plot([], [], markers[source], color=COLOURS["source"])[0]
        for source in sources
    ]
    handles.append(axes_of[0, 0].plot([], [], "--", color=COLOURS["baseline"])[0])
    names = [*(f"from {source}" for source in sources), "from scratch"]
    corner = (0.0, 1 - 0.3 / height)
    figure.legend(
        handles, names, ncols=len(names), fontsize=9, loc="upper left", bbox_to_anchor=corner
    )
    edges = {"left": 0.1, "right": 0.98, "top": 1 - 0.75 / height, "bottom": 0.65 / height}
    figure.subplots_adjust(**edges, wspace=0.12, hspace=0.35)
    told = "; ".join(
        f"{source or 'scratch'} to {target}: {_spread(values)}"
        for (source, target), values in [
            *accuracy.items(),
            *(((None, target), values) for target, values in baselines.items()),
        ]
    )
    return Picture(figure, f"Test accuracy against {', '.join(scores)}. {title}. {told}.")
