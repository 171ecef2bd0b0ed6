"""What a question keeps back until it is answered, as HTML and as a widget."""

import html
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ipywidgets as widgets


def markdown(text: str) -> str:
    """Return Markdown with formulas between dollar signs as HTML.

    Links are underlined: JupyterLab's own differ from the text around them in their colour only.
    """
    from nbconvert.filters import markdown2html

    underlined = '<a style="text-decoration: underline" href='
    return markdown2html(text).replace("<a href=", underlined)


def as_html(thing: Any) -> str:
    """Return HTML of what a notebook would show of something.

    Args:
        thing: a picture; a panel, of which this is the picture it shows now; IPython's `Markdown`;
            or text, which looks as if it were printed.
    """
    from simmim_lib.panels.panel import Panel
    from simmim_lib.pictures.style import Picture

    if isinstance(thing, Panel | Picture):
        return thing.as_html()
    if isinstance(thing, str):
        return f'<pre style="white-space: pre-wrap">{html.escape(thing)}</pre>'
    # A wide table is moved sideways where there is little room, instead of being cut.
    return f'<div style="overflow-x: auto">{markdown(thing._repr_markdown_())}</div>'


def as_widget(thing: Any) -> "widgets.Widget":
    """Return a widget that shows the same; a panel's controls stay live."""
    import ipywidgets as widgets

    from simmim_lib.panels.panel import Panel

    return thing.view if isinstance(thing, Panel) else widgets.HTMLMath(as_html(thing))
