"""What is kept of a lesson, and that no panel of a lesson is lost."""

import re

import build
import excerpts
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook


def notebook_of(*sources):
    return new_notebook(cells=[new_markdown_cell("Some text."), *map(new_code_cell, sources)])


def kept(*sources):
    return [cell.source for cell in excerpts.with_panels_only(notebook_of(*sources)).cells]


@pytest.mark.parametrize(
    "panel",
    [
        "panels.two()",
        "loss_panels.one(3)",
        "x = 1\nform.form(x)",
        'exercises.predict("01-depth", figures.one(), panels.two())',
    ],
)
def test_a_panel_is_kept_and_nothing_else(panel):
    assert kept("print(3)", panel, "1 + 1") == [panel]


@pytest.mark.parametrize(
    "other",
    [
        "panels.two",
        "panels",
        "figures.two()",
        "print(panels.two())",
        "shown = panels.two()",
        "exercises.predict(2)",
    ],
)
def test_what_shows_no_panel_is_left_out(other):
    assert kept(other) == []


@pytest.mark.parametrize(
    "definition",
    [
        "a = 3",
        "a, b = 3, 4",
        "import a",
        "import a.b",
        "import b as a",
        "from b import a",
        "def a():\n    pass",
        "class a:\n    pass",
        "for a in range(3):\n    pass",
    ],
)
def test_what_a_panel_needs_is_kept(definition):
    assert kept(definition, "panels.two(a)") == [definition, "panels.two(a)"]
    assert kept("panels.two(a)", definition) == ["panels.two(a)"]  # too late for it
    assert kept(definition, "panels.two(c)") == ["panels.two(c)"]


def test_what_that_needs_in_turn_is_kept():
    assert kept("a = 1", "c = 2", "b = a + 1", "panels.two(b)") == [
        "a = 1",
        "b = a + 1",
        "panels.two(b)",
    ]


@pytest.mark.parametrize("tag", ["setup", "imports", "parameters"])
def test_what_any_cell_may_need_is_kept_and_the_lesson_stays_as_it_is(tag):
    lesson = notebook_of("a = 1", "print(2)")
    lesson.cells[1].metadata.tags = [tag]
    before = nbformat.writes(lesson)
    excerpt = excerpts.with_panels_only(lesson)
    assert [cell.source for cell in excerpt.cells] == ["a = 1"]
    assert excerpt.metadata == lesson.metadata
    assert nbformat.writes(lesson) == before


@pytest.mark.parametrize("source", build.lessons(), ids=lambda source: source.stem)
def test_each_panel_of_a_lesson_is_kept(source):
    """Whatever a cell calls of a module of panels is found by its text, too."""
    calls = re.compile(r"(?m)\b(?:\w*panels|form)\.\w+\(.*")
    lesson = nbformat.read(build.notebook_path(source), as_version=4)
    excerpt = excerpts.with_panels_only(lesson)
    nbformat.validate(excerpt)
    code = [
        [cell.source for cell in each.cells if cell.cell_type == "code"]
        for each in (lesson, excerpt)
    ]
    found, wanted = (calls.findall("\n".join(cells)) for cells in reversed(code))
    assert wanted
    assert found == wanted
