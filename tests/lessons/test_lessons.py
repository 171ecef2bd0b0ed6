"""The list of lessons agrees with all that is written for readers."""

import ast
import builtins
import re
import shutil
from pathlib import Path

import build
import lint
import pytest
import reading_time
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import simmim_lib.lessons
from simmim_lib.errors import WorkbookError
from simmim_lib.lessons import LESSONS, Lesson

ROOT = Path(__file__).parents[2]
PLANTED = Lesson("97", "planted", "A title", 5, 5)
each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)


def source_of(lesson: Lesson) -> Path:
    return build.FOLDER / "source" / f"{lesson.name}.py"


def test_lessons_stand_in_order_and_differ():
    names = [lesson.name for lesson in LESSONS]
    assert names == sorted(names)
    for field in ("number", "folder", "title"):
        assert len({getattr(lesson, field) for lesson in LESSONS}) == len(LESSONS)


def test_every_folder_is_that_of_a_lesson():
    folder = Path(simmim_lib.lessons.__file__).parent
    folders = {path.parent.name for path in folder.glob("*/__init__.py")}
    assert folders == {lesson.folder for lesson in LESSONS}


@pytest.mark.slow
@each_lesson
def test_the_title_cell_says_what_the_list_says(lesson):
    assert lint.title_problems(build.read_lesson(source_of(lesson)), lesson) == []


def test_the_readme_lists_all_lessons():
    table = (ROOT / "README.md").read_text("utf-8").partition("## Lessons")[2]
    rows = re.findall(r"(?m)^\| \[(.+?)\]\((.+?)\) \| (\d+) \| .{20,} \|$", table)
    assert rows == [
        (f"{lesson.number} {lesson.title}", f"notebooks/{lesson.notebook}", str(lesson.minutes))
        for lesson in LESSONS
    ]


def test_lesson_00_lists_all_lessons():
    table = source_of(LESSONS[0]).read_text("utf-8").partition("# ## The lessons")[2]
    rows = re.findall(r"(?m)^# \| (\[?\d\d .+?) \| (\d+) \| .{10,} \|$", table)
    first, *others = LESSONS
    assert rows == [
        (f"{first.number} {first.title}", str(first.minutes)),  # no link to itself
        *(
            (f"[{lesson.number} {lesson.title}]({lesson.notebook})", str(lesson.minutes))
            for lesson in others
        ),
    ]


@each_lesson
def test_where_next_leads_to_the_next_lesson_and_the_last_one_to_the_first(lesson):
    following = dict(zip(LESSONS, [*LESSONS[1:], LESSONS[0]], strict=True))[lesson]
    end = source_of(lesson).read_text("utf-8").partition("# ## Where next")[2]
    assert f"]({following.notebook})" in end


@each_lesson
def test_links_between_lessons_lead_somewhere(lesson):
    links = re.findall(r"\]\((\w+\.ipynb)\)", source_of(lesson).read_text("utf-8"))
    assert set(links) <= {other.notebook for other in LESSONS}


@each_lesson
def test_the_list_says_how_long_a_lesson_takes(lesson):
    notebook = build.read_lesson(source_of(lesson))
    assert lesson.minutes == reading_time.minutes(notebook)
    assert lesson.short_minutes == reading_time.minutes(reading_time.short_way(notebook))


@each_lesson
def test_the_short_way_needs_nothing_of_what_goes_deeper(lesson):
    known = {*dir(builtins), "display", "get_ipython"}
    for cell in reading_time.short_way(build.read_lesson(source_of(lesson))).cells:
        if cell.cell_type == "code":
            assigned, used = names_in(cell.source)
            known |= assigned
            assert used <= known, f"{used - known} in: {cell.source}"


def names_in(code: str) -> tuple[set[str], set[str]]:
    """Return the names that a cell defines, those inside its functions too, and those it reads."""
    nodes = list(ast.walk(ast.parse(re.sub(r"(?m)^\s*[!%].*$", "", code))))
    names = [node for node in nodes if isinstance(node, ast.Name)]
    assigned = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    assigned |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    assigned |= {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    assigned |= {node.name for node in nodes if isinstance(node, ast.ExceptHandler) and node.name}
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            assigned |= {(each.asname or each.name).partition(".")[0] for each in node.names}
    return assigned, {node.id for node in names if isinstance(node.ctx, ast.Load)}


def test_minutes_are_counted_by_hand():
    cells = [
        new_markdown_cell("# 97 A title\n" + "word " * 237),  # 240 words: 2 minutes
        new_code_cell("pip", metadata={"tags": ["setup"]}),
        new_code_cell("\n".join(["panels.one()", *["x = 1"] * 19])),  # a panel and 20 lines: 3 + 2
        new_markdown_cell("### Exercise 1: do it (easy, 10 minutes)"),
        new_markdown_cell("<details>" + "word " * 5000 + "</details>"),
        new_markdown_cell("## 2. Going deeper: more\n" + "word " * 1200),
        new_markdown_cell("## Recap"),
    ]
    notebook = new_notebook(cells=cells)
    assert reading_time.minutes(notebook) == 30  # 17 and a little, and 10 for what goes deeper
    assert reading_time.minutes(reading_time.short_way(notebook)) == 20


# What the builder refuses.


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (new_markdown_cell("# 97 A title, and more\nAbout 5 minutes."), "title: # 97 A title."),
        (new_markdown_cell("# A title\nAbout 5 minutes."), "title: # 97 A title."),
        (new_code_cell("# 97 A title\n# About 5 minutes."), "title: # 97 A title."),
        (new_markdown_cell("# 97 A title\nAbout 55 minutes."), "say: About 5 minutes."),
        (new_markdown_cell("# 97 A title\nAbout an hour."), "say: About 5 minutes."),
    ],
)
def test_another_title_cell_is_refused(cell, words):
    right = new_notebook(cells=[new_markdown_cell("# 97 A title\n\nAbout 5 minutes.")])
    assert lint.title_problems(right, PLANTED) == []
    (problem,) = lint.title_problems(new_notebook(cells=[cell]), PLANTED)
    assert words in problem


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """Return a folder for sources, of which one is to be there."""
    monkeypatch.setattr(build, "FOLDER", tmp_path / "notebooks")
    monkeypatch.setattr(build, "LESSONS", (PLANTED,))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)  # has the address that the title cell links to
    folder = tmp_path / "notebooks" / "source"
    folder.mkdir(parents=True)
    return folder


def test_a_source_without_an_entry_is_refused(sources):
    (sources / "97_planted.py").touch()
    assert build.lessons() == [sources / "97_planted.py"]
    (sources / "98_new.py").touch()
    with pytest.raises(WorkbookError, match=r"98_new\.py is not in LESSONS: add its number"):
        build.lessons()


def test_an_entry_without_a_source_is_refused(sources):
    with pytest.raises(WorkbookError, match=r"no notebooks/source/97_planted\.py: write it"):
        build.lessons()


def test_a_title_cell_that_disagrees_is_not_built(sources):
    source = sources / "97_planted.py"
    source.write_text("# %% [markdown]\n# # 97 A title\n#\n# About 6 minutes.\n")
    with pytest.raises(WorkbookError, match=r"was not built:\n.*About 5 minutes"):
        build.build(source)
    assert not build.notebook_path(source).exists()
