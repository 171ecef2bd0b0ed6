"""Sweeps: grids, rows on the disk, workers that die, and going on afterwards."""

import contextlib
import importlib
import itertools
import json
import os
import random
import re
import signal
import socket
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import sweep_worker
from distributed import Client
from distributed.security import Security

from simmim_lib import experiments
from simmim_lib.commands import cli
from simmim_lib.errors import WorkbookError
from simmim_lib.experiments.environment import versions
from simmim_lib.settings import Settings
from simmim_lib.sweeps import grids, rows, sweep
from simmim_lib.sweeps.rows import FILE_NAME, read

HERE = Path(__file__).parents[1]


# --- Grids


def grid(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "grid.yaml"
    path.write_text(text)
    return path


def test_a_grid_is_every_combination_of_its_values(tmp_path: Path) -> None:
    text = """
settings: {seeds: 2, frozen_layers: 0, steps: 7}
grid:
  source: [glyphs, none]
  targets: [mnist, [mnist, uci-digits]]
  learning_rate: [1e-3, 0.01]
  steps: [3]
"""
    common = {"seeds": 2, "frozen_layers": 0, "steps": 3}
    wanted = {
        Settings(source=source, targets=targets, learning_rate=rate, **common)
        for source in ("glyphs", None)
        for targets in (("mnist",), ("mnist", "uci-digits"))
        for rate in (0.001, 0.01)
    }
    found = grids.read(grid(tmp_path, text))
    assert len(found) == 8 and set(found) == wanted


@pytest.mark.slow
def test_a_sweep_goes_over_pretexts(tmp_path: Path) -> None:
    text = """
settings: {trunk: small-vit, source: fashion, targets: [fashion], steps: 2, seeds: 1}
grid: {pretext: [masked, contrastive, labels], labels_per_class: [2]}
"""
    experiments = grids.read(grid(tmp_path, text))
    assert sweep.run(experiments[:2], tmp_path / "out", workers=1).done == 2
    masked, contrastive = read(tmp_path / "out")
    assert [masked.settings.pretext, contrastive.settings.pretext] == ["masked", "contrastive"]
    assert masked.main_scores("fashion") != contrastive.main_scores("fashion")


def test_experiments_are_listed_one_by_one(tmp_path: Path) -> None:
    text = "settings: {seeds: 2}\nexperiments:\n- {steps: 3}\n- {source: none, seeds: 1}\n- {}\n"
    wanted = [Settings(seeds=2, steps=3), Settings(source=None, seeds=1), Settings(seeds=2)]
    assert grids.read(grid(tmp_path, text)) == wanted


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("settings: {strategy: multi-worker}\ngrid: {steps: [1]}", "experiments of their own"),
        ("grid: {stepz: [1]}", "'stepz'. Did you mean 'steps'?"),
        ("experiments: [{steps: 1}, {labels_per_clas: 1}]", "experiment 2: 'labels_per_clas'"),
        ("gird: {steps: [1]}", "Did you mean 'grid'?"),
        ("settings: {seeds: 1}", "either a `grid` of values or a list of `experiments`"),
        ("grid: {steps: [1]}\nexperiments: [{steps: 1}]", "give one"),
        ("grid: {}", "`grid` is an empty mapping"),
        ("grid: {steps: []}", "steps an empty list"),
        ("grid: {steps: 5}", "such as [5]"),
        ("experiments: []", "`experiments` is an empty list"),
        ("experiments: [3]", "`experiments, 1` is 3"),
        ("", "holds nothing"),
        ("- steps", "holds a list"),
        ("grid:\n  steps: [1\n  seeds: [2]", "line 3: this is not YAML"),
        ("grid:\n  steps: [1]\n  seeds: [1]\n  steps: [2]", "line 4: 'steps' is there already"),
        ("grid: {steps: [1.5]}", "steps is 1.5"),
        ("grid: {learning_rate: [fast]}", "learning_rate must be a number, but 'fast'"),
        ("grid: {class_prior: [3]}", "class_prior"),
        ("grid: {targets: [mnits]}", "'mnits'. Did you mean 'mnist'?"),
        ("grid: {source: [no]}", "Unknown dataset 'no'"),
        ("grid: {source: [false]}", "source is False, but must be the name of a dataset"),
        ("grid: {steps: [1:30]}", "steps must be a whole number, but '1:30' was given"),
        ("grid: {steps: [0b11]}", "steps must be a whole number, but '0b11' was given"),
        ("grid: {shared_heads: [on]}", "shared_heads 'on'"),
        ("grid: {seeds: [true]}", "seeds is True"),
        ("grid: {steps: [2026-01-01]}", "but '2026-01-01' was given"),
        ("grid: {learning_rate: [.nan]}", "learning_rate is nan"),
        ("grid: {frozen_layers: [1, 2], copied_layers: [1]}", "only 1 layers are copied"),
        ("grid: {steps: !!python/object/apply:os.getcwd []}", "line 1: this is not YAML"),
        ("a: &a [*a]", "or for themselves"),
        (f"grid: {{steps: &s {list(range(1, 400))}, seeds: *s}}", "159,201 experiments"),
    ],
)
def test_a_bad_grid_is_refused_in_a_sentence(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(WorkbookError, match=re.escape(told)) as caught:
        grids.read(grid(tmp_path, text))
    assert "\n" not in str(caught.value) and "grid.yaml" in str(caught.value)


def test_a_grid_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WorkbookError, match="No such file"):
        grids.read(tmp_path / "grid.yaml")


# --- Rows on the disk


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / FILE_NAME).open()]


def write(folder: Path, *rows: dict[str, Any], end: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    text = "".join(json.dumps(row) + "\n" for row in rows) + end
    (folder / FILE_NAME).write_text(text)
    return folder


def good(steps: int = 1, **changes: Any) -> dict[str, Any]:
    return {**sweep_worker.quick(Settings(steps=steps, seeds=2)), "error": None, **changes}


def of_old(accuracy: Any) -> dict[str, Any]:
    """Return a row as sweeps wrote it when they knew accuracies only."""
    row = good() | {"accuracy": accuracy}
    del row["scores"]
    return row


def test_rows_of_old_are_read(tmp_path: Path) -> None:
    (row,) = read(write(tmp_path, of_old({"mnist": [0.25, 0.5]})))
    assert row.measure("mnist") == "accuracy" and row.main_scores("mnist").tolist() == [0.25, 0.5]


def test_rows_with_a_setting_s_old_name_are_read(tmp_path: Path) -> None:
    row = good()
    old = {"strangers" if n == "foreign_images" else n: v for n, v in row["settings"].items()}
    assert old != row["settings"]
    (read_back,) = read(write(tmp_path, row | {"settings": old}))
    assert read_back.settings == sweep_worker.experiments(1)[0]


def test_the_budget_decides_nothing_but_the_number_of_seeds(tmp_path: Path) -> None:
    many = Settings(budget="full", steps=1)
    assert rows.identity(many).seeds == many.seeds == 10
    (row,) = read(write(tmp_path, {**sweep_worker.quick(many), "error": None}))
    assert row.settings == rows.identity(many)


def test_rows_are_read_back(tmp_path: Path) -> None:
    rows = read(write(tmp_path, good(1), good(2, error="no", scores={})))
    assert [row.settings for row in rows] == sweep_worker.experiments(2)
    assert [row.error for row in rows] == [None, "no"]
    assert rows[0].main_scores("mnist").tolist() == good(1)["scores"]["mnist"]["accuracy"]
    assert rows[0].seconds == 0.5 and rows[1].scores == {}


@pytest.mark.parametrize(
    "line",
    [
        "", "null", "[]", "3", '{"settings": {}}', "[" * 100_000, "\x00", '{"settings": 3}',
        json.dumps(good(settings={"stepz": 1})), json.dumps(good(settings={"class_prior": 1})),
        json.dumps(of_old({})), json.dumps(of_old({"mnist": [0.5]})),
        json.dumps(of_old({"mnist": [0.5, 1.5]})), json.dumps(good(error=3)),
        json.dumps(of_old({"mnist": [0.5, float("nan")]})),
        json.dumps(of_old({"mnist": ["a", "b"]})), json.dumps(good(seconds=float("inf"))),
        json.dumps(good(seconds=-1)), json.dumps(good(seconds="x")), json.dumps(good(versions=[])),
        json.dumps(of_old([1])), json.dumps(good(settings={"targets": [[1]]})),
    ],
)  # fmt: skip
def test_a_line_from_elsewhere_is_refused_with_its_number(tmp_path: Path, line: str) -> None:
    folder = write(tmp_path, good(), end=f"{line}\n")
    before = (folder / FILE_NAME).read_bytes()
    for use in (
        lambda: read(folder),
        lambda: sweep.run(sweep_worker.experiments(1), folder, work=sweep_worker.quick),
    ):
        with pytest.raises(WorkbookError, match=r"experiments\.jsonl, line 2: ") as caught:
            use()
        assert len(str(caught.value)) < 700 and "\n" not in str(caught.value)
    assert (folder / FILE_NAME).read_bytes() == before


@pytest.mark.parametrize(
    ("kind", "words"),
    [("pipe", "it is no plain file"), ("device", "it is a link to another place")],
)
def test_rows_that_never_end_are_not_waited_for(tmp_path: Path, kind: str, words: str) -> None:
    if kind == "pipe":
        os.mkfifo(tmp_path / FILE_NAME)
    else:
        (tmp_path / FILE_NAME).symlink_to("/dev/zero")
    for use in (
        lambda: read(tmp_path),
        lambda: sweep.run(sweep_worker.experiments(1), tmp_path, work=sweep_worker.quick),
    ):
        with pytest.raises(WorkbookError, match=words):
            use()


@pytest.mark.slow
def test_half_a_line_is_dropped_and_its_experiment_repeated(tmp_path: Path) -> None:
    folder = write(tmp_path, good(1), end=json.dumps(good(2))[:-30])
    assert len(read(folder)) == 1  # as `compare` sees a sweep that is writing
    tally = sweep.run(sweep_worker.experiments(2), folder, workers=1, work=sweep_worker.quick)
    assert (tally.before, tally.done) == (1, 1)
    assert lines(folder) == [good(1), good(2)]


# --- Sweeps


@pytest.mark.slow
@pytest.mark.floors
def test_a_sweep_runs_what_is_missing_once(tmp_path: Path) -> None:
    """Whatever the order, on two workers; rows of another grid stay."""
    wanted, told = sweep_worker.experiments(8), []
    write(tmp_path / "results", good(5), good(99))
    twice = [*wanted, wanted[0], wanted[3].replace(budget="full")]  # which chose the seeds only
    tally = sweep.run(
        twice,
        tmp_path / "results",
        workers=2,
        work=sweep_worker.quick,
        progress=lambda now: told.append(now.done),
    )
    assert (tally.asked, tally.before, tally.others, tally.failed, tally.done) == (8, 1, 1, 0, 7)
    assert str(tally) == (
        "8 of 8 experiments are done (1 before); 1 of other grids are in the same folder."
    )
    assert told == list(range(8))
    by_steps = {row["settings"]["steps"]: row for row in lines(tmp_path / "results")}
    assert by_steps == {steps: good(steps) for steps in [*range(1, 9), 99]}
    before = (tmp_path / "results" / FILE_NAME).read_bytes()
    again = sweep.run(wanted, tmp_path / "results", work=sweep_worker.quick)
    assert again.done == 0 and again.before == 8
    assert (tmp_path / "results" / FILE_NAME).read_bytes() == before


def take_all(number: int, order: list[str]) -> dict[str, list[int]]:
    """Return the numbers of steps that each worker takes, asked in this order again and again."""
    waiting, last = sweep._Waiting(sweep_worker.experiments(number)), dict.fromkeys(order)
    taken: dict[str, list[int]] = {worker: [] for worker in order}
    for worker in itertools.cycle(order):
        if not waiting.left:
            return taken
        last[worker], settings = waiting.take(last[worker])
        taken[worker].append(settings.steps)
    raise AssertionError


@pytest.mark.parametrize(
    ("cores", "memory", "workers"),
    [(8, 16e9, 8), (8, 16e9 - 1, 7), (8, 15.9e9, 7), (2, 64e9, 2), (4, 1e9, 1), (1, 2e9, 1)],
)
def test_there_are_as_many_workers_as_cores_and_as_memory_is_enough_for(
    monkeypatch: pytest.MonkeyPatch, cores: int, memory: float, workers: int
) -> None:
    monkeypatch.setattr("dask.system.CPU_COUNT", cores)
    monkeypatch.setattr("distributed.system.MEMORY_LIMIT", memory)
    assert sweep._suitable_workers() == workers


def test_workers_go_through_a_grid_side_by_side() -> None:
    """What is compiled for one experiment mostly serves its neighbour."""
    assert take_all(10, ["a"]) == {"a": [*range(1, 11)]}
    found = take_all(10, ["a", "b"])
    assert found == {"a": [1, 2, 3, 4, 5], "b": [6, 7, 8, 9, 10]}
    # One is three times as fast, and at last takes over what its colleague has not begun.
    found = take_all(10, ["a", "b", "b", "b"])
    assert found == {"a": [1, 2, 3], "b": [6, 7, 8, 9, 10, 4, 5]}


@pytest.mark.parametrize("workers", [1, 2, 3, 7, 40])
def test_every_experiment_is_taken_once_whoever_comes_and_goes(workers: int) -> None:
    order = random.Random(workers).choices(string.ascii_letters[:workers], k=100)
    taken = take_all(33, order)
    assert sorted(itertools.chain(*taken.values())) == list(range(1, 34))


@pytest.mark.slow
@pytest.mark.floors
def test_workers_on_this_machine_listen_to_nobody_without_their_key(tmp_path: Path) -> None:
    """Dask runs whatever functions it is sent, and loopback is open to every user."""
    with sweep._local_workers(1) as ready:
        scheduler = ready.client.scheduler.address
        (worker,) = ready.client.scheduler_info()["workers"]
        for address in (scheduler, worker):
            host, port = address.removeprefix("tls://").rsplit(":", 1)
            assert address.startswith("tls://") and host == "127.0.0.1"
            for stranger in (Security(), Security.temporary()):
                plain = f"tcp://{host}:{port}"
                asked = address if stranger.require_encryption else plain
                with pytest.raises((OSError, TypeError)):
                    Client(asked, security=stranger, timeout=2)
        assert ready.client.submit(os.getpid).result() != os.getpid()


@pytest.mark.slow
def test_failures_are_recorded_and_tried_again_when_asked(tmp_path: Path) -> None:
    wanted = sweep_worker.experiments(3)
    tally = sweep.run(wanted, tmp_path, workers=1, work=sweep_worker.failing)
    assert (tally.done, tally.failed) == (3, 1)
    (failed,) = [row for row in lines(tmp_path) if row["error"]]
    assert failed["settings"]["steps"] == 2
    assert failed["error"] == "ZeroDivisionError: no"
    assert failed["seconds"] < 5 and failed["versions"] == versions()
    assert sweep.run(wanted, tmp_path, work=sweep_worker.quick).failed == 1
    tally = sweep.run(wanted, tmp_path, workers=1, retry=True, work=sweep_worker.quick)
    assert (tally.before, tally.done, tally.failed) == (2, 1, 0)
    assert sorted(row["settings"]["steps"] for row in lines(tmp_path)) == [1, 2, 3]


@pytest.mark.slow
def test_what_kills_its_worker_is_recorded_and_the_rest_go_on(tmp_path: Path) -> None:
    tally = sweep.run(sweep_worker.experiments(8), tmp_path, workers=2, work=sweep_worker.deadly)
    assert (tally.done, tally.failed) == (8, 2)
    for row in lines(tmp_path):
        deadly = row["settings"]["steps"] % 3 == 0
        assert ("worker died" in row["error"]) if deadly else row["error"] is None


@pytest.mark.slow
def test_what_kills_its_worker_is_tried_twice_in_company_and_twice_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(sweep_worker.MARKS, str(tmp_path))
    experiments = sweep_worker.experiments(1)
    tally = sweep.run(experiments, tmp_path / "results", workers=1, work=sweep_worker.counted)
    assert (tally.done, tally.failed) == (1, 1)
    assert len((tmp_path / "deaths").read_text()) == 4


@pytest.mark.slow
def test_a_second_sweep_is_refused_and_a_dead_one_leaves_no_lock(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from simmim_lib.sweeps import rows\n"
        "with rows.locked(Path(sys.argv[1])): print('in', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None and first.stdout.readline() == "in\n"
        with pytest.raises(WorkbookError, match="Another sweep is writing into"):
            sweep.run(sweep_worker.experiments(1), tmp_path, work=sweep_worker.quick)
        first.kill()
    assert sweep.run(sweep_worker.experiments(1), tmp_path, work=sweep_worker.quick).done == 1


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere/to be found")
    for name in ("file", "link"):
        words = rf"Cannot write into .*{name} \(it is no folder\)"
        with pytest.raises(WorkbookError, match=words):
            sweep.run(sweep_worker.experiments(1), tmp_path / name, work=sweep_worker.quick)


@pytest.mark.floors
@pytest.mark.parametrize("trap", ["link", "link to nothing yet", "pipe", "folder"])
@pytest.mark.parametrize("name", [FILE_NAME, ".lock"])
def test_what_waits_in_somebody_else_s_results_is_not_written_to(
    tmp_path: Path, name: str, trap: str
) -> None:
    folder, victim = tmp_path / "results", tmp_path / "victim"
    folder.mkdir()
    if trap == "link":
        victim.write_text("mine")
    if trap == "pipe":
        os.mkfifo(folder / name)
    elif trap == "folder":
        (folder / name).mkdir()
    else:
        (folder / name).symlink_to(victim)
    if name == ".lock" and trap == "pipe":
        return  # locked like any other file, and never read
    with pytest.raises(WorkbookError, match="results") as caught:
        sweep.run(sweep_worker.experiments(1), folder, workers=1, work=sweep_worker.quick)
    assert "\n" not in str(caught.value)
    assert victim.read_text() == "mine" if trap == "link" else not victim.exists()


def test_a_link_is_not_read_as_results(tmp_path: Path) -> None:
    write(tmp_path / "real", good())
    (tmp_path / FILE_NAME).symlink_to(tmp_path / "real" / FILE_NAME)
    with pytest.raises(WorkbookError, match=r"cannot be read .it is a link to another place"):
        read(tmp_path)


def test_a_row_that_cannot_be_written_any_more_is_somewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the disk is full after an hour of training."""
    (tmp_path / "spare").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "spare"))
    folder = tmp_path / "results"
    write(folder, good(1))
    row = good(2)

    def fsync(handle: int) -> None:
        if "spare" not in os.readlink(f"/proc/self/fd/{handle}"):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(WorkbookError, match=r"Cannot write into .*No space left") as caught:
        rows.append(folder, row)
    (kept,) = (tmp_path / "spare").rglob(FILE_NAME)
    assert str(kept) in str(caught.value) and lines(kept.parent) == [row]


@pytest.mark.parametrize("package", ["cryptography", "distributed", "filelock"])
def test_a_missing_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(WorkbookError, match=f"needs the package {package}.*pip install"):
        sweep.run(sweep_worker.experiments(1), tmp_path)
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(WorkbookError, match="pip install pyyaml"):
        grids.read(tmp_path)


@pytest.mark.slow
def test_a_script_that_its_workers_cannot_import_is_told_so(tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    script.write_text(
        "from simmim_lib import Settings\nfrom simmim_lib.sweeps import sweep\n\n"
        "sweep.run([Settings()], 'results', workers=1)\n"
    )
    command = [sys.executable, script.name]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert "The workers did not start" in last and "if __name__ == '__main__':" in last


# --- A cluster


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


Start = Callable[..., subprocess.Popen]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start Dask's own commands, and stop them afterwards."""
    running: list[subprocess.Popen] = []

    def begin(*words: str, **environment: str) -> subprocess.Popen:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        command = [sys.executable, "-m", "dask", *words]
        own = {**os.environ, **environment}
        running.append(subprocess.Popen(command, cwd=tmp_path, env=own, **quiet))
        return running[-1]

    yield begin
    for process in running:
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
        process.kill()
        process.wait()


@pytest.mark.slow
def until_listening(host: str, port: int, seconds: float = 100) -> None:
    """Wait for a process that has been started; a busy machine takes its time."""
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection((host, port), 1).close()
            return
        except OSError:
            assert time.monotonic() < end, "it never listened"
            time.sleep(0.2)


@pytest.mark.slow
def test_a_running_cluster_is_used_and_its_end_noticed(
    tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"tcp://127.0.0.1:{free_port()}"
    options = {"scheduler": address, "work": sweep_worker.quick}
    few, many = sweep_worker.experiments(4), sweep_worker.experiments(500)
    with pytest.raises(WorkbookError, match=r"No Dask scheduler answers at 'tcp:.*dask scheduler"):
        sweep.run(few, tmp_path, **options)
    host, port = address.removeprefix("tcp://").split(":")
    place = ("--host", host, "--port", port)
    scheduler = start("scheduler", *place, "--no-dashboard", PYTHONPATH=str(HERE))
    start("worker", address, "--nworkers", "2", "--no-dashboard", PYTHONPATH=str(HERE))
    until_listening(host, int(port))
    assert sweep.run(few, tmp_path, **options).done == 4
    with monkeypatch.context() as patch:
        patch.setattr(sweep, "versions", lambda: {"simmim-workbook": "9.9"})
        with pytest.raises(WorkbookError, match=r"Here is simmim-workbook 9\.9, but .* has \d"):
            sweep.run(many, tmp_path, **options)
    (tmp_path / "away").mkdir()
    (tmp_path / "away" / "elsewhere.py").write_text((HERE / "sweep_worker.py").read_text())
    monkeypatch.syspath_prepend(tmp_path / "away")  # of this process, but not of the cluster
    with pytest.raises(WorkbookError, match=r"cannot be given an experiment .*RuntimeError"):
        unknown = importlib.import_module("elsewhere").quick
        sweep.run(many, tmp_path, scheduler=address, work=unknown)

    def stop_scheduler(tally: sweep.Tally) -> None:
        if tally.done == 5:
            scheduler.kill()

    with pytest.raises(WorkbookError, match="has gone: start it and this sweep again"):
        sweep.run(many, tmp_path, **options, progress=stop_scheduler)
    done = len(lines(tmp_path))
    assert 9 <= done < 20
    assert {row["settings"]["steps"]: row for row in lines(tmp_path)} == {
        row["settings"]["steps"]: good(row["settings"]["steps"]) for row in lines(tmp_path)
    }


@pytest.mark.parametrize("address", ["nonsense", "http://127.0.0.1:1", "tcp:/x"])
def test_what_is_no_address_is_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(WorkbookError, match="No Dask scheduler answers at"):
        sweep.run(sweep_worker.experiments(1), tmp_path, scheduler=address)


# --- Killing


class Killer:
    """Starts sweeps into a folder and kills what belongs to them, at random moments."""

    def __init__(self, folder: Path, marks: Path, number: int, seed: int) -> None:
        self.folder, self.marks, self.number = folder, marks, number
        self.random = random.Random(seed)
        self.kills: dict[str, int] = {"worker": 0, "client": 0, "whole": 0}

    def start(self) -> subprocess.Popen:
        command = [sys.executable, sweep_worker.__file__, str(self.folder), str(self.number)]
        own = {**os.environ, sweep_worker.MARKS: str(self.marks)}
        return subprocess.Popen(command, env=own, start_new_session=True)

    def worker(self, client: subprocess.Popen) -> None:
        """Kill a worker in the middle of an experiment."""
        while client.poll() is None:
            time.sleep(self.random.uniform(0, 0.3))
            if marks := sorted(self.marks.iterdir()):
                victim = self.random.choice(marks)
                victim.unlink(missing_ok=True)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(victim.name), signal.SIGKILL)
                    self.kills["worker"] += 1
                    return

    def client(self, client: subprocess.Popen) -> None:
        if client.poll() is None:
            client.kill()
            self.kills["client"] += 1

    def whole(self, client: subprocess.Popen) -> None:
        if client.poll() is None:
            os.killpg(client.pid, signal.SIGKILL)
            self.kills["whole"] += 1

    def cut(self) -> None:
        """Leave half a line, as a machine does that loses its power while it writes."""
        path = self.folder / FILE_NAME
        if path.exists():
            *_, last = [b"", *path.read_bytes().splitlines(keepends=True)]
            os.truncate(path, path.stat().st_size - self.random.randint(0, max(len(last) - 1, 0)))


@pytest.mark.slow
def test_after_kills_at_random_moments_the_results_are_those_of_an_undisturbed_sweep(
    tmp_path: Path,
) -> None:
    (marks := tmp_path / "marks").mkdir()
    number = 240
    killer = Killer(tmp_path / "disturbed", marks, number, seed=7)
    for turn in range(11):
        client = killer.start()
        if turn % 4 == 3:  # while it starts
            time.sleep(killer.random.uniform(0.2, 2.5))
        else:
            killer.worker(client)
            time.sleep(killer.random.uniform(0, 0.6))
        (killer.client if turn % 2 else killer.whole)(client)
        client.wait()
        killer.cut()
        time.sleep(0.2)  # orphaned workers notice that they are
        for mark in marks.iterdir():
            mark.unlink(missing_ok=True)
    last = killer.start()
    for _ in range(5):
        killer.worker(last)
        time.sleep(killer.random.uniform(0.2, 1))
    assert last.wait(60) == 0
    assert sum(killer.kills.values()) >= 20 and min(killer.kills.values()) >= 4, killer.kills
    undisturbed = Killer(tmp_path / "undisturbed", marks, number, seed=0)
    assert undisturbed.start().wait(60) == 0

    def by_steps(folder: Path) -> list[dict[str, Any]]:
        return sorted(lines(folder), key=lambda row: row["settings"]["steps"])

    assert by_steps(killer.folder) == by_steps(undisturbed.folder)
    assert [row["settings"]["steps"] for row in by_steps(killer.folder)] == list(
        range(1, number + 1)
    )


@pytest.mark.slow
def test_all_workers_may_die_at_once(tmp_path: Path) -> None:
    (marks := tmp_path / "marks").mkdir()
    killer = Killer(tmp_path / "results", marks, number=80, seed=0)
    client = killer.start()
    victims: list[Path] = []
    while len(victims) < 2 and client.poll() is None:
        victims = list(marks.iterdir())
    for victim in victims:
        os.kill(int(victim.name), signal.SIGKILL)
    assert len(victims) == 2 and client.wait(60) == 0
    assert sorted(row["settings"]["steps"] for row in lines(killer.folder)) == list(range(1, 81))


# --- Real experiments, by the command


NOTES_OF_TENSORFLOW = ("WARNING: All log messages before", "I0000 ")
"""Version 2.20 lets no setting stop them."""

REAL = """
settings: {targets: [uci-digits], labels_per_class: 2, steps: 12, seeds: 2}
grid: {source: [none, glyphs], labels_per_class: [2, 600]}
"""


@pytest.mark.slow
@pytest.mark.floors
def test_the_command_sweeps_and_compares(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real training in workers gives the numbers that it gives here."""
    monkeypatch.chdir(tmp_path)
    path = grid(tmp_path, REAL)
    assert cli.main(["sweep", str(path), "--workers", "2"]) == 1
    output, errors = capfd.readouterr()
    assert "4 of 4 experiments are done (2 failed).\n" in output
    assert not [line for line in errors.splitlines() if not line.startswith(NOTES_OF_TENSORFLOW)]
    rows = read("results")
    assert len(rows) == 4
    for row in rows:
        if row.settings.labels_per_class == 600:
            assert row.error is not None and "labels_per_class is 600" in row.error
            continue
        here = experiments.run(row.settings, baseline=False, progress=lambda done, total: None)
        np.testing.assert_allclose(
            row.main_scores("uci-digits"), here.accuracy["uci-digits"], atol=1e-6, rtol=0
        )
    assert cli.main(["compare", "results"]) == 0
    assert (tmp_path / "results" / "comparison.html").is_file()


@pytest.mark.slow
def test_ctrl_c_ends_cleanly_and_says_how_to_go_on(tmp_path: Path) -> None:
    path = grid(tmp_path, "grid: {steps: [999999, 1000000], source: [none], seeds: [1]}")
    command = [sys.executable, "-m", "simmim_lib", "sweep", str(path), "--workers", "2"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, cwd=tmp_path, start_new_session=True, **pipes)
    sweeping = psutil.Process(process.pid)
    deadline = time.monotonic() + 60

    def busy() -> bool:  # TensorFlow needs far more memory than Dask
        return sum(child.memory_info().rss > 3e8 for child in sweeping.children(True)) == 2

    while not busy() and time.monotonic() < deadline:
        time.sleep(0.2)
    workers = sweeping.children(recursive=True)
    try:
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
        output, errors = process.communicate(timeout=60)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 130
    assert output == ""
    assert errors == "\n0 of 2 experiments are done.\nThe same command goes on from here.\n"
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert not alive
