"""Shares of words: known for a linear network, complete for one that is not."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from simmim_lib import attribution, trunks
from simmim_lib.attribution import texts
from simmim_lib.errors import WorkbookError
from simmim_lib.experiments.pretraining import pretrained

LENGTH, KNOWN, WIDTH, NEUTRAL = 5, 10, 3, 1
TEXTS = np.array([[4, 7, 7, 9, 0], [2, 0, 0, 0, 0]])


def whole(trunk, classes: int = 2) -> keras.Model:
    """A trunk with a head, as a result gives it."""
    tokens = keras.Input(trunk.input_shape[1:], dtype="int32", name="tokens")
    logits = layers.Dense(classes, name="logits")(trunk(tokens))
    return keras.Model(tokens, layers.Activation("softmax", name="probabilities")(logits))


@pytest.fixture
def linear():
    """A network that adds up what its table says of each word."""
    keras.utils.set_random_seed(0)
    ids = keras.Input((LENGTH,), dtype="int32")
    there = ops.cast(ops.expand_dims(ids != 0, -1), "float32")
    table = layers.Embedding(KNOWN, WIDTH, name="words", embeddings_initializer="normal")
    embedded = layers.Multiply(name="embedding")([table(ids), there])
    return whole(keras.Model(ids, ops.sum(embedded, axis=1), name="trunk"))


@pytest.fixture(scope="module")
def reader():
    """The small language model, as it has read Wikipedia, with a fresh head of large weights."""
    keras.utils.set_random_seed(1)
    model = whole(pretrained("wikipedia", "words", "next-word").as_model(), 3)
    head = model.get_layer("logits")
    head.set_weights([10 * weight for weight in head.get_weights()])
    return model


def logits_of(model, tokens):
    return keras.Model(model.inputs, model.get_layer("logits").output).predict(tokens, verbose=0)


@pytest.mark.parametrize("method", texts.METHODS)
def test_of_a_linear_network_each_share_is_known(linear, method):
    table = linear.get_layer("trunk").get_layer("words").embeddings.numpy()
    slopes = linear.get_layer("logits").kernel.numpy()[:, [1, 0]]
    for position, text in enumerate(TEXTS):
        expected = (table[text] - table[NEUTRAL]) @ slopes[:, position] * (text != 0)
        found = attribution.word_shares(linear, TEXTS, [1, 0], NEUTRAL, method)[position]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_shares_add_up_to_what_the_text_brings_over_the_neutral_one(reader):
    length = reader.input_shape[1]
    tokens = np.zeros((2, length), int)
    tokens[0, :6], tokens[1, :3] = [40, 51, 62, 73, 84, 95], [3000, 4, 4095]
    found = attribution.word_shares(reader, tokens, [2, 0], NEUTRAL)
    neutral = np.where(tokens > 0, NEUTRAL, 0)
    change = logits_of(reader, tokens) - logits_of(reader, neutral)
    change = change[[0, 1], [2, 0]]
    np.testing.assert_allclose(found.sum(axis=1), change, atol=1e-3 * np.abs(change).max())
    assert np.all(found[tokens == 0] == 0) and np.count_nonzero(found) == 9


def test_an_occluded_word_is_replaced_and_the_others_stay(reader):
    tokens = np.zeros((1, reader.input_shape[1]), int)
    tokens[0, :3] = [40, 51, 62]
    found = attribution.word_shares(reader, tokens, 1, NEUTRAL, "occlusion")
    without = np.repeat(tokens, 3, axis=0)
    without[range(3), range(3)] = NEUTRAL
    fall = logits_of(reader, tokens)[:, 1] - logits_of(reader, without)[:, 1]
    np.testing.assert_allclose(found[0, :3], fall, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"tokens": TEXTS[0]}, r"whole numbers of the shape \(n, 5\)"),
        ({"tokens": TEXTS[:, :4]}, r"whole numbers of the shape \(n, 5\)"),
        ({"tokens": TEXTS[:0]}, "n at least 1"),
        ({"tokens": TEXTS / 2}, "whole numbers"),
        ({"tokens": "a text"}, "whole numbers"),
        ({"tokens": TEXTS + 1}, "from 1 to 10, but this network knows 0 to 9"),
        ({"tokens": -TEXTS}, "from -9 to 0, but this network knows"),
        ({"classes": 2}, "classes 0 to 1: ask about these"),
        ({"classes": [0]}, "one for each of the 2"),
        ({"neutral": 0}, "neutral"),
        ({"neutral": 10}, "neutral"),
        ({"neutral": 1.5}, "neutral"),
        ({"method": "Grad-CAM"}, "integrated gradients, gradient x input"),
        ({"steps": 1}, "steps"),
    ],
)
def test_what_cannot_be_asked_is_refused(linear, changes, told):
    asked = {"tokens": TEXTS, "classes": 0, "neutral": NEUTRAL, **changes}
    with pytest.raises(WorkbookError, match=told):
        attribution.word_shares(linear, **asked)


def test_a_network_that_reads_no_texts_is_refused():
    trunk = trunks.build_trunk()
    pictures = keras.Sequential([trunk, layers.Dense(2, name="logits")])
    for model in (pictures, trunk):
        with pytest.raises(WorkbookError, match="no trunk that reads texts: give one that was"):
            attribution.word_shares(model, TEXTS, 0, NEUTRAL)
