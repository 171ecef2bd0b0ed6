"""The questions of all lessons: one option right, a sentence each, and no letter favoured."""

import dataclasses
import functools
import re
from collections import Counter
from importlib import import_module
from importlib.util import find_spec

import build
import numpy as np
import pytest
from widget_driver import find

from simmim_lib import freezing, trunks
from simmim_lib.diagnostic_accuracy import Confusion
from simmim_lib.exercises.answer_controls import controls
from simmim_lib.exercises.questions import QUESTIONS, Choice, Estimate, questions_of
from simmim_lib.foundation.intervals import Difference
from simmim_lib.lessons import LESSONS
from simmim_lib.lessons.medical_images.readings import Reading, at_prevalence
from simmim_lib.lessons.simmim_model.questions import NETWORKS as MODEL_NETWORKS
from simmim_lib.lessons.task_weights.conflict import Conflict
from simmim_lib.settings import Settings

NAMES = {lesson.number: questions_of(lesson.number) for lesson in LESSONS}
ALL = [name for names in NAMES.values() for name in names]


def half_frozen():
    """A network of which two layers, with 4,800 weights of 155,786, are frozen."""
    model = trunks.add_head(trunks.build_trunk(), classes=10)
    freezing.freeze(model, layers=2)
    return model


LABELS = np.repeat([0, 1], 50)
PROBABILITIES = np.concatenate([np.linspace(0.2, 0.7, 50), np.linspace(0.4, 0.9, 50)])
BRIGHT = np.minimum(PROBABILITIES + 0.2, 1)
RANKED = Reading(np.zeros((100, 2, 2, 1)), LABELS, PROBABILITIES, lambda images: BRIGHT)
"""A network that ranks most of the ill above most of the healthy."""

MEASURED = {
    "01-first-pass": {"accuracy": 0.55},
    "01-frozen-share": {"model": half_frozen()},
    "02-fresh": {"probability": np.array([0.08, 0.1, 0.12])},
    # The third guess is wrong and surer than the second.
    "02-unsure": {
        "labels": np.array([0, 1, 0, 2]),
        "logits": np.array([[9.0, 0, 0], [0, 1, 0], [0, 0, 2], [0, 0.1, 0]]),
    },
    "02-information": {
        "batches": {
            "trained": 9 * np.eye(3),
            "same": np.tile([9.0, 0, 0], (3, 1)),
            "fresh": 0.01 * np.eye(3),
        }
    },
    "04-where-tasks-meet": {
        "gradients": {
            "mnist": {"trunk": 1, "head_mnist": 1, "head_fashion": None},
            "fashion": {"trunk": 1, "head_mnist": None, "head_fashion": 1},
        }
    },
    "04-hundredfold": {
        "changed": {"sgd": {"fashion": 0.3}, "Adam": {"fashion": 0.0}, "shared": {"fashion": 0.1}}
    },
    "04-units": {
        "accuracy": {
            ("fixed", 1): {"mnist": np.array([0.89]), "fashion": np.array([0.73])},
            ("fixed", 100): {"mnist": np.array([0.83]), "fashion": np.array([0.73])},
        }
    },
    "04-cosine": {
        "measured": Conflict(
            Settings(targets=("mnist", "fashion")),
            np.array([0]),
            np.array([[[[1.0, 0.04], [0.04, 1.0]]]]),
            np.ones((1, 1, 2)),
        )
    },
    "04-three-tasks": {"gradients": np.array([[1.0, 0, 1], [-3, -3, 1], [0, 2, -2]])},
    "04-front": {"equal": {"mnist": np.array([0.88])}, "thrice": {"mnist": np.array([0.89])}},
    "06-alarmed": {"counts": Confusion(90, 10, 60, 40)},
    "06-fewer-ill": {"before": RANKED, "now": at_prevalence(RANKED, 0.1)},
    "06-brighter": {
        "readings": {0: RANKED, 3: dataclasses.replace(RANKED, probabilities=BRIGHT)},
        "at": 0.5,
    },
    "06-referred": {"reading": RANKED, "at": 0.5},
    "06-decision": {"reading": RANKED},
    "04-bulging-front": {"least": np.array([-1.0, -0.97, 1.0])},
    "03-convolution-share": {"layers": {"convolution": 320, "dense": 1_384_512, "head": 650}},
    "03-articles-loop": {"accuracies": [0.57, 0.44, 0.48]},
    "03-fewest-parameters": {
        "counts": dict(zip(MODEL_NETWORKS, (157_076, 1_385_482, 155_786, 311_572), strict=True))
    },
    "03-joint-loss": {
        "losses": {"mnist": 2.3, "uci-digits": 2.3},
        "weights": {"mnist": 1.0, "uci-digits": 0.5},
    },
    "03-what-is-trained": {"copied": {"trunk/dense/kernel": True, "head_mnist/kernel": False}},
    "03-information": {"before": {"mnist": -5.2}, "after": {"mnist": 1.5}},
    "09-heads": {
        "hits": {"digit": np.arange(40) < 33, "garment": np.arange(40) < 28},
    },
    "10-calibration": {"gain": Difference(13.8, 2.0)},
    "10-devices": {"largest": 1e-7, "devices": 1},
    "03-signs": {"frozen": [0.9, 0.93, 0.91], "scratch": [0.1, 0.25, 0.2]},
    "05-threshold": {"correct": np.arange(100) % 10 < 8, "sure": np.arange(100) % 10 < 7},
}
"""What a run would hand over, where an answer depends on one."""


@functools.cache
def answer(name):
    asked, find = QUESTIONS[name]
    return asked, find(**MEASURED.get(name, {}))


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_exactly_one_option_is_right_and_each_has_its_own_sentence(name):
    asked, found = answer(name)
    asked.check(found.right)
    if isinstance(asked, Estimate):
        replies = [asked.too_low, asked.too_high, asked.close]
        assert asked.judge(found.right, found.right).right
    else:
        replies = [option.reply for option in asked.options]
        assert len({option.text for option in asked.options}) == len(asked.options) >= 2
    if isinstance(asked, Choice):
        right = [asked.judge(letter, found.right).right for letter in "abcdef"[: len(replies)]]
        assert sum(right) == 1
    assert len(set(replies)) == len(replies)
    assert all(len(reply) > 20 for reply in replies)
    # A verdict knows code and formulas, but no emphasis.
    assert not any("*" in reply for reply in replies)
    assert len(found.because) > 40


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_no_slider_stands_at_a_right_answer_before_it_is_moved(name):
    asked, found = answer(name)
    if isinstance(asked, Estimate):
        slider = find(controls(asked, found.right, print), "My guess")
        assert not asked.judge(slider.value, found.right).right


@pytest.mark.slow
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
