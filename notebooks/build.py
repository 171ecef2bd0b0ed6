"""Turn the lessons in notebooks/source into executed notebooks.

A lesson is written once, as a jupytext percent script; everything a reader opens is made from it
here: the Colab link and the setup cell are filled in, the cells are run, the outputs are cleaned so
that they are small, the same on every machine and visible without a kernel, and the result is
checked (see lint.py). Nothing is written unless all of that succeeds. With --check nothing is run:
notebooks that differ from their source are named, and the exit status says so.
"""

import argparse
import base64
import hashlib
import io
import json
import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import jupytext
import lint
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from nbformat import NotebookNode

from simmim_lib.commands import publish
from simmim_lib.errors import WorkbookError, printable
from simmim_lib.foundation import atomic
from simmim_lib.lessons import LESSONS, Lesson


class NotBuiltError(WorkbookError):
    """A lesson was not built; the message has a line for each reason."""

    def __init__(self, lines: str) -> None:
        """Keep the ends of the lines."""
        ValueError.__init__(self, printable(lines, keep="\n"))


FOLDER = Path(__file__).resolve().parent
BADGE = "<!-- badge -->"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
LANGUAGE = {
    "name": "python",
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "pygments_lexer": "ipython3",
}
WIDGET = "application/vnd.jupyter.widget-view+json"
PATIENCE = 1800  # seconds that a cell may take
LARGEST_IMAGE = 100_000  # bytes: what a notebook may carry for one picture


def lessons(numbers: Iterable[str] = ()) -> list[Path]:
    """List the lessons' sources, all of them or those whose names start as given.

    Args:
        numbers: such as "01" or "01_transfer_learning".

    Returns:
        Paths in notebooks/source, in the order of `LESSONS`.

    Raises:
        WorkbookError: if no lesson's name starts so, or if a lesson has no source or no entry.
    """
    sources = _sources()
    chosen = []
    for number in numbers:
        found = [source for source in sources if source.stem.startswith(number.removesuffix(".py"))]
        if not found:
            names = ", ".join(source.stem for source in sources)
            raise WorkbookError(f"There is no lesson {number!r}. Choose from: {names}.")
        chosen += found
    return chosen or sources


def _sources() -> list[Path]:
    for source in sorted((FOLDER / "source").glob("*.py")):
        entry(source)
    sources = [FOLDER / "source" / f"{lesson.name}.py" for lesson in LESSONS]
    for source in sources:
        if not source.exists():
            raise WorkbookError(
                f"LESSONS in simmim_lib/lessons/__init__.py lists {source.stem}, but there is no "
                f"notebooks/source/{source.name}: write it, or remove the entry."
            )
    return sources


def entry(source: Path) -> Lesson:
    """Return what `LESSONS` says about a lesson.

    Raises:
        WorkbookError: if it does not list the lesson.
    """
    for lesson in LESSONS:
        if lesson.name == source.stem:
            return lesson
    raise WorkbookError(
        f"notebooks/source/{source.name} is not in LESSONS: add its number, folder, title and "
        "minutes in simmim_lib/lessons/__init__.py, or rename it as it is listed there."
    )


def notebook_path(source: Path) -> Path:
    """Give the path of the notebook that is made from a lesson's source."""
    return FOLDER / f"{source.stem}.ipynb"


def read_lesson(source: Path) -> NotebookNode:
    """Read a lesson's source as a notebook, not yet run.

    Args:
        source: a jupytext percent script.

    Returns:
        The notebook, with the Colab link and the setup cell filled in. A cell's id comes from what
        the source says, so a cell that nobody edited keeps its id, wherever it moves.
    """
    text = source.read_text(encoding="utf-8")
    parsed = jupytext.reads(text, fmt="py:percent")
    address = publish.repository(FOLDER.parent)
    seen: Counter[str] = Counter()
    cells = []
    for cell in parsed.cells:
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:10]
        seen[digest] += 1
        tags = cell.metadata.get("tags", [])
        if "setup" in tags:
            cell.source = publish.setup_code(address)
        elif cell.cell_type == "markdown":
            badge = publish.badge_markdown(notebook_path(source).name, address)
            cell.source = cell.source.replace(BADGE, badge)
        make = getattr(nbformat.v4, f"new_{cell.cell_type}_cell")
        kept = {"tags": list(tags), **_looks(tags)} if tags else {}
        cells.append(make(cell.source, id=f"{digest}-{seen[digest]}", metadata=kept))
    metadata = {
        "colab": {"provenance": [], "toc_visible": True},
        "kernelspec": dict(KERNEL),
        "language_info": dict(LANGUAGE),
        "simmim": {"source_sha256": hashlib.sha256(text.encode()).hexdigest()},
    }
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


def _looks(tags: Iterable[str]) -> dict[str, object]:
    """Return the metadata by which JupyterLab and Colab fold a cell's code.

    Colab shows what stands behind `# @title` in its first line instead.
    """
    if not {"folded", "setup"} & set(tags):
        return {}
    return {"cellView": "form", "jupyter": {"source_hidden": True}}


def disagreements(source: Path, notebook_file: Path) -> list[str]:
    """Say how a built notebook differs from its source, in anything but the outputs.

    Args:
        source: the lesson.
        notebook_file: what was made from it, perhaps edited by hand since.

    Returns:
        One sentence a difference; none when they agree.
    """
    if not notebook_file.exists():
        return [f"{notebook_file.name} has not been built."]
    wanted, found = read_lesson(source), nbformat.read(notebook_file, as_version=4)
    sentences = []
    if len(wanted.cells) != len(found.cells):
        sentences.append(f"it has {len(found.cells)} cells, and the source {len(wanted.cells)}")
    for number, (left, right) in enumerate(zip(wanted.cells, found.cells, strict=False)):
        parts = ("cell_type", "id", "metadata", "source")
        differ = [part for part in parts if left[part] != right.get(part)]
        if differ:
            sentences.append(f"cell {number} differs in {', '.join(differ)}")
    if wanted.metadata != found.metadata:
        sentences.append("the metadata, with the source's fingerprint, differ")
    return [f"{notebook_file.name}: {sentence}." for sentence in sentences]


@contextmanager
def this_python_as_kernel() -> Iterator[None]:
    """Make "python3" mean the running interpreter, whatever kernels the machine has installed."""
    keep = {name: os.environ.get(name) for name in ("JUPYTER_PATH", "IPYTHONDIR")}
    with tempfile.TemporaryDirectory() as folder:
        specification = Path(folder, "kernels", "python3", "kernel.json")
        specification.parent.mkdir(parents=True)
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        command += ["--log-level=ERROR"]
        specification.write_text(
            json.dumps({"argv": command, "display_name": "Python 3", "language": "python"})
        )
        os.environ.update(JUPYTER_PATH=folder, IPYTHONDIR=str(Path(folder, "ipython")))
        try:
            yield
        finally:
            for name, value in keep.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def execute(notebook: NotebookNode) -> None:
    """Run a notebook's cells in place, with notebooks/ as the working folder.

    Raises:
        WorkbookError: if a cell fails, with its source and its error, or takes too long, or the
            kernel ends.
    """
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=PATIENCE,
        record_timing=False,
        resources={"metadata": {"path": str(FOLDER)}},
    )
    with this_python_as_kernel():
        try:
            client.execute()
        except (CellExecutionError, CellTimeoutError, RuntimeError) as error:  # a dead kernel
            raise NotBuiltError(f"A cell failed, so nothing was written. {error}") from None


def clean(notebook: NotebookNode) -> None:
    """Make the outputs small, static and the same at every build, in place.

    Raises:
        WorkbookError: if a picture stays too large.
    """
    hidden = _hidden_widgets(notebook.metadata.pop("widgets", {}))
    notebook.metadata["language_info"] = dict(LANGUAGE)
    notebook.metadata["kernelspec"] = dict(KERNEL)
    code_cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for count, cell in enumerate(code_cells, start=1):
        cell.execution_count = count
        cell.metadata.pop("execution", None)
        cell.outputs = [
            output
            for output in cell.outputs
            if output.get("name") != "stderr"
            and output.get("data", {}).get(WIDGET, {}).get("model_id") not in hidden
        ]
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = count
            _clean_bundle(output.get("data", {}), cell.id)


def _hidden_widgets(saved: dict[str, dict]) -> set[str]:
    """Find the widgets that have hidden themselves, as a progress bar does when it is done."""
    models = saved.get("application/vnd.jupyter.widget-state+json", {}).get("state", {})
    hidden = set()
    for model_id, model in models.items():
        layout = str(model["state"].get("layout", "")).removeprefix("IPY_MODEL_")
        if models.get(layout, {}).get("state", {}).get("visibility") == "hidden":
            hidden.add(model_id)
    return hidden


def _clean_bundle(data: dict[str, str], cell_id: str) -> None:
    if WIDGET in data and ("image/png" in data or "text/html" in data):
        # A reader without a kernel sees the twin; with the view, an empty box would hide it. The
        # widget's own textual form, a constructor call, helps no reader either.
        del data[WIDGET]
        if re.match(r"\w+\(", data.get("text/plain", "")):
            del data["text/plain"]
    if "image/png" in data:
        # The same picture once more, with its text for those who run the notebook: it would double
        # the file, and what is not trusted yet is shown as the picture anyway.
        data.pop("text/html", None)
        data["image/png"] = _small_enough(data["image/png"], cell_id)
    html = data.get("text/html", "")
    for picture in re.findall(r"data:image/[\w+.-]+;base64,([^\"')\s]+)", html):
        _refuse_large(base64.b64decode(picture), cell_id)


def _small_enough(encoded: str, cell_id: str) -> str:
    picture = base64.b64decode(encoded)
    if len(picture) > LARGEST_IMAGE:
        from PIL import Image

        smaller = io.BytesIO()
        Image.open(io.BytesIO(picture)).convert("RGB").quantize(256).save(
            smaller, format="PNG", optimize=True
        )
        picture = smaller.getvalue()
        encoded = base64.b64encode(picture).decode()
    _refuse_large(picture, cell_id)
    return encoded


def _refuse_large(picture: bytes, cell_id: str) -> None:
    if len(picture) > LARGEST_IMAGE:
        raise WorkbookError(
            f"The picture of cell {cell_id} has {len(picture) // 1000} KB, and "
            f"{LARGEST_IMAGE // 1000} KB is the most: draw it smaller or with fewer points."
        )


def write(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook whole or not at all."""
    nbformat.validate(notebook)
    atomic.write_text(path, nbformat.writes(notebook).rstrip("\n") + "\n")


def build(source: Path) -> Path:
    """Build one lesson's notebook.

    Returns:
        The path of the notebook.

    Raises:
        WorkbookError: if the lesson breaks a rule of lint.py, with every breach named, or cannot
            be written.
    """
    notebook = read_lesson(source)
    title = lint.title_problems(notebook, entry(source))
    _refuse(source, [*title, *lint.source_problems(notebook)])
    execute(notebook)
    _refuse(source, lint.hidden_errors(notebook))
    clean(notebook)
    _refuse(source, lint.output_problems(notebook))
    write(notebook, notebook_path(source))
    return notebook_path(source)


def _refuse(source: Path, problems: list[str]) -> None:
    if problems:
        listed = "\n".join(f"- {problem}" for problem in problems)
        raise NotBuiltError(f"{source.name} was not built:\n{listed}")


def main(arguments: list[str] | None = None) -> int:
    """Build or compare the lessons named on the command line, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("lesson", nargs="*", help="such as 01; all lessons if none is named")
    parser.add_argument("--check", action="store_true", help="only compare notebooks with sources")
    options = parser.parse_args(arguments)
    failures = []
    try:
        for source in lessons(options.lesson):
            if options.check:
                failures += disagreements(source, notebook_path(source))
            else:
                print(f"Building {build(source).name}", flush=True)
    except WorkbookError as error:
        failures.append(str(error))
    if options.check and failures:
        failures.append("Edit notebooks/source only, then run `make notebooks`.")
    print(*failures, sep="\n", end="\n" if failures else "", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
