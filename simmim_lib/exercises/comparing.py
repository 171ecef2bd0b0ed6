"""Refuse an answer: read it in whatever form, and compare it with what known mistakes give."""

from collections.abc import Iterable, Iterator, ValuesView
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simmim_lib.errors import shown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike


class Wrong(Exception):  # noqa: N818 - `raise Wrong("...")` says what happens
    """Raised by a check to refuse an answer; its message names the mistake to the learner."""


@dataclass(frozen=True)
class Mistake:
    """A mistake that learners are known to make.

    Attributes:
        value: the number or numbers that it leads to.
        message: the sentence that names it to the learner.
    """

    value: "ArrayLike"
    message: str


@dataclass(frozen=True)
class Tolerance:
    """How far a right answer may be from the right value, which depends on how it is found.

    Attributes:
        relative: as a share of the right value.
        absolute: the same in its own unit, which decides near zero.
    """

    relative: float
    absolute: float


EXACT = Tolerance(0.0, 1e-6)
"""For what is counted."""

COMPUTED = Tolerance(1e-3, 1e-6)
"""For a formula: half precision keeps three digits, and a tiny number inside a logarithm shows."""


def numbers(given: object, shape: tuple[int, ...] | None = ()) -> "np.ndarray":
    """Read what a learner gave as an array of numbers.

    Args:
        given: a number, a sequence, an iterator, a series, an array or a tensor.
        shape: the shape it must have; a single number has shape (), and may come in brackets; None
            where any will do.

    Returns:
        A float64 array of that shape.

    Raises:
        Wrong: if it is nothing, not numeric, of another shape, or not finite.
    """
    import numpy as np

    if given is None:
        raise Wrong("Your function returns nothing (`None`): end it with `return` and the result.")
    array = _as_array(given)
    if shape == () and array.size == 1:
        array = array.reshape(())
    if shape is not None and array.shape != shape:
        raise Wrong(f"The shape must be {shape}, where () is one number; yours is {array.shape}.")
    if not np.all(np.isfinite(array)):
        raise Wrong(f"The result is {array}. Look for a logarithm of zero or a division by zero.")
    return array


def _as_array(given: object) -> "np.ndarray":
    import numpy as np

    listed = list(given) if isinstance(given, Iterator | ValuesView) else given
    try:
        raw = np.asarray(listed)
        if any(isinstance(each, str | bytes) for each in raw.ravel().tolist()):
            raise Wrong(
                "This is text where numbers are expected: write them without quotation marks and "
                "with a decimal point, such as `0.67`."
            )
        if raw.dtype.kind == "c":  # NumPy would drop the imaginary part
            raise TypeError
        return np.asarray(listed, dtype=np.float64)
    except (TypeError, ValueError):
        kind = type(given).__name__
        raise Wrong(f"Numbers are expected here, but this is of type `{kind}`.") from None


def truth(given: object) -> bool:
    """Read True or False: Python's, NumPy's, 1 or 0, or one in an array or a tensor.

    Raises:
        Wrong: if it is neither; text is not.
    """
    import numpy as np

    try:
        array = np.asarray(given)
    except ValueError:  # rows of different lengths
        array = np.array(None)
    if array.dtype.kind in "biuf" and array.size == 1 and array.item() in (0, 1):
        return bool(array.item())
    raise Wrong(f"Write `True` or `False`, without quotation marks, not `{shown(given)}`.")


def entries(given: Any, names: Iterable[Any]) -> dict[Any, Any]:
    """Read what a learner gave by name, in any order: a dictionary, or a series.

    Args:
        given: the answer.
        names: of the entries that there must be.

    Returns:
        The entries, in the order of `names`.

    Raises:
        Wrong: if it has no names, or other ones.
    """
    wanted = list(names)
    keys = getattr(given, "keys", None)
    if keys is None:
        kind = type(given).__name__
        raise Wrong(f"Give a dictionary with {_listed(wanted)}; yours is of type `{kind}`.")
    found = list(keys())
    if set(found) != set(wanted):
        raise Wrong(f"Give an entry for each of {_listed(wanted)}; yours are {_listed(found)}.")
    return {name: given[name] for name in wanted}


def _listed(names: Iterable[object]) -> str:
    return ", ".join(f"`{name!r}`" for name in names) or "nothing"


def compare(
    given: object,
    right: "ArrayLike",
    mistakes: Iterable[Mistake],
    otherwise: str,
    tolerance: Tolerance = COMPUTED,
) -> None:
    """Compare an answer with the right one, and with what known mistakes would give.

    Args:
        given: the learner's number or numbers.
        right: the right value, computed without the learner's answer.
        mistakes: the known ones; of several that lead to the given value the first is named.
        otherwise: the message for any other wrong value, to which the learner's own is added.
        tolerance: how far off a right answer may be, besides being rounded.

    Raises:
        Wrong: with the message of the mistake that gives this value, else with `otherwise`.
    """
    import numpy as np

    array = numbers(given, np.shape(right))
    if is_close(array, right, tolerance):
        return
    for mistake in mistakes:
        if is_close(array, mistake.value, tolerance):
            raise Wrong(mistake.message)
    raise Wrong(f"{otherwise} Yours: {in_words(array)}.")


def is_close(array: "np.ndarray", value: "ArrayLike", tolerance: Tolerance = COMPUTED) -> bool:
    """Tell whether numbers are a value, as exactly as can be asked, or as somebody rounds it."""
    import numpy as np

    if np.allclose(array, value, rtol=tolerance.relative, atol=tolerance.absolute):
        return True
    return any(_is_rounded(array, value, decimals) for decimals in range(2, 7))


def _is_rounded(array: "np.ndarray", value: "ArrayLike", decimals: int) -> bool:
    """Tell whether numbers are a value rounded: to two digits of each, or three of the largest."""
    import numpy as np

    exact, rounded = np.asarray(value, dtype=np.float64), np.round(array, decimals)
    # Of the last digit that is left. A five behind it may be rounded up or down: Python and NumPy
    # do not agree on 0.5375.
    units, distance = np.abs(rounded) * 10.0**decimals, np.abs(rounded - exact) * 10.0**decimals
    keeps_digits = np.all((np.abs(exact) < 1e-9) | (units >= 9.5)) or np.max(units) >= 99.5
    is_nearest = np.all(distance < 0.5001)
    return bool(keeps_digits and is_nearest and np.allclose(array, rounded, rtol=1e-6, atol=1e-9))


def in_words(array: "np.ndarray") -> str:
    """Write numbers as a sentence shows them, with four digits: `0.4231`, `[0.5, 2]`."""
    return _written(array.tolist())


def _written(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    if value == round(value):
        return f"{value + 0.0:,.0f}"  # no minus before a zero
    return f"{value:,.1f}" if abs(value) >= 1000 else f"{value:.4g}"
