"""Run the answers of one notebook, and ask the checks; in a process that may be lost."""

import ast
import linecache
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from simmim_lib import exercises
from simmim_lib.exercises.checking import message_of
from simmim_lib.teaching import answer_cells
from simmim_lib.teaching.outcomes import Answer, Job, Outcome
from simmim_lib.teaching.sealing import Seal

IMPORTS = "imports"
"""What is told to have begun before the first answer."""

LONGEST_SENTENCE = 1000

Tell = Callable[[Outcome], None]


def judge(job: Job, known: Sequence[Outcome], begin: Callable[[str], None], tell: Tell) -> None:
    """Judge the answers of a notebook that are not judged yet, one after the other.

    As in the notebook, they share their names. An answer that was judged before, by a process that
    is lost, runs once more for the names it defines, unless it was what that process was lost by.

    Args:
        job: the notebook's answers.
        known: what is known of the first of them.
        begin: called with `IMPORTS`, and before each answer that runs once more; then with each
            exercise that is to be judged.
        tell: called with each outcome.
    """
    # Taken before anything of the student's runs, which may put others in their places.
    check, restore = exercises.check, Seal().restore
    names: dict[str, Any] = {"__name__": "__main__", "display": lambda *shown, **options: None}
    begin(IMPORTS)
    if sentence := _run(IMPORTS, job.imports, names):
        for answer in job.answers[len(known) :]:
            tell(Outcome(answer.exercise, "stopped", f"The cells tagged `imports`: {sentence}"))
        return
    for answer, outcome in zip(job.answers, known, strict=False):
        if outcome.judgement != "stopped":
            begin(IMPORTS)  # it has got through before, and has as much time again
            _run(answer.exercise, answer.source, names)
    for answer in job.answers[len(known) :]:
        begin(answer.exercise)
        tell(_outcome(answer, names, check, restore))


def _outcome(
    answer: Answer,
    names: dict[str, Any],
    check: Callable[[str, object], exercises.Verdict],
    restore: Callable[[], list[str]],
) -> Outcome:
    if sentence := _run(answer.exercise, answer.source, names):
        restore()
        return Outcome(answer.exercise, "wrong", sentence)
    try:
        value = _value(answer, names)
        before = restore()
        verdict = check(answer.exercise, value)
        during = restore()
    except BaseException as error:  # `exit()` is no Exception
        restore()
        return Outcome(answer.exercise, "wrong", _explain(error, answer.exercise))
    if during:
        return Outcome(
            answer.exercise,
            "unclear",
            f"The answer replaces {_listed(during)} while it is being checked: read its code.",
        )
    note = f" (The cell replaces {_listed(before)}; that had no effect.)" if before else ""
    return Outcome(answer.exercise, verdict.status, verdict.message[:LONGEST_SENTENCE] + note)


def _run(name: str, source: str, names: dict[str, Any]) -> str:
    """Run a cell; return a sentence if it fails, else nothing."""
    file = f"<{name}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    try:
        exec(compile(answer_cells.read(source).program, file, "exec"), names)
    except BaseException as error:
        return _explain(error, name)
    return ""


def _value(answer: Answer, names: dict[str, Any]) -> object:
    given = answer_cells.read(answer.source).answers.get(answer.exercise)
    if given is None:
        return eval(answer.expression, names)
    lines = compile(ast.Expression(given), f"<{answer.exercise}>", "eval")
    return eval(lines, names)


def _explain(error: BaseException, name: str) -> str:
    """Say in a sentence where a cell failed and how."""
    message = message_of(error)
    what = f"{type(error).__name__}: {message}" if message else type(error).__name__
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename == f"<{name}>":
            line = f": `{frame.line}`" if frame.line else ""
            return f"The code stopped with {what} (line {frame.lineno} of the cell{line})."
    return f"The code stopped with {what}."


def _listed(changed: Sequence[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in changed[:3])
    return f"{shown} and {len(changed) - 3} more" if len(changed) > 3 else shown
