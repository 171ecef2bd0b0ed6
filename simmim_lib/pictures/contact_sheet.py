"""A contact sheet: some images of each class on one picture."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simmim_lib.datasets.image_files import read_image
from simmim_lib.datasets.survey import Images, Survey
from simmim_lib.errors import WorkbookError
from simmim_lib.foundation import atomic
from simmim_lib.pictures.style import new_figure, shortened, styled

if TYPE_CHECKING:
    from PIL.Image import Image as Pixels

IMAGES = 10
"""Of each class, evenly spread over all of its images."""

SIDE, GAP = 96, 6
"""Of an image, and between two, in pixels."""

LINE = 20
"""The height of a class's name, in pixels."""

WIDTH = IMAGES * (SIDE + GAP) + GAP
"""Of a sheet, in pixels."""

DOTS = 100
"""Pixels to an inch, in which figures are measured."""

MAX_NAME = 60
"""Characters of a class's name; so many wide ones fit."""


class ContactSheet(NamedTuple):
    """A sheet as it was drawn.

    Attributes:
        pixels: the picture.
        beside: names that the machine has no font for, with the numbers that are drawn instead.
    """

    pixels: "Pixels"
    beside: str

    def write(self, path: Path) -> None:
        """Write the picture as PNG, atomically.

        Raises:
            WorkbookError: the folder is missing, not writable or full.
        """
        content = io.BytesIO()
        self.pixels.save(content, format="PNG")
        atomic.write_bytes(path, content.getvalue())


def contact_sheet(survey: Survey) -> ContactSheet:
    """Draw a row for each class, with its name above.

    Where labels are numbers there is one row, from the smallest to the largest.

    Raises:
        WorkbookError: the dataset holds texts.
    """
    from PIL import Image

    if not isinstance(survey.looks, Images):
        raise WorkbookError(
            f"A contact sheet shows images, but {survey.title} holds texts: leave --output out."
        )
    looks, rows = survey.looks, _rows(survey)
    height = LINE + SIDE + GAP
    sheet = Image.new("RGB", (WIDTH, len(rows) * height + GAP), "white")
    undrawn: dict[str, str] = {}
    for row, (name, chosen) in enumerate(rows):
        top = row * height + GAP
        sheet.paste(Image.fromarray(_line(name, undrawn)), (GAP, top))
        for column, position in enumerate(chosen):
            image = Image.fromarray(_image(looks, position))
            sheet.paste(image, (column * (SIDE + GAP) + GAP, top + LINE))
    from simmim_lib.pictures.drawing import beside

    return ContactSheet(sheet, beside(undrawn))


@styled
def _line(text: str, undrawn: dict[str, str]) -> NDArray[np.uint8]:
    """Draw a line of text, (height, width, 3); letters that no font has as numbers."""
    figure = new_figure((WIDTH - 2 * GAP) / DOTS, LINE / DOTS)
    figure.text(0, 0.5, text, va="center", fontsize=10)
    from simmim_lib.pictures.drawing import Canvas

    canvas = Canvas(figure, undrawn)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _rows(survey: Survey) -> list[tuple[str, NDArray[np.intp]]]:
    """Return of each class a name and the positions of the images to show."""
    labels = np.concatenate([*survey.labels.values()])
    if survey.kind == "regression":
        order = np.argsort(labels[:, 0], kind="stable")
        low, high = labels.min(), labels.max()
        name = f"{shortened(survey.class_names[0], MAX_NAME)}, {low:.4g} to {high:.4g}"
        return [(name, _spread(order))]
    members = labels.T > 0 if survey.kind == "multi-label" else _one_hot(survey, labels)
    return [
        (f"{shortened(name, MAX_NAME)} ({np.sum(among):,})", _spread(np.flatnonzero(among)))
        for name, among in zip(survey.class_names, members, strict=True)
    ]


def _one_hot(survey: Survey, labels: NDArray) -> NDArray[np.bool_]:
    return labels == np.arange(len(survey.class_names))[:, None]


def _spread(positions: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return some positions, evenly spread from the first to the last."""
    count = min(IMAGES, len(positions))
    return positions[np.linspace(0, len(positions) - 1, count).round().astype(int)]


def _image(looks: Images, position: int) -> NDArray[np.uint8]:
    from PIL import Image

    if looks.paths:
        return read_image(looks.paths[position], SIDE).pixels
    thumbnail = Image.fromarray(looks.thumbnails[position])
    return np.asarray(thumbnail.resize((SIDE, SIDE), Image.Resampling.BICUBIC))
