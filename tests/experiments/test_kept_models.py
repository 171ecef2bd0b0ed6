"""Models to keep: plain Keras models that say in another process what training said in this one."""

import json
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from image_making import fill

import simmim_lib
from simmim_lib import datasets, experiments
from simmim_lib.errors import WorkbookError
from simmim_lib.experiments import Result, kept_models
from simmim_lib.foundation import outputs
from simmim_lib.settings import Settings
from simmim_lib.trunks.files import KEPT_DESCRIPTION
from simmim_lib.trunks.tokens import token_ids

TARGET = "uci-digits"
SETTINGS = Settings(targets=(TARGET,), steps=20, seeds=2)


@pytest.fixture(scope="module")
def result() -> Result:
    return experiments.run(SETTINGS, baseline=False)


@pytest.fixture(scope="module")
def saved(result, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("kept") / "model.keras"
    result.save(path)
    return path


def pixels(target: str, size: int | None = None) -> np.ndarray:
    return 255 * datasets.load(target, size).test.images


WITHOUT_LIBRARY = """
import sys
sys.modules["simmim_lib"] = None  # importing it fails
import json, zipfile
import keras, numpy as np
for line in sys.stdin:
    path, images, outputs = json.loads(line)
    model = keras.models.load_model(path)
    np.save(outputs, model.predict(np.load(images), verbose=0))
    with zipfile.ZipFile(path) as archive:
        print(json.dumps(json.loads(archive.read("simmim.json"))["class_names"]), flush=True)
"""


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[subprocess.Popen]:
    """Start a process without this library, which predicts with the models that it is told of."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", WITHOUT_LIBRARY], **pipes) as process:
        yield process


def predicted(
    elsewhere: subprocess.Popen, model: Path, images: np.ndarray, folder: Path
) -> tuple[np.ndarray, list[str]]:
    """Return what the other process predicts, and the classes that it reads."""
    np.save(folder / "images.npy", images)
    files = [model, folder / "images.npy", folder / "outputs.npy"]
    elsewhere.stdin.write(json.dumps([*map(str, files)]) + "\n")
    elsewhere.stdin.flush()
    answer = elsewhere.stdout.readline()
    assert answer, "the other process has ended: its error stands above"
    return np.load(folder / "outputs.npy"), json.loads(answer)


def test_a_model_is_kept_where_the_usual_temporary_folder_is_full(tmp_path, monkeypatch):
    class Model:
        def save(self, file: Path) -> None:
            if file.is_relative_to(tmp_path / "full"):
                raise OSError(28, "No space left on device")
            with zipfile.ZipFile(file, "w") as archive:
                archive.writestr("config.json", "{}")

    for name in ("full", "other"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "full"))
    description = kept_models.Description("Title", "classification", ("a", "b"), 28, True, {})
    places = {"other": None, "full": "TMPDIR"}
    for name, sentence in places.items():
        monkeypatch.setattr(outputs, "SPARE_FOLDERS", (None, str(tmp_path / name)))
        with pytest.raises(WorkbookError, match=sentence) if sentence else nullcontext():
            kept_models.write(Model(), description, tmp_path / f"{name}.keras")
    assert [path.name for path in tmp_path.glob("*.keras")] == ["other.keras"]


@pytest.mark.colab
@pytest.mark.slow
def test_another_process_without_this_library_predicts_the_same(result, saved, elsewhere, tmp_path):
    found, classes = predicted(elsewhere, saved, pixels(TARGET), tmp_path)
    expected = result.probabilities[TARGET][result.best_seed()]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert classes == [*datasets.describe(TARGET).class_names]


@pytest.mark.colab
@pytest.mark.slow
@pytest.mark.parametrize("frozen", [9, 8])
def test_photographs_are_predicted_the_same_by_efficientnet(elsewhere, tmp_path, frozen):
    """With all blocks frozen, and with the last one trained."""
    target = f"folder:{fill(tmp_path / 'photos', {'a': 12, 'b': 12}, (40, 50, 3))}"
    settings = Settings(
        targets=(target,), trunk="efficientnet-lite0", image_size=32, labels_per_class=2,
        steps=3, seeds=2, frozen_layers=frozen,
    )  # fmt: skip
    result = experiments.run(settings, baseline=False)
    result.save(tmp_path / "model.keras", seed=1)
    model = tmp_path / "model.keras"
    found, classes = predicted(elsewhere, model, pixels(target, 32), tmp_path)
    np.testing.assert_allclose(found, result.probabilities[target][1], atol=1e-5)
    assert classes == ["a", "b"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"source": None},
        {"adaptation": "probe"},
        {"frozen_layers": 0, "copied_layers": 3},
        {"trunk": "article"},
        {"adaptation": "probe-then-fine-tune", "frozen_layers": 1},
    ],
    ids=str,
)
def test_whatever_is_frozen_or_copied_every_seed_s_model_says_what_training_said(changes):
    result = experiments.run(SETTINGS.replace(steps=4, **changes), baseline=False)
    for seed in range(2):
        found = result.model(seed).predict(pixels(TARGET), verbose=0)
        np.testing.assert_allclose(found, result.probabilities[TARGET][seed], atol=1e-5)


@pytest.mark.colab
@pytest.mark.slow
@pytest.mark.parametrize("frozen", [2, 3])
def test_texts_are_predicted_the_same_from_the_numbers_of_their_tokens(elsewhere, tmp_path, frozen):
    """With what reads them trained, and with all blocks frozen."""
    settings = Settings(
        targets=("yelp",), trunk="words", image_size=24, labels_per_class=2, steps=3, seeds=2,
        frozen_layers=frozen,
    )  # fmt: skip
    result = experiments.run(settings, baseline=False)
    result.save(tmp_path / "model.keras", seed=1)
    texts = datasets.load("yelp").test.images
    ids = token_ids("words", texts, 24)
    found, classes = predicted(elsewhere, tmp_path / "model.keras", ids, tmp_path)
    np.testing.assert_allclose(found, result.probabilities["yelp"][1], atol=1e-5)
    assert classes == [*datasets.describe("yelp").class_names]
    description = kept_models.read(tmp_path / "model.keras").description
    assert (description.takes, description.tokens, description.size) == ("texts", "words", 24)


@pytest.mark.slow
def test_grey_images_are_enlarged_and_coloured_inside():
    settings = SETTINGS.replace(
        trunk="efficientnet-lite0", source="imagenet", image_size=32, frozen_layers=9, steps=2
    )
    result = experiments.run(settings, baseline=False)
    model = result.model(0)
    assert model.input_shape == (None, None, None, 1)
    found = model.predict(pixels(TARGET), verbose=0)
    np.testing.assert_allclose(found, result.probabilities[TARGET][0], atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("shared", [False, True])
def test_each_of_several_targets_has_a_model(shared, tmp_path):
    settings = SETTINGS.replace(targets=("mnist", TARGET), shared_heads=shared, steps=4)
    result = experiments.run(settings, baseline=False)
    paths = kept_models.paths_by_target(tmp_path / "model.keras", settings.targets)
    for target, path in paths.items():
        assert path.name == f"model-{target}.keras"
        result.save(path, target=target)
        kept = kept_models.read(path)
        found = kept.model.predict(pixels(target), verbose=0)
        seed = result.best_seed(target)
        np.testing.assert_allclose(found, result.probabilities[target][seed], atol=1e-5)
        assert kept.description.title == datasets.describe(target).title
    with pytest.raises(WorkbookError, match="a model for each of the targets mnist, uci-digits"):
        result.model()


@pytest.mark.slow
def test_the_best_seed_is_so_on_validation_images(result):
    planted = Result(SETTINGS, result.scores, {TARGET: np.array([0.4, 0.6])}, {}, 1.0)
    assert planted.best_seed() == 1
    with pytest.raises(WorkbookError, match="no trained networks"):
        planted.model()


@pytest.mark.slow
def test_images_of_any_size_and_type_are_cut_to_their_middle_square(result):
    model = result.model()
    images = np.random.default_rng(0).integers(0, 256, (2, 28, 28, 1), np.uint8)
    expected = model.predict(images.astype(np.float32), verbose=0)
    large = images.repeat(2, axis=1).repeat(2, axis=2)
    wide = np.pad(large, ((0, 0), (0, 0), (30, 30), (0, 0)), constant_values=255)
    np.testing.assert_array_equal(model.predict(images, verbose=0), expected)
    np.testing.assert_allclose(
        model.predict(wide, verbose=0), model.predict(large, verbose=0), atol=1e-5
    )
    assert model.predict(wide, verbose=0).argmax(axis=1).tolist() == expected.argmax(1).tolist()


@pytest.mark.slow
def test_it_is_made_of_keras_s_own_layers(result):
    model = result.model()
    assert all(type(layer).__module__.startswith("keras.") for layer in model._flatten_layers())
    outputs = model.predict(pixels(TARGET)[:5], verbose=0)
    np.testing.assert_allclose(outputs.sum(axis=1), 1, atol=1e-5)


def test_a_model_shares_no_weights_with_the_next(result):
    first, second = result.model(), result.model()
    first.set_weights([np.zeros_like(weight) for weight in first.get_weights()])
    assert any(np.any(weight) for weight in second.get_weights())


@pytest.mark.slow
def test_it_is_exported_for_serving(result, saved, tmp_path):
    kept_models.read(saved).model.export(tmp_path / "served", verbose=False)
    module = tf.saved_model.load(tmp_path / "served")
    found = module.serve(pixels(TARGET)[:9])
    np.testing.assert_allclose(
        found, result.probabilities[TARGET][result.best_seed()][:9], atol=1e-5
    )


def behind_the_first_layer(result) -> tuple[keras.Model, np.ndarray, np.ndarray]:
    """Return the model for squares of one size, such a square, and its probabilities."""
    model = result.model()
    fixed = keras.Model(model.get_layer(kept_models.MIDDLE_SQUARE).output, model.output)
    return fixed, pixels(TARGET)[:1], result.probabilities[TARGET][result.best_seed()][:1]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated")
def test_behind_its_first_layer_it_is_exported_to_tensorflow_lite(result, tmp_path):
    fixed, square, expected = behind_the_first_layer(result)
    fixed.export(tmp_path / "model.tflite", format="litert", verbose=False)
    lite = tf.lite.Interpreter(str(tmp_path / "model.tflite"))
    lite.allocate_tensors()
    lite.set_tensor(lite.get_input_details()[0]["index"], square)
    lite.invoke()
    found = lite.get_tensor(lite.get_output_details()[0]["index"])
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_behind_its_first_layer_it_is_exported_to_onnx(result, tmp_path):
    pytest.importorskip("tf2onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    fixed, square, expected = behind_the_first_layer(result)
    fixed(square)
    fixed.export(tmp_path / "model.onnx", format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    (found,) = session.run(None, {session.get_inputs()[0].name: square})
    np.testing.assert_allclose(found, expected, atol=1e-5)


# The file


def test_the_file_says_how_images_are_read_and_how_it_was_trained(result, saved):
    found = kept_models.read(saved).description
    assert found.class_names == datasets.describe(TARGET).class_names
    assert (found.size, found.grey, found.kind) == (28, True, "classification")
    seed = result.best_seed()
    assert found.trained["settings"] == json.loads(json.dumps(SETTINGS.as_dict()))
    assert found.trained["test"]["accuracy"] == result.accuracy[TARGET][seed]
    with zipfile.ZipFile(saved) as archive:
        written = json.loads(archive.read("simmim.json"))
    assert "Lanczos" in written["image"] and "0 to 255" in written["values"]


def test_networks_are_not_written_to_json(result):
    assert "trained" not in result.as_dict()


def test_only_what_was_trained_is_kept_of_each_seed(result):
    """Two blocks are frozen, which every network of this process shares."""
    kept = sum(weight.size for weight in result.trained.weights)
    whole = result.model().count_params()
    assert kept < 2 * whole
    assert result.trained.source is experiments.initialise(SETTINGS)


def rewritten(saved: Path, path: Path, change) -> Path:
    """Copy a file, with its description changed; None leaves it out."""
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == KEPT_DESCRIPTION:
                content = change(content)
            if content is not None:
                new.writestr(name, content)
    return path


def with_fields(**fields):
    return lambda content: json.dumps({**json.loads(content), **fields}).encode()


BAD_DESCRIPTIONS = {
    "none": (lambda _: None, "without the names of its classes"),
    "no text": (lambda _: b"\xff\xfe", "is damaged"),
    "no json": (lambda _: b"{", "is damaged"),
    "a list": (lambda _: b"[]", "is damaged"),
    "nothing": (lambda _: b"{}", "is damaged"),
    "class names as a text": (with_fields(class_names="0123456789"), "is damaged"),
    "numbers as class names": (with_fields(class_names=[*range(10)]), "is damaged"),
    "another kind": (with_fields(kind="words"), "is damaged"),
    "a size that is none": (with_fields(size="28"), "is damaged"),
    "a size of nothing": (with_fields(size=0), "is damaged"),
    "a size that is truth": (with_fields(size=True), "is damaged"),
    "an absurd size": (with_fields(size=10**9), "is damaged"),
    "a list as kind": (with_fields(kind=["regression"]), "is damaged"),
    "no class": (with_fields(class_names=[]), "is damaged"),
    "a class too few": (with_fields(class_names=[*"012345678"]), "does not fit its description"),
    "colour": (with_fields(grey=False), "does not fit its description"),
    "tokens of texts": (with_fields(tokens="words"), "does not fit its description"),
    "tokens of nobody": (with_fields(tokens="nobody"), "is damaged"),
    "a list as tokens": (with_fields(tokens=["words"]), "is damaged"),
    "too much": (lambda content: content + b" " * 11_000_000, "is damaged"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BAD_DESCRIPTIONS)
def test_a_description_that_does_not_fit_gets_one_sentence(saved, tmp_path, name):
    change, words = BAD_DESCRIPTIONS[name]
    path = rewritten(saved, tmp_path / "changed.keras", change)
    with pytest.raises(WorkbookError, match=re.escape(words)) as caught:
        kept_models.read(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("share", [0, 50, 99])
def test_a_truncated_file_gets_one_sentence(saved, tmp_path, share):
    path, content = tmp_path / "cut.keras", saved.read_bytes()
    path.write_bytes(content[: len(content) * share // 100])
    with pytest.raises(WorkbookError, match="damaged or not a Keras file"):
        kept_models.read(path)


def test_other_files_get_one_sentence(tmp_path):
    (tmp_path / "notes.txt").write_text("no model")
    with pytest.raises(WorkbookError, match="damaged or not a Keras file"):
        kept_models.read(tmp_path / "notes.txt")
    with pytest.raises(WorkbookError, match="There is no file"):
        kept_models.read(tmp_path / "missing.keras")


def test_code_in_a_file_is_not_run(tmp_path):
    model = keras.Sequential([keras.Input((None, None, 1)), keras.layers.Lambda(lambda x: x + 1)])
    model.save(tmp_path / "lambda.keras")
    with pytest.raises(WorkbookError, match="holds code"):
        kept_models.read(tmp_path / "lambda.keras")


@keras.saving.register_keras_serializable(package="test_kept_models")
class Halved(keras.layers.Layer):
    def call(self, inputs):
        return inputs / 2


def test_a_layer_that_is_not_known_is_named(tmp_path):
    model = keras.Sequential([keras.Input((None, None, 1)), Halved()])
    model.save(tmp_path / "own.keras")
    name = "test_kept_models>Halved"
    keras.saving.get_custom_objects().pop(name)
    content = rewritten_config(tmp_path / "own.keras", tmp_path / "unknown.keras")
    with pytest.raises(WorkbookError, match=r"needs the class Halved.*import the module"):
        kept_models.read(content)


def rewritten_config(saved: Path, path: Path) -> Path:
    """Copy a file as if it came from a machine with another module."""
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            text = old.read(name)
            if name == "config.json":
                text = text.replace(__name__.encode(), b"a_module_that_is_not_here")
            new.writestr(name, text)
    return path


def test_another_ending_is_refused_before_anything_is_built(result, tmp_path):
    with pytest.raises(WorkbookError, match=r"by the ending \.keras: name it .*model\.keras"):
        result.save(tmp_path / "model.h5")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_file_that_cannot_be_written_leaves_nothing(result, tmp_path):
    with pytest.raises(WorkbookError, match="Cannot write"):
        result.save(tmp_path / "no folder" / "model.keras")
    (tmp_path / "model.keras").mkdir()
    with pytest.raises(WorkbookError, match="Cannot write"):
        result.save(tmp_path / "model.keras")
    assert [path.name for path in tmp_path.iterdir()] == ["model.keras"]


@pytest.mark.parametrize(
    ("seed", "target", "words"),
    [(2, None, "seed is 2"), (-1, None, "seed is -1"), (0, "mnits", "Unknown target 'mnits'")],
)
def test_a_seed_or_target_that_is_not_there_is_refused(result, seed, target, words):
    with pytest.raises(WorkbookError, match=words):
        simmim_lib.Result.model(result, seed, target)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_description_tells_the_scores_of_its_own_seed(result, seed):
    """And not those of another one, nor those on test images for those on validation images."""
    planted = replace(
        result,
        validation={TARGET: np.array([0.25, 0.5])},
        scores={TARGET: {"accuracy": np.array([0.125, 0.375]), "AUC": np.array([0.75, 0.625])}},
    )
    assert planted.best_seed() == 1
    told = planted._description(TARGET, seed).trained
    assert (told["seed"], told["validation"]) == (seed, (0.25, 0.5)[seed])
    assert told["test"] == {"accuracy": (0.125, 0.375)[seed], "AUC": (0.75, 0.625)[seed]}


@pytest.mark.parametrize("path", [".", "", "/", "..", "model"])
def test_a_name_without_the_ending_gets_a_sentence(path):
    with pytest.raises(WorkbookError, match=r"by the ending \.keras: name it .*\.keras\."):
        kept_models.check_suffix(path)
