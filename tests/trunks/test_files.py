"""A saved Keras model as a trunk: what is read of it, and what is refused."""

import json
import os
import shutil
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

from simmim_lib import datasets, experiments, trunks
from simmim_lib.errors import WorkbookError
from simmim_lib.experiments import features
from simmim_lib.experiments.pretraining import pretrained
from simmim_lib.settings import Settings
from simmim_lib.trunks import files
from simmim_lib.trunks.files import KEPT_DESCRIPTION


def saved(path: Path, *layers: keras.layers.Layer, shape=(28, 28, 1)) -> str:
    keras.Sequential([keras.Input(shape), *layers]).save(path)
    return str(path)


@pytest.fixture(scope="module")
def network(tmp_path_factory) -> str:
    return saved(
        tmp_path_factory.mktemp("trunk") / "mine.keras",
        keras.layers.Conv2D(4, 3, 4, activation="relu", name="first"),
        keras.layers.BatchNormalization(name="norm"),
        keras.layers.Flatten(name="flat"),
        keras.layers.Dense(8, activation="relu", name="last"),
    )


def test_what_it_takes_is_read_without_keras(network):
    assert files.image_shape_of_file(Path(network)) == (28, 28, 1)
    about = trunks.describe(f"file:{network}?blocks=norm,last")
    assert (about.blocks, about.size, about.colour, about.published) == (
        ("norm", "last"), 28, False, "file",
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("frozen", [0, 1, 2])
def test_an_experiment_begins_with_its_weights(network, frozen):
    settings = Settings(
        trunk=f"file:{network}?blocks=norm,last",
        targets=("uci-digits",),
        frozen_layers=frozen,
        steps=3,
        seeds=1,
    )
    assert settings.source == "file"
    tasks = experiments.choose_tasks(settings)
    made = experiments.transfer(settings, tasks, experiments.initialise(settings))
    images = tasks["uci-digits"].data.test.images[:3]
    kept = keras.saving.load_model(network)
    copied = [np.asarray(each) for block in made.source.blocks.values() for each in block]
    for weight, expected in zip(copied, kept.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)
    if frozen == 2:
        found = made.features["uci-digits"].test.images[:3]
        np.testing.assert_allclose(found, kept(images), atol=1e-5)
    assert np.isfinite(experiments.run(settings, baseline=False).accuracy["uci-digits"]).all()


def test_what_follows_the_last_block_is_no_part_of_the_trunk(network):
    """Such as the classifier that a network was trained with."""
    name = f"file:{network}?blocks=first,flat"
    images = np.random.default_rng(0).random((3, 28, 28, 1), np.float32)
    kept = keras.saving.load_model(network)
    expected = keras.Model(kept.inputs, kept.get_layer("flat").output)(images)
    np.testing.assert_allclose(trunks.build_trunk(name)(images), expected, rtol=1e-5)
    parts = trunks.cut_trunk(1, name)
    np.testing.assert_allclose(parts.back(parts.front(images)), expected, rtol=1e-5)
    of_blocks = sum(map(len, parts.variables.values()))
    assert of_blocks == len(trunks.build_trunk(name).weights) == len(kept.weights) - 2


def test_the_sentences(tmp_path, network):
    def refusal(name: str) -> str:
        with pytest.raises(WorkbookError) as caught:
            trunks.build_trunk(name)
            trunks.cut_trunk(1, name)
        return str(caught.value)

    assert "The trunk's file" in refusal(f"file:{tmp_path}/none.keras?blocks=a")
    assert "does not say where its blocks end" in refusal(f"file:{network}")
    assert "Unknown layer 'lost'. Did you mean 'last'?" in refusal(f"file:{network}?blocks=lost")
    truncated = tmp_path / "half.keras"
    truncated.write_bytes(Path(network).read_bytes()[:500])
    assert "damaged or not a Keras file" in refusal(f"file:{truncated}?blocks=last")
    other = tmp_path / "other.keras"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("config.json", json.dumps([1, 2]))
    assert "takes inputs of the shapes []" in refusal(f"file:{other}?blocks=last")
    for shape in ([None, 10**6, 10**6, 3], [None, "8", 8, 3], [None, 0, 0, 1], [None, 8, 8, 2], 3):
        layer = {"class_name": "InputLayer", "config": {"batch_shape": shape}}
        config = json.dumps({"class_name": "Functional", "config": {"layers": [layer, 7, {}]}})
        with zipfile.ZipFile(other, "w") as archive:
            archive.writestr("config.json", config)
        assert "a trunk takes one batch of images" in refusal(f"file:{other}?blocks=last")
    for nonsense in ({"config": []}, {"config": {"layers": 3}}, {"config": {"layers": [3]}}, None):
        with zipfile.ZipFile(other, "w") as archive:
            archive.writestr("config.json", json.dumps(nonsense))
        assert "takes inputs of the shapes []" in refusal(f"file:{other}?blocks=last")
    table = saved(tmp_path / "table.keras", keras.layers.Dense(3, name="only"), shape=(5,))
    assert "a trunk takes one batch of images" in refusal(f"file:{table}?blocks=only")
    wide = saved(tmp_path / "wide.keras", keras.layers.Flatten(name="only"), shape=(8, 12, 3))
    assert "images are square" in refusal(f"file:{wide}?blocks=only")
    lambdas = saved(tmp_path / "lambda.keras", keras.layers.Lambda(lambda x: x, name="only"))
    assert "holds code" in refusal(f"file:{lambdas}?blocks=only")


@pytest.mark.slow
def test_a_file_that_was_replaced_is_read_again(tmp_path):
    """The path, the layers' names and their shapes are the same; the weights are not."""
    path = tmp_path / "mine.keras"
    name = f"file:{path}?blocks=flat,last"
    images = np.random.default_rng(0).random((3, 28, 28, 1), np.float32)
    data = datasets.load("uci-digits")
    found = []
    for seed in (0, 1):
        filled = keras.initializers.Constant(seed + 1)
        last = keras.layers.Dense(8, kernel_initializer=filled, name="last")
        saved(path, keras.layers.Flatten(name="flat"), last)
        os.utime(path, ns=(seed, seed))  # a clock may be coarse
        source = pretrained("file", name)
        assert pretrained("file", name) is source
        kept = keras.saving.load_model(path)
        np.testing.assert_array_equal(source.blocks["last"][0], kept.get_weights()[0])
        np.testing.assert_allclose(trunks.cut_trunk(0, name).back(images), kept(images), rtol=1e-5)
        found.append(features.frozen_features(source, 2, data).test.images)
    np.testing.assert_allclose(found[1], 2 * found[0], rtol=1e-4)


@pytest.mark.colab
def test_a_network_for_images_of_any_size_is_given_one(tmp_path):
    path = saved(
        tmp_path / "any.keras",
        keras.layers.Conv2D(4, 3, name="first"),
        keras.layers.GlobalAveragePooling2D(name="last"),
        shape=(None, None, 3),
    )
    name = f"file:{path}?blocks=first,last"
    assert trunks.build_trunk(name).input_shape == (None, 96, 96, 3)
    images = np.random.default_rng(0).random((2, 28, 28, 1), np.float32)
    kept = keras.saving.load_model(path)
    larger = keras.layers.Resizing(96, 96)(images)
    expected = kept(np.repeat(larger, 3, axis=3))
    np.testing.assert_allclose(
        trunks.cut_trunk(0, name, (28, 28, 1), 96).back(images), expected, atol=1e-5
    )


@pytest.mark.colab
def test_statistics_of_batches_are_never_used(tmp_path):
    """As in the networks of the catalogue, also where a network is a layer of another."""
    image = keras.Input((28, 28, 1))
    inner = keras.Sequential([image, keras.layers.BatchNormalization()], name="inner")
    outer = (inner, keras.layers.Flatten(), keras.layers.BatchNormalization(name="last"))
    network = trunks.build_trunk(f"file:{saved(tmp_path / 'mine.keras', *outer)}?blocks=last")
    assert network.weights and not network.trainable_variables


def test_a_model_that_was_kept_is_no_trunk(tmp_path, network):
    """It takes pixels from 0 to 255, and would see hardly any light."""
    path = tmp_path / "kept.keras"
    shutil.copy(network, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(KEPT_DESCRIPTION, "{}")
    with pytest.raises(WorkbookError, match=r"get_layer\('trunk'\)\.save\('trunk\.keras'\)"):
        trunks.describe(f"file:{path}?blocks=last")


@pytest.mark.colab
def test_a_cut_amid_a_residual_unit_is_refused(tmp_path):
    image = keras.Input((28, 28, 1))
    one = keras.layers.Conv2D(4, 3, padding="same", name="one")(image)
    two = keras.layers.Conv2D(4, 3, padding="same", name="two")(one)
    path = tmp_path / "unit.keras"
    keras.Model(image, keras.layers.Add(name="sum")([one, two])).save(path)
    name = f"file:{path}?blocks=two,sum"
    with pytest.raises(WorkbookError, match="cannot be cut after 'two'"):
        trunks.cut_trunk(1, name)
    assert trunks.cut_trunk(2, name).frozen == 2


def test_a_source_that_does_not_go_with_a_trunk_is_refused(network):
    mine = f"file:{network}?blocks=last"
    for trunk, source, words in (
        ("small-cnn", "imagenet", "is pre-trained on a dataset: use source='glyphs'"),
        ("small-cnn", "file", "is pre-trained on a dataset"),
        ("efficientnet-lite0", "glyphs", "comes with its own weights: use source='imagenet'"),
        ("efficientnet-lite0", "file", "use source='imagenet'"),
        (mine, "imagenet", "use source='file'"),
    ):
        with pytest.raises(WorkbookError, match=words):
            Settings(trunk=trunk, source=source)
    assert Settings(trunk="efficientnet-lite0", source=None).frozen_layers == 0
