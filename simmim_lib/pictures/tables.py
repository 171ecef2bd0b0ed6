"""A small table in a lesson."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A table that a notebook shows by itself, and that reads well as text.

    Attributes:
        heading: of each column, never empty: a screen reader says it before each value.
        rows: a value for each column; what is no text is written as `str` does.

    Raises:
        ValueError: if a column has no heading.
    """

    heading: Sequence[str]
    rows: Sequence[Sequence[object]]

    def __post_init__(self) -> None:
        if not all(self.heading):
            raise ValueError(f"A column of the table has no heading: {list(self.heading)}.")

    def __str__(self) -> str:
        lines = [self.heading, ["---"] * len(self.heading), *self.rows]
        return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        return str(self)
