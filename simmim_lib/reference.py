"""Reference results: the numbers that lessons quote, computed by one command and stored.

`python -m simmim_lib.reference` computes them all, `python -m simmim_lib.reference few-labels` one.
`plans` says which experiments a study needs; what came of them is stored beside the data, with the
settings, the versions and the command, and `load` gives it back.
"""

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from simmim_lib import datasets, experiment, files, plans, weighting
from simmim_lib.errors import WorkbookError, check_choice
from simmim_lib.plans import Measures, measure_name
from simmim_lib.settings import Settings


@dataclass(frozen=True, eq=False)
class Record:
    """One experiment of a study, and what it measured for each seed."""

    settings: Settings
    measures: Measures


@dataclass(frozen=True, eq=False)
class Reference:
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


@dataclass(frozen=True)
class Difference:
    """How much better one thing is than another, over the same seeds.

    Attributes:
        mean: of the differences, in percentage points.
        half_width: of that mean's interval, in percentage points; its level is 95 % by default.
    """

    mean: float
    half_width: float

    @property
    def verdict(self) -> str:
        """The word "gain" or "loss" if the interval lies on one side of zero, else the doubt."""
        if abs(self.mean) <= self.half_width:
            return "no clear difference"
        return "gain" if self.mean > 0 else "loss"

    def __str__(self) -> str:
        return f"{self.mean:+.1f} ± {self.half_width:.1f} points: {self.verdict}"


def difference(values: np.ndarray, baseline: np.ndarray, level: float = 0.95) -> Difference:
    """Compare two sets of accuracies, seed by seed.

    A seed means the same labelled images and batches on both sides, so what makes a seed easy or
    hard for both cancels.

    Args:
        values: accuracies between 0 and 1, shape (seeds,).
        baseline: those to compare with, for the same seeds.
        level: of the interval. Of m comparisons at 1 - 0.05 / m, all intervals hold together in
            95 of 100 such studies (Bonferroni).
    """
    differences = 100 * (np.asarray(values) - np.asarray(baseline))
    mean, half_width = experiment.interval(differences, level)
    return Difference(mean, half_width)


@dataclass(frozen=True)
class Gain:
    """What one target gains by joining others, over a network of its own.

    Attributes:
        settings: of the joint network.
        target: whose accuracy is compared.
        difference: joint less separate, on the test images.
    """

    settings: Settings
    target: str
    difference: Difference


def gains(found: Reference) -> list[Gain]:
    """Compare every joint experiment of a study with the separate ones, target by target."""
    records = {record.settings: record.measures for record in found.records}
    rows = []
    for settings, measures in records.items():
        if len(settings.targets) == 1:
            continue
        for alone in settings.separately():
            (target,) = alone.targets
            together = measures[measure_name("accuracy", target, settings)]
            own = records[alone]["accuracy"]
            rows.append(Gain(settings, target, difference(together, own)))
    return rows


def best_trials(found: Reference, targets: Iterable[str]) -> dict[str, Record]:
    """Return for each weighting of a study its best trial on these targets.

    Args:
        found: a study that tried every weighting in several ways.
        targets: all that the experiment had.

    Returns:
        By weighting ("fixed" for one target alone), the record with the highest validation
        accuracy, mean over targets and seeds.
    """
    best: dict[str, Record] = {}
    for record in found.records:
        name = record.settings.weighting
        if record.settings.targets == tuple(targets) and (
            name not in best or _validation(record) > _validation(best[name])
        ):
            best[name] = record
    return best


def _validation(record: Record) -> float:
    return float(np.mean(_of_targets("validation", record)))


def _of_targets(measure: str, record: Record) -> np.ndarray:
    """Return a measure of all targets, shape (seeds, targets)."""
    names = [measure_name(measure, target, record.settings) for target in record.settings.targets]
    return np.stack([record.measures[name] for name in names], axis=-1)


def relative_gains(found: Reference, targets: Iterable[str]) -> dict[str, np.ndarray]:
    """Return delta-m of every weighting's best trial over each target's own best network.

    Args:
        found: a study with joint experiments and those of each target alone.
        targets: of the joint experiments.

    Returns:
        By weighting, test accuracy's mean relative gain in percent, shape (seeds,).

    Source: Maninis et al. 2019, "Attentive Single-Tasking of Multiple Tasks", section 4.
    """
    targets = tuple(targets)
    alone = [_of_targets("accuracy", best_trials(found, (each,))["fixed"]) for each in targets]
    return {
        name: weighting.relative_gain(
            _of_targets("accuracy", record), np.concatenate(alone, axis=-1)
        )
        for name, record in best_trials(found, targets).items()
    }


def compute(name: str) -> Reference:
    """Do a study's experiments and store what came of them, whole or not at all.

    Raises:
        WorkbookError: there is no such study, or the file cannot be written.
    """
    check_choice("study", name, plans.STUDIES)
    asked = plans.STUDIES[name]
    records = []
    for settings in asked.plan():
        result = experiment.run(settings, baseline=False)
        found = {"accuracy": result.accuracy, "validation": result.validation}
        measures = {
            measure_name(measure, target, settings): values
            for measure, by_target in found.items()
            for target, values in by_target.items()
        }
        more = asked.measure(result) if asked.measure else {}
        records.append(Record(settings, measures | more))
    outcome = Reference(
        name,
        asked.about,
        f"python -m simmim_lib.reference {name}",
        records[0].settings.budget,
        experiment.versions(),
        records,
    )
    _store(outcome)
    return outcome


def load(name: str) -> Reference:
    """Return a study's stored outcome.

    Raises:
        WorkbookError: there is no such study, or it was not computed yet, or its file is damaged.
    """
    check_choice("study", name, plans.STUDIES)
    path = datasets.data_directory() / "results" / f"{name}.json"
    again = f"run `python -m simmim_lib.reference {name}` in a checkout to compute it."
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
        return Reference(records=records, **stored)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        problem = str(error).rstrip(".")
        raise WorkbookError(
            f"The reference result {path} is damaged ({problem}): {again}"
        ) from error


def _store(found: Reference) -> None:
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
    folder = datasets.data_directory() / "results"
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise WorkbookError(
            f"Cannot make the folder {folder} ({error.strerror}): use a checkout that you may "
            "write to."
        ) from error
    files.write_text(folder / f"{found.name}.json", text)


def main(names: Iterable[str]) -> int:
    """Compute the named studies, or all of them; return the exit status."""
    try:
        for name in list(names) or plans.STUDIES:
            print(f"Computing {name} ...", flush=True)
            compute(name)
    except WorkbookError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
