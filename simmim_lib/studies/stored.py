"""Stored studies: the numbers that lessons quote, computed by one command."""

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from simmim_lib import experiments
from simmim_lib.errors import WorkbookError, check_choice
from simmim_lib.experiments.environment import versions
from simmim_lib.foundation import atomic, directories
from simmim_lib.settings import Settings
from simmim_lib.studies import registry
from simmim_lib.studies.registry import Measures, measure_name


@dataclass(frozen=True, eq=False)
class Record:
    """One experiment of a study, and what it measured for each seed."""

    settings: Settings
    measures: Measures


@dataclass(frozen=True, eq=False)
class StoredStudy:
    """The stored outcome of a study."""

    name: str
    about: str
    command: str
    budget: str
    versions: dict[str, str]
    records: list[Record]

    def values(
        self, measure: str = "accuracy", target: str | None = None, **fields: Any
    ) -> np.ndarray:
        """Return what the one experiment with these settings measured.

        Args:
            measure: "accuracy" on the test images, "validation", or what the study adds.
            target: which of the experiment's targets, if it has several.
            fields: as many fields of `Settings` as tell it from the study's other experiments.

        Returns:
            One number for each seed, shape (seeds,).

        Raises:
            WorkbookError: no experiment, or more than one, has these settings.
        """
        found = [
            record
            for record in self.records
            if all(getattr(record.settings, name) == value for name, value in fields.items())
        ]
        if len(found) != 1:
            raise WorkbookError(
                f"{len(found)} of the {len(self.records)} experiments of {self.name!r} have the "
                f"settings {fields}: name settings that exactly one of them has."
            )
        name = measure_name(measure, target, found[0].settings)
        check_choice("measure", name, found[0].measures)
        return found[0].measures[name]


def compute(name: str) -> StoredStudy:
    """Do a study's experiments and store what came of them, whole or not at all.

    Raises:
        WorkbookError: there is no such study, or the file cannot be written.
    """
    check_choice("study", name, registry.studies())
    asked = registry.studies()[name]
    records = []
    for settings in asked.plan():
        result = experiments.run(settings, baseline=False)
        found = {"accuracy": result.accuracy, "validation": result.validation}
        measures = {
            measure_name(measure, target, settings): values
            for measure, by_target in found.items()
            for target, values in by_target.items()
        }
        more = asked.measure(result) if asked.measure else {}
        records.append(Record(settings, measures | more))
    outcome = StoredStudy(
        name,
        asked.about,
        f"python -m simmim_lib.studies.stored {name}",
        records[0].settings.budget,
        versions(),
        records,
    )
    _store(outcome)
    return outcome


def load(name: str) -> StoredStudy:
    """Return a study's stored outcome.

    Raises:
        WorkbookError: there is no such study, or it was not computed yet, or its file is damaged.
    """
    check_choice("study", name, registry.studies())
    path = directories.data_directory() / "results" / f"{name}.json"
    again = f"run `python -m simmim_lib.studies.stored {name}` in a checkout to compute it."
    if not path.exists():
        raise WorkbookError(f"The reference result {name!r} is not there ({path}): {again}")
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        records = [
            Record(
                Settings.from_mapping(record["settings"]),
                {measure: np.array(values) for measure, values in record["measures"].items()},
            )
            for record in stored.pop("records")
        ]
        return StoredStudy(records=records, **stored)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        problem = str(error).rstrip(".")
        raise WorkbookError(
            f"The reference result {path} is damaged ({problem}): {again}"
        ) from error


def _store(found: StoredStudy) -> None:
    records = [
        {
            "settings": record.settings.as_dict(),
            "measures": {
                name: [round(float(value), 6) for value in values]
                for name, values in record.measures.items()
            },
        }
        for record in found.records
    ]
    head = {name: value for name, value in vars(found).items() if name != "records"}
    # A line for each experiment: a change is then seen where it is.
    lines = ",\n".join(json.dumps(record) for record in records)
    text = json.dumps(head, indent=1)[:-2] + f',\n "records": [\n{lines}\n]}}\n'
    folder = directories.data_directory() / "results"
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise WorkbookError(
            f"Cannot make the folder {folder} ({error.strerror}): use a checkout that you may "
            "write to."
        ) from error
    atomic.write_text(folder / f"{found.name}.json", text)


def main(names: Iterable[str]) -> int:
    """Compute the named studies, or all of them; return the exit status."""
    try:
        for name in list(names) or registry.studies():
            print(f"Computing {name} ...", flush=True)
            compute(name)
    except WorkbookError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
