"""Parts of lessons, found by the names of their folders: studies, exercises, questions.

Lessons stand above the packages that look for their parts, so that these cannot import them.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_LESSONS = "simmim_lib.lessons"


def lessons() -> "Sequence[Any]":
    """Return `simmim_lib.lessons.LESSONS`."""
    return import_module(_LESSONS).LESSONS


def load(folder: str, part: str) -> None:
    """Import a part of a lesson, which registers what it has; a lesson may do without it.

    Args:
        folder: of the lesson.
        part: the name of the module, such as "exercises".
    """
    module = f"{_LESSONS}.{folder}.{part}"
    if find_spec(module):
        import_module(module)
