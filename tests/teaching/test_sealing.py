"""An answer cannot decide about its own verdict by changing what checks it."""

import functools
import inspect
import sys

import numpy as np
import pytest

import simmim_lib.lessons.report.exercises as checks
from simmim_lib import exercises
from simmim_lib.exercises import checking, comparing
from simmim_lib.teaching.sealing import Seal

WRONG = {"baseline": "SimMIM", "points": 0.0, "half width": 0.0, "verdict": "gain"}

FORGERIES = {
    "exercises.check": "exercises.check = lambda *given: exercises.Verdict('right', '')",
    "checking.check": "checking.check = lambda *given: exercises.Verdict('right', '')",
    "the code of check": "exercises.check.__code__ = (lambda name, answer: 'right').__code__",
    "an entry of EXERCISES": "checking.EXERCISES['10-conclusion'] = checking.Exercise("
    "lambda answer: 'ok', 'values')",
    "EXERCISES emptied": "checking.EXERCISES.clear()",
    "a judge": "object.__setattr__(checking.EXERCISES['10-conclusion'], 'judge', print)",
    "the judge's code": "checks._conclusion.__code__ = (lambda answer: 'ok').__code__",
    "Verdict": "exercises.Verdict.__init__ = lambda self, *given: "
    "self.__dict__.update(status='right', message='')",
    "compare": "comparing.compare = checks.compare = lambda *given: None",
    "numpy": "np.allclose = lambda *given, **named: True",
    "numpy's array": "np.array = lambda *given, **named: 3",
    "isinstance": "__builtins__['isinstance'] = lambda *given: True",
    "a module": "sys.modules['simmim_lib.exercises'] = None",
    "is_stub": "checking.is_stub = lambda answer: False",
}


def state() -> list[object]:
    wrong = exercises.check("10-conclusion", WRONG)
    return [
        *(wrong.status, wrong.message, exercises.check, checking.check, checking.is_stub),
        *(checking.EXERCISES["10-conclusion"], checking.EXERCISES["10-conclusion"].judge),
        *(np.allclose, np.array, isinstance, comparing.compare),
        sys.modules["simmim_lib.exercises"],
        *(checks._conclusion.__code__, checks.compare),
    ]


@pytest.mark.parametrize("code", FORGERIES.values(), ids=FORGERIES)
def test_a_forgery_is_undone_and_named(code):
    exercises.names()  # loads all checks
    before = state()
    seal = Seal()
    exec(code, {**globals(), "__builtins__": sys.modules["builtins"].__dict__})
    changed = seal.restore()
    assert changed
    assert state() == before
    assert seal.restore() == []


def test_what_nobody_changed_stays():
    exercises.names()
    seal = Seal()
    exercises.check("10-conclusion", WRONG)
    functools.lru_cache(lambda: 3)()
    inspect.signature(state)
    assert seal.restore() == []
