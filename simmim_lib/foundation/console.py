"""What a terminal shows."""

import sys


def make_safe() -> None:
    r"""Let printing never fail: signs that a terminal does not have are shown as in `\u4e2d`.

    Windows' code pages and the locale C have few signs, and the names of files may hold bytes that
    are no text anywhere.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not where a notebook shows what is printed
            stream.reconfigure(errors="backslashreplace")
