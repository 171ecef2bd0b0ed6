"""One exception for everything a user can put right, worded so that they can."""

import contextlib
import math
import numbers
from collections.abc import Callable, Iterable
from difflib import get_close_matches

MAX_SHOWN = 100
"""How many characters of a bad value a sentence shows."""


class WorkbookError(ValueError):
    """Bad input or circumstances: one sentence: given, allowed, what to do."""

    def _render_traceback_(self) -> list[str]:
        """Tell IPython to show the sentence alone: a traceback would not help a learner."""
        return [str(self)]


def shown(given: object) -> str:
    """Return what was given in one short line, as a sentence can show it."""
    try:
        text = " ".join(repr(given).split())
    except Exception:  # a whole number of thousands of digits, or an object that is broken
        return f"a value of type {type(given).__name__}"
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def check_choice(what: str, given: object, allowed: Iterable[str]) -> str:
    """Return `given` if it is one of `allowed`.

    Args:
        what: what is being chosen, such as "dataset".
        given: the user's choice.
        allowed: the names to choose from.

    Raises:
        WorkbookError: with the nearest allowed name, if there is one.
    """
    names = list(allowed)
    near: list[str] = []
    if isinstance(given, str):
        if given in names:
            return str.__str__(given)
        near = get_close_matches(given, names, n=1, cutoff=0.5)
    advice = f" Did you mean {near[0]!r}?" if near else ""
    raise WorkbookError(
        f"Unknown {what} {shown(given)}.{advice} Choose one of: {', '.join(names)}."
    )


def check_whole(what: str, given: object, least: int, most: int | None = None) -> int:
    """Return `given` as an int if it is a whole number from `least` to `most`.

    Raises:
        WorkbookError: with the nearest number that is allowed.
    """
    number = None
    if isinstance(given, numbers.Integral) and not isinstance(given, bool):
        number = int(given)
        if least <= number and (most is None or number <= most):
            return number
    allowed = f"of at least {least}" if most is None else f"from {least} to {most}"
    nearest = most if most is not None and number is not None and number > most else least
    raise WorkbookError(
        f"{what} is {shown(given)}, but must be a whole number {allowed}: try {nearest}."
    )


def check_number(
    what: str, given: object, allowed: Callable[[float], bool], in_words: str
) -> float:
    """Return `given` as a float if it is a finite number and allowed.

    Args:
        what: which number.
        given: the user's value.
        allowed: tells whether a finite number is.
        in_words: the same in words, with an example, such as "above 0, like 0.001".

    Raises:
        WorkbookError: with what is allowed.
    """
    if isinstance(given, numbers.Real) and not isinstance(given, bool):
        with contextlib.suppress(OverflowError):  # of a whole number beyond every float
            number = float(given)
            if math.isfinite(number) and allowed(number):
                return number
    raise WorkbookError(f"{what} is {shown(given)}, but must be a finite number {in_words}.")


def check_positive(what: str, given: object) -> float:
    """Return `given` as a float if it is a finite number above 0."""
    return check_number(what, given, lambda number: number > 0, "above 0, like 0.001")


def check_at_least_zero(what: str, given: object) -> float:
    """Return `given` as a float if it is a finite number of at least 0."""
    return check_number(what, given, lambda number: number >= 0, "of at least 0, like 0.3")


def check_flag(what: str, given: object) -> bool:
    """Return `given` if it is True or False."""
    if not isinstance(given, bool):
        raise WorkbookError(f"{what} is {shown(given)}, but must be True or False.")
    return given
