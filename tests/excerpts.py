"""A lesson's panels without the rest of the lesson, for tests that need only the panels."""

import ast
from collections.abc import Iterator

from nbformat import NotebookNode

# Cells that all others may need, also where no name says so, as in `read_parameters(globals())`.
ALWAYS = {"setup", "imports", "parameters"}


def with_panels_only(notebook: NotebookNode) -> NotebookNode:
    """Keep the code cells that end with a panel, and those that they need.

    Args:
        notebook: a lesson; it is not changed.

    Returns:
        A notebook of the kept cells, as they are. A cell is needed if it defines a name that a
        kept one below it uses; what else a cell does, is not seen.
    """
    kept, used = [], set()
    for cell in reversed(notebook.cells):
        if cell.cell_type == "code":
            tree = ast.parse(cell.source)
            tags = set(cell.metadata.get("tags", []))
            if tags & ALWAYS or _ends_with_a_panel(tree) or used & set(_defined(tree)):
                kept.append(cell)
                used |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return NotebookNode({**notebook, "cells": kept[::-1]})


def _ends_with_a_panel(tree: ast.Module) -> bool:
    """Tell whether the last line shows a panel, at once or after a question."""
    match tree.body:
        case [*_, ast.Expr(ast.Call(ast.Attribute(_, "predict"), shown))]:
            return any(map(_is_panel, shown))
        case [*_, ast.Expr(shown)]:
            return _is_panel(shown)
    return False


def _is_panel(shown: ast.expr) -> bool:
    """Panels are made by functions of modules named `panels`, `..._panels` or `form`."""
    match shown:
        case ast.Call(ast.Attribute(ast.Name(module))):
            return module == "form" or module.endswith("panels")
    return False


def _defined(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Name(name, ast.Store()) | ast.FunctionDef(name) | ast.ClassDef(name):
                yield name
            case ast.alias(name, other):
                yield other or name.partition(".")[0]
