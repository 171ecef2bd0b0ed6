"""Run a report's notebook with papermill, in a process of its own."""

import functools
import logging
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simmim_lib.foundation.progress import PROGRESS_LINE, PROGRESS_LINES

if TYPE_CHECKING:
    from nbformat import NotebookNode

MODELS_FOLDER = "SIMMIM_MODELS_FOLDER"
"""Tells the notebook's process where to leave the models."""

KERNELS = 3
"""That are started at most until one comes up."""

Tell = Callable[[int, int, str, float], object]
"""Called with a section's position, the number of sections, its title and how much is trained of
what it trains, from 0 to 1."""


def execute(
    notebook: "NotebookNode", values: dict[str, Any], tell: Tell | None, models: Path
) -> "tuple[NotebookNode, Exception | None]":
    """Run a notebook with parameters; return it as far as it came, and what stopped it.

    It leaves the models to keep in the folder `models`.
    """
    import nbformat
    from papermill import execute_notebook

    sections = _Sections(notebook, tell or (lambda *_: None))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as private:
        path = Path(private, "executed.ipynb")
        run = functools.partial(
            execute_notebook,
            notebook,
            path,
            values,
            progress_bar=False,
            kernel_manager_class=_this_python(private, models),
            on_cell_start=sections.begin,
            stderr_file=sections,
        )
        try:
            failure = _failure_of(run, sections)
        except KeyboardInterrupt:
            # The tasks that this cuts off would complain at length.
            logging.getLogger("asyncio").setLevel(logging.CRITICAL)
            raise
        executed = nbformat.read(path, as_version=4)
    return _tidied(executed), failure


def _failure_of(run: Callable[[], object], sections: "_Sections") -> Exception | None:
    """Run a notebook; return what stopped it, or nothing.

    Where not even its first cell began, the kernel did not come up: another process can take one of
    its ports before it does. Then another is started.
    """
    from papermill import PapermillExecutionError

    failure: Exception | None = None
    for _ in range(KERNELS):
        try:
            run()
            return None
        except (PapermillExecutionError, RuntimeError) as error:  # a dead kernel is of the second
            failure = error
        if sections.begun:
            break
    return failure


def _this_python(private: str, models: Path) -> type:
    """Return the class of what starts this Python, whatever kernels the machine has installed.

    Its bars are lines, which pass through here. It needs no home folder, and takes no notice of
    what a reader's IPython does when it starts.
    """
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    class ThisPython(AsyncKernelManager):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.connection_file = str(Path(private, "kernel.json"))

        @property
        def kernel_spec(self) -> KernelSpec:
            start = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            return KernelSpec(
                argv=[*start, "--log-level=ERROR"],
                display_name="Python 3",
                language="python",
                env={
                    PROGRESS_LINES: "1",
                    MODELS_FOLDER: str(models),
                    "IPYTHONDIR": str(Path(private, "ipython")),
                },
            )

    return ThisPython


def _tidied(notebook: "NotebookNode") -> "NotebookNode":
    """Take out what means nothing to a reader: old progress, and a temporary file's name."""
    for name in ("input_path", "output_path"):
        notebook.metadata.papermill.pop(name, None)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                output.text = _LINE.sub("", output.text)
        if cell.cell_type == "code":
            cell.outputs = [each for each in cell.outputs if each.get("text") != ""]
    return notebook


_LINE = re.compile(PROGRESS_LINE.format(done=r"(\d+)", total=r"(\d+)") + "\n")


class _Sections:
    """Tells how far a notebook has come: papermill calls it, and writes to it what cells say."""

    def __init__(self, notebook: "NotebookNode", tell: Tell) -> None:
        self.titles = [title for cell in notebook.cells if (title := title_of(cell))]
        self.tell, self.position, self.begun = tell, 0, False

    def begin(self, cell: "NotebookNode", cell_index: int) -> None:
        self.begun = True
        if title := title_of(cell):
            self.position = self.titles.index(title) + 1
            self._tell(0.0)

    def write(self, text: str) -> None:
        if found := _LINE.findall(text):
            done, total = map(int, found[-1])
            self._tell(done / total)

    def flush(self) -> None:
        """Papermill asks for it; nothing is kept back."""

    def _tell(self, share: float) -> None:
        self.tell(self.position, len(self.titles), self.titles[self.position - 1], share)


def title_of(cell: "NotebookNode") -> str:
    """Return the heading with which a cell begins a section, or nothing."""
    found = re.match(r"## (.+)", cell.source) if cell.cell_type == "markdown" else None
    return found[1] if found else ""
