"""AFINN: a list of words, each with a number for the mood that it brings; no label is needed.

Source: Nielsen 2011, "A new ANEW: Evaluation of a word list for sentiment analysis in microblogs";
    in the version, and by the rules, of the npm package sentiment 5.0.2.
"""

import functools
import io
import re
from collections.abc import Iterable, Mapping

import numpy as np

from simmim_lib import datasets
from simmim_lib.datasets.texts import unpacked

NEGATORS = {
    *("cant", "can't", "dont", "don't", "doesnt", "doesn't"),
    *("not", "non", "wont", "won't", "isnt", "isn't"),
}
"""Words that turn the mood of the next word around."""

_SIGNS = re.compile(r"[.,/#!?$%^&*;:{}=_`\"~()]")


@functools.cache
def moods() -> Mapping[str, int]:
    """Return the list: by word or emoji, its mood, from -5 to 5."""
    content = datasets.bundled_content("afinn.npz")
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return dict(zip(unpacked(arrays, "words"), arrays["scores"].tolist(), strict=True))


def moods_of_words(text: str) -> list[tuple[str, int]]:
    """Return each word of a text with the mood that it adds, 0 for words that are not listed.

    A word behind a negator adds the opposite.
    """
    words = _SIGNS.sub(" ", text.lower()).split()
    before = ["", *words]
    return [
        (word, moods().get(word, 0) * (-1 if previous in NEGATORS else 1))
        for word, previous in zip(words, before, strict=False)
    ]


def mood(text: str) -> int:
    """Return the sum of the moods of a text's words."""
    return sum(each for _, each in moods_of_words(text))


def classify(texts: Iterable[str]) -> np.ndarray:
    """Return 1 for each text whose mood is not below zero, as the list's users count, else 0."""
    return np.array([int(mood(text) >= 0) for text in texts], np.int32)
