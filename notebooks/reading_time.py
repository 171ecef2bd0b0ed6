"""How long a lesson takes, by one rule, and which part of it is its short way."""

import math
import re
import sys
from collections.abc import Sequence

import build
from nbformat import NotebookNode
from nbformat.v4 import new_notebook

from simmim_lib.exercises.questions import Estimate, Question, find_question

WORDS_A_MINUTE = 120  # of dense text with formulas and figures
MINUTES_A_QUESTION = 1.5  # to decide, and to look at what comes out
MINUTES_A_PANEL = 3
LINES_A_MINUTE = 10  # of code that is not an exercise
DEEPER = "going deeper"
"""What the heading of a section that later lessons do not need says."""

_QUESTION = re.compile(r'exercises\.predict\(\s*"([\w-]+)"')
_EXERCISE_MINUTES = re.compile(r"(?m)^### Exercise .*?(\d+) minutes\)")


def minutes(notebook: NotebookNode) -> int:
    """Return how many minutes a lesson, or its short way, takes: a multiple of five."""
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code" and _is_seen(cell)]
    text = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    questions = [name for source in code for name in _QUESTION.findall(source)]
    text += [_words_of(find_question(name)[0]) for name in questions]
    exercises = [int(each) for source in text for each in _EXERCISE_MINUTES.findall(source)]
    parts = (
        len(re.findall(r"\w+", _without_folded(" ".join(text)))) / WORDS_A_MINUTE,
        len(questions) * MINUTES_A_QUESTION,
        sum(source.count("panels.") for source in code) * MINUTES_A_PANEL,
        sum(source.count("\n") + 1 for source in code) / LINES_A_MINUTE,
        sum(exercises),
    )
    return 5 * math.ceil(sum(parts) / 5)


def _is_seen(cell: NotebookNode) -> bool:
    return not {"setup", "folded"} & set(cell.metadata.get("tags", []))


def _without_folded(text: str) -> str:
    """Leave out hints and solutions: the time for them is that of their exercise."""
    return re.sub(r"(?s)<details>.*?</details>", " ", text)


def _words_of(asked: Question) -> str:
    """Return what is read of a question, its explanation aside, which is about as long."""
    replies = (
        [asked.close]
        if isinstance(asked, Estimate)
        else [word for option in asked.options for word in (option.text, option.reply)]
    )
    return " ".join([asked.text, asked.text, *replies])


def short_way(notebook: NotebookNode) -> NotebookNode:
    """Return a lesson without the sections that go deeper."""
    return new_notebook(cells=_parts(notebook)[0], metadata=notebook.metadata)


def short_way_first(notebook: NotebookNode) -> NotebookNode:
    """Return a lesson whose sections that go deeper stand at its end."""
    short, deeper = _parts(notebook)
    return new_notebook(cells=[*short, *deeper], metadata=notebook.metadata)


def _parts(notebook: NotebookNode) -> tuple[list[NotebookNode], list[NotebookNode]]:
    """Return the cells of the short way, and those of the sections that go deeper."""
    short: list[NotebookNode] = []
    deeper: list[NotebookNode] = []
    part = short
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (found := re.match(r"## (.+)", cell.source)):
            part = deeper if DEEPER in found.group(1).lower() else short
        part.append(cell)
    return short, deeper


def main(numbers: Sequence[str]) -> None:
    """Print the minutes of lessons, and of their short ways."""
    for source in build.lessons(numbers):
        notebook = build.read_lesson(source)
        print(f"{source.name}: {minutes(notebook)}, the short way {minutes(short_way(notebook))}")


if __name__ == "__main__":
    main(sys.argv[1:])
