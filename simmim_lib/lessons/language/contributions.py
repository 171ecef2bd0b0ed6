"""The words behind a decision: what each adds to the sum that makes a probability."""

import functools
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simmim_lib import datasets
from simmim_lib.errors import WorkbookError, shown
from simmim_lib.language import moods_of_words, sentence_features
from simmim_lib.lessons.language.plain_methods import (
    DOMAINS,
    labelled,
    linear_head,
    with_features,
    word_counts,
)

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

Gram = tuple[str, tuple[int, ...]]
"""One word or two in a row, and the places where they stand."""

LONGEST = 40
"""Words of a sentence that are shown; more have no room in a figure."""


@dataclass(frozen=True, eq=False)
class Decision:
    """What one method makes of a sentence in one domain.

    Attributes:
        words: of the sentence, as the method sees them.
        parts: what each adds; above zero it speaks for "positive".
        start: what the sum begins with.
        rest: what the sum has beside start and parts, as these are no exact parts of it.
        probability: of "positive"; none where the method gives only a sum.
    """

    words: list[str]
    parts: np.ndarray
    start: float = 0.0
    rest: float = 0.0
    probability: float | None = None

    @property
    def total(self) -> float:
        """The sum that decides."""
        return float(self.start + self.parts.sum() + self.rest)


def by_word_list(sentence: str, domain: str) -> Decision:
    """Return the moods of the words; they are the same in every domain."""
    pairs = moods_of_words(sentence)
    return Decision([word for word, _ in pairs], np.array([each for _, each in pairs], float))


def by_counts(sentence: str, domain: str) -> Decision:
    """Return what each word adds to the logit of logistic regression on counted words.

    A pair of words that is known counts half for each of the two, and a word that stands there
    several times shares what it adds among its places.
    """
    vectors, head = _counts(domain)
    words = vectors.build_tokenizer()(sentence.lower())
    weights, known = head.coef_[0], vectors.vocabulary_
    values = vectors.transform([sentence]).toarray()[0]
    grams: list[Gram] = [(word, (place,)) for place, word in enumerate(words)]
    grams += [
        (f"{one} {two}", (place, place + 1))
        for place, (one, two) in enumerate(itertools.pairwise(words))
    ]
    counted = Counter(gram for gram, _ in grams)
    parts = np.zeros(len(words))
    for gram, places in grams:
        if gram in known:
            column = known[gram]
            share = values[column] * weights[column] / counted[gram] / len(places)
            parts[list(places)] += share
    return _decision(words, parts, float(head.intercept_[0]))


def by_minilm(sentence: str, domain: str) -> Decision:
    """Return by how much the logit of a linear head on MiniLM falls when a word is left out."""
    words = sentence.split()
    logits = _head(domain).decision_function(_vectors(sentence))
    parts = logits[0] - logits[1:]
    return _decision(words, parts, 0.0, float(logits[0] - parts.sum()))


def _decision(words: list[str], parts: np.ndarray, start: float, rest: float = 0.0) -> Decision:
    logit = start + parts.sum() + rest
    return Decision(words, parts, start, rest, float(1 / (1 + np.exp(-logit))))


@functools.lru_cache(maxsize=64)
def _vectors(sentence: str) -> np.ndarray:
    """Return the vectors of a sentence, and of the same without its first word, its second, ..."""
    words = sentence.split()
    without = [" ".join(words[:place] + words[place + 1 :]) or "." for place in range(len(words))]
    return sentence_features([sentence, *without])


@functools.cache
def _counts(domain: str) -> "tuple[BaseEstimator, BaseEstimator]":
    """Return counts of words and the head on them, taught by all labels of a domain."""
    pipeline = word_counts().fit(*labelled([datasets.load(domain)], "all", 0))
    return pipeline[0], pipeline[-1]


@functools.cache
def _head(domain: str) -> "BaseEstimator":
    """Return a linear head on MiniLM, taught by all labels of a domain."""
    return linear_head().fit(*labelled([with_features(domain)], "all", 0))


METHODS: dict[str, Callable[[str, str], Decision]] = {
    "word list": by_word_list,
    "counts of words": by_counts,
    "MiniLM": by_minilm,
}
"""By the name that a panel shows: from a sentence and a domain to a decision."""


def decide(method: str, sentence: str) -> dict[str, Decision]:
    """Return what a method makes of a sentence in each domain.

    Args:
        method: a key of `METHODS`.
        sentence: with at least one word, and at most `LONGEST`.

    Raises:
        WorkbookError: no word, or too many; MiniLM is not installed.
    """
    count = len(sentence.split())
    if not count:
        raise WorkbookError("There is no word to look at: type a sentence.")
    if count > LONGEST:
        raise WorkbookError(
            f"The sentence has {count} words, but at most {LONGEST} have room: shorten it."
        )
    decisions = {domain: METHODS[method](sentence, domain) for domain in DOMAINS}
    if not any(each.words for each in decisions.values()):
        raise WorkbookError(
            f"{shown(sentence)} has no word that this method knows as one: type some letters."
        )
    return decisions
