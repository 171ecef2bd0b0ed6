"""The questions of all lessons: one option right, a sentence each, and no letter favoured."""

import re
from collections import Counter
from importlib import import_module
from importlib.util import find_spec

import build
import numpy as np
import pytest

from simmim_lib.exercises.questions import QUESTIONS, Choice, Estimate, questions_of
from simmim_lib.lessons import LESSONS

NAMES = {lesson.number: questions_of(lesson.number) for lesson in LESSONS}
ALL = [name for names in NAMES.values() for name in names]

MEASURED = {
    "01-first-pass": {"accuracy": 0.55},
    "01-frozen-share": {"trained": 156_000, "weights": 160_000},
    "05-threshold": {"correct": np.arange(100) % 10 < 8, "sure": np.arange(100) % 10 < 7},
}
"""What a run would hand over, where an answer depends on one."""


def answer(name):
    asked, find = QUESTIONS[name]
    return asked, find(**MEASURED.get(name, {}))


@pytest.mark.parametrize("name", ALL)
def test_exactly_one_option_is_right_and_each_has_its_own_sentence(name):
    asked, found = answer(name)
    asked.check(found.right)
    if isinstance(asked, Estimate):
        replies = [asked.too_low, asked.too_high, asked.close]
        assert asked.judge(found.right, found.right).right
        ends = [asked.judge(guess, found.right).right for guess in (asked.least, asked.most)]
        assert not all(ends)
    else:
        replies = [option.reply for option in asked.options]
        assert len({option.text for option in asked.options}) == len(asked.options) >= 2
    if isinstance(asked, Choice):
        right = [asked.judge(letter, found.right).right for letter in "abcdef"[: len(replies)]]
        assert sum(right) == 1
    assert len(set(replies)) == len(replies)
    assert all(len(reply) > 20 for reply in replies)
    assert len(found.because) > 40


def test_the_right_letters_are_spread_evenly():
    letters = Counter(found.right for asked, found in map(answer, ALL) if isinstance(asked, Choice))
    most, least = max(letters.values()), min(letters[letter] for letter in "abc")
    assert most - least <= max(2, sum(letters.values()) // 8), letters


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_a_lesson_asks_its_questions_in_order_and_ends_with_the_score(lesson):
    notebook = build.read_lesson(build.FOLDER / "source" / f"{lesson.name}.py")
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    asked = re.findall(r'exercises\.predict\(\s*"([\w-]+)"', code)
    assert asked == NAMES[lesson.number]
    assert not asked or f'exercises.score("{lesson.number}")' in code


def test_what_a_run_hands_over_is_named_once():
    assert set(MEASURED) <= set(ALL)
    for lesson in LESSONS:
        name = f"simmim_lib.lessons.{lesson.folder}.questions"
        assert bool(find_spec(name)) == bool(NAMES[lesson.number])
        if find_spec(name):
            import_module(name)
