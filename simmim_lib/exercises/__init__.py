"""Check a learner's answer: right, not done yet, or wrong with the mistake named.

Each lesson's checks live in its folder, in `lessons/NAME/exercises.py`; they are imported when one
of them is checked. A check computes what is right by itself, never from the learner's answer.
"""

from simmim_lib.exercises.checking import check, exercise, names
from simmim_lib.exercises.comparing import (
    COMPUTED,
    EXACT,
    Mistake,
    Tolerance,
    Wrong,
    compare,
    entries,
    in_words,
    is_close,
    numbers,
    truth,
)
from simmim_lib.exercises.verdicts import Verdict

__all__ = [
    "COMPUTED",
    "EXACT",
    "Mistake",
    "Tolerance",
    "Verdict",
    "Wrong",
    "check",
    "compare",
    "entries",
    "exercise",
    "in_words",
    "is_close",
    "names",
    "numbers",
    "truth",
]
