"""Every exercise of every lesson (stub, folded solution, wrong answers), and the framework."""

import ast
import importlib.util
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import build
import numpy as np
import pytest

from simmim_lib import exercises
from simmim_lib.errors import WorkbookError
from simmim_lib.exercises import checking

pytestmark = pytest.mark.colab

TITLE = re.compile(r"(?m)^### Exercise \d+: .+ \((?:easy|medium|hard), \d+ minutes\)$")
FOLDED = re.compile(r"(?s)<details>\s*<summary>(Hint|Solution)[^<]*</summary>(.*?)</details>")
PYTHON = re.compile(r"(?s)```python\n(.*?)```")


@dataclass(frozen=True)
class Exercise:
    """An exercise as it stands in a lesson."""

    name: str
    imports: str  # the lesson's cells that are tagged "imports"
    stub: str  # the exercise cell without its last statement
    check: str  # its last statement
    before: str  # the text cell above: title, difficulty, minutes
    hints: list[str]
    solutions: list[str]

    def verdict(self, answer: str = "") -> exercises.Verdict:
        """Run the cell, with an answer put behind the stub."""
        namespace: dict[str, Any] = {}
        for code in (self.imports, self.stub, answer):
            exec(compile(code, f"<{self.name}>", "exec"), namespace)
        return eval(self.check, namespace)


def find_exercises() -> list[Exercise]:
    found = []
    for source in build.lessons():
        cells = build.read_lesson(source).cells
        imports = "\n".join(c.source for c in cells if "imports" in c.metadata.get("tags", []))
        for position, cell in enumerate(cells):
            name = re.search(r'exercises\.check\(\s*"([^"]+)"', cell.source)
            if cell.cell_type != "code" or not name:
                continue
            last = ast.parse(cell.source).body[-1]
            lines = cell.source.splitlines(keepends=True)
            folded = FOLDED.findall(cells[position + 1].source)
            found.append(
                Exercise(
                    name[1],
                    imports,
                    "".join(lines[: last.lineno - 1]),
                    "".join(lines[last.lineno - 1 :]),
                    cells[position - 1].source,
                    [body.strip() for kind, body in folded if kind == "Hint"],
                    [PYTHON.search(body)[1] for kind, body in folded if kind == "Solution"],
                )
            )
    return found


TESTS = Path(__file__).parents[1]


def planted(table: str) -> dict[str, list[Any]]:
    """Collect the lessons' answers from their tables of this name: for each exercise a list."""
    answers: dict[str, list[Any]] = {}
    for path in sorted((TESTS / "lessons").glob(f"*/{table.lower()}.py")):
        name = f"{path.stem}_of_{path.parent.name}"
        specification = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
        answers |= getattr(module, table)
    return answers


EXERCISES = find_exercises()
PLANTED = planted("WRONG_ANSWERS")  # code, and words that its message must hold
OTHERWISE_RIGHT = planted("RIGHT_ANSWERS")  # code
each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda each: each.name)


def test_every_registered_exercise_stands_in_exactly_one_lesson_and_has_wrong_answers():
    assert sorted(each.name for each in EXERCISES) == exercises.names()
    assert sorted(PLANTED) == exercises.names()
    assert sorted(OTHERWISE_RIGHT) == exercises.names()


@pytest.mark.parametrize("source", build.lessons(), ids=lambda source: source.stem)
def test_exercises_are_numbered_in_order(source):
    text = source.read_text("utf-8")
    found = [int(number) for number in re.findall(r"(?m)^# ### Exercise (\d+): ", text)]
    assert found == [*range(1, len(found) + 1)]


@each_exercise
def test_title_hints_and_solution_are_there(exercise):
    assert TITLE.search(exercise.before), "### Exercise 1: Title (easy, 5 minutes) must stand above"
    assert exercise.hints and all(exercise.hints)
    assert len(exercise.solutions) == 1
    assert '"""' in exercise.stub or "# " in exercise.stub, "the task must stand in the cell"


@each_exercise
def test_stub_is_not_done_yet(exercise):
    assert exercise.verdict().status == "not done yet"


@pytest.mark.slow
@each_exercise
def test_folded_solution_is_right(exercise):
    verdict = exercise.verdict(exercise.solutions[0])
    assert verdict.status == "right", verdict
    assert verdict.message
    assert not verdict.message.startswith("Right"), "the verdict says so already"


@pytest.mark.slow
@each_exercise
def test_right_answers_are_accepted_in_whatever_form(exercise):
    for code in OTHERWISE_RIGHT[exercise.name]:
        verdict = exercise.verdict(code)
        assert verdict.status == "right", f"{verdict}\n{code}"


@pytest.mark.slow
@each_exercise
def test_wrong_answers_are_refused_each_with_its_own_message(exercise):
    answers = PLANTED[exercise.name]
    assert len(answers) >= 2
    verdicts = [exercise.verdict(code) for code, _ in answers]
    for verdict, (code, words) in zip(verdicts, answers, strict=True):
        assert verdict.status == "wrong", code
        assert words in verdict.message, code
    assert len({verdict.message for verdict in verdicts}) == len(verdicts)


def slightly_off(value: Any) -> Any:
    """Return what an answer gives with an error in its numbers, in whatever form they are."""
    if isinstance(value, dict):
        return {name: slightly_off(each) for name, each in value.items()}
    if isinstance(value, tuple):
        return tuple(map(slightly_off, value))
    return 1.1 * np.asarray(value) + 0.1


@pytest.mark.slow
@each_exercise
def test_a_message_shows_the_same_each_time(exercise):
    """So that whoever changes something sees whether it has made a difference."""
    namespace: dict[str, Any] = {}
    for code in (exercise.imports, exercise.stub, exercise.solutions[0]):
        exec(code, namespace)
    handed_over = ast.parse(exercise.check, mode="eval").body.args[1]
    right = eval(ast.unparse(handed_over), namespace)
    if not callable(right):
        return
    first, second = (
        exercises.check(exercise.name, lambda *given: slightly_off(right(*given))) for _ in range(2)
    )
    assert first.status == "wrong"
    assert first.message == second.message


class EqualToEverything:
    """Passes any check that compares the answer with something made from it."""

    def __eq__(self, other):
        return True

    __hash__ = None

    def __repr__(self):
        return "equal to everything"  # and no address: workers must agree on the tests' names


@each_exercise
@pytest.mark.parametrize("value", [None, 0, "yes", True, [], EqualToEverything()], ids=repr)
def test_an_answer_that_computes_nothing_is_refused(exercise, value):
    assert exercises.check(exercise.name, lambda *given, **named: value).status != "right"
    assert exercises.check(exercise.name, value).status != "right"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("01-lep", "Did you mean '01-leep'?"),
        ("leep", "Did you mean '01-leep'?"),
        ("", "Unknown exercise ''"),
        (print, "the exercise's name in quotation marks, the second your answer"),
        (None, "the exercise's name in quotation marks"),
    ],
)
def test_a_wrong_name_gives_a_sentence_and_raises_nothing(name, words):
    verdict = exercises.check(name, "01-leep")
    assert verdict.status == "not checked"
    assert words in verdict.message


def test_importing_the_framework_is_light():
    code = "import sys, simmim_lib.exercises; print({'numpy', 'keras'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


@pytest.fixture
def doubling(monkeypatch):
    """Register an exercise for the tests below: a function that doubles."""
    monkeypatch.setattr(checking, "EXERCISES", dict(checking.EXERCISES))

    @exercises.exercise("99-double", "function")
    def double(answer):
        exercises.compare(
            answer(3.0), 6.0, [exercises.Mistake(9.0, "You squared.")], "That is not the double."
        )
        return "Well done."

    return lambda answer: exercises.check("99-double", answer)


def define(code: str) -> Any:
    namespace: dict[str, Any] = {}
    exec(compile(code, "<cell>", "exec"), namespace)
    return namespace["double"]


@pytest.mark.parametrize(
    "stub",
    [
        "def double(x):\n    ...  # your code",
        'def double(x):\n    """Return twice x."""\n    ...',
        "def double(x, *more, named=1):\n    pass",
        "def double(x: float) -> float: ...",
        "def double(x):\n    return ...",
        "def double(x):\n    half = x / 2\n    result = ...\n    return result",
        "def double(x):\n    for _ in range(2):\n        x = ...\n    return x",
        "double = lambda x: ...",
        "double = ...",
        "double = {'first': 1, 'second': [2, ...]}",
        "double = (..., 1)",
        "import functools\n@functools.cache\ndef double(x):\n    ...",
    ],
)
def test_stubs_are_recognised(doubling, stub):
    verdict = doubling(define(stub))
    assert verdict.status == "not done yet"


@pytest.mark.parametrize(
    "code",
    [
        "def double(x):\n    ...\n    return 2 * x",
        "import numpy as np\ndef double(x):\n    return 2 * np.full((2, 2), x)[..., 0][0]",
        "import numpy as np\n"
        "def double(x):\n    number = 0\n    return 2 * np.full((2, 2), x)[..., number][0]",
        "class Twice:\n    def __call__(self, x):\n        return 2 * x\ndouble = Twice()",
        "import functools\ndouble = functools.partial(lambda factor, x: factor * x, 2)",
        "import numpy as np\ndouble = np.vectorize(lambda x: 2 * x)",
        "import numpy as np\n"
        "def double(x):\n    out = np.empty(1)\n    out[...] = 2 * x\n    return out",
        "def double(x):\n    out = {}\n    out[...] = 2 * x\n    return out[...]",
    ],
)
def test_an_answer_is_not_taken_for_a_stub(doubling, code):
    assert doubling(define(code)) == exercises.Verdict("right", "Well done.")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def double(x):\n    return x ** 2", "You squared."),
        ("def double(x):\n    return 5", "That is not the double."),
        ("def double(x):\n    return 'six'", "is text where numbers"),
        ("def double(x):\n    print(x)", "returns nothing"),
        ("def double(x):\n    return float('nan')", "The result is nan"),
        ("def double(x):\n    return [6, 6]", "shape"),
        (
            "def double(x):\n    y = 1\n    return y / 0",
            "ZeroDivisionError: division by zero (line 3",
        ),
        ("def double(x):\n    return twice(x)", "NameError: name 'twice' is not defined (line 2"),
        ("def double(x):\n    raise ValueError", "stopped with ValueError (line 2"),
        ("def double(x):\n    return double(x)", "RecursionError"),
        ("def double():\n    return 6", "takes 0 positional arguments"),
        ("double = 6", "its name, without brackets. The check calls it with numbers of its own"),
        ("double = [6.0]", "this is a result, of type `list`"),
        ("def double(x):\n    return 7.25", "That is not the double. Yours: 7.25."),
        ("def double(x):\n    return '6'", "is text where numbers"),
        ("def double(x):\n    return ['6,0']", "is text where numbers"),
        ("def double(x):\n    exit()", "ends the program: use `return`"),
        ("def double(x):\n    quit(1)", "ends the program: use `return`"),
        ("import sys\ndef double(x):\n    sys.exit('6')", "ends the program: use `return`"),
        ("def double(x):\n    raise SystemExit", "ends the program: use `return`"),
    ],
)
def test_mistakes_are_named(doubling, code, message):
    verdict = doubling(define(code))
    assert verdict.status == "wrong"
    assert message in verdict.message


ROUND = []
ROUND.append(ROUND)


class Unseen:
    def __getattr__(self, name):
        raise RuntimeError(name)


class SpeechlessError(Exception):
    def __str__(self):
        raise ValueError


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (ROUND, "RecursionError"),
        (Unseen(), "of type `Unseen`"),
        (
            lambda x: exec("raise SpeechlessError", {"SpeechlessError": SpeechlessError}),
            "with SpeechlessError",
        ),
    ],
    ids=["list in itself", "no attributes", "no message"],
)
def test_nothing_that_an_answer_does_is_raised(doubling, answer, words):
    verdict = doubling(answer)
    assert verdict.status == "wrong"
    assert words in verdict.message


def test_a_verdict_reads_as_text_and_as_a_page():
    verdict = exercises.Verdict("wrong", 'x < y & "z": use `a <= b`')
    assert repr(verdict) == '✗ Wrong. x < y & "z": use `a <= b`'
    page = verdict._repr_html_()
    assert "<strong>✗ Wrong.</strong> x &lt; y &amp; &quot;z&quot;" in page
    assert "<code>a &lt;= b</code>" in page
    assert not re.search(r"[^-]color:|background", page), "the page's own colours must stay"


def test_two_lessons_cannot_share_a_name(doubling):
    def other(answer):
        return ""

    other.__module__ = "simmim_lib.exercises.lesson_98"
    with pytest.raises(WorkbookError, match="Two exercises are called '99-double'"):
        exercises.exercise("99-double", "function")(other)


def test_an_exercise_for_values_refuses_a_function(monkeypatch):
    monkeypatch.setattr(checking, "EXERCISES", dict(checking.EXERCISES))
    exercises.exercise("99-value", "values")(lambda answer: "")
    assert "values, but you hand over a function" in exercises.check("99-value", len).message


def test_exit_in_a_notebook_does_not_end_the_kernel(doubling, monkeypatch):
    """There `exit` asks the shell, which would stop the kernel a moment later."""
    import IPython
    from IPython.core.autocall import ZMQExitAutocall

    class Shell:
        ended = False

        def ask_exit(self):
            self.ended = True

    shell = Shell()
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    leave = ZMQExitAutocall(shell)
    assert "ends the program" in doubling(lambda x: leave()).message
    assert not shell.ended
    leave()  # outside of a check it does as ever
    assert shell.ended
