"""Every notebook agrees with its source and keeps the rules; the builder makes it so."""

import base64
import io
import os
import re
import shutil
from pathlib import Path

import build
import lint
import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from simmim_lib.commands import publish
from simmim_lib.errors import WorkbookError
from simmim_lib.lessons import Lesson

SOURCES = build.lessons()
each_lesson = pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)


@each_lesson
def test_notebook_agrees_with_its_source(source):
    assert build.disagreements(source, build.notebook_path(source)) == []


@each_lesson
def test_notebook_keeps_the_rules(source):
    notebook = nbformat.read(build.notebook_path(source), as_version=4)
    assert lint.source_problems(notebook) == []
    assert lint.output_problems(notebook) == []
    assert "widgets" not in notebook.metadata


def test_every_notebook_has_a_source():
    built = {path.stem for path in build.FOLDER.glob("*.ipynb")}
    assert built == {source.stem for source in SOURCES}


@pytest.mark.slow
def test_publishing_leaves_notebooks_as_a_new_build_would(tmp_path, monkeypatch):
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(build.FOLDER.parent / name, tmp_path)
    shutil.copytree(build.FOLDER, tmp_path / "notebooks")
    monkeypatch.setattr(build, "FOLDER", tmp_path / "notebooks")
    before = [build.disagreements(each, build.notebook_path(each)) for each in build.lessons()]
    publish.publish("octocat/workbook", branch="spring", root=tmp_path)
    after = [build.disagreements(each, build.notebook_path(each)) for each in build.lessons()]
    assert before == after
    for source in build.lessons():
        assert "octocat/workbook" in build.notebook_path(source).read_text()


# The rules, each broken once.

LESSON = """# %% [markdown]
# # 97 A title
#
# <!-- badge -->
#
# About 5 minutes.

# %% tags=["setup"]
# filled in by the builder

# %% tags=["nbval-check-output"]
print("compared")

# %%
total = 1

# %% [markdown]
# A 95 % interval. An interval of 95 %. Layers 1 to 3; a rate of `0.001` or $p = 0.37$.
#
# ## Recap
# ## Where next
"""


SETUP = "# Installs nothing."


@pytest.fixture
def lesson(tmp_path, monkeypatch):
    """Write lessons into a copy of the notebooks' folder."""
    monkeypatch.setattr(build, "FOLDER", tmp_path / "notebooks")
    monkeypatch.setattr(build, "PATIENCE", 30)  # see notebook_runs
    # The true setup cell, which every lesson runs, takes seconds to start TensorFlow.
    monkeypatch.setattr(publish, "setup_code", lambda where: SETUP)
    monkeypatch.setattr(build, "LESSONS", (Lesson("97", "planted", "A title", 5, 5),))
    (tmp_path / "notebooks" / "source").mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_bytes(
        (Path(__file__).parents[1] / "pyproject.toml").read_bytes()
    )

    def write(text: str = LESSON) -> Path:
        source = tmp_path / "notebooks" / "source" / "97_planted.py"
        source.write_text(text)
        return source

    return write


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("# <!-- badge -->", "#", "<!-- badge -->"),
        ("## Recap", "## Summary", "'Recap'"),
        ("## Where next", "## The end", "'Where next'"),
        (' tags=["setup"]', "", '"setup"'),
        ("total = 1\n", "total = 1\n" * 21, "21 lines of code"),
        ("total = 1\n", "# %%\n".join(["total = 1\n" * 20] * 6), "120 is the most"),
        ("total", "t", "'t'"),
        ("total = 1", "def total(lr):\n    return lr", "'lr'"),
        ("total = 1", "for test_acc in range(3):\n    pass", "'test_acc'"),
        ("A 95 %", "It reaches 97 %; a 95 %", "'97 %'"),
        ("A 95 %", "It reaches 0.957; a 95 %", "'0.957'"),
        ("A 95 %", "It reaches 97.5 per cent; a 95 %", "'97.5 per cent'"),
        ("A 95 %", "![](figure.png) A 95 %", "no alternative text"),
        ("A 95 %", '<img src="figure.png" alt=""> A 95 %', "no alternative text"),
        ("total = 1", 'total = "/home/somebody/data"', "/home/somebody"),
    ],
)
def test_each_rule_for_sources_is_noticed(lesson, old, new, words):
    assert lint.source_problems(build.read_lesson(lesson())) == []
    assert LESSON.count(old)
    problems = lint.source_problems(build.read_lesson(lesson(LESSON.replace(old, new))))
    assert len(problems) == 1
    assert words in problems[0]


def test_quoted_numbers_are_allowed_where_the_cell_says_so(lesson):
    quoted = LESSON.replace("A 95 %", "Yosinski et al. report 62.5 %; a 95 %")
    tagged = quoted.replace("# %% [markdown]\n# Yos", '# %% [markdown] tags=["quoted"]\n# Yos')
    assert lint.source_problems(build.read_lesson(lesson(tagged))) == []


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (new_output("display_data", data={"image/png": "AA=="}), "alternative text"),
        (new_output("display_data", data={"text/html": '<img src="x">'}), "alternative text"),
        (new_output("display_data", data={build.WIDGET: {}}), "without a static twin"),
        (new_output("error", ename="KeyError", evalue="3"), "ends in an error: KeyError"),
        (new_output("stream", text="see /tmp/something/here\n"), "/tmp/something"),
        (new_output("stream", text="see C:\\Users\\somebody\n"), "C:\\Users"),
    ],
)
def test_each_rule_for_outputs_is_noticed(output, words):
    compared = new_output("stream", text="</b>/tmpx 1/home\n")
    cell = new_code_cell("1", outputs=[compared], metadata={"tags": ["nbval-check-output"]})
    notebook = new_notebook(cells=[cell, new_markdown_cell("text")])
    assert lint.output_problems(notebook) == []
    cell.outputs.append(output)
    problems = lint.output_problems(notebook)
    assert len(problems) == 1
    assert words in problems[0]


# The builder.


@pytest.mark.slow
def test_a_lesson_is_built_and_agrees_until_either_side_changes(lesson):
    source = lesson()
    path = build.build(source)
    first = path.read_bytes()
    assert build.disagreements(source, path) == []
    assert [p.name for p in path.parent.iterdir()] == ["source", path.name]

    build.build(source)
    assert path.read_bytes() == first, "a second build changes nothing"

    path.write_bytes(first.replace(b"total = 1", b"total = 2"))
    assert any("cell 3 differs in source" in each for each in build.disagreements(source, path))
    path.write_bytes(first)
    lesson(LESSON + "\n")
    assert any("fingerprint" in each for each in build.disagreements(source, path))
    path.unlink()
    assert build.disagreements(source, path) == ["97_planted.ipynb has not been built."]


@pytest.mark.slow
def test_a_built_lesson_is_clean(lesson):
    code = 'import sys\nprint("noise", file=sys.stderr)\nprint("compared")'
    path = build.build(lesson(LESSON.replace('print("compared")', code)))
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code_cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code_cells] == [1, 2, 3]
    assert [cell.metadata for cell in code_cells[2:]] == [{}]
    assert [output.text for output in code_cells[1].outputs] == ["compared\n"]
    assert code_cells[0].source == SETUP
    assert "colab.research.google.com" in notebook.cells[0].source
    assert notebook.metadata.kernelspec.name == "python3"
    assert "version" not in notebook.metadata.language_info


def test_cells_keep_their_ids_when_others_come_and_go(lesson):
    before = [cell.id for cell in build.read_lesson(lesson()).cells]
    assert len(set(before)) == len(before)
    more = LESSON.replace("# %%\ntotal", "# %%\nother = 1\n\n# %%\ntotal")
    after = [cell.id for cell in build.read_lesson(lesson(more)).cells]
    assert [each for each in after if each in before] == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("1 / 0", "ZeroDivisionError"),
        (
            "import ipywidgets\n_ = ipywidgets.interact(lambda number=3: number / 0)",
            "callback failed",
        ),
        ('print("/root/somewhere")', "names a path"),
        ("import ipywidgets\nipywidgets.IntSlider()", "static twin"),
    ],
)
def test_nothing_is_written_when_a_build_fails(lesson, code, words):
    with pytest.raises(WorkbookError, match=words):
        build.build(lesson(LESSON.replace("total = 1", code)))
    assert [path.name for path in build.FOLDER.iterdir()] == ["source"]


def test_a_full_disk_leaves_no_half_written_notebook(lesson, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(WorkbookError, match="No space"):
        build.write(build.read_lesson(lesson()), build.FOLDER / "97_planted.ipynb")
    assert [path.name for path in build.FOLDER.iterdir()] == ["source"]


def shown(data: dict[str, object]) -> new_notebook:
    output = new_output("display_data", data=data, metadata={"image/png": {"alt": "noise"}})
    return new_notebook(cells=[new_code_cell("show", outputs=[output])])


def noise(colours: int, side: int) -> str:
    """Encode a picture that hardly compresses."""
    levels = np.linspace(0, 255, colours).astype("uint8")
    pixels = np.random.default_rng(0).choice(levels, (side, side, 3))
    stored = io.BytesIO()
    Image.fromarray(pixels).save(stored, format="PNG", compress_level=0)
    return base64.b64encode(stored.getvalue()).decode()


def test_the_widget_gives_way_to_its_static_twin():
    picture = noise(2, 8)
    notebook = shown({build.WIDGET: {"model_id": "1"}, "image/png": picture, "text/plain": "Box()"})
    build.clean(notebook)
    assert notebook.cells[0].outputs[0].data == {"image/png": picture}
    told = {build.WIDGET: {"model_id": "1"}, "image/png": picture, "text/plain": "A curve."}
    notebook = shown(told)
    build.clean(notebook)
    assert notebook.cells[0].outputs[0].data == {"image/png": picture, "text/plain": "A curve."}


@pytest.mark.slow
def test_a_progress_bar_that_is_done_leaves_no_trace(lesson):
    code = (
        "import time\nfrom simmim_lib.foundation.progress import progress_bar\n"
        "with progress_bar('Working') as show:\n"
        "    for done in (1, 2, 3):\n        time.sleep(0.6)\n        show(done, 3)\n"
        "print('done')"
    )
    path = build.build(lesson(LESSON.replace("total = 1", code)))
    cells = nbformat.read(path, as_version=4).cells
    assert [[output.get("text") for output in cell.outputs] for cell in cells[3:4]] == [["done\n"]]


@pytest.mark.slow
def test_a_large_picture_is_made_smaller_or_refused():
    notebook = shown({"image/png": noise(6, 310)})  # 216 colours, 290 KB as they come
    build.clean(notebook)
    stored = base64.b64decode(notebook.cells[0].outputs[0].data["image/png"])
    assert len(stored) <= build.LARGEST_IMAGE
    assert Image.open(io.BytesIO(stored)).size == (310, 310)

    with pytest.raises(WorkbookError, match=r"has \d+ KB, and 100 KB is the most"):
        build.clean(shown({"image/png": noise(256, 600)}))
    page = f'<img alt="noise" src="data:image/png;base64,{noise(256, 200)}">'
    with pytest.raises(WorkbookError, match=r"has 1\d\d KB"):
        build.clean(shown({"text/html": page}))


@pytest.mark.slow
def test_the_command_names_what_differs(lesson, capsys):
    lesson()
    assert build.main(["--check"]) == 1
    assert "has not been built.\nEdit notebooks/source only" in capsys.readouterr().err
    assert build.main(["97"]) == 0
    assert build.main(["--check"]) == 0
    assert build.main(["98"]) == 1
    assert re.search(r"no lesson '98'. Choose from: 97_planted", capsys.readouterr().err)
