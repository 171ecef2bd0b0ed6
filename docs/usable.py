"""What makes the site usable by keyboard and with a screen reader, where its theme does not.

Sphinx calls `repair` when all pages are written; `conf.py` says so.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

REPAIRS = {
    # Above the lists of pages: a heading says how deep it is.
    r'role="heading">': 'role="heading" aria-level="2">',
    # Two parts beside the text have different names.
    r'<aside class="sidebar-drawer"': r'\g<0> aria-label="All pages"',
    r'<aside class="toc-drawer': r'<aside aria-label="This page" class="toc-drawer',
    # A wide table or formula is moved by keys.
    r'<div class="(table-wrapper|math-wrapper|scroll)\b': r'<div tabindex="0" class="\1',
}

FRONT_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="refresh" content="0; url=docs/index.html">
<title>SimMIM Workbook</title>
</head>
<body>
<main><h1>SimMIM Workbook</h1><p><a href="docs/index.html">To the lessons</a></p></main>
</body>
</html>
"""
"""What a server gives whoever asks for the site and names no page."""


def repair(app: "Sphinx", exception: Exception | None) -> None:
    """Write every page anew, with what is missing, and a front page that leads to the first one."""
    if exception is None:
        for path in Path(app.outdir).rglob("*.html"):
            path.write_text(repaired(path.read_text(encoding="utf-8")), encoding="utf-8")
        Path(app.outdir, "index.html").write_text(FRONT_PAGE, encoding="utf-8")


def repaired(page: str) -> str:
    """Return a page with what the theme leaves out."""
    for missing, repair in REPAIRS.items():
        page = re.sub(missing, repair, page)
    return page
