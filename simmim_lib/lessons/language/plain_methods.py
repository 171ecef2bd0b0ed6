"""What SimMIM is compared with: methods for sentences that practitioners know by heart."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simmim_lib import datasets
from simmim_lib.errors import check_choice, check_whole
from simmim_lib.experiments.features import frozen_features, tokenized
from simmim_lib.experiments.pretraining import pretrained
from simmim_lib.foundation.progress import Progress
from simmim_lib.language import word_list
from simmim_lib.studies.described import Described
from simmim_lib.studies.measures import Measures
from simmim_lib.trunks.catalogue import MINILM

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

DOMAINS = ("amazon", "imdb", "yelp")


@dataclass(frozen=True, kw_only=True)
class PlainMethod(Described):
    """One method, which learns from labelled sentences of some domains, and is tested on another.

    Attributes:
        method: one of `METHODS`.
        learns_from: the domains whose labels are given.
        tested_on: the domain whose test sentences are classified.
        labels_per_class: of each domain that is learnt from; a number, or "all".
        seeds: repetitions, each with other labelled sentences: those of an experiment's seeds.
    """

    method: str
    learns_from: tuple[str, ...]
    tested_on: str
    labels_per_class: int | str = "all"
    seeds: int = 10

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        check_choice("method", self.method, METHODS)
        check_whole("seeds", self.seeds, 1)
        datasets.wanted_labels(self.labels_per_class)


def measure(asked: PlainMethod, progress: Progress) -> Measures:
    """Return the accuracy of each seed on the target's test sentences, (seeds,)."""
    accuracies = []
    for seed in range(asked.seeds):
        accuracies.append(METHODS[asked.method](asked, seed))
        progress(seed + 1, asked.seeds)
    return {"accuracy": np.array(accuracies)}


def _by_word_list(asked: PlainMethod, seed: int) -> float:
    """Count the moods of words: nothing is learnt."""
    test = datasets.load(asked.tested_on).test
    return float(np.mean(word_list.classify(test.images) == test.labels))


def _by_majority(asked: PlainMethod, seed: int) -> float:
    """Name the most frequent class."""
    labels = datasets.load(asked.tested_on).test.labels
    return float(np.mean(labels == np.bincount(labels).argmax()))


def word_counts() -> "BaseEstimator":
    """Return logistic regression on words and pairs of words: frequent ones of rare words count."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    counts = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    return make_pipeline(counts, LogisticRegression(C=10, max_iter=1000))


def linear_head() -> "BaseEstimator":
    """Return logistic regression, for vectors of length 1."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=10, max_iter=1000)


def _learnt(
    make: "Callable[[], BaseEstimator]", load: Callable[[str], datasets.Dataset]
) -> Callable[[PlainMethod, int], float]:
    """Return a method that fits an estimator of scikit-learn.

    Args:
        make: gives a fresh one.
        load: gives a domain with what the estimator takes in place of images.
    """

    def accuracy(asked: PlainMethod, seed: int) -> float:
        examples, labels = labelled(
            [load(name) for name in asked.learns_from], asked.labels_per_class, seed
        )
        test = load(asked.tested_on).test
        return float(make().fit(examples, labels).score(test.images, test.labels))

    return accuracy


def labelled(
    domains: Sequence[datasets.Dataset], labels_per_class: int | str, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the labelled examples of several domains, one behind the other, and their labels."""
    chosen = [datasets.choose(data, labels_per_class, seed).labelled for data in domains]
    pairs = [(data.train, places) for data, places in zip(domains, chosen, strict=True)]
    examples = np.concatenate([train.images[places] for train, places in pairs])
    return examples, np.concatenate([train.labels[places] for train, places in pairs])


def with_features(name: str) -> datasets.Dataset:
    """Return a domain whose sentences are replaced by MiniLM's vectors."""
    data = tokenized(datasets.load(name), MINILM.name, MINILM.size)
    return frozen_features(pretrained(MINILM.published, MINILM.name), len(MINILM.blocks), data)


METHODS: dict[str, Callable[[PlainMethod, int], float]] = {
    "majority": _by_majority,
    "word-list": _by_word_list,
    "tf-idf": _learnt(word_counts, datasets.load),
    "linear": _learnt(linear_head, with_features),
}
"""By name, what gives the accuracy of one seed."""
