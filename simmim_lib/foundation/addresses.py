"""Addresses: a text that names a file or a folder and says how it is meant.

`folder:photos?group=_` is the folder `photos`, with the option `group`. Addresses stand wherever a
name of the catalogue can, also in files, so they are read in the same way in every process.
"""

import contextlib
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from simmim_lib.errors import WorkbookError, check_choice, shown
from simmim_lib.foundation.paths import from_person


@dataclass(frozen=True)
class Address:
    """A file or a folder, and options.

    Attributes:
        kind: what stands before the colon, such as "folder".
        path: as it was given.
        options: by name.
    """

    kind: str
    path: str
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def place(self) -> Path:
        """The path that is meant.

        Raises:
            WorkbookError: as `from_person`.
        """
        return from_person(self.path)

    @classmethod
    def parse(cls, text: str, options: Mapping[str, Collection[str]]) -> "Address | None":
        """Read an address, or return none if the text is a plain name.

        Args:
            text: such as "csv:reviews.csv?text=review&label=stars".
            options: by kind, the names of the options that it takes.

        Raises:
            WorkbookError: no path, or one with a question mark; an option that the kind does not
                take, without a value, or twice.
        """
        kind, colon, rest = text.partition(":")
        if not colon or kind not in options:
            return None
        path, _, query = rest.partition("?")
        if not path.strip():
            raise WorkbookError(f"{shown(text)} names no path: write {kind}:PATH.")
        if query and _is_only_there(rest, path):
            raise WorkbookError(
                f"{shown(rest)} has a question mark in its name, and options follow one: rename "
                "it, or name a link to it."
            )
        given = [_option(kind, part, options[kind]) for part in _parts(query)]
        names = [name for name, _ in given]
        for name in names:
            if names.count(name) > 1:
                raise WorkbookError(
                    f"{shown(text)} gives the option {shown(name)} twice: give it once."
                )
        return cls(kind, path, dict(given))


def _is_only_there(whole: str, before: str) -> bool:
    """Tell whether a path is there with its question mark, and not what stands before that."""
    if os.path.lexists(from_person(before)):
        return False
    with contextlib.suppress(WorkbookError):  # as of `~anna?grey=yes`, which is nobody's home
        return os.path.lexists(from_person(whole))
    return False


def _parts(query: str) -> list[str]:
    return query.split("&") if query else []


def _option(kind: str, text: str, names: Collection[str]) -> tuple[str, str]:
    name, _, value = text.partition("=")
    check_choice(f"option of {kind}:PATH", name, names)
    if not value:
        raise WorkbookError(
            f"The option {shown(name)} of {kind}:PATH has no value: write {name}=VALUE."
        )
    return name, value
