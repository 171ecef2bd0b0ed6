"""Private training: single gradients, clipped sums, batches and noise are what they must be."""

import subprocess

import keras
import numpy as np
import pytest
from processes import python_with

from simmim_lib.errors import WorkbookError
from simmim_lib.privacy.steps import PrivateRecipe, PrivateTraining, draw_poisson
from simmim_lib.simmim import SimMIM, Task

CLASSES = ("a", "b", "c")
USUAL = {"noise_multiplier": 1, "batch_size": 1, "epochs": 1, "learning_rate": 1}


def network(*layers: keras.layers.Layer, inputs: int = 5) -> SimMIM:
    keras.utils.set_random_seed(0)
    trunk = keras.Sequential([keras.Input((inputs,)), *layers])
    return SimMIM(trunk, [Task("one", CLASSES), Task("two", CLASSES)])


@pytest.fixture
def model() -> SimMIM:
    return network(keras.layers.Dense(4, activation="tanh"))


@pytest.fixture
def examples() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    inputs = random.normal(size=(12, 5)).astype(np.float32)
    return inputs, random.integers(3, size=12).astype(np.int32)


def learning(model: SimMIM) -> list[np.ndarray]:
    """Return the weights that the task "one" changes."""
    return [each.numpy() for each in model.variables_of("one")]


def one_by_one(model: SimMIM, inputs: np.ndarray, labels: np.ndarray) -> list[np.ndarray]:
    """Return each example's gradient from a batch of its own."""
    import tensorflow as tf

    found = []
    for image, label in zip(inputs, labels, strict=True):
        with tf.GradientTape() as tape:
            logits = model(image[None])["one"]
            loss = keras.losses.sparse_categorical_crossentropy(
                label[None], logits, from_logits=True
            )
        found.append(tape.gradient(loss, [each.value for each in model.variables_of("one")]))
    return [np.stack(each) for each in zip(*found, strict=True)]


def lengths(gradients: list[np.ndarray]) -> np.ndarray:
    return np.sqrt(sum(np.square(each.reshape(len(each), -1)).sum(axis=1) for each in gradients))


def test_each_gradient_is_that_of_a_batch_of_its_own(model, examples):
    found = PrivateTraining(model, "one").gradients(*examples)
    for ours, known in zip(found, one_by_one(model, *examples), strict=True):
        np.testing.assert_allclose(ours, known, atol=1e-5)


@pytest.mark.parametrize("clip", [0.2, 1.5, 100.0])
def test_long_gradients_are_shortened_and_short_ones_are_not(model, examples, clip):
    known = one_by_one(model, *examples)
    factors = np.minimum(1, clip / lengths(known))
    assert (factors == 1).any() or clip == 0.2
    found = PrivateTraining(model, "one").clipped_sum(*examples, clip=clip)
    for ours, each in zip(found, known, strict=True):
        expected = np.tensordot(factors, each, axes=1)
        np.testing.assert_allclose(ours, expected, atol=1e-5)


def test_views_of_an_example_count_once(model, examples):
    """The mean of their gradients is clipped as a whole; of equal views it is that of one."""
    inputs, labels = examples
    views = np.stack([inputs, inputs[::-1]], axis=1)
    training = PrivateTraining(model, "one")
    of_views = [
        (one + other) / 2
        for one, other in zip(
            one_by_one(model, views[:, 0], labels),
            one_by_one(model, views[:, 1], labels),
            strict=True,
        )
    ]
    factors = np.minimum(1, 0.4 / lengths(of_views))
    assert (factors < 1).any()
    for ours, each in zip(training.clipped_sum(views, labels, 0.4), of_views, strict=True):
        np.testing.assert_allclose(ours, np.tensordot(factors, each, axes=1), atol=1e-5)
    start, found = model.get_weights(), []
    for given in (inputs, np.repeat(inputs[:, None], 3, axis=1)):
        model.set_weights(start)
        training.train(given, labels, PrivateRecipe(0.5, 12, 2, 0.5, clip=0.3), seed=1)
        found.append(model.get_weights())
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_an_example_whose_gradient_is_not_finite_counts_as_zero(examples):
    """The exponential of a hundred thousand is infinite, and its cross-entropy is no number."""
    model = network(keras.layers.Dense(4, activation="exponential"))
    inputs, labels = examples
    known = PrivateTraining(model, "one").clipped_sum(inputs[1:], labels[1:], 0.3)
    bad = inputs.copy()
    bad[0] = 1e5
    training = PrivateTraining(model, "one")
    assert not np.isfinite(training.gradients(bad, labels)[0][0]).all()
    for ours, each in zip(training.clipped_sum(bad, labels, 0.3), known, strict=True):
        np.testing.assert_allclose(ours, each, atol=1e-6)
    training.train(bad, labels, PrivateRecipe(0.0, 12, 1, 0.5, clip=0.3))
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


WITH_JAX_PRIVACY = """
import sys

import jax
import jax.numpy as jnp
import numpy as np
from jax_privacy.clipping import clipped_grad

given = np.load(sys.argv[1])


def loss(weights, inputs, label):
    below, shift, head, bias = weights
    logits = jnp.tanh(inputs @ below + shift) @ head + bias
    return -jax.nn.log_softmax(logits)[label]


weights = [jnp.asarray(given[name]) for name in ("below", "shift", "head", "bias")]
for number, clip in enumerate(given["clips"]):
    clipped = clipped_grad(
        loss, l2_clip_norm=float(clip), batch_argnums=(1, 2), keep_batch_dim=False
    )
    sums = clipped(weights, given["inputs"], given["labels"])
    np.savez(sys.argv[2 + number], *map(np.asarray, sums))
"""


@pytest.mark.slow
def test_clipped_sums_are_those_of_jax_privacy(model, examples, tmp_path):
    """JAX beside TensorFlow in one process would set up the processor twice: it has its own.

    jax-privacy is in no extra: it asks for versions of attrs and absl-py below the tested ones.
    """
    python, clips = python_with("jax_privacy"), (0.2, 1.5, 100.0)
    inputs, labels = examples
    weights = dict(zip(("below", "shift", "head", "bias"), model.get_weights()[:4], strict=True))
    given = tmp_path / "given.npz"
    np.savez(given, inputs=inputs, labels=labels, clips=clips, **weights)
    files = [tmp_path / f"{clip}.npz" for clip in clips]
    subprocess.run([python, "-c", WITH_JAX_PRIVACY, given, *files], check=True, timeout=300)
    training = PrivateTraining(model, "one")
    for clip, file in zip(clips, files, strict=True):
        found = training.clipped_sum(inputs, labels, clip)
        assert len(found) == 4  # without the other head
        with np.load(file) as known:
            for position, ours in enumerate(found):
                np.testing.assert_allclose(ours, known[f"arr_{position}"], atol=1e-5)


def test_without_noise_a_step_goes_down_by_the_clipped_sum_over_the_expected_size(model, examples):
    """All are drawn, since the chance is 1."""
    start = learning(model)
    training = PrivateTraining(model, "one")
    sums = training.clipped_sum(*examples, clip=0.3)
    training.train(*examples, PrivateRecipe(0.0, 12, 1, 0.5, clip=0.3))
    for before, after, total in zip(start, learning(model), sums, strict=True):
        np.testing.assert_allclose(after, before - 0.5 * total / 12, atol=1e-6)


def test_the_noise_has_the_length_of_the_clip_times_its_multiplier(model, examples):
    """Of labels that cannot be wrong nothing is left but noise: its spread is known."""
    start = np.concatenate([each.ravel() for each in model.get_weights()])
    training, moves = PrivateTraining(model, "one"), []
    for seed in range(40):
        model.set_weights(_like(model, start))
        training.train(*examples, PrivateRecipe(1e4, 12, 1, 1e-3, clip=0.7), seed)
        moved = np.concatenate([each.ravel() for each in model.get_weights()]) - start
        others = sum(each.numpy().size for each in model.head_of("two").variables)
        assert not moved[-others:].any()  # what learns nothing is not blurred either
        moves.append(moved[:-others])
    spread = np.std(moves)
    assert spread == pytest.approx(1e-3 * 1e4 * 0.7 / 12, rel=0.05)
    assert abs(np.mean(moves)) < spread / 10
    correlation = np.corrcoef(np.transpose(moves))
    assert np.abs(correlation[~np.eye(len(correlation), dtype=bool)]).max() < 0.75


def _like(model: SimMIM, flat: np.ndarray) -> list[np.ndarray]:
    parts, start = [], 0
    for each in model.get_weights():
        parts.append(flat[start : start + each.size].reshape(each.shape))
        start += each.size
    return parts


def test_every_step_has_noise_of_its_own(model, examples):
    training = PrivateTraining(model, "one")
    start = model.get_weights()
    training.train(*examples, PrivateRecipe(1e4, 12, 1, 1e-3))
    first = [after - before for before, after in zip(start, model.get_weights(), strict=True)]
    model.set_weights(start)
    training.train(*examples, PrivateRecipe(1e4, 12, 4, 1e-3))
    four = [after - before for before, after in zip(start, model.get_weights(), strict=True)]
    ratio = np.std(np.concatenate([each.ravel() for each in four])) / np.std(
        np.concatenate([each.ravel() for each in first])
    )
    assert 1.4 < ratio < 2.8  # 2, if the noises are independent; 4, if they are the same


def test_batches_are_drawn_by_chance():
    batches = draw_poisson(1000, 100, 200, seed=0)
    sizes = (batches >= 0).sum(axis=1)
    assert sizes.mean() == pytest.approx(100, rel=0.03)
    assert sizes.std() == pytest.approx(np.sqrt(1000 * 0.1 * 0.9), rel=0.15)
    counts = np.bincount(batches[batches >= 0], minlength=1000)
    assert counts.std() == pytest.approx(np.sqrt(200 * 0.1 * 0.9), rel=0.15)
    assert all(len({*row[row >= 0]}) == (row >= 0).sum() for row in batches)
    assert not np.array_equal(batches[0], draw_poisson(1000, 100, 1, seed=1)[0])


def test_empty_batches_are_steps_of_noise_alone(model, examples):
    batches = draw_poisson(12, 1, 50, seed=0)
    assert ((batches >= 0).sum(axis=1) == 0).any()
    start = model.get_weights()
    PrivateTraining(model, "one").train(*examples, PrivateRecipe(0.5, 1, 4, 1e-3))
    assert not np.array_equal(start[0], model.get_weights()[0])


@pytest.mark.slow
def test_more_examples_than_fit_in_memory_at_once_are_added_up(model, examples):
    start, found = model.get_weights(), []
    for together in (256, 5):
        model.set_weights(start)
        training = PrivateTraining(model, "one", microbatch_size=together)
        training.train(*examples, PrivateRecipe(0.0, 12, 2, 0.5, clip=0.3))
        found.append(model.get_weights())
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_layers_that_mix_examples_are_refused_until_they_are_frozen():
    mixing = network(keras.layers.BatchNormalization(name="mixer"), keras.layers.Dense(2))
    with pytest.raises(WorkbookError, match=r"'mixer' normalises each example with the others"):
        PrivateTraining(mixing, "one")
    mixing.trunk.get_layer("mixer").trainable = False
    PrivateTraining(mixing, "one")


class Hidden(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.inner = keras.layers.BatchNormalization(name="mixer")

    def call(self, inputs):
        return self.inner(inputs)


@pytest.mark.parametrize(
    "layers",
    [
        lambda: [Hidden()],
        lambda: [
            keras.layers.Reshape((5, 1)),
            keras.layers.TimeDistributed(keras.layers.BatchNormalization(name="mixer")),
            keras.layers.Flatten(),
        ],
    ],
    ids=["a layer of one's own", "a wrapper"],
)
def test_layers_that_mix_examples_are_found_inside_others(layers):
    with pytest.raises(WorkbookError, match="'mixer' normalises"):
        PrivateTraining(network(*layers()), "one")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda x, y: (np.where(np.arange(12)[:, None] == 3, np.nan, x), y), "1 of 12 inputs hold"),
        (lambda x, y: (np.where(x > 1, np.inf, x), y), "NaN or infinite"),
        (lambda x, y: (x.astype(str), y), "must be numbers"),
        (lambda x, y: (x[:0], y[:0]), "examples is 0"),
        (lambda x, y: (x, y[:5]), "There are 12 inputs, but 5 labels"),
        (lambda x, y: (x, y + 5), "class numbers from 0 to 2"),
        (lambda x, y: (x, np.full(12, np.nan)), "missing"),
    ],
)
def test_examples_that_cannot_be_learned_from_are_refused(model, examples, change, told):
    start = model.get_weights()
    with pytest.raises(WorkbookError, match=told):
        PrivateTraining(model, "one").train(*change(*examples), PrivateRecipe(1.0, 12, 1, 0.1))
    for before, after in zip(start, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_names_of_classes_are_labels_too(model, examples):
    inputs, labels = examples
    training = PrivateTraining(model, "one")
    known = training.clipped_sum(inputs, labels, 1.0)
    named = training.clipped_sum(inputs, np.array(CLASSES)[labels], 1.0)
    for ours, each in zip(named, known, strict=True):
        np.testing.assert_array_equal(ours, each)


def test_what_cannot_be_meant_is_refused(model, examples):
    with pytest.raises(WorkbookError, match="task"):
        PrivateTraining(model, "three")
    with pytest.raises(WorkbookError, match="microbatch_size is 0"):
        PrivateTraining(model, "one", microbatch_size=0)
    with pytest.raises(WorkbookError, match="clip is -1"):
        PrivateTraining(model, "one").clipped_sum(*examples, clip=-1)
    with pytest.raises(WorkbookError, match="seed is -1"):
        PrivateTraining(model, "one").train(*examples, PrivateRecipe(1.0, 12, 1, 0.1), seed=-1)
    for bad in ({"examples": 0}, {"steps": 0}, {"seed": 0.5}):
        with pytest.raises(WorkbookError, match=next(iter(bad))):
            draw_poisson(**{"examples": 9, "batch_size": 1, "steps": 1, "seed": 0, **bad})
    with pytest.raises(WorkbookError, match="batch_size is 13, but must be a whole number from 1"):
        PrivateTraining(model, "one").train(*examples, PrivateRecipe(1.0, 13, 1, 0.1))
    for change in ({"noise_multiplier": -1}, {"clip": 0}, {"learning_rate": 0}, {"epochs": -1}):
        with pytest.raises(WorkbookError, match=next(iter(change))):
            PrivateRecipe(
                **{
                    "noise_multiplier": 1,
                    "batch_size": 1,
                    "epochs": 1,
                    "learning_rate": 1,
                    **change,
                }
            )
