"""Look over the environment, and say in words what is missing and how to fix it."""

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from simmim_lib.errors import WorkbookError
from simmim_lib.foundation import directories, home, keras_setup, machine, packages

PACKAGE = "simmim-workbook"
OLDEST_PYTHON = (3, 11)
SMALLEST_MEMORY = 2.0  # gigabytes: a lesson's process grows to somewhat more than one
WIDGET_MANAGER = {7: 1, 8: 3}  # major version of ipywidgets -> that of jupyterlab-widgets
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")

_TENSORFLOW_PROBE = """
import json, os
os.environ["KERAS_BACKEND"] = "tensorflow"  # what it is set to is looked at elsewhere
problem = ""
try:
    import keras
except Exception as error:
    problem = str(error) or type(error).__name__
    os.environ["KERAS_HOME"] = os.devnull  # TensorFlow stumbles over the same file, without a word
import tensorflow
gpus = [gpu.name for gpu in tensorflow.config.list_physical_devices("GPU")]
print(json.dumps([tensorflow.__version__, gpus, problem]))
"""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: its name.
        ok: whether the lessons can work with it.
        sentence: what was found and, unless all is well, how to fix it.
    """

    what: str
    ok: bool
    sentence: str


def check() -> list[Finding]:
    """Look at everything the lessons need; takes about as long as one import of TensorFlow."""
    tensorflow = subprocess.Popen(  # works while the rest is looked at; a crash stays its own
        [sys.executable, "-c", _TENSORFLOW_PROBE],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with tensorflow:
        findings = [_look(what, look) for what, look in LOOKS.items()]
        return findings + _tensorflow(tensorflow)


def report(findings: Sequence[Finding] | None = None) -> str:
    """Return the findings as text, one line each.

    Args:
        findings: what to tell; by default what `check` finds.
    """
    findings = check() if findings is None else findings
    wrong = sum(not finding.ok for finding in findings)
    lines = [f"{'ok ' if f.ok else 'FIX'}  {f.what}: {f.sentence}" for f in findings]
    things = "thing needs" if wrong == 1 else "things need"
    last = f"{wrong} {things} fixing, see FIX above." if wrong else "All is well."
    return "\n".join([*lines, last])


def _look(what: str, look: "Look") -> Finding:
    try:
        return Finding(what, *look())
    except ImportError as error:
        return Finding(what, False, f"cannot be looked at before {error.name} is installed.")


def _python() -> tuple[bool, str]:
    version = ".".join(map(str, sys.version_info[:3]))
    oldest = ".".join(map(str, OLDEST_PYTHON))
    if sys.version_info[:2] >= OLDEST_PYTHON:
        return True, version
    advice = f"install Python {oldest} or newer, remove .venv and run `make lab`."
    return False, f"{version} is too old; {advice}"


def _packages() -> tuple[bool, str]:
    """Compare what is installed with what the package says it needs."""
    from packaging.requirements import Requirement

    advice = "run `make lab`, or on Colab the setup cell, and restart the kernel."
    try:
        stated = importlib.metadata.requires(PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        return False, f"{PACKAGE} itself is not installed; {advice}"
    wanted = [Requirement(text) for text in stated]
    wanted = [need for need in wanted if not need.marker or need.marker.evaluate({"extra": ""})]
    wrong = []
    for need in wanted:
        version = packages.version(need.name)
        if version is None:
            wrong.append(f"{need.name} is missing")
        elif not need.specifier.contains(version, prereleases=True):
            wrong.append(f"{need.name} {version} is not {need.specifier}")
    if wrong:
        return False, f"{', '.join(wrong)}; {advice}"
    return True, f"all {len(wanted)} are there and new enough"


def _widgets() -> tuple[bool, str]:
    """Compare ipywidgets with the JupyterLab extension that shows its widgets."""
    ipywidgets, manager = packages.version("ipywidgets"), packages.version("jupyterlab-widgets")
    if ipywidgets is None:
        advice = "run `python -m pip install ipywidgets` and restart the kernel."
        return False, f"ipywidgets is missing; {advice}"
    if packages.version("jupyterlab") is None:
        return True, f"ipywidgets {ipywidgets}, shown by this notebook's host"
    needed = WIDGET_MANAGER.get(int(ipywidgets.split(".")[0]))
    pair = f"ipywidgets {ipywidgets} with jupyterlab-widgets {manager or '(none)'}"
    if manager and (needed is None or int(manager.split(".")[0]) == needed):
        return True, pair
    command = "python -m pip install --upgrade ipywidgets jupyterlab-widgets"
    return False, f"{pair} shows no widgets; run `{command}` and start JupyterLab again."


def _data() -> tuple[bool, str]:
    from simmim_lib import datasets

    try:
        files = datasets.verify()
    except WorkbookError as error:
        return False, str(error)
    return True, f"{len(files)} files are there and intact"


def _cache() -> tuple[bool, str]:
    try:
        folder, _ = directories.cache_directory(), directories.fetched_directory()
    except WorkbookError as error:
        return False, f"SIMMIM_CACHE or SIMMIM_DATA_DIR is not usable: {error}"
    existing = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
    try:
        tempfile.TemporaryFile(dir=existing).close()
    except OSError as error:
        advice = "set SIMMIM_CACHE to a folder that you can write to."
        where = home.shortened(folder)
        return False, f"{where} cannot be written ({error.strerror}) for downloads; {advice}"
    return True, f"downloads go to {home.shortened(folder)}"


def _machine() -> tuple[bool, str]:
    cores = machine.cores()
    text = f"{cores} processor core{'s' if cores != 1 else ''}"
    if not hasattr(os, "sysconf"):  # Windows
        return True, text
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    text = f"{text}, {memory:.0f} GB of memory"
    if memory < SMALLEST_MEMORY:
        advice = "use a larger machine or Colab."
        return False, f"{text}; {SMALLEST_MEMORY:.0f} GB are needed: {advice}"
    return True, text


def _budget() -> tuple[bool, str]:
    from simmim_lib.settings import BUDGETS, Settings

    try:
        budget = Settings().budget
    except WorkbookError as error:
        return False, f"SIMMIM_BUDGET is not usable: {error}"
    return True, f"{budget} ({BUDGETS[budget]})"


def _browser() -> tuple[bool, str]:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found:
        return True, Path(found).name
    required = bool(os.environ.get("SIMMIM_REQUIRE_BROWSER"))
    use = "the browser test, which is required here," if required else "only the browser test"
    advice = "on Debian, `apt install chromium fonts-dejavu-core` provides one."
    return not required, f"none; {use} needs one: {advice}"


def _tensorflow(probe: subprocess.Popen[str]) -> list[Finding]:
    """Wait for the process that imports TensorFlow, and tell what it saw."""
    output, errors = probe.communicate()
    if probe.returncode == 0:
        version, gpus, problem = json.loads(output.splitlines()[-1])
        graphics = ", ".join(gpus) or "none; the quick budget needs none"
        found = [Finding("TensorFlow", True, version), Finding("GPU", True, graphics)]
        return [*found, Finding("Keras", *_keras(problem))]
    advice = "run `python -m pip install --force-reinstall tensorflow` and restart the kernel."
    if probe.returncode < 0:
        reason = f"it ended with signal {-probe.returncode}"
        advice = f"processors without AVX cannot run it; {advice}"
    else:
        reason = errors.strip().splitlines()[-1]
    return [Finding("TensorFlow", False, f"it cannot be imported ({reason}); {advice}")]


def _keras(problem: str) -> tuple[bool, str]:
    """Tell whether Keras can be used: that it is there, and computes with TensorFlow.

    Args:
        problem: why it cannot be imported, "" if it can.
    """
    if problem:
        return False, keras_setup.why_not(problem)
    try:
        keras_setup.check_backend()
    except WorkbookError as error:
        return False, str(error)
    return True, f"{packages.version('keras')}, computing with TensorFlow"


Look = Callable[[], tuple[bool, str]]
LOOKS: dict[str, Look] = {
    "Python": _python,
    "Packages": _packages,
    "Widgets": _widgets,
    "Data": _data,
    "Cache": _cache,
    "Machine": _machine,
    "Budget": _budget,
    "Browser for tests": _browser,
}
