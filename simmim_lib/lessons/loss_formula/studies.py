"""Studies of lesson 02: the readings of the loss on real networks."""

import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib.errors import check_choice
from simmim_lib.experiments.environment import versions
from simmim_lib.foundation import atomic, directories
from simmim_lib.foundation.progress import progress_bar
from simmim_lib.lessons.loss_formula.training_by_loss import (
    LEARNING_RATES,
    STARTS,
    Fit,
    Plan,
    accuracy_on_test,
    fit,
)

if TYPE_CHECKING:
    pass

STUDIES: dict[str, list[Plan]] = {
    "four-readings": [
        Plan(start=start, optimizer=optimizer, seeds=10)
        for start in STARTS
        for optimizer in LEARNING_RATES
    ],
    "noisy-labels": [
        Plan(losses=("cross-entropy", "expected-accuracy"), flipped=share, steps=600, seeds=10)
        for share in (0.0, 0.2, 0.4, 0.6)
    ],
}
"""What the lesson quotes; computed anew by one command."""


def study(name: str) -> dict[Plan, dict[str, np.ndarray]]:
    """Return the stored outcome of a study, computed over ten seeds.

    Args:
        name: one of `STUDIES`.

    Returns:
        For each plan its measures, each (losses, seeds): "start" and "end", the accuracy on the
        validation images; "above", the share of them with p of the true class above 1/e at the
        start; "mean" and "median", that p at the end; "gone", the share with p below 0.01 there;
        "test", the accuracy on the test images at the end; "stopped", the same where the
        validation accuracy was best.
    """
    check_choice("study", name, STUDIES)
    stored = json.loads(_path(name).read_text(encoding="utf-8"))
    return {
        Plan(**{**record["plan"], "losses": tuple(record["plan"]["losses"])}): {
            key: np.array(values) for key, values in record["measures"].items()
        }
        for record in stored["records"]
    }


def measure(fitted: Fit) -> dict[str, np.ndarray]:
    """Return what a study stores of a fit, see `study`."""
    first, last = fitted.probability[:, :, 0], fitted.probability[:, :, -1]
    return {
        "start": fitted.accuracy[..., 0],
        "end": fitted.accuracy[..., -1],
        "above": np.mean(first > np.exp(-1), axis=-1),
        "mean": last.mean(axis=-1),
        "median": np.median(last, axis=-1),
        "gone": np.mean(last < 0.01, axis=-1),
        "test": accuracy_on_test(fitted),
        "stopped": accuracy_on_test(fitted, stopped=True),
    }


def compute(name: str) -> None:
    """Run a study and store its outcome beside the data.

    Raises:
        WorkbookError: there is no such study.
    """
    check_choice("study", name, STUDIES)
    records = []
    for plan in STUDIES[name]:
        with progress_bar(plan.as_code()) as progress:
            measures = measure(fit(plan, progress))
        rounded = {key: np.round(values, 5).tolist() for key, values in measures.items()}
        records.append({"plan": dataclasses.asdict(plan), "measures": rounded})
    outcome: dict[str, Any] = {
        "command": f"python -m simmim_lib.lessons.loss_formula.studies {name}",
        "versions": versions(),
        "records": records,
    }
    atomic.write_text(_path(name), json.dumps(outcome) + "\n")


def _path(name: str) -> Path:
    return directories.data_directory() / "results" / f"{name}.json"


if __name__ == "__main__":
    for each in sys.argv[1:] or STUDIES:
        compute(each)
