"""A contact sheet: some images of each class on one picture."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simmim_lib.datasets.image_files import read_image
from simmim_lib.datasets.survey import Images, Survey
from simmim_lib.errors import WorkbookError, printable
from simmim_lib.foundation import atomic

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

IMAGES = 10
"""Of each class, evenly spread over all of its images."""

SIDE, GAP = 96, 6
"""Of an image, and between two, in pixels."""

LINE = 20
"""The height of a class's name, in pixels."""


def contact_sheet(survey: Survey) -> "Picture":
    """Draw a row for each class, with its name above.

    Where labels are numbers there is one row, from the smallest to the largest.

    Raises:
        WorkbookError: the dataset holds texts.
    """
    from PIL import Image, ImageDraw

    if not isinstance(survey.looks, Images):
        raise WorkbookError(
            f"A contact sheet shows images, but {survey.title} holds texts: leave --output out."
        )
    looks, rows = survey.looks, _rows(survey)
    height = LINE + SIDE + GAP
    sheet = Image.new("RGB", (IMAGES * (SIDE + GAP) + GAP, len(rows) * height + GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for row, (name, chosen) in enumerate(rows.items()):
        top = row * height + GAP
        # All that Pillow's own font has; of other letters it would stop with an error.
        title = printable(name).encode("latin-1", "replace").decode("latin-1")
        draw.text((GAP, top), title, "black")
        for column, position in enumerate(chosen):
            image = Image.fromarray(_image(looks, position))
            sheet.paste(image, (column * (SIDE + GAP) + GAP, top + LINE))
    return sheet


def write(survey: Survey, path: Path) -> None:
    """Write a contact sheet as PNG, atomically.

    Raises:
        WorkbookError: the folder is missing, not writable or full.
    """
    content = io.BytesIO()
    contact_sheet(survey).save(content, format="PNG")
    atomic.write_bytes(path, content.getvalue())


def _rows(survey: Survey) -> dict[str, NDArray[np.intp]]:
    """Return by class the positions of the images to show."""
    labels = np.concatenate([*survey.labels.values()])
    if survey.kind == "regression":
        order = np.argsort(labels[:, 0], kind="stable")
        low, high = labels.min(), labels.max()
        return {f"{survey.class_names[0]}, {low:.4g} to {high:.4g}": _spread(order)}
    members = labels.T > 0 if survey.kind == "multi-label" else _one_hot(survey, labels)
    return {
        f"{name} ({np.sum(among):,})": _spread(np.flatnonzero(among))
        for name, among in zip(survey.class_names, members, strict=True)
    }


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
