"""Which words of a sentence a head rests on: a small reader with a head for each kind of review."""

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simmim_lib import attribution, datasets, experiments
from simmim_lib.foundation.progress import Progress
from simmim_lib.settings import Settings
from simmim_lib.trunks import tokens, words

if TYPE_CHECKING:
    import keras

SENTENCES = (
    "The food was cold and the waiter was rude.",
    "A great phone, but the battery is terrible.",
    "Not bad at all.",
    "I would never go there again.",
    "The best pizza in town, with great service.",
    "It works well and I love it.",
)

HEADS = ("amazon", "yelp")

READER = Settings(
    trunk="words",
    source="wikipedia",
    pretext="next-word",
    targets=HEADS,
    labels_per_class=200,
    frozen_layers=0,
    learning_rate=3e-3,
    steps=60,
    seeds=1,
    baseline="none",
)
"""The small language model of the workbook, fine-tuned on reviews of goods and of restaurants."""

SPACE = "\u0120"
"""What a token begins with where a word does."""

NEUTRAL = words.END
"""The token that says nothing: the one behind the end of each text."""


@dataclass(frozen=True)
class Question:
    """What is asked of a sentence.

    Attributes:
        sentence: any text.
        head: whose head is asked about its own answer.
        method: one of `attribution.texts.METHODS`.
        steps: of integrated gradients.
    """

    sentence: str = SENTENCES[0]
    head: str = "yelp"
    method: str = "integrated gradients"
    steps: int = 64


class Seen(NamedTuple):
    """What is shown of a sentence.

    Attributes:
        words: of the sentence, as far as the network reads it.
        shares: of each word, how much its tokens speak for the answer, in sum.
        answer: the class that the head names.
        certainty: its probability.
        error: by how much shares of integrated gradients miss what they add up to, as a share of
            it; NaN for other methods.
    """

    words: list[str]
    shares: np.ndarray
    answer: str
    certainty: float
    error: float


@functools.cache
def reader() -> experiments.Result:
    """Return the trained network, whose heads `Result.model` gives one by one."""
    return experiments.run(READER)


def look(question: Question, _: Progress) -> Seen:
    """Answer a question about a sentence."""
    model = reader().model(0, question.head)
    ids = tokens.token_ids(READER.trunk, [question.sentence], model.input_shape[1])
    (probabilities,) = np.asarray(model(ids))
    asked = int(probabilities.argmax())
    steps = question.steps if question.method == "integrated gradients" else None
    shares = attribution.word_shares(model, ids, asked, NEUTRAL, question.method, steps)
    error = _missing(model, ids, asked, shares) if steps else np.nan
    names = datasets.describe(question.head).class_names
    pieces = tokens.pieces(READER.trunk, question.sentence)[: np.count_nonzero(ids)]
    found, of_words = _joined(pieces, shares[0])
    return Seen(found, of_words, names[asked], float(probabilities[asked]), error)


def _joined(pieces: list[str], shares: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Join the pieces of each word, and add up their shares."""
    begins = [number == 0 or piece.startswith(SPACE) for number, piece in enumerate(pieces)]
    word_of = np.cumsum(begins, dtype=int) - 1
    joined = [""] * (word_of[-1] + 1 if pieces else 0)
    for word, piece in zip(word_of, pieces, strict=True):
        joined[word] += piece.removeprefix(SPACE)
    return joined, np.bincount(word_of, shares[: len(pieces)], minlength=len(joined))


def _missing(model: "keras.Model", ids: np.ndarray, asked: int, shares: np.ndarray) -> float:
    """Return by how much shares miss the change of the logit, as a share of it."""
    import keras

    logits = keras.Model(model.inputs[0], model.get_layer("logits").output)
    both = np.concatenate([ids, np.where(ids, NEUTRAL, 0)]).astype(np.int32)
    with_words, without = np.asarray(logits(both), np.float64)[:, asked]
    change = with_words - without
    return float(abs(shares.sum() - change) / max(abs(change), 1e-12))
