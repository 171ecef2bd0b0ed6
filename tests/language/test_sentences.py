"""Sentences as vectors."""

import numpy as np
import pytest

from simmim_lib.errors import WorkbookError
from simmim_lib.language import sentence_features
from simmim_lib.trunks import minilm


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ([], "No text"),
        ("one text", "write \\[text\\]"),
        (["good", "  "], "Text 2 of 2"),
        (["good", None], "must be text"),
    ],
)
def test_what_is_no_text_is_refused_in_one_sentence(texts, words):
    with pytest.raises(WorkbookError, match=words):
        sentence_features(texts)


@pytest.mark.slow
@pytest.mark.skipif(not minilm.is_there(), reason="needs the packages of the extra `language`")
def test_vectors_have_length_one_and_order_sentences_by_meaning():
    texts = [
        "The battery is dead.",
        "It has no charge any more.",
        "A film about Paris.",
        "👍",
        "عربي",
    ]
    vectors = sentence_features(texts)
    assert vectors.shape == (5, 384)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]
    with pytest.warns(UserWarning, match="not looked at"):
        sentence_features(["word " * 1_000_000], length=8)
