"""Pictures of lesson 10 that show images: examples, and what a network is most wrong about."""

from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simmim_lib import datasets
from simmim_lib.errors import printable
from simmim_lib.experiments.baselines import Findings
from simmim_lib.lessons.report import judgements
from simmim_lib.lessons.report.judgements import Judgement, judge, label_text, of_each_class
from simmim_lib.pictures.charts import show_image
from simmim_lib.pictures.style import Picture, new_figure, shortened, styled
from simmim_lib.reports.words import image_sizes
from simmim_lib.settings import Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXAMPLES = 12
"""About so many are shown: several of each class where there are few classes."""

MISTAKES = 12

MIN_WIDTH = 6.6
"""Of a figure, in inches, so that its title has room."""

TITLE, LINE = 0.42, 0.165
"""The heights of the title and of a line below an image, in inches."""

GAP, MAX_SIDE = 0.1, 1.5
"""Between images, and the largest side of one, in inches."""

SMALL_SIDE = 40
"""Up to so many pixels, images are shown side by side in rows of ten."""


class Layout(NamedTuple):
    """How images lie in a figure.

    Attributes:
        columns: images in a row.
        width: of a column, in inches.
        side: of an image, in inches.
    """

    columns: int
    width: float
    side: float

    @property
    def characters(self) -> int:
        """How many characters of a caption fit into a column."""
        return int(13.5 * self.width)


SMALL, LARGE, WITH_WORDS = Layout(10, 0.8, 0.72), Layout(6, 1.33, 1.2), Layout(4, 2.0, 1.45)


def examples(settings: Settings, name: str, role: str) -> Picture:
    """Show training images of each class of a dataset, as the trunk is given them.

    Of several labels each combination counts as a class, of numbers each fifth.

    Args:
        settings: with the trunk's size.
        name: the dataset.
        role: what it is for, such as "target".
    """
    data = datasets.load(name, settings.image_size)
    chosen, of_each, groups = of_each_class(data, EXAMPLES)
    captions = [label_text(data, label) for label in data.train.labels[chosen]]
    title = datasets.short_names(settings.datasets)[name]
    sizes = image_sizes(name, settings)
    picture = _grid(
        _as_drawn(data, data.train.images[chosen]),
        [[caption] for caption in captions],
        _layout(data, of_each),
        f"{shortened(title)} ({role}): {sizes}",
    )
    alt = (
        f"{_count(of_each)} of each of {groups} {_WHAT[data.kind]} of {title} ({role}; "
        f"{sizes}): {', '.join(dict.fromkeys(captions))}."
    )
    return Picture(picture, alt)


_WHAT = {
    "classification": "classes",
    "multi-label": "combinations of labels",
    "regression": "ranges of its numbers",
}


def _count(number: int) -> str:
    return "One training image" if number == 1 else f"Up to {number} training images"


def _layout(data: datasets.Dataset, of_each: int) -> Layout:
    """Return a layout in which a row holds a class, where several images of each are shown."""
    layout = SMALL if data.train.images.shape[1] <= SMALL_SIDE else LARGE
    if of_each < 3:
        return layout
    columns = min(of_each, layout.columns)
    width = max(layout.width, MIN_WIDTH / columns)
    return Layout(columns, width, min(width - GAP, MAX_SIDE))


def _as_drawn(data: datasets.Dataset, images: np.ndarray) -> np.ndarray:
    """Return images as they are shown: dark ink on light only where grey means ink, as in MNIST."""
    if data.name in datasets.included():
        return images
    return np.broadcast_to(images, (*images.shape[:3], 3))


def most_wrong(findings: Findings, target: str) -> Picture:
    """Show the test images on which the best seed's network puts the least on what is true.

    The best seed is the one whose model is kept. Where it is right about all images, those are
    shown that it came nearest to being wrong about.
    """
    data, seed = findings.data(target), findings.result.best_seed(target)
    judged = judge(data, findings.asked.probabilities[target][seed])
    order, title = judgements.most_wrong(data, judged, MISTAKES)
    name = findings.names[target]
    picture = _grid(
        _as_drawn(data, data.test.images[order]),
        [[*_file_name(data.test, n), *_caption(judged[n], data.kind)] for n in order],
        WITH_WORDS._replace(columns=min(len(order), WITH_WORDS.columns)),
        f"{shortened(name)}, seed {seed}: {title}",
    )
    told = "; ".join(
        ", ".join([*map(printable, data.test.files[n : n + 1]), *_caption(judged[n], data.kind)])
        for n in order
    )
    return Picture(picture, f"Test images of {name}, seed {seed}: {title}. {told}.")


def _file_name(part: datasets.Part, position: int) -> list[str]:
    """Return the name of an image's file, without its folder, as one line; nothing without one."""
    return [PurePath(file).name for file in part.files[position : position + 1]]


def _caption(judgement: Judgement, kind: str) -> list[str]:
    """Return the lines below an image."""
    said = "taken for" if judgement.wrong and kind != "regression" else "predicted"
    lines = [f"true: {judgement.true}", f"{said} {judgement.predicted}"]
    return [*lines, f"{judgement.sure} sure"] if judgement.sure else lines


@styled
def _grid(
    images: np.ndarray, captions: Sequence[Sequence[str]], layout: Layout, title: str
) -> "Figure":
    """Draw images in rows, each with lines of text below it, under a title.

    Args:
        images: (n, height, width, channels) in [0, 1].
        captions: of each image the lines; all have equally many.
        layout: of the images.
        title: of the whole.
    """
    rows = -(-len(images) // layout.columns)
    below = LINE * len(captions[0]) + 0.14
    height = TITLE + rows * (layout.side + below)
    width = max(MIN_WIDTH, layout.columns * layout.width)
    figure = new_figure(width, height)
    figure.text(0.06 / width, 1 - 0.08 / height, title, va="top", fontsize=11)
    for position, (image, lines) in enumerate(zip(images, captions, strict=True)):
        row, column = divmod(position, layout.columns)
        left = column * layout.width + (layout.width - layout.side) / 2
        bottom = height - TITLE - row * (layout.side + below) - layout.side
        place = (left / width, bottom / height, layout.side / width, layout.side / height)
        axes = figure.add_axes(place)
        show_image(axes, image)
        text = "\n".join(shortened(line, layout.characters) for line in lines)
        axes.text(0.5, -0.03, text, transform=axes.transAxes, ha="center", va="top", fontsize=9)
    return figure
