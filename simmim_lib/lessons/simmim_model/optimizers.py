"""Optimizers raced: same start, same images, same batches; their paths on a slice of the loss."""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib import datasets, experiments, training, trunks
from simmim_lib.errors import WorkbookError, check_choice, check_positive, check_whole
from simmim_lib.experiments.examples import BATCH_SIZE
from simmim_lib.experiments.network import frozen_features
from simmim_lib.experiments.sources import pretrained
from simmim_lib.foundation.intervals import Difference, difference
from simmim_lib.foundation.progress import Progress, in_parts
from simmim_lib.lessons.simmim_model import studies
from simmim_lib.settings import OPTIMIZERS, SCHEDULES, Settings
from simmim_lib.studies import stored
from simmim_lib.training import objective
from simmim_lib.trunks import Weights

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

SOURCE, TARGET = "glyphs", "mnist"
FROZEN_LAYERS = 3
"""The three convolutions stay as the source left them: what is raced are the dense layer and the
head, 132,490 numbers, on features that are computed once. That takes a second, not a minute."""

STEPS_A_LOOK = 5
WATCHED = 200
"""Validation images of each seed that are looked at during a race."""

GRID = 21
"""Points along each side of the slice."""

RATES = studies.OPTIMIZER_RATES
"""The learning rates among which every optimizer's best is looked for."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Who races, and how: a pre-trained network with few labelled MNIST digits to learn from.

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
                f"optimizers is {names!r}: choose at least one of {', '.join(OPTIMIZERS)}, and "
                "each at most once, like ('sgd', 'adam')."
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
        """Return the line of Python that repeats this race."""
        return f"race.race(race.{self!r})"


@dataclass(frozen=True, eq=False)
class Plane:
    """A plane through the common start of all paths of the first seed, and the loss on it.

    A place is given by two distances from the start, measured in the weights as they are
    (Euclidean), along two directions at right angles.

    Attributes:
        origin: all weights at the start in one row, shape (P,).
        directions: of length 1, shape (2, P).
        horizontal: where the loss was computed along the first direction, shape (n,).
        vertical: the same along the second, shape (n,).
        losses: mean loss over the training images in nats, shape (n, n), rows are vertical.
        paths: each optimizer's path as it falls on the plane, shape (O, K, 2); no number where
            training had diverged.
        shares: the length of that shadow as a share of the whole path's, shape (O,).
        end_losses: the loss on the plane below each path's end, shape (O,); the path itself ends
            elsewhere, with another loss.
    """

    origin: np.ndarray = field(repr=False)
    directions: np.ndarray = field(repr=False)
    horizontal: np.ndarray
    vertical: np.ndarray
    losses: np.ndarray
    paths: np.ndarray
    shares: np.ndarray
    end_losses: np.ndarray


@dataclass(frozen=True, eq=False)
class Race:
    """What came of a plan; O optimizers, S seeds, K looks at the networks.

    Attributes:
        plan: what was asked for.
        rates: the (largest) learning rate of each optimizer, shape (O,).
        steps: training steps done at each look, shape (K,); the first is 0.
        loss: mean over all training images of the seed in nats, shape (O, S, K); infinite or no
            number where training diverged.
        accuracy: share of 200 validation images of the seed classified correctly, shape (O, S, K).
        plane: a slice of the first seed's loss, with the paths.
    """

    plan: Plan
    rates: np.ndarray
    steps: np.ndarray
    loss: np.ndarray
    accuracy: np.ndarray
    plane: Plane


def race(plan: Plan, progress: Progress | None = None) -> Race:
    """Let the optimizers race, look at them every five steps, and slice the loss along their paths.

    Args:
        plan: who races, and how.
        progress: told after every look and every row of the slice; what it raises ends the race.

    Raises:
        WorkbookError: too few training images for the plan.

    Source: Li et al. 2018, "Visualizing the Loss Landscape of Neural Nets", section 7: paths on
        the plane of their principal directions.
    """
    parts = in_parts(progress or (lambda done, total: None), len(plan.optimizers) + 1)
    task = _task(plan)
    loss: list[np.ndarray] = []
    accuracy: list[np.ndarray] = []
    steps = np.append(np.arange(0, plan.steps, STEPS_A_LOOK), plan.steps)
    shape = (len(plan.optimizers), len(steps), _network().count_params())
    paths = np.empty(shape, np.float32)  # some 70 MB: written once, in place
    for optimizer, path in zip(plan.optimizers, paths, strict=True):
        looks = []
        stages = _descend(plan, task, optimizer, parts())
        for place, weights in zip(path, stages, strict=True):
            looks.append((task.training.measure(weights)[0], task.validation.measure(weights)[1]))
            np.concatenate([weight[0].ravel() for weight in weights], out=place)
        for kept, of_optimizer in zip((loss, accuracy), zip(*looks, strict=True), strict=True):
            kept.append(np.stack(of_optimizer, axis=1))
    return Race(
        plan,
        rates=np.array([plan.rate(name) for name in plan.optimizers]),
        steps=steps,
        loss=np.stack(loss),
        accuracy=np.stack(accuracy),
        plane=_slice(task, paths, np.stack(loss)[:, 0], parts()),
    )


@dataclass(frozen=True, eq=False)
class _Images:
    """Features (seeds, n, ...) and labels (seeds, n) to measure each seed's network on."""

    features: "tf.Tensor"
    labels: "tf.Tensor"

    def measure(self, weights: Weights) -> tuple[np.ndarray, np.ndarray]:
        """Return each network's mean loss and accuracy, both (seeds,)."""
        return self._measure(weights, np.arange(len(self.labels), dtype=np.int32))

    def measure_first(self, weights: Weights) -> np.ndarray:
        """Return the mean loss of any number of networks on the first seed's images."""
        return self._measure(weights, np.zeros(len(weights[0]), np.int32))[0]

    def _measure(self, weights: Weights, seeds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        loss, accuracy = _measurement()(weights, self.features, self.labels, seeds)
        return loss.numpy(), accuracy.numpy()


@dataclass(frozen=True, eq=False)
class _Task:
    """What all optimizers begin with and learn from; all arrays have a leading axis of seeds."""

    start: Weights
    training: _Images
    validation: _Images
    batches: np.ndarray


def _task(plan: Plan) -> _Task:
    import tensorflow as tf

    settings = Settings(
        source=SOURCE,
        targets=(TARGET,),
        frozen_layers=FROZEN_LAYERS,
        labels_per_class=plan.labels_per_class,
        steps=plan.steps,
        seeds=plan.seeds,
    )
    tasks = experiments.choose_tasks(settings)
    network = experiments.transfer(settings, tasks, experiments.initialise(settings))
    part, choices = network.features[TARGET].train, tasks[TARGET].choices

    def images(chosen: list[np.ndarray]) -> _Images:
        # Handed over once: copying them at every look would take longer than the look.
        positions = np.stack(chosen)
        return _Images(tf.constant(part.images[positions]), tf.constant(part.labels[positions]))

    labelled = images([choice.labelled for choice in choices])
    examples = labelled.labels.shape[1]
    batches = [
        training.draw_batches(examples, BATCH_SIZE, plan.steps, seed) for seed in range(plan.seeds)
    ]
    return _Task(
        network.weights,
        labelled,
        images([choice.validation[:WATCHED] for choice in choices]),
        np.stack(batches),
    )


def _features() -> datasets.Dataset:
    return frozen_features(pretrained(SOURCE), FROZEN_LAYERS, datasets.load(TARGET))


def _network() -> "keras.Model":
    return trunks.classifier(len(_features().class_names), FROZEN_LAYERS)


def _descend(plan: Plan, task: _Task, optimizer: str, progress: Progress) -> Iterator[Weights]:
    """Yield the weights at the start and after every few steps, each (seeds, ...).

    Where training breaks down, they are no numbers from there on: the others still race.
    """
    yield task.start
    images, looks = task.training, -(-plan.steps // STEPS_A_LOOK)
    learnt = training.step_by_step(
        _network(),
        task.start,
        [training.Examples(images.features, images.labels, task.batches)],
        training.Options(
            optimizer=optimizer,
            learning_rate=training.learning_rates(plan.schedule, plan.rate(optimizer), plan.steps),
            steps_per_call=STEPS_A_LOOK,
        ),
        progress,
    )
    try:
        for weights in learnt:
            looks -= 1
            yield weights
    except training.DivergedError:
        yield from [[np.full_like(weight, np.nan) for weight in task.start]] * looks


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
        def one(own: tuple[list[tf.Tensor], tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
            values, seed = own
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


# --- the slice -----------------------------------------------------------------------------------


def in_plane(origin: np.ndarray, directions: np.ndarray, points: np.ndarray) -> Weights:
    """Return the weights of the networks that stand at points of a plane.

    Args:
        origin: see `Plane`.
        directions: see there.
        points: distances from the origin along the directions, shape (n, 2).

    Returns:
        Weights, each (n, ...), in Keras's order.
    """
    rows = origin + points.astype(np.float32) @ directions
    shapes = [tuple(weight.shape) for weight in _network().weights]
    cuts = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]
    parts = np.split(rows, cuts, axis=1)
    return [part.reshape(-1, *shape) for part, shape in zip(parts, shapes, strict=True)]


def _slice(task: _Task, paths: np.ndarray, loss: np.ndarray, progress: Progress) -> Plane:
    """Compute the plane of paths of shape (O, K, P), whose losses on the way are (O, K)."""
    origin = paths[0, 0].copy()
    moves = np.subtract(paths, origin, out=paths)  # there are twenty million numbers: no copy
    # Beyond this, squares would soon overflow; such a network has diverged in all but name.
    sound = (np.abs(moves).max(axis=-1) < 1e12) & np.isfinite(loss)
    moves[~sound] = 0
    directions = principal_directions(moves)
    moves[~sound] = np.nan
    places = moves @ directions.T
    shares = share_of_length(moves, places)
    # A path that is thrown out would make the window so wide that all others were a dot.
    no_worse = places[sound & (loss <= loss[:, :1])]
    horizontal, vertical = _window(no_worse)

    def losses(points: np.ndarray) -> np.ndarray:
        return task.training.measure_first(in_plane(origin, directions, points))

    rows = []
    for done, height in enumerate(vertical, start=1):
        rows.append(losses(np.stack([horizontal, np.full(GRID, height)], axis=1)))
        progress(done, GRID)
    ends = losses(places[:, -1])
    return Plane(origin, directions, horizontal, vertical, np.stack(rows), places, shares, ends)


def principal_directions(moves: np.ndarray) -> np.ndarray:
    """Return the two directions along which several paths from one start lie best.

    Every path counts as much as every other, however far it leads: optimizers differ in that by
    orders of magnitude, and the longest path would otherwise lay the plane for itself.

    Args:
        moves: places on the paths as seen from their start, shape (O, K, P).

    Returns:
        Two directions of length 1, at right angles, shape (2, P); most paths end on their
        positive sides.
    """
    sizes = np.linalg.norm(moves.reshape(len(moves), -1), axis=1)[:, None, None]
    scaled = (moves / np.where(sizes > 0, sizes, 1)).reshape(-1, moves.shape[-1])
    # The eigenvectors of the small matrix of inner products give those of the huge one.
    _, vectors = np.linalg.eigh((scaled @ scaled.T).astype(float))
    principal = scaled.T @ vectors[:, :-3:-1].astype(np.float32)
    # Also where a single straight path leaves the second direction open, this gives one.
    directions = np.linalg.qr(principal)[0].T
    ends = np.sum(moves[:, -1] / np.where(sizes > 0, sizes, 1)[:, 0], axis=0) @ directions.T
    return directions * np.where(ends < 0, -1, 1)[:, None].astype(np.float32)


def share_of_length(moves: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return how much of each path's length, from look to look, its shadow on the plane has.

    Args:
        moves: places on the paths, shape (O, K, P).
        places: the same on the plane, shape (O, K, 2).

    Steps to or from a place without numbers do not count.

    Returns:
        Shares from 0 to 1, shape (O,); 0 for a path that leads nowhere.
    """
    whole, shadow = (
        np.nansum(np.linalg.norm(np.diff(path, axis=1), axis=-1), axis=1)
        for path in (moves, places)
    )
    return np.divide(shadow, whole, out=np.zeros_like(whole), where=whole > 0)


def _window(points: np.ndarray) -> np.ndarray:
    """Return the grid's two axes, shape (2, GRID): a square around points (n, 2), with a margin."""
    low, high = points.min(axis=0), points.max(axis=0)
    half = 0.58 * max(*(high - low), 1e-3)
    return np.linspace((low + high) / 2 - half, (low + high) / 2 + half, GRID, axis=1)


# --- the article's claim -------------------------------------------------------------------------


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
    return _study().values(
        measure, optimizer=optimizer, learning_rate=learning_rate, schedule=schedule
    )


@functools.cache
def _study() -> stored.StoredStudy:
    return stored.load("optimizers")


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
