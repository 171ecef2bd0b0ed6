"""What the tests of sweeps let workers do instead of training; also a sweep of its own.

python sweep_worker.py FOLDER NUMBER     sweep that many experiments into a folder
"""

import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

from simmim_lib.settings import Settings
from simmim_lib.sweeps import sweep

MARKS = "SWEEP_TEST_MARKS"
"""The environment's name for a folder in which workers tell what they are at."""


def experiments(number: int) -> list[Settings]:
    return [Settings(steps=steps, seeds=2) for steps in range(1, number + 1)]


def quick(settings: Settings) -> dict[str, Any]:
    """Make up numbers that depend on the settings alone, and take a moment."""
    numbers = random.Random(settings.as_code())
    time.sleep(numbers.uniform(0.02, 0.12))
    scores = {
        name: {"accuracy": [numbers.random() for _ in range(settings.seeds)]}
        for name in settings.targets
    }
    versions = {"python": "3"}
    return {
        "settings": settings.as_dict(),
        "scores": scores,
        "seconds": settings.steps / 2,
        "versions": versions,
    }


def marked(settings: Settings) -> dict[str, Any]:
    """Leave the process's number while at work, for whoever wants to kill it."""
    mark = Path(os.environ[MARKS], str(os.getpid()))
    mark.touch()
    try:
        return quick(settings)
    finally:
        mark.unlink()


def deadly(settings: Settings) -> dict[str, Any]:
    """Take the worker along at every third step, as one that runs out of memory."""
    if settings.steps % 3 == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return quick(settings)


def counted(settings: Settings) -> dict[str, Any]:
    """Take the worker along each time, and leave a mark of every death."""
    with Path(os.environ[MARKS], "deaths").open("a") as file:
        file.write(".")
    os.kill(os.getpid(), signal.SIGKILL)
    return quick(settings)


def failing(settings: Settings) -> dict[str, Any]:
    if settings.steps == 2:
        raise ZeroDivisionError("no\nway")
    return quick(settings)


if __name__ == "__main__":
    sweep.run(experiments(int(sys.argv[2])), sys.argv[1], workers=2, work=marked)
