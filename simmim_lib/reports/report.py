"""Reports: one notebook, somebody's settings, and a document to hand on.

`write` runs the notebook of lesson 10 with papermill, in a process of its own, and makes three
files of it: the notebook, a page that opens anywhere, and the numbers. Beside them it keeps the
model of the seed that is best on validation images, one for each target.
"""

import importlib
import json
import os
import shlex
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simmim_lib import datasets
from simmim_lib.errors import WorkbookError, printable, shown
from simmim_lib.experiments.baselines import Findings
from simmim_lib.experiments.kept_models import paths_by_target
from simmim_lib.experiments.result import Result
from simmim_lib.foundation import atomic, keras_setup, outputs
from simmim_lib.reports import pages, places, running, words
from simmim_lib.reports.places import MODEL, NOTEBOOK, NUMBERS, PAGE
from simmim_lib.settings import OPTIONS, RENAMED, Settings, as_text, check_field

if TYPE_CHECKING:
    from nbformat import NotebookNode

NUMBERS_TYPE = "application/vnd.simmim.result+json"
"""Under which the notebook keeps the numbers of its report."""

LESSON_ONLY, HIDDEN, TRAINING = "lesson", "hidden", "training"
"""Tags of cells: not part of a report but of the lesson; not for the page; training."""


class IncompleteError(WorkbookError):
    """A report stopped half-way; the notebook so far, with the error, was kept."""


@dataclass(frozen=True)
class Report:
    """A finished report.

    Attributes:
        folder: where its files are.
        numbers: what `result.json` holds.
    """

    folder: Path
    numbers: dict[str, Any]

    @property
    def page(self) -> Path:
        """The document to hand on."""
        return self.folder / PAGE

    @property
    def models(self) -> list[Path]:
        """The models that were kept, one for each target, in order of their names."""
        path = Path(MODEL)
        return sorted(self.folder.glob(f"{path.stem}*{path.suffix}"))

    @property
    def seconds(self) -> dict[str, Any]:
        """How long the report took.

        "total"; "experiments", which is training and testing; "fixed", which is all the rest: the
        kernel, importing TensorFlow, pictures and page; and "parts", the same by section.
        """
        return self.numbers["report"]["seconds"]


PARAMETERS = {"recipe": "simmim", "targets": ["mnist", "uci-digits"]}
"""What a report is about if nobody asks for anything else; all other parameters are as usual."""


def read_parameters(variables: Mapping[str, Any]) -> Settings:
    """Return the settings that a notebook's parameters cell describes.

    Args:
        variables: holds a value for each field, as `globals()` does in the notebook. A text is
            read as on the command line where the field is not a text.

    Raises:
        WorkbookError: a value that is not allowed.
    """
    names = (*OPTIONS, *RENAMED)  # an old name is refused, not left out
    return Settings.from_texts({name: variables[name] for name in names if name in variables})


def parse_parameters(pairs: Iterable[tuple[str, str]]) -> Settings:
    """Return the settings that a command line's `-p NAME VALUE` describe.

    Where a target is no classification, the recipe is plain fine-tuning by default, since images
    without labels teach classes only.

    Raises:
        WorkbookError: a name that is no parameter, with the nearest one, or a value that is not
            allowed.
    """
    given = dict(pairs)
    for name in given:
        check_field("parameter", name)
    asked = Settings.from_texts({**PARAMETERS, **given})
    if "recipe" not in given and _not_classifications(asked):
        return Settings.from_texts({**PARAMETERS, **given, "recipe": "fine-tune"})
    return asked


def _not_classifications(asked: Settings) -> list[str]:
    return [name for name in asked.targets if datasets.describe(name).kind != "classification"]


def parameters(asked: Settings) -> dict[str, Any]:
    """Return those parameters of the notebook that differ from what its cell says."""
    plain = asked.as_dict()
    given = {name: plain[name] for name in {**PARAMETERS, **asked.unusual()}}
    return {name: value for name, value in given.items() if value != PARAMETERS.get(name, "usual")}


def command(asked: Settings, output: str | os.PathLike[str] = "") -> str:
    """Return the line for a terminal that makes this report again."""
    words = ["simmim", "report"]
    for name, value in parameters(asked).items():
        words += ["-p", name, as_text(value)]
    return shlex.join([*words, *(["--output", str(output)] if output else [])])


def usual_title(asked: Settings) -> str:
    """Return the title of a report that was not given one."""
    source = words.source_name(asked)
    targets = ", ".join(datasets.short_names(asked.targets).values())
    kind = "a SimMIM report" if asked.recipe == "simmim" else "a report"
    return f"{source[0].upper()}{source[1:]} to {targets}: {kind}"


def write(
    asked: Settings,
    folder: str | os.PathLike[str] | None = None,
    title: str = "",
    show_code: bool = False,
    tell: running.Tell | None = None,
) -> Report:
    """Make a report: `report.ipynb`, `report.html`, `result.json` and `model.keras`.

    Args:
        asked: the experiment to report on.
        folder: where to; it is made if it does not exist, and must not hold a report yet. By
            default a new one in `reports`, named after the time.
        title: plain text.
        show_code: whether the page shows the notebook's code as well.
        tell: told when a section begins, and how far its training has come.

    Raises:
        WorkbookError: before any training: a folder that cannot be used, a dataset that is unknown,
            missing or too small, or a library that is not installed. After it: the folder cannot
            be written any more; what was to be there is in another, which the sentence names.
        IncompleteError: the notebook failed half-way; it was kept, and no page was written.
    """
    start = time.perf_counter()
    with places.claimed(folder) as place:
        _check_asked(asked)
        _check_libraries()
        name = " ".join(title.split()) or usual_title(asked)
        notebook = _notebook(name)
        with tempfile.TemporaryDirectory() as models:
            executed, error = running.execute(notebook, parameters(asked), tell, Path(models))
            files: dict[str, str | bytes] = {
                path.name: path.read_bytes() for path in Path(models).iterdir()
            }
        files[NOTEBOOK] = _as_text_of_file(executed)
        if error is not None:
            _keep({NOTEBOOK: files[NOTEBOOK]}, place)
            raise IncompleteError(_story(executed, error, place / NOTEBOOK)) from error
        try:  # what was trained is kept, whatever happens to the page
            numbers = {"title": name, **numbers_of(executed)}
            parts = pages.of_notebook(executed, without=(HIDDEN,), code=show_code)
            page = pages.page(name, [pages.paragraph(numbers["verdict"]), *parts])
            numbers["report"] = {"seconds": _seconds(executed, time.perf_counter() - start)}
            files |= {PAGE: page, NUMBERS: json.dumps(numbers, indent=2) + "\n"}
        finally:
            _keep(files, place)
    return Report(place, numbers)


def _keep(files: Mapping[str, str | bytes], folder: Path) -> None:
    """Write a report's files into a folder or, where that fails, all of them into another.

    Raises:
        WorkbookError: the folder cannot be written; the sentence names the other.
    """

    def write_all(place: Path) -> None:
        place.mkdir(exist_ok=True)
        for name, content in files.items():
            if isinstance(content, str):
                atomic.write_text(place / name, content)
            else:
                atomic.write_bytes(place / name, content)

    outputs.write_or_spare(folder, write_all)


def _check_asked(asked: Settings) -> None:
    """Find out before any training what cannot go well, such as a label that is missing.

    The notebook will load the data in its own process, so what is only read here need not be.
    """
    if asked.strategy == "multi-worker":
        raise WorkbookError(
            "strategy is 'multi-worker', but a report is made by one process: use 'mirrored', or "
            "`simmim run --strategy multi-worker` on each machine."
        )
    datasets.check_distinct(asked.targets)
    _check_kinds(asked)
    _check_spelling(asked)
    for target, labels_per_class in asked.labels_of.items():
        datasets.choose(datasets.load(target, asked.image_size), labels_per_class, seed=0)
    for name in asked.datasets:
        if not datasets.is_available(name):
            datasets.load(name)


def _check_kinds(asked: Settings) -> None:
    others = _not_classifications(asked)
    if others and asked.learns_unlabelled:
        kind = datasets.describe(others[0]).kind
        raise WorkbookError(
            f"The target {shown(others[0])} is a {kind} task, but information and agreement learn "
            "from images without labels by the probabilities of classes: use recipe=fine-tune, "
            "with neither of them."
        )


def _check_spelling(asked: Settings) -> None:
    """Find out before any training that the notebook, which is UTF-8, can hold all names."""
    for name in asked.datasets:
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise WorkbookError(
                f"{shown(name)} is no UTF-8, as which a notebook is written: give the folder or "
                "the file another name."
            ) from error


def _check_libraries() -> None:
    """Find out before any training that Keras is of no use, or one of the extra `lab` missing."""
    keras_setup.check_backend()
    for name in ("nbformat", "papermill", "nbconvert", "ipykernel"):
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise WorkbookError(
                f"{name} is not installed in this Python; reports need it: run "
                "`python -m pip install nbformat papermill nbconvert ipykernel` and try again."
            ) from error


def notebook_path() -> Path:
    """Return the report's notebook: inside the installed package, or in the checkout."""
    package = Path(__file__).parents[1]  # simmim_lib
    installed = package / "_notebooks"
    folder = installed if installed.is_dir() else package.parent / "notebooks"
    return folder / "10_report.ipynb"


def _notebook(title: str) -> "NotebookNode":
    """Return the notebook without what only the lesson needs."""
    import nbformat

    notebook = nbformat.read(notebook_path(), as_version=4)
    notebook.cells = [
        cell for cell in notebook.cells if LESSON_ONLY not in cell.metadata.get("tags", [])
    ]
    notebook.metadata["title"] = printable(title)
    return notebook


def _as_text_of_file(notebook: "NotebookNode") -> str:
    import nbformat

    return nbformat.writes(notebook) + "\n"


def _story(notebook: "NotebookNode", error: Exception, path: Path) -> str:
    """Say in a sentence where and why a report stopped, and where to see all of it."""
    section = ""
    for cell in notebook.cells:
        section = running.title_of(cell) or section
        if cell.metadata.get("papermill", {}).get("exception"):
            break
    reason = str(getattr(error, "evalue", error)).strip().partition("\n")[0].rstrip(".")
    return (
        f"The report stopped in section {shown(section)}: {reason}; the notebook so far, with the "
        f"error, is {path}."
    )


class Numbers:
    """The numbers of a report; shown in a notebook, they are kept in it.

    Where `write` has started the notebook, it gets the models, too.

    Args:
        found: what the report is about.
    """

    def __init__(self, found: Findings) -> None:
        self.values = found.as_dict()
        if folder := os.environ.get(running.MODELS_FOLDER):
            _save_models(found.result, Path(folder))

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        return {NUMBERS_TYPE: self.values, "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"The numbers of this report are kept in this cell ({', '.join(self.values)})."


def _save_models(result: Result, folder: Path) -> None:
    for target, path in paths_by_target(folder / MODEL, result.settings.targets).items():
        result.save(path, target=target)


def numbers_of(notebook: "NotebookNode") -> dict[str, Any]:
    """Return the numbers that a report's notebook keeps.

    Args:
        notebook: one that was run, by `simmim report`, by papermill or by hand.

    Raises:
        WorkbookError: it holds none.
    """
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if NUMBERS_TYPE in output.get("data", {}):
                return dict(output.data[NUMBERS_TYPE])
    raise WorkbookError(
        "The notebook holds no numbers of a report: run notebooks/10_report.ipynb to its end."
    )


def _seconds(notebook: "NotebookNode", total: float) -> dict[str, Any]:
    """Return how long each section took, and how much of it was not training and testing."""
    parts: dict[str, float] = {}
    section, experiments = "start", 0.0
    for cell in notebook.cells:
        section = running.title_of(cell) or section
        took = cell.metadata.papermill.duration or 0.0
        parts[section] = parts.get(section, 0.0) + took
        experiments += took if TRAINING in cell.metadata.get("tags", []) else 0.0
    parts["kernel and page"] = total - sum(parts.values())
    rounded = {name: round(value, 3) for name, value in parts.items()}
    return {
        "total": round(total, 3),
        "experiments": round(experiments, 3),
        "fixed": round(total - experiments, 3),
        "parts": rounded,
    }
