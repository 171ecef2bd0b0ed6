"""The made pages of the site: all stored results as tables, and the library's reference."""

import json
import pkgutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import simmim_lib
from simmim_lib.foundation.intervals import mean_and_interval

MAX_WORDS = 40
"""Characters of one value of a setting."""

HIDDEN = ("commands", "foundation", "lessons", "teaching", "sweeps", "reports", "panels")
"""Packages that a reader of the reference does not call."""


def write(root: Path) -> None:
    """Write the pages into docs/made, which is not committed.

    Args:
        root: of the checkout.
    """
    made = root / "docs" / "made"
    made.mkdir(exist_ok=True)
    (made / "results.md").write_text(_results(root / "data" / "results"), encoding="utf-8")
    (made / "library.md").write_text(_library(), encoding="utf-8")


def _results(folder: Path) -> str:
    parts = [
        "# Results",
        "Every number that a lesson quotes, with the command that computes it again. Means over "
        "seeds, ± half the width of Student's 95 % interval.",
    ]
    for path in sorted(folder.glob("*.json")):
        study = json.loads(path.read_text(encoding="utf-8"))
        if "records" in study:
            parts += _study(study)
    return "\n\n".join(parts) + "\n"


def _study(study: Mapping[str, Any]) -> list[str]:
    records = study["records"]
    varied = _varied([record["settings"] for record in records])
    measures = list(dict.fromkeys(name for record in records for name in record["measures"]))
    rows = [
        [_text(record["settings"].get(name)) for name in varied]
        + [_measured(record["measures"].get(name)) for name in measures]
        for record in records
    ]
    versions = ", ".join(f"{name} {version}" for name, version in study["versions"].items())
    return [
        f"## {study['name']}",
        study["about"],
        f"`{study['command']}`, budget {study['budget']}, {versions}",
        table([*varied, *measures], rows),
    ]


def _varied(settings: list[Mapping[str, Any]]) -> list[str]:
    names = dict.fromkeys(name for each in settings for name in each)
    return [name for name in names if len({str(each.get(name)) for each in settings}) > 1]


def _measured(values: Any) -> str:
    """Return mean and interval of a measure, (seeds,); of several measures, the range."""
    if values is None:
        return ""
    numbers = np.array(values, np.float64)
    if numbers.ndim == 1:
        return mean_and_interval(numbers)
    means = numbers.mean(axis=-1)
    return f"{means.min():.3f} to {means.max():.3f}"


def _text(value: Any) -> str:
    text = " + ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= MAX_WORDS else f"{text[: MAX_WORDS - 1]}…"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table as Markdown; a bar in a cell becomes a slash."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


def _library() -> str:
    """Return a page with the docstrings of all that a practitioner may call."""
    names = [
        module.name
        for module in pkgutil.iter_modules(simmim_lib.__path__)
        if module.name not in HIDDEN and not module.name.startswith("_")
    ]
    parts = ["# The library", "What is documented here may be called; what is not, may change."]
    for name in ["", *names]:
        path = f"simmim_lib.{name}".rstrip(".")
        parts += [f"## {path}", f"```{{eval-rst}}\n.. automodule:: {path}\n   :members:\n```"]
    return "\n\n".join(parts) + "\n"
