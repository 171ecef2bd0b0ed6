"""Fonts: which of the machine's fonts has the letters of a text, such as Chinese or Japanese ones.

Imports matplotlib, so it is itself imported where something is drawn.
"""

import functools
from collections.abc import Collection

from matplotlib.font_manager import (
    FontEntry,
    FontProperties,
    findfont,
    findSystemFonts,
    fontManager,
)
from matplotlib.ft2font import FT2Font

from simmim_lib.errors import warn

PREFERRED = "DejaVu Sans"
"""It comes with matplotlib, so that signs such as arrows look the same on every machine."""

BOXES = "Last Resort"
"""The beginning of the name of a font that comes with matplotlib and has a box for every letter."""


def lacking(text: str, font: FontProperties) -> set[str]:
    """Return the characters of a text that a font does not have."""
    own = _characters(findfont(font))
    return {character for character in text if ord(character) not in own}


@functools.lru_cache(maxsize=16)
def _characters(path: str) -> frozenset[int]:
    return frozenset(FT2Font(path).get_charmap())


def families(characters: Collection[str]) -> dict[str, str]:
    """Return the family of a font of this machine for each character that some font has."""
    found = _found(len(fontManager.ttflist))
    if unknown := {character for character in characters if character not in found}:
        _look_for(unknown, found)
    return {character: name for character in characters if (name := found[character])}


@functools.lru_cache(maxsize=1)
def _found(number_of_fonts: int) -> dict[str, str | None]:
    """Return what was found so far; another font, and the search begins anew."""
    return {}


def _look_for(characters: set[str], found: dict[str, str | None]) -> None:
    """Look through the machine's fonts until each character was found in one, or in none."""
    missing = set(characters)
    for entry in _fonts():
        if not missing:
            break
        try:
            font = FT2Font(entry.fname)
        except (OSError, RuntimeError):  # gone since matplotlib has listed it, or damaged
            continue
        has = {character for character in missing if font.get_char_index(ord(character))}
        found.update(dict.fromkeys(has, entry.name))
        missing -= has
    found.update(dict.fromkeys(missing))


def _fonts() -> list[FontEntry]:
    """Return the machine's fonts, plain ones first."""
    _list_new_fonts()
    usable = [entry for entry in fontManager.ttflist if not entry.name.startswith(BOXES)]
    return sorted(
        usable,
        key=lambda entry: (
            entry.name != PREFERRED,
            entry.style != "normal",
            str(entry.weight) not in ("400", "normal", "regular"),
            "sans" not in entry.name.lower() and "gothic" not in entry.name.lower(),
            entry.name,
        ),
    )


@functools.cache
def _list_new_fonts() -> None:
    """Add what was installed after matplotlib has made its list, which it keeps on the disk."""
    listed = {entry.fname for entry in fontManager.ttflist}
    for path in sorted({*findSystemFonts()} - listed):
        try:
            fontManager.addfont(path)
        except Exception:  # whatever is wrong with a font, it is as for matplotlib's own list
            continue


@functools.cache
def tell_that_letters_are_missing() -> None:
    """Warn once that no font of this machine has some letters, and say what to do."""
    warn(
        "No font of this machine has some letters of the names in a figure, so it shows numbers "
        "such as [1] in their place, and the names stand beside it: install a font that has them, "
        "such as the package fonts-noto-cjk for Chinese, Japanese and Korean."
    )
