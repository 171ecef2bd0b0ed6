"""How fast this computer learns: one run is timed, and says what seconds buy."""

import time
from typing import NamedTuple

from simmim_lib import experiments
from simmim_lib.experiments import cost
from simmim_lib.foundation.progress import Progress
from simmim_lib.settings import Settings


class Timed(NamedTuple):
    """What one run has taken and brought.

    Attributes:
        start: seconds before it learns at its pace: reading, building and compiling.
        pace: billions of operations in a second from then on.
        cost: of the whole run, in billions of operations.
        accuracy: on test images.
    """

    start: float
    pace: float
    cost: float
    accuracy: float

    def seconds(self, billions: float) -> float:
        """Return how long a run with so many operations takes here."""
        return self.start + billions / self.pace

    def billions(self, seconds: float) -> float:
        """Return how many operations a run of so many seconds has, at least none."""
        return max(0.0, seconds - self.start) * self.pace


def timed(settings: Settings, progress: Progress) -> Timed:
    """Train one seed of one target and look at the clock: the first steps are slow, the rest not.

    Args:
        settings: of one target, with steps for three looks at least.
        progress: told of the steps.
    """
    clock, steps = [time.perf_counter()], []
    for course in experiments.follow(settings, progress):
        if course.result is None:
            clock.append(time.perf_counter())
            steps.append(int(course.steps[-1]))
    began, _, first, *_, last = clock
    each = (last - first) / (steps[-1] - steps[1])
    billions = cost.estimate(settings).flops / settings.seeds / 1e9
    assert course.result
    (target,) = settings.targets
    return Timed(
        first - began - each * steps[1],
        billions / settings.steps / each,
        billions,
        float(course.result.accuracy[target].mean()),
    )
