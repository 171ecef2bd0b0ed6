"""Sweeps: many experiments on several workers, stopped and continued at will.

Each experiment's row goes to the disk as soon as it is there. Whatever dies in between (a worker,
this process, the machine) costs the experiments that were running, nothing else: the same sweep
started again does what is missing. Workers are processes on this machine or those of a running Dask
cluster; each imports TensorFlow once and computes on one processor core, so that the numbers depend
neither on which worker ran what nor on how many there were.

Whoever can talk to Dask's scheduler or workers can let them run any code. On this machine they
therefore listen to nobody without a key that only this process and its workers have; how others'
clusters are protected is their owners' business.
"""

import atexit
import contextlib
import functools
import importlib.util
import logging
import os
import pkgutil
import signal
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, Any

from simmim_lib import experiments
from simmim_lib.errors import WorkbookError, check_whole, shown
from simmim_lib.experiments.environment import versions
from simmim_lib.foundation import keras_setup
from simmim_lib.foundation.paths import from_person
from simmim_lib.foundation.startup import load_tensorflow
from simmim_lib.settings import Settings
from simmim_lib.sweeps.rows import append, identity, locked, repair

if TYPE_CHECKING:
    from distributed import Client, Future

CONNECT_SECONDS = 5  # seconds that a scheduler may take to answer
POLL_SECONDS = 2  # seconds between looks after the workers, while nothing is done
MAX_DEATHS = 2  # of an experiment's worker on this machine, before it is set aside
WORKER_MEMORY = 2e9  # bytes for TensorFlow and some datasets

Work = Callable[[Settings], dict[str, Any]]


@dataclass
class Tally:
    """How far a sweep has come, in numbers of experiments.

    Attributes:
        asked: wanted, each counted once.
        before: of these, done by an earlier sweep into the same folder.
        others: in the folder, but not asked for.
        failed: of those asked for, done with an error, before or now.
        done: of those asked for, done now.
    """

    asked: int
    before: int = 0
    others: int = 0
    failed: int = 0
    done: int = 0

    def __str__(self) -> str:
        """Say how far the sweep is, in a sentence."""
        finished = f"{self.before + self.done} of {self.asked} experiments are done"
        parts = {"before": self.before, "failed": self.failed}
        counted = ", ".join(f"{number} {word}" for word, number in parts.items() if number)
        others = f"; {self.others} of other grids are in the same folder" if self.others else ""
        return f"{finished}{f' ({counted})' if counted else ''}{others}."


def run(
    experiments: Sequence[Settings],
    folder: str | os.PathLike[str],
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    retry: bool = False,
    work: Work | None = None,
    progress: Callable[[Tally], None] = lambda tally: None,
) -> Tally:
    """Run the experiments that the folder has no row of.

    In a script, call it below `if __name__ == "__main__":`, as workers import the script, too.

    Args:
        experiments: what to run; rows of other experiments stay in the folder.
        folder: for the results, made if it is missing.
        workers: processes on this machine; by default as many as it has cores and memory for.
        scheduler: the address of a running Dask scheduler, whose workers are used instead.
        retry: whether experiments that failed before are tried again.
        work: what a worker does with an experiment: settings in, a row out; by default `measure`.
        progress: called at the start and after every experiment.

    Returns:
        How it went.

    Raises:
        WorkbookError: a folder that cannot be written or that another sweep is writing into, a
            line in it that no sweep wrote, a missing package, a Keras that computes with another
            library, a scheduler that does not answer, workers that do not start.
    """
    _check_packages(local=scheduler is None)
    keras_setup.check_backend()
    if workers is not None:
        check_whole("workers", workers, least=1)
    asked: dict[Settings, Settings] = {}
    for each in experiments:
        asked.setdefault(identity(each), each)
    place = from_person(folder)
    with locked(place):
        rows = {row.settings: row for row in repair(place, retry)}
        known = [rows[each] for each in asked if each in rows]
        failed = sum(row.error is not None for row in known)
        tally = Tally(len(asked), len(known), len(rows) - len(known), failed)
        progress(tally)
        missing = [settings for each, settings in asked.items() if each not in rows]
        if not missing:
            return tally
        number = min(workers or _suitable_workers(), len(missing))
        pool = _workers_of(scheduler) if scheduler else _local_workers(number)
        with pool as ready:
            for row in ready.outcomes(work or measure, missing):
                append(place, row)
                tally.done += 1
                tally.failed += row["error"] is not None
                progress(tally)
    return tally


def _check_packages(local: bool) -> None:
    for name in ("distributed", "filelock", *(["cryptography"] if local else [])):
        if importlib.util.find_spec(name) is None:
            raise WorkbookError(
                f"A sweep needs the package {name}, which is not installed: pip install "
                "cryptography distributed filelock pyyaml"
            )


# --- In a worker

_one_at_a_time = threading.Lock()


def measure(settings: Settings) -> dict[str, Any]:
    """Run one experiment in a worker and return its row, without a baseline.

    "From scratch" is an experiment like any other here: `source` none.
    """
    _prepare()
    return experiments.run(settings, baseline=False, progress=lambda done, total: None).as_dict()


@functools.cache
def _prepare() -> None:
    """Import TensorFlow, once a worker, and keep it to one processor core.

    A sum over several threads is rounded differently for every number of them; and the other cores
    belong to the other workers.
    """
    os.environ["TQDM_DISABLE"] = "1"  # bars are for whoever started the sweep
    load_tensorflow()
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def _attempt(work: Work, settings: Settings) -> dict[str, Any]:
    """Return an experiment's row; what goes wrong in it belongs there, too."""
    with _one_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        try:
            return {**work(settings), "error": None}
        except Exception as error:
            reason = str(error) if isinstance(error, WorkbookError) else _first_line(error)
            return _failure(settings, reason, time.perf_counter() - start)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or ["no message"]
    return f"{type(error).__name__}: {lines[0][:500]}"


def _failure(settings: Settings, error: str, seconds: float) -> dict[str, Any]:
    return {
        "settings": settings.as_dict(),
        "seconds": seconds,
        "versions": versions(),
        "error": error,
    }


# --- Handing out the work


@contextlib.contextmanager
def _local_workers(number: int) -> "Iterator[_Workers]":
    """Start workers on this machine; they end with this process, however it ends."""
    import dask
    from distributed import Client, LocalCluster
    from distributed.security import Security

    settings = {
        "distributed.scheduler.allowed-failures": MAX_DEATHS - 1,
        "distributed.worker.profile.enabled": False,  # it slows down TensorFlow's import by a fifth
    }
    with dask.config.set(settings), _block_sigint():
        try:
            cluster = LocalCluster(
                n_workers=number,
                threads_per_worker=1,
                memory_limit=None,  # the system's business, not a share of it for each worker
                security=Security.temporary(),
                dashboard_address="127.0.0.1:0",  # any free port: two sweeps may run at once
                silence_logs=logging.CRITICAL,
            )
        except RuntimeError as error:
            raise WorkbookError(
                f"The workers did not start ({_first_line(error)}). Each begins by importing the "
                "script that starts the sweep: there, let the call stand below "
                "`if __name__ == '__main__':`."
            ) from error
    client = Client(cluster)
    # To take TensorFlow apart at the end would cost each worker a second, and leave nothing behind
    # that is of use: the rows are on the disk.
    client.run(atexit.register, os._exit, 0)
    try:
        yield _Workers(client, "on this machine", functools.partial(cluster.scale, number))
    finally:  # what does not end in time ends with this process; the rows are on the disk
        for each in (client, cluster):
            with contextlib.suppress(TimeoutError):
                each.close()


@contextlib.contextmanager
def _block_sigint() -> Iterator[None]:
    """Let Ctrl-C wait until this is over, and never reach the processes that are started in it.

    A terminal sends it to all processes at once, but workers are ended by who started them. Threads
    and processes inherit from a thread which signals it does not listen to.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    _start_tracker()  # whose start, if it came later, would lift the block
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _workers_of(scheduler: str) -> "Iterator[_Workers]":
    """Use the workers of a cluster, which goes on without this process."""
    from distributed import Client

    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        client = Client(scheduler, timeout=CONNECT_SECONDS)
    except (OSError, ValueError, TypeError) as error:
        raise WorkbookError(
            f"No Dask scheduler answers at {shown(scheduler)}: give the address that `dask "
            "scheduler` prints when it starts, such as tcp://127.0.0.1:8786."
        ) from error
    with client:
        _check_versions(client, scheduler)
        yield _Workers(client, f"at {scheduler}", lambda: None)


def _check_versions(client: "Client", scheduler: str) -> None:
    """Refuse a cluster that has another workbook, or none: its workers would die or differ."""
    name = "simmim-workbook"
    # A function of Python itself, since there may be no workbook whose function could be called.
    here, ask, place = versions()[name], pkgutil.resolve_name, "simmim_lib:__version__"
    try:
        found = client.run(ask, place, on_error="return")
        found["the scheduler"] = client.run_on_scheduler(ask, place)
    except ImportError as error:
        found["the scheduler"] = error
    for who, there in found.items():
        if there != here and not isinstance(there, OSError):  # a worker that is just leaving
            what = "none" if isinstance(there, Exception) else there
            raise WorkbookError(
                f"Here is {name} {here}, but {who} of the cluster at {scheduler} has {what}: "
                "install the same version for the scheduler and all workers."
            )


def _start_tracker() -> None:
    """Start what cleans up after other processes, but without its warnings.

    It would tell of semaphores that workers left when they were ended, and clean them up anyway.
    """
    given = os.environ.get("PYTHONWARNINGS")
    quiet = "ignore:resource_tracker:UserWarning"
    os.environ["PYTHONWARNINGS"] = f"{given},{quiet}" if given else quiet
    try:
        resource_tracker.ensure_running()
    finally:
        if given is None:
            del os.environ["PYTHONWARNINGS"]
        else:
            os.environ["PYTHONWARNINGS"] = given


def _suitable_workers() -> int:
    from dask.system import CPU_COUNT  # both as far as this process may use them
    from distributed.system import MEMORY_LIMIT

    return max(1, min(CPU_COUNT, int(MEMORY_LIMIT / WORKER_MEMORY)))


class _Waiting:
    """Experiments in the order of their grid, through which workers go side by side.

    A worker goes on with what comes after its last experiment: neighbours in a grid differ in
    little, so what was compiled for one often serves the next. A worker that has no neighbour left
    takes over the second half of the longest stretch.
    """

    def __init__(self, experiments: Sequence[Settings]) -> None:
        self.left = dict(enumerate(experiments))
        self.taken: set[int] = set()  # the last place of each worker

    def take(self, last: int | None) -> tuple[int, Settings]:
        """Take out what a worker shall do next, and its place.

        Args:
            last: the place of what the worker did last; None for a new one.
        """
        if last is None:
            place = self._new_place()
        else:
            self.taken.discard(last)
            place = last + 1 if last + 1 in self.left else self._new_place()
        self.taken.add(place)
        return place, self.left.pop(place)

    def _new_place(self) -> int:
        starts = [place for place in self.left if place - 1 not in self.left]
        ends = [place for place in self.left if place + 1 not in self.left]
        start, end = max(zip(starts, ends, strict=True), key=lambda pair: pair[1] - pair[0])
        is_followed = start - 1 in self.taken  # by a worker, who will go on with it
        return (start + end + 1) // 2 if is_followed else start


@dataclass(frozen=True)
class _Attempt:
    """An experiment that was handed out, when, its place, and whether nothing else was."""

    settings: Settings
    place: int | None
    alone: bool
    start: float


@dataclass
class _Workers:
    """Some workers.

    Attributes:
        client: the way to them.
        place: where they are, in words.
        look_after: brings back those that died and did not come back by themselves.
    """

    client: "Client"
    place: str
    look_after: Callable[[], object]

    def outcomes(self, work: Work, experiments: Sequence[Settings]) -> Iterator[dict[str, Any]]:
        """Yield the rows of the experiments in the order in which they are done.

        No more is handed out than there are workers, so that a worker that dies takes little with
        it. Whose worker died several times is tried again at the end, alone: another experiment
        may have been to blame.

        Raises:
            WorkbookError: the scheduler went away or cannot pass the experiments on.
        """
        waiting, suspects = _Waiting(experiments), deque[Settings]()
        running: dict[Future, _Attempt] = {}
        free: list[int | None] = []  # what the workers did last that have nothing to do now
        while waiting.left or suspects or running:
            alone = not waiting.left and not running
            with self._connected():
                for _ in range(1 if alone else min(self._room(running), len(waiting.left))):
                    # The scheduler chooses the worker: one that is free.
                    last = free.pop() if free else None
                    place, settings = (None, suspects.popleft()) if alone else waiting.take(last)
                    future = self.client.submit(_attempt, work, settings, pure=False)
                    running[future] = _Attempt(settings, place, alone, time.perf_counter())
                finished = {future: self._outcome(future) for future in self._finished(running)}
            for future, row in finished.items():
                tried = running.pop(future)
                if row is not None:
                    free.append(tried.place)
                    yield row
                elif tried.alone:
                    reason = "Its worker died each time it was tried: perhaps for lack of memory?"
                    yield _failure(tried.settings, reason, time.perf_counter() - tried.start)
                else:
                    suspects.append(tried.settings)

    def _room(self, running: "dict[Future, _Attempt]") -> int:
        # Without a worker one experiment waits at the scheduler for the first to come.
        return max(len(self.client.nthreads()), 1) - len(running)

    def _finished(self, running: "dict[Future, _Attempt]") -> "list[Future]":
        """Wait until something is done, or for some time."""
        from distributed import wait

        try:
            wait(list(running), timeout=POLL_SECONDS, return_when="FIRST_COMPLETED")
        except TimeoutError:
            self.look_after()
            if self.client.status != "running":
                raise
        return [future for future in running if future.done()]

    def _outcome(self, future: "Future") -> dict[str, Any] | None:
        """Return a row, or nothing where the worker died."""
        from distributed import KilledWorker

        if future.status == "finished":
            return future.result()
        error = future.exception()  # raises where the scheduler has gone
        if isinstance(error, KilledWorker):
            return None
        raise WorkbookError(
            f"The workers {self.place} cannot be given an experiment ({_first_line(error)}): look "
            "at what they and their scheduler have printed."
        )

    @contextlib.contextmanager
    def _connected(self) -> Iterator[None]:
        try:
            yield
        except (OSError, CancelledError) as error:
            raise WorkbookError(
                f"The scheduler of the workers {self.place} has gone: start it and this sweep "
                "again, which then does what is missing."
            ) from error
