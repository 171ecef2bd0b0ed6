"""Check a learner's answer: right, not done yet, or wrong with the mistake named.

Each lesson's checks live in its folder, in `lessons/NAME/exercises.py`; they are imported when one
of them is checked. A check computes what is right by itself, never from the learner's answer.
"""

import dis
import html
import inspect
import re
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from types import CodeType
from typing import TYPE_CHECKING, Any, Literal

from simmim_lib.errors import WorkbookError, check_choice

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

Status = Literal["right", "wrong", "not done yet"]
Judge = Callable[[Any], str]

_judges: dict[str, Judge] = {}

_LESSONS = "simmim_lib.lessons"
"""Their checks stand above this package, which finds them by the names of their folders."""

# A symbol and a word carry the meaning; the colour (blue, orange, grey, told apart by colour-blind
# readers and visible on white and on black) only repeats it.
_LOOKS: dict[Status, tuple[str, str]] = {
    "right": ("✓", "#3b8fd1"),
    "wrong": ("✗", "#d5692a"),
    "not done yet": ("…", "#8a8a8a"),
}


class Wrong(Exception):  # noqa: N818 - `raise Wrong("...")` says what happens
    """Raised by a check to refuse an answer; its message names the mistake to the learner."""


@dataclass(frozen=True)
class Verdict:
    """What a check says about an answer; a notebook shows it as a coloured box.

    Attributes:
        status: "right", "wrong" or "not done yet".
        message: sentences for the learner; code stands between backticks.
    """

    status: Status
    message: str

    def __repr__(self) -> str:
        symbol, _ = _LOOKS[self.status]
        return f"{symbol} {self.status.capitalize()}. {self.message}"

    def _repr_html_(self) -> str:
        symbol, colour = _LOOKS[self.status]
        message = re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(self.message))
        # The text keeps the page's own colours, so that it is readable on a dark page too.
        return (
            f'<div role="status" style="border-left: 0.4em solid {colour}; padding: 0.4em 0.8em">'
            f"<strong>{symbol} {self.status.capitalize()}.</strong> {message}</div>"
        )


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
        if name in _judges and _judges[name].__module__ != judge.__module__:
            raise WorkbookError(f"Two exercises are called {name!r}: rename one of them.")
        _judges[name] = judge
        return judge

    return register


def names() -> list[str]:
    """Give the names of all exercises of all lessons, in order."""
    for lesson in import_module(_LESSONS).LESSONS:
        _load_checks(lesson.folder)
    return sorted(_judges)


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
    if name not in _judges:
        check_choice("exercise", name, names())
    if _is_stub(answer):
        return Verdict("not done yet", "Put your answer in place of `...` and run the cell.")
    try:
        return Verdict("right", _judges[name](answer))
    except Wrong as mistake:
        return Verdict("wrong", str(mistake))
    except Exception as error:
        return Verdict("wrong", _explain(error, answer))


def numbers(given: object, shape: tuple[int, ...] = ()) -> "np.ndarray":
    """Read what a learner gave as an array of numbers.

    Args:
        given: a number, a sequence, an array or a tensor.
        shape: the shape it must have; a single number has shape ().

    Returns:
        A float64 array of that shape.

    Raises:
        Wrong: if it is nothing, not numeric, of another shape, or not finite.
    """
    import numpy as np

    if given is None:
        raise Wrong("Your function returns nothing (`None`): end it with `return` and the result.")
    try:
        array = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        kind = type(given).__name__
        raise Wrong(f"Numbers are expected here, and this is of type `{kind}`.") from None
    if array.shape != shape:
        raise Wrong(f"The shape must be {shape}, where () is one number; yours is {array.shape}.")
    if not np.all(np.isfinite(array)):
        raise Wrong(f"The result is {array}. Look for a logarithm of zero or a division by it.")
    return array


def compare(
    given: object, right: "ArrayLike", mistakes: "Mapping[str, ArrayLike]", otherwise: str
) -> None:
    """Compare an answer with the right one, and with what known mistakes would give.

    Args:
        given: the learner's number or numbers.
        right: the right value, computed without the learner's answer.
        mistakes: a message for each known mistake, with the value that the mistake leads to.
        otherwise: the message for any other wrong value.

    Raises:
        Wrong: with the message of the mistake that gives this value, else with `otherwise`.
    """
    import numpy as np

    array = numbers(given, np.shape(right))
    if np.allclose(array, right, rtol=1e-4, atol=1e-6):
        return
    for message, value in mistakes.items():
        if np.allclose(array, value, rtol=1e-4, atol=1e-6):
            raise Wrong(message)
    raise Wrong(otherwise)


def _is_stub(answer: object) -> bool:
    """Tell whether an answer, or a part of it, is still the `...` that the lesson put there."""
    if answer is ...:
        return True
    if isinstance(answer, dict):
        return any(_is_stub(part) for part in answer.values())
    if isinstance(answer, list | tuple):
        return any(_is_stub(part) for part in answer)
    code = _code(answer)
    return code is not None and _has_blank(code)


def _code(answer: object) -> CodeType | None:
    unwrapped = inspect.unwrap(answer) if callable(answer) else answer
    code = getattr(unwrapped, "__code__", None)
    return code if isinstance(code, CodeType) else None


def _has_blank(code: CodeType) -> bool:
    """Tell whether a function does nothing yet, or still says `name = ...` or `return ...`.

    The source may be out of reach, so this reads the compiled code, where a lone `...` leaves no
    trace and `x[..., 0]` does not look like a blank.
    """
    steps = [s for s in dis.get_instructions(code) if s.opname not in {"RESUME", "NOP"}]
    returns = {"LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"}
    if all(step.opname in returns and step.argval is None for step in steps):
        return True
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        if step.argval is ... and (
            step.opname == "RETURN_CONST"
            or (following and following.opname.startswith(("STORE_", "RETURN_VALUE")))
        ):
            return True
    return False


def _explain(error: Exception, answer: object) -> str:
    """Say in a sentence where the learner's code failed and how."""
    message = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip().partition("\n")[0]
    what = f"{type(error).__name__}: {message[:300]}" if message else type(error).__name__
    code = _code(answer)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if code and frame.filename == code.co_filename:
            line = f": `{frame.line}`" if frame.line else ""
            return f"Your code stopped with {what} (line {frame.lineno} of the cell{line})."
    return f"The check could not use your answer as the task says. {what}"
