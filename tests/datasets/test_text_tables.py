"""Tables of texts of one's own: what is read, and what is said of rows that cannot be used."""

import numpy as np
import pytest

from simmim_lib import datasets
from simmim_lib.datasets.texts import same_words
from simmim_lib.errors import WorkbookError

ROWS = [
    (f'"Line {n}, ""quoted"",\nand a second line {n // 2}"', "good" if n % 2 else "bad")
    for n in range(24)
]


def write(folder, rows=ROWS, header="review,stars", encoding="utf-8"):
    path = folder / "reviews.csv"
    lines = [header, *(",".join(row) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return f"csv:{path}?text=review"


def test_quotes_and_line_breaks_belong_to_a_text(tmp_path):
    data = datasets.load(write(tmp_path))
    assert data.holds_texts and data.class_names == ("bad", "good")
    assert (len(data.train), len(data.test)) == (19, 5)
    everything = {*data.train.images, *data.test.images}
    assert 'Line 3, "quoted",\nand a second line 1' in everything
    for part in (data.train, data.test):
        for text, label in zip(part.images, part.labels, strict=True):
            assert label == int(text.split(",")[0].removeprefix("Line ")) % 2
    described = datasets.describe(write(tmp_path))
    assert (described.content, described.class_names) == ("texts", data.class_names)


def test_texts_with_the_same_words_are_in_one_part(tmp_path):
    rows = [*ROWS, *((text.upper(), label) for text, label in ROWS)]
    data = datasets.load(write(tmp_path, rows))
    learnt = {same_words(text) for text in data.train.images}
    assert not learnt & {same_words(text) for text in data.test.images}


def test_a_change_of_a_text_changes_the_fingerprint(tmp_path):
    before = datasets.fingerprint(write(tmp_path))
    assert before == datasets.fingerprint(write(tmp_path))
    changed = [(ROWS[0][0].replace("Line", "Verse"), ROWS[0][1]), *ROWS[1:]]
    assert datasets.fingerprint(write(tmp_path, changed)) != before


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([*ROWS, ("", "good")], r"1 of 25 rows .*row 26 \(its 'review' is empty\)"),
        ([*ROWS, ("fine", "")], "its 'stars' is empty"),
        ([(text, "good") for text, _ in ROWS], "one class only"),
        ([(f"text {n}", "good" if n else "bad") for n in range(9)], "too few different"),
    ],
)
def test_rows_that_cannot_be_used_are_told_in_one_sentence(tmp_path, rows, words):
    with pytest.raises(WorkbookError, match=words):
        datasets.load(write(tmp_path, rows))


def test_rows_that_cannot_be_used_are_left_out_if_that_is_asked_for(tmp_path):
    with pytest.warns(UserWarning, match="Left out"):
        data = datasets.load(write(tmp_path, [*ROWS, ("", "good")]) + "&skip-broken=yes")
    assert len(data.train) + len(data.test) == len(ROWS)


def test_another_encoding_an_unknown_column_and_both_kinds_are_refused(tmp_path):
    rows = [(f"café {n}", "ab"[n % 2]) for n in range(20)]
    with pytest.raises(WorkbookError, match="save it as CSV in UTF-8"):
        datasets.load(write(tmp_path, rows, encoding="latin-1"))
    with pytest.raises(WorkbookError, match="revue"):
        datasets.load(write(tmp_path).replace("=review", "=revue"))
    with pytest.raises(WorkbookError, match="leave one out"):
        datasets.load(write(tmp_path) + "&image=review")


def test_labels_may_be_numbers(tmp_path):
    rows = [(f"text {n}", f"{n / 7:.3f}") for n in range(30)]
    data = datasets.load(write(tmp_path, rows))
    assert data.kind == "regression" and data.train.labels.dtype == np.float32
