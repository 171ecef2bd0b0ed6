"""How the benchmarks time: in turn, after a warm-up, on a machine that does nothing else."""

import gc
import queue
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simmim_lib import experiments
from simmim_lib.panels.memory import MEMORY
from simmim_lib.panels.panel import Panel
from simmim_lib.settings import Settings

ROUNDS = 5


@dataclass(frozen=True)
class Row:
    """One line of the table: what was measured, what it should reach, and what it reached."""

    what: str
    aim: str
    measured: str
    reached: bool | None = None  # None: there is nothing to compare with
    points: Sequence[tuple[float, float]] = ()  # of a curve: what is asked for, and the seconds


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def medians(*works: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    """Time each piece of work in turn, several times over.

    Each is run once more, not timed, just before: neither pays for what the other left behind.
    """
    taken = []
    for _ in range(rounds):
        times = []
        for work in works:
            work()
            gc.collect()
            times.append(seconds(work))
        taken.append(times)
    return [statistics.median(times) for times in zip(*taken, strict=True)]


def matmul_rate(size: int = 1024) -> float:
    """Return the floating-point operations a second of a product of square matrices."""
    import tensorflow as tf

    matrix = tf.random.stateless_normal((size, size), seed=(0, 0))
    (took,) = medians(lambda: tf.linalg.matmul(matrix, matrix).numpy())
    return 2 * size**3 / took


def quietly(settings: Settings) -> experiments.Result:
    return experiments.run(settings, baseline=False, progress=lambda done, total: None)


def redraw_seconds(panel: Panel, name: str, values: list[Any]) -> np.ndarray:
    """Change a control to each of the values; return the seconds until there is a new figure.

    What follows the first figure is cancelled, as the reader's next change would. Before each
    change the panel forgets what it has measured: a setting seen before would cost nothing.
    """
    shown: queue.SimpleQueue[float] = queue.SimpleQueue()
    panel.picture.observe(lambda _: shown.put(time.perf_counter()), "value")
    times = []
    for value in values:
        MEMORY.clear()
        while not shown.empty():
            shown.get()
        start = time.perf_counter()
        panel.controls[name].value = value
        times.append(shown.get(timeout=60) - start)
        panel.stop()
        panel.wait()
    return np.array(times)
