"""Read a code cell: what it runs, and which answer it hands to which exercise's check."""

import ast
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass

_NOT_PYTHON = re.compile(r"\s*(![^=]|%+[a-zA-Z]|\?)|.*\?\s*$")
"""A line for the shell, a magic or a call for help: the notebook's kernel reads it, not Python."""

_PARSING = threading.Lock()
"""Python 3.11 gives up with a SystemError where two threads parse at the same time."""


@dataclass(frozen=True)
class Cell:
    """A code cell, taken apart.

    Attributes:
        program: its statements, without those that only check an answer.
        answers: the expression that is handed to each exercise's check, by the exercise's name; of
            several the last, as a learner sees its verdict.
    """

    program: ast.Module
    answers: dict[str, ast.expr]


def read(source: str) -> Cell:
    """Take a cell apart.

    Raises:
        SyntaxError: it is no Python.
    """
    try:
        with _PARSING:
            program = _parse(source)
    except (ValueError, RecursionError, MemoryError) as error:  # null bytes, brackets without end
        raise SyntaxError(str(error) or "too deeply nested") from error
    answers: dict[str, ast.expr] = {}
    kept: list[ast.stmt] = []
    for statement in program.body:
        found = dict(_checks(statement))
        answers |= found
        if not (found and isinstance(statement, ast.Expr)):
            kept.append(statement)
    program.body = kept
    return Cell(program, answers)


def _parse(source: str) -> ast.Module:
    try:
        return ast.parse(source)  # where a line may begin with `%` or `!=`, as black breaks lines
    except SyntaxError:
        lines = ["" if _NOT_PYTHON.match(line) else line for line in source.split("\n")]
        return ast.parse("\n".join(lines))


def _checks(statement: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """Yield each `exercises.check("name", answer)` of a statement."""
    for node in ast.walk(statement):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name("exercises"), attr="check"),
                args=[ast.Constant(str(name)), answer],
            ):
                yield name, answer


def only_imports(source: str) -> bool:
    """Tell whether a cell does nothing but import; of one that is no Python: it does not."""
    try:
        statements = read(source).program.body
    except SyntaxError:
        return False
    return bool(statements) and all(
        isinstance(each, ast.Import | ast.ImportFrom) for each in statements
    )
