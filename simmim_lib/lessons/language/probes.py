"""Forty probe sentences: what a model of sentiment gets wrong shows what it has not understood."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from simmim_lib import datasets
from simmim_lib.errors import check_choice
from simmim_lib.foundation.progress import Progress
from simmim_lib.language import sentence_features, word_list
from simmim_lib.lessons.language.plain_methods import (
    DOMAINS,
    labelled,
    linear_head,
    with_features,
    word_counts,
)
from simmim_lib.studies.described import Described
from simmim_lib.studies.measures import Measures

NEGATIVE, POSITIVE = 0, 1

Classify = Callable[[Sequence[str]], np.ndarray]
"""Finds the mood of each of several sentences."""

Probe = tuple[str, int]
"""A sentence, and what its writer thinks: `NEGATIVE` or `POSITIVE`."""

PROBES: Mapping[str, Sequence[Probe]] = {
    "plain": [
        ("I love this place.", POSITIVE),
        ("This is a terrible phone.", NEGATIVE),
        ("The acting was wonderful.", POSITIVE),
        ("The soup was disgusting.", NEGATIVE),
        ("Excellent sound and a beautiful screen.", POSITIVE),
        ("A boring film with awful dialogue.", NEGATIVE),
        ("The staff are friendly and quick.", POSITIVE),
        ("It broke after one day.", NEGATIVE),
    ],
    "negation": [
        ("The food was not good.", NEGATIVE),
        ("The film is not bad at all.", POSITIVE),
        ("I would never recommend this headset.", NEGATIVE),
        ("I have never had a better burger.", POSITIVE),
        ("There is nothing to complain about.", POSITIVE),
        ("There is nothing to like about it.", NEGATIVE),
        ("You will not regret buying this charger.", POSITIVE),
        ("Nobody could call this a good story.", NEGATIVE),
    ],
    "comparison": [
        ("My old phone was much better.", NEGATIVE),
        ("So much better than my old phone.", POSITIVE),
        ("The book is better than this film.", NEGATIVE),
        ("No other restaurant in town comes close.", POSITIVE),
        ("I have had better food on a plane.", NEGATIVE),
        ("It beats every headset that I have tried.", POSITIVE),
        ("The first film was good; this one is not.", NEGATIVE),
        ("The others were bad; this one is a joy.", POSITIVE),
    ],
    "sarcasm": [
        ("Great, it stopped working on the very first day.", NEGATIVE),
        ("Just what I needed: a case that does not fit.", NEGATIVE),
        ("Two hours of my life that I will never get back.", NEGATIVE),
        ("Best nap I ever had in a cinema.", NEGATIVE),
        ("If you enjoy waiting, this is the restaurant for you.", NEGATIVE),
        ("I am sorry to say that I finished the whole cake.", POSITIVE),
        ("My only problem is that I cannot stop watching it.", POSITIVE),
        ("Warning: you will never want another phone.", POSITIVE),
    ],
    "mixed": [
        ("Slow service, but the food makes up for it.", POSITIVE),
        ("The food was fine, but I will not be back.", NEGATIVE),
        ("A weak start, and then it becomes unforgettable.", POSITIVE),
        ("A strong start, and then it falls apart.", NEGATIVE),
        ("Looks cheap, works perfectly.", POSITIVE),
        ("Looks beautiful, dies within a week.", NEGATIVE),
        ("Not cheap, and worth every cent.", POSITIVE),
        ("Cheap, and not even worth that.", NEGATIVE),
    ],
}
"""By what makes them hard."""


@dataclass(frozen=True, kw_only=True)
class ProbeTest(Described):
    """A method that has learnt from all labels of all domains, tested on the probes.

    Attributes:
        method: one of `METHODS`.
        seeds: 1: all labels are given, so that chance has no part in it.
    """

    method: str
    seeds: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        check_choice("method", self.method, METHODS)


def measure(asked: ProbeTest, progress: Progress) -> Measures:
    """Return of each kind of probe which sentences were understood, 1 or 0, (sentences, 1)."""
    classify = METHODS[asked.method]
    return {kind: understood(probes, classify)[:, np.newaxis] for kind, probes in PROBES.items()}


def understood(probes: Sequence[Probe], classify: Classify) -> np.ndarray:
    """Return 1 for each sentence whose mood a method has found, else 0."""
    moods = classify([text for text, _ in probes])
    return np.array([int(found == mood) for found, (_, mood) in zip(moods, probes, strict=True)])


def _by_counts(texts: Sequence[str]) -> np.ndarray:
    domains = [datasets.load(name) for name in DOMAINS]
    return np.asarray(word_counts().fit(*labelled(domains, "all", 0)).predict(texts))


def _by_minilm(texts: Sequence[str]) -> np.ndarray:
    head = linear_head().fit(*labelled([with_features(name) for name in DOMAINS], "all", 0))
    return np.asarray(head.predict(sentence_features(texts)))


METHODS: dict[str, Classify] = {
    "word-list": word_list.classify,
    "tf-idf": _by_counts,
    "linear": _by_minilm,
}
"""By name, what finds the mood of sentences."""
