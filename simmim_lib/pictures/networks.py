"""Drawings of networks: blocks, heads, what is frozen and what is trained."""

from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib import datasets
from simmim_lib.experiments.network import Architecture, Block, architecture
from simmim_lib.pictures.style import COLOURS, target_style
from simmim_lib.settings import Settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Place = tuple[float, float, float, float]
"""Left, bottom, width and height, where a drawing is 100 wide and 100 high."""

ARROW = {"arrowstyle": "->", "color": "#666666"}
DISTANCE = 17.6  # from block to block


def draw_network(axes: "Axes", settings: Settings) -> None:
    """Draw a network for one target: its blocks and its head, frozen ones hatched.

    A block's height goes with the side of its feature map, its width with the number of maps.
    """
    axes.set(xlim=(0, 100), ylim=(0, 100))
    axes.axis("off")
    layers = architecture(settings)
    left, before = 3.0, layers.front.input_shape[1:]
    _draw_image(axes, before, left)
    for block in (*layers.blocks, *layers.heads.values()):
        axes.annotate(
            "", (left + DISTANCE - 0.4, 57), (left + _width(before) + 0.6, 57), arrowprops=ARROW
        )
        left, before = left + DISTANCE, block.shape
        _draw_block(axes, block, left)
    axes.set_title(
        f"{settings.source or 'from scratch'} → {settings.targets[0]}: "
        f"{layers.trained:,} weights trained, {layers.frozen:,} frozen",
        y=0.95,
    )


def _draw_image(axes: "Axes", shape: tuple[int, ...], left: float) -> None:
    middle = _draw_box(axes, shape, left, "#EEEEEE", "")
    axes.text(middle, 2, f"image\n{_in_words(shape)}\n", ha="center", va="bottom", fontsize=9)


def _draw_block(axes: "Axes", block: Block, left: float) -> None:
    """Draw a block with its name, its size and whether it is trained."""
    state = "frozen" if block.frozen else "trained"
    middle = _draw_box(axes, block.shape, left, COLOURS[state], "//" if block.frozen else "")
    name = block.name.partition(" of ")[0].replace("_", " ")  # "head of mnist" is a head
    lines = f"{name}\n{_in_words(block.shape)}\n{block.parameters:,} weights"
    axes.text(middle, 2, lines, ha="center", va="bottom", fontsize=9)
    above = 59 + _height(block.shape) / 2
    axes.text(middle, above, state, ha="center", va="bottom", fontsize=9, weight="bold")


def _draw_box(axes: "Axes", shape: tuple[int, ...], left: float, colour: str, hatch: str) -> float:
    """Draw the box of a feature map, and return the middle of its width."""
    from matplotlib.patches import Rectangle

    width, height = _width(shape), _height(shape)
    corner = (left, 57 - height / 2)
    axes.add_patch(
        Rectangle(corner, width, height, facecolor=colour, hatch=hatch, edgecolor="black")
    )
    return left + width / 2


def _width(shape: tuple[int, ...]) -> float:
    return 2.5 + shape[-1] ** 0.5 * 0.62


def _height(shape: tuple[int, ...]) -> float:
    return 14 + 1.7 * (shape[0] if len(shape) == 3 else 1)


def _in_words(shape: tuple[int, ...]) -> str:
    return " × ".join(str(number) for number in shape)


def draw_joint_network(axes: "Axes", settings: Settings) -> None:
    """Draw what the targets share and what each has for itself; frozen blocks are hatched."""
    axes.set(xlim=(-0.5, 100.5), ylim=(0, 100))
    axes.axis("off")
    layers = architecture(settings)
    rows = dict(zip(settings.targets, _rows(len(settings.targets)), strict=True))
    for target, row in rows.items():
        _draw_target(axes, settings, target, row)
    for position, block in enumerate(layers.blocks):
        _draw_shared_block(axes, block, left=25.5 + 12.2 * position)
    for targets, head in layers.heads.items():
        _draw_head(axes, head, targets, row=float(np.mean([rows[target] for target in targets])))
    axes.text(49, 89, "trunk, shared by all targets", ha="center", fontsize=10)
    apart = sum(_parameters(architecture(alone)) for alone in settings.separately())
    origin = settings.source or "fresh weights"
    axes.set_title(
        f"From {origin}: {_parameters(layers):,} weights in one network, {apart:,} in separate ones"
    )


def _rows(count: int) -> list[float]:
    return {1: [50.0], 2: [72.0, 28.0], 3: [84.0, 50.0, 16.0]}.get(
        count, list(np.linspace(88, 12, count))
    )


def _parameters(layers: Architecture) -> int:
    return layers.trained + layers.frozen


def _draw_target(axes: "Axes", settings: Settings, target: str, row: float) -> None:
    labels = settings.labels_of[target]
    text = f"{datasets.describe(target).title}\n{labels} labels per class"
    colour, _ = target_style(target)
    _draw_text_box(axes, (0, row - 8, 20, 16), text, facecolor="white", edgecolor=colour)
    axes.annotate("", (25, 58 + (row - 50) * 0.2), (20.5, row), arrowprops=ARROW)


def _draw_shared_block(axes: "Axes", block: Block, left: float) -> None:
    state = "frozen" if block.frozen else "trained"
    hatch = "//" if block.frozen else ""
    place = (left, 44, 10, 28)
    _draw_text_box(
        axes, place, "", facecolor=COLOURS[state], edgecolor="black", hatch=hatch, linewidth=1
    )
    what = "maps" if len(block.shape) == 3 else "units"
    size = f"{block.shape[-1]} {what}\n{block.parameters:,} weights"
    text = f"{block.name.replace('_', ' ')}\n{size}"
    axes.text(left + 5, 41, text, ha="center", va="top", fontsize=8)
    axes.text(left + 5, 75, state, ha="center", fontsize=9, weight="bold")


def _draw_head(axes: "Axes", head: Block, targets: tuple[str, ...], row: float) -> None:
    shared = len(targets) > 1
    colour = COLOURS["trained"] if shared else target_style(targets[0])[0]
    text = (
        f"{'one head, shared' if shared else 'head'}\n{head.shape[0]} logits\n"
        f"{head.parameters:,} weights"
    )
    _draw_text_box(axes, (82, row - 12, 18, 24), text, facecolor="white", edgecolor=colour)
    axes.annotate("", (81.5, row), (73, 58 + (row - 50) * 0.2), arrowprops=ARROW)


def _draw_text_box(
    axes: "Axes", place: Place, text: str, linewidth: float = 2.5, **options: Any
) -> None:
    from matplotlib.patches import FancyBboxPatch

    left, bottom, width, height = place
    rounded = "round,pad=0,rounding_size=1.5"
    corner = (left, bottom)
    axes.add_patch(
        FancyBboxPatch(corner, width, height, boxstyle=rounded, linewidth=linewidth, **options)
    )
    axes.text(left + width / 2, bottom + height / 2, text, ha="center", va="center", fontsize=9)
