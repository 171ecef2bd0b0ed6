"""Processes that tests start."""

import os
import subprocess
import sys

import pytest


def finish(*processes: subprocess.Popen, seconds: float) -> None:
    """Wait until all have ended well; whatever happens, none is left running."""
    try:
        for process in processes:
            _, errors = process.communicate(timeout=seconds)
            assert process.returncode == 0, errors[-3000:]
    finally:
        for process in processes:
            process.kill()


def python_with(package: str) -> str:
    """Return a Python that has a package that our tested versions leave out, or skip the test.

    It is this one, or the one that the variable PYTHON_OF_OTHERS names: make it anywhere with
    `python -m venv others` and `others/bin/pip install PACKAGE`, and test with
    `PYTHON_OF_OTHERS=others/bin/python`.
    """
    python = os.environ.get("PYTHON_OF_OTHERS", sys.executable)
    known = "import importlib.util, sys; sys.exit(not importlib.util.find_spec(sys.argv[1]))"
    if subprocess.run([python, "-c", known, package]).returncode:
        pytest.skip(
            f"{package} is not installed; PYTHON_OF_OTHERS may name a Python that has it "
            "(tests/processes.py says how)"
        )
    return python
