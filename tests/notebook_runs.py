"""Run a notebook once, and learn from that one run all that is to be checked.

papermill runs it. The run shows whether it fails, whether its tagged outputs are those that are
stored (compared by nbval's own comparison), and what went wrong in silence. Only this module knows
nbval, which is hardly maintained: what it is used for can be replaced here.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import lint
import nbformat
import papermill
import reading_time
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbval import plugin as nbval
from papermill.exceptions import PapermillExecutionError

COMPARED = "nbval-check-output"
FIRST_HALF = 6
"""So many lessons are run by one file of tests, and the others by another: a file is one worker's,
and all lessons take a quarter of an hour of computing."""
# What nbval leaves out: numbers that differ at each run, and pictures.
NOT_COMPARED = (
    *("metadata", "traceback", "prompt_number", "output_type", "name", "execution_count"),
    *("application/vnd.jupyter.widget-view+json", "image/png", "image/jpeg"),
)


def problems(
    notebook: Path, folder: Path, seconds: int = 600, short_way_first: bool = False
) -> list[str]:
    """Run a notebook with papermill, and say what is wrong with it.

    Args:
        notebook: what to run, with its stored outputs; it is not changed.
        folder: takes the notebook that is run, and the executed one.
        seconds: that a cell may take.
        short_way_first: whether the sections that go deeper are run last, so that a short way that
            needs something of theirs fails.

    Returns:
        One text a problem: nothing to compare, a cell that fails, an output that differs from the
        stored one, an error that papermill does not report.
    """
    stored = nbformat.read(notebook, as_version=4)
    if short_way_first:
        stored = reading_time.short_way_first(stored)
    uncompared = list(lint.comparison_problems(stored))
    if uncompared:
        return uncompared
    asked, executed = folder / "asked.ipynb", folder / "executed.ipynb"
    nbformat.write(stored, asked)
    failure = _run_papermill(asked, executed, notebook.parent, seconds)
    if failure:
        return [failure]
    found = nbformat.read(executed, as_version=4)
    return [*lint.hidden_errors(found), *_differences(stored, found)]


def _run_papermill(notebook: Path, executed: Path, place: Path, seconds: int) -> str:
    """Run a notebook at a place; return the error that papermill stops with, or "".

    The time limit for a cell is not only for endless loops: now and then nbclient overlooks the
    kernel's answer to a cell with an Output widget, and waits for it. Then it is asked again; so it
    is where no kernel came up, as another process had taken one of its ports meanwhile.
    """
    options = {"cwd": str(place), "progress_bar": False, "execution_timeout": seconds}
    failure = ""
    for _ in range(3):
        try:
            papermill.execute_notebook(str(notebook), str(executed), **options)
            return ""
        except CellTimeoutError as error:
            failure = str(error)
        except (PapermillExecutionError, DeadKernelError) as error:
            return str(error)
        except RuntimeError as error:  # a kernel that never answered
            failure = str(error)
    return failure


def _differences(stored: NotebookNode, executed: NotebookNode) -> Iterator[str]:
    """Compare the outputs of tagged cells; nbval, too, counts code cells only, from 0."""
    pairs = zip(_code_cells(stored), _code_cells(executed), strict=True)
    for number, (before, now) in enumerate(pairs):
        if COMPARED in before.metadata.get("tags", []):
            if before.execution_count is None:
                yield f"Cell {number} is to be compared, but its stored outputs are of no run."
            difference = compare(before.outputs, now.outputs)
            if difference:
                yield f"Cell {number}: {difference}"


def _code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def compare(stored: list[NotebookNode], found: list[NotebookNode]) -> str:
    """Let nbval compare the outputs of a cell; return what it says of a difference, or ""."""

    def describe(kind: str, before: object, now: object) -> None:
        cell.comparison_traceback.append(f"{kind} was {before!r} and is {now!r}")

    # What nbval's comparison asks of the test of a cell, which it is usually a method of.
    cell = SimpleNamespace(
        parent=SimpleNamespace(skip_compare=NOT_COMPARED),
        colors=nbval.nocolors,
        sanitize=lambda value: value,
        format_output_compare=describe,
    )
    outputs = map(nbval.coalesce_streams, (found, stored))
    same = nbval.IPyNbCell.compare_outputs(cell, *outputs)
    return "" if same else "\n".join(cell.comparison_traceback)


def nbval_problems(notebook: Path, folder: Path, seconds: int = 600) -> list[str]:
    """Run a notebook with nbval alone, kernel and all, and say what is wrong with it.

    Args:
        notebook: what to run and compare; it is not changed.
        folder: takes a configuration of pytest.
        seconds: that a cell may take.

    Returns:
        One text, with all that nbval says; none if it is content.
    """
    # An empty configuration, so that the project's own does not start all tests again.
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "--nbval-lax", f"--nbval-cell-timeout={seconds}"]
    command += ["-p", "no:cacheprovider", "-c", str(folder / "pytest.ini"), str(notebook)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return [f"Status {done.returncode}\n{done.stdout}{done.stderr}"] if done.returncode else []
