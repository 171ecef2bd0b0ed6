"""The language model: probabilities that add up, and texts that chance repeats."""

import math

import numpy as np
import pytest

from simmim_lib.errors import WorkbookError
from simmim_lib.language import next_tokens, perplexity, sample
from simmim_lib.language.next_word import language_model, log_probabilities
from simmim_lib.studies import stored
from simmim_lib.trunks import tokens, words

pytest.importorskip("tokenizers")

START = "The city is the capital of"


def test_probabilities_are_those_of_the_model_and_add_up_to_one():
    chances = [chance for _, chance in next_tokens(START)]
    assert sum(chances) == pytest.approx(1)
    assert chances == sorted(chances, reverse=True)
    nats = log_probabilities([START])
    assert len(nats) == np.count_nonzero(tokens.token_ids("words", [START], 64))
    assert perplexity([START]) == pytest.approx(math.exp(-nats.mean()))


def test_a_low_temperature_prefers_what_is_likely():
    first = {heat: next_tokens(START, heat)[0][1] for heat in (0.2, 1.0, 3.0)}
    assert first[0.2] > first[1.0] > first[3.0]


def test_samples_are_repeated_by_their_seed_alone():
    drawn = sample(START, count=12, seed=1)
    assert drawn == sample(START, count=12, seed=1) != sample(START, count=12, seed=2)
    assert drawn.startswith("the city is the capital of")
    likeliest, _ = next_tokens(START)[0]
    assert sample(START, temperature=0.01, count=1).endswith(likeliest.strip())


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: sample(" "), "says something"),
        (lambda: sample("A", temperature=0), "temperature is 0"),
        (lambda: sample("A", count=1000), "count"),
        (lambda: perplexity([]), "No text"),
    ],
)
def test_what_cannot_be_meant_is_refused(call, text):
    with pytest.raises(WorkbookError, match=text):
        call()


@pytest.mark.slow
def test_the_stored_model_is_far_better_than_guessing():
    found = stored.load("text-perplexity").values("perplexity", tested_on="wikipedia")[0]
    assert found < words.VOCABULARY / 10
    assert language_model().output_shape == (None, words.CONTEXT, words.VOCABULARY)
