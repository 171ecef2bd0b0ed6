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

FORGERIES = {
    "exercises.check": "exercises.check = lambda *given: exercises.Verdict('right', '')",
    "checking.check": "checking.check = lambda *given: exercises.Verdict('right', '')",
    "the code of check": "exercises.check.__code__ = (lambda name, answer: 'right').__code__",
    "an entry of JUDGES": "checking.JUDGES['10-verdict'] = lambda answer: 'ok'",
    "JUDGES emptied": "checking.JUDGES.clear()",
    "the judge": "checks._verdict.__code__ = (lambda answer: 'ok').__code__",
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
    wrong = exercises.check("10-verdict", lambda values, baseline: "gain")
    return [
        *(wrong.status, wrong.message, exercises.check, checking.check, checking.is_stub),
        *(checking.JUDGES["10-verdict"], np.allclose, np.array, isinstance, comparing.compare),
        sys.modules["simmim_lib.exercises"],
        *(checks._verdict.__code__, checks.compare),
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
    exercises.check("10-verdict", lambda values, baseline: "gain")
    functools.lru_cache(lambda: 3)()
    inspect.signature(state)
    assert seal.restore() == []
