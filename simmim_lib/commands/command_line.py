"""What all commands share: paths as arguments, and exit statuses."""

import argparse
from pathlib import Path

from simmim_lib.errors import WorkbookError
from simmim_lib.foundation.paths import from_person

FAILED = 1
BAD_INPUT = 2
INTERRUPTED = 130  # what a shell reports for a program that Ctrl-C ended


def path(text: str) -> Path:
    """Read an argument that is a path: the type of such arguments.

    Raises:
        ArgumentTypeError: it is none.
    """
    try:
        return from_person(text)
    except WorkbookError as error:
        raise argparse.ArgumentTypeError(str(error).rstrip(".")) from error
