"""The page on speed: what `make bench` has measured, and how cost grows, as a picture."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import site_pages

from simmim_lib.pictures.style import COLOURS, Picture, make_logarithmic, new_figure, styled

TABLES = ("bench", "growth", "trunk-speeds")
"""Files in data/results with what was measured in one run each."""

GROWTH = "growth with "
"""How the name of a row begins whose points are a curve."""

COLUMNS = 3

VERDICTS = {True: "reached", False: "missed", None: ""}


def page(tables: Sequence[Mapping[str, Any]]) -> str:
    """Return the page's text.

    Args:
        tables: the contents of the files.
    """
    parts = [
        "# Speed",
        "Ratios are from one run on one machine that did nothing else, and hold for others, too; "
        "seconds do not. Each pair was timed in turn, after a warm-up. Missed aims are told, too.",
    ]
    for each in tables:
        versions = ", ".join(f"{name} {version}" for name, version in each["versions"].items())
        parts.append(f"`{each['command']}`, {each['cores']} processor cores, {versions}:")
        if curves := [row for row in each["rows"] if row.get("points")]:
            parts.append(growth(curves).as_html())
        parts.append(_table(each["rows"]))
    return "\n\n".join(parts) + "\n"


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    cells = [[row["measured"], row["what"], row["aim"], VERDICTS[row["reached"]]] for row in rows]
    return site_pages.table(["measured", "what", "aim", "verdict"], cells)


@styled
def growth(rows: Sequence[Mapping[str, Any]]) -> Picture:
    """Draw how the seconds of an experiment grow, each cause in axes of its own.

    Args:
        rows: of a table, with points.
    """
    lines = -(-len(rows) // COLUMNS)
    figure = new_figure(11, 3.2 * lines)
    for place, row in enumerate(rows, start=1):
        axes = figure.add_subplot(lines, COLUMNS, place)
        asked, seconds = zip(*row["points"], strict=True)
        axes.plot(asked, seconds, "o-", color=COLOURS["source"])
        is_power = row["what"].startswith(GROWTH)
        if is_power:
            make_logarithmic(axes, "x")
            # Over more than a power of ten, there is no room for the numbers in between.
            axes.tick_params("x", which="minor", labelbottom=max(asked) <= 20 * min(asked))
        make_logarithmic(axes, "y")
        axes.set(ylim=(min(seconds) / 3, max(seconds) * 3), ylabel="seconds")
        title = row["measured"].partition(" (")[0] if is_power else "no power law"
        axes.set(xlabel=_short(row["what"]), title=title)
    figure.tight_layout()
    told = "; ".join(f"{_short(row['what'])}: {row['measured']}" for row in rows)
    return Picture(figure, f"How the seconds of an experiment grow. {told}.")


def _short(what: str) -> str:
    """Return the cause in a few words: what stands before the first comma or colon."""
    return what.removeprefix(GROWTH).partition(",")[0].partition(":")[0]


def write(root: Path) -> None:
    """Write the page into docs/made.

    Args:
        root: of the checkout.
    """
    folder = root / "data" / "results"
    tables = [json.loads((folder / f"{name}.json").read_text("utf-8")) for name in TABLES]
    (root / "docs" / "made" / "speed.md").write_text(page(tables), encoding="utf-8")
