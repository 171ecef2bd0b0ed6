"""`simmim predict`: what a kept model says about new images, a line for each."""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from simmim_lib.datasets.listing import FEW, several
from simmim_lib.errors import check_number, printable
from simmim_lib.experiments import kept_models, predicting
from simmim_lib.experiments.predicting import Outcome, Prediction, Unreadable, readable
from simmim_lib.foundation import links, outputs

MAX_WIDTH = 60
"""Of the column of files, in characters."""


def predict(model: Path, paths: Sequence[Path], output: Path | None, below: float) -> bool:
    """Print what a model says about images, and what cannot be read.

    Args:
        model: the file of a kept model.
        paths: of images and folders.
        output: a CSV file to write, or none.
        below: the probability below which a prediction is marked as unsure.

    Returns:
        Whether all images could be read.

    Raises:
        WorkbookError: the model cannot be used, or the file not be written.
    """
    check_number("unsure-below", below, lambda number: 0 <= number <= 1, "from 0 to 1, like 0.7")
    kept = kept_models.read(model)
    images, left_out = predicting.find_images(paths)
    _tell_of_files("Left out, being no images", left_out)
    found = [image for image in images if isinstance(image, Path)]
    outside = [path for folder in paths for path in links.leading_out(folder, found)]
    _tell_of_files("Read from elsewhere, where links lead", outside)
    width = min(MAX_WIDTH, max(len(readable(_path(image))) for image in images))
    outcomes = []
    for outcome in predicting.predict(kept, images):
        _tell(outcome, width, below)
        outcomes.append(outcome)
    print(summary(outcomes, below))
    if output:
        outputs.write_or_spare(
            output, lambda path: predicting.write_csv(outcomes, kept.description, path, below)
        )
        print(f"Written to {output}.")
    return not any(isinstance(outcome, Unreadable) for outcome in outcomes)


def _tell_of_files(what: str, paths: Sequence[Path]) -> None:
    if paths:
        print(printable(f"{what}: {several(map(str, paths), FEW)}."), file=sys.stderr)


def _path(image: Path | Unreadable) -> Path:
    return image if isinstance(image, Path) else image.path


def _tell(outcome: Outcome, width: int, below: float) -> None:
    if isinstance(outcome, Unreadable):
        print(f"{readable(outcome.path)} {outcome.reason}.", file=sys.stderr, flush=True)
    else:
        print(line(outcome, width, below), flush=True)


def line(prediction: Prediction, width: int, below: float) -> str:
    """Return a line about an image: the file, what is predicted, how probable that is."""
    probability = "" if prediction.probability is None else f"{prediction.probability:.3f}"
    mark = "  unsure" if prediction.is_unsure(below) else ""
    path, label = readable(prediction.path), printable(prediction.label)
    return f"{path:<{width}}  {label:<16}{probability:>6}{mark}"


def summary(outcomes: Sequence[Outcome], below: float) -> str:
    """Return a sentence about all images."""
    made = [outcome for outcome in outcomes if isinstance(outcome, Prediction)]
    counts = Counter(prediction.label for prediction in made)
    parts = [f"{len(made)} {'image' if len(made) == 1 else 'images'}"]
    if made and made[0].description.kind == "classification":
        parts[0] += f": {', '.join(f'{count} {name}' for name, count in counts.most_common())}"
    if unsure := sum(prediction.is_unsure(below) for prediction in made):
        parts.append(f"{unsure} unsure, with a probability below {below:g}")
    if failed := len(outcomes) - len(made):
        parts.append(f"{failed} could not be read")
    return printable(f"{'; '.join(parts)}.")
