"""Versions of packages, under whichever name they were installed."""

import contextlib
import importlib.metadata
import sys
from pathlib import Path

import pytest

from simmim_lib.commands import doctor
from simmim_lib.experiments import environment
from simmim_lib.foundation import packages

REAL_VERSION = importlib.metadata.version


def install(monkeypatch: pytest.MonkeyPatch, **others: str | None) -> None:
    """Pretend that modules come from packages of other names, or (None) lie on the path only."""
    names = {module.replace("_", "-"): package for module, package in others.items()}

    def version(name: str) -> str:
        if name in names:
            raise importlib.metadata.PackageNotFoundError(name)
        return "2.99" if name in names.values() else REAL_VERSION(name)

    by_module = {module: [package] for module, package in names.items() if package}
    monkeypatch.setattr(importlib.metadata, "version", version)
    monkeypatch.setattr(packages, "_packages_by_module", lambda: by_module)


@pytest.mark.parametrize(
    "name",
    ["tensorflow-cpu", "tf-nightly", "tf-nightly-cpu", "tensorflow-rocm", "intel-tensorflow"],
)
def test_tensorflow_may_have_another_name(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    install(monkeypatch, tensorflow=name)
    assert environment.versions()["tensorflow"] == "2.99"
    assert doctor._look("Packages", doctor.LOOKS["Packages"]).ok


@pytest.mark.parametrize("said", ["", "Name: \nVersion: \n", "Name: tensorflow\n"])
def test_what_an_interrupted_installation_left_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str
) -> None:
    with contextlib.suppress(ImportError):
        importlib.import_module("importlib_metadata")  # once imported, it finds packages, too
    left = tmp_path / "tensorflow-2.20.0.dist-info"
    left.mkdir()
    (left / "RECORD").write_text("tensorflow/__init__.py,,\n")
    (left / "METADATA").write_text(said)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.setattr(packages, "_packages_by_module", packages._packages_by_module.__wrapped__)
    assert packages.version("tensorflow") is None


def test_what_only_lies_on_the_path_trains_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, tensorflow=None, keras=None, simmim_workbook=None)
    monkeypatch.setattr(environment, "__version__", "0+unknown")
    found = environment.versions()
    assert (found["tensorflow"], found["keras"]) == ("unknown", "unknown")
    assert found["simmim-workbook"] == "0+unknown"
    finding = doctor._look("Packages", doctor.LOOKS["Packages"])
    assert not finding.ok and "tensorflow is missing" in finding.sentence
