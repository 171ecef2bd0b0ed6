"""A process that judges notebooks, each in a child of its own.

Importing TensorFlow takes seconds, so it is done once, here. Nothing is computed here with it: its
threads start with the first operation, and would be missing in a child made by `fork`. Jobs come
in as lines of JSON, and the outcomes go out in the same way.
"""

import importlib
import json
import os
import pkgutil
import secrets
import select
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, BinaryIO, NoReturn

import simmim_lib
from simmim_lib.teaching import confinement, judging
from simmim_lib.teaching.outcomes import Job, Outcome

LONGEST_LINE = 2**20  # bytes: what says more is not `judging`
LOOK_SECONDS = 0.5  # between looks whether a silent process still lives
SLOWEST = 3  # times as long by the clock as on the processor: others may be using the machine
DESCRIPTORS = 4096  # above the number of any file that is open here


class Abandoned(Exception):  # noqa: N818 - nothing went wrong here
    """Raised when nobody waits for the outcomes any more."""


def main() -> None:
    """Judge one notebook after another until the input ends."""
    orders, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no outcome
    warm_up()
    confinement.adopt_orphans()
    _say(answers, {"network_closed": confinement.can_close_network()})
    for line in iter(orders.readline, b""):
        try:
            outcomes = examine(Job.from_json(json.loads(line)), orders)
        except Abandoned:
            return
        _say(answers, {"outcomes": [asdict(outcome) for outcome in outcomes]})


def _say(answers: BinaryIO, content: dict) -> None:
    answers.write(json.dumps(content).encode() + b"\n")
    answers.flush()


def warm_up() -> None:
    """Import what lessons and their checks need, and compute nothing."""
    for name in ("keras", "tensorflow", "matplotlib.pyplot", "scipy.stats", "ipywidgets"):
        importlib.import_module(name)
    for module in pkgutil.walk_packages(simmim_lib.__path__, "simmim_lib."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def examine(job: Job, orders: BinaryIO) -> list[Outcome]:
    """Judge a notebook's answers, with a new process after each that an answer has cost.

    Args:
        job: what to judge.
        orders: its end means that nobody waits any more.

    Raises:
        Abandoned: nobody does.
    """
    outcomes: list[Outcome] = []
    while len(outcomes) < len(job.answers):
        outcomes += _examine_once(job, outcomes, orders)
    return outcomes


def _examine_once(job: Job, known: Sequence[Outcome], orders: BinaryIO) -> list[Outcome]:
    """Judge until all is judged, or the process is lost; at least one outcome is new."""
    folder = tempfile.mkdtemp()
    token = secrets.token_hex().encode()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        _be_the_child(job, known, folder, token, writing)
    os.close(writing)
    watch = _Watch(child, reading, orders.fileno(), token, job.seconds)
    expected = [answer.exercise for answer in job.answers[len(known) :]]
    try:
        found = list(watch.outcomes(expected))
    finally:
        status = _end(child)
        os.close(reading)
        confinement.remove(folder)
    pending = job.answers[len(known) + len(found) :]
    if pending and watch.at == judging.IMPORTS:
        reason = f"The cells tagged `imports` did not get through: {watch.reason(status)}"
        return [*found, *(Outcome(each.exercise, "stopped", reason) for each in pending)]
    if pending:
        found.append(Outcome(pending[0].exercise, "stopped", watch.reason(status)))
    return found


def _end(child: int) -> int:
    """Kill a process with all that comes from it; return how it had ended, or was ended."""
    try:
        os.killpg(child, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # not yet the leader of its group
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    confinement.end_descendants()
    return os.waitstatus_to_exitcode(status)


def _be_the_child(
    job: Job, known: Sequence[Outcome], folder: str, token: bytes, writing: int
) -> NoReturn:
    """Confine this process, judge, and end without a way back into the worker's code."""
    try:
        os.setsid()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        os.closerange(3, writing)
        os.closerange(writing + 1, DESCRIPTORS)
        confinement.confine(folder, job.memory)
        confinement.end_with_parent()

        def send(kind: str, content: object) -> None:
            os.write(writing, token + json.dumps([kind, content]).encode() + b"\n")

        judging.judge(
            job, known, lambda name: send("at", name), lambda outcome: send("is", asdict(outcome))
        )
    finally:
        os._exit(0)


class _Watch:
    """Listens to a process, with a limit to the time that each of its steps takes."""

    def __init__(
        self, process: int, reading: int, orders: int, token: bytes, seconds: float
    ) -> None:
        self.at = judging.IMPORTS
        self._late = False
        self._process, self._reading, self._orders = process, reading, orders
        self._token, self._seconds = token, seconds

    def outcomes(self, expected: Sequence[str]) -> Iterator[Outcome]:
        """Yield what the process tells, until all is told, it ends or a step takes too long.

        Args:
            expected: the exercises, in order.

        Raises:
            Abandoned: nobody waits for it any more.
        """
        missing = list(expected)
        self._begin_step()
        for kind, content in self._messages():
            self._begin_step()
            if kind == "at":
                self.at = content
            elif content["exercise"] == missing[0]:
                yield Outcome(**content)
                missing.pop(0)
            if not missing:
                return

    def _messages(self) -> Iterator[tuple[str, Any]]:
        """Yield what begins with the token: an answer may write into the pipe, too."""
        text = b""
        while len(text) < LONGEST_LINE and self._waits():
            if not (more := os.read(self._reading, 65536)):
                return
            *lines, text = (text + more).split(b"\n")
            for line in lines:
                if line.startswith(self._token):
                    yield json.loads(line.removeprefix(self._token))

    def _begin_step(self) -> None:
        self._computed = confinement.processor_seconds(self._process)
        self._began = time.monotonic()

    def _waits(self) -> bool:
        """Wait until there is something to read; return False if that comes too late or never."""
        while (left := self._left()) > 0:
            ready, _, _ = select.select(
                [self._reading, self._orders], [], [], min(left, LOOK_SECONDS)
            )
            if self._orders in ready:
                raise Abandoned
            if ready:
                return True
            if self._has_ended():  # and something that comes from it holds the pipe open
                return False
        self._late = True
        return False

    def _has_ended(self) -> bool:
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self._process, options) is not None

    def _left(self) -> float:
        """Return for how many seconds the step can still be left alone."""
        computed = confinement.processor_seconds(self._process) - self._computed
        waited = time.monotonic() - self._began
        return min(self._seconds - computed, SLOWEST * self._seconds - waited)

    def reason(self, status: int) -> str:
        """Say why there are no more outcomes.

        Args:
            status: the process's exit code, or minus the signal that ended it.
        """
        if self._late:
            return (
                f"It did not end within {self._seconds:g} seconds of computing: look for a loop "
                "without an end."
            )
        if status < 0 and status != -signal.SIGKILL:
            return f"It crashed ({signal.Signals(-status).name})."
        return "It ended its own process, or the system ended it for want of memory."


if __name__ == "__main__":
    main()
