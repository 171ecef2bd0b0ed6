"""The page on speed: what `make bench` has measured, and how cost grows, as a picture."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import site_pages

from simmim_lib.pictures.style import COLOURS, Picture, make_logarithmic, new_figure, styled

GROWTH = "growth with "
"""How the name of a row begins whose points are a curve."""

COLUMNS = 3


def page(table: Mapping[str, Any]) -> str:
    """Return the page's text.

    Args:
        table: the content of data/results/bench.json.
    """
    versions = ", ".join(f"{name} {version}" for name, version in table["versions"].items())
    verdicts = {True: "reached", False: "missed", None: ""}
    rows = [
        [row["measured"], row["what"], row["aim"], verdicts[row["reached"]]]
        for row in table["rows"]
    ]
    return "\n\n".join(
        [
            "# Speed",
            "Ratios are from one run on one machine that did nothing else, and stand for any "
            "other; seconds do not. Each pair was timed in turn, after a warm-up. Aims that are "
            f"missed are told, too. `{table['command']}` measures it again; here with "
            f"{table['cores']} processor cores, {versions}.",
            growth([row for row in table["rows"] if row["what"].startswith(GROWTH)]).as_html(),
            site_pages.table(["measured", "what", "aim", ""], rows),
        ]
    )


@styled
def growth(rows: Sequence[Mapping[str, Any]]) -> Picture:
    """Draw how the seconds of an experiment grow, each cause in axes of its own.

    Args:
        rows: of the table, with points.
    """
    lines = -(-len(rows) // COLUMNS)
    figure = new_figure(11, 3.2 * lines)
    for place, row in enumerate(rows, start=1):
        axes = figure.add_subplot(lines, COLUMNS, place)
        asked, seconds = zip(*row["points"], strict=True)
        axes.plot(asked, seconds, "o-", color=COLOURS["source"])
        for which in "xy":
            make_logarithmic(axes, which)
        axes.set(ylim=(min(seconds) / 3, max(seconds) * 3), ylabel="seconds")
        axes.set(xlabel=_short(row["what"]), title=row["measured"].partition(" (")[0])
    figure.tight_layout()
    told = "; ".join(f"{_short(row['what'])}: {row['measured']}" for row in rows)
    return Picture(figure, f"Seconds of an experiment, both axes logarithmic. {told}.")


def _short(what: str) -> str:
    """Return the cause in a few words: what stands before the first comma or colon."""
    return what.removeprefix(GROWTH).partition(",")[0].partition(":")[0]


def write(root: Path) -> None:
    """Write the page into docs/made.

    Args:
        root: of the checkout.
    """
    table = json.loads((root / "data" / "results" / "bench.json").read_text(encoding="utf-8"))
    (root / "docs" / "made" / "speed.md").write_text(page(table), encoding="utf-8")
