"""How well the workbook's own language model foretells texts that it has not read."""

from dataclasses import dataclass

import numpy as np

from simmim_lib import datasets
from simmim_lib.foundation.progress import Progress
from simmim_lib.language.next_word import log_probabilities
from simmim_lib.studies.described import Described
from simmim_lib.studies.measures import Measures


@dataclass(frozen=True, kw_only=True)
class Reading(Described):
    """The language model that Wikipedia has taught reads the test part of a dataset.

    Attributes:
        tested_on: the dataset.
        seeds: 1: there is one such model.
    """

    tested_on: str
    seeds: int = 1

    def __post_init__(self) -> None:
        """Refuse what is no dataset."""
        datasets.check_name("dataset", self.tested_on)


def measure(asked: Reading, progress: Progress) -> Measures:
    """Return perplexity, nats of each character, and tokens, each (1,)."""
    texts = list(datasets.load(asked.tested_on).test.images)
    nats = -log_probabilities(texts)
    progress(1, 1)
    return {
        "perplexity": np.exp(nats.mean(keepdims=True)),
        "nats_per_character": nats.sum(keepdims=True) / sum(map(len, texts)),
        "tokens": np.array([len(nats)]),
    }
