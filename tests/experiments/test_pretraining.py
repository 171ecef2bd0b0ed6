import os
import shutil
from dataclasses import replace
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from simmim_lib import datasets, training, trunks
from simmim_lib.errors import WorkbookError
from simmim_lib.experiments import pretraining
from simmim_lib.experiments.pretraining import (
    Pretrained,
    _bundled_path,
    _pretrained,
    _read,
    pretrained,
    store,
    train_on_source,
)
from simmim_lib.foundation import directories


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A workbook with nothing bundled and an empty cache."""
    monkeypatch.setenv("SIMMIM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(
        pretraining, "_bundled_path", lambda source, trunk: tmp_path / f"{source}.npz"
    )
    _pretrained.cache_clear()
    yield tmp_path
    _pretrained.cache_clear()


@pytest.mark.parametrize("source", datasets.included())
def test_the_bundled_network_fits_its_data_and_recipe(source):
    dataset = datasets.load(source)
    network = _read(_bundled_path(source), source)
    assert network is not None, "there is none, or the recipe has changed: run `make trunks`"
    guesses = network.as_model().predict(dataset.test.images, verbose=0).argmax(axis=-1)
    assert network.accuracy == pytest.approx(np.mean(guesses == dataset.test.labels), abs=0.003)
    chance = 1 / len(dataset.class_names)
    assert network.accuracy > 30 * chance or network.accuracy > 0.8


@pytest.mark.slow
def test_the_recipe_makes_the_bundled_network():
    """On another processor the last digits differ, and after 800 steps more than these."""
    made = train_on_source("uci-digits")
    assert made.accuracy == pytest.approx(pretrained("uci-digits").accuracy, abs=0.02)


def test_what_is_trained_is_kept_in_the_cache(elsewhere, monkeypatch):
    monkeypatch.setattr(pretraining, "STEPS", 5)
    monkeypatch.setattr(train_on_source, "__defaults__", (5, None))
    made = pretrained("uci-digits")
    _pretrained.cache_clear()
    monkeypatch.setattr(pretraining, "train_on_source", None)  # a second training would fail
    again = pretrained("uci-digits")
    assert again.accuracy == made.accuracy
    assert all(np.array_equal(a, b) for a, b in zip(made.weights, again.weights, strict=True))
    assert [path.name for path in (elsewhere / "cache" / "trunks").iterdir()] == ["uci-digits.npz"]


def made_up(accuracy=0.5):
    return Pretrained("uci-digits", {"dense": [np.zeros(3)]}, [np.zeros(3)], accuracy)


@pytest.mark.parametrize(
    ("where", "name"),
    [
        *((pretraining, name) for name in ("STEPS", "BATCH_SIZE", "LEARNING_RATE", "SEED")),
        *((trunks, name) for name in ("DENSE_UNITS", "CONVOLUTION_FILTERS")),
    ],
)
def test_a_network_of_another_recipe_is_not_taken(elsewhere, monkeypatch, where, name):
    path = elsewhere / "network.npz"
    store(made_up(), path)
    assert _read(path, "uci-digits") is not None
    value = getattr(where, name)
    monkeypatch.setattr(where, name, value * 2 if isinstance(value, tuple) else value + 1)
    assert _read(path, "uci-digits") is None


def test_a_network_of_other_data_is_not_taken(elsewhere, monkeypatch):
    path = elsewhere / "network.npz"
    store(made_up(), path)
    assert _read(path, "mnist") is None
    monkeypatch.setattr(datasets, "fingerprint", lambda source: "another")
    assert _read(path, "uci-digits") is None


def test_the_bundled_network_is_preferred_to_that_in_the_cache(elsewhere):
    bundled, cached = elsewhere / "uci-digits.npz", elsewhere / "cache/trunks/uci-digits.npz"
    store(made_up(0.25), bundled)
    store(made_up(0.75), cached)
    assert pretrained("uci-digits").accuracy == 0.25
    _pretrained.cache_clear()
    bundled.unlink()
    assert pretrained("uci-digits").accuracy == 0.75


def test_weights_of_frozen_blocks_come_in_the_order_of_the_model():
    """Which is not that of the blocks where a branch of the second is longer than the first."""
    image = keras.Input((4,))
    first = keras.layers.Dense(4, name="first")(image)
    branch = image
    for number in range(3):
        branch = keras.layers.Dense(4, name=f"branch_{number}")(branch)
    second = keras.layers.Add(name="second")([keras.layers.Dense(4, name="last")(first), branch])
    trunk = keras.Model(image, second)
    parts = trunks.cut(trunk, {"one": "first", "two": "second"}, 2)
    blocks = {
        name: [variable.numpy() for variable in variables]
        for name, variables in parts.variables.items()
    }
    in_order = [id(variable) for block in parts.variables.values() for variable in block]
    assert in_order != [id(variable) for variable in parts.front.weights]
    found = Pretrained("uci-digits", blocks, [], None).front_weights(parts)
    for weight, variable in zip(found, parts.front.weights, strict=True):
        np.testing.assert_array_equal(weight, variable.numpy())


def test_networks_of_two_trunks_are_not_taken_for_each_other(elsewhere):
    small, other = made_up(0.25), replace(made_up(0.75), trunk="article")
    for network in (small, other):
        store(network, pretraining._cached_path("uci-digits", network.trunk))
    assert pretrained("uci-digits").accuracy == 0.25
    assert pretrained("uci-digits", "article").accuracy == 0.75
    path = elsewhere / "network.npz"
    store(other, path)
    assert _read(path, "uci-digits", "article") is not None
    assert _read(path, "uci-digits") is None
    assert _read(path, "uci-digits", "mobilenet-v2") is None


def test_pre_training_does_what_its_recipe_says(monkeypatch):
    """All but the steps themselves, each of which would take time and prove nothing new."""
    calls = []

    def note(model, weights, examples, options, progress):
        calls.append(SimpleNamespace(**locals()))
        return weights

    monkeypatch.setattr(training, "train", note)
    made = train_on_source("uci-digits", steps=7)
    ((call,), recipe) = calls, pretraining._recipe("uci-digits")
    fresh = trunks.fresh_weights(call.model, recipe["seed"])
    for found, expected in zip(call.weights, fresh, strict=True):
        np.testing.assert_array_equal(found, [expected])
    data, (examples,) = datasets.load("uci-digits"), call.examples
    np.testing.assert_array_equal(examples.features, [data.train.images])
    np.testing.assert_array_equal(examples.labels, [data.train.labels])
    batches = training.draw_batches(len(data.train), recipe["batch_size"], 7, recipe["seed"])
    np.testing.assert_array_equal(examples.batches, [batches])
    assert (call.options.optimizer, call.options.learning_rate) == ("adam", recipe["learning_rate"])
    # What comes back is tested on the test images, and taken apart block by block.
    guesses = made.as_model().predict(data.test.images, verbose=0).argmax(axis=-1)
    assert made.accuracy == pytest.approx(np.mean(guesses == data.test.labels))
    assert list(made.blocks) == ["convolution_1", "convolution_2", "convolution_3", "dense"]
    for found, expected in zip(made.weights, fresh, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_pre_training_takes_as_many_steps_as_its_recipe_says(elsewhere, monkeypatch):
    taken = []

    def note(model, weights, examples, options, progress):
        taken.append(examples[0].steps)
        return weights

    monkeypatch.setattr(training, "train", note)
    pretrained("uci-digits")
    assert taken == [pretraining._recipe("uci-digits")["steps"]]


def test_a_damaged_file_gets_one_sentence(elsewhere):
    path = elsewhere / "network.npz"
    store(Pretrained("uci-digits", {"dense": [np.zeros(1000)]}, [np.zeros(3)], 0.5), path)
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(WorkbookError, match=r"damaged .* delete the file"):
        _read(path, "uci-digits")


def test_damaged_published_weights_get_the_sentence_of_other_data(monkeypatch, tmp_path):
    """An archive that can still be read, in which numbers are others."""
    data = directories.data_directory()
    (tmp_path / "trunks").mkdir()
    shutil.copy(data / "checksums.json", tmp_path)
    with np.load(data / "trunks" / "efficientnet-lite0.npz") as arrays:
        changed = {name: arrays[name] for name in arrays.files}
    changed["stem/0"] = changed["stem/0"] + np.float16(1)
    np.savez(tmp_path / "trunks" / "efficientnet-lite0.npz", **changed)
    monkeypatch.setattr(directories, "data_directory", lambda: tmp_path)
    with pytest.raises(WorkbookError, match=r"efficientnet-lite0.npz does not match its checksum"):
        pretraining.published("efficientnet-lite0")


def test_a_pickle_is_refused(elsewhere):
    path = elsewhere / "network.npz"
    np.savez(path, recipe=np.array([{"any": "object"}], dtype=object))
    with pytest.raises(WorkbookError, match="damaged"):
        _read(path, "uci-digits")


def test_a_full_disk_costs_nothing_but_time(elsewhere, monkeypatch):
    monkeypatch.setattr(pretraining, "STEPS", 5)
    monkeypatch.setattr(train_on_source, "__defaults__", (5, None))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.warns(UserWarning, match="could not be kept .*No space left on device"):
        assert pretrained("uci-digits").weights
    assert not list((elsewhere / "cache" / "trunks").iterdir())
