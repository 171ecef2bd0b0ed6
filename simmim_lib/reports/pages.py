"""Pages: HTML that a report hands on, in one file that opens anywhere, offline, in years.

A page holds its style and its pictures; it has no script and asks no other machine for anything,
and its security policy makes the browser refuse what somebody might smuggle in. Texts may come from
anywhere: each is made printable, and escaped or cleaned, here.
"""

import base64
import html
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simmim_lib.errors import printable
from simmim_lib.pictures.style import Picture, image_as_html

if TYPE_CHECKING:
    from nbformat import NotebookNode

STYLE = """
:root {
  color-scheme: light dark;
  --ink: #1b1f24; --paper: #ffffff; --quiet: #57606a; --line: #d0d7de; --tint: #f3f5f7;
  --link: #0072b2; --alarm: #b04a00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e6e9ed; --paper: #14171b; --quiet: #9aa4af; --line: #3a424c; --tint: #1f242a;
    --link: #6cb8ea; --alarm: #f39b55;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2rem 1.2rem 4rem; max-width: 54rem;
  background: var(--paper); color: var(--ink);
  font: 1.05rem/1.6 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif;
}
h1, h2, h3 { line-height: 1.25; text-wrap: balance; overflow-wrap: anywhere; }
h1 { font-size: 1.9rem; margin: 0 0 1rem; }
h2 { font-size: 1.35rem; margin: 2.6rem 0 .6rem; }
h3 { font-size: 1.1rem; margin: 1.8rem 0 .4rem; }
a { color: var(--link); }
p { max-width: 44rem; }
strong { font-weight: 650; }
figure { margin: 1.2rem 0; }
figcaption { color: var(--quiet); font-size: .95rem; }
/* Figures are drawn on white; in the dark they lie on a sheet of their own. */
figure img {
  display: block; max-width: 100%; height: auto; padding: .5rem;
  background: #ffffff; border: 1px solid var(--line); border-radius: .4rem;
}
.scroll { overflow-x: auto; margin: 1.2rem 0; }
table { border-collapse: collapse; font-size: .95rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; white-space: nowrap; color: var(--quiet); padding: 0 0 .4rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem 1.4rem .35rem 0; }
th { font-weight: 650; }
td:not(.short) { min-width: 9rem; }
.short { white-space: nowrap; }
thead th { border-bottom: 2px solid var(--line); }
tbody th, tbody td { border-bottom: 1px solid var(--line); }
pre {
  white-space: pre-wrap; overflow-wrap: anywhere;
  padding: .7rem .9rem; margin: 1rem 0; border-radius: .4rem;
  background: var(--tint); font: .88rem/1.5 ui-monospace, "DejaVu Sans Mono", monospace;
}
code { font: .9em ui-monospace, "DejaVu Sans Mono", monospace; }
pre code { font: inherit; }
@media (max-width: 40rem) {
  body { padding: 1.2rem .9rem 3rem; font-size: 1rem; }
  h1 { font-size: 1.5rem; }
  th, td { padding-right: .9rem; }
}
@media print {
  :root {
    color-scheme: light;
    --ink: #000000; --paper: #ffffff; --quiet: #444444; --line: #bbbbbb; --tint: #f3f3f3;
    --link: #000000; --alarm: #000000;
  }
  @page { margin: 18mm 16mm; }
  body { max-width: none; padding: 0; font-size: 10.5pt; }
  h2, h3, caption, h2 + p { break-after: avoid; }
  figure, tr, pre, .scroll { break-inside: avoid; }
  figure img { border: 0; padding: 0; max-height: 230mm; }
  .scroll { overflow: visible; }
}
"""
"""Light and dark as the reader's system is, narrow screens, and paper."""

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""No scripts, and nothing from elsewhere."""


def page(title: str, parts: Iterable[str]) -> str:
    """Return a whole HTML document.

    Args:
        title: plain text; the first heading, and what the browser's tab says.
        parts: HTML made by the functions below.
    """
    name = escaped(title)
    body = "\n".join(parts)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{name}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n<h1>{name}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    )


LINES = "\n\t"
"""Signs that cannot be seen, and that lay out a text of several lines."""


def escaped(text: str) -> str:
    """Return plain text as HTML that shows it, whatever signs are in it."""
    return html.escape(printable(text, keep=LINES))


def heading(text: str) -> str:
    """Return a heading between the page's parts, of plain text."""
    return f"<h2>{escaped(text)}</h2>"


def paragraph(text: str) -> str:
    """Return a paragraph of plain text."""
    return f"<p>{escaped(text)}</p>"


def figure(picture: Picture) -> str:
    """Return a picture, its bytes and its alternative text inside."""
    return image_as_html(picture.png(), picture.alt, picture.beside)


def preformatted(text: str) -> str:
    """Return lines of plain text as they are, such as code or what it printed."""
    return f"<pre><code>{escaped(text.rstrip())}</code></pre>"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> str:
    """Return a table of plain texts; the first column names the rows.

    Args:
        head: the columns' names.
        rows: as many texts each as there are columns.
        caption: what the table shows.
    """
    above = f"<caption>{escaped(caption)}</caption>" if caption else ""
    columns = "".join(f'<th scope="col">{escaped(name)}</th>' for name in head)
    body = "\n".join(f"<tr>{_row(row)}</tr>" for row in rows)
    return (
        f'<div class="scroll"><table>{above}<thead><tr>{columns}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


SHORT = 26  # characters that stay in one line, so that a narrow page does not tear numbers apart


def _row(row: Sequence[str]) -> str:
    looks = [' class="short"' if len(text) <= SHORT else "" for text in row]
    name, *others = (escaped(text) for text in row)
    cells = "".join(f"<td{look}>{text}</td>" for look, text in zip(looks[1:], others, strict=True))
    return f'<th scope="row"{looks[0]}>{name}</th>{cells}'


@dataclass(frozen=True)
class Table:
    """A table that a notebook shows by itself, as HTML and, where that is not read, as text.

    Attributes:
        head: the columns' names.
        rows: as many texts each as there are columns.
        caption: what the table shows.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""

    def _repr_html_(self) -> str:
        return table(self.head, self.rows, self.caption)

    def __repr__(self) -> str:
        lines = [self.head, *self.rows]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.head))]
        laid_out = [
            "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        ]
        return printable("\n".join([*filter(None, [self.caption]), *laid_out]), keep=LINES)


@dataclass(frozen=True)
class Paragraph:
    """Plain text that a notebook shows as a paragraph, whatever signs are in it.

    Attributes:
        text: plain text.
        strong: whether it stands out.
    """

    text: str
    strong: bool = False

    def _repr_html_(self) -> str:
        text = escaped(self.text)
        return f"<p><strong>{text}</strong></p>" if self.strong else f"<p>{text}</p>"

    def __repr__(self) -> str:
        return printable(self.text, keep=LINES)


TAGS = {
    *("a", "abbr", "b", "blockquote", "br", "caption", "code", "dd", "del", "div", "dl", "dt"),
    *("em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "li", "ol", "p", "pre", "span"),
    *("strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul"),
}
ATTRIBUTES = {
    **{f"h{level}": ["id"] for level in range(1, 7)},
    **{"a": ["href"], "div": ["class"], "td": ["class"], "th": ["scope", "class"]},
}
"""What a notebook's HTML may hold; everything else is shown as text."""


def of_notebook(
    notebook: "NotebookNode", without: Collection[str] = (), code: bool = False
) -> Iterator[str]:
    """Yield the parts of a page from a notebook that was run.

    Args:
        notebook: with its outputs; it is left as it is.
        without: cells with one of these tags are left out.
        code: whether to show the code as well.
    """
    for cell in notebook.cells:
        if set(without) & set(cell.metadata.get("tags", [])):
            continue
        if cell.cell_type == "markdown":
            yield _markdown(cell.source)
        if cell.cell_type == "code":
            if code:
                yield preformatted(cell.source)
            yield from filter(None, map(_output, cell.outputs))


def _markdown(source: str) -> str:
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    renderer = IPythonRenderer(escape=False, exclude_anchor_links=True)
    html_of_it = MarkdownWithMath(renderer=renderer).render(printable(source, keep=LINES))
    return _cleaned(str(html_of_it))


def _cleaned(given: str) -> str:
    """Return HTML without scripts, live links to code and all else that has no place in a report.

    Markdown is cleaned as the HTML that was made of it, since only there a link can be seen.
    """
    from nbconvert.preprocessors.sanitize import SanitizeHTML

    allowed = SanitizeHTML(tags=sorted(TAGS), attributes=ATTRIBUTES)
    clean = allowed.sanitize_html_tags(printable(given, keep=LINES))
    return ENTITY.sub(lambda entity: escaped(html.unescape(entity[0])), clean)


ENTITY = re.compile(r"&#?\w+;")
"""A sign that is written as its name or number, which may be one that cannot be seen."""


def _output(output: "NotebookNode") -> str:
    """Return one output of a cell: its richest form that a page can hold."""
    if output.output_type == "stream":
        return preformatted(output.text) if output.name == "stdout" else ""
    data = output.get("data", {})
    if "image/png" in data:
        said = output.metadata.get("image/png", {})
        png = base64.b64decode(data["image/png"])
        return image_as_html(png, said.get("alt", ""), said.get("beside", ""))
    if "text/html" in data:
        return _cleaned(data["text/html"])
    if "text/markdown" in data:
        return _markdown(data["text/markdown"])
    return preformatted(data["text/plain"]) if "text/plain" in data else ""
