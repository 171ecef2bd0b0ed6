"""Figures that are drawn in the workbook's style, all their texts as plain text.

Imports matplotlib, so it is itself imported where something is drawn.
"""

import re
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.ticker import LogFormatter

from simmim_lib.errors import JOINERS, printable
from simmim_lib.pictures import fonts
from simmim_lib.pictures.style import in_style

VARIANTS = {chr(code) for code in range(0xFE00, 0xFE10)}
"""They choose between forms of the sign before them, and have none of their own."""

FOREIGN = re.compile(r"[^\x00-\x7f]+")
"""A name in letters beyond ASCII; some fonts have a few of them only."""


class Sheet(Figure):
    """A figure that is drawn in the workbook's style, whoever has it drawn or saved."""

    def draw(self, renderer: Any) -> None:
        """Draw everything, ticks included, which matplotlib only makes now."""
        with in_style():
            super().draw(renderer)

    def savefig(self, *arguments: Any, **options: Any) -> None:
        """Save the figure, whatever a reader has set for files of their own."""
        with in_style():
            super().savefig(*arguments, **options)


class Canvas(FigureCanvasAgg):
    """Draws a figure into memory.

    Args:
        figure: to be drawn.
        undrawn: gets the names that no font has the letters for, with the number that is drawn
            instead of each.
    """

    def __init__(self, figure: Figure, undrawn: dict[str, str]) -> None:
        super().__init__(figure)
        width, height = self.get_width_height(physical=True)
        self._plain = _PlainTexts(width, height, figure.dpi, undrawn)

    def get_renderer(self) -> "_PlainTexts":
        """Return what draws."""
        return self._plain


def beside(undrawn: dict[str, str]) -> str:
    """Return what is to be read beside a drawing, or nothing; why is said once.

    Args:
        undrawn: what `Canvas` has put into it.
    """
    if undrawn:
        fonts.tell_that_letters_are_missing()
    return ", ".join(f"{number} {name}" for name, number in undrawn.items())


class _PlainTexts(RendererAgg):
    """Draws texts with all signs seen, each in a font that has it."""

    def __init__(self, width: float, height: float, dpi: float, undrawn: dict[str, str]) -> None:
        super().__init__(width, height, dpi)
        self._undrawn = undrawn

    def draw_text(
        self, gc: Any, x: float, y: float, s: str, prop: FontProperties, *rest: Any, **options: Any
    ) -> None:
        """Draw a line of text."""
        super().draw_text(gc, x, y, *self._drawable(s, prop), *rest, **options)

    def get_text_width_height_descent(
        self, s: str, prop: FontProperties, ismath: Any
    ) -> tuple[float, float, float]:
        """Measure a line of text."""
        return super().get_text_width_height_descent(*self._drawable(s, prop), ismath)

    def _drawable(self, text: str, font: FontProperties) -> tuple[str, FontProperties]:
        """Return what to draw for a line of text, and in which fonts."""
        text = printable(text)
        if text.isascii():
            return text, font
        lacking = fonts.lacking(text, font)
        others = fonts.families(lacking)
        if missing := lacking - others.keys():
            text = self._with_numbers(text, missing)
        if others:
            font = font.copy()
            font.set_family([*font.get_family(), *sorted({*others.values()})])
        return text, font

    def _with_numbers(self, text: str, missing: set[str]) -> str:
        """Put a number in the place of each name with letters that no font has."""
        unseen = missing & {*JOINERS, *VARIANTS}
        seen = "".join(sign for sign in text if sign not in unseen)
        return FOREIGN.sub(
            lambda name: name[0] if missing.isdisjoint(name[0]) else self._number(name[0]), seen
        )

    def _number(self, name: str) -> str:
        return self._undrawn.setdefault(name, f"[{len(self._undrawn) + 1}]")


class PlainLogFormatter(LogFormatter):
    """Writes the numbers at a logarithmic axis plainly, such as 0.01; others come as formulas."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """Return the number at a tick, or nothing where the numbers would be too many."""
        return f"{x:g}" if super().__call__(x, pos) else ""
