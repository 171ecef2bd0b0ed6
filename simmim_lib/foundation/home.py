"""The home folder, which containers and services may not have, or may not let be written."""

import os
from pathlib import Path


def provide() -> None:
    """Let there be a home folder for this process: "/", as containers have it, if there is none.

    Without HOME, and for a user whom the system's list does not know, `~` stands for nothing: every
    library stumbles over that in a way of its own, or makes a folder of this name.
    """
    if os.path.expanduser("~") == "~":
        os.environ["HOME"] = os.sep


def is_writable() -> bool:
    """Tell whether programs can keep their own files at home."""
    home = os.path.expanduser("~")
    return os.path.isdir(home) and os.access(home, os.W_OK | os.X_OK)


def shortened(path: Path) -> str:
    """Return a path with `~` for the home folder, for what may be passed on to others."""
    home = Path(os.path.expanduser("~"))
    return str("~" / path.relative_to(home)) if path.is_relative_to(home) else str(path)
