"""Drawings of networks: blocks, heads, what is frozen and what is trained."""

from typing import TYPE_CHECKING, Any

import numpy as np

import simmim_lib
from simmim_lib import datasets, trunks
from simmim_lib.experiments.network import joint_network
from simmim_lib.pictures.style import COLOURS, target_style
from simmim_lib.settings import Settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes
if TYPE_CHECKING:
    import keras
    from matplotlib.axes import Axes

    from simmim_lib.simmim import SimMIM


def draw_network(axes: "Axes", settings: Settings, target: str) -> None:
    """Draw the workbook's network: a block for each layer, frozen ones hatched.

    A block's height goes with the side of its feature map, its width with the number of maps.
    """
    dataset = datasets.load(target)
    classes = len(dataset.class_names)
    layers = layer_sizes(classes, dataset.train.images.shape[-1])
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
    trained, frozen_count = trunks.count_parameters(classes, settings.frozen_layers)
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


def layer_sizes(classes: int, channels: int) -> list[tuple[str, int, int, int]]:
    """Return name, side of the feature map, number of maps and of weights, from image to head."""
    sizes = [("image", datasets.IMAGE_SIZE, channels, 0)]
    _, network = trunks.classifier(classes, 0, channels)
    for layer in network.layers:
        if layer.weights:
            shape = layer.output.shape[1:]
            side = shape[0] if len(shape) == 3 else 1
            sizes.append((layer.name, side, shape[-1], layer.count_params()))
    return sizes


def draw_joint_network(axes: "Axes", settings: Settings) -> None:
    """Draw what the targets share and what each has for itself; frozen layers are hatched."""
    from matplotlib.patches import FancyBboxPatch

    axes.set(xlim=(-0.5, 100.5), ylim=(0, 100))
    axes.axis("off")

    def box(place: tuple[float, float, float, float], colour: str, text: str, **looks: Any) -> None:
        left, bottom, width, height = place
        style = "round,pad=0,rounding_size=1.5"
        axes.add_patch(
            FancyBboxPatch((left, bottom), width, height, boxstyle=style, facecolor=colour, **looks)
        )
        axes.text(left + width / 2, bottom + height / 2, text, ha="center", va="center", fontsize=9)

    def arrow(start: tuple[float, float], end: tuple[float, float]) -> None:
        axes.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": "#666666"})

    rows = _rows(len(settings.targets))
    for target, middle in zip(settings.targets, rows, strict=True):
        labels = settings.labels_of[target]
        text = f"{datasets.describe(target).title}\n{labels} labels per class"
        box(
            (0, middle - 8, 20, 16), "white", text, edgecolor=target_style(target)[0], linewidth=2.5
        )
        arrow((20.5, middle), (25, 58 + (middle - 50) * 0.2))
    for position, (name, _, depth, weights) in enumerate(layer_sizes(10, 1)[1:-1]):
        state = "frozen" if position < settings.frozen_layers else "trained"
        left, hatch = 25.5 + 12.2 * position, "//" if state == "frozen" else ""
        box((left, 44, 10, 28), COLOURS[state], "", edgecolor="black", hatch=hatch)
        below = f"{name.replace('_', ' ')}\n{depth} {'maps' if position < 3 else 'units'}"
        text = f"{below}\n{weights:,} weights"
        axes.text(left + 5, 41, text, ha="center", va="top", fontsize=8)
        axes.text(left + 5, 75, state, ha="center", fontsize=9, weight="bold")
    for group in head_groups(settings):
        middles = [rows[settings.targets.index(target)] for target in group]
        middle = float(np.mean(middles))
        shared = len(group) > 1
        text = "one head, shared" if shared else "head"
        colour = COLOURS["trained"] if shared else target_style(group[0])[0]
        units = len(datasets.describe(group[0]).class_names)
        text = f"{text}\n{units} logits\n{(trunks.DENSE_UNITS + 1) * units:,} weights"
        box((82, middle - 12, 18, 24), "white", text, edgecolor=colour, linewidth=2.5)
        arrow((73, 58 + (middle - 50) * 0.2), (81.5, middle))
    axes.text(49, 89, "trunk, shared by all targets", ha="center", fontsize=10)
    together, apart = parameters(settings), sum(parameters(s) for s in settings.separately())
    origin = settings.source or "fresh weights"
    axes.set_title(
        f"From {origin}: {together:,} weights in one network, {apart:,} in separate ones"
    )


def _rows(count: int) -> list[float]:
    return {1: [50.0], 2: [72.0, 28.0], 3: [84.0, 50.0, 16.0]}.get(
        count, list(np.linspace(88, 12, count))
    )


def head_groups(settings: Settings) -> list[list[str]]:
    """Return the targets of each head."""
    return _joint_network(settings)[1].head_groups


def parameters(settings: Settings) -> int:
    """Return the number of weights of the network for all of the settings' targets, frozen too."""
    front, model = _joint_network(settings)
    return front.count_params() + model.count_params()


def _joint_network(settings: Settings) -> "tuple[keras.Model, SimMIM]":
    data = [datasets.load(target) for target in settings.targets]
    return joint_network(
        tuple(simmim_lib.Task(each.name, each.class_names) for each in data),
        settings.shared_heads,
        settings.frozen_layers,
        data[0].train.images.shape[-1],
    )
