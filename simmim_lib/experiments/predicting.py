"""Predictions of a kept model for new images or texts: files, tables, folders however deep."""

import csv
import io
import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simmim_lib.datasets.image_files import BrokenImageError, is_image, read_image
from simmim_lib.datasets.naming import parse
from simmim_lib.datasets.tables import read_rows
from simmim_lib.datasets.text_files import BrokenTextError, is_text, read_text
from simmim_lib.errors import WorkbookError, check_choice, offered, printable
from simmim_lib.experiments.kept_models import Description, KeptModel
from simmim_lib.foundation import atomic
from simmim_lib.foundation.paths import from_person
from simmim_lib.trunks import tokens

AT_ONCE = 32
"""Examples that are predicted for in one call."""


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
    """What a model says about an image or a text.

    Attributes:
        path: of its file; of a table's row this with a colon and the row's number.
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


@dataclass(frozen=True)
class Text:
    """A text of a table.

    Attributes:
        path: of the table, with a colon and the number of the row.
        text: what stands there.
    """

    path: Path
    text: str


Example = Path | Text | Unreadable


def find(
    paths: Iterable[str | os.PathLike[str]], takes: str = "images"
) -> tuple[list[Example], list[Path]]:
    """List the examples among files and in folders, sorted by name, each once.

    Args:
        paths: a file is taken whatever it is called; of a folder, what has the name of an image, or
            of a text, however deep, without hidden files and folders. Where texts are wanted, one
            may be `csv:PATH?text=COLUMN`, whose rows are examples.
        takes: what is wanted, "images" or "texts".

    Returns:
        The examples, with what cannot be listed in its place; and the other files in the folders.

    Raises:
        WorkbookError: a table that is missing, broken, or without that column.
    """
    found: dict[Path, Example] = {}
    left_out: list[Path] = []
    for given in paths:
        examples, others = _find_one(os.fspath(given), takes)
        left_out += others
        found |= {each if isinstance(each, Path) else each.path: each for each in examples}
    return [*found.values()], left_out


def file_of(example: Example) -> Path:
    """Return the file that an example is read from, of a table's row the table."""
    if isinstance(example, Text):
        return Path(str(example.path).rpartition(":")[0])
    return example if isinstance(example, Path) else example.path


def _find_one(given: str, takes: str) -> tuple[list[Example], list[Path]]:
    if takes == "texts" and given.startswith("csv:"):
        return _rows(given), []
    if takes == "texts" and given.lower().endswith((".csv", ".tsv")):
        return _rows(f"csv:{given}"), []  # which asks for the column
    path = from_person(given)
    if os.path.isdir(path):  # Path.is_dir stops with an error at a name that is too long
        return _in_folder(path, takes)
    return [path if os.path.isfile(path) else Unreadable(path, _why_no_file(path))], []


def _rows(address: str) -> list[Example]:
    """Return the texts of a table, and the rows that have none."""
    own = parse(address)
    assert own is not None  # since it begins with csv:
    header, rows = read_rows(own.path, own.sep)
    if not own.text:
        raise WorkbookError(
            f"The table {own.path} has the columns {offered(header)}: say which one holds the "
            f"texts, as in csv:{own.path}?text={header[0]}."
        )
    column = check_choice(f"column of {own.path}:", own.text, header)
    names = {row.number: Path(f"{own.path}:{row.number}") for row in rows}
    return [
        Text(names[row.number], row.cells[column])
        if row.cells[column]
        else Unreadable(names[row.number], "is empty")
        for row in rows
    ]


def _why_no_file(path: Path) -> str:
    if os.path.lexists(path):
        return "is not a file"
    if str(path).startswith("folder:"):  # as a target is named
        return "is not there; give the path alone, without folder:"
    if str(path).startswith("csv:"):
        return "is a table; for images, give their files or folders"
    return "is not there"


def _in_folder(folder: Path, takes: str) -> tuple[list[Example], list[Path]]:
    is_wanted = is_text if takes == "texts" else is_image
    found: list[Example] = []
    others: list[Path] = []

    def tell(error: OSError) -> None:
        found.append(Unreadable(Path(error.filename), f"cannot be read: {error.strerror}"))

    for place, folders, files in os.walk(folder, onerror=tell):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        # Such folders are not gone into: they may lead anywhere, and in a circle.
        others += [path for name in folders if (path := Path(place, name)).is_symlink()]
        shown = [Path(place, name) for name in sorted(files) if not name.startswith(".")]
        found += [path for path in shown if is_wanted(path)]
        others += [path for path in shown if not is_wanted(path)]
    return found or [Unreadable(folder, f"has no {takes}")], others


def predict(kept: KeptModel, examples: Iterable[Example]) -> Iterator[Outcome]:
    """Predict for images or texts, read as those of the training were.

    Args:
        kept: the model.
        examples: from `find`.

    Yields:
        A prediction for each, in order, or why there is none.
    """
    rest = iter(examples)
    while group := [*itertools.islice(rest, AT_ONCE)]:
        yield from _predict_group(kept, [_read(kept, example) for example in group])


def _read(kept: KeptModel, example: Example) -> tuple[Path, np.ndarray] | Unreadable:
    """Return what the model takes, a row of a batch, or why it cannot be had."""
    if isinstance(example, Unreadable):
        return example
    description = kept.description
    path = example if isinstance(example, Path) else example.path
    try:
        if description.takes == "texts":
            text = read_text(example) if isinstance(example, Path) else example.text
            made = kept.tokenizer or tokens.tokenizer(description.tokens)
            return path, tokens.encode(made, [text], description.size)[0]
        pixels = read_image(path, description.size, description.grey).pixels
        return path, np.atleast_3d(pixels).astype(np.float32)
    except (BrokenImageError, BrokenTextError) as error:
        return Unreadable(path, str(error))


def _predict_group(
    kept: KeptModel, group: Sequence[tuple[Path, np.ndarray] | Unreadable]
) -> Iterator[Outcome]:
    inputs = [each[1] for each in group if not isinstance(each, Unreadable)]
    outputs = iter(kept.model.predict_on_batch(np.stack(inputs)) if inputs else ())
    for each in group:
        if isinstance(each, Unreadable):
            yield each
        else:
            yield Prediction(each[0], np.asarray(next(outputs)), kept.description)


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
