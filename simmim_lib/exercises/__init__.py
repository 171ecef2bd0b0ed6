"""Commit to an answer: predictions before something is shown, and checks of a learner's code.

Each lesson's checks and questions live in its folder, in `lessons/NAME/exercises.py` and
`questions.py`; they are imported when one of them is wanted. What is right is computed, not typed.
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
from simmim_lib.exercises.predictions import predict
from simmim_lib.exercises.scores import score
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
    "predict",
    "score",
    "truth",
]
