"""The house keeps its rules: what import-linter cannot see."""

import ast
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

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
        if isinstance(node, ast.Import):
            for name in node.names:
                if name.name.startswith("simmim_lib"):
                    modules.add(name.asname or name.name)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            private = node.attr.startswith("_") and not node.attr.startswith("__")
            if private and ast.unparse(node.value) in modules:
                yield f"{ast.unparse(node.value)}.{node.attr}"


@pytest.mark.parametrize(
    "code",
    [
        "from simmim_lib.datasets.loading import _load",
        "from simmim_lib.datasets import loading\nloading._load('mnist')",
        "def later():\n    from simmim_lib import datasets as data\n    return data._load",
        "import simmim_lib.datasets.loading as loading\nloading._load('mnist')",
        "import simmim_lib.datasets\nsimmim_lib.datasets._load('mnist')",
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


LONG_FUNCTION, LONG_CLASS = 40, 200
"""Lines of a function's body without its docstring, and of a whole class."""


def body_lines(node: ast.FunctionDef) -> int:
    first, *rest = node.body
    body = rest if ast.get_docstring(node) is not None else [first, *rest]
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def test_functions_fit_on_a_screen_and_long_classes_say_why():
    nodes = [
        node for path in MODULES for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    ]
    lengths = [body_lines(node) for node in nodes if isinstance(node, ast.FunctionDef)]
    assert statistics.median(lengths) <= 8
    assert sum(length > LONG_FUNCTION for length in lengths) <= len(lengths) / 100
    unexplained = [
        node.name
        for node in nodes
        if isinstance(node, ast.ClassDef)
        and node.end_lineno - node.lineno >= LONG_CLASS
        and "The class is long because" not in (ast.get_docstring(node) or "")
    ]
    assert unexplained == []


OTHER_FOLDERS = {"docs"}
"""Of tests, for what is not in the library."""


def test_tests_mirror_the_tree():
    """Where a package has tests of its own, they lie in a folder of its name."""
    tests = Path(__file__).parent
    folders = {
        path.relative_to(tests)
        for path in tests.rglob("*")
        if path.is_dir() and path.name != "__pycache__"
    }
    wrong = {
        str(folder)
        for folder in folders
        if not (LIBRARY / folder).is_dir() and folder.parts[0] not in OTHER_FOLDERS
    }
    assert wrong == set()
    packages = {path.name for path in LIBRARY.iterdir() if path.is_dir()}
    at_the_top = {path.stem.removeprefix("test_") for path in tests.glob("test_*.py")}
    assert at_the_top & packages == set()


def panels_of(path: Path) -> set[str]:
    """Return the functions of a module that return a panel."""
    functions = [
        node
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    ]
    return {
        node.name for node in functions if node.returns and ast.unparse(node.returns) == "Panel"
    }


def test_every_panel_of_a_lesson_is_opened_by_a_test():
    unopened = {}
    for path in sorted(LIBRARY.glob("lessons/*/*panels.py")):
        tests = Path(__file__).parent / "lessons" / path.parent.name
        text = "".join(file.read_text(encoding="utf-8") for file in tests.glob("*.py"))
        opened = set(re.findall(r"panels\.(\w+)\(", text))
        if missing := panels_of(path) - opened:
            unopened[str(path.relative_to(LIBRARY))] = missing
    assert unopened == {}


WITH_REPR = {
    "__init__.py": "Python's own sentence about an attribute",
    "losses.py": "likewise",
    "exercises/comparing.py": "code",
    "lessons/loss_formula/training_by_loss.py": "code",
    "lessons/open_problems/panels.py": "code",
    "lessons/report/model_card.py": "code",
    "lessons/simmim_model/optimizers.py": "code",
    "lessons/task_weights/panels.py": "code",
    "settings/experiment_settings.py": "code",
}
"""Where `repr` writes a value, and what for; in sentences `shown` does, which bounds it."""


def test_sentences_show_foreign_values_by_one_function():
    found = {
        path.relative_to(LIBRARY).as_posix()
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FormattedValue) and node.conversion == ord("r")
    }
    assert found == {*WITH_REPR}
