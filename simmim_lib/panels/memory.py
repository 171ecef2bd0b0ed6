"""The one memory of all panels: going back to a setting costs nothing."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from simmim_lib import experiments
from simmim_lib.foundation.progress import Progress
from simmim_lib.settings import Settings

Asked = TypeVar("Asked", bound=Hashable)
Outcome = TypeVar("Outcome")

MAX_OUTCOMES = 128
"""More than a learner visits in a lesson; together they hold some tens of megabytes."""


class Memory:
    """Outcomes of trainings by what was asked; the one that was not used for longest goes first.

    Args:
        size: how many outcomes it holds at most.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._outcomes: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    def recall(self, key: Hashable) -> Any:
        """Return what was kept under a key, or None."""
        with self._lock:
            if key in self._outcomes:
                self._outcomes.move_to_end(key)
            return self._outcomes.get(key)

    def keep(self, key: Hashable, outcome: Any) -> None:
        """Keep an outcome that is not None."""
        with self._lock:
            self._outcomes[key] = outcome
            self._outcomes.move_to_end(key)
            while len(self._outcomes) > self.size:
                self._outcomes.popitem(last=False)


MEMORY = Memory(MAX_OUTCOMES)


def remembered(
    train: Callable[[Asked, Progress], Outcome], asked: Asked, progress: Progress
) -> Outcome:
    """Return what a function makes of what was asked, computed once.

    Args:
        train: a function of a module, not made anew for each call.
        asked: its first argument.
        progress: called after every few steps, if anything is computed.
    """
    outcome = MEMORY.recall((train, asked))
    if outcome is None:
        outcome = train(asked, progress)
        MEMORY.keep((train, asked), outcome)
    return outcome


def measure(settings: Settings, progress: Progress) -> experiments.Result:
    """Run an experiment without its baseline, once."""
    return remembered(_run, settings, progress)


def measured(settings: Settings) -> experiments.Result | None:
    """Return what `measure` has returned for an experiment, or None."""
    return MEMORY.recall((_run, settings))


def _run(settings: Settings, progress: Progress) -> experiments.Result:
    return experiments.run(settings, baseline=False, progress=progress)
