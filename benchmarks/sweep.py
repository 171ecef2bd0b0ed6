"""Lesson 10: a sweep on two workers, on one, and without any."""

import contextlib
import json
import math
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from timing import Row, seconds

from simmim_lib.settings import Settings
from simmim_lib.sweeps import rows

GRID: dict[str, list[object]] = {
    "source": ["glyphs", "none"],
    "labels_per_class": [2, 5, 10],
    "learning_rate": [5e-4, 1e-3, 2e-3, 4e-3],
}
LONGER = {
    **{"information": 1, "agreement": 1, "augmentation": 1, "schedule": "cosine"},
    **{"frozen_layers": 0, "steps": 50},
}
"""Lesson 05's recipe, with fewer steps."""

WITHOUT = """
import sys
from simmim_lib.sweeps import grids, sweep
for settings in grids.read(sys.argv[1]):
    sweep.measure(settings)
"""
ROUNDS = 3


@dataclass(frozen=True)
class Times:
    """Seconds that the same experiments take.

    Attributes:
        number: of the experiments.
        each: what one of them takes, on average.
        one: a sweep with one worker, as a whole command.
        two: a sweep with two workers.
        same: whether all numbers are those of the sweep with one worker.
    """

    number: int
    each: float
    one: float
    two: float
    same: bool

    def __str__(self) -> str:
        """Say how long two workers take, over one."""
        ratio = f"{self.two / self.one:.2f} x ({self.two:.1f} s and {self.one:.1f} s)"
        return f"{ratio} where each takes {self.each:.1f} s"


def _times(settings: dict[str, object], rounds: int) -> Times:
    """Run the same experiments in two ways, one after the other, several times over."""
    one: list[float] = []
    two: list[float] = []
    found = []
    with _grid(settings) as grid:
        for turn in range(rounds):
            for workers, taken in ((1, one), (2, two)):
                place = grid.parent / f"{workers}-{turn}"
                taken.append(_sweep(grid, workers, place))
                found.append(rows.read(place))
    each = statistics.mean(row.seconds for row in found[0])
    first, *others = map(_accuracies, found)
    same = all(other == first for other in others)
    return Times(len(first), each, statistics.median(one), statistics.median(two), same)


@contextlib.contextmanager
def _grid(settings: dict[str, object]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as private:
        path = Path(private, "grid.yaml")
        path.write_text(json.dumps({"settings": settings, "grid": GRID}))  # which is YAML as well
        yield path


def _sweep(grid: Path, workers: int, place: Path) -> float:
    options = ("--workers", workers, "--output", place)
    return _seconds("-m", "simmim_lib", "sweep", grid, *options)


def _seconds(*words: object) -> float:
    command = [sys.executable, *map(str, words)]
    return seconds(lambda: subprocess.run(command, check=True, capture_output=True))


def _accuracies(measured: list[rows.Row]) -> dict[Settings, dict[str, list[float]]]:
    return {
        row.settings: {name: row.main_scores(name).tolist() for name in row.scores}
        for row in measured
    }


def two_workers() -> Row:
    taken, longer = _times({}, ROUNDS), _times(LONGER, 1)
    same = taken.same and longer.same
    return Row(
        f"(s) a sweep of {taken.number} quick experiments, two workers over one",
        "at most 0.6 x, the same numbers",
        f"{taken}; {longer}; the numbers {'are the same' if same else 'differ'}",
        taken.two <= 0.6 * taken.one and same,
    )


def overhead() -> Row:
    swept, looped = [], []
    with _grid({}) as grid:
        for turn in range(ROUNDS):
            swept.append(_sweep(grid, 1, grid.parent / str(turn)))
            looped.append(_seconds("-c", WITHOUT, grid))
    added = statistics.median(swept) - statistics.median(looped)
    share, number = added / statistics.median(looped), math.prod(map(len, GRID.values()))
    return Row(
        "(t) what a sweep with one worker adds to a loop in one process",
        "at most 10 %",
        f"{share:.1%} ({added / number:.2f} s an experiment)",
        share <= 0.1,
    )


ROWS = (two_workers, overhead)
