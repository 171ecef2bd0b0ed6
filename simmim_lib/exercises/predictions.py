"""Predict before you see: a question to answer by a click, and what is shown after it."""

import html
from typing import Any

from simmim_lib.exercises import scores
from simmim_lib.exercises.answer_controls import controls
from simmim_lib.exercises.questions import LETTERS, Answer, Choice, Question, find_question
from simmim_lib.exercises.shown import as_html, as_widget, markdown
from simmim_lib.exercises.verdicts import Verdict

RECORD_TYPE = "application/vnd.simmim.prediction+json"
"""Under which a saved notebook keeps what was predicted."""


def predict(name: str, *shown: object, **measured: object) -> "Prediction":
    """Ask a question; after a guess say whether it is right, and only then show what is.

    Args:
        name: of the question, such as "01-first-pass".
        shown: pictures, panels, tables and text that would give the answer away.
        measured: what a run has found, if the answer depends on one.

    Returns:
        What a notebook shows: buttons where there is a kernel, else the question with its answer
        folded.

    Raises:
        WorkbookError: if there is no such question.
    """
    asked, find = find_question(name)
    answer = find(**measured)
    asked.check(answer.right)
    return Prediction(asked, answer, shown)


class Prediction:
    """A question, controls to answer it, and what is kept back until then.

    The first guess counts; a second one is allowed.

    Attributes:
        asked: the question.
        answer: what is right, and why.
        shown: what is kept back.
        view: the widget that holds all others.
    """

    def __init__(self, asked: Question, answer: Answer, shown: tuple[object, ...]) -> None:
        import ipywidgets as widgets

        self.asked, self.answer, self.shown = asked, answer, shown
        self.verdict = widgets.HTMLMath()
        self.give_up = widgets.Button(description="Show the answer", layout={"display": "none"})
        self.give_up.on_click(lambda _: self._reveal())
        self.kept_back = widgets.VBox()
        question = widgets.HTMLMath(_as_question(asked))
        answering = controls(asked, answer.right, self.guess)
        parts = [question, answering, self.verdict, self.give_up, self.kept_back]
        self.view = widgets.VBox(parts, layout={"max_width": "100%"})
        self._record: Any = None  # the output that keeps the first guess
        self._tries = 0

    def guess(self, guess: Any) -> None:
        """Judge a guess; after a right one or the second all is shown."""
        right, reply = self.asked.judge(guess, self.answer.right)
        self._tries += 1
        if scores.keep(self.asked.name, guess, right) and self._record is not None:
            self._record.update(_record(self.asked.name), raw=True)
        self.verdict.value = Verdict("right" if right else "wrong", reply)._repr_html_()
        if self.kept_back.children:
            return
        if right or self._tries > 1:
            self._reveal()
        else:
            self.give_up.layout.display = ""

    def _reveal(self) -> None:
        import ipywidgets as widgets

        self.give_up.layout.display = "none"
        because = widgets.HTMLMath(_as_explanation(self.asked, self.answer))
        self.kept_back.children = [*map(as_widget, self.shown), because]

    def _ipython_display_(self) -> None:
        """Show it, and in the same output the question alone, for readers without a kernel."""
        from IPython.display import display

        from simmim_lib.panels.panel import Panel, live_view

        for panel in self.shown:
            if isinstance(panel, Panel):
                panel.start()
        data = {
            **live_view(self.view),
            "text/html": self.as_html(),
            "text/plain": f"{self.asked.text}\n{self.asked.listed()}",
        }
        display(data, raw=True)
        self._record = display(_record(self.asked.name), raw=True, display_id=True)

    def as_html(self) -> str:
        """Return the question with its answer folded, and with a fold for each option to choose."""
        folded = "".join([*map(as_html, self.shown), _as_explanation(self.asked, self.answer)])
        question = (
            _with_folded_options(self.asked, self.answer.right)
            if isinstance(self.asked, Choice)
            else _as_question(self.asked)
        )
        return f"{question}<details><summary>Answer</summary>{folded}</details>"


def _record(name: str) -> dict[str, Any]:
    """Return an output in which nothing is seen, and which keeps what was predicted, if any."""
    record = scores.RECORDS.get(name)
    kept = {"question": name, **(vars(record) if record else {})}
    return {RECORD_TYPE: kept, "text/html": "<span></span>"}


def _as_question(asked: Question) -> str:
    return _framed(asked, markdown(asked.listed()))


def _framed(asked: Question, listed: str) -> str:
    return (
        f'<div id="question-{html.escape(asked.name)}"><strong>Predict.</strong>'
        f"{markdown(asked.text)}{listed}</div>"
    )


def _with_folded_options(asked: Choice, right: str) -> str:
    """Return a question whose options answer when they are opened, without a kernel."""
    folds = []
    for letter, option in zip(LETTERS, asked.options, strict=False):
        said = asked.judge(letter, right)
        verdict = Verdict("right" if said.right else "wrong", said.reply)
        text = markdown(option.text).strip().removeprefix("<p>").removesuffix("</p>")
        folds.append(
            f'<details class="option"><summary>({letter}) {text}</summary>'
            f"{verdict._repr_html_()}</details>"
        )
    return _framed(asked, "".join(folds))


def _as_explanation(asked: Question, answer: Answer) -> str:
    return markdown(f"**Explain.** {asked.in_words(answer.right)}\n\n{answer.because}")
