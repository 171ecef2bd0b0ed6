"""What was predicted in this session, and a lesson's score."""

import html
from dataclasses import dataclass
from typing import Any

from simmim_lib.exercises.questions import questions_of


@dataclass(frozen=True)
class Record:
    """The first guess at a question, the one that counts.

    Attributes:
        guess: a letter, a number, or the letters of an order.
        right: whether it was.
    """

    guess: Any
    right: bool


RECORDS: dict[str, Record] = {}
"""The first guesses, by the name of the question."""

_shown: "dict[str, Score]" = {}
"""The scores that follow the guesses, by lesson."""


def keep(name: str, guess: Any, right: bool) -> bool:
    """Keep a guess if it is the first at its question; tell whether it is."""
    if name in RECORDS:
        return False
    RECORDS[name] = Record(guess, right)
    for each in _shown.values():
        each.refresh()
    return True


class Score:
    """How many of a lesson's questions were predicted, with links to those that were missed.

    Args:
        lesson: its number.

    Attributes:
        names: of the questions.
        view: a widget that follows the guesses.
    """

    def __init__(self, lesson: str) -> None:
        import ipywidgets as widgets

        self.names = questions_of(lesson)
        self.view = widgets.HTML()
        self.refresh()

    def refresh(self) -> None:
        """Follow the guesses."""
        missed = [name for name in self.names if name not in RECORDS or not RECORDS[name].right]
        links = ", ".join(_link(name) for name in missed)
        self.view.value = f"<p>{self} {f'Look again: {links}.' if links else ''}</p>"

    def __str__(self) -> str:
        """Say it in words."""
        answered = [name for name in self.names if name in RECORDS]
        right = sum(RECORDS[name].right for name in answered)
        left = len(self.names) - len(answered)
        not_yet = f"; {left} {'is' if left == 1 else 'are'} not answered yet" if left else ""
        return f"You predicted {right} of {len(self.names)}{not_yet}."

    def _ipython_display_(self) -> None:
        from IPython.display import display

        from simmim_lib.panels.panel import live_view

        plain = f"Here stands how many of the {len(self.names)} questions you predicted."
        data = {**live_view(self.view), "text/html": f"<p>{plain}</p>", "text/plain": plain}
        display(data, raw=True)


def score(lesson: str) -> Score:
    """Show how many of a lesson's questions were predicted right at the first try.

    Args:
        lesson: its number, such as "01".

    Raises:
        WorkbookError: if there is no such lesson.
    """
    _shown[lesson] = Score(lesson)
    return _shown[lesson]


def _link(name: str) -> str:
    words = name.partition("-")[2].replace("-", " ")
    return f'<a href="#question-{html.escape(name)}">{html.escape(words)}</a>'
