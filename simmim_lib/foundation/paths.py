"""Paths as people write them."""

import os
from pathlib import Path

from simmim_lib.errors import WorkbookError, shown


def from_person(given: str | os.PathLike[str]) -> Path:
    """Return the path that somebody means: `~` and `~name` are homes, as in a shell.

    Every path from a person comes through here: by the command line, a form, a variable of the
    environment, an address or a call. Coming through twice does no harm.

    Raises:
        WorkbookError: what was given is no path, names what this system cannot spell, or begins
            with a home that there is not.
    """
    if not isinstance(given, str | os.PathLike):
        raise WorkbookError(
            f"path is {shown(given)}, but must be the name of a file or folder, like 'results'."
        )
    text = os.fsdecode(given)
    if "\0" in text:
        raise WorkbookError(f"{shown(text)} holds a NUL, which no path may: leave it out.")
    try:
        os.fsencode(text)
    except UnicodeEncodeError as error:  # half a sign, or a system without UTF-8
        raise WorkbookError(
            f"{shown(text)} holds a sign that no path on this system can have: leave it out, or "
            "let the system use UTF-8."
        ) from error
    path = Path(os.path.expanduser(text))
    if not str(path).startswith("~"):
        return path
    if text.startswith("~") and not os.path.lexists(text):
        raise WorkbookError(
            f"{shown(text)} begins with a home that is not known here: write the whole path, or "
            f"./{text} if something here is called so."
        )
    return Path.cwd() / path  # so that nobody takes it for a home from now on
