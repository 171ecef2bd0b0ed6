"""Tokens a second in learning the next word, sentences a second through MiniLM: lesson 07."""

import numpy as np
from timing import Row, medians

from simmim_lib import datasets, trunks
from simmim_lib.experiments.pretexts import next_word
from simmim_lib.trunks import minilm, words

STEPS = 40
SENTENCES, LENGTH = 64, 32


def next_words() -> Row:
    """Ours, and Keras's `fit` of the same network on as many pieces of the same text."""
    import keras

    texts = next_word.stream(datasets.load("wikipedia").train.images)
    shape = (STEPS * next_word.BATCH_SIZE, words.CONTEXT + 1)
    pieces = texts[: np.prod(shape)].reshape(shape)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def plain() -> None:
        network = words.next_token_logits(trunks.build_trunk("words"))
        network.compile(keras.optimizers.Adam(next_word.LEARNING_RATE), loss)
        network.fit(pieces[:, :-1], pieces[:, 1:], next_word.BATCH_SIZE, verbose=0)

    fast, slow = medians(lambda: next_word.train("wikipedia", steps=STEPS), plain, rounds=2)
    seen = STEPS * next_word.BATCH_SIZE * words.CONTEXT
    return Row(
        "Keras's fit of the small language model over ours, compiling included",
        "shown",
        f"{slow / fast:.2f} x ({seen / slow:,.0f} and {seen / fast:,.0f} tokens a second)",
    )


def sentences() -> Row:
    """MiniLM on as many tokens, with weights that mean nothing: they cost as much as others."""
    what = "MiniLM in PyTorch (Hugging Face) over ours, seconds for the same sentences"
    try:
        import torch
        from transformers import BertConfig, BertModel
    except ImportError:
        return Row(what, "at least 0.8 x", "left out: torch or transformers is not installed")
    config = BertConfig(
        vocab_size=minilm.SIZES.vocabulary,
        hidden_size=minilm.SIZES.width,
        num_hidden_layers=minilm.SIZES.layers,
        num_attention_heads=minilm.SIZES.heads,
        intermediate_size=minilm.SIZES.inner,
    )
    theirs = BertModel(config).eval()
    ours = trunks.build_trunk("minilm-l6", size=LENGTH)
    ids = np.random.default_rng(0).integers(1, minilm.SIZES.vocabulary, (SENTENCES, LENGTH))
    asked = torch.tensor(ids)

    def in_torch() -> None:
        with torch.no_grad():
            theirs(asked)

    numbers = ids.astype(np.int32)
    fast, slow = medians(lambda: ours.predict_on_batch(numbers), in_torch)
    measured = f"{slow / fast:.2f} x ({SENTENCES / slow:,.0f} and {SENTENCES / fast:,.0f} a second)"
    return Row(what, "at least 0.8 x", measured, slow / fast >= 0.8)


ROWS = (next_words, sentences)
