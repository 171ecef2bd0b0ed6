"""One exception for everything a user can put right, worded so that they can."""

import math
import numbers
from collections.abc import Iterable
from difflib import get_close_matches


class WorkbookError(ValueError):
    """Bad input or circumstances: one sentence: given, allowed, what to do."""

    def _render_traceback_(self) -> list[str]:
        """Tell IPython to show the sentence alone: a traceback would not help a learner."""
        return [str(self)]


def check_choice(what: str, given: object, allowed: Iterable[str]) -> None:
    """Raise unless `given` is one of `allowed`.

    Args:
        what: what is being chosen, such as "dataset".
        given: the user's choice.
        allowed: the names to choose from.

    Raises:
        WorkbookError: with the nearest allowed name, if there is one.
    """
    names = list(allowed)
    if given in names:
        return
    near = get_close_matches(str(given), names, n=1, cutoff=0.5)
    advice = f" Did you mean {near[0]!r}?" if near else ""
    raise WorkbookError(f"Unknown {what} {given!r}.{advice} Choose one of: {', '.join(names)}.")


def check_whole(what: str, given: object, least: int, most: int | None = None) -> None:
    """Raise unless `given` is a whole number from `least` to `most`.

    Raises:
        WorkbookError: with the nearest number that is allowed.
    """
    whole = isinstance(given, numbers.Integral) and not isinstance(given, bool)
    if whole and least <= given and (most is None or given <= most):  # type: ignore[operator]
        return
    allowed = f"of at least {least}" if most is None else f"from {least} to {most}"
    nearest = most if whole and most is not None and given > most else least  # type: ignore[operator]
    raise WorkbookError(
        f"{what} is {given!r}, but must be a whole number {allowed}: try {nearest}."
    )


def check_positive(what: str, given: object) -> None:
    """Raise unless `given` is a finite number above 0."""
    number = isinstance(given, numbers.Real) and not isinstance(given, bool)
    if not (number and math.isfinite(given) and given > 0):  # type: ignore[arg-type, operator]
        raise WorkbookError(
            f"{what} is {given!r}, but must be a finite number above 0, like 0.001."
        )


def check_at_least_zero(what: str, given: object) -> None:
    """Raise unless `given` is a finite number of at least 0."""
    number = isinstance(given, numbers.Real) and not isinstance(given, bool)
    if not (number and math.isfinite(given) and given >= 0):  # type: ignore[arg-type, operator]
        raise WorkbookError(
            f"{what} is {given!r}, but must be a finite number of at least 0, like 0.3."
        )


def check_flag(what: str, given: object) -> None:
    """Raise unless `given` is True or False."""
    if not isinstance(given, bool):
        raise WorkbookError(f"{what} is {given!r}, but must be True or False.")
