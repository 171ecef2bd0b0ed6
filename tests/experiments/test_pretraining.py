import json
import os
import shutil
import threading
import time
import warnings
from dataclasses import replace
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from image_making import fill

from simmim_lib import datasets, training, trunks
from simmim_lib.errors import WorkbookError
from simmim_lib.experiments import pretraining
from simmim_lib.experiments.pretexts import PRETEXTS, labels
from simmim_lib.experiments.pretrained import Pretrained
from simmim_lib.experiments.pretraining import (
    _bundled_path,
    _pretrained,
    _read,
    pretrained,
    store,
)
from simmim_lib.foundation import directories


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A workbook with nothing bundled and an empty cache."""
    monkeypatch.setenv("SIMMIM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(pretraining, "_bundled_path", lambda source, *_: tmp_path / f"{source}.npz")
    _pretrained.cache_clear()
    yield tmp_path
    _pretrained.cache_clear()


@pytest.mark.slow
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
    made = labels.train("uci-digits")
    assert made.accuracy == pytest.approx(pretrained("uci-digits").accuracy, abs=0.02)


def test_a_source_whose_files_have_changed_is_learnt_anew(elsewhere, monkeypatch):
    few_steps(monkeypatch)
    source = f"folder:{fill(elsewhere / 'pets', {'cats': 6, 'dogs': 6})}"
    first = pretrained(source)
    assert pretrained(source) is first
    fill(elsewhere / "pets", {"aardvarks": 6})
    second = pretrained(source)
    assert [len(network.head[-1]) for network in (first, second)] == [2, 3]
    np.testing.assert_array_equal(second.head_for(["cats"])[0], second.head[0][:, 1:2])


@pytest.mark.slow
def test_what_is_trained_is_kept_in_the_cache(elsewhere, monkeypatch):
    few_steps(monkeypatch)
    made = pretrained("uci-digits")
    _pretrained.cache_clear()
    train_by(monkeypatch, None)  # a second training would fail
    again = pretrained("uci-digits")
    assert again.accuracy == made.accuracy
    assert all(np.array_equal(a, b) for a, b in zip(made.weights, again.weights, strict=True))
    assert [path.name for path in (elsewhere / "cache" / "trunks").iterdir()] == ["uci-digits.npz"]


def few_steps(monkeypatch):
    monkeypatch.setattr(labels, "RECIPE", replace(labels.RECIPE, steps=5))
    monkeypatch.setattr(labels.train, "__defaults__", ("small-cnn", 5, None))


def train_by(monkeypatch, train):
    monkeypatch.setitem(PRETEXTS, "labels", replace(PRETEXTS["labels"], train=train))


SHAPES = {
    "convolution_1": [(3, 3, 1, 16), (16,)],
    "convolution_2": [(3, 3, 16, 32), (32,)],
    "convolution_3": [(3, 3, 32, 64), (64,)],
    "dense": [(1024, 128), (128,)],
    "head": [(128, 10), (10,)],
}


def made_up(accuracy=0.5, trunk="small-cnn"):
    parts = {
        part: [np.zeros(shape, np.float32) for shape in shapes]
        for part, shapes in pretraining._shapes("uci-digits", trunk).items()
    }
    head = parts.pop("head")
    return Pretrained("uci-digits", parts, head, accuracy, trunk)


@pytest.mark.parametrize("name", ["steps", "batch_size", "learning_rate", "seed"])
def test_a_network_of_another_recipe_is_not_taken(elsewhere, monkeypatch, name):
    path = elsewhere / "network.npz"
    store(made_up(), path)
    assert _read(path, "uci-digits") is not None
    other = replace(labels.RECIPE, **{name: getattr(labels.RECIPE, name) + 1})
    monkeypatch.setattr(labels, "RECIPE", other)
    assert _read(path, "uci-digits") is None


@pytest.mark.parametrize("name", ["DENSE_UNITS", "CONVOLUTION_FILTERS"])
def test_a_network_of_other_sizes_is_not_taken(elsewhere, monkeypatch, name):
    path = elsewhere / "network.npz"
    store(made_up(), path)
    assert _read(path, "uci-digits") is not None
    value = getattr(trunks, name)
    monkeypatch.setattr(trunks, name, value * 2 if isinstance(value, tuple) else value + 1)
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


def test_two_that_need_the_same_network_train_it_once(elsewhere, monkeypatch):
    trained = []

    def train(source, trunk, progress):
        trained.append(source)
        time.sleep(0.3)
        return made_up()

    train_by(monkeypatch, train)
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(pretrained("uci-digits"))) for _ in range(3)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those that wait say so
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [each.accuracy for each in found] == [0.5] * 3 and trained == ["uci-digits"]
    assert [path.name for path in (elsewhere / "cache" / "trunks").iterdir()] == ["uci-digits.npz"]


@pytest.mark.skipif(os.name != "posix", reason="needs links")
def test_a_link_in_the_cache_is_not_written_through(elsewhere, tmp_path):
    victim, path = tmp_path / "victim", tmp_path / "network.npz"
    victim.write_text("mine")
    for name in ("network.npz", "network.npz.part", ".network.npz.lock"):
        (tmp_path / name).symlink_to(victim)
    store(made_up(), path)
    assert victim.read_text() == "mine" and _read(path, "uci-digits") is not None


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
    small, other = made_up(0.25), made_up(0.75, "article")
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

    def note(model, weights, examples, options):
        calls.append(SimpleNamespace(**locals()))
        yield weights

    monkeypatch.setattr(training, "step_by_step", note)
    made = labels.train("uci-digits", steps=7)
    ((call,), recipe) = calls, pretraining._recipe("uci-digits")
    fresh = trunks.fresh_weights(call.model, recipe["seed"])
    for found, expected in zip(call.weights, fresh, strict=True):
        np.testing.assert_array_equal(found, [expected])
    data, (examples,) = datasets.load("uci-digits"), call.examples
    np.testing.assert_array_equal(examples.features, [data.train.images])
    np.testing.assert_array_equal(examples.labels, [data.train.labels])
    batches = training.draw_batches(len(data.train), recipe["batch_size"], 7, recipe["seed"])
    np.testing.assert_array_equal(examples.batches, [batches])
    assert call.options.optimizer == "adam"
    np.testing.assert_array_equal(call.options.learning_rate, [recipe["learning_rate"]] * 7)
    # What comes back is tested on the test images, and taken apart block by block.
    guesses = made.as_model().predict(data.test.images, verbose=0).argmax(axis=-1)
    assert made.accuracy == pytest.approx(np.mean(guesses == data.test.labels))
    assert list(made.blocks) == ["convolution_1", "convolution_2", "convolution_3", "dense"]
    for found, expected in zip(made.weights, fresh, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_pre_training_takes_as_many_steps_as_its_recipe_says(elsewhere, monkeypatch):
    taken = []

    def note(model, weights, examples, options):
        taken.append(examples[0].steps)
        yield weights

    monkeypatch.setattr(training, "step_by_step", note)
    pretrained("uci-digits")
    assert taken == [pretraining._recipe("uci-digits")["steps"]]


def test_a_damaged_file_gets_one_sentence(elsewhere):
    path = elsewhere / "network.npz"
    store(made_up(), path)
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


def stored(path, change):
    """Store a network, and change its arrays, or what its recipe says."""
    store(made_up(), path)
    with np.load(path) as arrays:
        changed = {name: arrays[name] for name in arrays.files}
    recipe = json.loads(changed["recipe"].item())
    recipe = change(changed, recipe)
    if recipe is not None:
        changed["recipe"] = np.array(json.dumps(recipe))
    np.savez_compressed(path, **changed)


def with_array(name, array):
    return lambda arrays, recipe: arrays.update({name: array})


def without(name):
    return lambda arrays, recipe: arrays.pop(name).fill(0)


def with_accuracy(value):
    return lambda arrays, recipe: {**recipe, "accuracy": value}


DAMAGED = {
    "an array too few": (without("dense/1"), "lacks 'dense/1'"),
    "no head": (without("head/0"), "lacks 'head/0'"),
    "an array too many": (with_array("dense/2", np.zeros(3)), "also holds 'dense/2'"),
    "an array of nothing": (with_array("junk", np.zeros(3)), "also holds 'junk'"),
    "the same place twice": (with_array("dense/01", np.zeros(128)), "also holds 'dense/01'"),
    "another shape": (
        with_array("dense/1", np.zeros(129)),
        r"shape \(129,\), but the trunk \(128,\)",
    ),
    "a transposed kernel": (with_array("dense/0", np.zeros((128, 1024))), r"shape \(128, 1024\)"),
    "NaN": (with_array("dense/1", np.full(128, np.nan)), "dense/1 holds what is no finite"),
    "infinity": (with_array("head/1", np.full(10, np.inf)), "head/1 holds what is no finite"),
    "beyond single precision": (
        with_array("dense/1", np.full(128, 1e39)),
        "dense/1 holds what is no finite number in single precision",
    ),
    "texts": (with_array("dense/1", np.array(["a"] * 128)), "dense/1 holds what is no finite"),
    "complex numbers": (with_array("dense/1", np.zeros(128, complex)), "dense/1 holds"),
    "a recipe that is a list": (lambda *_: [1], r"its recipe is \[1\]"),
    "a recipe that is a text": (lambda *_: "recipe", "its recipe is 'recipe'"),
    "a recipe that is an array": (with_array("recipe", np.zeros(3)), "ValueError"),
    "accuracy as a text": (with_accuracy("0.9"), "its accuracy is '0.9'"),
    "accuracy as a list": (with_accuracy([0.9]), r"its accuracy is \[0.9\]"),
    "accuracy as truth": (with_accuracy(True), "its accuracy is True"),
    "accuracy above 1": (with_accuracy(97.5), "its accuracy is 97.5"),
    "accuracy that is NaN": (with_accuracy(float("nan")), "its accuracy is nan"),
}


@pytest.mark.parametrize("what", DAMAGED)
def test_a_network_that_does_not_fit_its_trunk_gets_one_sentence(elsewhere, what):
    change, words = DAMAGED[what]
    path = elsewhere / "network.npz"
    stored(path, change)
    with pytest.raises(WorkbookError, match=f"damaged .*{words}.* delete the file") as caught:
        _read(path, "uci-digits")
    assert "\n" not in str(caught.value)


def test_sizes_are_looked_at_before_arrays_are_read(elsewhere, monkeypatch):
    path = elsewhere / "network.npz"
    store(made_up(), path)
    monkeypatch.setattr(pretraining, "MAX_BYTES", 100_000)
    monkeypatch.setattr(np, "load", None)
    with pytest.raises(WorkbookError, match=r"its content would fill \d MB"):
        _read(path, "uci-digits")


def test_the_shapes_are_those_of_the_trunk():
    assert pretraining._shapes("uci-digits", "small-cnn") == SHAPES


def test_the_bundled_networks_are_verified(elsewhere, monkeypatch):
    for source in datasets.included():
        shutil.copy(_bundled_path(source), elsewhere / f"{source}.npz")
    monkeypatch.setattr(
        pretraining,
        "bundled",
        lambda: [(name, "small-cnn", "labels") for name in datasets.included()],
    )
    assert set(pretraining.verify()) == {f"trunks/{name}.npz" for name in datasets.included()}
    stored(elsewhere / "uci-digits.npz", with_array("dense/1", np.full(128, np.nan)))
    with pytest.raises(WorkbookError, match=r"uci-digits\.npz is damaged"):
        pretraining.verify()
    (elsewhere / "uci-digits.npz").unlink()
    with pytest.raises(WorkbookError, match=r"uci-digits\.npz is missing or of another recipe"):
        pretraining.verify()


def test_a_pipe_is_not_waited_for(elsewhere):
    os.mkfifo(elsewhere / "network.npz")
    with pytest.raises(WorkbookError, match="is a pipe or a device"):
        _read(elsewhere / "network.npz", "uci-digits")


def test_a_pickle_is_refused(elsewhere):
    path = elsewhere / "network.npz"
    np.savez(path, recipe=np.array([{"any": "object"}], dtype=object))
    with pytest.raises(WorkbookError, match="damaged"):
        _read(path, "uci-digits")


@pytest.mark.slow
def test_a_full_disk_costs_nothing_but_time(elsewhere, monkeypatch):
    few_steps(monkeypatch)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.warns(UserWarning, match="could not be kept .*No space left on device"):
        assert pretrained("uci-digits").weights
    assert not list((elsewhere / "cache" / "trunks").iterdir())


@pytest.mark.parametrize("asked", pretraining.bundled())
def test_every_bundled_network_is_there_and_small(asked):
    path = _bundled_path(*asked)
    assert _read(path, *asked) is not None, "another recipe: run `make trunks`"
    assert path.stat().st_size < (2e6 if asked[1] == "small-vit" else 3e6)
