"""Labels in whatever form: understood where there is one meaning, else refused in one sentence."""

import decimal
import re

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import simmim_lib
from simmim_lib import labels
from simmim_lib.errors import WorkbookError

PETS = simmim_lib.Task("pets", ("cat", "dog", "bird"))
PAIR = simmim_lib.Task("pair", ("no", "yes"))
TRUTH = simmim_lib.Task("truth", ("True", "False"))
STARS = simmim_lib.Task("stars", ("1", "2", "3"))
TWICE = simmim_lib.Task("twice", ("a", "a", "b"))
MARKS = simmim_lib.Task("marks", ("round", "open"), "multi-label")
AGE = simmim_lib.Task("age", ("years",), "regression")
PLACE = simmim_lib.Task("place", ("x", "y"), "regression")

NUMBERS = [0, 2, 1, 2]
NAMES = ["cat", "bird", "dog", "bird"]
ROWS = np.eye(3)[NUMBERS]
MASKED = np.ma.masked_array(NUMBERS, [False] * 4)

UNDERSTOOD = {
    "numbers": (PETS, np.array(NUMBERS), NUMBERS),
    "bytes": (PETS, np.array(NUMBERS, np.uint8), NUMBERS),
    "a list": (PETS, NUMBERS, NUMBERS),
    "whole floats": (PETS, np.array(NUMBERS, float), NUMBERS),
    "a column": (PETS, np.array(NUMBERS)[:, None], NUMBERS),
    "one-hot": (PETS, ROWS, NUMBERS),
    "one-hot truth": (PETS, ROWS.astype(bool), NUMBERS),
    "one-hot lists": (PETS, ROWS.tolist(), NUMBERS),
    "names": (PETS, np.array(NAMES), NUMBERS),
    "a list of names": (PETS, NAMES, NUMBERS),
    "a column of names": (PETS, np.array(NAMES)[:, None], NUMBERS),
    "objects": (PETS, np.array(NAMES, object), NUMBERS),
    "encoded names": (PETS, np.array(NAMES, "S"), NUMBERS),
    "names that are numbers": (STARS, ["1", "3", "2", "3"], NUMBERS),
    "a series": (PETS, pd.Series(NUMBERS, index=[9, 8, 7, 6]), NUMBERS),
    "a series that may lack some": (PETS, pd.Series(NUMBERS, dtype="Int64"), NUMBERS),
    "categories": (PETS, pd.Series(NAMES, dtype="category"), NUMBERS),
    "dummies, in the order of the alphabet": (PETS, pd.get_dummies(pd.Series(NAMES)), NUMBERS),
    "a tensor": (PETS, tf.constant(NUMBERS), NUMBERS),
    "a tensor of names": (PETS, tf.constant(NAMES), NUMBERS),
    "masked, but nothing is": (PETS, MASKED, NUMBERS),
    "truth of two classes": (PAIR, [True, False], [1, 0]),
    "truth by name": (TRUTH, np.array([True, False]), [0, 1]),
    "nothing": (PETS, [], []),
    "marks": (MARKS, [[1, 0], [0, 1]], [[1, 0], [0, 1]]),
    "marks of truth": (MARKS, np.array([[True, False]]), [[1, 0]]),
    "marks in a table": (MARKS, pd.DataFrame({"open": [1, 0], "round": [0, 0]}), [[0, 1], [0, 0]]),
    "an age": (AGE, [3, 4.5], [[3], [4.5]]),
    "a column of ages": (AGE, np.array([[3], [4]]), [[3], [4]]),
    "decimals": (AGE, [decimal.Decimal("1.5")], [[1.5]]),
    "places in a table": (PLACE, pd.DataFrame({"y": [2.0], "x": [1.0]}), [[1, 2]]),
}


@pytest.mark.parametrize("form", UNDERSTOOD)
def test_what_has_one_meaning_is_understood(form):
    task, given, expected = UNDERSTOOD[form]
    found = labels.in_form(task, given)
    assert found.dtype == (np.int32 if task.kind == "classification" else np.float32)
    np.testing.assert_array_equal(found, np.array(expected, found.dtype).reshape(found.shape))
    assert found.ndim == (1 if task.kind == "classification" else 2)


REFUSED = {
    "from 1": (PETS, [1, 2, 3], "are 1, 2, 3, .*from 0 to 2, .*'cat'.*subtract 1"),
    "with gaps": (PETS, [0, 5, 9], "are 0, 5, 9, .*return_inverse=True"),
    "too many": (PETS, [0, 1, 2, 3], "are 0, 1, 2, 3, .*which are 3 now"),
    "unlabelled": (PETS, [0, -1], "are -1, 0, "),
    "a filler": (PETS, np.array([1, 255], np.uint8), "are 1, 255, "),
    "very many": (PETS, range(500), "are 0, 1, 2, 3, …, 499, "),
    "names as numbers": (STARS, [1, 2, 3], "write them as texts"),
    "halves": (PETS, [0.5, 1.0], "are 0.5, 1, "),
    "infinite": (PETS, [np.inf, 1.0], "are 1, inf, "),
    "truth of three": (PETS, [True, False], "are False, True, "),
    "shares": (PETS, [[0.2, 0.3, 0.5]], r"rows such as \[0.2, 0.3, 0.5\]"),
    "two of three": (PETS, [[1, 0, 1]], r"rows such as \[1, 0, 1\]"),
    "none of three": (PETS, [[0, 0, 0]], r"rows such as \[0, 0, 0\]"),
    "two columns": (PETS, [[0, 1]], r"shape \(1, 2\).*bring them to \(n,\)"),
    "a row": (PETS, [[0, 1, 2, 0]], r"shape \(1, 4\)"),
    "one number": (PETS, 1, "are 1, but"),
    "rows of several lengths": (PETS, [[1], [0, 1]], "give an array"),
    "a dictionary": (PETS, {"cat": 1}, "give an array"),
    "another name": (PETS, ["cat", "dot"], "Unknown label of task 'pets' 'dot'. .*'dog'"),
    "another case": (PETS, ["Cat"], "Did you mean 'cat'"),
    "names twice": (TWICE, ["a", "b"], "are the texts 'a', 'b'"),
    "partly names": (PETS, np.array(["cat", 1], object), "partly texts"),
    "dates": (AGE, np.array(["2020-01-01"], "datetime64[ns]"), "give an array"),
    "complex": (AGE, [1j], "give an array"),
    "objects": (AGE, np.array([object()]), "convert them"),
    "a mark of 2": (MARKS, [[1, 2]], "are 1, 2, .*0 or 1 in a column for each of 'round', 'open'"),
    "half a mark": (MARKS, [[1, 0.5]], "are 0.5, 1, "),
    "an unknown mark": (MARKS, [[1, -1]], "are -1, 1, "),
    "one mark of two": (MARKS, [1, 0], r"shape \(2,\)"),
    "names of marks": (MARKS, [["round", "open"]], "are 'round', 'open', .*write 1 where a label"),
    "texts": (AGE, ["3", "4"], r"are the texts '3', '4', .*convert them with astype\(float\)"),
    "a list, partly names": (PETS, ["cat", 1], "are 'cat', 1, partly texts"),
    "two numbers for one": (AGE, [[1, 2]], r"shape \(1, 2\).*bring them to \(n, 1\)"),
    "an infinite age": (AGE, [1, np.inf], "hold inf, "),
    "an age beyond floats": (AGE, [1e300], r"hold 1e\+300, "),
}
MISSING = {
    "NaN": (PETS, [0, np.nan, 1]),
    "None": (PETS, ["cat", None, "dog"]),
    "NaN in a list of names": (PETS, ["cat", np.nan, "dog"]),
    "NaN in a column of names": (PETS, [["cat"], [float("nan")], ["dog"]]),
    "NA": (PETS, pd.Series([0, None, 1], dtype="Int64")),
    "masked": (PETS, np.ma.masked_array([0, 1, 2], [False, True, False])),
    "a NaN mark": (MARKS, [[0, 1], [np.nan, 1], [1, 1]]),
    "a NaN age": (AGE, [1, np.nan, 3]),
    "half a place": (PLACE, [[0, 1], [2, np.nan], [1, 1]]),
    "a masked place": (PLACE, np.ma.masked_equal([[0, 1], [7, 2], [1, 1]], 7)),
}


@pytest.mark.parametrize("form", REFUSED)
def test_what_may_mean_several_things_gets_one_sentence(form):
    task, given, words = REFUSED[form]
    with pytest.raises(WorkbookError, match=words) as caught:
        labels.in_form(task, given)
    assert f"task '{task.name}'" in str(caught.value)
    assert re.fullmatch(r"[^\n]{1,500}\.", str(caught.value))


@pytest.mark.parametrize("form", MISSING)
def test_a_missing_label_is_refused_unless_it_does_not_count(form):
    task, given = MISSING[form]
    words = f"labels of task '{task.name}' are missing .* for 1 of 3 examples.*sample_weight 0"
    with pytest.raises(WorkbookError, match=words):
        labels.in_form(task, given)
    found = labels.in_form(task, given, np.array([True, False, True]))
    assert not found[1].any()
    others = np.asarray(given, object)[[0, 2]]
    np.testing.assert_array_equal(found[[0, 2]], labels.in_form(task, others))


@pytest.mark.parametrize("given", [[0, -1, 2], [0, 255, 2], ["cat", "??", "bird"], [0, 0.5, 2]])
def test_whatever_stands_where_nothing_counts_is_harmless(given):
    counts = np.array([True, False, True])
    assert labels.in_form(PETS, given, counts).tolist() == [0, 0, 2]
    assert labels.in_form(AGE, [3, "unknown", 5], counts).tolist() == [[3], [0], [5]]


def test_a_class_may_be_named_nan():
    task = simmim_lib.Task("words", ("nan", "pan"))
    for given in (np.array(["pan", "nan"], object), ["pan", "nan"]):
        assert labels.in_form(task, given).tolist() == [1, 0]
    with pytest.raises(WorkbookError, match="missing"):
        labels.in_form(task, ["pan", np.nan])
