"""What lesson 10 asks about: stored comparisons, and what follows from a report's own numbers."""

import json
import re
from itertools import combinations
from typing import NamedTuple

import numpy as np

from simmim_lib.experiments import baselines
from simmim_lib.experiments.baselines import ASKED, FINE_TUNE, SCRATCH, Findings
from simmim_lib.experiments.cost import estimate
from simmim_lib.foundation.directories import data_directory
from simmim_lib.foundation.intervals import Difference, difference, interval, mean_and_interval
from simmim_lib.pictures.tables import Table
from simmim_lib.reports import report
from simmim_lib.studies import stored

FEW_SEEDS = 3


class Pair(NamedTuple):
    """Two ways to train on the same target, with the accuracies of the same seeds.

    Attributes:
        target: on which both are tested.
        names: of both, the one with the higher mean first.
        values: of both, each (seeds,).
    """

    target: str
    names: tuple[str, str]
    values: tuple[np.ndarray, np.ndarray]

    @property
    def difference(self) -> Difference:
        """The first less the second, seed by seed."""
        return difference(*self.values)

    @property
    def early_difference(self) -> Difference:
        """The same of the first few seeds."""
        one, other = self.values
        return difference(one[:FEW_SEEDS], other[:FEW_SEEDS])

    @property
    def bars_overlap(self) -> bool:
        """Whether the intervals of both means have something in common."""
        (one, half), (other, other_half) = map(interval, self.values)
        return abs(one - other) <= half + other_half


def adaptations() -> list[Pair]:
    """Return all pairs of ways to adapt to the same target that lesson 01's study compares."""
    found: dict[str, dict[str, np.ndarray]] = {}
    for record in stored.load("adaptations").records:
        (target,) = record.settings.targets
        name = record.settings.adaptation if record.settings.source else SCRATCH
        found.setdefault(target, {})[name] = record.values()
    return [
        Pair(target, (better, other), (ways[better], ways[other]))
        for target, ways in found.items()
        for better, other in combinations(sorted(ways, key=lambda name: -ways[name].mean()), 2)
    ]


def overlapping_table() -> Table:
    """List the pairs whose bars overlap, and what the seed-by-seed comparison says of them."""
    rows = [
        [pair.target, *map(_mean_of, pair.names, pair.values), pair.difference]
        for pair in adaptations()
        if pair.bars_overlap
    ]
    return Table(["target", "one way", "another", "seed by seed"], rows)


def _mean_of(name: str, values: np.ndarray) -> str:
    return f"{name}: {mean_and_interval(values)}"


def few_seeds_table() -> Table:
    """List the pairs that differ clearly, and what the first few of their seeds say."""
    rows = [
        [pair.target, " against ".join(pair.names), pair.difference, pair.early_difference]
        for pair in adaptations()
        if pair.difference.is_clear
    ]
    return Table(["target", "ways", "all seeds", f"the first {FEW_SEEDS}"], rows)


def fine_tuning_work() -> float:
    """Return how many times as much work the usual report's experiment is as fine-tuning."""
    asked = report.parse_parameters([])
    (fine_tuned,) = baselines.plans(asked)[FINE_TUNE]
    return estimate(asked).flops / estimate(fine_tuned).flops


def calibration_gain(found: Findings) -> Difference | None:
    """Return by how much a report's calibration error is smaller than from scratch.

    It is that of the first target that has probabilities of both; None if there is none.
    """
    for target in filter(baselines.has_probabilities, found.settings.targets):
        ways = found.ways
        if SCRATCH in ways and target in ways[SCRATCH].probabilities:
            scratch, asked = (ways[name].calibration_error(target) for name in (SCRATCH, ASKED))
            return difference(scratch, asked)
    return None


class Speed(NamedTuple):
    """How a sweep with two workers compares with one.

    Attributes:
        share: of one worker's time, in per cent.
        seconds: that each experiment takes.
    """

    share: float
    seconds: float


def sweep_speeds() -> list[Speed]:
    """Return the stored measurements of a sweep with two workers, short experiments first."""
    bench = json.loads((data_directory() / "results" / "bench.json").read_text("utf-8"))
    (measured,) = (
        row["measured"] for row in bench["rows"] if "two workers over one" in row["what"]
    )
    found = re.findall(r"([\d.]+) x [^;]*?where each takes ([\d.]+) s", measured)
    return sorted(
        (Speed(100 * float(share), float(seconds)) for share, seconds in found),
        key=lambda speed: speed.seconds,
    )


def sweep_table() -> Table:
    """List how long a sweep of 24 experiments takes with two workers."""
    rows = [[f"{each.seconds:g}", f"{each.share:.0f} %"] for each in sweep_speeds()]
    return Table(["seconds that each experiment takes", "two workers' time, of one's"], rows)
