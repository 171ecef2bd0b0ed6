"""What all tests share: the notebook builder is importable, and notebooks run on this Python."""

import os
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "notebooks")]

# A shell's background jobs begin deaf to Ctrl-C, and so would all that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A machine that is busy with something else is no failure, and a change is judged by what it did,
# not by what chance tried today; with more tries than usual, others each time.
settings.register_profile(
    "patient",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="SIMMIM_FUZZ" not in os.environ,
)
settings.load_profile("patient")


LONGEST = [
    *("test_notebook_runs.py", "test_notebook_runs_further.py", "test_browser.py"),
    *("reports/test_report.py", "sweeps/test_sweep.py", "teaching/test_checking.py"),
    *("test_anything.py", "docs/test_site.py"),
]
"""Files that take a minute or more, by few tests."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files, then those with most slow tests.

    Two workers, which take a file at a time, then end at about the same time.
    """
    place = {ROOT / "tests" / name: number for number, name in enumerate(LONGEST)}
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: (place.get(item.path, len(place)), -slow[item.path]))


@pytest.fixture
def this_kernel(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a notebook's "python3" be the Python that runs the tests, with the quick budget."""
    import build

    monkeypatch.setenv("SIMMIM_BUDGET", "quick")
    with build.this_python_as_kernel():
        yield


@pytest.fixture(scope="module")
def chromium() -> "Iterator[Browser]":
    """Start a browser; skip where there is none, unless SIMMIM_REQUIRE_BROWSER asks for one."""
    browser = pytest.importorskip("browser", reason="the browser's driver is not installed")
    if not browser.find_browser() and not os.environ.get("SIMMIM_REQUIRE_BROWSER"):
        pytest.skip("there is no Chromium")
    with browser.chromium() as opened:
        yield opened


@pytest.fixture
def short_way_first(request: pytest.FixtureRequest) -> bool:
    """Tell how lessons are run: in their order, or, with Colab's versions, the short way first."""
    return request.config.getoption("markexpr") == "colab"


@pytest.fixture
def spare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the system's folder for temporary files, which is one of the test's own."""
    folder = tmp_path / "spare"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder
