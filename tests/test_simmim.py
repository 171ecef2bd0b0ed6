"""The SimMIM model against NumPy, plain Keras and itself in other processes."""

import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
import simmim_worker as small
import tensorflow as tf
from processes import finish
from simmim_worker import BATCH, EXAMPLES, KINDS, SIDE

import simmim_lib
from simmim_lib import freezing, simmim
from simmim_lib.errors import WorkbookError

pytestmark = pytest.mark.colab

ROOT = Path(__file__).resolve().parent.parent
WORKER = Path(small.__file__)
WEIGHTS = {"digits": 1.0, "marks": 0.5, "size": 2.0}


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


@pytest.fixture(scope="module")
def images():
    return small.data()[0]


@pytest.fixture(scope="module")
def labels():
    return small.data()[1]


@pytest.fixture(scope="module")
def trained(images, labels):
    """A model with its first layer frozen, after one epoch; tests leave it as it is."""
    model = small.joint_model()
    freezing.freeze(model.trunk, 1)
    model.compile(keras.optimizers.Adam(0.01), loss_weights=WEIGHTS)
    model.fit(images, labels, batch_size=BATCH, verbose=0)
    return model


@pytest.fixture(scope="module")
def saved(trained, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    trained.save(path)
    return path


def numpy_logits(model, images):
    """The forward pass by hand, for a trunk of one dense layer behind a flatten layer."""
    dense = next(layer for layer in model.trunk.layers if layer.weights)
    kernel, bias = dense.get_weights()
    features = np.maximum(images.reshape(len(images), -1) @ kernel + bias, 0)
    heads = [layer.get_weights() for layer in model.layers if layer.name.startswith("head_")]
    return [features @ kernel + bias for kernel, bias in heads]


def numpy_losses(logits, labels):
    """Each example's losses by task, from the formulas."""
    digits, marks, size = logits
    largest = digits.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(digits - largest).sum(axis=1)) + largest[:, 0]
    probability = 1 / (1 + np.exp(-marks))
    truth = labels["marks"]
    entropy = -truth * np.log(probability) - (1 - truth) * np.log(1 - probability)
    return {
        "digits": log_sum - digits[np.arange(len(digits)), labels["digits"]],
        "marks": entropy.mean(axis=1),
        "size": ((size - labels["size"]) ** 2)[:, 0],
    }


def numpy_metrics(logits, labels):
    """Each example's metrics by task."""
    digits, marks, size = logits
    return {
        "digits_accuracy": digits.argmax(axis=1) == labels["digits"],
        "marks_accuracy": ((marks > 0) == labels["marks"]).mean(axis=1),
        "size_mean_absolute_error": np.abs(size - labels["size"])[:, 0],
    }


def dense_model():
    layers = [keras.layers.Flatten(), keras.layers.Dense(6, activation="relu")]
    model = simmim_lib.SimMIM(
        keras.Sequential([keras.Input((SIDE, SIDE, 1)), *layers]), small.tasks()
    )
    model.compile("sgd", loss_weights=WEIGHTS)
    return model


# What it computes


@pytest.mark.slow
@pytest.mark.parametrize("partly", [False, True])
def test_losses_and_metrics_are_those_of_the_formulas(images, labels, partly):
    """Weight 0 stands for a missing label: Keras then divides by all examples, labelled or not."""
    model = dense_model()
    by_task = [numpy_logits(model, images[name])[i] for i, name in enumerate(KINDS)]
    random = np.random.default_rng(3)
    labelled = {name: random.integers(2, size=EXAMPLES).astype(np.float32) for name in KINDS}
    if not partly:
        labelled = {name: np.ones(EXAMPLES, np.float32) for name in KINDS}
    found = model.evaluate(
        images,
        labels,
        sample_weight=labelled if partly else None,
        batch_size=BATCH,
        verbose=0,
        return_dict=True,
    )
    losses = numpy_losses(by_task, labels)
    wanted = {f"{name}_loss": (losses[name] * labelled[name]).mean() for name in KINDS}
    wanted["loss"] = sum(WEIGHTS[name] * wanted[f"{name}_loss"] for name in KINDS)
    for name, value in numpy_metrics(by_task, labels).items():
        wanted[name] = np.average(value, weights=labelled[name.split("_")[0]])
    # Keras shows a task's loss by the weights of its examples, so not comparable when partly.
    compared = set(wanted) - ({f"{name}_loss" for name in KINDS} if partly else set())
    assert compared <= set(found)
    for name in compared:
        assert found[name] == pytest.approx(wanted[name], rel=1e-5), name


@pytest.mark.slow
def test_one_batch_is_judged_by_every_task(images, labels):
    model = dense_model()
    batch = images["digits"]
    by_task = numpy_logits(model, batch)
    found = model.predict(batch, batch_size=BATCH, verbose=0)
    assert list(found) == list(KINDS)
    for ours, theirs in zip(by_task, found.values(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    history = model.fit(batch, labels, batch_size=EXAMPLES, verbose=0).history
    losses = numpy_losses(by_task, labels)
    wanted = sum(WEIGHTS[name] * losses[name].mean() for name in KINDS)
    assert history["loss"][0] == pytest.approx(wanted, rel=1e-5)


@pytest.mark.slow
def test_a_step_goes_down_the_weighted_sum_s_slope(images, labels):
    """One step of gradient descent on a head's bias, whose slope is known in closed form."""
    model = dense_model()
    model.compile(keras.optimizers.SGD(0.1), loss_weights=WEIGHTS)
    before = [model._head_of[name].bias.numpy() for name in KINDS]
    digits, marks, size = (numpy_logits(model, images[n])[i] for i, n in enumerate(KINDS))
    model.fit(images, labels, batch_size=EXAMPLES, verbose=0)
    softmax = np.exp(digits) / np.exp(digits).sum(axis=1, keepdims=True)
    slopes = [
        (softmax - np.eye(3)[labels["digits"]]).mean(axis=0),
        (1 / (1 + np.exp(-marks)) - labels["marks"]).mean(axis=0) / 2,
        2 * (size - labels["size"]).mean(axis=0),
    ]
    for name, old, slope in zip(KINDS, before, slopes, strict=True):
        wanted = old - 0.1 * WEIGHTS[name] * slope
        np.testing.assert_allclose(model._head_of[name].bias.numpy(), wanted, atol=1e-6)


def test_each_task_gets_its_own_features_back(trained, images):
    alone = {name: trained(images[name])[name].numpy() for name in KINDS}
    sizes = {"size": 7, "digits": 2, "marks": 11}
    together = trained({name: images[name][:n] for name, n in sizes.items()})
    assert list(together) == list(sizes)
    for name, logits in together.items():
        np.testing.assert_allclose(logits, alone[name][: sizes[name]], atol=1e-5)


def test_symbolic_inputs(trained, images):
    inputs = {name: keras.Input((SIDE, SIDE, 1), name=name) for name in ("digits", "size")}
    wrapped = keras.Model(inputs, trained(inputs))
    batch = {name: images[name] for name in inputs}
    for name, logits in wrapped.predict(batch, verbose=0).items():
        np.testing.assert_allclose(logits, trained(images[name])[name], atol=1e-5)


# Training


@pytest.mark.slow
def test_fit_learns_and_calls_back(images, labels, tmp_path):
    model = small.joint_model()
    best = tmp_path / "best.keras"
    stop = keras.callbacks.EarlyStopping("val_digits_accuracy", min_delta=2, patience=3, mode="max")
    keep = keras.callbacks.ModelCheckpoint(best, monitor="val_loss", save_best_only=True)
    history = model.fit(
        images,
        labels,
        batch_size=BATCH,
        epochs=30,
        validation_data=(images, labels),
        callbacks=[stop, keep],
        verbose=0,
    ).history
    assert len(history["loss"]) == 4  # no accuracy rises by 2
    assert min(history["val_loss"]) < history["val_loss"][0]
    found = simmim.load(best).evaluate(images, labels, verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(min(history["val_loss"]), rel=1e-5)


@pytest.mark.slow
def test_tensorboard_gets_each_task_s_curve(images, labels, tmp_path):
    pytest.importorskip("tensorboard", reason="TensorFlow 2.21 comes without TensorBoard")
    model = small.joint_model()
    board = keras.callbacks.TensorBoard(tmp_path)
    history = model.fit(images, labels, epochs=2, callbacks=[board], verbose=0).history
    (file,) = (tmp_path / "train").glob("events.out.tfevents.*")
    curves = {}
    for event in tf.compat.v1.train.summary_iterator(str(file)):
        for value in event.summary.value:
            curves.setdefault(value.tag, []).append(tf.make_ndarray(value.tensor))
    for name in ("loss", "digits_accuracy", "marks_loss", "size_mean_absolute_error"):
        np.testing.assert_allclose(curves[f"epoch_{name}"], history[name], rtol=1e-6)


def test_the_summary_lists_trunk_and_heads(trained):
    lines = []
    trained.summary(print_fn=lines.append)
    text = "\n".join(lines)
    for name in ("trunk", "head_digits", "head_marks", "head_size"):
        assert name in text
    convolution, dense = 3 * 3 * 4 + 4, 3 * 3 * 4 * 5 + 5
    heads = (5 + 1) * (3 + 2 + 1)
    assert f"Trainable params: {dense + heads}" in text
    assert f"Non-trainable params: {convolution}" in text


@pytest.mark.slow
def test_batches_of_another_size_for_each_task(images, labels):
    """Arrays must be equally long, says Keras; the batches of a dataset need not be."""
    sizes = {"digits": 8, "marks": 3, "size": 5}
    by_task = [
        tf.data.Dataset.from_tensor_slices((images[name], labels[name])).batch(n)
        for name, n in sizes.items()
    ]
    batches = tf.data.Dataset.zip(tuple(by_task)).map(
        lambda *pairs: tuple(
            dict(zip(sizes, parts, strict=True)) for parts in zip(*pairs, strict=True)
        )
    )
    model = dense_model()
    logits = [numpy_logits(model, images[n])[i][: sizes[n]] for i, n in enumerate(KINDS)]
    losses = numpy_losses(logits, {name: labels[name][: sizes[name]] for name in KINDS})
    history = model.fit(batches.take(1), verbose=0).history
    wanted = sum(WEIGHTS[name] * losses[name].mean() for name in KINDS)
    assert history["loss"][0] == pytest.approx(wanted, rel=1e-5)
    unequal = {name: images[name][:n] for name, n in sizes.items()}
    with pytest.raises(ValueError, match="cardinality"):
        model.fit(unequal, {name: labels[name][:n] for name, n in sizes.items()}, verbose=0)


@pytest.mark.slow
def test_a_task_may_be_left_out(images, labels):
    model = small.joint_model()
    two = ("digits", "size")
    some, theirs = {n: images[n] for n in two}, {n: labels[n] for n in two}
    assert set(model.predict(some, verbose=0)) == set(two)
    with pytest.raises(WorkbookError, match=r"^There are no images for marks: .*loss=\{"):
        model.fit(some, theirs, verbose=0)
    with pytest.raises(WorkbookError, match=r"^There are no labels for marks: "):
        model.evaluate(images, theirs, verbose=0)
    losses = {"digits": keras.losses.SparseCategoricalCrossentropy(True), "size": "mse"}
    model.compile("sgd", loss=losses, loss_weights=[1, 3])
    found = model.evaluate(some, theirs, verbose=0, return_dict=True)
    assert model.evaluate(some, labels, verbose=0, return_dict=True) == pytest.approx(found)
    assert model.evaluate(images, theirs, verbose=0, return_dict=True) == pytest.approx(found)
    assert found["loss"] == pytest.approx(found["digits_loss"] + 3 * found["size_loss"], rel=1e-5)
    assert {"digits_accuracy", "size_mean_absolute_error"} < set(found)
    before = model._head_of["marks"].get_weights()
    with pytest.warns(UserWarning, match="Gradients do not exist"):  # of the head left out
        model.fit(some, theirs, verbose=0)
    np.testing.assert_array_equal(model._head_of["marks"].get_weights()[0], before[0])


def test_a_model_of_one_task_needs_no_dictionaries(images, labels):
    model = simmim_lib.SimMIM(small.trunk(), small.tasks()[:1])
    model.compile("sgd")
    plain = model.evaluate(images["digits"], labels["digits"], verbose=0)
    named = {"digits": images["digits"]}, {"digits": labels["digits"]}
    assert model.evaluate(*named, verbose=0) == pytest.approx(plain)


@pytest.mark.parametrize("shared", [False, True])
def test_a_shared_head_is_one_and_separate_heads_are_two(images, labels, shared):
    """Only "old" is trained, with the trunk frozen: "new" follows if the head is shared."""
    pair = [simmim_lib.Task(name, small.CLASSES) for name in ("old", "new")]
    other = simmim_lib.Task("other", ("a", "b", "c"))
    model = simmim_lib.SimMIM(small.trunk(), [*pair, other], shared_heads=shared)
    model.trunk.trainable = False
    model.compile("sgd", loss={"old": keras.losses.SparseCategoricalCrossentropy(True)})
    assert len(model.trainable_variables) == 2 * (2 if shared else 3)
    batch = images["digits"]
    before = model.predict(batch, verbose=0)
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        model.fit(batch, {"old": labels["digits"]}, verbose=0)
    after = model.predict(batch, verbose=0)
    changed = {name: not np.array_equal(before[name], after[name]) for name in before}
    assert changed == {"old": True, "new": shared, "other": False}


@pytest.mark.parametrize(("shared", "private"), [(False, 6), (True, 2)])
def test_what_several_tasks_use_is_shared_and_nothing_else(shared, private):
    """The trunk always; a head where two tasks have one in common."""
    pair = [simmim_lib.Task(name, small.CLASSES) for name in ("old", "new")]
    other = simmim_lib.Task("other", ("a", "b", "c"))
    model = simmim_lib.SimMIM(small.trunk(), [*pair, other], shared_heads=shared)
    common = len(model.weights) - private
    assert model.is_shared == [True] * common + [False] * private
    assert common == len(model.trunk.weights) + (2 if shared else 0)
    assert model.head_groups == (
        [["old", "new"], ["other"]] if shared else [["old"], ["new"], ["other"]]
    )


def test_a_head_of_one_task_alone_is_not_shared():
    model = simmim_lib.SimMIM(small.trunk(), [simmim_lib.Task("only", small.CLASSES)])
    assert model.is_shared == [True] * len(model.trunk.weights) + [False, False]


@pytest.mark.parametrize("shared", [False, True])
def test_the_place_of_a_head_is_told(images, shared):
    """To silence the weights at a task's place, silences that task."""
    pair = [simmim_lib.Task(name, small.CLASSES) for name in ("old", "new")]
    other = simmim_lib.Task("other", ("a", "b", "c"))
    model = simmim_lib.SimMIM(small.trunk(), [*pair, other], shared_heads=shared)
    before, batch = model.get_weights(), images["digits"]
    for task, silenced in (("old", {"old", "new"} if shared else {"old"}), ("other", {"other"})):
        place = model.kernel_position(task)
        changed = [np.zeros_like(w) if i == place else w for i, w in enumerate(before)]
        model.set_weights(changed)
        outputs = model.predict(batch, verbose=0)
        assert {name for name, logits in outputs.items() if not logits.any()} == silenced


@pytest.mark.slow
def test_frozen_layers_stay_and_the_others_move(images, labels):
    model = small.joint_model()
    freezing.freeze(model.trunk, 1)
    model.compile("sgd")
    before = model.get_weights()
    model.fit(images, labels, verbose=0)
    moved = [not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]
    assert moved == [False, False] + [True] * (len(before) - 2)


@pytest.mark.slow
def test_freezing_after_fit_without_compiling_again_comes_too_late(images, labels):
    """As Keras's guide to transfer learning says: `compile` remembers what is trained."""
    model = small.joint_model(optimizer="sgd")
    model.fit(images, labels, verbose=0)
    freezing.freeze(model.trunk, 2)
    before = model.trunk.get_weights()
    model.fit(images, labels, verbose=0)
    assert not np.array_equal(before[0], model.trunk.get_weights()[0])
    model.compile("sgd")
    before = model.trunk.get_weights()
    model.fit(images, labels, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.trunk.get_weights(), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision(images, labels, policy, tmp_path):
    """The trunk's policy is the model's, and is still so when the file is read under another."""
    keras.mixed_precision.set_dtype_policy(policy)
    try:
        image, layers = keras.Input((SIDE, SIDE, 1)), keras.layers
        trunk = keras.Sequential([image, layers.Conv2D(4, 3), layers.BatchNormalization()])
        model = simmim_lib.SimMIM(trunk, small.tasks())
    finally:
        keras.mixed_precision.set_dtype_policy("float32")
    assert simmim_lib.SimMIM(trunk, small.tasks()).dtype_policy.name == policy
    model.compile(keras.optimizers.Adam(0.01), loss_weights=WEIGHTS)
    losses = model.fit(images, labels, batch_size=BATCH, epochs=6, verbose=0).history["loss"]
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]
    assert model.trunk(images["size"][:1]).dtype == policy.removeprefix("mixed_")
    logits = model.predict(images, verbose=0)
    assert {value.dtype for value in logits.values()} == {np.dtype("float32")}
    scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (policy == "mixed_float16")
    model.save(tmp_path / "half.keras")
    again = simmim.load(tmp_path / "half.keras")
    for name, value in again.predict(images, verbose=0).items():
        np.testing.assert_allclose(value, logits[name], atol=1e-6)
    assert isinstance(again.optimizer, keras.optimizers.LossScaleOptimizer) == scaled
    assert keras.mixed_precision.dtype_policy().name == "float32"


# Trunks


@pytest.mark.slow
def test_a_trunk_from_keras_applications(tmp_path):
    trunk = keras.applications.MobileNetV2(weights=None, include_top=False, input_shape=(32, 32, 3))
    model = simmim_lib.SimMIM(trunk, small.tasks())
    images = np.random.default_rng(0).random((3, 32, 32, 3), np.float32)
    kernel, bias = model._head_of["digits"].get_weights()
    by_hand = trunk(images).numpy().mean(axis=(1, 2)) @ kernel + bias
    logits = model(images)["digits"]
    np.testing.assert_allclose(logits, by_hand, atol=1e-5)
    model.save(tmp_path / "mobile.keras")
    again = simmim.load(tmp_path / "mobile.keras")
    np.testing.assert_allclose(again(images)["digits"], logits, atol=1e-6)


def normalised_trunk():
    """Batch normalisation right behind the input, so that its statistics are the images' own."""
    inputs = keras.Input((SIDE, SIDE, 1))
    features = keras.layers.BatchNormalization(name="normal")(inputs)
    features = keras.layers.Dropout(0.5, seed=0)(keras.layers.Flatten()(features))
    return keras.Model(inputs, features)


def test_training_reaches_batch_normalisation_and_dropout(images):
    model = simmim_lib.SimMIM(normalised_trunk(), small.tasks())
    batch = {"digits": images["digits"], "size": images["size"][:5] + 3}
    calm = [model(batch)["size"].numpy() for _ in range(2)]
    np.testing.assert_array_equal(*calm)
    normal = model.trunk.get_layer("normal")
    assert normal.moving_mean.numpy() == 0
    model(batch, training=True)
    # All tasks' images go through together, so one mean over all of them, with momentum 0.99.
    pixels = np.concatenate(list(batch.values()))
    np.testing.assert_allclose(normal.moving_mean.numpy(), [0.01 * pixels.mean()], rtol=1e-4)
    wild = [model(batch, training=True)["size"].numpy() for _ in range(2)]
    assert not np.array_equal(*wild)


@pytest.mark.slow
def test_frozen_batch_normalisation_keeps_its_statistics(images, labels):
    model = simmim_lib.SimMIM(normalised_trunk(), small.tasks())
    normal = model.trunk.get_layer("normal")
    for layers, kept in ((0, False), (1, True)):
        freezing.freeze(model.trunk, layers)
        model.compile("sgd")
        before = normal.get_weights()
        model.fit(images, labels, verbose=0)
        same = [np.array_equal(a, b) for a, b in zip(before, normal.get_weights(), strict=True)]
        assert same == [kept] * 4


@keras.saving.register_keras_serializable(package="test_simmim")
class OwnTrunk(keras.Model):
    """A trunk with a `call` of its own, which Keras knows no shapes of."""

    def __init__(self, **options):
        super().__init__(**options)
        self.flatten, self.dense = keras.layers.Flatten(), keras.layers.Dense(3)

    def call(self, images):
        return self.dense(self.flatten(images))


def test_a_subclassed_trunk_is_wrapped_as_the_sentence_says(images, tmp_path):
    trunk = OwnTrunk(name="own")
    with pytest.raises(WorkbookError, match=r"'own' does not say .* keras\.Model\(inputs, trunk"):
        simmim_lib.SimMIM(trunk, small.tasks())
    inputs = keras.Input((SIDE, SIDE, 1))
    model = simmim_lib.SimMIM(keras.Model(inputs, trunk(inputs)), small.tasks())
    logits = model(images["size"])["size"]
    model.save(tmp_path / "own.keras")
    np.testing.assert_allclose(simmim.load(tmp_path / "own.keras")(images["size"])["size"], logits)


def unsuitable_trunks():
    image = keras.Input((SIDE, SIDE, 1))
    any_size = keras.Input((None, None, 1))
    flat = keras.layers.Flatten()(image)
    return {
        "is a Dense": keras.layers.Dense(3),
        "does not say": keras.Sequential([keras.layers.Flatten()]),
        "several inputs": keras.Model([image, any_size], keras.layers.Add()([image, any_size])),
        r"returns \[\(None, 64\), \(None, 64\)\]": keras.Model(image, [flat, flat]),
        r"returns \(None, 8, 8\)": keras.Model(image, keras.layers.Reshape((SIDE, SIDE))(image)),
        r"returns \(None, None\)": keras.Model(any_size, keras.layers.Flatten()(any_size)),
    }


@pytest.mark.parametrize("words", list(unsuitable_trunks()))
def test_an_unsuitable_trunk_gets_one_sentence(words):
    with pytest.raises(WorkbookError, match=f"^The trunk .*{words}.*[^.]*\\.$"):
        simmim_lib.SimMIM(unsuitable_trunks()[words], small.tasks())


# Bad input


@pytest.mark.parametrize(
    ("by_task", "words"),
    [
        ({"digits": (2, SIDE, SIDE, 3)}, "images of digits have shape (8, 8, 3), but the trunk"),
        (
            {"size": (2, SIDE, SIDE, 1), "marks": (2, SIDE, SIDE)},
            "images of marks have shape (8, 8)",
        ),
        ((2, 28, 28, 1), "shape (28, 28, 1), but the trunk takes (8, 8, 1): resize"),
        ({"digit": (2, SIDE, SIDE, 1)}, "Unknown task 'digit'. Did you mean 'digits'?"),
    ],
)
@pytest.mark.parametrize("way", ["call", "predict"])
def test_images_that_do_not_fit_get_one_sentence(trained, by_task, words, way):
    if isinstance(by_task, dict):
        batch = {name: np.zeros(shape, np.float32) for name, shape in by_task.items()}
    else:
        batch = np.zeros(by_task, np.float32)
    with pytest.raises(WorkbookError, match=re.escape(words)) as caught:
        trained(batch) if way == "call" else trained.predict(batch, verbose=0)
    assert "\n" not in str(caught.value)


def test_no_images_at_all_get_one_sentence(trained):
    with pytest.raises(
        WorkbookError, match=r"^There are no images: pass .* digits, marks, size\.$"
    ):
        trained({})


def test_tasks_of_different_image_sizes_get_one_sentence():
    """Even if the trunk takes images of any size: they go through it in one batch."""
    inputs = keras.Input((None, None, 1))
    model = simmim_lib.SimMIM(keras.Model(inputs, keras.layers.Conv2D(2, 3)(inputs)), small.tasks())
    sizes = {"digits": 8, "marks": 12}
    batch = {name: np.zeros((2, size, size, 1), np.float32) for name, size in sizes.items()}
    for name, images in batch.items():
        assert model({name: images})[name].shape[0] == 2
    words = r"images of marks have shape \(12, 12, 1\), but others have \(8, 8, 1\)"
    with pytest.raises(WorkbookError, match=words):
        model(batch)


@pytest.mark.parametrize(
    ("tasks", "shared", "words"),
    [
        ([], False, "no tasks"),
        (["digits"], False, "'digits' is not a task"),
        ([("a", "xy"), ("a", "xy")], False, "Two tasks are named 'a'"),
        ([("a", "xy"), ("b", "xz")], True, "a, b .* no head can be shared"),
        ([("a", "xy"), ("b", "xy", "multi-label")], True, "no head can be shared"),
        ([("a", "x")], False, "has 1 class names, but a classification task needs at least 2"),
        ([("a", "xy", "classify")], False, "'classify'. Did you mean 'classification'"),
        ([("", "xy")], False, "Keras needs a name"),
        ([(3, "xy")], False, "named 3"),
    ],
)
def test_tasks_that_cannot_be_meant_get_one_sentence(tasks, shared, words):
    with pytest.raises(WorkbookError, match=words) as caught:
        simmim_lib.SimMIM(
            small.trunk(),
            [
                t if isinstance(t, str) else simmim_lib.Task(t[0], tuple(t[1]), *t[2:])
                for t in tasks
            ],
            shared_heads=shared,
        )
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("given", [None, 3, 0.5])
def test_what_is_no_list_of_names_gets_one_sentence(given):
    with pytest.raises(WorkbookError, match="but must hold one name for each output"):
        simmim_lib.Task("pet", given)


def test_class_names_are_names():
    with pytest.raises(WorkbookError, match=r"write \('cat',\) if"):
        simmim_lib.Task("pet", "cat")
    assert simmim_lib.Task("digits", range(2)).class_names == ("0", "1")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"loss_weights": [1, -1, 1]}, "holds -1"),
        ({"loss_weights": [0, 0, 0]}, "all 0"),
        ({"loss_weights": [1, 1]}, "for 3 tasks"),
        ({"loss_weights": [1, 1, float("nan")]}, "holds nan"),
        ({"loss_weights": {"digit": 1}}, "Did you mean 'digits'"),
        ({"loss": {"digit": "mse"}}, "Did you mean 'digits'"),
        ({"loss": {"digits": "mse", "size": "mse"}, "loss_weights": [1, 1, 1]}, "for 2 tasks"),
    ],
)
def test_weights_that_cannot_be_meant_get_one_sentence(trained, options, words):
    model = simmim_lib.SimMIM(trained.trunk, small.tasks())
    with pytest.raises(WorkbookError, match=words) as caught:
        model.compile("sgd", **options)
    assert "\n" not in str(caught.value)


# Files


def python_of(environment):
    """Return the Python of the other tested versions, or of these."""
    here = Path(sys.prefix).name
    other = ROOT / {".venv": ".venv-colab"}.get(here, ".venv") / "bin" / "python"
    return Path(sys.executable) if environment == "this" else other


def start(python, *arguments):
    """Start the worker; without TensorFlow's messages, the error stream holds only errors."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}", "CUDA_VISIBLE_DEVICES": "-1"}
    command = [python, WORKER, *map(str, arguments)]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("environment", ["this", "other"])
def test_another_process_reads_the_file_and_trains_on(
    trained, saved, images, labels, environment, tmp_path
):
    """Keras does not promise that an older version reads the file; the weights it does read."""
    python = python_of(environment)
    if not python.exists():
        pytest.skip("the environment with the other tested versions is not there")
    weights, out = tmp_path / "model.weights.h5", tmp_path / "out.npz"
    trained.save_weights(weights)
    finish(start(python, "load", saved, weights, out), seconds=120)
    logits = trained.predict(images, verbose=0)
    with np.load(out) as found:
        for name in KINDS:
            np.testing.assert_allclose(found[f"rebuilt_{name}"], logits[name], atol=1e-6)
        if "error" in found:
            assert environment == "other"
            assert f"was saved with Keras {keras.__version__}, which" in str(found["error"])
            return
        # The saved model itself must not change for the other tests, so a copy is trained here.
        model = keras.saving.load_model(saved, safe_mode=True)
        model.fit(images, labels, batch_size=BATCH, shuffle=False, verbose=0)
        after = model.predict(images, verbose=0)
        for name in KINDS:
            np.testing.assert_allclose(found[name], logits[name], atol=1e-6)
            np.testing.assert_allclose(found[f"after_{name}"], after[name], atol=1e-5)
        assert found["weights"].tolist() == list(WEIGHTS.values())
        assert found["frozen"].tolist() == ["c"]


@pytest.mark.slow
def test_a_loaded_model_trains_as_the_saved_one_would(images, labels, tmp_path):
    """The optimizer's memory and the frozen layers are in the file, too."""
    model = small.joint_model()
    freezing.freeze(model.trunk, 1)
    model.compile(keras.optimizers.Adam(0.01), loss_weights=WEIGHTS)
    model.fit(images, labels, batch_size=BATCH, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    forgetful = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    forgetful.compile(keras.optimizers.Adam(0.01), loss_weights=WEIGHTS)
    first = model.get_weights()[0]
    for each in model, loaded, forgetful:
        each.fit(images, labels, batch_size=BATCH, shuffle=False, verbose=0)
    for one, other in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert np.array_equal(loaded.get_weights()[0], first)
    assert np.abs(model.get_weights()[2] - forgetful.get_weights()[2]).max() > 1e-3


def test_shared_heads_and_what_is_not_compiled_are_kept(images, tmp_path):
    pair = [simmim_lib.Task(name, small.CLASSES) for name in ("old", "new")]
    model = simmim_lib.SimMIM(small.trunk(), pair, shared_heads=True, name="pair")
    model.save(tmp_path / "pair.keras")
    loaded = simmim.load(tmp_path / "pair.keras")
    assert (loaded.name, loaded.tasks, loaded.shared_heads) == ("pair", tuple(pair), True)
    assert not loaded.compiled
    assert len(loaded.weights) == len(model.weights) == 6
    for name, logits in loaded(images["digits"]).items():
        np.testing.assert_allclose(logits, model(images["digits"])[name], atol=1e-6)


def rewritten(saved, path, change):
    """Copy a file with some of its parts changed: `change` maps names to functions of bytes."""
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = change.get(name, lambda same: same)(old.read(name))
            if content is not None:
                new.writestr(name, content)
    return path


def with_other_weights(content):
    """The weights of a head with one class more."""
    import h5py

    buffer = io.BytesIO(content)
    with h5py.File(buffer, "r+") as file:
        kernels = [f"layers/{name}/vars/0" for name in file["layers"] if "dense" in name]
        del file[kernels[0]]
        file[kernels[0]] = np.zeros((5, 4), np.float32)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def bad_files(saved, tmp_path_factory):
    """Each damaged file, and a word of its sentence."""
    folder = tmp_path_factory.mktemp("bad")
    content = saved.read_bytes()
    for share in (0, 5, 50, 95, 99):
        (folder / f"cut_{share}.keras").write_bytes(content[: len(content) * share // 100])
    random = np.random.default_rng(0)
    (folder / "garbage.keras").write_bytes(random.bytes(5000))
    middle = len(content) // 2
    (folder / "hole.keras").write_bytes(
        content[: middle - 500] + random.bytes(1000) + content[middle + 500 :]
    )
    with zipfile.ZipFile(folder / "other_zip.keras", "w") as file:
        file.writestr("notes.txt", "no model")
    (folder / "folder.keras").mkdir()
    rewritten(saved, folder / "no_weights.keras", {"model.weights.h5": lambda _: None})
    rewritten(saved, folder / "weights.keras", {"model.weights.h5": with_other_weights})
    for name, config in {"list": b"[1]", "empty": b"{}", "text": b"no json"}.items():
        rewritten(saved, folder / f"config_{name}.keras", {"config.json": lambda _, c=config: c})
    return folder


BAD_FILES = {
    **{f"cut_{share}.keras": "damaged" for share in (0, 5, 50, 95, 99)},
    **{f"config_{name}.keras": "damaged" for name in ("list", "empty", "text")},
    "garbage.keras": "damaged",
    "hole.keras": "damaged",
    "other_zip.keras": "damaged",
    "no_weights.keras": "damaged",
    "weights.keras": "damaged",
    "folder.keras": "There is no file",
    "missing.keras": "There is no file",
}


@pytest.mark.parametrize("name", list(BAD_FILES))
def test_a_bad_file_gets_one_sentence(bad_files, name):
    with pytest.raises(WorkbookError, match=re.escape(BAD_FILES[name])) as caught:
        simmim.load(bad_files / name)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_another_kind_of_model_is_named(tmp_path):
    small.trunk().save(tmp_path / "trunk.keras")
    with pytest.raises(WorkbookError, match="holds a Sequential, not a SimMIM model"):
        simmim.load(tmp_path / "trunk.keras")


def test_an_unknown_class_is_named(saved, tmp_path):
    def rename(config):
        return config.replace(b'"class_name": "Flatten"', b'"class_name": "Crumple"').replace(
            b'"module": "keras.layers", "class_name": "Crumple"',
            b'"module": "own", "class_name": "Crumple"',
        )

    path = rewritten(saved, tmp_path / "own.keras", {"config.json": rename})
    with pytest.raises(WorkbookError, match="needs the class Crumple, which is not known here"):
        simmim.load(path)


def planted(marker):
    """A lambda that leaves a trace when it runs."""
    return lambda images: (__import__("pathlib").Path(marker).touch(), images)[1]


def trunk_with(*layers):
    return keras.Sequential([keras.Input((SIDE, SIDE, 1)), *layers, keras.layers.Flatten()])


@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`")
@pytest.mark.parametrize("where", ["trunk", "in the trunk", "loss", "metric", "alone"])
def test_code_in_a_file_is_not_run(where, tmp_path):
    marker, path = tmp_path / "ran", tmp_path / "code.keras"
    code = planted(str(marker))
    trunk = trunk_with()
    if where == "in the trunk":
        trunk = trunk_with(trunk_with(keras.layers.Lambda(code)))
    elif where != "loss":
        trunk = trunk_with(keras.layers.Lambda(code))
    model = trunk if where == "alone" else simmim_lib.SimMIM(trunk, small.tasks()[:1])
    if where == "loss":
        model.compile("sgd", loss={"digits": lambda truth, logits: code(logits)})
    elif where == "metric":
        model = simmim_lib.SimMIM(trunk_with(), small.tasks()[:1])
        model.compile("sgd", metrics={"digits": [lambda truth, logits: code(logits)]})
    model.save(path)
    marker.unlink(missing_ok=True)
    with pytest.raises(WorkbookError, match=r"^.*code\.keras holds code.* is not run: ask "):
        simmim.load(path)
    assert not marker.exists()
    if where in ("trunk", "alone"):  # the trap is a real one
        keras.saving.load_model(path, safe_mode=False)
        assert marker.exists()


class Pickled:
    """Leaves a trace when it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (Path(self.marker),)


def test_a_pickle_in_a_file_is_not_opened(saved, tmp_path):
    marker, array = tmp_path / "ran", io.BytesIO()
    np.save(array, np.array([Pickled(str(marker))], dtype=object), allow_pickle=True)
    path = rewritten(saved, tmp_path / "pickle.keras", {"model.weights.h5": lambda _: None})
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("model.weights.npz", array.getvalue())
    with pytest.raises(WorkbookError, match="damaged"):
        simmim.load(path)
    assert not marker.exists()
    array.seek(0)
    np.load(array, allow_pickle=True)  # the trap is a real one
    assert marker.exists()


def test_a_class_of_python_s_own_is_not_called(saved, tmp_path):
    """A config that names a function of another module, as attacks on older Keras did."""
    marker = tmp_path / "ran"

    def attack(config):
        description = json.loads(config)
        description["config"]["trunk"] = {
            "module": "os",
            "class_name": "function",
            "config": "system",
            "registered_name": f"touch {marker}",
        }
        return json.dumps(description).encode()

    path = rewritten(saved, tmp_path / "attack.keras", {"config.json": attack})
    with pytest.raises(WorkbookError, match="needs the function system"):
        simmim.load(path)
    assert not marker.exists()


# Several devices


@pytest.mark.slow
def test_two_devices_train_as_one(tmp_path):
    finish(start(Path(sys.executable), "mirrored", tmp_path / "out.npz"), seconds=120)
    with np.load(tmp_path / "out.npz") as found:
        assert found["replicas"] == 2
        for name in found:
            if name.startswith("two_"):
                other = found[name.replace("two_", "one_")]
                np.testing.assert_allclose(found[name], other, atol=1e-5, err_msg=name)


@pytest.mark.slow
def test_two_workers_train_as_one(tmp_path):
    """Equal weights on both, and those of one process that saw all batches.

    Keras's own `fit` fails there; when it no longer does, `fit_on_workers` can go.
    """
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    ports = ",".join(str(each.getsockname()[1]) for each in sockets)
    for each in sockets:
        each.close()
    outs = [tmp_path / f"{index}.npz" for index in range(2)]
    python = Path(sys.executable)
    workers = [start(python, "worker", index, ports, out) for index, out in enumerate(outs)]
    finish(*workers, seconds=120)
    from simmim_lib import simmim

    model = small.joint_model()
    history = model.fit(small.dataset(), epochs=2, verbose=0).history
    alone = small.joint_model()
    loop = simmim.fit_on_workers(alone, small.dataset(), epochs=2)
    assert [epoch["loss"] for epoch in loop] == pytest.approx(history["loss"], rel=1e-5)
    for out in outs:
        with np.load(out) as found:
            assert found["replicas"] == 2
            assert found["fit"] == "fails"
            for i, (weight, own) in enumerate(
                zip(model.get_weights(), alone.get_weights(), strict=True)
            ):
                np.testing.assert_allclose(found[str(i)], weight, atol=1e-5)
                np.testing.assert_allclose(own, weight, atol=1e-5)
            np.testing.assert_allclose(found["loss"], history["loss"], rtol=1e-4)
            np.testing.assert_allclose(found["accuracy"], history["digits_accuracy"], atol=1e-6)


# Serving, and weights alone


@pytest.mark.slow
@pytest.mark.parametrize("way", ["fit", "nothing"])
def test_a_model_is_exported_for_serving(images, labels, tmp_path, way):
    model = small.joint_model()
    if way == "fit":
        model.compile("sgd")
        model.fit(images, labels, batch_size=BATCH, verbose=0)
    model.export(tmp_path / "served", verbose=False)
    module = tf.saved_model.load(tmp_path / "served")
    served = module.serve(images["digits"])
    for name, logits in model(images["digits"]).items():
        np.testing.assert_allclose(served[name], logits, atol=1e-5)


PAIR = [simmim_lib.Task(name, small.CLASSES) for name in ("old", "new")]
OTHER_ORDER = simmim_lib.Task("new", small.CLASSES[::-1])


@pytest.fixture(scope="module")
def pair_files(tmp_path_factory):
    """A model of two tasks, and what Keras writes of its weights."""
    model = simmim_lib.SimMIM(small.trunk(), PAIR)
    folder = tmp_path_factory.mktemp("pair")
    model.save_weights(folder / "pair.weights.h5")
    model.save(folder / "pair.keras")
    return model, folder


@pytest.mark.parametrize("file", ["pair.weights.h5", "pair.keras"])
@pytest.mark.parametrize(
    ("tasks", "shared", "words"),
    [
        (PAIR[::-1], False, "for old .*; new .*, but those of the model for new .*; old "),
        (PAIR[1:], False, "but those of the model for new "),
        (
            [*PAIR, simmim_lib.Task("third", ("a", "b"))],
            False,
            r"; third \(classification: .*'a', 'b'",
        ),
        ([simmim_lib.Task("newer", small.CLASSES)], False, "for newer"),
        ([PAIR[0], OTHER_ORDER], False, "new .*'two', 'one', 'zero'"),
        (
            [PAIR[0], simmim_lib.Task("new", small.CLASSES, "multi-label")],
            False,
            "new .multi-label: ",
        ),
        (PAIR, True, "for old and new "),
    ],
)
def test_weights_of_other_heads_are_refused(pair_files, file, tasks, shared, words):
    """In every kind of file; and nothing of the model is changed."""
    model = simmim_lib.SimMIM(small.trunk(3), tasks, shared_heads=shared)
    before = model.get_weights()
    with pytest.raises(WorkbookError, match=f"^The heads in .*{words}") as caught:
        model.load_weights(pair_files[1] / file, skip_mismatch=True)
    assert "\n" not in str(caught.value)
    for old, now in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, now)


def test_one_task_without_labels_gets_a_sentence(images):
    model = simmim_lib.SimMIM(small.trunk(), small.tasks()[:1])
    model.compile("sgd")
    with pytest.raises(WorkbookError, match=r"^There are no labels for digits: "):
        model.fit(images["digits"], verbose=0)


LARGER = {
    "a model": lambda page, model: keras.Model(page, model(page)),
    "a sequence": lambda page, model: keras.Sequential([page, model]),
    "a model in a model": lambda page, model: keras.Model(
        page, keras.Model(page, model(page))(page)
    ),
}


@pytest.mark.parametrize("make", LARGER.values(), ids=LARGER)
def test_heads_of_others_are_refused_in_a_part_of_a_larger_model(tmp_path, make):
    """Keras asks the larger one alone to read the weights."""
    page, file = keras.Input(small.trunk().input_shape[1:]), tmp_path / "larger.weights.h5"
    larger = [
        make(page, simmim_lib.SimMIM(small.trunk(), tasks)) for tasks in (PAIR, PAIR, PAIR[::-1])
    ]
    larger[0].save_weights(file)
    larger[1].load_weights(file)
    with pytest.raises(ValueError, match="The heads in the file are for old "):
        larger[2].load_weights(file)


def test_heads_of_others_are_refused_where_kerass_own_function_reads_them(pair_files):
    """It does not ask the model's `load_weights`."""
    same, other = (simmim_lib.SimMIM(small.trunk(), tasks) for tasks in (PAIR, PAIR[::-1]))
    keras.saving.load_weights(same, pair_files[1] / "pair.weights.h5")
    with pytest.raises(ValueError, match="The heads in the file are for old "):
        keras.saving.load_weights(other, pair_files[1] / "pair.weights.h5")


@pytest.mark.parametrize(
    "name", ["pair", "~/pair", "pair.zip", "pair (1).h5", "pair.weights (1).h5"]
)
@pytest.mark.parametrize("file", ["pair.weights.h5", "pair.keras"])
@pytest.mark.parametrize("tasks", [PAIR, PAIR[:1]])
def test_weights_of_the_same_heads_are_read(pair_files, file, tasks, name, tmp_path, monkeypatch):
    """A task that the model no longer has may stand behind them; and whatever a file is called."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    shutil.copy(pair_files[1] / file, Path(name).name)
    model = simmim_lib.SimMIM(small.trunk(3), tasks)
    model.load_weights(name)
    for task in tasks:
        for ours, theirs in zip(
            model.head_of(task.name).weights,
            pair_files[0].head_of(task.name).weights,
            strict=True,
        ):
            np.testing.assert_array_equal(ours, theirs)


def change_heads(path: Path, make) -> None:
    """Put other weights into a file, in the place of what it says about its heads."""
    simmim_lib.SimMIM(small.trunk(), PAIR).save_weights(path)
    with h5py.File(path, "r+") as file:
        del file["vars/heads"]
        make(file)


def test_weights_that_do_not_say_whose_they_are_are_refused(tmp_path):
    """As those of any Keras model; and files from strangers, which may claim to fill the memory."""
    small.trunk().save_weights(tmp_path / "trunk.weights.h5")
    (tmp_path / "none.weights.h5").write_text("nothing")
    nested = np.frombuffer(b"[" * 100_000, np.uint8)
    makers = {
        "nested": lambda file: file.create_dataset("vars/heads", data=nested),
        "huge": lambda file: file.create_dataset("vars/heads", (10**12,), "u1", chunks=(1000,)),
        "far": lambda file: file.create_dataset(
            "vars/heads", (4,), "u1", external=[("/etc/hostname", 0, 4)]
        ),
    }
    for name, make in makers.items():
        change_heads(tmp_path / f"{name}.weights.h5", make)
    model = simmim_lib.SimMIM(small.trunk(), PAIR)
    for name, words in {
        "trunk": "does not say which of its heads is whose",
        "nested": "does not say which of its heads is whose",
        "huge": "arrays claim 1,000,000 MB",
        "far": "weights are in other files",
        "none": "cannot be read",
        "lost": "There is no file",
    }.items():
        with pytest.raises(WorkbookError, match=words):
            model.load_weights(tmp_path / f"{name}.weights.h5")


def test_a_model_is_written_and_read_in_the_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / "~").mkdir()
    monkeypatch.chdir(tmp_path)
    model = simmim_lib.SimMIM(small.trunk(), PAIR)
    model.save("~/pair.keras")
    model.save_weights("~/pair.weights.h5")
    model.load_weights("~/pair.weights.h5")
    assert simmim.load("~/pair.keras").tasks == model.tasks
    assert os.listdir("~") == []


def test_weights_of_another_trunk_are_refused_in_a_sentence(pair_files):
    page = keras.Input(small.trunk().input_shape[1:])
    other = keras.Model(page, keras.layers.Dense(7)(keras.layers.Flatten()(page)))
    model = simmim_lib.SimMIM(other, PAIR)
    with pytest.raises(WorkbookError, match="are not those of the model's trunk") as caught:
        model.load_weights(pair_files[1] / "pair.weights.h5")
    assert "\n" not in str(caught.value)


NAMES = {"digits": "my digits é", "marks": "标记 %s", "size": "_a/b\\c"}


@pytest.mark.slow
def test_a_task_may_be_named_in_any_way(images, labels, tmp_path):
    """Keras makes names of them, in which TensorFlow allows few signs."""
    tasks = [
        simmim_lib.Task(NAMES[task.name], task.class_names, task.kind) for task in small.tasks()
    ]
    plain, named = small.joint_model(), simmim_lib.SimMIM(small.trunk(), tasks)
    named.set_weights(plain.get_weights())
    named.compile(
        keras.optimizers.Adam(0.01),
        loss_weights={NAMES[name]: weight for name, weight in WEIGHTS.items()},
    )
    theirs = {NAMES[n]: v for n, v in images.items()}, {NAMES[n]: v for n, v in labels.items()}
    found = named.fit(*theirs, shuffle=False, validation_data=theirs, verbose=0).history
    expected = plain.fit(
        images, labels, shuffle=False, validation_data=(images, labels), verbose=0
    ).history
    for measure, value in expected.items():
        for name, other in NAMES.items():
            measure = measure.replace(f"{name}_", f"{other}_")
        assert found[measure] == pytest.approx(value, rel=1e-5)
    named.save(tmp_path / "named.keras")
    again = simmim.load(tmp_path / "named.keras")
    assert again.evaluate(*theirs, verbose=0) == pytest.approx(named.evaluate(*theirs, verbose=0))
    assert set(again.predict(theirs[0], verbose=0)) == set(NAMES.values())
    named.export(tmp_path / "served", verbose=False)
    module = tf.saved_model.load(tmp_path / "served")
    assert set(module.serve(images["digits"])) == set(NAMES.values())


def test_heads_have_names_of_their_own():
    """However little of a task's name TensorFlow allows."""
    names = ["猫", "狗", "a b", "a_b", "a  b", "head", " ", "\n", "%", "\udc80", "a" * 300]
    model = simmim_lib.SimMIM(small.trunk(), [simmim_lib.Task(n, small.CLASSES) for n in names])
    heads = [model.head_of(name).name for name in names]
    assert len(set(heads)) == len(names)
    assert all(re.fullmatch(r"head_[A-Za-z0-9_.-]+", name) for name in heads)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["fit", "load", "nothing"])
@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated")
def test_it_converts_to_tensorflow_lite(images, labels, way, saved):
    model = simmim.load(saved) if way == "load" else small.joint_model()
    if way == "fit":
        model.fit(images, labels, batch_size=BATCH, verbose=0)
    content = tf.lite.TFLiteConverter.from_keras_model(model).convert()
    lite = tf.lite.Interpreter(model_content=content)
    lite.allocate_tensors()
    lite.set_tensor(lite.get_input_details()[0]["index"], images["digits"][:1])
    lite.invoke()
    found = [lite.get_tensor(each["index"]) for each in lite.get_output_details()]
    expected = model(images["digits"][:1])
    for logits in expected.values():
        assert any(
            each.shape == logits.shape and np.allclose(each, logits, atol=1e-5) for each in found
        )


def test_metrics_are_given_once():
    """They are weighted, or an example without a label would count."""
    model = dense_model()
    with pytest.raises(WorkbookError, match="give all of them as metrics"):
        model.compile("sgd", metrics=["accuracy"], weighted_metrics=["accuracy"])
    model.compile("sgd", metrics=None, weighted_metrics=None)
