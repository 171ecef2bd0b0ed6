"""Questions to predict on before something is shown: what is asked, and how a guess is judged.

Each lesson's questions live in its folder, in `lessons/NAME/questions.py`; they are imported when
one of them is asked. What is right is computed from a run or a stored study, never typed.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from simmim_lib.errors import WorkbookError, check_choice, shown
from simmim_lib.foundation import lesson_parts

LETTERS = "abcdefgh"


class Answer(NamedTuple):
    """What turned out to be right, and why.

    Attributes:
        right: the letter of a choice, a number, or the letters of an ordering, first to last.
        because: the explanation, Markdown.
    """

    right: Any
    because: str


class Judgement(NamedTuple):
    """What is said about one guess.

    Attributes:
        right: whether it is.
        reply: a sentence about the thought behind this guess; code stands between backticks.
    """

    right: bool
    reply: str


class Option(NamedTuple):
    """Something to choose.

    Attributes:
        text: what it says.
        reply: a sentence about the thought behind it, whether it is right or not.
    """

    text: str
    reply: str


@dataclass(frozen=True)
class WithOptions:
    """A question that is answered by its options.

    Attributes:
        name: the lesson's number, then a few words: "01-first-pass".
        text: the question, Markdown.
        options: called (a), (b), (c), in this order.
    """

    name: str
    text: str
    options: Sequence[Option]

    def listed(self) -> str:
        """Return what can be answered, Markdown."""
        pairs = zip(LETTERS, self.options, strict=False)
        return "\n".join(f"- ({letter}) {option.text}" for letter, option in pairs)


@dataclass(frozen=True)
class Choice(WithOptions):
    """A question of which exactly one option is right."""

    def judge(self, guess: str, right: str) -> Judgement:
        """Judge a letter."""
        return Judgement(guess == right, self.options[LETTERS.index(guess)].reply)

    def check(self, right: object) -> None:
        """Refuse an answer that is no option."""
        check_choice(f"answer to {self.name}", right, LETTERS[: len(self.options)])

    def in_words(self, right: str) -> str:
        """Return what is right, Markdown."""
        return f"({right}) {self.options[LETTERS.index(right)].text}"


@dataclass(frozen=True)
class Estimate:
    """A question for a number, judged by its distance.

    Attributes:
        name: as `Choice`.
        text: as `Choice`.
        least: the smallest number that can be guessed.
        most: the largest.
        within: how far a guess may be from the right number; where numbers are guessed by their
            logarithm, by which factor.
        too_low: a sentence about the thought behind a guess that is further below.
        too_high: the same above.
        close: what a good guess has seen.
        unit: what is counted.
        logarithmic: whether numbers are guessed by their logarithm.
    """

    name: str
    text: str
    least: float
    most: float
    within: float
    too_low: str
    too_high: str
    close: str
    unit: str = ""
    logarithmic: bool = False

    def listed(self) -> str:
        """Return what can be answered, Markdown."""
        return f"Between {_number(self.least)} and {_number(self.most)} {self.unit}".rstrip() + "."

    def judge(self, guess: float, right: float) -> Judgement:
        """Judge a number."""
        if self.logarithmic:
            distance, allowed = math.log(guess / right), math.log(self.within)
        else:
            distance, allowed = guess - right, self.within
        if abs(distance) <= allowed:
            return Judgement(True, self.close)
        return Judgement(False, self.too_low if distance < 0 else self.too_high)

    def start(self, right: float) -> float:
        """Return the end at which guessing begins: a wrong one, or a click alone would be right."""
        return self.most if self.judge(self.least, right).right else self.least

    def check(self, right: object) -> None:
        """Refuse an answer that nobody could guess."""
        if not isinstance(right, int | float) or not self.least <= right <= self.most:
            raise WorkbookError(
                f"The answer to {self.name} is {shown(right)}, but guesses go from "
                f"{_number(self.least)} to {_number(self.most)}: widen them."
            )

    def in_words(self, right: float) -> str:
        """Return what is right, Markdown."""
        return f"{_number(right)} {self.unit}".rstrip()


def _number(value: float) -> str:
    """Write a number with three digits, or all before the point; a million is not 1e+06."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


@dataclass(frozen=True)
class Ordering(WithOptions):
    """A question for an order; each option's reply says what decides its place."""

    def judge(self, guess: str, right: str) -> Judgement:
        """Judge the letters of an order, first to last; the reply is on the first misplaced."""
        pairs = zip(guess, right, strict=True)
        misplaced = [guessed for guessed, of_right in pairs if guessed != of_right]
        about = misplaced[0] if misplaced else right[0]
        return Judgement(not misplaced, self.options[LETTERS.index(about)].reply)

    def check(self, right: object) -> None:
        """Refuse an answer that is no order of the options."""
        if sorted(str(right)) != list(LETTERS[: len(self.options)]):
            raise WorkbookError(f"The answer to {self.name} is {shown(right)}, which is no order.")

    def in_words(self, right: str) -> str:
        """Return what is right, Markdown."""
        return ", then ".join(self.options[LETTERS.index(letter)].text for letter in right)


Question = Choice | Estimate | Ordering

Find = Callable[..., Answer]
"""Takes what a run has measured, if the answer depends on one, and returns the answer."""

QUESTIONS: dict[str, tuple[Question, Find]] = {}
"""The questions of the lessons that were imported so far, by name."""


def question(asked: Question) -> Callable[[Find], Find]:
    """Register a question, and the function that finds its answer.

    Returns:
        The decorator, which leaves the function as it is.

    Raises:
        WorkbookError: if the name is taken.
    """

    def register(find: Find) -> Find:
        # Reloading a module while editing it registers its questions again; that is no clash.
        known = QUESTIONS.get(asked.name)
        if known and known[1].__module__ != find.__module__:
            raise WorkbookError(
                f"Two questions are called {shown(asked.name)}: rename one of them."
            )
        QUESTIONS[asked.name] = (asked, find)
        return find

    return register


def questions_of(lesson: str) -> list[str]:
    """Return the names of a lesson's questions, in the order in which they are asked.

    Args:
        lesson: its number, such as "01".

    Raises:
        WorkbookError: if there is no such lesson.
    """
    folders = {each.number: each.folder for each in lesson_parts.lessons()}
    lesson_parts.load(folders[check_choice("lesson", lesson, folders)], "questions")
    return [name for name in QUESTIONS if name.startswith(f"{lesson}-")]


def find_question(name: str) -> tuple[Question, Find]:
    """Return a question, and what finds its answer.

    Raises:
        WorkbookError: if there is no such question, with the nearest name.
    """
    numbers = [lesson.number for lesson in lesson_parts.lessons()]
    lesson = next((number for number in numbers if str(name).startswith(f"{number}-")), None)
    known = questions_of(lesson) if lesson else [each for n in numbers for each in questions_of(n)]
    return QUESTIONS[check_choice("question", name, known)]


def letter(*conditions: bool) -> str:
    """Return the letter that came true, such as "b".

    Args:
        conditions: what option (b) says, what option (c) says, and so on; of those that hold the
            last one counts. If none holds, it is (a).
    """
    holding = [position for position, holds in enumerate(conditions, start=1) if holds]
    return LETTERS[max(holding, default=0)]
