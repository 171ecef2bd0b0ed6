"""Stored studies: the numbers that lessons quote, computed by one command."""

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simmim_lib.errors import WorkbookError, check_choice, shown
from simmim_lib.experiments.environment import versions
from simmim_lib.foundation import atomic, directories, outputs
from simmim_lib.foundation.progress import Progress
from simmim_lib.studies import registry
from simmim_lib.studies.measures import Measures, measure_name
from simmim_lib.studies.registry import Study

DECIMALS = 6  # of every stored number


@dataclass(frozen=True, eq=False)
class Record:
    """One experiment of a study, and what was measured.

    Attributes:
        settings: `Settings`, or another description of an experiment that the study's lesson
            defines.
        measures: by name, shape (..., seeds).
    """

    settings: Any
    measures: Measures

    def values(self, measure: str = "accuracy", target: str | None = None) -> np.ndarray:
        """Return a measure, shape (..., seeds).

        Args:
            measure: "accuracy" on the test images, "validation", or what the study adds.
            target: which of the experiment's targets, if it has several.

        Raises:
            WorkbookError: nothing of this name was measured.
        """
        name = measure if target is None else measure_name(measure, target, self.settings)
        check_choice("measure", name, self.measures)
        return self.measures[name]


@dataclass(frozen=True, eq=False)
class StoredStudy:
    """The stored outcome of a study.

    Attributes:
        name: of the study.
        about: the question that it answers.
        command: the command that computes it again.
        budget: of all its experiments.
        versions: of the packages that it was computed with.
        records: its experiments, in the order of the study's plan.
    """

    name: str
    about: str
    command: str
    budget: str
    versions: dict[str, str]
    records: list[Record]

    def values(
        self, measure: str = "accuracy", target: str | None = None, **fields: Any
    ) -> np.ndarray:
        """Return what was measured in the one experiment with these settings.

        Args:
            measure: see `Record.values`.
            target: see `Record.values`.
            fields: as many of the settings as tell it from the study's other experiments.

        Returns:
            The measure, shape (..., seeds).

        Raises:
            WorkbookError: no experiment, or more than one, has these settings.
        """
        for settings in {type(each.settings): each.settings for each in self.records}.values():
            for name in fields:
                check_choice("setting", name, settings.as_dict())
        matching = [record for record in self.records if _has(record, fields)]
        if len(matching) != 1:
            raise WorkbookError(
                f"{len(matching)} of the {len(self.records)} experiments of {shown(self.name)} "
                f"have the settings {fields}: name settings that exactly one of them has."
            )
        return matching[0].values(measure, target)


def _has(record: Record, fields: dict[str, Any]) -> bool:
    return all(getattr(record.settings, name) == value for name, value in fields.items())


def path(name: str) -> Path:
    """Return the file of a study's outcome."""
    return directories.data_directory() / "results" / f"{name}.json"


def command(name: str) -> str:
    """Return the command that computes a study again."""
    return f"simmim study {name}"


def compute(name: str, progress: Progress | None = None) -> StoredStudy:
    """Run a study's experiments and store their outcome, atomically.

    Args:
        name: of the study.
        progress: called with experiments done and experiments in all.

    Raises:
        WorkbookError: there is no such study, or the file cannot be written; the outcome is in a
            temporary place then, which the sentence names.
    """
    check_choice("study", name, registry.studies())
    study = registry.studies()[name]
    _make_folder(path(name).parent)  # before an hour of training, not after
    outcome = StoredStudy(
        name,
        study.about,
        command(name),
        registry.BUDGET,
        versions(),
        _records(study, progress or _ignore),
    )
    text = _as_text(outcome)
    outputs.write_or_spare(path(name), lambda place: atomic.write_text(place, text))
    return outcome


def _records(study: Study, progress: Progress) -> list[Record]:
    experiments = study.plan()
    records: list[Record] = []
    for experiment in experiments:
        progress(len(records), len(experiments))
        records.append(Record(experiment, study.run(experiment, _ignore)))
    progress(len(records), len(experiments))
    return records


def _ignore(done: int, total: int) -> None:
    """Show no progress."""


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise WorkbookError(
            f"Cannot make the folder {folder} ({error.strerror}): use a checkout that you may "
            "write to."
        ) from error


def _as_text(outcome: StoredStudy) -> str:
    """Lay out the file: a line for each experiment, so that a change is seen where it is."""
    head = {name: value for name, value in vars(outcome).items() if name != "records"}
    lines = ",\n".join(json.dumps(_as_plain(record)) for record in outcome.records)
    return json.dumps(head, indent=1)[:-2] + f',\n "records": [\n{lines}\n]}}\n'


def _as_plain(record: Record) -> dict[str, Any]:
    measures = {
        name: np.asarray(values, float).round(DECIMALS).tolist()
        for name, values in record.measures.items()
    }
    return {"settings": record.settings.as_dict(), "measures": measures}


def load(name: str) -> StoredStudy:
    """Return a study's stored outcome, read once until its file changes.

    Raises:
        WorkbookError: there is no such study, or it was not computed yet, or its file is damaged
            or of another layout.
    """
    check_choice("study", name, registry.studies())
    try:
        status = path(name).stat()
        state = (status.st_mtime_ns, status.st_size)
        return _read(name, registry.studies()[name], path(name), state)
    except FileNotFoundError as error:
        raise _refusal(name, "are missing", path(name)) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _refusal(name, "are damaged", f"{path(name)}: {_reason(error)}") from error


def verify() -> tuple[str, ...]:
    """Read every study's stored outcome.

    Returns:
        The names of the files.

    Raises:
        WorkbookError: as `load`.
    """
    return tuple(f"results/{path(load(name).name).name}" for name in registry.studies())


@functools.lru_cache(maxsize=64)
def _read(name: str, study: Study, place: Path, state: tuple[int, int]) -> StoredStudy:
    """Read a study's file, once for each state that it is in; its arrays are shared."""
    stored = json.loads(place.read_text(encoding="utf-8"))
    head = {key: stored[key] for key in ("name", "about", "command", "budget", "versions")}
    if head["name"] != name:
        raise ValueError(f"it is the study {shown(head['name'])}")
    return StoredStudy(**head, records=[_read_record(study, plain) for plain in stored["records"]])


def _read_record(study: Study, plain: dict[str, Any]) -> Record:
    settings = study.read(plain["settings"])
    measures = {name: np.array(values, float) for name, values in plain["measures"].items()}
    for name, values in measures.items():
        if values.shape[-1:] != (settings.seeds,):
            raise ValueError(
                f"{shown(name)} does not have one number for each of {settings.seeds} seeds"
            )
        if not np.isfinite(values).all():
            raise ValueError(f"{shown(name)} holds what is no finite number")
        values.setflags(write=False)
    return Record(settings, measures)


def _reason(error: Exception) -> str:
    """Return what is wrong with a file, in words that fit into a sentence."""
    if isinstance(error, KeyError):
        return f"it lacks {error}"
    return str(error).partition(". ")[0].rstrip(".")


def _refusal(name: str, state: str, where: object) -> WorkbookError:
    return WorkbookError(
        f"The stored results of the study {shown(name)} {state} ({where}): run `{command(name)}` "
        "in a checkout to compute them again."
    )
