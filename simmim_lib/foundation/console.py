"""What a terminal shows."""

import sys
from typing import TextIO

from simmim_lib.errors import printable


def make_safe() -> None:
    r"""Let printing never fail: signs that a terminal does not have are shown as in `\u4e2d`.

    Windows' code pages and the locale C have few signs, and the names of files may hold bytes that
    are no text anywhere.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not where a notebook shows what is printed
            stream.reconfigure(errors="backslashreplace")


def tell(text: object, stream: TextIO | None = None) -> None:
    """Print lines in which nothing steers a terminal: names in them may come from anywhere.

    Args:
        text: one or more lines.
        stream: by default the usual output.
    """
    print(printable(str(text), keep="\n"), file=stream or sys.stdout, flush=True)
