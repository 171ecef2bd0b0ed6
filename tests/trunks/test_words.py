"""The trunk that reads from left to right: it does not look ahead, nor at padding."""

import numpy as np
import pytest

from simmim_lib import trunks
from simmim_lib.trunks import tokens, words
from simmim_lib.trunks.catalogue import WORDS

IDS = np.array([[5, 9, 200, 31, 4000, 7, 0, 0]], np.int32)


@pytest.fixture(scope="module")
def network():
    built = trunks.build_trunk("words", size=8)
    built.set_weights(trunks.fresh_weights(built, 0))
    return built


def test_a_token_changes_nothing_before_it(network):
    model = words.next_token_logits(network)
    before = model(IDS).numpy()
    changed = IDS.copy()
    changed[0, 4] = 17
    after = model(changed).numpy()
    assert before.shape == (1, 8, words.VOCABULARY)
    assert np.allclose(before[0, :4], after[0, :4], atol=1e-5)
    assert not np.allclose(before[0, 4], after[0, 4], atol=1e-3)


def test_a_token_is_compared_with_its_own_embedding_as_it_is_now(network):
    model = words.next_token_logits(network)
    before, kept = model(IDS).numpy(), network.get_weights()
    table = network.get_layer("words").embeddings
    changed = table.numpy()
    changed[3000] *= 2  # no token of IDS, so that nothing else of the network sees it
    table.assign(changed)
    after = model(IDS).numpy()
    network.set_weights(kept)
    assert np.allclose(after[..., 3000], 2 * before[..., 3000], atol=1e-5)
    assert np.allclose(after[..., :3000], before[..., :3000], atol=1e-5)


def test_padding_changes_no_feature(network):
    longer = trunks.build_trunk("words", size=16)
    longer.set_weights(network.get_weights())
    features = network(IDS).numpy()
    assert features.shape == (1, words.WIDTH)
    assert np.allclose(longer(np.pad(IDS, ((0, 0), (0, 8)))).numpy(), features, atol=1e-5)
    assert np.isfinite(network(np.zeros((1, 8), np.int32)).numpy()).all()


@pytest.mark.parametrize("frozen", [1, 2, 3, 4])
def test_it_can_be_cut_behind_every_block(network, frozen):
    parts = trunks.cut(network, WORDS.end_of, frozen)
    assert np.allclose(parts.back(parts.front(IDS)).numpy(), network(IDS).numpy(), atol=1e-5)


def test_tokens_come_back_as_text_in_small_letters():
    pytest.importorskip("tokenizers")
    made = tokens.tokenizer("words")
    for text in ("The cat, aged 9, sat.", "naïve 👍 شكرا", "a\nb"):
        ids = tokens.token_ids("words", [text], 64)[0]
        assert made.decode(ids[ids > 0].tolist()).strip() == text.lower()
    assert made.get_vocab_size() == words.VOCABULARY
    assert made.token_to_id("[PAD]") == tokens.PADDING and made.token_to_id("[END]") == words.END
    assert not tokens.token_ids("words", [""], 8).any()
