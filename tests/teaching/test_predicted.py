"""What a saved notebook says was predicted: counted, and never believed further than that."""

import json

import handed_in
import pytest

from simmim_lib.exercises.predictions import RECORD_TYPE
from simmim_lib.exercises.questions import questions_of
from simmim_lib.teaching import predicted, submissions

LESSON = "02"
FIRST, SECOND, *_ = ASKED = questions_of(LESSON)


def record(*, of=FIRST, **others):
    return {"output_type": "display_data", "data": {RECORD_TYPE: {"question": of, **others}}}


@pytest.mark.parametrize(
    ("outputs", "right", "answered"),
    [
        ([], 0, 0),
        ([record()], 0, 0),  # asked, and not answered
        ([record(guess="b", right=True)], 1, 1),
        ([record(guess="a", right=False), record(of=SECOND, guess=3, right=True)], 1, 2),
        ([record(guess="a", right=False), record(guess="b", right=True)], 0, 1),  # the first counts
        ([record(), record(guess="b", right=True)], 1, 1),
        ([record(of=name, guess="a", right=True) for name in ASKED] * 1000, len(ASKED), len(ASKED)),
        # What a stranger may write:
        ([record(of="02-of-my-own", guess="a", right=True)], 0, 0),
        ([record(of="01-first-pass", guess="a", right=True)], 0, 0),
        (
            [record(of=[FIRST], right=True), record(of=None, right=True), record(of=7, right=1)],
            0,
            0,
        ),
        ([record(right=value) for value in (1, 10**400, "true", None, [True], {})], 0, 0),
        ([{"data": {RECORD_TYPE: value}} for value in (None, [], "x", {}, {"right": True})], 0, 0),
        ([None, 3, "text", [], {}, {"data": None}, {"data": []}, {"data": "x" * 1000}], 0, 0),
    ],
)
def test_only_a_lessons_own_questions_and_plain_verdicts_count(outputs, right, answered):
    words = f"{right} right of {answered} answered of {len(ASKED)}"
    assert predicted.in_words(LESSON, outputs) == words


def test_a_lesson_without_questions_has_no_count(monkeypatch):
    monkeypatch.setattr(predicted, "questions_of", lambda lesson: [])
    assert predicted.in_words(LESSON, [record(guess="b", right=True)]) == ""


@pytest.mark.parametrize("outputs", [None, 3, "text", {}, [None], [[]]])
def test_odd_outputs_keep_no_answer_from_being_read(outputs):
    notebook = handed_in.finished(LESSON)
    for cell in notebook.cells:
        cell["outputs"] = outputs
    found = submissions.read(json.dumps(notebook).encode(), "the file", None)
    assert len(found.answers) == len(handed_in.exercise_names(LESSON))
    assert found.predictions == f"0 right of 0 answered of {len(ASKED)}"


def test_the_copies_for_a_class_ask_all_questions():
    text = "\n".join(cell.source for cell in handed_in.blank(LESSON).cells)
    assert [name for name in ASKED if f'"{name}"' not in text] == []
