"""The rules that every lesson keeps, as far as a program can tell."""

import ast
import re
from collections.abc import Iterable, Iterator

from nbformat import NotebookNode

from simmim_lib.lessons import Lesson

LONGEST_CELL = 20  # lines of code
LONGEST_LESSON = 120  # lines of code that a learner sees
ERROR_MARK = 'class="simmim-error"'  # how a panel shows an error to the learner
# What textbooks write: positions, a count, a probability, and (as Keras) input and label.
SHORT_NAMES_ALLOWED = {"_", "i", "j", "k", "n", "p", "x", "y"}
ABBREVIATIONS = {
    *("acc", "arr", "cfg", "cls", "ds", "idx", "img", "imgs", "lbl", "lr", "num", "opt", "pred"),
    *("preds", "prob", "probs", "res", "tmp", "val", "vals"),
}
_PATHS = re.compile(
    r"(?<![\w./:-])/(?:home|root|tmp|Users|usr|opt|var|mnt|work|content|builds?)/[\w.-]+"
    r"|\b[A-Za-z]:\\+(?:Users|Windows|Program)"
)
# 0.97 or 97 %, but not "a 95 % interval", which names a convention and is not measured.
_MEASURED = re.compile(
    r"(?<!interval of )(?<![\w.])(?:0?\.\d{2,}|\d+(?:\.\d+)?\s?(?:%|per cent\b))"
    r"(?!\s(?:confidence\s)?interval)"
)
# Code, formulas, tags and the addresses of links.
_NOT_PROSE = re.compile(r"(?s)```.*?```|`[^`]*`|\$[^$]*\$|<[^>]*>|\]\([^)]*\)")


def title_problems(notebook: NotebookNode, lesson: Lesson) -> list[str]:
    """Compare a lesson's first cell with what `LESSONS` says about the lesson.

    Args:
        notebook: a lesson.
        lesson: its entry.

    Returns:
        One sentence for each disagreement.
    """
    first = notebook.cells[0]
    title = f"# {lesson.number} {lesson.title}"
    problems = []
    if first.cell_type != "markdown" or first.source.splitlines()[0] != title:
        problems.append(f"The first cell must be text that starts with the title: {title}.")
    if not re.search(rf"\b{minutes_in_words(lesson)}\b", first.source):
        problems.append(f"The title cell must say: {minutes_in_words(lesson)}.")
    return problems


def minutes_in_words(lesson: Lesson) -> str:
    """Return how a title cell says how long a lesson takes."""
    if lesson.short_minutes == lesson.minutes:
        return f"About {lesson.minutes} minutes"
    return f"About {lesson.minutes} minutes; {lesson.short_minutes} without what goes deeper"


def source_problems(notebook: NotebookNode) -> list[str]:
    """Check what can be seen before a lesson is run.

    Args:
        notebook: a lesson, its setup cell and its Colab link filled in.

    Returns:
        One sentence for each rule broken.
    """
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    text = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    return [
        *_structure_problems(notebook, code),
        *_length_problems(code),
        *_folding_problems(code),
        *(problem for cell in code for problem in _name_problems(cell)),
        *(problem for cell in text for problem in _prose_problems(cell)),
        *(
            f"Cell {cell.id} names a path of one machine: {found.group()}."
            for cell in notebook.cells
            if (found := _PATHS.search(cell.source))
        ),
    ]


def _structure_problems(notebook: NotebookNode, code: list[NotebookNode]) -> Iterator[str]:
    if "](http" not in notebook.cells[0].source:
        yield "The title cell must hold the line <!-- badge -->, which becomes the Colab link."
    headings = {
        line.lstrip("# ").strip().lower()
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for line in cell.source.splitlines()
        if line.startswith("#")
    }
    for needed in ("recap", "where next"):
        if not any(heading.startswith(needed) for heading in headings):
            yield f"There must be a heading that starts with {needed.capitalize()!r}."
    setups = [cell for cell in code if "setup" in cell.metadata.get("tags", [])]
    if len(setups) != 1 or setups[0] is not code[0]:
        yield 'The first code cell, and no other, must be tagged "setup".'


def _length_problems(code: list[NotebookNode]) -> Iterator[str]:
    lengths = {cell.id: len(re.findall(r"(?m)^.*\S", cell.source)) for cell in visible_code(code)}
    for name, length in lengths.items():
        if length > LONGEST_CELL:
            yield f"Cell {name} has {length} lines of code; {LONGEST_CELL} is the most."
    if sum(lengths.values()) > LONGEST_LESSON:
        yield (
            f"The lesson shows {sum(lengths.values())} lines of code, and {LONGEST_LESSON} is the "
            "most: move what teaches nothing into the lesson's folder, or tag its cell `folded`."
        )


def visible_code(cells: Iterable[NotebookNode]) -> list[NotebookNode]:
    """Return the code cells that a learner sees unfolded.

    A cell of parameters is a list and no program: it is as long as there are fields of Settings.
    """
    unseen = {"setup", "folded", "parameters"}
    return [
        cell
        for cell in cells
        if cell.cell_type == "code" and not unseen & set(cell.metadata.get("tags", []))
    ]


def _folding_problems(code: list[NotebookNode]) -> Iterator[str]:
    for cell in code:
        tags = cell.metadata.get("tags", [])
        if "folded" in tags and not cell.source.startswith("# @title "):
            yield f"Cell {cell.id} is folded: its first line must say what it does, `# @title ...`."


def _name_problems(cell: NotebookNode) -> Iterator[str]:
    """Refuse names that are not full words."""
    # A line for the shell or a magic is not Python.
    lines = ["" if re.match(r"\s*[!%]", line) else line for line in cell.source.splitlines()]
    for node in ast.walk(ast.parse("\n".join(lines))):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            name = node.id
        elif isinstance(node, ast.arg):
            name = node.arg
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            name = node.name
        else:
            continue
        short = len(name) == 1 and name not in SHORT_NAMES_ALLOWED
        if short or ABBREVIATIONS & set(name.lower().split("_")):
            yield f"Cell {cell.id} has the name {name!r}: write it as full words."


def _prose_problems(cell: NotebookNode) -> Iterator[str]:
    for alternative in re.findall(r"!\[(.*?)\]\(", cell.source):
        # The badge's own text stands in for it; any other picture is described, too.
        if not alternative.strip():
            yield f"A picture in cell {cell.id} has no alternative text: ![what it shows](...)."
    yield from _html_problems(cell.source, cell.id)
    prose = _NOT_PROSE.sub(" ", cell.source)
    found = _MEASURED.search(prose)
    if found and "quoted" not in cell.metadata.get("tags", []):
        yield (
            f"Cell {cell.id} says {found.group()!r}, which looks like a result: let a code cell "
            'show it from the stored results, or tag the cell "quoted" if it cites the literature.'
        )


def _html_problems(html: str, cell_id: str) -> Iterator[str]:
    for tag in re.findall(r"<img\b[^>]*>", html):
        if not re.search(r"\balt=(\"[^\"]+\"|'[^']+')", tag):
            yield f"A picture in cell {cell_id} has no alternative text: <img alt=...>."


def output_problems(notebook: NotebookNode) -> list[str]:
    """Check the outputs of a lesson that was run and cleaned.

    Args:
        notebook: the lesson as it is committed.

    Returns:
        One sentence for each rule broken.
    """
    return [
        *(
            problem
            for cell in notebook.cells
            for output in cell.get("outputs", [])
            for problem in _one_output_problems(output, cell.id)
        ),
        *comparison_problems(notebook),
    ]


def comparison_problems(notebook: NotebookNode) -> Iterator[str]:
    """Make sure that nbval compares something: it passes a cell without output in silence."""
    tagged = [
        cell for cell in notebook.cells if "nbval-check-output" in cell.metadata.get("tags", [])
    ]
    if not tagged:
        yield 'No cell is tagged "nbval-check-output", so no test compares anything.'
    for cell in tagged:
        if not any(_is_compared(output) for output in cell.get("outputs", [])):
            yield f"Cell {cell.id} is to be compared, but has no text in its output."


def _one_output_problems(output: NotebookNode, cell_id: str) -> Iterator[str]:
    data = output.get("data", {})
    if output.output_type == "error":
        yield f"Cell {cell_id} ends in an error: {output.ename}."
    if "application/vnd.jupyter.widget-view+json" in data:
        yield (
            f"Cell {cell_id} shows a widget without a static twin, so a reader without a kernel "
            "sees nothing: put image/png or text/html into the same output, or close the widget."
        )
    metadata = output.get("metadata", {})
    for kind in data:
        if kind.startswith("image/") and not (
            metadata.get("alt") or metadata.get(kind, {}).get("alt")
        ):
            yield f"A picture of cell {cell_id} has no alternative text: set alt in its metadata."
    yield from _html_problems(data.get("text/html", ""), cell_id)
    texts = [output.get("text", ""), *(data[kind] for kind in data if kind.startswith("text/"))]
    for found in filter(None, map(_PATHS.search, texts)):
        yield f"The output of cell {cell_id} names a path of one machine: {found.group()}."


def _is_compared(output: NotebookNode) -> bool:
    """Tell whether nbval compares something of this output: it skips pictures and widgets."""
    return bool(output.get("text")) or any(
        not kind.startswith(("image/png", "image/jpeg", "application/vnd.jupyter.widget"))
        for kind in output.get("data", {})
    )


def hidden_errors(notebook: NotebookNode) -> list[str]:
    """Find errors that running a notebook does not report.

    An exception in a callback of `interact`, `interactive_output` or a button ends up inside the
    state of an Output widget, a panel's message in that of an HTML widget, and a failing message
    handler on the error stream: in each case the notebook itself counts as successful.

    Args:
        notebook: run, with its outputs and its widgets' state as they were left.

    Returns:
        One sentence an error.
    """
    found = []
    saved = notebook.metadata.get("widgets", {})
    models = saved.get("application/vnd.jupyter.widget-state+json", {}).get("state", {})
    for model in models.values():
        state = model.get("state", {})
        for output in state.get("outputs", []) or []:
            if output.get("output_type") == "error":
                found.append(f"A widget's callback failed: {output['ename']}: {output['evalue']}.")
        if ERROR_MARK in str(state.get("value", "")):
            found.append(f"A panel shows an error: {state['value']}")
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            shown = str(output.get("data", {}).get("text/html", ""))
            if ERROR_MARK in shown:
                found.append(f"Cell {cell.id} shows an error: {shown}")
            noise = output.text if output.get("name") == "stderr" else ""
            if "Traceback (most recent call last)" in noise:
                found.append(f"Cell {cell.id} wrote a traceback: {noise.splitlines()[-1]}")
    return found
