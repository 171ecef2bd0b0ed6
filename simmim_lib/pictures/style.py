"""The visual language of all lessons: colours, style, and a figure with its text."""

import base64
import functools
import html
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib import datasets

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {
    "source": "#0072B2",  # blue
    "target": "#D55E00",  # vermilion
    "trained": "#E69F00",  # orange
    "frozen": "#56B4E9",  # sky blue, and hatched
    "unlabelled": "#999999",  # grey
    "baseline": "#333333",  # nearly black, and dashed
}
"""A colour has one meaning in all lessons.

Source: Okabe and Ito 2008, "Color universal design", a palette told apart by colour-blind readers.
"""

STYLE: Any = {
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": "#DDDDDD",
    "legend.frameon": False,
    "hatch.linewidth": 0.6,
    "image.cmap": "cividis",
}

BAND: Any = {"alpha": 0.18, "lw": 0}
"""How the interval around a curve is drawn."""


MAX_COLOURS = 4096
"""More colours than a figure has without photographs in it."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure with a text that says the same; a notebook shows it by itself.

    Attributes:
        figure: drawn without pyplot, so that threads do not meet in it.
        alt: what a reader who cannot see the figure needs to know.
    """

    figure: "Figure"
    alt: str

    def png(self) -> bytes:
        """Return the figure as the content of a PNG file."""
        import matplotlib as mpl
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from PIL import Image

        canvas = FigureCanvasAgg(self.figure)
        with mpl.rc_context(STYLE):
            canvas.draw()
        image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
        # A palette makes the file a third as large: notebooks stay small and redraws quick. With
        # photographs in the figure it would change the colours of all the rest.
        if image.getcolors(MAX_COLOURS):
            colours = Image.Quantize.MAXCOVERAGE  # a third quicker than Pillow's usual choice
            image = image.quantize(128, colours, dither=Image.Dither.NONE)
        buffer = io.BytesIO()
        image.save(buffer, "png")
        return buffer.getvalue()

    def as_html(self) -> str:
        """Return the figure as HTML, with its text for readers who cannot see it."""
        return image_html(self.png(), self.alt)

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, object], dict[str, object]]:
        data: dict[str, object] = {"image/png": self.png(), "text/plain": self.alt}
        return data, {"image/png": {"alt": self.alt}}


def image_html(png: bytes, alt: str) -> str:
    """Return HTML for a picture, which, unlike an image widget, has an alternative text."""
    source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    return f'<img src="{source}" alt="{html.escape(alt)}" style="max-width: 100%">'


def new_figure(width: float = 8, height: float = 3.6) -> "Figure":
    """Return an empty figure of the workbook's style, width and height in inches."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        return Figure(figsize=(width, height))


def styled(draw: Any) -> Any:
    """Draw with the workbook's style, whatever a lesson has set for itself."""

    @functools.wraps(draw)
    def wrapper(*arguments: Any, **options: Any) -> Any:
        import matplotlib as mpl

        with mpl.rc_context(STYLE):
            return draw(*arguments, **options)

    return wrapper


TARGET_STYLES = {
    "mnist": ("#D55E00", "o"),
    "uci-digits": ("#009E73", "s"),
    "fashion": ("#CC79A7", "^"),
}
"""Colour and marker of a target, the same wherever several stand side by side."""

OTHER_STYLE = ("#0072B2", "D")


def target_style(target: str) -> tuple[str, str]:
    """Return the colour and the marker of a target."""
    return TARGET_STYLES.get(target, OTHER_STYLE)


def short_title(target: str) -> str:
    """Return a target's title for places where there is little room."""
    title = datasets.describe(target).title
    return title.removesuffix(" digits").replace("Fashion-MNIST", "Fashion")
