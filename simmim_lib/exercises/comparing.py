"""Refuse an answer: read it as numbers, and compare it with what known mistakes would give."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
        raise Wrong(f"Numbers are expected here, but this is of type `{kind}`.") from None
    if array.shape != shape:
        raise Wrong(f"The shape must be {shape}, where () is one number; yours is {array.shape}.")
    if not np.all(np.isfinite(array)):
        raise Wrong(f"The result is {array}. Look for a logarithm of zero or a division by zero.")
    return array


def compare(given: object, right: "ArrayLike", mistakes: Iterable[Mistake], otherwise: str) -> None:
    """Compare an answer with the right one, and with what known mistakes would give.

    Args:
        given: the learner's number or numbers.
        right: the right value, computed without the learner's answer.
        mistakes: the known ones; of several that lead to the given value the first is named.
        otherwise: the message for any other wrong value.

    Raises:
        Wrong: with the message of the mistake that gives this value, else with `otherwise`.
    """
    import numpy as np

    array = numbers(given, np.shape(right))
    if _close(array, right):
        return
    for mistake in mistakes:
        if _close(array, mistake.value):
            raise Wrong(mistake.message)
    raise Wrong(otherwise)


def _close(array: "np.ndarray", value: "ArrayLike") -> bool:
    import numpy as np

    return np.allclose(array, value, rtol=1e-4, atol=1e-6)
