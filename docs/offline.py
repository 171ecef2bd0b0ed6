"""What makes the site's pages stand alone: formulas as MathML, no picture from another host.

Sphinx calls these functions with parts of pages; `conf.py` says when.
"""

import json
import re
from typing import TYPE_CHECKING, Any

from docutils import nodes
from latex2mathml.converter import convert

if TYPE_CHECKING:
    from sphinx.application import Sphinx

UNPUBLISHED = "OWNER/REPO"
"""What stands in the lessons' links until `simmim publish` has written an address there."""

FORMULA = re.compile(r"\$([^$<>]+)\$")


def fold_cells(app: "Sphinx", name: str, source: list[str]) -> None:
    """Fold the code that teaches nothing, and leave out what installs the workbook on Colab."""
    if not name.startswith("notebooks/"):
        return
    notebook = json.loads(source[0])
    for cell in notebook["cells"]:
        tags = cell["metadata"].setdefault("tags", [])
        if "folded" in tags:
            tags.append("hide-input")
        if "Install the helpers" in "".join(cell["source"][:1]):
            tags.append("remove-cell")
    source[0] = json.dumps(notebook)


def stand_alone(app: "Sphinx", page: nodes.document) -> None:
    """Let formulas in outputs be drawn, and pictures from other hosts be words."""
    for raw in list(page.findall(nodes.raw)):
        if raw.get("format") == "html":
            raw.children[:] = [nodes.Text(FORMULA.sub(_as_mathml, raw.astext()))]
    for image in list(page.findall(nodes.image)):
        if image["uri"].startswith(("http:", "https:")):
            image.parent.replace(image, nodes.Text(image.get("alt", "")))
    for link in list(page.findall(nodes.reference)):
        if UNPUBLISHED in link.get("refuri", ""):
            link.parent.remove(link)


def _as_mathml(found: re.Match[str]) -> str:
    return mathml(found[1], "inline")


def mathml(formula: str, display: str) -> str:
    """Return a formula, in LaTeX, as MathML.

    Args:
        formula: without the signs around it.
        display: "inline", or "block" for a line of its own.
    """
    return str(convert(formula, display=display))


def draw_inline(visitor: Any, node: nodes.math) -> None:
    """Write a formula within a line."""
    visitor.body.append(mathml(node.astext(), "inline"))
    raise nodes.SkipNode


def draw_block(visitor: Any, node: nodes.math_block) -> None:
    """Write a formula on a line of its own."""
    visitor.body.append(mathml(node.astext(), "block"))
    raise nodes.SkipNode
