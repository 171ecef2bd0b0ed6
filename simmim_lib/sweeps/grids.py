"""Grids of settings, written in YAML: what a sweep shall run.

A file names fields of `Settings` and, below `grid`, several values of some of them; every
combination is an experiment. Below `settings` stand values that all experiments share:

    settings:
      targets: [mnist]
      seeds: 5
    grid:
      source: [glyphs, none]
      labels_per_class: [1, 2, 5, 10]

Where not every combination is wanted, `experiments` lists them one by one:

    experiments:
      - {source: glyphs, frozen_layers: 2}
      - {source: none, steps: 300}

A text means what it means on the command line, so that `none` is no source; what is a text, and
what a number, `yaml_files` says.
"""

import itertools
import math
import os
from collections.abc import Iterator, Mapping
from typing import Any

from simmim_lib import datasets
from simmim_lib.errors import WorkbookError, check_choice, shown
from simmim_lib.foundation.paths import from_person
from simmim_lib.settings import Settings, check_field
from simmim_lib.sweeps import yaml_files

MAX_EXPERIMENTS = 100_000


def read(path: str | os.PathLike[str]) -> list[Settings]:
    """Return the experiments that a YAML file asks for, all of them checked.

    Raises:
        WorkbookError: a file that cannot be read, is no YAML or asks for nothing; an unknown
            field, with the nearest one; a value that is not allowed.
    """
    content = yaml_files.read(from_person(path))
    if not isinstance(content, dict):
        raise WorkbookError(
            f"{path} holds {_kind(content)}, but must hold a mapping whose entry `grid` gives "
            "fields and the values to try, or whose entry `experiments` lists settings."
        )
    for name in content:
        check_choice(f"entry of {path}", name, ("settings", "grid", "experiments"))
    if ("grid" in content) == ("experiments" in content):
        raise WorkbookError(
            f"{path} must have either a `grid` of values or a list of `experiments`: give one."
        )
    shared = _mapping(path, "settings", content.get("settings", {}))
    if "grid" in content:
        asked = _combinations(path, _mapping(path, "grid", content["grid"]))
    else:
        asked = _listed(path, content["experiments"])
    return [_build(where, {**shared, **values}) for where, values in asked]


def _mapping(path: object, name: str, given: object) -> dict[str, Any]:
    if not isinstance(given, dict) or (name == "grid" and not given):
        raise WorkbookError(
            f"{path}: `{name}` is {_kind(given)}, but must be a mapping of fields, such as "
            f"{'labels_per_class: [2, 5]' if name == 'grid' else 'labels_per_class: 5'}."
        )
    return given


def _combinations(path: object, grid: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield where each combination of the grid's values comes from, and the combination."""
    for name, values in grid.items():
        check_field(f"setting in {path}:", name)
        if not isinstance(values, list) or not values:
            raise WorkbookError(
                f"{path}: `grid` gives {name} {_kind(values)}, but a list of at least one value is "
                f"needed, such as [{_shown(values)}]; a value for all belongs below `settings`."
            )
    number = math.prod(len(values) for values in grid.values())
    if number > MAX_EXPERIMENTS:
        raise WorkbookError(
            f"{path} asks for {number:,} experiments, but a sweep has at most "
            f"{MAX_EXPERIMENTS:,}: try fewer values, or several sweeps."
        )
    for values in itertools.product(*grid.values()):
        yield str(path), dict(zip(grid, values, strict=True))


def _listed(path: object, listed: object) -> Iterator[tuple[str, dict[str, Any]]]:
    if not isinstance(listed, list) or not listed:
        raise WorkbookError(
            f"{path}: `experiments` is {_kind(listed)}, but must list at least one experiment, "
            "such as [{labels_per_class: 5}]."
        )
    for number, values in enumerate(listed, start=1):
        yield f"{path}, experiment {number}", _mapping(path, f"experiments, {number}", values)


def _build(where: str, values: Mapping[str, Any]) -> Settings:
    """Return settings, with the place in front of what is wrong with them."""
    for name in values:
        check_field(f"setting in {where}:", name)
    try:
        built = Settings.from_texts(values)
        if built.strategy == "multi-worker":
            raise WorkbookError(
                "strategy is 'multi-worker', but the workers of a sweep each do experiments of "
                "their own: leave it out, or use `simmim run`."
            )
        for name in built.datasets:
            datasets.check_name("dataset", name)
    except WorkbookError as error:
        raise WorkbookError(f"{where}: {error}") from error
    return built


def _kind(given: object) -> str:
    """Describe what was found where something else should be."""
    if given is None:
        return "nothing"
    if isinstance(given, dict | list):
        kind = "mapping" if isinstance(given, dict) else "list"
        return f"a {kind}" if given else f"an empty {kind}"
    return shown(given)


def _shown(values: object) -> str:
    return "5" if values is None or isinstance(values, dict | list) else shown(values)
