"""Lesson 10: a sweep on two workers, on one, and without any."""

import functools
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from timing import Row, seconds

from simmim_lib import sweep, sweep_results
from simmim_lib.settings import Settings

EXPERIMENTS = [
    Settings(source=source, labels_per_class=labels, learning_rate=rate, budget="quick")
    for source in ("glyphs", None)
    for labels in (2, 5, 10)
    for rate in (5e-4, 1e-3, 2e-3, 4e-3)
]
WITHOUT = """
import sweep  # this folder's
from simmim_lib.sweep import measure
for settings in sweep.EXPERIMENTS:
    measure(settings)
"""


@dataclass(frozen=True)
class Times:
    """Seconds from the first import to the last row on the disk.

    Attributes:
        without: a loop in one plain process, which imports TensorFlow once as well.
        one: a sweep with one worker.
        two: a sweep with two workers.
        same: whether all rows are those of the sweep with one worker.
    """

    without: float
    one: float
    two: float
    same: bool


@functools.cache
def times() -> Times:
    """Run the same experiments three times, one way after the other."""
    here = Path(__file__).parent
    command = [sys.executable, "-c", WITHOUT]
    with tempfile.TemporaryDirectory() as folder:
        places = {number: Path(folder) / str(number) for number in (1, 2)}
        without = seconds(lambda: subprocess.run(command, cwd=here, check=True))
        one, two = (
            seconds(lambda number=number: sweep.run(EXPERIMENTS, places[number], workers=number))
            for number in places
        )
        return Times(without, one, two, _accuracies(places[1]) == _accuracies(places[2]))


def _accuracies(folder: Path) -> dict[Settings, dict[str, list[float]]]:
    return {
        row.settings: {name: values.tolist() for name, values in row.accuracy.items()}
        for row in sweep_results.read(folder)
    }


def two_workers() -> Row:
    taken = times()
    ratio = taken.two / taken.one
    return Row(
        f"(s) a sweep of {len(EXPERIMENTS)} quick experiments, two workers over one",
        "at most 0.6 x, the same numbers",
        f"{ratio:.2f} x ({taken.two:.1f} s and {taken.one:.1f} s); "
        f"the numbers {'are the same' if taken.same else 'differ'}",
        ratio <= 0.6 and taken.same,
    )


def overhead() -> Row:
    taken = times()
    share = taken.one / taken.without - 1
    each = (taken.one - taken.without) / len(EXPERIMENTS)
    return Row(
        "(t) what a sweep with one worker adds to a loop in one process",
        "at most 10 %",
        f"{share:.1%} ({each:.2f} s an experiment)",
        share <= 0.1,
    )


ROWS = (two_workers, overhead)
