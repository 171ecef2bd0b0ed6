"""Register the checks of all exercises, and check a learner's answer with one of them."""

import re
import traceback
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from simmim_lib.errors import WorkbookError, check_choice
from simmim_lib.exercises.comparing import Wrong
from simmim_lib.exercises.stubs import code_of, is_stub
from simmim_lib.exercises.verdicts import Verdict

Judge = Callable[[Any], str]
"""Takes an answer; returns a sentence to read after a right one, raises `Wrong` for a wrong one."""

JUDGES: dict[str, Judge] = {}
"""The exercises of the lessons that were imported so far, by name."""

_LESSONS = "simmim_lib.lessons"
"""Their checks stand above this package, which finds them by the names of their folders."""


def exercise(name: str) -> Callable[[Judge], Judge]:
    """Register a function as the check of one exercise.

    The function takes the learner's answer; it raises `Wrong` with a message that names the
    mistake, or returns a sentence to read after a right answer.

    Args:
        name: the lesson's number, then a few words: "01-trainable-parameters".

    Returns:
        The decorator, which leaves the function as it is.

    Raises:
        WorkbookError: if the name is taken.
    """

    def register(judge: Judge) -> Judge:
        # Reloading a module while editing it registers its checks again; that is no clash.
        if name in JUDGES and JUDGES[name].__module__ != judge.__module__:
            raise WorkbookError(f"Two exercises are called {name!r}: rename one of them.")
        JUDGES[name] = judge
        return judge

    return register


def names() -> list[str]:
    """Give the names of all exercises of all lessons, in order."""
    for lesson in import_module(_LESSONS).LESSONS:
        _load_checks(lesson.folder)
    return sorted(JUDGES)


def _load_checks(folder: str) -> None:
    """Import a lesson's checks, which registers them; a lesson without exercises has none."""
    module = f"{_LESSONS}.{folder}.exercises"
    if find_spec(module):
        import_module(module)


def check(name: str, answer: object) -> Verdict:
    """Check a learner's answer.

    Args:
        name: the exercise, such as "01-leep".
        answer: a function or a value; `...`, or a function that still holds a `...` stub, means
            that the exercise is not done yet.

    Returns:
        The verdict. An error in the learner's code is a wrong answer and is not raised.

    Raises:
        WorkbookError: if there is no such exercise.
    """
    for lesson in import_module(_LESSONS).LESSONS:
        if name.startswith(f"{lesson.number}-"):
            _load_checks(lesson.folder)
    if name not in JUDGES:
        check_choice("exercise", name, names())
    if is_stub(answer):
        return Verdict("not done yet", "Put your answer in place of `...` and run the cell.")
    try:
        return Verdict("right", JUDGES[name](answer))
    except Wrong as mistake:
        return Verdict("wrong", str(mistake))
    except Exception as error:
        return Verdict("wrong", _explain(error, answer))


def _explain(error: Exception, answer: object) -> str:
    """Say in a sentence where the learner's code failed and how."""
    message = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip().partition("\n")[0]
    what = f"{type(error).__name__}: {message[:300]}" if message else type(error).__name__
    code = code_of(answer)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if code and frame.filename == code.co_filename:
            line = f": `{frame.line}`" if frame.line else ""
            return f"Your code stopped with {what} (line {frame.lineno} of the cell{line})."
    return f"The check could not use your answer as the task says. {what}"
