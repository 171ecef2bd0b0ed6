"""Predictions of a kept model for new images: files, and folders however deep."""

import csv
import io
import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simmim_lib.datasets.image_files import BrokenImageError, is_image, read_image
from simmim_lib.errors import printable
from simmim_lib.experiments.kept_models import Description, KeptModel
from simmim_lib.foundation import atomic
from simmim_lib.foundation.paths import from_person

IMAGES_PER_CALL = 32


@dataclass(frozen=True)
class Unreadable:
    """A file or folder that is not predicted for.

    Attributes:
        path: as it was given or found.
        reason: words that follow the path in a sentence.
    """

    path: Path
    reason: str


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model says about an image.

    Attributes:
        path: of the image.
        outputs: of the model, (classes,).
        description: of the model.
    """

    path: Path
    outputs: np.ndarray
    description: Description

    @property
    def label(self) -> str:
        """The likeliest class; of several labels those likelier than not; of numbers these."""
        names, kind = self.description.class_names, self.description.kind
        if kind == "classification":
            return names[int(self.outputs.argmax())]
        if kind == "regression":
            return " ".join(f"{number:.4g}" for number in self.outputs)
        true = [name for name, p in zip(names, self.outputs, strict=True) if p >= 0.5]
        return " + ".join(true) or "none"

    @property
    def probability(self) -> float | None:
        """That of the class; of several labels that of the one in most doubt; none of numbers."""
        if self.description.kind == "regression":
            return None
        if self.description.kind == "multi-label":
            return float(np.maximum(self.outputs, 1 - self.outputs).min())
        return float(self.outputs.max())

    def is_unsure(self, below: float) -> bool:
        """Whether the probability is below a threshold."""
        return self.probability is not None and self.probability < below


Outcome = Prediction | Unreadable


def find_images(
    paths: Iterable[str | os.PathLike[str]],
) -> tuple[list[Path | Unreadable], list[Path]]:
    """List the images among files and in folders, sorted by name, each once.

    Args:
        paths: a file is taken whatever it is called; of a folder, what has the name of an image,
            however deep, without hidden files and folders.

    Returns:
        The images, with what cannot be listed in its place; and the other files in the folders.
    """
    found: dict[Path, Path | Unreadable] = {}
    left_out: list[Path] = []
    for path in map(from_person, paths):
        if path.is_dir():
            images, others = _in_folder(path)
            left_out += others
        elif path.is_file():
            images = [path]
        else:
            images = [Unreadable(path, _why_no_image(path))]
        found |= {each if isinstance(each, Path) else each.path: each for each in images}
    return [*found.values()], left_out


def _why_no_image(path: Path) -> str:
    if os.path.lexists(path):
        return "is not a file"
    if str(path).startswith("folder:"):  # as a target is named
        return "is not there; give the path alone, without folder:"
    return "is not there"


def _in_folder(folder: Path) -> tuple[list[Path | Unreadable], list[Path]]:
    images: list[Path | Unreadable] = []
    others: list[Path] = []

    def tell(error: OSError) -> None:
        images.append(Unreadable(Path(error.filename), f"cannot be read: {error.strerror}"))

    for place, folders, files in os.walk(folder, onerror=tell):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        # Such folders are not gone into: they may lead anywhere, and in a circle.
        others += [path for name in folders if (path := Path(place, name)).is_symlink()]
        shown = [Path(place, name) for name in sorted(files) if not name.startswith(".")]
        images += [path for path in shown if is_image(path)]
        others += [path for path in shown if not is_image(path)]
    return images or [Unreadable(folder, "has no images")], others


def predict(kept: KeptModel, images: Iterable[Path | Unreadable]) -> Iterator[Outcome]:
    """Predict for images, read as those of the training were.

    Args:
        kept: the model.
        images: from `find_images`.

    Yields:
        A prediction for each, in order, or why there is none.
    """
    rest = iter(images)
    while group := [*itertools.islice(rest, IMAGES_PER_CALL)]:
        yield from _predict_group(kept, [_read(kept.description, image) for image in group])


def _read(
    description: Description, image: Path | Unreadable
) -> tuple[Path, np.ndarray] | Unreadable:
    if isinstance(image, Unreadable):
        return image
    try:
        return image, read_image(image, description.size, description.grey).pixels
    except BrokenImageError as error:
        return Unreadable(image, str(error))


def _predict_group(
    kept: KeptModel, group: Sequence[tuple[Path, np.ndarray] | Unreadable]
) -> Iterator[Outcome]:
    pixels = [image[1] for image in group if not isinstance(image, Unreadable)]
    outputs = iter(_outputs(kept, pixels))
    for image in group:
        if isinstance(image, Unreadable):
            yield image
        else:
            yield Prediction(image[0], next(outputs), kept.description)


def _outputs(kept: KeptModel, pixels: Sequence[np.ndarray]) -> np.ndarray:
    """Return the outputs for images of one size, (n, classes)."""
    if not pixels:
        return np.empty((0, len(kept.description.class_names)))
    size = kept.description.size
    batch = np.stack(pixels).reshape(len(pixels), size, size, -1).astype(np.float32)
    return np.asarray(kept.model.predict_on_batch(batch))


def as_csv(outcomes: Sequence[Outcome], description: Description, below: float) -> str:
    """Return predictions as a table, a row for each file, those without a prediction included."""
    text = io.StringIO()
    names = [f"probability_{name}" for name in description.class_names]
    if description.kind == "regression":
        names = [*description.class_names]
    table = csv.writer(text, lineterminator="\n")
    table.writerow(
        ["file", "predicted", "probability", "unsure", "problem", *map(printable, names)]
    )
    for outcome in outcomes:
        cells = [str(outcome.path), *_cells(outcome, below, len(names))]
        table.writerow(map(printable, cells))
    return text.getvalue()


def _cells(outcome: Outcome, below: float, columns: int) -> list[str]:
    if isinstance(outcome, Unreadable):
        return ["", "", "", outcome.reason, *[""] * columns]
    probability = "" if outcome.probability is None else f"{outcome.probability:.6f}"
    unsure = "yes" if outcome.is_unsure(below) else "no"
    return [outcome.label, probability, unsure, "", *(f"{each:.6f}" for each in outcome.outputs)]


def write_csv(
    outcomes: Sequence[Outcome],
    description: Description,
    path: str | os.PathLike[str],
    below: float,
) -> None:
    """Write predictions as a table, atomically.

    Raises:
        WorkbookError: the file cannot be written.
    """
    atomic.write_text(path, as_csv(outcomes, description, below))


def readable(path: Path) -> str:
    """Return a path as it can be shown in a line, whatever bytes its name is made of."""
    return printable(str(path))
