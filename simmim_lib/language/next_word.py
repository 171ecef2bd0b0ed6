"""Language models: the probability of each next token, perplexity, and texts drawn from them."""

import functools
import math
from typing import TYPE_CHECKING

import numpy as np

from simmim_lib import datasets, trunks
from simmim_lib.errors import WorkbookError, check_whole, shown
from simmim_lib.experiments.pretexts import next_word
from simmim_lib.experiments.pretraining import pretrained
from simmim_lib.foundation import keras_setup
from simmim_lib.language.sentences import check_texts
from simmim_lib.trunks import tokens, words
from simmim_lib.trunks.catalogue import WORDS

if TYPE_CHECKING:
    import keras
    from numpy.typing import NDArray

AT_ONCE = 32
"""Pieces of 64 tokens that are read in one call, each with 4,096 logits for every token."""

MAX_TOKENS = 200
"""Tokens that are drawn at most: the model sees 64, and has long forgotten how it began."""


def language_model(source: str = "wikipedia") -> "keras.Model":
    """Return the trunk `words` as it was pre-trained on a source, with logits of each next token.

    Args:
        source: the name of a dataset of texts.

    Returns:
        A model from tokens (n, 64), int32, to logits (n, 64, 4096).
    """
    return _language_model(source, datasets.fingerprint(source))


@functools.lru_cache(maxsize=4)
@keras_setup.as_usual()
def _language_model(source: str, content: str) -> "keras.Model":
    """Return the model of a source as it is now, which its content tells."""
    network = trunks.build_trunk(WORDS.name)
    trunks.set_weights(network, WORDS.end_of, pretrained(source, WORDS.name, "next-word").blocks)
    return words.next_token_logits(network)


def log_probabilities(texts: "list[str]", source: str = "wikipedia") -> "NDArray[np.float64]":
    """Return the logarithm of the probability of each token of texts but the first, in nats.

    The tokens of all texts stand in one row, cut into pieces of 64, and each piece is read anew.

    Args:
        texts: at least one.
        source: what the language model was pre-trained on.

    Returns:
        Shape (tokens,).

    Raises:
        WorkbookError: no text, an empty one, or texts of less than two tokens.
    """
    from scipy.special import log_softmax

    row = next_word.stream(np.array(check_texts(texts), object))
    pieces = -(-(len(row) - 1) // words.CONTEXT)
    filled = np.zeros(pieces * words.CONTEXT + 1, np.int32)
    filled[: len(row)] = row
    given = filled[:-1].reshape(pieces, words.CONTEXT)
    came = filled[1:].reshape(pieces, words.CONTEXT, 1)
    read = language_model(source)
    found = np.empty((pieces, words.CONTEXT))
    for start in range(0, pieces, AT_ONCE):  # logits of all texts at once would fill gigabytes
        some = slice(start, start + AT_ONCE)
        logits = read.predict(given[some], verbose=0, batch_size=AT_ONCE)
        chances = log_softmax(logits.astype(float), axis=-1)
        found[some] = np.take_along_axis(chances, came[some], axis=-1)[..., 0]
    return found.reshape(-1)[: len(row) - 1]


def perplexity(texts: "list[str]", source: str = "wikipedia") -> float:
    """Return among how many equally likely tokens guessing would be as hard.

    Args:
        texts: at least one.
        source: what the language model was pre-trained on.

    Raises:
        WorkbookError: as `log_probabilities`.
    """
    return math.exp(-log_probabilities(texts, source).mean())


def next_tokens(
    start: str, temperature: float = 1.0, source: str = "wikipedia"
) -> list[tuple[str, float]]:
    """Return every token that may come next with its probability, the likeliest first.

    Some tokens are parts of letters, and look alike.

    Args:
        start: a text; of a long one the last 64 tokens count.
        temperature: logits are divided by it: below 1, what is likely becomes more so.
        source: what the language model was pre-trained on.

    Raises:
        WorkbookError: an empty text, or a temperature that is not above 0.
    """
    check_texts([start])
    chances = _chances(_reader(source), _ids(start), check_temperature(temperature))
    order = np.argsort(chances)[::-1]
    decode = tokens.tokenizer(WORDS.name).decode
    return [(decode([int(place)]), float(chances[place])) for place in order]


def sample(
    start: str,
    temperature: float = 1.0,
    count: int = 40,
    seed: int = 0,
    source: str = "wikipedia",
) -> str:
    """Return a text that goes on as the language model has it, drawn token by token.

    Args:
        start: how it begins.
        temperature: see `next_tokens`.
        count: how many tokens are drawn, 1 to 200; fewer if the text ends before.
        seed: of chance.
        source: what the language model was pre-trained on.

    Raises:
        WorkbookError: as `next_tokens`; a number out of range.
    """
    check_texts([start])
    check_temperature(temperature)
    check_whole("count", count, 1, MAX_TOKENS)
    check_whole("seed", seed, least=0)
    random, ids, read = np.random.default_rng(seed), _ids(start), _reader(source)
    for _ in range(count):
        chances = _chances(read, ids, temperature)
        ids.append(int(random.choice(len(chances), p=chances)))
        if ids[-1] == words.END:
            break
    return tokens.tokenizer(WORDS.name).decode(ids).strip()


def check_temperature(given: float) -> float:
    """Return a temperature, which is above 0.

    Raises:
        WorkbookError: it is not.
    """
    if not (isinstance(given, int | float) and 0.01 <= given <= 100):
        raise WorkbookError(
            f"temperature is {shown(given)}, but must be a number from 0.01 to 100: try 0.8."
        )
    return given


def _ids(text: str) -> list[int]:
    return list(tokens.tokenizer(WORDS.name).encode(text, add_special_tokens=False).ids)


def _chances(read: "keras.Model", ids: list[int], temperature: float) -> "NDArray[np.float64]":
    """Return the probability of each token behind others; padding never comes."""
    from scipy.special import softmax

    seen = ids[-words.CONTEXT :]
    given = np.zeros((1, words.CONTEXT), np.int32)
    given[0, : len(seen)] = seen
    logits = np.asarray(read(given))[0, len(seen) - 1].astype(float)
    logits[tokens.PADDING] = -np.inf
    return softmax(logits / temperature)


def _reader(source: str) -> "keras.Model":
    """Return the compiled model of a source as it is now: asked once, not for each token."""
    return _compiled(source, datasets.fingerprint(source))


@functools.lru_cache(maxsize=4)
def _compiled(source: str, content: str) -> "keras.Model":
    """Return the language model, compiled: forty tokens are forty calls."""
    import tensorflow as tf

    return tf.function(_language_model(source, content), autograph=False)
