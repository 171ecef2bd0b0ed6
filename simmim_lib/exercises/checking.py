"""Register the checks of all exercises, and check a learner's answer with one of them."""

import contextlib
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from simmim_lib.errors import WorkbookError, check_choice, shown
from simmim_lib.exercises.comparing import Wrong
from simmim_lib.exercises.stubs import code_of, is_stub
from simmim_lib.exercises.verdicts import Verdict
from simmim_lib.foundation import lesson_parts

Judge = Callable[[Any], str]
"""Takes an answer; returns a sentence to read after a right one, raises `Wrong` for a wrong one."""

Wanted = Literal["function", "values"]
"""What an exercise asks for: a function, which the check calls, or values."""


@dataclass(frozen=True)
class Exercise:
    """An exercise's check.

    Attributes:
        judge: checks an answer.
        wants: what the answer has to be.
    """

    judge: Judge
    wants: Wanted


EXERCISES: dict[str, Exercise] = {}
"""The exercises of the lessons that were imported so far, by name."""


def exercise(name: str, wants: Wanted) -> Callable[[Judge], Judge]:
    """Register a function as the check of one exercise.

    The function takes the learner's answer; it raises `Wrong` with a message that names the
    mistake, or returns a sentence to read after a right answer.

    Args:
        name: the lesson's number, then a few words: "01-trainable-parameters".
        wants: what the answer has to be; anything else is refused with that.

    Returns:
        The decorator, which leaves the function as it is.

    Raises:
        WorkbookError: if the name is taken.
    """

    def register(judge: Judge) -> Judge:
        # Reloading a module while editing it registers its checks again; that is no clash.
        if name in EXERCISES and EXERCISES[name].judge.__module__ != judge.__module__:
            raise WorkbookError(f"Two exercises are called {shown(name)}: rename one of them.")
        EXERCISES[name] = Exercise(judge, wants)
        return judge

    return register


def names() -> list[str]:
    """Give the names of all exercises of all lessons, in order."""
    for lesson in lesson_parts.lessons():
        lesson_parts.load(lesson.folder, "exercises")
    return sorted(EXERCISES)


def check(name: str, answer: object) -> Verdict:
    """Check a learner's answer.

    Args:
        name: the exercise, such as "01-leep".
        answer: a function or a value; `...`, or a function that still holds a `...` stub, means
            that the exercise is not done yet.

    Returns:
        The verdict. Nothing that the learner's code does is raised: an error in it is a wrong
        answer. An unknown name gives "not checked", with the nearest one.
    """
    try:
        found = _find(name)
    except WorkbookError as error:
        return Verdict("not checked", str(error))
    try:
        if is_stub(answer):
            return Verdict("not done yet", "Put your answer in place of `...` and run the cell.")
        _refuse_the_other_kind(found.wants, answer)
        with _exit_raises():
            return Verdict("right", found.judge(answer))
    except Wrong as mistake:
        return Verdict("wrong", str(mistake))
    except (Exception, SystemExit) as error:
        return Verdict("wrong", _explain(error, answer))


def _find(name: object) -> Exercise:
    """Look an exercise up, and import only the checks of its lesson."""
    if not isinstance(name, str):
        raise WorkbookError(
            "The first thing to hand over is the exercise's name in quotation marks, the second "
            "your answer."
        )
    for lesson in lesson_parts.lessons():
        if name.startswith(f"{lesson.number}-"):
            lesson_parts.load(lesson.folder, "exercises")
    if name not in EXERCISES:
        check_choice("exercise", name, names())
    return EXERCISES[name]


def _refuse_the_other_kind(wants: Wanted, answer: object) -> None:
    if wants == "function" and not callable(answer):
        raise Wrong(
            "Hand over the function itself: its name, without brackets. The check calls it with "
            f"numbers of its own; this is a result, of type `{type(answer).__name__}`."
        )
    if wants == "values" and callable(answer):
        raise Wrong("This exercise asks for values, but you hand over a function: call it.")


@contextlib.contextmanager
def _exit_raises() -> Iterator[None]:
    """Let `exit()` raise in a notebook, too, where it would end the kernel instead."""
    interactive = sys.modules.get("IPython")
    shell = interactive.get_ipython() if interactive else None
    ask_exit = getattr(shell, "ask_exit", None)
    if shell is None or ask_exit is None:
        yield
        return
    shell.ask_exit = sys.exit
    try:
        yield
    finally:
        shell.ask_exit = ask_exit


def _explain(error: BaseException, answer: object) -> str:
    """Say in a sentence where the learner's code failed and how."""
    if isinstance(error, SystemExit):
        return "Your code calls `exit()` or `quit()`, which ends the program: use `return`."
    message = message_of(error)
    what = f"{type(error).__name__}: {message}" if message else type(error).__name__
    code = code_of(answer)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if code and frame.filename == code.co_filename:
            line = f": `{frame.line}`" if frame.line else ""
            return f"Your code stopped with {what} (line {frame.lineno} of the cell{line})."
    return f"The check could not use your answer as the task says. {what}"


def message_of(error: BaseException) -> str:
    """Return the first line of an error's text, without the colours of a terminal."""
    try:
        text = str(error)
    except BaseException:  # a class of the learner's own may do anything there
        return ""
    return re.sub(r"\x1b\[[0-9;]*m", "", text).strip().partition("\n")[0][:300]
