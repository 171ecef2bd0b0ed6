"""What a field of settings says about itself, and the kinds of values that a field can take.

A kind reads a text, as on the command line, and checks a value, which it returns in one form: plain
Python, whether it came as such or from NumPy, so that equal settings are equal and JSON and code
can hold them.
"""

import contextlib
import dataclasses
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from simmim_lib.errors import (
    WorkbookError,
    check_choice,
    check_flag,
    check_number,
    check_whole,
    offered,
    shown,
)

FLAGS = {"yes": True, "no": False, "true": True, "false": False}

GROUPS = {
    "method": "the whole way of learning, which decides what is usual for the rest",
    "data": "the images, and how many of them have labels",
    "transfer": "what is copied from the source, and what of it stays",
    "joint": "how several targets share one network",
    "training": "the steps from the copied network to the trained one",
    "unlabelled": "what images without labels teach",
    "effort": "how often everything is repeated, and on what",
}


MAX_DIGITS = 9
"""Of a whole number amid words; Python refuses to read thousands of them."""


class _Usual:
    """The type of `USUAL`."""

    def __repr__(self) -> str:
        return "USUAL"


USUAL: Any = _Usual()
"""Stands for the usual value of a field, which may depend on the fields before it."""


def option(
    default: Any,
    help: str,
    *,
    reads: "Kind | Callable[[Any], Kind]",
    group: str,
    offers: Iterable[Any] | None = None,
) -> Any:
    """Return a field of a dataclass that says all about itself.

    Args:
        default: its usual value, or a function from the settings, of which the fields before this
            one are known, to this value.
        help: what it means, for a list of all options.
        reads: how a text becomes a value, and which values are allowed; or a function from the
            settings, of which the fields before this one are known, to this.
        group: one of `GROUPS`.
        offers: values for a control to choose from; by default those of a field with a choice.
    """
    metadata = {
        "help": help,
        "reads": (lambda settings: reads) if isinstance(reads, Kind) else reads,
        "group": check_choice("group", group, GROUPS),
        "offers": tuple(
            reads.choices if isinstance(reads, Kind) and offers is None else offers or ()
        ),
        "usual": default if callable(default) else lambda settings: default,
    }
    return dataclasses.field(default=USUAL, metadata=metadata)


def options_of(settings: type) -> dict[str, dataclasses.Field]:
    """Return the fields of a dataclass by name.

    Raises:
        TypeError: a field that was not made by `option`.
    """
    fields = {field.name: field for field in dataclasses.fields(settings)}
    for name, field in fields.items():
        if not {"help", "reads", "group", "offers", "usual"} <= field.metadata.keys():
            raise TypeError(f"{settings.__name__}.{name} must be made by `options.option`.")
    return fields


def plain(given: Any) -> Any:
    """Return what NumPy, pandas or TensorFlow holds as Python's own, and all else as it is."""
    numpy = sys.modules.get("numpy")  # who has an array has imported it; others need not wait
    if numpy and isinstance(given, numpy.ndarray | numpy.generic):
        return given.tolist()
    if numpy and hasattr(type(given), "__array__"):
        with contextlib.suppress(Exception):  # of a tensor that has no value yet
            return numpy.asarray(given).tolist()
    return given


class Kind:
    """A kind of values."""

    @property
    def choices(self) -> tuple[Any, ...]:
        """All values, where they are few."""
        return ()

    def parse(self, what: str, text: str) -> Any:
        """Return the value that a text stands for; whether it is allowed is for `check` to say.

        Raises:
            WorkbookError: a text that stands for none.
        """
        return text

    def check(self, what: str, given: object) -> Any:
        """Return a value in its one form.

        Raises:
            WorkbookError: a value that is not allowed, with what is allowed.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Choice(Kind):
    """One of several names."""

    names: Collection[str]

    @property
    def choices(self) -> tuple[str, ...]:
        """The names."""
        return tuple(self.names)

    def check(self, what: str, given: object) -> str:
        """Refuse all other names."""
        return check_choice(what, plain(given), self.names)


@dataclass(frozen=True)
class DatasetName(Kind):
    """The name of a dataset; whether there is one of that name is known where it is loaded."""

    def check(self, what: str, given: object) -> str:
        """Refuse what is no text, or an empty one."""
        given = plain(given)
        if not (isinstance(given, str) and given.strip()):
            raise WorkbookError(
                f"{what} is {shown(given)}, but must be the name of a dataset, such as 'mnist'."
            )
        return str.__str__(given)


@dataclass(frozen=True)
class Flag(Kind):
    """Yes or no."""

    @property
    def choices(self) -> tuple[bool, ...]:
        """Both."""
        return False, True

    def parse(self, what: str, text: str) -> bool:
        """Read "yes", "no", "true" and "false"."""
        return FLAGS[check_choice(what, text.lower(), FLAGS)]

    def check(self, what: str, given: object) -> bool:
        """Refuse all but True and False."""
        return check_flag(what, plain(given))


@dataclass(frozen=True)
class Whole(Kind):
    """A whole number from `least` to `most`."""

    least: int
    most: int

    def parse(self, what: str, text: str) -> int:
        """Read a whole number."""
        return _as_number(what, text, int, "a whole number")

    def check(self, what: str, given: object) -> int:
        """Refuse fractions and what is out of range."""
        return check_whole(what, plain(given), self.least, self.most)


@dataclass(frozen=True)
class Labels(Kind):
    """How many images of each class have a label: a number, "all", or "up to" a number.

    Attributes:
        number: the numbers that are allowed.
    """

    number: Whole

    def parse(self, what: str, text: str) -> int | str:
        """Read a number, or leave the words as they are."""
        try:
            return int(text)
        except ValueError:
            return text.strip()

    def check(self, what: str, given: object) -> int | str:
        """Refuse words other than "all" and "up to" a number."""
        given = plain(given)
        if not isinstance(given, str):
            return self.number.check(what, given)
        if given == "all":
            return given
        words, _, number = given.rpartition(" ")
        known = words == "up to" and number.isdecimal() and len(number) <= MAX_DIGITS
        if not known or not int(number):
            raise WorkbookError(
                f"{what} is {shown(given)}, but must be a whole number, 'all', or a most, such as "
                "'up to 20'."
            )
        return f"up to {self.number.check(what, int(number))}"


@dataclass(frozen=True)
class Number(Kind):
    """A finite number.

    Attributes:
        allowed: tells whether a number is.
        in_words: the same in words, as in `errors.check_number`.
    """

    allowed: Callable[[float], bool]
    in_words: str

    def parse(self, what: str, text: str) -> float:
        """Read a number."""
        return _as_number(what, text, float, "a number")

    def check(self, what: str, given: object) -> float:
        """Refuse what is out of range."""
        return check_number(what, plain(given), self.allowed, self.in_words)


@dataclass(frozen=True)
class OrNone(Kind):
    """A value of another kind, or none."""

    kind: Kind

    @property
    def choices(self) -> tuple[Any, ...]:
        """None before all others."""
        return (None, *self.kind.choices) if self.kind.choices else ()

    def parse(self, what: str, text: str) -> Any:
        """Read "none", too."""
        return None if text.strip().lower() == "none" else self.kind.parse(what, text)

    def check(self, what: str, given: object) -> Any:
        """Refuse what the other kind does, except None."""
        return None if given is None else self.kind.check(what, given)


def parts_of(text: str) -> list[str]:
    """Return what stands between the commas of a text; one behind the last does no harm."""
    parts = text.strip().removesuffix(",").split(",") if text.strip() else []
    return [part.strip() for part in parts]


@dataclass(frozen=True)
class Several(Kind):
    """A list of values.

    Attributes:
        kind: of each value.
        advice: what to do, for the sentence about a list that is not allowed.
    """

    kind: Kind
    advice: str

    def parse(self, what: str, text: str) -> tuple[Any, ...]:
        """Read values with commas between them; one behind the last does no harm."""
        return tuple(self.kind.parse(what, part) for part in parts_of(text))

    def check(self, what: str, given: object) -> tuple[Any, ...]:
        """Refuse what is no list, and a list with a value that is not allowed."""
        given = plain(given)
        if not isinstance(given, list | tuple):
            self.refuse(f"{what} is {shown(given)}")
        return tuple(self._check_one(what, value) for value in given)

    def _check_one(self, what: str, value: object) -> Any:
        try:
            return self.kind.check(what, value)
        except WorkbookError:
            self.refuse(f"{what} holds {shown(value)}")

    def refuse(self, problem: str) -> NoReturn:
        """Raise the sentence about a problem, with the advice."""
        raise WorkbookError(f"{problem}: {self.advice}.") from None


class Names(Several):
    """At least one name, each different from the others; one text may hold them all."""

    def check(self, what: str, given: object) -> tuple[str, ...]:
        """Refuse no name, and one that is there twice."""
        given = plain(given)
        names = super().check(what, self.parse(what, given) if isinstance(given, str) else given)
        if not names:
            self.refuse(f"{what} is {shown(given)}")
        if len(set(names)) < len(names):
            raise WorkbookError(f"{what} names a dataset twice ({offered(names)}): name each once.")
        return names


class Weights(Several):
    """Numbers for tasks, in their order or by their names."""

    def check(self, what: str, given: object) -> Any:
        """Leave the names as they are: they are checked where the tasks are known."""
        if isinstance(given, Mapping):
            return dict(zip(given, super().check(what, [*given.values()]), strict=True))
        return super().check(what, given)


class Shares(Several):
    """Numbers that sum to 1."""

    def check(self, what: str, given: object) -> tuple[float, ...]:
        """Refuse any other sum; how many shares there must be is known with the data."""
        shares = super().check(what, given)
        if not abs(sum(shares) - 1) <= 1e-6:
            self.refuse(f"{what} is {shown(shares)}, which sums to {sum(shares):.4g}")
        return shares


@dataclass(frozen=True)
class OneOrSeveral(Kind):
    """One value, or a list of them."""

    kind: Kind

    def parse(self, what: str, text: str) -> Any:
        """Read one value, or several with commas between them."""
        values = tuple(self.kind.parse(what, part.strip()) for part in text.split(","))
        return values if len(values) > 1 else values[0]

    def check(self, what: str, given: object) -> Any:
        """Refuse what the kind does, alone or in a list."""
        given = plain(given)
        if isinstance(given, list | tuple):
            return tuple(self.kind.check(what, value) for value in given)
        return self.kind.check(what, given)


def _as_number(what: str, text: str, kind: Callable[[str], Any], in_words: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise WorkbookError(f"{what} must be {in_words}, but {shown(text)} was given.") from None
