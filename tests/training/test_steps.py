"""The compiled loop against Keras's own optimizers and layers, step by step."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import simmim_lib
from simmim_lib import training, trunks, weighting
from simmim_lib.errors import WorkbookError
from simmim_lib.experiments.network import build_architecture
from simmim_lib.foundation.progress import in_parts, progress_bar
from simmim_lib.settings import OPTIMIZERS, SCHEDULES
from simmim_lib.training import compiled, steps
from simmim_lib.training.optimizers import make_optimizer

DIGITS = tuple("0123456789")
SEEDS, EXAMPLES, STEPS, LEARNING_RATE = 3, 40, 25, 3e-3


@pytest.fixture(scope="module")
def problem():
    random = np.random.default_rng(0)
    images = random.random((SEEDS, EXAMPLES, 28, 28, 1), np.float32)
    labels = random.integers(10, size=(SEEDS, EXAMPLES)).astype(np.int32)
    batches = np.stack([training.draw_batches(EXAMPLES, 16, STEPS, s) for s in range(SEEDS)])
    return images, labels, batches


def start(model, seeds=SEEDS):
    by_seed = [trunks.fresh_weights(model, seed) for seed in range(seeds)]
    return [np.stack(weights) for weights in zip(*by_seed, strict=True)]


def compare(ours, theirs):
    """Equal up to rounding.

    Adam and RMSProp divide a gradient by its size, so where it is all but zero, rounding decides
    the direction: single weights may differ by a step or two, but not the weights on average.
    """
    for one, other in zip(ours, theirs, strict=True):
        assert np.abs(one - other).mean() < 0.02 * LEARNING_RATE


def plain_loop(network, optimizer, images, labels, batches):
    """Train as the article does: a Python loop around a gradient tape."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    for batch in batches:
        with tf.GradientTape() as tape:
            value = loss(labels[batch], network(images[batch], training=True))
        variables = network.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(value, variables), variables, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
def test_the_compiled_loop_makes_the_same_steps_as_a_plain_one(problem, optimizer):
    images, labels, batches = problem
    model = trunks.classifier(10)
    options = training.Options(optimizer=optimizer, learning_rate=LEARNING_RATE)
    trained = training.train(model, start(model), [training.Examples(*problem)], options)
    keras_optimizer = make_optimizer(optimizer)
    keras_optimizer.learning_rate = LEARNING_RATE
    network = trunks.add_head(trunks.build_trunk(), 10)
    network.set_weights(trunks.fresh_weights(model, 1))
    plain_loop(network, keras_optimizer, images[1], labels[1], batches[1])
    compare([weight[1] for weight in trained], network.get_weights())


def test_optimizers_are_what_their_names_say():
    """The loop above is compared with these: here they are compared with the words for them."""
    made = {name: make_optimizer(name) for name in OPTIMIZERS}
    classes = {name: type(optimizer).__name__ for name, optimizer in made.items()}
    assert classes == {
        **{"sgd": "SGD", "momentum": "SGD", "adam": "Adam", "adamw": "AdamW"},
        "rmsprop": "RMSprop",
    }
    settings = {name: optimizer.get_config() for name, optimizer in made.items()}
    assert (settings["sgd"]["momentum"], settings["momentum"]["momentum"]) == (0.0, 0.9)
    assert "momentum 0.9" in OPTIMIZERS["momentum"]
    decays = {name: each["weight_decay"] for name, each in settings.items()}
    assert decays == {**dict.fromkeys(OPTIMIZERS), "adamw": 0.004}
    assert not settings["momentum"]["nesterov"] and not settings["adam"]["amsgrad"]
    assert (settings["rmsprop"]["momentum"], settings["rmsprop"]["centered"]) == (0.0, False)
    assert "decay 0.004" in OPTIMIZERS["adamw"]


@pytest.mark.slow
@pytest.mark.parametrize("shared_heads", [False, True])
def test_joint_steps_are_those_of_the_weighted_sum(problem, shared_heads):
    """Against a gradient tape around the Keras model, with batches of different size."""
    images, labels, batches = problem
    tasks = (simmim_lib.Task("one", DIGITS), simmim_lib.Task("two", DIGITS))
    model = build_architecture(tasks, shared_heads).model
    turned = np.flip(images, axis=2).copy(), labels[:, ::-1].copy(), batches[:, :, :5]
    examples = [training.Examples(*problem), training.Examples(*turned)]
    options = training.Options(
        optimizer="sgd", learning_rate=LEARNING_RATE, task_weights=(1.0, 0.3)
    )
    trained = training.train(model, start(model), examples, options)
    plain = simmim_lib.SimMIM(trunks.build_trunk(), tasks, shared_heads)
    plain.set_weights(trunks.fresh_weights(model, 1))
    optimizer = keras.optimizers.SGD(LEARNING_RATE)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    for first, second in zip(batches[1], turned[2][1], strict=True):
        with tf.GradientTape() as tape:
            value = loss(labels[1][first], plain(images[1][first])["one"])
            value += 0.3 * loss(turned[1][1][second], plain(turned[0][1][second])["two"])
        gradients = tape.gradient(value, plain.trainable_variables)
        optimizer.apply_gradients(zip(gradients, plain.trainable_variables, strict=True))
    for one, other in zip(trained, plain.get_weights(), strict=True):
        np.testing.assert_allclose(one[1], other, atol=1e-5)


def _tape_gradients(model, examples, seed, step):
    """Return each task's gradients by Keras alone, a list of arrays for each task."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    losses, gradients, zero = [], [], tf.UnconnectedGradients.ZERO
    for task, own in zip(model.tasks, examples, strict=True):
        batch = own.batches[seed, step]
        with tf.GradientTape() as tape:
            value = loss(own.labels[seed][batch], model(own.features[seed][batch])[task.name])
        variables = [variable.value for variable in model.trainable_variables]
        found = tape.gradient(value, variables, unconnected_gradients=zero)
        losses.append(float(value))
        gradients.append([np.array(tf.convert_to_tensor(each)) for each in found])
    return np.array(losses), gradients


def _feature_norms(model, examples, seed, step):
    """Return the length of each task's gradient with respect to what its head sees, by Keras."""
    loss, norms = keras.losses.SparseCategoricalCrossentropy(from_logits=True), []
    for task, own in zip(model.tasks, examples, strict=True):
        batch = own.batches[seed, step]
        seen = tf.convert_to_tensor(model.features(own.features[seed][batch]))
        with tf.GradientTape() as tape:
            tape.watch(seen)
            value = loss(own.labels[seed][batch], model._head_of[task.name](seen))
        norms.append(np.linalg.norm(tape.gradient(value, seen)))
    return np.array(norms)


@pytest.mark.slow
@pytest.mark.parametrize(
    "method", ["gradnorm", "db-mtl", "mgda", "imtl-g", "aligned-mtl", "upgrad", "famo", "dwa"]
)
@pytest.mark.parametrize("shared_heads", [False, True])
def test_a_weighting_reaches_the_steps(problem, method, shared_heads):
    """Against gradients taken task by task from the Keras model, and `weighting` fed with them."""
    _, labels, batches = problem
    tasks = (simmim_lib.Task("one", DIGITS), simmim_lib.Task("two", DIGITS))
    model = build_architecture(tasks, shared_heads, 3).model
    random = np.random.default_rng(2)
    features = random.random((2, SEEDS, EXAMPLES, *model.input_shape[1:]), np.float32)
    turned = labels[:, ::-1].copy()
    steps = 4  # DWA needs three before it weighs anything
    examples = [
        training.Examples(features[0], labels, batches[:, :steps]),
        training.Examples(features[1], turned, batches[:, :steps, :5]),
    ]
    weights = start(model)
    options = training.Options(
        optimizer="sgd", learning_rate=0.1, task_weights=(1.0, 3.0), weighting=method
    )
    trained = training.train(model, weights, examples, options)
    plain = simmim_lib.SimMIM(model.trunk, tasks, shared_heads)
    plain.set_weights([weight[1] for weight in weights])
    weighting_of_seed = weighting.create(method, 2, seed=1)
    for step in range(steps):
        losses, gradients = _tape_gradients(plain, examples, 1, step)
        for gradient in gradients[1]:
            gradient *= 3.0
        norms = _feature_norms(plain, examples, 1, step) * (1, 3)
        common = [index for index, shared in enumerate(plain.is_shared) if shared]
        rows = np.stack([np.concatenate([own[i].ravel() for i in common]) for own in gradients])
        sees = weighting_of_seed.sees
        seen = {"losses": None, "norms": np.diag(norms**2), "gradients": rows @ rows.T}[sees]
        chosen = weighting_of_seed.weigh(losses * (1, 3), seen)
        # Heads of one task alone follow their task, where gradients are weighed and not losses.
        for index, variable in enumerate(plain.trainable_variables):
            scales = chosen if sees != "gradients" or index in common else (1, 1)
            total = sum(w * own[index] for w, own in zip(scales, gradients, strict=True))
            variable.assign_sub(0.1 * total)
    for one, other in zip(trained, plain.get_weights(), strict=True):
        np.testing.assert_allclose(one[1], other, atol=2e-4)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["famo", "gradnorm", "mgda"])
def test_a_weighting_is_told_losses_and_gradients_times_the_task_weights(
    problem, method, monkeypatch
):
    """Of the first step, in which tasks have unequally many examples."""
    _, labels, batches = problem
    tasks = (simmim_lib.Task("one", DIGITS), simmim_lib.Task("two", DIGITS))
    model = build_architecture(tasks, False, 3).model
    features = np.random.default_rng(2).random((SEEDS, EXAMPLES, *model.input_shape[1:]))
    examples = [
        training.Examples(features, labels, batches[:, :1]),
        training.Examples(features, labels[:, ::-1].copy(), batches[:, :1, :5]),
    ]
    told, create = [], weighting.create

    def note(*arguments, **options):
        made = create(*arguments, **options)
        weigh = made.weigh
        made.weigh = lambda *evidence: told.append(evidence) or weigh(*evidence)
        return made

    monkeypatch.setattr(weighting, "create", note)
    options = training.Options(optimizer="sgd", task_weights=(1.0, 3.0), weighting=method)
    training.train(model, start(model), examples, options)
    assert len(told) == SEEDS
    plain = simmim_lib.SimMIM(model.trunk, tasks, False)
    for seed, (losses, *gram) in enumerate(told):
        plain.set_weights([weight[seed] for weight in start(model)])
        expected, gradients = _tape_gradients(plain, examples, seed, 0)
        np.testing.assert_allclose(losses, expected * (1, 3), rtol=1e-4)
        if method == "gradnorm":
            norms = _feature_norms(plain, examples, seed, 0) * (1, 3)
            np.testing.assert_allclose(np.diag(gram[0]), norms**2, rtol=1e-3)
        elif method == "mgda":
            shared = [index for index, common in enumerate(plain.is_shared) if common]
            rows = [np.concatenate([own[i].ravel() for i in shared]) for own in gradients]
            rows = np.stack(rows) * [[1], [3]]
            np.testing.assert_allclose(gram[0], rows @ rows.T, rtol=1e-3)
        else:
            assert not gram


@pytest.mark.parametrize("method", ["gradnorm", "mgda"])
def test_nothing_shared_is_nothing_to_weigh(problem, method):
    _, labels, batches = problem
    tasks = (simmim_lib.Task("one", DIGITS), simmim_lib.Task("two", DIGITS))
    model = build_architecture(tasks, False, 4).model
    features = np.zeros((SEEDS, EXAMPLES, *model.input_shape[1:]), np.float32)
    examples = [training.Examples(features, labels, batches)] * 2
    with pytest.raises(WorkbookError, match="all of these are frozen: freeze fewer layers"):
        training.train(model, start(model), examples, training.Options(weighting=method))


@pytest.mark.slow
def test_a_loss_that_is_nan_stops_the_training(problem):
    images, labels, batches = problem
    tasks = (simmim_lib.Task("one", DIGITS), simmim_lib.Task("two", DIGITS))
    model = build_architecture(tasks).model
    broken = images.copy()
    late = np.setdiff1d(np.arange(EXAMPLES), batches[2, :2])[0]  # left out of the first pass
    broken[2, late] = np.inf
    first = 1 + np.argwhere((batches[2] == late).any(axis=1))[0, 0]
    assert first > 2
    examples = [training.Examples(images, labels, batches)]
    examples += [training.Examples(broken, labels, batches)]
    with pytest.raises(
        training.DivergedError, match=f"task 'two' became (inf|nan) in step {first} "
    ):
        training.train(model, start(model), examples)
    # The step is counted from the first one, however many a call takes, and the seed, too.
    one_by_one = training.Options(steps_per_call=1, first_seed=5)
    with pytest.raises(training.DivergedError, match=rf"in step {first} \(seed 7\)") as caught:
        training.train(model, start(model), examples, one_by_one)
    assert all(np.isfinite(weight).all() for weight in caught.value.weights)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["famo", "mgda"])
def test_a_weighting_is_not_asked_about_a_loss_that_is_nan(two_tasks, method):
    """It would refuse, in a graph's error that buries the sentence."""
    model, weights, (one, two) = two_tasks
    broken = training.Examples(np.full_like(two.features, np.nan), two.labels, two.batches)
    options = training.Options(optimizer="sgd", learning_rate=0.1, weighting=method)
    with pytest.raises(training.DivergedError, match=r"task 'two' became nan in step 1 \(seed 0\)"):
        training.train(model, weights, [one, broken], options)


def test_schedules_by_hand():
    def rates(schedule):
        return training.learning_rates(schedule, 0.5, 20)

    np.testing.assert_allclose(rates("constant"), 0.5)
    cosine = [0.25 * (1 + np.cos(np.pi * step / 20)) for step in range(20)]
    np.testing.assert_allclose(rates("cosine"), cosine)
    np.testing.assert_allclose(rates("warm-up")[:4], [0.5 / 3, 1 / 3, 0.5, 0.49620], rtol=1e-3)
    keras_cosine = keras.optimizers.schedules.CosineDecay(0.5, 20)
    np.testing.assert_allclose(rates("cosine"), [keras_cosine(step) for step in range(20)], 1e-5)
    for name in SCHEDULES:
        assert [len(training.learning_rates(name, 1.0, steps)) for steps in (1, 7)] == [1, 7]


@pytest.mark.slow
def test_the_schedule_reaches_the_optimizer(problem):
    """Plain gradient descent with a rate of zero stands still, from the step where it is zero."""
    model = trunks.classifier(10)
    rates = np.array([LEARNING_RATE] * 10 + [0.0] * 15)
    images, labels, batches = problem
    examples = [training.Examples(*problem)]
    options = training.Options(optimizer="sgd", learning_rate=rates)
    stopped = training.train(model, start(model), examples, options)
    ten_steps = [training.Examples(images, labels, batches[:, :10])]
    options = training.Options(optimizer="sgd", learning_rate=LEARNING_RATE)
    short = training.train(model, start(model), ten_steps, options)
    for one, other in zip(stopped, short, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.slow
def test_cached_features_change_nothing(problem):
    """The cached path against a whole network with its first layers frozen in Keras."""
    images, labels, batches = problem
    network = trunks.add_head(trunks.build_trunk(), 10)
    front, back = keras.Sequential(network.layers[:2]), trunks.classifier(10, 2)
    weights = trunks.fresh_weights(network, 0)
    network.set_weights(weights)
    features = np.stack([front(own).numpy() for own in images])
    initial = [np.stack([weight] * SEEDS) for weight in weights[len(front.weights) :]]
    options = training.Options(learning_rate=LEARNING_RATE)
    cached = training.train(back, initial, [training.Examples(features, labels, batches)], options)
    for layer in network.layers[:2]:
        layer.trainable = False
    plain_loop(network, keras.optimizers.Adam(LEARNING_RATE), images[2], labels[2], batches[2])
    for frozen, before in zip(network.get_weights()[:4], weights[:4], strict=True):
        assert np.array_equal(frozen, before)
    compare([weight[2] for weight in cached], network.get_weights()[4:])


@pytest.mark.slow
def test_seeds_do_not_touch_each_other(problem):
    back = trunks.classifier(10, 3)
    _images, labels, batches = problem
    random = np.random.default_rng(1)
    features = random.random((SEEDS, EXAMPLES, *back.input_shape[1:]), np.float32)
    together = training.train(back, start(back), [training.Examples(features, labels, batches)])
    for seed in range(SEEDS):
        only = slice(seed, seed + 1)
        initial = [weight[only] for weight in start(back)]
        examples = [training.Examples(features[only], labels[only], batches[only])]
        alone = training.train(back, initial, examples)
        for one, all_ in zip(alone, together, strict=True):
            np.testing.assert_allclose(one[0], all_[seed], atol=1e-5)


@pytest.fixture(scope="module")
def two_tasks():
    """A model of two tasks with a small trunk, and examples for two seeds that do not differ."""
    tasks = (simmim_lib.Task("one", DIGITS), simmim_lib.Task("two", DIGITS))
    model = build_architecture(tasks, False, 3).model
    random = np.random.default_rng(0)
    features = np.stack([random.random((20, *model.input_shape[1:]), np.float32)] * 2)
    labels = np.stack([random.integers(10, size=20).astype(np.int32)] * 2)
    batches = np.stack([training.draw_batches(20, 8, 3, 0)] * 2)
    examples = [
        training.Examples(features, labels, batches),
        training.Examples(features, labels[:, ::-1].copy(), batches),
    ]
    weights = [np.stack([weight] * 2) for weight in trunks.fresh_weights(model, 0)]
    return model, weights, examples


@pytest.mark.slow
@pytest.mark.parametrize(("method", "differs"), [("random", True), ("fixed", False)])
def test_each_seed_s_weighting_draws_its_own_chances(two_tasks, method, differs):
    """The two seeds begin alike and see the same: only what is drawn tells them apart."""
    options = training.Options(optimizer="sgd", learning_rate=0.1, weighting=method)
    trained = training.train(*two_tasks, options)
    apart = max(np.abs(weight[0] - weight[1]).max() for weight in trained)
    assert apart > 1e-4 if differs else apart < 1e-6


def test_task_weights_of_one_run_do_not_reach_the_next(two_tasks):
    def last(task_weights):
        options = training.Options(optimizer="sgd", learning_rate=0.1, task_weights=task_weights)
        return training.train(*two_tasks, options)

    first, other, second = last((1.0, 1.0)), last((1.0, 0.0)), last(None)
    assert any(np.abs(one - two).max() > 1e-4 for one, two in zip(first, other, strict=True))
    for one, two in zip(first, second, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-6)


@pytest.mark.slow
def test_a_loop_of_another_kind_is_not_taken(two_tasks):
    """What was compiled for one loss, optimizer or weighting does not serve another."""
    nothing = {"loss": lambda labels, logits: 0.0 * logits[..., 0]}
    ways = [nothing, {}, {"optimizer": "adam"}, {"weighting": "mgda"}]
    trained = [
        training.train(
            *two_tasks, training.Options(**{"optimizer": "sgd", "learning_rate": 0.1, **way})
        )
        for way in ways
    ]
    for one, two in zip(trained[0], two_tasks[1], strict=True):
        np.testing.assert_array_equal(one, two)
    for first, second in itertools.combinations(trained, 2):
        assert any(np.abs(one - two).max() > 1e-4 for one, two in zip(first, second, strict=True))


def test_a_weighting_s_memory_of_one_run_does_not_reach_the_next(two_tasks):
    def last():
        options = training.Options(optimizer="sgd", learning_rate=0.1, weighting="famo")
        return training.train(*two_tasks, options)

    for one, two in zip(last(), last(), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-6)


@pytest.mark.slow
def test_a_second_run_begins_anew(problem):
    """The optimizer's memory of one run must not leak into the next."""
    back = trunks.classifier(10, 3)
    _, labels, batches = problem
    features = np.random.default_rng(1).random((SEEDS, EXAMPLES, 1024), np.float32)
    features = features.reshape(SEEDS, EXAMPLES, *back.input_shape[1:])
    examples = [training.Examples(features, labels, batches)]
    first = training.train(back, start(back), examples)
    second = training.train(back, start(back), examples)
    for one, two in zip(first, second, strict=True):
        assert np.array_equal(one, two)


@pytest.mark.slow
def test_nothing_is_compiled_twice(problem, monkeypatch):
    images, labels, batches = problem
    model = trunks.classifier(10)
    training.train(model, start(model), [training.Examples(*problem)])
    monkeypatch.setattr(compiled, "Loop", None)  # so that a new one cannot be made
    fewer = training.Examples(images[:, :7], labels[:, :7], batches[:, :3, :5] % 7)
    training.train(model, start(model), [fewer])
    one_seed = training.Examples(images[:1], labels[:1], batches[:1])
    with pytest.raises(TypeError):  # which is another loop
        training.train(model, start(model, 1), [one_seed])


@pytest.mark.slow
def test_two_trainings_at_once_do_not_mix(problem):
    """As two panels in their threads: the same model, optimizer and loss, other data."""
    model = trunks.classifier(10, 3)
    _, labels, batches = problem
    random = np.random.default_rng(1)
    features = random.random((2, SEEDS, EXAMPLES, *model.input_shape[1:]), np.float32)
    examples = [[training.Examples(own, labels, batches)] for own in features]
    alone = [training.train(model, start(model), own) for own in examples]
    pair = [training.step_by_step(model, start(model), own) for own in examples]
    for together in zip(*pair, strict=True):
        last = together
    for one, other in zip(alone, last, strict=True):
        for expected, found in zip(one, other, strict=True):
            assert np.array_equal(expected, found)


@pytest.mark.slow
def test_what_is_idle_is_bounded(problem, monkeypatch):
    monkeypatch.setattr(compiled, "MAX_IDLE", 1)
    monkeypatch.setattr(compiled, "_idle", {})
    model = trunks.classifier(10, 3)
    _, labels, batches = problem
    features = np.zeros((SEEDS, EXAMPLES, *model.input_shape[1:]), np.float32)
    for optimizer in ("sgd", "adam"):
        examples = [training.Examples(features, labels, batches)]
        training.train(model, start(model), examples, training.Options(optimizer=optimizer))
    assert [key.optimizer for key in compiled._idle] == ["adam"]  # the one that was used last


def test_predict_is_the_model_s_own_output():
    model = trunks.classifier(10)
    images = np.random.default_rng(0).random((2300, 28, 28, 1), np.float32)
    outputs = training.predict(model, start(model, 2), images)
    assert outputs.shape == (2, 2300, 10)
    network = trunks.add_head(trunks.build_trunk(), 10)
    network.set_weights(trunks.fresh_weights(model, 1))
    np.testing.assert_allclose(outputs[1], network(images), atol=1e-5)


@pytest.mark.parametrize(
    ("numbers", "at_once"), [(1, 1000), (800, 1000), (801, 998), (27_648, 28), (1_000_000, 16)]
)
def test_large_inputs_are_computed_in_small_groups(numbers, at_once):
    assert steps._images_per_call(numbers) == at_once


def test_a_prediction_tells_how_many_inputs_are_done():
    model, told = trunks.classifier(10), []
    images = np.zeros((2300, 28, 28, 1), np.float32)
    training.predict(model, start(model, 1), images, progress=lambda *now: told.append(now))
    assert told == [(1000, 2300), (2000, 2300), (2300, 2300)]


def test_the_plan_says_what_every_step_sees():
    random = np.random.default_rng(0)
    batches = random.integers(20, size=(2, 2, 7, 4))  # for two tasks, two seeds
    more = training.Unlabelled(np.zeros((9, 3)), random.integers(9, size=(2, 7, 5)), np.ones(1))
    examples = [
        training.Examples(np.zeros((2, 20, 3)), np.zeros((2, 20)), of_task, more)
        for of_task in batches
    ]
    rates = np.arange(7) / 10
    calls = training.plan(examples, training.Options(learning_rate=rates, steps_per_call=3))
    assert [(call.first, call.done) for call in calls] == [(0, 3), (3, 6), (6, 7)]
    planned = np.concatenate([call.learning_rates for call in calls])
    np.testing.assert_allclose(planned, rates, rtol=1e-6)
    for task in range(2):
        chosen = [call.chosen[task] for call in calls]
        seen = np.concatenate([each["batches"] for each in chosen], axis=1)
        assert np.array_equal(seen, batches[task])
        seen = np.concatenate([each["unlabelled_batches"] for each in chosen], axis=1)
        assert np.array_equal(seen, more.batches)


def test_batches_see_every_example_equally_often():
    batches = training.draw_batches(10, 4, 7, seed=0)
    assert batches.shape == (7, 4)
    for i in range(0, 6, 2):  # two batches make a pass, two examples are left out of each
        assert len(np.unique(batches[i : i + 2])) == 8
    assert training.draw_batches(3, 32, 5, seed=0).shape == (5, 3)
    assert not np.array_equal(batches, training.draw_batches(10, 4, 7, seed=1))


def test_every_pass_has_an_order_of_its_own():
    batches = training.draw_batches(40, 10, 8, seed=0)
    first, second = batches[:4].ravel(), batches[4:].ravel()
    assert sorted(first) == sorted(second) == list(range(40))
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, np.arange(40))


def test_fewer_steps_see_the_first_batches_of_more():
    many, few = (training.draw_batches(40, 10, steps, seed=3) for steps in (9, 5))
    np.testing.assert_array_equal(many[:5], few)


@pytest.mark.slow
def test_progress_is_told_and_can_end_the_training(problem):
    model = trunks.classifier(10)
    examples, told = [training.Examples(*problem)], []
    training.train(model, start(model), examples, progress=lambda *now: told.append(now))
    assert told == [(20, 25), (25, 25)]

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.train(model, start(model), examples, progress=stop)
    again = training.train(model, start(model), examples)
    assert all(np.isfinite(weight).all() for weight in again)


def test_parts_share_one_progress():
    told = []
    next_part = in_parts(lambda *now: told.append(now), 2)
    next_part()(5, 10)
    next_part()(10, 10)
    assert told == [(5, 20), (20, 20)]


def test_the_bar_goes_away(capsys):
    with progress_bar("Working") as progress:
        progress(1, 2)
        progress(2, 2)
    assert "Working" not in capsys.readouterr().out


KINDS = {"classification": DIGITS[:3], "multi-label": ("a", "b"), "regression": ("x", "y")}


@pytest.mark.parametrize("kind", KINDS)
def test_a_label_counts_where_its_example_is_in_a_batch(kind):
    """Whatever stands elsewhere is harmless; a missing one that counts is named."""
    task = simmim_lib.Task("one", KINDS[kind], kind)
    random, columns = np.random.default_rng(0), () if kind == "classification" else (2,)
    given = random.integers(2, size=(2, 4, *columns)).astype(float)
    given[0, 3] = given[1, 0] = np.nan
    batches = np.array([[[0, 1], [2, 0]], [[3, 1], [1, 2]]])
    examples = training.Examples(np.zeros((2, 4, 8)), given, batches)
    found = steps._labels(task, examples)
    np.testing.assert_array_equal(found, np.nan_to_num(given))
    seen = training.Examples(np.zeros((2, 4, 8)), given, batches[::-1])
    with pytest.raises(WorkbookError, match="labels of task 'one' are missing"):
        steps._labels(task, seen)


def test_labels_that_cannot_be_meant_are_refused_before_a_step(problem):
    images, labels, batches = problem
    model = trunks.classifier(10)
    for wrong, words in ((labels + 1, "are 1, 2, 3, 4, …, 10, but"), (labels - 1, "are -1, 0, ")):
        with pytest.raises(WorkbookError, match=words):
            training.train(model, start(model), [training.Examples(images, wrong, batches)])
