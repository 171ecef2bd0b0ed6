"""Check all that a class has handed in, some notebooks side by side."""

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import simmim_lib
from simmim_lib.errors import WorkbookError, check_choice, check_positive
from simmim_lib.foundation import machine
from simmim_lib.lessons import LESSONS
from simmim_lib.teaching import grades, submissions
from simmim_lib.teaching.grades import Row
from simmim_lib.teaching.outcomes import Job, Outcome
from simmim_lib.teaching.pool import Pool, is_lost, pool
from simmim_lib.teaching.submissions import Submission

MAX_WORKERS = 8  # each holds 0.7 GB, TensorFlow above all


@dataclass(frozen=True)
class Limits:
    """What each answer may take.

    Attributes:
        seconds: of computing, for an answer with its check.
        gigabytes: of memory, beyond what the library holds.
    """

    seconds: float = 20
    gigabytes: float = 0.75

    def __post_init__(self) -> None:
        check_positive("seconds", self.seconds)
        check_positive("memory", self.gigabytes)


@dataclass(frozen=True)
class _Question:
    """What is asked of every file: a row answers it, and is kept as long as it is the same."""

    limits: Limits
    lesson: str | None


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


def check(
    folder: Path,
    output: Path,
    tell: Tell,
    limits: Limits = Limits(),
    lesson: str | None = None,
) -> Checked:
    """Check all notebooks of a folder, and write the table after each.

    Files that have not changed since the table was written are not run again.

    Args:
        folder: what was handed in; folders in it are looked through, too.
        output: the table.
        tell: how far it is.
        limits: what each answer may take.
        lesson: the only one that is wanted; by default any.

    Raises:
        WorkbookError: an unknown lesson, an empty folder, a table that cannot be written, a system
            without `fork`.
    """
    _check_system()
    if lesson is not None:
        check_choice("lesson", lesson, [each.number for each in LESSONS])
    question = _Question(limits, lesson)
    done = _Table(submissions.find(folder, output), folder, output)
    missing = done.keep(question)
    done.write()
    tell(done.number, len(done.files), ())
    kept = done.number
    with pool(min(MAX_WORKERS, machine.cores(), len(missing))) as workers:
        for path, rows in _side_by_side(missing, folder, question, workers):
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


class _Table:
    """The rows of each file, in the files' order."""

    def __init__(self, files: Sequence[Path], folder: Path, output: Path) -> None:
        self.files, self._folder, self._output = files, folder, output
        self._rows: dict[Path, Sequence[Row]] = {}

    @property
    def number(self) -> int:
        return len(self._rows)

    def keep(self, question: _Question) -> list[Path]:
        """Take over the old table's rows that are still true; return the files without."""
        old: dict[str, list[Row]] = defaultdict(list)
        for row in grades.read(self._output):
            if row.fingerprint:
                old[row.file].append(row)
        for path in self.files:
            rows = old[grades.plain(_below(path, self._folder))]
            if rows and {row.fingerprint for row in rows} == {_fingerprint(path, question)}:
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


def _fingerprint(path: Path, question: _Question) -> str:
    """Identify a file, the checks and what is asked; a letter in front, or it may look like 1e5."""
    try:
        content = submissions.content_of(path)
    except WorkbookError as error:
        content = str(error).encode()
    digest = hashlib.sha256(f"{_code_fingerprint()} {question}".encode())
    digest.update(content)
    return f"f{digest.hexdigest()[:15]}"


@cache
def _code_fingerprint() -> str:
    """Identify the code that decides: this package, and the lessons' checks and questions."""
    root = Path(simmim_lib.__file__).parent
    digest = hashlib.sha256(simmim_lib.__version__.encode())
    for pattern in (
        "exercises/*.py",
        "teaching/*.py",
        "lessons/*/exercises.py",
        "lessons/*/questions.py",
    ):
        for path in sorted(root.glob(pattern)):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _side_by_side(
    paths: Sequence[Path], folder: Path, question: _Question, workers: Pool
) -> Iterator[tuple[Path, list[Row]]]:
    if not paths:
        return
    with ThreadPoolExecutor(workers.number) as threads:
        running = {
            threads.submit(_check_file, path, folder, question, workers): path for path in paths
        }
        try:
            for future in as_completed(running):
                yield running[future], future.result()
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            workers.stop()  # or the threads would wait for them
            raise


def _check_file(path: Path, folder: Path, question: _Question, workers: Pool) -> list[Row]:
    """Return a file's rows, whatever it holds."""
    file, fingerprint = _below(path, folder), _fingerprint(path, question)
    name = file.removesuffix(".ipynb")
    try:
        submission = submissions.read(submissions.content_of(path), name, question.lesson)
    except WorkbookError as error:
        return [Row(name, "", "", "unreadable", str(error), "", file, fingerprint)]
    ran = workers.run(_job(submission, question.limits)) if submission.answers else []
    if any(is_lost(outcome) for outcome in ran):
        fingerprint = ""  # nobody knows yet what the answers do: the same command asks again
    outcomes = [*submission.outcomes, *(_placed(each, submission) for each in ran)]
    return [
        Row(
            *(submission.student, submission.lesson, outcome.exercise, outcome.judgement),
            *(outcome.sentence, submission.predictions, file, fingerprint),
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
