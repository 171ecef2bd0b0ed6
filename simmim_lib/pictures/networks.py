"""Drawings of networks: blocks, heads, what is frozen and what is trained."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib import datasets
from simmim_lib.experiments.network import Architecture, Block, architecture
from simmim_lib.pictures.style import COLOURS, shortened, target_style
from simmim_lib.settings import Settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Place = tuple[float, float, float, float]
"""Left, bottom, width and height, where a drawing is 100 wide and 100 high."""

ARROW = {"arrowstyle": "->", "color": "#666666"}
ROOM = 88.0  # for the blocks and the head
SPACIOUS = 5  # boxes, the head's among them, up to which there is room for whole words


def draw_network(axes: "Axes", settings: Settings) -> None:
    """Draw a network for one target: its blocks and its head, frozen ones hatched.

    A block's height goes with the side of its feature map, its width with the number of maps.
    """
    axes.set(xlim=(0, 100), ylim=(0, 100))
    axes.axis("off")
    layers = architecture(settings)
    image = layers.front.input_shape[1:]
    blocks = [*layers.blocks, *layers.heads.values()]
    scale = Scale.of([image, *(block.shape for block in blocks)])
    left, before = 3.0, image
    _draw_image(axes, scale, image, left)
    for block in blocks:
        start = left + scale.width(before) + 0.6
        left, before = left + scale.distance, block.shape
        axes.annotate("", (left - 0.4, 57), (start, 57), arrowprops=ARROW)
        _draw_block(axes, scale, block, left)
    axes.set_title(
        f"{_source(settings, 'from scratch')} → "
        f"{shortened(datasets.short_name(settings.targets[0]))}: "
        f"{layers.trained:,} weights trained, {layers.frozen:,} frozen",
        y=0.95,
    )


@dataclass(frozen=True)
class Scale:
    """How large a network's feature maps are drawn, so that all of them find room.

    Attributes:
        distance: from the left edge of one block to that of the next.
        per_pixel: height for each pixel of a map's side.
        per_map: width for the square root of the number of maps.
    """

    distance: float
    per_pixel: float
    per_map: float

    @classmethod
    def of(cls, shapes: Sequence[tuple[int, ...]]) -> "Scale":
        """Return the scale for an image and all that follows it."""
        distance = ROOM / (len(shapes) - 1)
        most = max(shape[-1] for shape in shapes)
        # The largest map need not be the image: a trunk may enlarge it first.
        side = max(shape[0] for shape in shapes if len(shape) == 3)
        return cls(distance, 48 / side, min(0.62, (0.6 * distance - 2.5) / most**0.5))

    @property
    def crowded(self) -> bool:
        """Whether there is room for short lines only."""
        return self.distance < ROOM / SPACIOUS

    @property
    def font_size(self) -> int:
        """The size of all words at a block."""
        return 7 if self.crowded else 9

    def width(self, shape: tuple[int, ...]) -> float:
        """Return the width of the box of a feature map."""
        return 2.5 + shape[-1] ** 0.5 * self.per_map

    def height(self, shape: tuple[int, ...]) -> float:
        """Return the height of the box of a feature map."""
        return 14 + self.per_pixel * (shape[0] if len(shape) == 3 else 1)

    def name_of(self, block: Block) -> str:
        """Return a block's name as far as there is room; "head of mnist" is a head."""
        room = int(9.7 * self.distance / self.font_size)
        return shortened(block.name.partition(" of ")[0].replace("_", " "), room)

    def words(self, axes: "Axes", middle: float, lines: Sequence[str]) -> None:
        """Write lines below a box."""
        text = "\n".join(lines)
        axes.text(middle, 2, text, ha="center", va="bottom", fontsize=self.font_size)

    def size_in_words(self, shape: tuple[int, ...]) -> list[str]:
        """Return the size of a feature map as the lines that there is room for."""
        if not self.crowded:
            return [" × ".join(map(str, shape))]
        *sides, maps = shape
        return [" × ".join(map(str, sides)), f"× {maps}"] if sides else [str(maps), ""]


def _draw_image(axes: "Axes", scale: Scale, shape: tuple[int, ...], left: float) -> None:
    middle = _draw_box(axes, scale, shape, left, "#EEEEEE", "")
    scale.words(axes, middle, ["image", *scale.size_in_words(shape), ""])


def _draw_block(axes: "Axes", scale: Scale, block: Block, left: float) -> None:
    """Draw a block with its name, its size and whether it is trained."""
    state = "frozen" if block.frozen else "trained"
    hatch = "//" if block.frozen else ""
    middle = _draw_box(axes, scale, block.shape, left, COLOURS[state], hatch)
    unit = "" if scale.crowded else " weights"
    scale.words(
        axes,
        middle,
        [
            scale.name_of(block),
            *scale.size_in_words(block.shape),
            f"{block.parameters:,}{unit}",
        ],
    )
    above = 59 + scale.height(block.shape) / 2
    bold: dict[str, Any] = {"fontsize": scale.font_size, "weight": "bold"}
    axes.text(middle, above, state, ha="center", va="bottom", **bold)


def _draw_box(
    axes: "Axes", scale: Scale, shape: tuple[int, ...], left: float, colour: str, hatch: str
) -> float:
    """Draw the box of a feature map, and return the middle of its width."""
    from matplotlib.patches import Rectangle

    width, height = scale.width(shape), scale.height(shape)
    corner = (left, 57 - height / 2)
    axes.add_patch(
        Rectangle(corner, width, height, facecolor=colour, hatch=hatch, edgecolor="black")
    )
    return left + width / 2


def draw_joint_network(axes: "Axes", settings: Settings) -> None:
    """Draw what the targets share and what each has for itself; frozen blocks are hatched."""
    axes.set(xlim=(-0.5, 100.5), ylim=(0, 100))
    axes.axis("off")
    layers = architecture(settings)
    rows = dict(zip(settings.targets, _rows(len(settings.targets)), strict=True))
    for target, row in rows.items():
        _draw_target(axes, settings, target, row)
    if len(layers.blocks) < SPACIOUS:
        for position, block in enumerate(layers.blocks):
            _draw_shared_block(axes, block, left=25.5 + 12.2 * position)
    else:
        _draw_many_shared_blocks(axes, layers.blocks)
    for targets, head in layers.heads.items():
        _draw_head(axes, head, targets, row=float(np.mean([rows[target] for target in targets])))
    axes.text(49, 89, "trunk, shared by all targets", ha="center", fontsize=10)
    apart = sum(_parameters(architecture(alone)) for alone in settings.separately())
    origin = _source(settings, "fresh weights")
    axes.set_title(
        f"From {origin}: {_parameters(layers):,} weights in one network, {apart:,} in separate ones"
    )


def _source(settings: Settings, none: str) -> str:
    """Return where the weights come from, or what to say where there is no source."""
    return shortened(datasets.short_name(settings.source)) if settings.source else none


def _rows(count: int) -> list[float]:
    return {1: [50.0], 2: [72.0, 28.0], 3: [84.0, 50.0, 16.0]}.get(
        count, list(np.linspace(88, 12, count))
    )


def _parameters(layers: Architecture) -> int:
    return layers.trained + layers.frozen


def _draw_target(axes: "Axes", settings: Settings, target: str, row: float) -> None:
    labels = settings.labels_of[target]
    text = f"{shortened(datasets.describe(target).title, 20)}\n{labels} labels per class"
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
    text = f"{shortened(block.name.replace('_', ' '), 14)}\n{size}"
    axes.text(left + 5, 41, text, ha="center", va="top", fontsize=8)
    axes.text(left + 5, 75, state, ha="center", fontsize=9, weight="bold")


def _draw_many_shared_blocks(axes: "Axes", blocks: Sequence[Block]) -> None:
    """Draw narrow blocks, their names upright; what neighbours share stands beside them once."""
    from matplotlib.patches import Rectangle

    distance, left = 46.6 / len(blocks), 25.5
    for frozen, group in itertools.groupby(blocks, key=lambda block: block.frozen):
        neighbours = list(group)
        state, hatch = ("frozen", "//") if frozen else ("trained", "")
        for position, block in enumerate(neighbours):
            corner = (left + distance * position, 44)
            axes.add_patch(
                Rectangle(
                    *(corner, 0.8 * distance, 28),
                    facecolor=COLOURS[state],
                    edgecolor="black",
                    hatch=hatch,
                )
            )
            _write_upright(axes, corner[0] + 0.4 * distance, block.name.replace("_", " "))
        middle = left + distance * (len(neighbours) - 0.2) / 2
        weights = sum(block.parameters for block in neighbours)
        axes.text(middle, 75, state, ha="center", fontsize=9, weight="bold")
        axes.text(middle, 41, f"{weights:,}\nweights", ha="center", va="top", fontsize=8)
        left += distance * len(neighbours)


def _write_upright(axes: "Axes", middle: float, text: str) -> None:
    white = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    place: dict[str, Any] = {"ha": "center", "va": "center", "rotation": 90}
    axes.text(middle, 58, shortened(text, 14), fontsize=8, bbox=white, **place)


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
