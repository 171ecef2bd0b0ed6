"""Check all that a class has handed in, some notebooks side by side."""

import contextlib
import hashlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import simmim_lib
from simmim_lib.errors import WorkbookError, check_choice, check_positive
from simmim_lib.lessons import LESSONS
from simmim_lib.teaching import grades, submissions
from simmim_lib.teaching.grades import Row
from simmim_lib.teaching.outcomes import Answer, Job, Outcome
from simmim_lib.teaching.submissions import Submission

MOST_WORKERS = 8  # each holds half a gigabyte
START_SECONDS = 180  # in which a worker must have imported TensorFlow, on a busy machine
PATIENCE = 60  # seconds beyond what a worker's own limits add up to


@dataclass(frozen=True)
class Limits:
    """What each answer may take.

    Attributes:
        lesson: the only one that is wanted, or none.
        seconds: of computing, for an answer with its check.
        gigabytes: of memory, beyond what the library holds.
    """

    lesson: str | None = None
    seconds: float = 20
    gigabytes: float = 0.75

    def __post_init__(self) -> None:
        if self.lesson is not None:
            check_choice("lesson", self.lesson, [lesson.number for lesson in LESSONS])
        check_positive("seconds", self.seconds)
        check_positive("memory", self.gigabytes)


@dataclass(frozen=True)
class Checked:
    """What came of a class's notebooks.

    Attributes:
        rows: the table.
        kept: how many files' rows were there, and are still true.
        network_closed: whether the system closed the network; None if nothing was run.
    """

    rows: list[Row]
    kept: int
    network_closed: bool | None


Tell = Callable[[int, int, Sequence[Row]], object]
"""Called with the files done, the files in all, and the rows of the last one."""


def check(folder: Path, output: Path, limits: Limits, tell: Tell) -> Checked:
    """Check all notebooks of a folder, and write the table after each.

    Files that have not changed since the table was written are not run again.

    Args:
        folder: what was handed in; folders in it are looked through, too.
        output: the table.
        limits: what each answer may take.
        tell: how far it is.

    Raises:
        WorkbookError: an empty folder, a table that cannot be written, a system without `fork`.
    """
    _check_system()
    done = _Table(submissions.find(folder, output), folder, output)
    missing = done.keep(limits)
    done.write()
    tell(done.number, len(done.files), ())
    kept = done.number
    with _workers(min(_cores(), len(missing))) as workers:
        for path, rows in _side_by_side(missing, folder, limits, workers):
            done.add(path, rows)
            done.write()
            tell(done.number, len(done.files), rows)
        closed = workers.network_closed
    return Checked(done.rows(), kept, closed)


def _check_system() -> None:
    if not hasattr(os, "fork"):
        raise WorkbookError(
            "Answers are run in processes that only Linux and macOS have: on Windows use WSL."
        )


def _cores() -> int:
    return min(MOST_WORKERS, os.cpu_count() or 1)


class _Table:
    """The rows of each file, in the files' order."""

    def __init__(self, files: Sequence[Path], folder: Path, output: Path) -> None:
        self.files, self._folder, self._output = files, folder, output
        self._rows: dict[Path, Sequence[Row]] = {}

    @property
    def number(self) -> int:
        return len(self._rows)

    def keep(self, limits: Limits) -> list[Path]:
        """Take over the old table's rows that are still true; return the files without."""
        old: dict[str, list[Row]] = defaultdict(list)
        for row in grades.read(self._output):
            if row.fingerprint:
                old[row.file].append(row)
        for path in self.files:
            rows = old[grades.plain(_below(path, self._folder))]
            if rows and {row.fingerprint for row in rows} == {_fingerprint(path, limits)}:
                self._rows[path] = rows
        return [path for path in self.files if path not in self._rows]

    def add(self, path: Path, rows: Sequence[Row]) -> None:
        self._rows[path] = rows

    def rows(self) -> list[Row]:
        own = [row for path in self.files for row in self._rows.get(path, ())]
        return [*own, *grades.same_names(own)]

    def write(self) -> None:
        grades.write(self.rows(), self._output)


def _below(path: Path, folder: Path) -> str:
    return os.fsencode(path.relative_to(folder)).decode("utf-8", "replace")


def _fingerprint(path: Path, limits: Limits) -> str:
    """Identify a file, the checks and the limits; a letter in front, or it may look like 1e5."""
    try:
        content = submissions.content_of(path)
    except WorkbookError as error:
        content = str(error).encode()
    digest = hashlib.sha256(f"{_code_fingerprint()} {limits}".encode())
    digest.update(content)
    return f"f{digest.hexdigest()[:15]}"


@cache
def _code_fingerprint() -> str:
    """Identify the code that decides: the framework, this package and all lessons' checks."""
    root = Path(simmim_lib.__file__).parent
    digest = hashlib.sha256(simmim_lib.__version__.encode())
    for pattern in ("exercises/*.py", "teaching/*.py", "lessons/*/exercises.py"):
        for path in sorted(root.glob(pattern)):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _side_by_side(
    paths: Sequence[Path], folder: Path, limits: Limits, workers: "_Workers"
) -> Iterator[tuple[Path, list[Row]]]:
    if not paths:
        return
    with ThreadPoolExecutor(workers.number) as threads:
        running = {
            threads.submit(_check_file, path, folder, limits, workers): path for path in paths
        }
        try:
            for future in as_completed(running):
                yield running[future], future.result()
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            workers.stop()  # or the threads would wait for them
            raise


def _check_file(path: Path, folder: Path, limits: Limits, workers: "_Workers") -> list[Row]:
    """Return a file's rows, whatever it holds."""
    file, fingerprint = _below(path, folder), _fingerprint(path, limits)
    name = file.removesuffix(".ipynb")
    try:
        submission = submissions.read(submissions.content_of(path), name, limits.lesson)
    except WorkbookError as error:
        return [Row(name, "", "", "unreadable", str(error), file, fingerprint)]
    ran = workers.run(_job(submission, limits)) if submission.answers else []
    outcomes = [*submission.outcomes, *(_placed(each, submission) for each in ran)]
    return [
        Row(
            *(submission.student, submission.lesson, outcome.exercise, outcome.judgement),
            *(outcome.sentence, file, fingerprint),
        )
        for outcome in sorted(outcomes, key=lambda outcome: outcome.exercise)
    ]


def _job(submission: Submission, limits: Limits) -> Job:
    memory = int(limits.gigabytes * 1e9)
    return Job(submission.imports, submission.answers, limits.seconds, memory)


def _placed(outcome: Outcome, submission: Submission) -> Outcome:
    """Tell a student who has not begun from one who wrote into another cell."""
    if outcome.judgement == "not done yet" and outcome.exercise in submission.elsewhere:
        sentence = "The answer stands in another cell than its own: move it into the answer cell."
        return Outcome(outcome.exercise, "unclear", sentence)
    return outcome


class _Workers:
    """Some processes that judge notebooks, and a queue of those that are free."""

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
        for worker in self._all:
            worker.stop()


@contextmanager
def _workers(number: int) -> Iterator[_Workers]:
    """Start workers, and leave nothing behind: no process, no file."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="simmim-check-"))
        workers = _Workers(number, folder)
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
    sentence = "The process that ran the notebook was lost: check again, with more memory free."
    return Outcome(answer.exercise, "stopped", sentence)
