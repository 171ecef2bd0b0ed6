"""Answers are read in whatever form, and no tolerance lets another value pass."""

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from simmim_lib.exercises import EXACT, Mistake, Tolerance, Wrong, comparing

RIGHT = 4.242641


@pytest.mark.parametrize(
    "given",
    [
        RIGHT,
        4.24,
        4.243,
        np.float16(RIGHT),
        np.float32(RIGHT),
        [RIGHT],
        np.array([[RIGHT]]),
        pd.Series([RIGHT]),
        iter([RIGHT]),
        {"result": RIGHT}.values(),
        tf.constant(RIGHT),
        tf.Variable(4.24),
    ],
    ids=lambda each: type(each).__name__,
)
def test_one_number_is_read_in_whatever_form(given):
    comparing.compare(given, RIGHT, (), "no")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (4.3, "no Yours: 4.3."),
        (4.2, "no Yours: 4.2."),  # one decimal: nobody could tell it from 4.15
        (4.25, "no Yours: 4.25."),
        (RIGHT * 1.002, "Yours: 4.251."),
        ("4.242641", "is text where numbers"),
        (b"4.242641", "is text where numbers"),
        (["4,24"], "is text where numbers"),
        ([RIGHT, RIGHT], r"yours is (2,)"),
        ([[1], [1, 2]], "type `list`"),
        (np.array(RIGHT + 1j), "type `ndarray`"),
        ({"result": RIGHT}, "type `dict`"),
        (float("inf"), "logarithm of zero"),
        (None, "returns nothing"),
        (-RIGHT, "turned"),
        (-4.24, "turned"),
    ],
)
def test_anything_else_is_refused_in_words(given, words):
    with pytest.raises(Wrong) as refused:
        comparing.compare(given, RIGHT, [Mistake(-RIGHT, "turned")], "no")
    assert words in str(refused.value)


@pytest.mark.parametrize("given", [155_785, 155_787, 155_786.4])
def test_counts_are_exact(given):
    comparing.compare(np.float32(155_786), 155_786, (), "no", EXACT)
    with pytest.raises(Wrong, match="no Yours: 155,78"):
        comparing.compare(given, 155_786, (), "no", EXACT)


@pytest.mark.parametrize(
    ("given", "value", "accepted"),
    [
        ([0.12, 0.46], [0.1234, 0.4567], True),
        ([0.12, 0.45], [0.1234, 0.4567], False),
        ([0.0, 0.46], [0.0, 0.4567], True),
        ([0.00, 0.46], [0.0034, 0.4567], False),  # nothing is left of the first
        ([0.012, 0.457], [0.0123, 0.4567], True),
        ([0.01, 0.46], [0.0123, 0.4567], False),
        ([0.005, 0.387], [0.00465, 0.3871], True),  # as good as it looks beside the largest
        ([0.004, 0.387], [0.00465, 0.3871], False),
        ([round(0.5375, 3)], [0.5375], True),
        ([np.round(0.5375, 3)], [0.5375], True),
        ([0.536], [0.5375], False),
        ([12.35, 1.0], [12.3456, 1.0], True),
        ([12.3, 1.0], [12.3456, 1.0], False),
    ],
)
def test_rounding_has_to_leave_two_decimals_and_enough_digits(given, value, accepted):
    exactly = Tolerance(0.0, 0.0)
    assert comparing.is_close(np.array(given), value, exactly) == accepted


@pytest.mark.parametrize(
    ("given", "read"),
    [
        *((each, True) for each in (True, np.True_, 1, 1.0, [True], tf.constant(True))),
        *((each, False) for each in (False, np.False_, 0, np.array([0]), tf.constant(0))),
    ],
    ids=repr,
)
def test_truth_is_read_in_whatever_form(given, read):
    assert comparing.truth(given) is read


NEITHER = ["True", "yes", None, 2, [True, True], [[1], [1, 2]], ..., float("nan")]


@pytest.mark.parametrize("given", NEITHER)
def test_what_is_neither_true_nor_false_is_refused(given):
    with pytest.raises(Wrong, match="Write `True` or `False`"):
        comparing.truth(given)


@pytest.mark.parametrize("read", [dict, pd.Series])
def test_entries_are_found_by_name(read):
    assert list(comparing.entries(read({"b": 2, "a": 1}), "ab").items()) == [("a", 1), ("b", 2)]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([1, 2], "a dictionary with `'a'`, `'b'`; yours is of type `list`"),
        ({"a": 1}, "for each of `'a'`, `'b'`; yours are `'a'`"),
        ({"a": 1, "b": 2, "c": 3}, "yours are `'a'`, `'b'`, `'c'`"),
        ({}, "yours are nothing"),
    ],
)
def test_other_entries_are_refused(given, words):
    with pytest.raises(Wrong) as refused:
        comparing.entries(given, "ab")
    assert words in str(refused.value)
