"""The glossary: in the alphabet's order, and each word in the lesson that it names."""

import re
from itertools import pairwise

import build
import pytest

PAGE = build.FOLDER.parent / "docs" / "glossary.md"
ROWS = re.findall(
    r"^\| ([^|]+) \| ([^|]+) \| \[(\d\d)\]\(\.\./notebooks/(\w+)\.ipynb\) \|$",
    PAGE.read_text(encoding="utf-8"),
    re.MULTILINE,
)


def test_words_are_in_order_and_all_rows_are_read():
    words = [word.lower() for word, *_ in ROWS]
    assert all(one < other for one, other in pairwise(words))
    assert len(ROWS) == PAGE.read_text(encoding="utf-8").count("\n| ") - 1  # the heading


@pytest.mark.parametrize(("word", "meaning", "number", "lesson"), ROWS)
def test_a_word_is_used_in_the_lesson_that_explains_it(word, meaning, number, lesson):
    assert lesson.startswith(number)
    notebook = (build.FOLDER / f"{lesson}.ipynb").read_text(encoding="utf-8").replace("\\n", " ")
    plural = word.replace(" ", "[ -]") + "(s|es)?"
    assert re.search(rf"\b{plural}\b", notebook, re.IGNORECASE)
