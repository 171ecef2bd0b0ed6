"""One exception for everything a user can put right, worded so that they can.

Whatever comes from elsewhere, such as the name of a file, is made printable here before a message,
a page or a picture shows it.
"""

import contextlib
import math
import numbers
import reprlib
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence, Set, ValuesView
from difflib import get_close_matches
from typing import Any

MAX_SHOWN = 100
"""How many characters of a bad value a sentence shows."""

MAX_NAMES = 60
"""How many names a sentence offers; there are fewer settings, and a table may have any number."""

MAX_SENTENCE = 3000
"""How many characters a sentence has, whatever names it holds."""

MAX_ITEMS, MAX_DEPTH = 10, 4
"""Of lists and the like in a bad value, how many items are looked at, and how deep."""

UNSEEN = {"Cc", "Cf", "Cn", "Cs", "Zl", "Zp"}
"""Unicode's categories of signs that steer, such as escape and right-to-left marks, or are none."""

JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
"""They are not seen either, but belong to the spelling of Persian and Hindi, and to many emoji."""


def printable(text: str, keep: str = "") -> str:
    r"""Return a text in which nothing steers a terminal or a page, and nothing hides.

    A sign that cannot be seen is written as its code in Python: ``\x1b`` for escape, ``\n`` for the
    end of a line, ``\udcff`` for a byte in the name of a file that is no UTF-8.

    Args:
        text: from anywhere.
        keep: signs that stay as they are, such as ends of lines where a text may have several.
    """
    if text.isprintable():  # nearly always
        return text
    stay = {*keep, *JOINERS}
    return "".join(
        repr(sign)[1:-1] if unicodedata.category(sign) in UNSEEN and sign not in stay else sign
        for sign in text
    )


class WorkbookError(ValueError):
    """Bad input or circumstances: one sentence: given, allowed, what to do.

    Args:
        sentence: may hold any names as they are; they are made printable. Of a very long one, the
            start and the end are kept, which say what is wrong and what to do.
    """

    def __init__(self, sentence: str) -> None:
        text = printable(sentence)
        if len(text) > MAX_SENTENCE:
            half = MAX_SENTENCE // 2
            text = f"{text[:half]}…{text[-half:]}"
        super().__init__(text)

    def _render_traceback_(self) -> list[str]:
        """Tell IPython to show the sentence alone: a traceback would not help a learner."""
        return [str(self)]


def warn(sentence: str, stacklevel: int = 1) -> None:
    """Warn with a sentence, which may hold any names as they are.

    Args:
        sentence: what is wrong, and what to do.
        stacklevel: 1 for the line that calls this function, 2 for the one that called that.
    """
    warnings.warn(printable(sentence), stacklevel=stacklevel + 1)


class _Start(reprlib.Repr):
    """Writes the start of a value only: a huge or endlessly nested one is never written in full."""

    def __init__(self) -> None:
        super().__init__()
        self.fillvalue = "…"
        self.maxlevel = MAX_DEPTH
        self.maxlist = self.maxtuple = self.maxdict = self.maxset = self.maxfrozenset = MAX_ITEMS
        self.maxdeque = self.maxarray = MAX_ITEMS
        self.maxstring = self.maxlong = 4 * MAX_SHOWN  # cut in the middle, beyond what is shown

    def repr_bytes(self, given: bytes, level: int) -> str:
        return repr(given[:MAX_SHOWN])

    def repr_instance(self, given: Any, level: int) -> str:
        """Write a value of another type, where it is like one of Python's own, like that."""
        like: tuple[tuple[Any, Callable[[Any, int], str]], ...] = (
            (str, self.repr_str),
            (tuple, self.repr_tuple),
            (Mapping, self.repr_dict),
            (Set, self.repr_set),
            ((Sequence, ValuesView), self.repr_list),
        )
        for kind, write in like:
            if isinstance(given, kind) and not isinstance(given, range):
                return write(given, level)
        return repr(given)


def shown(given: object) -> str:
    """Return what was given in one short line, as a sentence can show it."""
    try:
        text = printable(" ".join(_Start().repr(given).split()))
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
    advice = f" Did you mean {shown(near[0])}?" if near else ""
    raise WorkbookError(f"Unknown {what} {shown(given)}.{advice} Choose one of: {offered(names)}.")


def offered(names: Sequence[str]) -> str:
    """Return names to choose from, for a sentence: the first of many, the start of long ones."""
    few = [name if len(name) <= MAX_SHOWN else f"{name[:MAX_SHOWN]}…" for name in names[:MAX_NAMES]]
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return ", ".join(few) + more


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
