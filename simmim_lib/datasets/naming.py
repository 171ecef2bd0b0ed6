"""Names of datasets: those of the catalogue, and addresses of folders and tables of one's own.

`folder:PATH` is a folder of images, or of text files, with a sub-folder for each class, `csv:PATH`
a table with a row for each image, or for each text if `?text=COLUMN` names their column; both mean
the same in every process that sees the path. Options follow as in a web address:
`folder:photos?group=_&skip-broken=yes`.
"""

import contextlib
import hashlib
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simmim_lib.datasets.catalogue import listed, names
from simmim_lib.datasets.tables import SEPARATORS
from simmim_lib.errors import WorkbookError, check_choice, shown
from simmim_lib.foundation.addresses import Address
from simmim_lib.foundation.paths import from_person

YES_OR_NO = {"yes": True, "no": False}

SHARED_OPTIONS = ("group", "grey", "skip-broken", "seed")

TABLE_OPTIONS = ("image", "text", "label", "subgroup", "sep")

OPTIONS = {"folder": SHARED_OPTIONS, "csv": (*SHARED_OPTIONS, *TABLE_OPTIONS)}
"""By kind of address, the options that it takes."""

EXAMPLES = {"folder": "folder:photos", "csv": "csv:table.csv"}


@dataclass(frozen=True)
class OwnData:
    """Data of the user's own, and how they are to be read.

    Attributes:
        kind: "folder" or "csv".
        path: absolute, without links.
        group: keeps images together: for a folder the sign before which the names of files of one
            group are the same, for a table a column; "": each image is a group of its own.
        grey: whether to do without colours.
        skip_broken: whether to leave out what cannot be read, and images in two classes or parts.
        seed: chooses the images for testing.
        image: the column of paths; "": found by its name or content.
        text: the column of texts, where the examples are these and no images.
        labels: the column of labels, or several with + between them, since a comma ends a name in
            a list of names; "": found by its name.
        sep: what separates the cells of a table; "": the most frequent in its first line.
        subgroups: a column of subgroups, such as devices, or several with + between them, for each
            of which a model card says how good a model is.
    """

    kind: str
    path: Path
    group: str = ""
    grey: bool = False
    skip_broken: bool = False
    seed: int = 0
    image: str = ""
    text: str = ""
    labels: str = ""
    sep: str = ""
    subgroups: str = ""

    @property
    def title(self) -> str:
        """The name for readers."""
        return self.path.stem if self.kind == "csv" else self.path.name

    @property
    def options(self) -> tuple[object, ...]:
        """All but the path, so that the same files elsewhere have the same."""
        kept = (self.group, self.grey, self.skip_broken, self.seed)
        texts = (self.text,) if self.text else ()
        subgroups = (("subgroup", self.subgroups),) if self.subgroups else ()
        return (self.kind, *kept, self.image, self.labels, self.sep, *texts, *subgroups)


def parse(name: object) -> OwnData | None:
    """Return what an address means, or nothing if the name is no address.

    Raises:
        WorkbookError: an address without a path, or with an option that there is not.
    """
    address = Address.parse(name, OPTIONS) if isinstance(name, str) else None
    if address is None:
        return None
    given: dict[str, Any] = {
        option.replace("-", "_"): _READ.get(option, _as_text)(option, text)
        for option, text in address.options.items()
    }
    given["labels"], given["subgroups"] = given.pop("label", ""), given.pop("subgroup", "")
    return OwnData(address.kind, Path(os.path.realpath(address.place)), **given)


def _as_text(option: str, text: str) -> str:
    return text


def _as_flag(option: str, text: str) -> bool:
    return YES_OR_NO[check_choice(f"value of {option}=", text, YES_OR_NO)]


def _as_seed(option: str, text: str) -> int:
    if not re.fullmatch("[0-9]{1,9}", text):
        raise WorkbookError(f"{option}={text} is not a whole number of at least 0: try {option}=1.")
    return int(text)


def _as_separator(option: str, text: str) -> str:
    return text if len(text) == 1 else SEPARATORS[check_choice(f"{option}=", text, SEPARATORS)]


_READ: Mapping[str, Callable[[str, str], str | bool | int]] = {
    "grey": _as_flag,
    "skip-broken": _as_flag,
    "seed": _as_seed,
    "sep": _as_separator,
}


def check_no_option(name: str) -> None:
    """Raise if a command is given an option that belongs to an address, with where it goes.

    Args:
        name: of the command's option, without what stands before it.
    """
    for kind, example in EXAMPLES.items():
        if name in OPTIONS[kind]:
            value = "yes" if _READ.get(name) is _as_flag else "VALUE"
            raise WorkbookError(
                f"--{name} is said of the data, not of the command: put ?{name}={value} behind the "
                f"path, as in {example}?{name}={value}."
            )


def check_name(what: str, given: object) -> str:
    """Return the name of a dataset, whether or not its data can be read.

    Args:
        what: what is being named, such as "dataset".
        given: the user's choice: one of `names()`, `folder:PATH` or `csv:PATH`.

    Raises:
        WorkbookError: with the nearest name, or with the address of a path.
    """
    if isinstance(given, str) and (given in names() or parse(given)):
        return str.__str__(given)
    if isinstance(given, str) and (kind := _kind_of_path(given)):
        raise WorkbookError(
            f"Unknown {what} {shown(given)}: to use your own data, write {kind}:{given}."
        )
    return check_choice(what, given, (*listed(), "folder:PATH", "csv:PATH"))


def _kind_of_path(text: str) -> str | None:
    """Tell which kind of address a text would be if it is a path."""
    if text.lower().endswith((".csv", ".tsv")):
        return "csv"
    return "folder" if text.strip() and _is_folder(text) else None


def _is_folder(text: str) -> bool:
    with contextlib.suppress(WorkbookError):  # of what is no path: it is no name either
        return os.path.isdir(from_person(text))
    return False


def short_name(name: str) -> str:
    """Return what pictures call a dataset: its name, or the last part of an address's path."""
    own = parse(name)
    return own.title if own else name


def short_names(names: Iterable[str]) -> dict[str, str]:
    """Return by name what readers call several datasets: as short as tells them apart.

    Two columns of one table have the same short name; the options of their addresses differ.
    """
    names = tuple(names)
    for shorten in (short_name, _last_part):
        found = {name: shorten(name) for name in names}
        if len({*found.values()}) == len(found):
            return found
    return {name: name for name in names}


def _last_part(name: str) -> str:
    """Return what follows the last folder of an address, its options included."""
    return name.rpartition("/")[2]


def check_distinct(names: Sequence[str]) -> None:
    """Refuse two spellings of one address, whose images would be learnt from twice.

    Raises:
        WorkbookError: there are some.
    """
    first_with: dict[str, str] = {}
    for name in names:
        first = first_with.setdefault(file_name(name), name)
        if first is not name:
            raise WorkbookError(
                f"{shown(first)} and {shown(name)} are the same data: name them once."
            )


def file_name(name: str) -> str:
    """Return a name for files about a dataset: for an address one without slashes, else its own.

    Two spellings of one address have the same.
    """
    own = parse(name)
    if own is None:
        return name
    digest = hashlib.sha256(repr((str(own.path), own.options)).encode()).hexdigest()[:12]
    return f"{re.sub('[^A-Za-z0-9_-]+', '-', own.title)}-{digest}"
