"""Comparisons: one page about everything that a sweep has found."""

import dataclasses
import numbers
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from simmim_lib import weighting
from simmim_lib.errors import WorkbookError, check_choice
from simmim_lib.experiments.measures import ERRORS
from simmim_lib.foundation import atomic, outputs
from simmim_lib.foundation.intervals import mean_and_interval
from simmim_lib.foundation.paths import from_person
from simmim_lib.pictures.style import Picture
from simmim_lib.reports import comparison_figures, pages
from simmim_lib.reports.comparison_figures import Axis
from simmim_lib.settings import Settings
from simmim_lib.sweeps.rows import FILE_NAME, Row, read

FIELDS = tuple(field.name for field in dataclasses.fields(Settings) if field.name != "budget")

PAGE = "comparison.html"

MAX_LINES = 5
"""Lines of a figure of curves; more would hide each other, and a map is drawn."""

MIN_PLACES = 3
"""Places on an axis of numbers, for curves to say more than a map."""

READING = (
    "Each number is the mean over an experiment's seeds, on test images; ± is half the width of "
    "Student's 95 % interval, which a single seed does not have. The best of many experiments owes "
    "part of its place to chance: run it again with more seeds before you believe it."
)


def write(
    folder: str | os.PathLike[str],
    path: str | os.PathLike[str] | None = None,
    fields: Sequence[str] | None = None,
) -> Path:
    """Write a page about a sweep.

    Args:
        folder: what `simmim sweep` has written.
        path: of the HTML file; by default `comparison.html` in the folder.
        fields: one field of the settings or two, to draw the scores over; by default those that
            take most values.

    Returns:
        The path of the page.

    Raises:
        WorkbookError: results that cannot be read, a field that is unknown or that never varies,
            a page in place of the results, or one that cannot be written: then it is in a temporary
            place, which the sentence names.
    """
    folder = from_person(folder)
    if path is None:
        place = folder / PAGE
    else:
        outputs.check_apart(place := from_person(path), [folder / FILE_NAME])
    # Of an experiment that is there twice, the later row counts.
    rows = list({row.settings: row for row in read(folder)}.values())
    if not rows:
        raise WorkbookError(f"{folder} holds no experiment yet: let `simmim sweep` finish one.")
    varied = varying(rows)
    if fields is not None:
        _check_fields(fields, varied)
    # That of `compare .` is the name of where we are; only that of / is empty.
    title = f"A sweep: {folder.resolve().name or folder}"
    page = pages.page(title, _parts(rows, varied, fields))
    # The folder may come from somebody else, with a link of the usual name in it.
    opening = atomic.replacing if path is None else atomic.writing
    outputs.write_or_spare(place, lambda where: atomic.write_text(where, page, opening))
    return place


def varying(rows: Sequence[Row]) -> dict[str, list[Any]]:
    """Return the fields that differ between experiments, with their values in order."""
    # From scratch, no layer is copied or frozen: that these fields are 0 there says nothing new.
    transferred = [*_transferred(rows)] or rows
    looked_at = {"copied_layers": transferred, "frozen_layers": transferred}
    values = {name: _in_order(name, looked_at.get(name, rows)) for name in FIELDS}
    return {name: different for name, different in values.items() if len(different) > 1}


def _transferred(rows: Iterable[Row]) -> Iterator[Row]:
    return (row for row in rows if row.settings.source is not None)


def _are_numbers(values: Iterable[Any]) -> bool:
    return all(isinstance(value, numbers.Real) and not isinstance(value, bool) for value in values)


def _check_fields(fields: Sequence[str], varied: dict[str, list[Any]]) -> None:
    for name in fields:
        check_choice("setting", name, FIELDS)
    constant = [name for name in fields if name not in varied]
    if constant:
        problem = f"{constant[0]} is the same everywhere"
    elif len(fields) not in (1, 2) or len(set(fields)) < len(fields):
        problem = f"{', '.join(fields) or 'none'} were given"
    else:
        return
    raise WorkbookError(
        f"Scores are drawn over one or two fields that vary, but {problem}: choose from "
        f"{', '.join(varied) or 'none, as there is one experiment only'}."
    )


# --- The page


def _parts(
    rows: list[Row], varied: dict[str, list[Any]], fields: Sequence[str] | None
) -> list[str]:
    done = [row for row in rows if row.error is None]
    failed = [row for row in rows if row.error is not None]
    parts = [
        pages.paragraph(_summary(rows, failed, varied)),
        # What has no source has no layers of it either, which says nothing of the others.
        pages.paragraph(_shared(next(_transferred(rows), rows[0]), varied)),
    ]
    parts.append(pages.paragraph(READING))
    for target in dict.fromkeys(target for row in done for target in row.scores):
        of_target = [row for row in done if target in row.scores]
        parts += [pages.heading(target), *_about(target, of_target, varied, fields)]
    if failed:
        parts.append(pages.heading("Failed"))
        texts = [[*_values(row, varied), row.error or ""] for row in failed]
        parts.append(pages.table([*varied, "what went wrong"], texts))
    return [*parts, pages.heading("Made with"), *_versions(rows)]


def _summary(rows: list[Row], failed: list[Row], varied: dict[str, list[Any]]) -> str:
    count = f"{len(rows)} experiments" + (f", of which {len(failed)} failed." if failed else ".")
    values = "; ".join(f"{name}: {', '.join(map(text, of))}" for name, of in varied.items())
    return f"{count} What varies is {values}." if varied else count


def _shared(row: Row, varied: dict[str, list[Any]]) -> str:
    default = {name: getattr(Settings(), name) for name in FIELDS}
    given = {name: getattr(row.settings, name) for name in FIELDS if name not in varied}
    same = [f"{name} is {text(value)}" for name, value in given.items() if value != default[name]]
    return f"The same in all: {', '.join(same) or 'every other setting'}; the rest are defaults."


def _about(
    target: str, rows: list[Row], varied: dict[str, list[Any]], fields: Sequence[str] | None
) -> list[str]:
    """Return what there is to say about one target: figures and a table, the best row first."""
    drawn = fields or choose_fields(varying(rows))
    parts = [pages.figure(draw(target, rows, drawn))] if drawn else []
    front = pareto(target, rows)
    if len(rows) > 1:
        picture = comparison_figures.scores_against_cost(
            [row.seconds for row in rows],
            [row.main_scores(target) for row in rows],
            rows[0].measure(target),
            front,
            [_name(row, varied) for row in rows],
            f"{target}: {rows[0].measure(target)} and what it cost",
        )
        parts.append(pages.figure(picture))
    best_first = sorted(zip(rows, front, strict=True), key=lambda pair: -_worth(pair[0], target))
    measures = list(dict.fromkeys(name for row in rows for name in row.scores[target]))
    lines = [
        [
            *_values(row, varied),
            *(_written(row.scores[target].get(name)) for name in measures),
            f"{row.seconds:.1f}",
            "yes" if unbeaten else "",
        ]
        for row, unbeaten in best_first
    ]
    head = [*varied, *(f"test {name}" for name in measures), "seconds", "Pareto front"]
    caption = f"{target}, the best {rows[0].measure(target)} first"
    return [*parts, pages.table(head, lines, caption)]


def _written(scores: np.ndarray | None) -> str:
    """Return mean and interval in one piece; nothing of what could not be measured."""
    return "" if scores is None else mean_and_interval(scores).replace(" ", "\N{NO-BREAK SPACE}")


def _worth(row: Row, target: str) -> float:
    """Return how good an experiment is for a target: more is better, also where errors count."""
    mean = float(row.main_scores(target).mean())
    return -mean if row.measure(target) in ERRORS else mean


def pareto(target: str, rows: list[Row]) -> np.ndarray:
    """Tell which experiments none other beats in score and seconds both, shape (n,)."""
    points = [(_worth(row, target), -row.seconds) for row in rows]
    return weighting.pareto_front(np.array(points))


def _values(row: Row, varied: Iterable[str]) -> list[str]:
    return [text(getattr(row.settings, name)) for name in varied]


def _name(row: Row, varied: Iterable[str]) -> str:
    return ", ".join(_values(row, varied))


def _versions(rows: list[Row]) -> list[str]:
    versions = list(dict.fromkeys(tuple(sorted(row.versions.items())) for row in rows))
    sentences = [
        ", ".join(f"{name} {version}" for name, version in of_run) + "." for of_run in versions
    ]
    if len(versions) > 1:
        sentences.append("These versions differ, and may explain a small part of the differences.")
    return [pages.paragraph(sentence) for sentence in sentences]


def text(value: Any) -> str:
    """Return a setting's value as a reader would write it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return " + ".join(map(text, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


# --- Scores over fields


def choose_fields(varied: dict[str, list[Any]]) -> list[str]:
    """Return the one or two fields that take most values, a field of numbers first."""
    widest = sorted(varied, key=lambda name: -len(varied[name]))[:2]
    return sorted(widest, key=lambda name: not _are_numbers(varied[name]))


def draw(target: str, rows: list[Row], fields: Sequence[str]) -> Picture:
    """Draw a target's score over one field or two: as curves where they are readable.

    Where further fields vary, each point is the mean over them, seed by seed.
    """
    values = [_in_order(name, rows) for name in fields]
    by_place = _group(rows, fields, values)
    title = f"{target}{_pooling(rows, list(by_place.values()))}"
    measure = rows[0].measure(target)
    cells = {place: _mean(target, group) for place, group in by_place.items()}
    axes = [_axis(name, of_field) for name, of_field in zip(fields, values, strict=True)]
    if len(axes) == 1:
        return comparison_figures.curves(axes[0], None, cells, measure, title)
    across, other = axes
    many_places = across.places is not None and len(across.places) >= MIN_PLACES
    if many_places and len(other.values) <= MAX_LINES:
        return comparison_figures.curves(across, other, cells, measure, title)
    return comparison_figures.heat_map(across, other, cells, measure, title)


def _in_order(name: str, rows: Iterable[Row]) -> list[Any]:
    """Return the values of a field, numbers by size, others as they come."""
    values = list(dict.fromkeys(getattr(row.settings, name) for row in rows))
    return sorted(values) if _are_numbers(values) else values


def _axis(name: str, values: list[Any]) -> Axis:
    drawable = _are_numbers(values) and all(_fits_on_an_axis(value) for value in values)
    places = tuple(map(float, values)) if drawable else None
    return Axis(name, tuple(map(text, values)), places)


def _fits_on_an_axis(value: float) -> bool:
    """Tell whether a number leaves room for the margins of its axis within what floats can hold."""
    return value == 0 or 1e-100 < abs(value) < 1e100


def _group(
    rows: list[Row], fields: Sequence[str], values: list[list[Any]]
) -> dict[tuple[int, int], list[Row]]:
    """Return the experiments at each place on the axes; a second axis that is missing counts 0."""
    groups: dict[tuple[int, int], list[Row]] = {}
    for row in rows:
        places = [
            of_field.index(getattr(row.settings, name))
            for name, of_field in zip(fields, values, strict=True)
        ]
        first = places[0]
        second = places[1] if len(places) > 1 else 0
        groups.setdefault((first, second), []).append(row)
    return groups


def _pooling(rows: list[Row], groups: list[list[Row]]) -> str:
    """Say what else differs between the experiments at one place, and how many they are."""
    others = [
        name
        for name in varying(rows)
        if any(len({getattr(row.settings, name) for row in group}) > 1 for group in groups)
    ]
    if not others:
        return ""
    counts = sorted({len(group) for group in groups})
    number = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else f"{counts[0]}"
    return f": means over {', '.join(others)}, {number} experiments each"


def _mean(target: str, rows: list[Row]) -> np.ndarray:
    """Return the mean over experiments of each seed that all of them have."""
    scores = [row.main_scores(target) for row in rows]
    seeds = min(map(len, scores))
    return np.mean([each[:seeds] for each in scores], axis=0)
