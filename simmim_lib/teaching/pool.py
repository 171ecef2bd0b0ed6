"""Processes that judge notebooks: started, given work, listened to and ended."""

import contextlib
import json
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator

from simmim_lib.teaching.outcomes import Answer, Job, Outcome

START_SECONDS = 180  # in which a worker must have imported TensorFlow, on a busy machine
PATIENCE = 60  # seconds beyond what a worker's own limits add up to
LOST = "The process that ran the notebook was lost: check again, with more memory free."


class Pool:
    """Some processes that judge notebooks, and a queue of those that are free.

    Attributes:
        number: of the processes.
        network_closed: whether the system closed the network; None as long as nothing was run.
    """

    def __init__(self, number: int, folder: str) -> None:
        self.number = number
        self.network_closed: bool | None = None
        self._all = [_Worker(folder) for _ in range(number)]
        self._free: queue.Queue[_Worker] = queue.Queue()
        for worker in self._all:
            self._free.put(worker)

    def run(self, job: Job) -> list[Outcome]:
        """Let the next free worker judge a notebook."""
        worker = self._free.get()
        try:
            outcomes = worker.run(job)
            if worker.network_closed is not None:
                self.network_closed = worker.network_closed
            return outcomes
        finally:
            self._free.put(worker)

    def stop(self) -> None:
        """End all for good."""
        for worker in self._all:
            worker.stop()


@contextlib.contextmanager
def pool(number: int) -> Iterator[Pool]:
    """Start workers, and leave nothing behind: no process, no file."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="simmim-check-"))
        workers = Pool(number, folder)
        stack.callback(workers.stop)
        yield workers


class _Worker:
    """A process that judges notebooks; started when it is needed, and again when it is lost."""

    def __init__(self, folder: str) -> None:
        self.network_closed: bool | None = None
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False
        self._lock = threading.Lock()

    def run(self, job: Job) -> list[Outcome]:
        """Judge a notebook; if the process is lost on the way, say so of each answer."""
        steps = 1 + len(job.answers)
        try:
            process = self._running()
            return self._ask(process, job, PATIENCE + 4 * steps * job.seconds)
        except (OSError, ValueError, LookupError):
            self._end()
            return [_lost(answer) for answer in job.answers]

    def _running(self) -> "subprocess.Popen[bytes]":
        with self._lock:
            if self._stopped:
                raise OSError("stopped")
            if self._process is None:
                self._process = _start(self._folder)
            else:
                return self._process
        self.network_closed = _hear(self._process, START_SECONDS)["network_closed"]
        return self._process

    def _ask(self, process: "subprocess.Popen[bytes]", job: Job, seconds: float) -> list[Outcome]:
        assert process.stdin
        process.stdin.write(json.dumps(job.as_json()).encode() + b"\n")
        process.stdin.flush()
        return [Outcome(**each) for each in _hear(process, seconds)["outcomes"]]

    def stop(self) -> None:
        """End the process for good; what it was running ends with it."""
        self._stopped = True
        self._end()

    def _end(self) -> None:
        with self._lock:
            process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin and process.stdout
        with contextlib.suppress(OSError):
            process.stdin.close()  # which makes it kill what it runs, and end
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def _start(folder: str) -> "subprocess.Popen[bytes]":
    from simmim_lib.teaching.confinement import environment

    return subprocess.Popen(
        [sys.executable, "-m", "simmim_lib.teaching.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(folder),
        cwd=folder,
        start_new_session=True,  # Ctrl-C is for this process, which then stops them
    )


def _hear(process: "subprocess.Popen[bytes]", seconds: float) -> dict:
    """Return what a worker says next; after too long a silence it is killed.

    Raises:
        ValueError: it has ended, or says nothing that can be understood.
    """
    assert process.stdout
    silence = threading.Timer(seconds, process.kill)
    silence.start()
    try:
        return json.loads(process.stdout.readline())
    finally:
        silence.cancel()


def _lost(answer: Answer) -> Outcome:
    return Outcome(answer.exercise, "stopped", LOST)


def is_lost(outcome: Outcome) -> bool:
    """Tell whether an answer was not judged, since its process was lost."""
    return outcome.sentence == LOST
