"""The page for operators: its commands are ones that `simmim` knows, and its Python has no typo."""

import ast
import importlib
import re
import shlex
from pathlib import Path

import pytest

from simmim_lib.commands import cli

PAGE = (Path(__file__).parents[2] / "docs" / "operators.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"(?m)^ {4}(simmim [^\\\n]+)$", PAGE) + re.findall(r"`(simmim [^`]+)`", PAGE)
PROGRAMS = re.findall(r"(?s)```python\n(.*?)```", PAGE)
ELSEWHERE = {"dask_jobqueue", "dask_kubernetes"}  # not ours to install


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_known(command):
    cli._parser().parse_args(shlex.split(command.replace(" N", " 4"))[1:])


def test_there_are_commands_and_programs():
    assert len(COMMANDS) >= 6
    assert len(PROGRAMS) >= 5


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_program_takes_what_there_is(program):
    tree = ast.parse(program)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] not in ELSEWHERE:
            module = importlib.import_module(node.module)
            assert all(hasattr(module, alias.name) for alias in node.names)
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") in (
            "simmim_lib",
            "simmim",
        ):
            assert hasattr(importlib.import_module(_module_of(node.value.id)), node.attr)


def _module_of(name: str) -> str:
    return {"simmim": "simmim_lib.simmim"}.get(name, name)
