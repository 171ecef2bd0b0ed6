"""Experiments of lessons that are no `Settings`: plain values in, plain values out."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Self

from simmim_lib.errors import check_choice


class Described:
    """What all descriptions have; each is a frozen dataclass with a field `seeds`."""

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """Build a description of names and values, as in a JSON file.

        Raises:
            WorkbookError: a name that is no field, with the nearest one, or a value that is not
                allowed.
        """
        names = [known.name for known in dataclasses.fields(cls)]  # type: ignore[arg-type]
        for name in values:
            check_choice("setting", name, names)
        given = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
        return cls(**given)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain values that JSON can hold, in order."""
        plain = dataclasses.asdict(self)  # type: ignore[call-overload]
        return {name: list(v) if isinstance(v, tuple) else v for name, v in plain.items()}
