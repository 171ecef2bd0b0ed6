"""What a saved notebook says was predicted; a foreign file, of which little is believed."""

from collections.abc import Iterable, Iterator

from simmim_lib.exercises import predictions
from simmim_lib.exercises.questions import questions_of


def in_words(lesson: str, outputs: Iterable[object]) -> str:
    """Return how many of a lesson's questions were answered, and how many of these right.

    Args:
        lesson: its number.
        outputs: of a notebook's cells, as its file has them.

    Returns:
        Such as "5 right of 7 answered of 9"; nothing where the lesson asks no question.
    """
    asked = questions_of(lesson)
    first: dict[str, bool] = {}
    for name, right in _records(outputs):
        if name in asked:
            first.setdefault(name, right)  # of a cell that was copied, too, the first guess counts
    return f"{sum(first.values())} right of {len(first)} answered of {len(asked)}" if asked else ""


def _records(outputs: Iterable[object]) -> Iterator[tuple[str, bool]]:
    """Yield each question that an output says was answered, and whether it was right."""
    for output in outputs:
        match output:
            case {"data": {predictions.RECORD_TYPE: {"question": str(name), "right": bool(right)}}}:
                yield name, right
