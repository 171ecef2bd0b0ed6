"""Notebooks run, as stored and without a hidden error; and planted mistakes are noticed.

The later lessons are run by test_notebook_runs_further.py.
"""

import re
import sys
from pathlib import Path

import build
import nbformat
import notebook_runs
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output


@pytest.mark.colab
@pytest.mark.slow
@pytest.mark.parametrize(
    "source", build.lessons()[: notebook_runs.FIRST_HALF], ids=lambda source: source.stem
)
def test_papermill_runs_it_and_what_is_stored_comes_out_again(
    source, short_way_first, this_kernel, tmp_path
):
    place = build.notebook_path(source)
    assert notebook_runs.problems(place, tmp_path, short_way_first=short_way_first) == []


@pytest.mark.slow
def test_nbval_runs_the_shortest_lesson_by_itself(this_kernel, tmp_path):
    """One is enough: all lessons are compared by nbval, as papermill ran them."""
    assert notebook_runs.nbval_problems(build.FOLDER / "00_start_here.ipynb", tmp_path) == []


# The tests of the tests: planted notebooks, each with one thing wrong.


def save(folder: Path, *sources: str, outputs=(), tags=("nbval-check-output",)) -> Path:
    """Write a notebook of code cells; the last one has the outputs and the tags."""
    cells = [new_code_cell(source) for source in sources]
    cells[-1].update(outputs=list(outputs), metadata={"tags": list(tags)}, execution_count=1)
    path = folder / "planted.ipynb"
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": build.KERNEL}), path)
    return path


PRINTED = new_output("stream", name="stdout", text="3\n")
by_either = pytest.mark.parametrize(
    "problems",
    [
        pytest.param(notebook_runs.problems, id="papermill", marks=pytest.mark.colab),
        pytest.param(notebook_runs.nbval_problems, id="nbval"),
    ],
)


@pytest.mark.slow
@by_either
def test_a_notebook_that_gives_what_is_stored_is_sound(problems, this_kernel, tmp_path):
    callback = "import ipywidgets\n_ = ipywidgets.interact(lambda x=3: print(x))"
    assert problems(save(tmp_path, callback, "print(1 + 2)", outputs=[PRINTED]), tmp_path) == []


@pytest.mark.slow
@by_either
def test_another_output_is_noticed(problems, this_kernel, tmp_path):
    (found,) = problems(save(tmp_path, "", "print(1 + 3)", outputs=[PRINTED]), tmp_path)
    assert "Cell 1" in found


@pytest.mark.slow
@by_either
def test_a_failing_cell_is_noticed(problems, this_kernel, tmp_path):
    (found,) = problems(save(tmp_path, "1 / 0", "print(3)", outputs=[PRINTED]), tmp_path)
    assert "ZeroDivisionError" in found


@pytest.mark.slow
def test_a_short_way_that_needs_what_goes_deeper_is_noticed(this_kernel, tmp_path):
    place = save(tmp_path, "number = 3", "print(number)", outputs=[PRINTED])
    planted = nbformat.read(place, as_version=4)
    planted.cells.insert(0, new_markdown_cell("## 1. Going deeper: a number"))
    planted.cells.insert(2, new_markdown_cell("## Recap"))
    nbformat.write(planted, place)
    assert notebook_runs.problems(place, tmp_path) == []
    (found,) = notebook_runs.problems(place, tmp_path, short_way_first=True)
    assert "NameError" in found


def html(text: str) -> NotebookNode:
    return new_output("execute_result", data={"text/html": text, "text/plain": "3"})


@pytest.mark.colab
@pytest.mark.parametrize(
    ("found", "words"),
    [
        ([PRINTED, new_output("stream", name="stderr", text="3\n")], "Unexpected .*stderr"),
        ([], "Missing .*stdout"),
        ([new_output("stream", name="stdout", text="4\n")], r"stdout was '3\\n' and is '4\\n'"),
        ([html("3")], "Missing .*stdout"),
        ([PRINTED, html("3")], "Unexpected .*text"),
    ],
)
def test_a_difference_of_any_kind_is_told(found, words):
    assert notebook_runs.compare([PRINTED], [PRINTED]) == ""
    assert re.search(words, notebook_runs.compare([PRINTED], found))


@pytest.mark.colab
def test_tables_are_compared_one_by_one_and_pictures_are_not():
    picture = new_output("display_data", data={"image/png": "AA=="})
    stored = [html("3"), html("4")]
    assert notebook_runs.compare(stored, [*stored, picture]) == ""
    assert "text/html was '4' and is '5'" in notebook_runs.compare(stored, [html("3"), html("5")])
    assert "number of outputs" in notebook_runs.compare(stored, stored[:1])


def test_a_lesson_that_compares_nothing_is_not_run(tmp_path):
    picture = new_output("display_data", data={"image/png": "", "text/plain": ""})
    del picture.data["text/plain"]
    for planted, words in (
        ({}, "no text in its output"),
        ({"outputs": [picture]}, "no text"),
        ({"outputs": [PRINTED], "tags": ()}, "no test compares"),
    ):
        (found,) = notebook_runs.problems(save(tmp_path, "print(3)", **planted), tmp_path)
        assert words in found
    assert not (tmp_path / "executed.ipynb").exists()


FAILING_CALLBACKS = {
    "interact": (
        "import ipywidgets\n"
        "def fail(x=3):\n    raise ZeroDivisionError('planted')\n"
        "_ = ipywidgets.interact(fail)"
    ),
    "interactive_output": (
        "import ipywidgets\n"
        "from IPython.display import display\n"
        "def fail(x):\n    raise ZeroDivisionError('planted')\n"
        "display(ipywidgets.interactive_output(fail, {'x': ipywidgets.IntSlider()}))"
    ),
    "button in an output": (
        "import ipywidgets\n"
        "from IPython.display import display\n"
        "button, area = ipywidgets.Button(), ipywidgets.Output()\n"
        "display(area)\n"
        "@area.capture()\n"
        "def fail(_):\n    raise ZeroDivisionError('planted')\n"
        "button.on_click(fail)\nbutton.click()"
    ),
    "panel": ("import ipywidgets\nipywidgets.HTML('<p class=\"simmim-error\">planted</p>')"),
    "page": ("from IPython.display import HTML\nHTML('<p class=\"simmim-error\">planted</p>')"),
    "error stream": (
        "import sys, traceback\n"
        "try:\n    raise ZeroDivisionError('planted')\n"
        "except ZeroDivisionError:\n    traceback.print_exc()"
    ),
}


@pytest.fixture(scope="module")
def hidden_errors(tmp_path_factory):
    """Run all of the above in one notebook, each naming itself, before a cell that is sound."""
    codes = [
        code.replace("planted", f"planted by {name}.") for name, code in FAILING_CALLBACKS.items()
    ]
    folder = tmp_path_factory.mktemp("hidden")
    planted = save(folder, *codes, "print(3)", outputs=[PRINTED])
    with build.this_python_as_kernel():
        return notebook_runs.problems(planted, folder, seconds=30)


@pytest.mark.colab
@pytest.mark.parametrize("name", FAILING_CALLBACKS)
def test_a_hidden_error_is_noticed(name, hidden_errors):
    assert len(hidden_errors) == len(FAILING_CALLBACKS)
    assert len([found for found in hidden_errors if f"planted by {name}." in found]) == 1


@pytest.mark.colab
@pytest.mark.slow
def test_notebooks_run_on_the_python_that_runs_the_tests(this_kernel, tmp_path, monkeypatch):
    mine = tmp_path / "kernels" / "python3"  # a kernel that somebody installed for themselves
    mine.mkdir(parents=True)
    (mine / "kernel.json").write_text('{"argv": ["false"], "display_name": "", "language": ""}')
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    code = f"import os, sys\nassert sys.executable == {sys.executable!r}, sys.executable\n"
    code += "assert os.environ['SIMMIM_BUDGET'] == 'quick'"
    planted = save(tmp_path, code, "print(3)", outputs=[PRINTED])
    assert notebook_runs.problems(planted, tmp_path, seconds=30) == []
