"""Kinds of tasks, inputs and views: against Keras's own losses and layers."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

import simmim_lib
from simmim_lib import information, simmim, training
from simmim_lib.errors import WorkbookError
from simmim_lib.training import objective

SEEDS, STEPS, RATE = 2, 5, 0.1
TASKS = (
    simmim_lib.Task("classes", ("one", "two", "three")),
    simmim_lib.Task("findings", ("first", "second", "third", "fourth"), "multi-label"),
    simmim_lib.Task("numbers", ("height", "width"), "regression"),
)
SGD = training.Options(optimizer="sgd", learning_rate=RATE)


def labels_of(task, random, shape):
    outputs = len(task.class_names)
    if task.kind == "classification":
        return random.integers(outputs, size=shape)
    if task.kind == "multi-label":
        return random.integers(2, size=(*shape, outputs))
    return random.normal(size=(*shape, outputs))


def examples(task, features=None):
    random = np.random.default_rng(len(task.name))
    given = random.normal(size=(SEEDS, 20, 6)).astype(np.float32)
    batches = [training.draw_batches(20, 8, STEPS, seed) for seed in range(SEEDS)]
    labels = labels_of(task, random, (SEEDS, 20))
    return training.Examples(given if features is None else features, labels, np.stack(batches))


def trunk():
    return keras.Sequential([keras.Input((6,)), keras.layers.Dense(5, activation="tanh")])


def start(model):
    random = np.random.default_rng(0)
    return [random.normal(size=(SEEDS, *w.shape)).astype(np.float32) / 2 for w in model.weights]


def plain_steps(model, given, change=lambda features, step: features):
    """Train the second copy by a tape and the losses that `SimMIM.compile` takes."""
    losses = {task.name: simmim.LOSSES[task.kind]() for task in model.tasks}
    for step in range(STEPS):
        total = 0.0
        with tf.GradientTape() as tape:
            for task, each in zip(model.tasks, given, strict=True):
                batch = each.batches[1, step]
                logits = model({task.name: change(each.features[1][batch], step)})[task.name]
                total += losses[task.name](each.labels[1][batch], logits)
        variables = model.trainable_variables
        slopes = tape.gradient(total, variables)
        for variable, slope in zip(variables, slopes, strict=True):
            variable.assign_sub(RATE * tf.convert_to_tensor(slope))


def assert_second_copy(trained, plain):
    for ours, theirs in zip(trained, plain.get_weights(), strict=True):
        np.testing.assert_allclose(ours[1], theirs, atol=1e-5)


def test_every_kind_of_task_has_labels():
    assert list(objective.LABELS) == list(simmim.LOSSES)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.kind)
def test_losses_are_those_of_keras(task):
    random = np.random.default_rng(0)
    labels = labels_of(task, random, (3, 7))
    outputs = random.normal(size=(3, 7, len(task.class_names))).astype(np.float32)
    kind = objective.LABELS[task.kind]
    found = kind.loss(tf.constant(labels, kind.dtype), outputs)
    assert found.shape == (3, 7)
    for place in np.ndindex(3, 7):
        expected = simmim.LOSSES[task.kind]()(labels[place][None], outputs[place][None])
        np.testing.assert_allclose(found[place], expected, rtol=1e-5)


@pytest.mark.slow
def test_tasks_of_three_kinds_learn_together():
    model, plain = simmim_lib.SimMIM(trunk(), TASKS), simmim_lib.SimMIM(trunk(), TASKS)
    given, before = [examples(task) for task in TASKS], start(model)
    trained = training.train(model, before, given, SGD)
    plain.set_weights([weight[1] for weight in before])
    plain_steps(plain, given)
    assert_second_copy(trained, plain)


@pytest.mark.slow
def test_one_number_may_be_given_without_a_column():
    task = simmim_lib.Task("number", ("height",), "regression")
    model, with_column = simmim_lib.SimMIM(trunk(), [task]), examples(task)
    without = dataclasses.replace(with_column, labels=with_column.labels[..., 0])
    before = start(model)
    one = training.train(model, before, [with_column], SGD)
    other = training.train(model, before, [without], SGD)
    assert all(np.array_equal(*pair) for pair in zip(one, other, strict=True))


@pytest.mark.slow
def test_a_given_loss_is_taken_for_every_task():
    def none(labels, logits):
        return 0.0 * logits[..., 0]

    model = simmim_lib.SimMIM(trunk(), TASKS)
    given, before = [examples(task) for task in TASKS], start(model)
    trained = training.train(model, before, given, dataclasses.replace(SGD, loss=none))
    assert all(np.array_equal(*pair) for pair in zip(trained, before, strict=True))


def test_labels_that_do_not_fit_are_refused():
    model = simmim_lib.SimMIM(trunk(), TASKS[1:2])
    given = dataclasses.replace(examples(TASKS[1]), labels=np.zeros((SEEDS, 20, 3)))
    with pytest.raises(WorkbookError, match=r"'findings' have shape \(40, 3\).*to \(n, 4\)"):
        training.train(model, start(model), [given])


def unlabelled(task):
    pool = np.zeros((10, 6), np.float32)
    more = training.Unlabelled(pool, np.zeros((SEEDS, STEPS, 4), np.int32), np.full(3, 1 / 3))
    return dataclasses.replace(examples(task), unlabelled=more)


def test_only_classes_are_learnt_without_labels():
    model = simmim_lib.SimMIM(trunk(), TASKS[2:])
    options = training.Options(recipe=information.Recipe(information=1.0))
    with pytest.raises(WorkbookError, match=r"probabilities of classes, but .* is a regression"):
        training.train(model, start(model), [unlabelled(TASKS[2])], options)


def test_examples_without_labels_need_a_recipe():
    model = simmim_lib.SimMIM(trunk(), TASKS[:1])
    with pytest.raises(WorkbookError, match="no recipe that says how"):
        training.train(model, start(model), [unlabelled(TASKS[0])])


# --- inputs and views ----------------------------------------------------------------------------


def text_trunk():
    layers = [
        keras.Input((None,), dtype="int32"),
        keras.layers.Embedding(50, 4),
        keras.layers.GlobalAveragePooling1D(),
        keras.layers.Dense(5, activation="tanh"),
    ]
    return keras.Sequential(layers)


@pytest.mark.slow
def test_tokens_are_learnt_from_and_predicted_for():
    task = TASKS[:1]
    model, plain = simmim_lib.SimMIM(text_trunk(), task), simmim_lib.SimMIM(text_trunk(), task)
    tokens = np.random.default_rng(0).integers(50, size=(SEEDS, 20, 7))  # 64 bits, as NumPy's are
    given, before = [examples(task[0], tokens)], start(model)
    trained = training.train(model, before, given, SGD)
    plain.set_weights([weight[1] for weight in before])
    plain_steps(plain, given)
    assert_second_copy(trained, plain)
    outputs = training.predict(model, trained, tokens[0], "classes")
    np.testing.assert_allclose(outputs[1], plain(tokens[0])["classes"], atol=1e-5)


@dataclasses.dataclass(frozen=True)
class Louder:
    """Views of anything: numbers that grow with the strength, the seed and the step."""

    def draw(self, strengths, seed, shape):
        assert tuple(shape) == (6,)
        return strengths * tf.cast(1 + seed[0] + 10 * seed[1], tf.float32)

    def apply(self, examples, drawn):
        return examples * (1 + drawn[:, tf.newaxis])


@pytest.mark.slow
def test_views_of_another_kind_are_handed_in_with_the_recipe():
    """Labelled examples alone: no others need to be there for them to be changed."""
    model, plain = simmim_lib.SimMIM(trunk(), TASKS), simmim_lib.SimMIM(trunk(), TASKS)
    given, before = [examples(task) for task in TASKS], start(model)
    recipe = information.Recipe(augmentation=0.1, views=Louder())
    options = dataclasses.replace(SGD, recipe=recipe, steps_per_call=2)
    trained = training.train(model, before, given, options)
    plain.set_weights([weight[1] for weight in before])
    plain_steps(plain, given, lambda features, step: features * (1 + 0.1 * (2 + 10 * step)))
    assert_second_copy(trained, plain)
