"""The visual language of all lessons: colours, style, and a figure with its text."""

import base64
import contextlib
import functools
import html
import io
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simmim_lib import datasets
from simmim_lib.errors import WorkbookError, printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
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
    # Names come from anywhere: "$1" in one of them begins no formula.
    "text.parse_math": False,
}
"""What differs from matplotlib's own defaults."""

FONTS = {
    *("font.family", "font.sans-serif", "font.serif", "font.monospace", "font.cursive"),
    "font.fantasy",
}
"""Settings of matplotlib that are a reader's own in our figures, too."""

UNTOUCHED = {"backend", "interactive"}
"""Settings of matplotlib that change no figure, and that a reader's own figures need."""

BAND: Any = {"alpha": 0.18, "lw": 0}
"""How the interval around a curve is drawn."""


MAX_NAME = 24
"""Characters of a name where there is little room."""

MAX_COLOURS = 4096
"""More colours than a figure has without photographs in it."""


_DRAWING = threading.RLock()


@contextlib.contextmanager
def in_style() -> Iterator[None]:
    """Let matplotlib's settings be the workbook's, whatever a reader has set for their own figures.

    The settings belong to the whole process, so that one thread at a time may draw.

    Raises:
        WorkbookError: matplotlib cannot be imported with what the environment says.
    """
    try:
        import matplotlib as mpl
    except ValueError as error:
        raise WorkbookError(
            f"matplotlib cannot start ({error}): correct the environment variable MPLBACKEND, or "
            "unset it."
        ) from error

    with _DRAWING:
        now: Any = mpl.rcParams
        ours: Any = {**mpl.rcParamsDefault, **STYLE, **{name: now[name] for name in FONTS}}
        with mpl.rc_context({name: ours[name] for name in ours.keys() - UNTOUCHED}):
            yield


class Drawing(NamedTuple):
    """A figure as it was drawn.

    Attributes:
        png: the content of a PNG file.
        beside: names that the machine has no font for, with the numbers that are drawn instead.
    """

    png: bytes
    beside: str


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure with a text that says the same; a notebook shows it by itself.

    Attributes:
        figure: drawn without pyplot, so that threads do not meet in it.
        alt: what a reader who cannot see the figure needs to know.
    """

    figure: "Figure"
    alt: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "alt", printable(self.alt, keep="\n"))

    def png(self) -> bytes:
        """Return the figure as the content of a PNG file."""
        return self._drawing.png

    @property
    def beside(self) -> str:
        """Names to stand beside the figure, since this machine has no font for them, or nothing."""
        return self._drawing.beside

    @functools.cached_property
    def _drawing(self) -> Drawing:
        """Draw the figure, once."""
        from simmim_lib.pictures.drawing import Canvas, beside

        undrawn: dict[str, str] = {}
        canvas = Canvas(self.figure, undrawn)
        canvas.draw()
        return Drawing(_png(np.asarray(canvas.buffer_rgba())), beside(undrawn))

    def as_html(self) -> str:
        """Return the figure as HTML, with its text for readers who cannot see it."""
        return image_as_html(self.png(), self.alt, self.beside)

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, object], dict[str, object]]:
        # JupyterLab shows a PNG without its text, and HTML rather than a PNG. Pages and reports
        # read the PNG, and the text in its metadata.
        data: dict[str, object] = {"image/png": self.png(), "text/html": self.as_html()}
        return data | {"text/plain": self.alt}, {"image/png": self.in_words()}

    def in_words(self) -> dict[str, str]:
        """Return what a notebook keeps with the figure."""
        return {"alt": self.alt, **({"beside": self.beside} if self.beside else {})}


def _png(pixels: np.ndarray) -> bytes:
    """Return an image, (height, width, 4), as the content of a PNG file."""
    from PIL import Image

    image = Image.fromarray(pixels).convert("RGB")
    # A palette makes the file a third as large: notebooks stay small and redraws quick. With
    # photographs in the figure it would change the colours of all the rest.
    if image.getcolors(MAX_COLOURS):
        colours = Image.Quantize.MAXCOVERAGE  # a third quicker than Pillow's usual choice
        image = image.quantize(128, colours, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    image.save(buffer, "png")
    return buffer.getvalue()


def image_as_html(png: bytes, alt: str, beside: str = "") -> str:
    """Return the content of a PNG file as a part of a page.

    Args:
        png: the file's bytes.
        alt: the text in place of the picture.
        beside: a text to stand below it.
    """
    source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    below = f"<figcaption>{html.escape(printable(beside))}</figcaption>" if beside else ""
    text = html.escape(printable(alt, keep="\n"))
    return f'<figure><img src="{source}" alt="{text}" style="max-width: 100%">{below}</figure>'


def new_figure(width: float = 8, height: float = 3.6) -> "Figure":
    """Return an empty figure of the workbook's style, width and height in inches."""
    with in_style():
        from simmim_lib.pictures.drawing import Sheet

        return Sheet(figsize=(width, height))


def styled(draw: Any) -> Any:
    """Draw with the workbook's style, whatever a lesson has set for itself."""

    @functools.wraps(draw)
    def wrapper(*arguments: Any, **options: Any) -> Any:
        with in_style():
            return draw(*arguments, **options)

    return wrapper


def make_logarithmic(axes: "Axes", which: str) -> None:
    """Let an axis be logarithmic, with plain numbers.

    Args:
        axes: to draw on.
        which: "x" or "y".
    """
    from simmim_lib.pictures.drawing import PlainLogFormatter

    axes.set(**{f"{which}scale": "log"})
    axis = {"x": axes.xaxis, "y": axes.yaxis}[which]
    axis.set_major_formatter(PlainLogFormatter())
    axis.set_minor_formatter(PlainLogFormatter(labelOnlyBase=False))


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
    return shortened(title.removesuffix(" digits").replace("Fashion-MNIST", "Fashion"))


def shortened(name: str, most: int = MAX_NAME) -> str:
    """Return a name in one line, its end left out, with a sign for it, where it is too long.

    Args:
        name: from anywhere.
        most: how many characters there is room for.
    """
    line = printable(name)
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def legend_entry(name: str) -> str:
    """Return a name for a legend, where matplotlib leaves out what begins with an underscore."""
    return f"\N{HAIR SPACE}{name}" if name.startswith("_") else name
