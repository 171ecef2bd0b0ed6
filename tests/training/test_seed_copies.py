"""State beside weights, carried for each seed: against Keras's own layers, step by step."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

import simmim_lib
from simmim_lib import training, weighting
from simmim_lib.errors import WorkbookError
from simmim_lib.training.seed_copies import Copies

SEEDS, STEPS, RATE = 2, 6, 0.1
CLASSES = ("one", "two", "three")
SGD = training.Options(optimizer="sgd", learning_rate=RATE)


def network(outputs=None):
    """A small network with statistics and with random numbers, twice each."""
    layers = [keras.Input((6,))]
    for _ in range(2):
        layers.append(keras.layers.Dense(8, activation="relu"))
        layers.append(keras.layers.BatchNormalization(momentum=0.7))
        layers.append(keras.layers.Dropout(0.3))
    return keras.Sequential([*layers, *([keras.layers.Dense(outputs)] if outputs else [])])


def examples(seed=0, batch_size=8):
    random = np.random.default_rng(seed)
    batches = [training.draw_batches(30, batch_size, STEPS, each) for each in range(SEEDS)]
    return training.Examples(
        random.normal(size=(SEEDS, 30, 6)).astype(np.float32),
        random.integers(len(CLASSES), size=(SEEDS, 30)),
        np.stack(batches),
    )


def start(model):
    """Other weights for each seed: of both signs in kernels, and positive as variances are."""
    random = np.random.default_rng(1)
    least = {"kernel": -1.0}
    return [
        random.uniform(least.get(weight.name, 0.5), 1, (SEEDS, *weight.shape)).astype(np.float32)
        for weight in model.weights
    ]


def begin(model, weights, seed):
    """Give a Keras model one copy's weights, and its random generators that copy's numbers."""
    model.set_weights([weight[seed] for weight in weights])
    known = {id(weight) for weight in model.weights}
    generators = [each for each in model.variables if id(each) not in known]
    assert len(generators) == 2
    for position, generator in enumerate(generators):
        generator.assign([2 * seed + position, 0])


def plain_steps(model, given, seed):
    """Train as the article does: a Python loop around a gradient tape."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.SGD(RATE)
    for batch in given.batches[seed]:
        with tf.GradientTape() as tape:
            logits = model(given.features[seed][batch], training=True)
            value = loss(given.labels[seed][batch], logits)
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(value, variables), variables, strict=True))


def assert_equal_to(model, trained, seed, tolerance=1e-5):
    for ours, theirs in zip(trained, model.get_weights(), strict=True):
        np.testing.assert_allclose(ours[seed], theirs, atol=tolerance)


@pytest.mark.slow
def test_statistics_and_dropout_are_those_of_keras():
    model, given = network(3), examples()
    before = start(model)
    trained = training.train(model, before, [given], SGD)
    for seed in range(SEEDS):
        plain = network(3)
        begin(plain, before, seed)
        plain_steps(plain, given, seed)
        assert_equal_to(plain, trained, seed)
    for one, other in zip(trained, before, strict=True):
        assert np.abs(one - other).max() > 1e-3


@pytest.mark.slow
def test_what_is_frozen_stays_to_the_bit():
    """Keras: a frozen BatchNormalization uses its statistics and leaves them alone."""
    model, plain, given = network(3), network(3), examples()
    for each in (model, plain):
        for layer in each.layers[:2]:  # dense, BatchNormalization
            layer.trainable = False
    before = start(model)
    trained = training.train(model, before, [given], SGD)
    for one, other in zip(trained[:6], before[:6], strict=True):
        assert np.array_equal(one, other)
    begin(plain, before, 1)
    plain_steps(plain, given, 1)
    assert_equal_to(plain, trained, 1)


@pytest.mark.slow
def test_a_layer_frozen_between_two_trainings_is_frozen_in_the_second():
    model, given = network(3), examples()
    before = start(model)
    training.train(model, before, [given], SGD)
    model.layers[0].trainable = False
    trained = training.train(model, before, [given], SGD)
    assert np.array_equal(trained[0], before[0])


@pytest.mark.slow
def test_each_copy_drops_numbers_of_its_own_whatever_is_beside_it():
    model, given, before = network(3), examples(), start(network(3))
    same = [np.stack([weight[0]] * SEEDS) for weight in before]
    twice = training.Examples(
        np.stack([given.features[0]] * SEEDS),
        np.stack([given.labels[0]] * SEEDS),
        np.stack([given.batches[0]] * SEEDS),
    )
    together = training.train(model, same, [twice], SGD)
    assert np.abs(together[0][0] - together[0][1]).max() > 1e-3
    first = training.Examples(given.features[:1], given.labels[:1], given.batches[:1])
    alone = training.train(model, [weight[:1] for weight in same], [first], SGD)
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(one[0], other[0], atol=1e-6)


@pytest.mark.slow
def test_calls_go_on_with_the_state_of_the_call_before():
    model, given = network(3), examples()
    options = training.Options(optimizer="sgd", learning_rate=RATE, steps_per_call=2)
    at_once = training.train(model, start(model), [given], SGD)
    in_calls = training.train(model, start(model), [given], options)
    for one, other in zip(at_once, in_calls, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_a_prediction_drops_nothing_and_uses_the_statistics():
    model, plain = network(3), network(3)
    weights, inputs = start(model), examples().features[0]
    plain.set_weights([weight[1] for weight in weights])
    outputs = training.predict(model, weights, inputs)
    np.testing.assert_allclose(outputs[1], plain(inputs, training=False), atol=1e-4)


def joint(trunk):
    return simmim_lib.SimMIM(
        trunk, [simmim_lib.Task("first", CLASSES), simmim_lib.Task("second", CLASSES)]
    )


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fixed", "gradnorm", "mgda"])
def test_tasks_share_the_state(method):
    """One step of two tasks; looked at by their gradients, they go through the trunk in turn."""
    model, plain = joint(network()), joint(network())
    given = [examples(2), examples(3, batch_size=5)]
    given = [training.Examples(each.features, each.labels, each.batches[:, :1]) for each in given]
    before = start(model)
    options = training.Options(optimizer="sgd", learning_rate=RATE, weighting=method)
    trained = training.train(model, before, given, options)
    begin(plain, before, 1)
    inputs, labels = {}, {}
    for task, each in zip(plain.tasks, given, strict=True):
        batch = each.batches[1, 0]
        inputs[task.name], labels[task.name] = each.features[1][batch], each.labels[1][batch]
    for variable, slope in _plain_gradients(plain, method, inputs, labels):
        variable.assign_sub(RATE * slope)
    assert_equal_to(plain, trained, 1, tolerance=1e-4)


def _plain_gradients(plain, method, inputs, labels):
    """Return pairs of a variable and its gradient, by a tape and `weighting`."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    variables, zero = plain.trainable_variables, tf.UnconnectedGradients.ZERO
    groups = [{name} for name in inputs] if method == "mgda" else [set(inputs)]
    losses, by_task, norms = [], [], []
    for group in groups:
        with tf.GradientTape(persistent=True) as tape:
            logits = plain({name: inputs[name] for name in sorted(group)}, training=True)
            values = [loss(labels[name], logits[name]) for name in sorted(group)]
        losses += [float(value) for value in values]
        for name, value in zip(sorted(group), values, strict=True):
            tensors = [each.value for each in variables]
            slopes = tape.gradient(value, tensors, unconnected_gradients=zero)
            by_task.append([np.array(tf.convert_to_tensor(each)) for each in slopes])
            kernel = plain.weights[plain.kernel_position(name)]
            norms.append(np.linalg.norm(tape.gradient(value, logits[name]) @ tf.transpose(kernel)))
    shared = [
        plain.is_shared[[each is variable for each in plain.weights].index(True)]
        for variable in variables
    ]
    rows = np.stack(
        [
            np.concatenate([s.ravel() for s, common in zip(own, shared, strict=True) if common])
            for own in by_task
        ]
    )
    seen = {"fixed": None, "gradnorm": np.diag(np.square(norms)), "mgda": rows @ rows.T}[method]
    weights = weighting.create(method, 2, seed=1).weigh(losses, seen)
    heads_too = (1, 1) if method == "mgda" else weights
    for position, (variable, common) in enumerate(zip(variables, shared, strict=True)):
        scales = weights if common else heads_too
        yield variable, sum(w * own[position] for w, own in zip(scales, by_task, strict=True))


def test_several_devices_refuse_state_that_changes():
    model, given = network(3), examples()
    options = training.Options(strategy="mirrored")
    with pytest.raises(WorkbookError, match=r"several devices cannot share.*freeze these layers"):
        training.train(model, start(model), [given], options)


def test_several_devices_take_frozen_statistics():
    inputs = keras.Input((6,))
    normalised = keras.layers.BatchNormalization(trainable=False)
    model = keras.Model(inputs, keras.layers.Dense(3)(normalised(inputs)))
    given, before = examples(), start(model)
    mirrored = training.Options(optimizer="sgd", learning_rate=RATE, strategy="mirrored")
    trained = training.train(model, before, [given], mirrored)
    for one, other in zip(trained, training.train(model, before, [given], SGD), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_weights_are_split_and_joined_in_keras_s_order():
    model = network(3)
    model.layers[0].trainable = False
    copies, weights = Copies.of(model, SEEDS), start(model)
    values, state = copies.split(weights)
    assert len(values) == len(model.trainable_variables)
    assert len(state) == len(model.non_trainable_variables)
    for one, other in zip(copies.join(values, state), weights, strict=True):
        assert one is other


@pytest.mark.slow
def test_what_is_slow_takes_smaller_steps_whatever_stands_before_it():
    """Its place is that among all weights, statistics included, and not among the trained ones."""
    model, given = network(3), examples()
    one_step = training.Examples(given.features, given.labels, given.batches[:, :1])
    before = start(model)
    kernel = [weight.name for weight in model.weights].index("kernel", 1)
    assert kernel != [weight.name for weight in model.trainable_weights].index("kernel", 1)

    def moved(rate):
        options = replace(SGD, slow=(0, kernel), slow_rate=rate)
        after = training.train(model, before, [one_step], options)
        return [new - old for new, old in zip(after, before, strict=True)]

    whole = moved(1.0)
    for rate in (0.5, 0.25, 0.75):  # up and down: no rate stays from the training before
        for position, (step, of_all) in enumerate(zip(moved(rate), whole, strict=True)):
            factor = rate if position in (0, kernel) else 1
            np.testing.assert_allclose(step, factor * of_all, atol=1e-6)
    factors = {0: 0.5, kernel: 0.25}  # one for each
    for position, (step, of_all) in enumerate(zip(moved((0.5, 0.25)), whole, strict=True)):
        np.testing.assert_allclose(step, factors.get(position, 1) * of_all, atol=1e-6)


@pytest.mark.slow
def test_copies_trained_apart_draw_the_numbers_that_they_draw_together():
    model, given, before = network(3), examples(), start(network(3))
    together = training.train(model, before, [given], SGD)
    for seed in range(SEEDS):
        of_seed = [weight[[seed]] for weight in before]
        options = replace(SGD, first_seed=seed)
        apart = training.train(model, of_seed, [given.of_seeds([seed])], options)
        for one, other in zip(apart, together, strict=True):
            np.testing.assert_allclose(one[0], other[seed], atol=1e-6)


@pytest.mark.parametrize("frozen", [(), (0,), (1,), (0, 1)])
def test_one_layer_that_changes_its_statistics_is_enough_to_change_the_state(frozen):
    layers = [keras.layers.BatchNormalization(trainable=each not in frozen) for each in range(2)]
    model = keras.Sequential([keras.Input((6,)), *layers, keras.layers.Dense(3)])
    assert Copies.of(model, SEEDS).updates_state() == (len(frozen) < 2)
