"""Take a code cell apart."""

import ast
import gc
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from simmim_lib.teaching import answer_cells


@pytest.mark.parametrize(
    ("source", "answers", "program"),
    [
        ('f = 1\nexercises.check("02-a", f)', {"02-a": "f"}, "f = 1"),
        ('exercises.check("02-a", g(3))', {"02-a": "g(3)"}, ""),
        ('exercises.check("02-a", f)\nexercises.check("02-a", g)', {"02-a": "g"}, ""),
        ('exercises.check("02-a", f); x = 2', {"02-a": "f"}, "x = 2"),
        ('v = exercises.check("02-a", f)', {"02-a": "f"}, "v = exercises.check('02-a', f)"),
        ('%matplotlib inline\n!ls\nexercises.check("02-a", f)', {"02-a": "f"}, ""),
        ('# exercises.check("02-a", f)', {}, ""),
        ("check('02-a', f)", {}, "check('02-a', f)"),
        ("", {}, ""),
        ("x = (a\n    != b)", {}, "x = a != b"),
        ("x = (a\n    % b)", {}, "x = a % b"),
        ("%time\nx = (a\n    != b)", {}, "x = a != b"),
        ("np.mean?\n?np.mean\n%%time\nx = 1", {}, "x = 1"),
        ("x = '''\n%name\n'''", {}, r"x = '\n%name\n'"),
        ("x = 'a\u2028b'\r\ny = 1\r\n", {}, "x = 'a\\u2028b'\ny = 1"),
    ],
)
def test_the_checks_are_found_and_taken_out(source, answers, program):
    cell = answer_cells.read(source)
    assert {name: ast.unparse(answer) for name, answer in cell.answers.items()} == answers
    assert ast.unparse(cell.program) == program


def test_lines_keep_their_numbers():
    cell = answer_cells.read('exercises.check("02-a", f)\n%time\n\nx = 1')
    assert cell.program.body[0].lineno == 4


@pytest.mark.parametrize("source", ["def", "x = \0", "(" * 10_000, "-" * 100_000 + "1"])
def test_what_is_no_python_is_one_kind_of_error(source):
    with pytest.raises(SyntaxError):
        answer_cells.read(source)


@pytest.mark.parametrize(
    ("source", "only"),
    [
        ("import a\nfrom b import c\n# and a word", True),
        ("%matplotlib inline\nimport a", True),
        ("import a\nx = 1", False),
        ("", False),
        ("import", False),
    ],
)
def test_a_cell_of_imports_is_known(source, only):
    assert answer_cells.only_imports(source) == only


class _Loop:
    """Lets another thread go on while this one parses, when the collector finds it."""

    def __init__(self):
        self.itself = self

    def __del__(self):
        sum(range(2000))


def test_cells_are_taken_apart_side_by_side():
    source = "\n".join(f"x = [(a, {number}) for a in b if (a, c)]" for number in range(40))

    def read(_):
        _Loop()
        return len(answer_cells.read(source).program.body)

    often, thresholds = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(1e-6)
    gc.set_threshold(10)
    try:
        with ThreadPoolExecutor(4) as threads:
            assert set(threads.map(read, range(200))) == {40}
    finally:
        sys.setswitchinterval(often)
        gc.set_threshold(*thresholds)
