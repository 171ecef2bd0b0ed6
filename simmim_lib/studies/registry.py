"""The registry of studies: the experiments that answer each question of a lesson."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from simmim_lib.foundation import lesson_parts
from simmim_lib.foundation.progress import Progress
from simmim_lib.settings import SEEDS, Settings
from simmim_lib.studies.measures import Measures, accuracies

BUDGET = "full"
"""In which every study is computed."""


class Experiment(Protocol):
    """What an experiment is described by: `Settings`, or a description that a lesson defines."""

    @property
    def seeds(self) -> int:
        """How often it is repeated."""

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain values that JSON can hold."""


Plan = TypeVar("Plan", bound=Callable[[], Sequence[Experiment]])


@dataclass(frozen=True)
class Study:
    """What a lesson wants to know.

    Attributes:
        about: the question.
        plan: lists the experiments.
        run: does one of them, telling the steps done, and measures it.
        read: makes an experiment's description of what `as_dict` made of it.
    """

    about: str
    plan: Callable[[], Sequence[Experiment]]
    run: Callable[[Any, Progress], Measures]
    read: Callable[[Mapping[str, Any]], Experiment]


STUDIES: dict[str, Study] = {}
"""The studies of all modules imported so far; `studies` has all."""


def studies() -> dict[str, Study]:
    """Return all studies by name, those of all lessons and that of the gallery."""
    importlib.import_module("simmim_lib.studies.gallery")
    for lesson in lesson_parts.lessons():
        lesson_parts.load(lesson.folder, "studies")
    return STUDIES


def study(
    about: str,
    run: Callable[[Any, Progress], Measures] = accuracies,
    read: Callable[[Mapping[str, Any]], Experiment] = Settings.from_mapping,
) -> Callable[[Plan], Plan]:
    """Register the function that lists a study's experiments; its name, with hyphens, is theirs.

    Args:
        about: the question that the study answers.
        run: see `Study`.
        read: see `Study`.
    """

    def register(plan: Plan) -> Plan:
        STUDIES[plan.__name__.replace("_", "-")] = Study(about, plan, run, read)
        return plan

    return register


def full_settings(source: str | None, target: str, frozen_layers: int = 0, **more: Any) -> Settings:
    """Return settings of one target in the full budget, with nothing frozen by default."""
    return Settings(
        source=source,
        targets=(target,),
        frozen_layers=frozen_layers,
        seeds=SEEDS[BUDGET],
        budget=BUDGET,
        **more,
    )
