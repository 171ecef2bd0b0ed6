"""The doctor names what is missing and how to fix it; the rest of the machine is faked."""

import importlib.metadata
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from simmim_lib import datasets
from simmim_lib.commands import doctor
from simmim_lib.errors import WorkbookError
from simmim_lib.foundation import directories

REAL_VERSION = importlib.metadata.version


def fake_versions(monkeypatch: pytest.MonkeyPatch, **fakes: str | None) -> None:
    """Pretend that packages have other versions, or (None) are missing."""

    def version(package: str) -> str:
        found = fakes.get(package.replace("-", "_"), REAL_VERSION)
        if found is None:
            raise importlib.metadata.PackageNotFoundError(package)
        return REAL_VERSION(package) if found is REAL_VERSION else found

    monkeypatch.setattr(importlib.metadata, "version", version)


def look(what: str) -> doctor.Finding:
    return doctor._look(what, doctor.LOOKS[what])


@pytest.mark.slow
def test_this_environment_is_healthy() -> None:
    findings = {finding.what: finding for finding in doctor.check()}
    assert list(findings) == [*doctor.LOOKS, "TensorFlow", "GPU", "Keras"]
    assert [finding for finding in findings.values() if not finding.ok] == []
    assert findings["TensorFlow"].sentence == REAL_VERSION("tensorflow")
    assert findings["Python"].sentence == sys.version.split()[0]
    assert doctor.report(list(findings.values())).endswith("All is well.")


@pytest.mark.slow
def test_missing_and_old_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_versions(monkeypatch, scipy=None, matplotlib="3.7.5")
    finding = look("Packages")
    assert not finding.ok
    assert "scipy is missing, " in finding.sentence or ", scipy is missing" in finding.sentence
    assert "matplotlib 3.7.5 is not >=3.9" in finding.sentence
    assert "make lab" in finding.sentence


def test_tools_of_the_tests_are_no_requirement(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_versions(monkeypatch, pytest=None, papermill=None, torch=None)
    assert look("Packages").ok


def test_a_package_without_which_nothing_can_be_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "packaging.requirements", None)
    finding = look("Packages")
    assert not finding.ok and "packaging" in finding.sentence


@pytest.mark.parametrize(
    ("widgets", "manager", "lab", "ok"),
    [
        ("8.1.9", "3.0.17", "4.6.6", True),
        ("7.7.1", "1.1.1", "3.6.0", True),
        ("7.7.1", "3.0.16", "4.6.6", False),
        ("8.1.9", "1.1.1", "4.6.6", False),
        ("8.1.9", None, "4.6.6", False),
        ("7.7.1", "3.0.16", None, True),  # Colab shows widgets by itself
        (None, "3.0.17", "4.6.6", False),
    ],
)
def test_widgets_need_their_manager(
    monkeypatch: pytest.MonkeyPatch,
    widgets: str | None,
    manager: str | None,
    lab: str | None,
    ok: bool,
) -> None:
    fake_versions(monkeypatch, ipywidgets=widgets, jupyterlab_widgets=manager, jupyterlab=lab)
    finding = look("Widgets")
    assert finding.ok is ok
    assert ok or "pip install" in finding.sentence


def test_an_old_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 13, "final", 0))
    finding = look("Python")
    assert (
        not finding.ok and "3.10.13 is too old" in finding.sentence and "3.11" in finding.sentence
    )


def test_damaged_data(monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged() -> None:
        raise WorkbookError("Data file mnist.npz is damaged; reinstall.")

    monkeypatch.setattr(datasets, "verify", damaged)
    assert look("Data") == doctor.Finding(
        "Data", False, "Data file mnist.npz is damaged; reinstall."
    )


def test_a_cache_folder_that_does_not_exist_yet_is_not_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(directories, "cache_directory", lambda: tmp_path / "a" / "b")
    assert look("Cache").ok
    assert list(tmp_path.iterdir()) == []


def test_a_cache_folder_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**where: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    finding = look("Cache")
    assert not finding.ok
    assert "Read-only file system" in finding.sentence and "SIMMIM_CACHE" in finding.sentence


@pytest.mark.parametrize("name", ["SIMMIM_CACHE", "SIMMIM_DATA_DIR"])
def test_a_cache_in_a_home_that_there_is_not(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "~nobody-of-this-name/cache")
    finding = look("Cache")
    assert not finding.ok and name in finding.sentence and "home" in finding.sentence


def test_too_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 250_000}.get)
    finding = look("Machine")
    assert not finding.ok and "1 GB of memory; 2 GB are needed" in finding.sentence


def test_an_unknown_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMMIM_BUDGET", "fulll")
    finding = look("Budget")
    assert not finding.ok and "SIMMIM_BUDGET" in finding.sentence and "'full'" in finding.sentence


@pytest.mark.parametrize("required", ["", "1"])
def test_no_browser(monkeypatch: pytest.MonkeyPatch, required: str) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setenv("SIMMIM_REQUIRE_BROWSER", required)
    finding = look("Browser for tests")
    assert finding.ok is not bool(required)
    assert "apt install chromium" in finding.sentence


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGILL)", "AVX"),
        ("raise ImportError('libcuda is older than this')", "libcuda is older than this"),
    ],
)
def test_a_tensorflow_that_fails_does_not_take_the_kernel_along(program: str, reason: str) -> None:
    command = [sys.executable, "-c", program]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as probe:
        (finding,) = doctor._tensorflow(probe)
    assert not finding.ok and reason in finding.sentence and "pip install" in finding.sentence


@pytest.mark.parametrize(
    ("problem", "backend", "told"),
    [
        ("", "tensorflow", "computing with TensorFlow"),
        ("", "jax", "compute with 'jax', but the workbook"),
        ("Invalid `floatx` configuration.", "tensorflow", "delete its file keras.json"),
    ],
)
def test_a_keras_that_is_set_up_for_other_work(
    monkeypatch: pytest.MonkeyPatch, problem: str, backend: str, told: str
) -> None:
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    monkeypatch.setenv("KERAS_BACKEND", backend)
    ok, sentence = doctor._keras(problem)
    assert ok is (told == "computing with TensorFlow") and told in sentence


@pytest.mark.slow
@pytest.mark.colab
def test_the_doctor_looks_at_keras_even_where_it_cannot_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "keras.json").write_text('{"floatx": "bfloat16"}')
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (finding,) = [finding for finding in doctor.check() if finding.what == "Keras"]
    assert not finding.ok and "delete its file keras.json" in finding.sentence


def test_the_report_points_at_what_needs_fixing() -> None:
    good, bad = doctor.Finding("A", True, "fine"), doctor.Finding("B", False, "gone; fix it.")
    assert doctor.report([good, bad]).splitlines() == [
        "ok   A: fine",
        "FIX  B: gone; fix it.",
        "1 thing needs fixing, see FIX above.",
    ]
