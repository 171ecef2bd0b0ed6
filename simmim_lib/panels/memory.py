"""What panels have computed: one bounded memory, so that going back to a setting costs nothing."""

import dataclasses
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from simmim_lib import experiments
from simmim_lib.experiments import Course, Result
from simmim_lib.foundation.progress import Progress, in_parts
from simmim_lib.settings import Settings

Asked = TypeVar("Asked", bound=Hashable)
Outcome = TypeVar("Outcome")


class Memory:
    """Outcomes by what was asked for; where room is short, the least recently used go.

    Several threads may use it at once.

    Args:
        max_entries: how many outcomes are kept.
        max_bytes: how many bytes their arrays may take in all; a larger outcome is not kept.
    """

    def __init__(self, max_entries: int, max_bytes: int) -> None:
        self.max_entries = max_entries
        self.max_bytes = max_bytes
        self._entries: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._entries

    @property
    def bytes(self) -> int:
        """How many bytes the arrays of all outcomes take."""
        with self._lock:
            return self._bytes()

    def get(self, key: Hashable) -> Any | None:
        """Return the outcome of what was asked for, or None if it is not there."""
        with self._lock:
            if key not in self._entries:
                return None
            self._entries.move_to_end(key)
            return self._entries[key][0]

    def put(self, key: Hashable, outcome: object) -> None:
        """Keep an outcome without its networks, and let go of others until there is room for it."""
        outcome = without_networks(outcome)
        size = bytes_of(outcome)
        if size > self.max_bytes:
            return
        with self._lock:
            self._entries.pop(key, None)
            self._entries[key] = (outcome, size)
            while len(self._entries) > self.max_entries or self._bytes() > self.max_bytes:
                self._entries.popitem(last=False)

    def clear(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._entries.clear()

    def _bytes(self) -> int:
        return sum(size for _, size in self._entries.values())


def bytes_of(outcome: object) -> int:
    """Return how many bytes the arrays inside an outcome take.

    Args:
        outcome: an array, or a dataclass, mapping, list or tuple of outcomes; anything else counts
            as nothing.
    """
    if isinstance(outcome, np.ndarray):
        return outcome.nbytes
    if dataclasses.is_dataclass(outcome):
        return sum(bytes_of(getattr(outcome, field.name)) for field in dataclasses.fields(outcome))
    if isinstance(outcome, Mapping):
        return sum(bytes_of(part) for part in outcome.values())
    if isinstance(outcome, list | tuple):
        return sum(bytes_of(part) for part in outcome)
    return 0


def without_networks(outcome: Any) -> Any:
    """Return an outcome without trained networks, which would fill the memory; no panel shows them.

    Args:
        outcome: a result, a course or a tuple of them; anything else is returned as it is.
    """
    if type(outcome) is tuple:  # no named one, whose type would be lost
        return tuple(map(without_networks, outcome))
    if isinstance(outcome, Course):
        result = without_networks(outcome.result)
        return outcome if result is outcome.result else dataclasses.replace(outcome, result=result)
    if isinstance(outcome, Result) and outcome.trained:
        return dataclasses.replace(outcome, trained=None)
    return outcome


MEMORY = Memory(max_entries=300, max_bytes=256 * 2**20)
"""What all panels share; a result keeps the probabilities of all test images, up to 1 MB."""


def remember(
    compute: Callable[[Asked, Progress], Outcome], asked: Asked, progress: Progress
) -> Outcome:
    """Return the outcome of a computation, from memory where it was computed before.

    Args:
        compute: from what is asked for, and progress, to the outcome.
        asked: what decides the outcome.
        progress: told by `compute`; not called where the outcome is remembered.
    """
    key = (compute, asked)
    kept = MEMORY.get(key)
    if kept is None:
        kept = compute(asked, progress)
        MEMORY.put(key, kept)
    return kept


def measure(settings: Settings, progress: Progress) -> Result:
    """Return the result of an experiment, without its baseline."""
    return remember(_run, settings, progress)


def measure_each(plans: Sequence[Settings], progress: Progress) -> Iterator[Result]:
    """Yield the results of experiments, one after the other.

    Args:
        plans: the experiments, all different.
        progress: filled once, by those that are not remembered.
    """
    new = [plan for plan in plans if not is_measured(plan)]
    parts = in_parts(progress, len(new))
    for plan in plans:
        yield measure(plan, parts() if plan in new else progress)


def is_measured(settings: Settings) -> bool:
    """Return whether `measure` remembers an experiment."""
    return (_run, settings) in MEMORY


def _run(settings: Settings, progress: Progress) -> Result:
    return experiments.run(settings, baseline=False, progress=progress)


def follow(settings: Settings, progress: Progress) -> Iterator[tuple[Course, ...]]:
    """Train, and yield the courses at all looks so far, the last of them with the result.

    What was trained before is yielded once, complete.

    Args:
        settings: the experiment.
        progress: told after every few steps.
    """
    key = (follow, settings)
    courses: tuple[Course, ...] | None = MEMORY.get(key)
    if courses:
        yield courses
        return
    courses = ()
    for course in experiments.follow(settings, progress):
        # The last look comes twice, the second time with the result.
        courses = (*(courses[:-1] if course.result else courses), course)
        yield courses
    MEMORY.put(key, courses)
