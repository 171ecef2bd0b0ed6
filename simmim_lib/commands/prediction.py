"""`simmim predict`: what a kept model says about new images or texts, a line for each."""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from simmim_lib.datasets.listing import FEW, several
from simmim_lib.errors import check_number, printable
from simmim_lib.experiments import kept_models, predicting
from simmim_lib.experiments.predicting import Example, Outcome, Prediction, Unreadable, readable
from simmim_lib.foundation import console, links, outputs

MAX_WIDTH = 60
"""Of the column of files, in characters."""


def predict(model: Path, paths: Sequence[Path], output: Path | None, below: float) -> bool:
    """Print what a model says about images or texts, and what cannot be read.

    Args:
        model: the file of a kept model.
        paths: as `predicting.find` takes them.
        output: a CSV file to write, or none.
        below: the probability below which a prediction is marked as unsure.

    Returns:
        Whether all could be read.

    Raises:
        WorkbookError: the model cannot be used, or the file not be written, or it is one of those
            that are read.
    """
    check_number("unsure-below", below, lambda number: 0 <= number <= 1, "from 0 to 1, like 0.7")
    kept = kept_models.read(model)
    takes = kept.description.takes
    examples, left_out = predicting.find(paths, takes)
    if output:
        outputs.check_apart(output, {model, *map(predicting.file_of, examples)})
    _tell_of_files(f"Left out, being no {takes}", left_out)
    found = [example for example in examples if isinstance(example, Path)]
    outside = [path for folder in paths for path in links.leading_out(folder, found)]
    _tell_of_files("Read from elsewhere, where links lead", outside)
    width = min(MAX_WIDTH, max(len(readable(_path(example))) for example in examples))
    outcomes = []
    for outcome in predicting.predict(kept, examples):
        _tell(outcome, width, below)
        outcomes.append(outcome)
    console.tell(summary(outcomes, below))
    if output:
        outputs.write_or_spare(
            output, lambda path: predicting.write_csv(outcomes, kept.description, path, below)
        )
        console.tell(f"Written to {output}.")
    return not any(isinstance(outcome, Unreadable) for outcome in outcomes)


def _tell_of_files(what: str, paths: Sequence[Path]) -> None:
    if paths:
        console.tell(f"{what}: {several(map(str, paths), FEW)}.", sys.stderr)


def _path(example: Example) -> Path:
    return example if isinstance(example, Path) else example.path


def _tell(outcome: Outcome, width: int, below: float) -> None:
    if isinstance(outcome, Unreadable):
        console.tell(f"{readable(outcome.path)} {outcome.reason}.", sys.stderr)
    else:
        console.tell(line(outcome, width, below))


def line(prediction: Prediction, width: int, below: float) -> str:
    """Return a line about an image or a text: the file, what is predicted, how probable that is."""
    probability = "" if prediction.probability is None else f"{prediction.probability:.3f}"
    mark = "  unsure" if prediction.is_unsure(below) else ""
    path, label = readable(prediction.path), printable(prediction.label)
    return f"{path:<{width}}  {label:<16}{probability:>6}{mark}"


def summary(outcomes: Sequence[Outcome], below: float) -> str:
    """Return a sentence about all images or texts."""
    made = [outcome for outcome in outcomes if isinstance(outcome, Prediction)]
    counts = Counter(prediction.label for prediction in made)
    takes = made[0].description.takes if made else "files"
    parts = [f"{len(made)} {takes.removesuffix('s') if len(made) == 1 else takes}"]
    if made and made[0].description.kind == "classification":
        parts[0] += f": {', '.join(f'{count} {name}' for name, count in counts.most_common())}"
    if unsure := sum(prediction.is_unsure(below) for prediction in made):
        parts.append(f"{unsure} unsure, with a probability below {below:g}")
    if failed := len(outcomes) - len(made):
        parts.append(f"{failed} could not be read")
    return printable(f"{'; '.join(parts)}.")
