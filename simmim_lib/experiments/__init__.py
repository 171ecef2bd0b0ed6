"""One experiment: settings in, accuracies out; and what it must be compared with."""

from simmim_lib.experiments.evaluation import validate
from simmim_lib.experiments.experiment import (
    Course,
    follow,
    initialise,
    maximise_information,
    run,
    transfer,
)
from simmim_lib.experiments.result import Result
from simmim_lib.experiments.tasks import Target, choose_tasks

__all__ = [
    "Course",
    "Result",
    "Target",
    "choose_tasks",
    "follow",
    "initialise",
    "maximise_information",
    "run",
    "transfer",
    "validate",
]
