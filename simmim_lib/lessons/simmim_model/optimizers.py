"""Optimizers compared: from the same start, on the same images and batches; the article's claim."""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib import datasets, experiments, training, trunks
from simmim_lib.errors import WorkbookError, check_choice, check_positive, check_whole, shown
from simmim_lib.experiments.features import frozen_features
from simmim_lib.experiments.pretraining import pretrained
from simmim_lib.foundation.intervals import Difference, difference
from simmim_lib.foundation.progress import Progress, in_parts
from simmim_lib.lessons.simmim_model import studies
from simmim_lib.lessons.simmim_model.loss_slice import Plane, slice_along
from simmim_lib.settings import OPTIMIZERS, SCHEDULES, Settings
from simmim_lib.studies import stored
from simmim_lib.training import objective
from simmim_lib.trunks import Weights

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

SOURCE, TARGET = "glyphs", "mnist"
FROZEN_LAYERS = 3
"""The three convolutions stay as the source left them: what is trained are the dense layer and the
head, 132,490 numbers, on features that are computed once. That takes a second, not a minute."""

STEPS_PER_LOOK = 5

MAX_VALIDATION_IMAGES = 200
"""Validation images of each seed that the networks are measured on while they learn."""

RATES = studies.OPTIMIZER_RATES
"""The learning rates among which every optimizer's best is looked for."""


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What is compared, and how: a pre-trained network that learns from few labelled digits.

    Attributes:
        optimizers: names of `settings.OPTIMIZERS`.
        learning_rate: the same for all; None gives each its own best, see `best_rate`.
        schedule: a name of `settings.SCHEDULES`; the learning rate is the schedule's largest.
        labels_per_class: training images of each digit.
        steps: training steps, each on a batch of at most 32 images.
        seeds: repetitions with other images, batches and heads.

    Raises:
        WorkbookError: a value that is not allowed, with what is allowed.
    """

    optimizers: tuple[str, ...] = tuple(OPTIMIZERS)
    learning_rate: float | None = None
    schedule: str = "constant"
    labels_per_class: int = 20
    steps: int = 120
    seeds: int = 3

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        names = self.optimizers
        if not names or isinstance(names, str) or len(set(names)) < len(names):
            raise WorkbookError(
                f"optimizers is {shown(names)}: choose at least one of {', '.join(OPTIMIZERS)}, "
                "and each at most once, like ('sgd', 'adam')."
            )
        for name in names:
            check_choice("optimizer", name, OPTIMIZERS)
        if self.learning_rate is not None:
            check_positive("learning_rate", self.learning_rate)
        check_choice("schedule", self.schedule, SCHEDULES)
        for what in ("labels_per_class", "steps", "seeds"):
            check_whole(what, getattr(self, what), least=1)

    def rate(self, optimizer: str) -> float:
        """Return the largest learning rate that an optimizer gets."""
        return self.learning_rate or best_rate(optimizer, self.schedule)

    def as_code(self) -> str:
        """Return the line of Python that repeats this comparison."""
        return f"optimizers.compare(optimizers.{self!r})"


@dataclass(frozen=True, eq=False)
class Comparison:
    """How optimizers learnt; O optimizers, S seeds, K looks at the networks.

    Attributes:
        setup: what was asked for.
        rates: the (largest) learning rate of each optimizer, shape (O,).
        steps: training steps done at each look, shape (K,); the first is 0.
        loss: mean over all training images of the seed in nats, shape (O, S, K); infinite or NaN
            where training diverged.
        accuracy: share of `MAX_VALIDATION_IMAGES` validation images of the seed classified
            correctly, shape (O, S, K).
        plane: a slice of the first seed's loss, with the paths.
    """

    setup: Setup
    rates: np.ndarray
    steps: np.ndarray
    loss: np.ndarray
    accuracy: np.ndarray
    plane: Plane


def compare(setup: Setup, progress: Progress | None = None) -> Comparison:
    """Train with each optimizer, measure every five steps, and slice the loss along the paths.

    Args:
        setup: what is compared, and how.
        progress: called after every look and every row of the slice; what it raises ends the
            comparison.

    Raises:
        WorkbookError: too few training images for the setup.
    """
    parts = in_parts(progress or (lambda done, total: None), len(setup.optimizers) + 1)
    problem = _pose(setup)
    steps = np.append(np.arange(0, setup.steps, STEPS_PER_LOOK), setup.steps)
    loss = np.empty((len(setup.optimizers), setup.seeds, len(steps)), np.float32)
    accuracy = np.empty_like(loss)
    paths = np.empty((len(setup.optimizers), len(steps), _network().count_params()), np.float32)
    for row, optimizer in enumerate(setup.optimizers):
        networks = _descend(setup, problem, optimizer, parts())
        for look, weights in zip(range(len(steps)), networks, strict=True):
            loss[row, :, look], _ = problem.training.measure(weights)
            _, accuracy[row, :, look] = problem.validation.measure(weights)
            paths[row, look] = np.concatenate([np.ravel(weight[0]) for weight in weights])
    return Comparison(
        setup,
        rates=np.array([setup.rate(name) for name in setup.optimizers]),
        steps=steps,
        loss=loss,
        accuracy=accuracy,
        plane=slice_along(paths, loss[:, 0], problem.training.loss_on_first, parts()),
    )


@dataclass(frozen=True, eq=False)
class _Images:
    """Features (seeds, n, ...) and labels (seeds, n) to measure each seed's network on."""

    features: "tf.Tensor"
    labels: "tf.Tensor"

    def measure(self, weights: Weights) -> tuple[np.ndarray, np.ndarray]:
        """Return each network's mean loss and accuracy, both (seeds,)."""
        return self._measure(weights, np.arange(len(self.labels), dtype=np.int32))

    def loss_on_first(self, rows: np.ndarray) -> np.ndarray:
        """Return the mean loss of n networks on the first seed's images, (n, P) to (n,)."""
        loss, _ = self._measure(_as_weights(rows), np.zeros(len(rows), np.int32))
        return loss

    def _measure(self, weights: Weights, seeds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        loss, accuracy = _measurement()(weights, self.features, self.labels, seeds)
        return loss.numpy(), accuracy.numpy()


@dataclass(frozen=True, eq=False)
class _Problem:
    """What all optimizers begin with and learn from; all arrays have a leading axis of seeds."""

    start: Weights
    training: _Images
    validation: _Images
    batches: np.ndarray


def _pose(setup: Setup) -> _Problem:
    import tensorflow as tf

    settings = Settings(
        source=SOURCE,
        targets=(TARGET,),
        frozen_layers=FROZEN_LAYERS,
        labels_per_class=setup.labels_per_class,
        steps=setup.steps,
        seeds=setup.seeds,
    )
    tasks = experiments.choose_tasks(settings)
    network = experiments.transfer(settings, tasks, experiments.initialise(settings))
    part, choices = network.features[TARGET].train, tasks[TARGET].choices

    def images(chosen: list[np.ndarray]) -> _Images:
        # Handed over once: copying them at every look would take longer than the look.
        positions = np.stack(chosen)
        return _Images(tf.constant(part.images[positions]), tf.constant(part.labels[positions]))

    labelled = images([choice.labelled for choice in choices])
    validation = images([choice.validation[:MAX_VALIDATION_IMAGES] for choice in choices])
    examples = labelled.labels.shape[1]
    batches = [
        training.draw_batches(examples, Settings().batch_size, setup.steps, seed)
        for seed in range(setup.seeds)
    ]
    return _Problem(network.weights, labelled, validation, np.stack(batches))


def _features() -> datasets.Dataset:
    return frozen_features(pretrained(SOURCE), FROZEN_LAYERS, datasets.load(TARGET))


def _network() -> "keras.Model":
    return trunks.classifier(len(_features().class_names), FROZEN_LAYERS)


def _as_weights(rows: np.ndarray) -> Weights:
    """Return the weights that stand in rows, (n, P), in Keras's order and shapes, each (n, ...)."""
    shapes = [tuple(weight.shape) for weight in _network().weights]
    cuts = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]
    parts = np.split(rows, cuts, axis=1)
    return [part.reshape(-1, *shape) for part, shape in zip(parts, shapes, strict=True)]


def _descend(
    setup: Setup, problem: _Problem, optimizer: str, progress: Progress
) -> Iterator[Weights]:
    """Yield the weights at the start and after every few steps, each (seeds, ...).

    Where training diverges, they are NaN from there on: the other optimizers still train.
    """
    yield problem.start
    images = problem.training
    remaining = -(-setup.steps // STEPS_PER_LOOK)
    trained = training.step_by_step(
        _network(),
        problem.start,
        [training.Examples(images.features, images.labels, problem.batches)],
        training.Options(
            optimizer=optimizer,
            learning_rate=training.learning_rates(
                setup.schedule, setup.rate(optimizer), setup.steps
            ),
            steps_per_call=STEPS_PER_LOOK,
        ),
        progress,
    )
    try:
        for weights in trained:
            remaining -= 1
            yield weights
    except training.DivergedError:
        nowhere = [np.full_like(weight, np.nan) for weight in problem.start]
        yield from [nowhere] * remaining


@functools.cache
def _measurement() -> Callable[..., Any]:
    """Compile the mean loss and the accuracy of any number of copies of the network.

    Each copy is measured on the images of the seed that is named for it.
    """
    import tensorflow as tf

    model = _network()

    def measure(
        weights: list[tf.Tensor], features: tf.Tensor, labels: tf.Tensor, seeds: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        def one(network: tuple[list[tf.Tensor], tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
            values, seed = network
            logits, _ = model.stateless_call(values, [], features[seed])
            right = tf.equal(tf.argmax(logits, -1, tf.int32), labels[seed])
            loss = objective.cross_entropy(labels[seed], logits)
            return tf.reduce_mean(loss), tf.reduce_mean(tf.cast(right, tf.float32))

        return tf.map_fn(one, (weights, seeds), fn_output_signature=(tf.float32, tf.float32))

    signature = [
        [tf.TensorSpec([None, *weight.shape], tf.float32) for weight in model.weights],
        tf.TensorSpec([None, None, *model.input_shape[1:]], tf.float32),
        tf.TensorSpec([None, None], tf.int32),
        tf.TensorSpec([None], tf.int32),
    ]
    return tf.function(measure, input_signature=signature, autograph=False)


# --- The article's claim


def accuracies(
    optimizer: str, learning_rate: float, schedule: str = "constant", measure: str = "accuracy"
) -> np.ndarray:
    """Return what the stored study measured of one optimizer at one learning rate.

    Args:
        optimizer: a name of `settings.OPTIMIZERS`.
        learning_rate: one of `RATES`.
        schedule: a name of `settings.SCHEDULES`.
        measure: "accuracy" on the test images, or "validation".

    Returns:
        One number for each seed, shape (seeds,).

    Raises:
        WorkbookError: the study has no such run, or is not there.
    """
    return stored.load("optimizers").values(
        measure, optimizer=optimizer, learning_rate=learning_rate, schedule=schedule
    )


def best_rate(optimizer: str, schedule: str = "constant") -> float:
    """Return the learning rate with which an optimizer was best on validation images.

    Args:
        optimizer: a name of `settings.OPTIMIZERS`.
        schedule: a name of `settings.SCHEDULES`.
    """

    def validation(rate: float) -> float:
        return float(accuracies(optimizer, rate, schedule, "validation").mean())

    return max(RATES, key=validation)


def verdicts(
    learning_rate: float | None = None, schedule: str = "constant", baseline: str = "sgd"
) -> dict[str, Difference]:
    """Judge the article's claim that plain gradient descent should give way to Adam or RMSProp.

    Args:
        learning_rate: one of `RATES` for all; None gives each its best on validation images.
        schedule: a name of `settings.SCHEDULES`.
        baseline: the optimizer that the others are compared with.

    Returns:
        For each other optimizer how much higher its test accuracy is, over the same seeds.
    """
    check_choice("baseline", baseline, OPTIMIZERS)

    def test(name: str) -> np.ndarray:
        return accuracies(name, learning_rate or best_rate(name, schedule), schedule)

    return {name: difference(test(name), test(baseline)) for name in OPTIMIZERS if name != baseline}
