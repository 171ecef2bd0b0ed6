"""The house keeps its rules: what import-linter cannot see."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from simmim_lib.lessons import LESSONS

LIBRARY = Path(__file__).parents[1] / "simmim_lib"
MODULES = sorted(LIBRARY.rglob("*.py"))


def private_names_taken(tree: ast.Module) -> Iterator[str]:
    """Yield each private name that a module takes from another of the library."""
    modules = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("simmim_lib"):
            for name in node.names:
                modules.add(name.asname or name.name)
                if name.name.startswith("_") and not name.name.startswith("__"):
                    yield f"{node.module}.{name.name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            private = node.attr.startswith("_") and not node.attr.startswith("__")
            if private and node.value.id in modules:
                yield f"{node.value.id}.{node.attr}"


@pytest.mark.parametrize(
    "code",
    [
        "from simmim_lib.datasets.loading import _load",
        "from simmim_lib.datasets import loading\nloading._load('mnist')",
        "def later():\n    from simmim_lib import datasets as data\n    return data._load",
    ],
)
def test_a_private_name_that_is_taken_is_found(code):
    assert len(list(private_names_taken(ast.parse(code)))) == 1


def test_no_module_takes_a_private_name_of_another():
    taken = {
        str(path.relative_to(LIBRARY)): found
        for path in MODULES
        if (found := list(private_names_taken(ast.parse(path.read_text(encoding="utf-8")))))
    }
    assert taken == {}


def test_every_lesson_has_a_folder_and_every_folder_a_lesson():
    folders = {path.parent.name for path in LIBRARY.glob("lessons/*/__init__.py")}
    assert folders == {lesson.folder for lesson in LESSONS}


ROOT = LIBRARY.parent
each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)


def test_every_lesson_has_a_source_and_every_source_is_a_lesson():
    sources = {path.stem for path in (ROOT / "notebooks" / "source").glob("*.py")}
    assert sources == {lesson.name for lesson in LESSONS}


@each_lesson
def test_a_lesson_s_title_and_minutes_are_those_of_the_list(lesson):
    text = (ROOT / "notebooks" / "source" / f"{lesson.name}.py").read_text(encoding="utf-8")
    assert f"# # {lesson.number} {lesson.title}\n" in text
    assert f"\n# About {lesson.minutes} minutes" in text


@each_lesson
def test_the_tables_of_lessons_agree_with_the_list(lesson):
    short = f"{lesson.number} {lesson.title.partition(':')[0]}"
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"| [{short}](notebooks/{lesson.name}.ipynb) |" in readme
    start = (ROOT / "notebooks" / "source" / "00_start_here.py").read_text(encoding="utf-8")
    linked = short if lesson.number == "00" else f"[{short}]({lesson.name}.ipynb)"
    assert f"| {linked} | {lesson.minutes} |" in start
