"""The same small network trained by several losses: same images, same batches, same start."""

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import softmax

from simmim_lib import datasets, training, trunks
from simmim_lib.errors import WorkbookError, check_choice, check_whole
from simmim_lib.experiments.sources import pretrained
from simmim_lib.foundation.progress import Progress
from simmim_lib.lessons.loss_formula.readings import LOSSES, READINGS
from simmim_lib.losses import Tensor
from simmim_lib.training import objective
from simmim_lib.trunks import Weights

if TYPE_CHECKING:
    import keras

BATCH_SIZE = 32


WATCHED = 500
"""Validation images whose predictions are followed while the networks learn."""


STARTS = {
    "fresh": "random weights",
    "uci-digits": "pre-trained on UCI digits, head included",
    "cross-entropy": "400 steps of cross-entropy first, on the same images",
}


WARM_UP_STEPS = 400


LEARNING_RATES = {"adam": 1e-3, "sgd": 0.05}
"""The optimizers to choose from, each with the learning rate it is used with."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is trained: a network for each loss and seed, on MNIST digits.

    Attributes:
        losses: names of `readings.LOSSES`.
        start: where all losses begin, one of `STARTS`.
        optimizer: one of `LEARNING_RATES`.
        flipped: the share of the training labels, 0 to 1, that is replaced by another class.
        labels_per_class: training images of each digit.
        steps: training steps, each on a batch of at most 32 images.
        seeds: repetitions with other fresh weights, images, batches and flipped labels.

    Raises:
        WorkbookError: a value that is not allowed, with what is allowed.
    """

    losses: tuple[str, ...] = tuple(READINGS)
    start: str = "fresh"
    optimizer: str = "adam"
    flipped: float = 0.0
    labels_per_class: int = 100
    steps: int = 200
    seeds: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for name in self.losses:
            check_choice("loss", name, LOSSES)
        check_choice("start", self.start, STARTS)
        check_choice("optimizer", self.optimizer, LEARNING_RATES)
        for name in ("labels_per_class", "steps", "seeds"):
            check_whole(name, getattr(self, name), least=1)
        if not 0 <= self.flipped <= 1:
            raise WorkbookError(
                f"flipped is {self.flipped!r}, but must be a share from 0 to 1, like 0.4."
            )

    def as_code(self) -> str:
        """Return the line of Python that repeats this experiment."""
        return f"fitting.fit(fitting.{self!r})"


@dataclass(frozen=True, eq=False)
class Fit:
    """What came of a plan; L losses, S seeds, K looks at the networks, n images looked at.

    Attributes:
        plan: what was asked for.
        steps: the training steps done at each look, shape (K,); the first is 0.
        probability: of the true class of each validation image, shape (L, S, K, n).
        right: whether that class had the highest probability, shape (L, S, K, n).
        last: all networks' weights after the last step, each (L * S, ...).
        best: their weights at the look with the highest accuracy.
    """

    plan: Plan
    steps: np.ndarray
    probability: np.ndarray
    right: np.ndarray
    last: Weights = field(repr=False)
    best: Weights = field(repr=False)

    @property
    def accuracy(self) -> np.ndarray:
        """The share of the validation images classified correctly, shape (L, S, K)."""
        return self.right.mean(axis=-1)


def fit(plan: Plan, progress: Progress | None = None) -> Fit:
    """Train all networks of a plan side by side, and look at them while they learn.

    The validation images are never trained on, and keep their true labels.

    Args:
        plan: what to train.
        progress: told after every few steps.
    """
    data, network, validation = _task()
    images, labels, batches = _for_each_loss(plan, _lessons(plan, plan.steps))
    truth = data.train.labels[validation[:WATCHED]]
    shape = (len(plan.losses), plan.seeds, len(truth), -1)
    looks: list[np.ndarray] = []
    highest = np.full(len(plan.losses) * plan.seeds, -1.0)
    weights = _for_each_loss(plan, _start(plan))
    best = [weight.copy() for weight in weights]

    def look(trained: Weights) -> None:
        logits = training.predict(network, trained, data.train.images[validation[:WATCHED]])
        looks.append(softmax(logits.reshape(shape), axis=-1))
        accuracy = np.mean(logits.argmax(axis=-1) == truth, axis=1)
        better = accuracy > highest
        highest[better] = accuracy[better]
        for kept, new in zip(best, trained, strict=True):
            kept[better] = new[better]

    look(weights)
    for last in training.step_by_step(
        network,
        weights,
        [training.Examples(images, labels, batches)],
        training.Options(
            optimizer=plan.optimizer,
            learning_rate=LEARNING_RATES[plan.optimizer],
            loss=_side_by_side(plan.losses, plan.seeds),
        ),
        progress,
    ):
        look(last)
    predictions = np.stack(looks, axis=2)
    steps = np.minimum(np.arange(len(looks)) * training.STEPS_PER_CALL, plan.steps)
    probability = predictions[..., np.arange(len(truth)), truth]
    return Fit(plan, steps, probability, predictions.argmax(axis=-1) == truth, last, best)


def accuracy_on_test(fitted: Fit, stopped: bool = False) -> np.ndarray:
    """Return the share of the test images that each network classifies correctly.

    Args:
        fitted: what came of a plan.
        stopped: whether to take each network as it was when its validation accuracy was best,
            instead of after the last step.

    Returns:
        Accuracies, shape (L, S).
    """
    data, network, _ = _task()
    weights = fitted.best if stopped else fitted.last
    guesses = training.predict(network, weights, data.test.images).argmax(axis=-1)
    accuracy = np.mean(guesses == data.test.labels, axis=1)
    return accuracy.reshape(len(fitted.plan.losses), fitted.plan.seeds)


def flip(labels: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Replace a share of labels by other ones, each of the other classes being as likely.

    Args:
        labels: class numbers, shape (n,), of which the largest occurs.
        share: how many of them, from 0 to 1.
        seed: chooses which labels, and by what.

    Returns:
        A copy, in which exactly `share` of the labels, rounded, differ.
    """
    random = np.random.default_rng(seed)
    flipped = random.permutation(len(labels))[: round(share * len(labels))]
    classes = labels.max() + 1
    noisy = labels.copy()
    noisy[flipped] = (labels[flipped] + random.integers(1, classes, len(flipped))) % classes
    return noisy


@functools.cache
def _task() -> tuple[datasets.Dataset, "keras.Model", np.ndarray]:
    """Return the digits, the network, and which training images are kept for validation."""
    data = datasets.load("mnist")
    network = trunks.classifier(len(data.class_names))
    return data, network, datasets.choose(data, 1, seed=0).validation


def _lessons(plan: Plan, steps: int) -> list[np.ndarray]:
    """Return each seed's training images, labels and batches, each (seeds, ...)."""
    data, _, validation = _task()
    everything = data.train.labels
    rest = np.setdiff1d(np.arange(len(everything)), validation)
    wanted = plan.labels_per_class * len(data.class_names)
    if wanted > len(rest):
        raise WorkbookError(
            f"labels_per_class is {plan.labels_per_class}, but only {len(rest)} training images "
            f"are left beside those for validation: try {len(rest) // len(data.class_names)}."
        )
    seeds = range(plan.seeds)
    chosen = [
        rest[datasets.stratified(everything[rest], wanted, np.random.default_rng(seed))]
        for seed in seeds
    ]
    labels = [flip(everything[own], plan.flipped, s) for s, own in zip(seeds, chosen, strict=True)]
    batches = [training.draw_batches(wanted, BATCH_SIZE, steps, seed) for seed in seeds]
    return [data.train.images[np.stack(chosen)], np.stack(labels), np.stack(batches)]


def _start(plan: Plan) -> Weights:
    """Return the weights that every loss begins with, each (seeds, ...)."""
    _, network, _ = _task()
    if plan.start == "uci-digits":
        return [np.stack([weight] * plan.seeds) for weight in pretrained(plan.start).weights]
    if plan.start == "cross-entropy":
        return _warmed_up(plan.labels_per_class, plan.flipped, plan.seeds)
    by_seed = [trunks.fresh_weights(network, seed) for seed in range(plan.seeds)]
    return [np.stack(of_all_seeds) for of_all_seeds in zip(*by_seed, strict=True)]


@functools.lru_cache(maxsize=8)
def _warmed_up(labels_per_class: int, flipped: float, seeds: int) -> Weights:
    _, network, _ = _task()
    plan = Plan(labels_per_class=labels_per_class, flipped=flipped, seeds=seeds)
    images, labels, batches = _lessons(plan, WARM_UP_STEPS)
    return training.train(
        network,
        _start(plan),
        [training.Examples(images, labels, batches)],
        training.Options(learning_rate=LEARNING_RATES["adam"], loss=LOSSES["cross-entropy"].loss),
    )


def _for_each_loss(plan: Plan, arrays: list[np.ndarray]) -> list[np.ndarray]:
    """Repeat arrays of all seeds for each loss: all seeds of the first loss come first."""
    return [np.concatenate([array] * len(plan.losses)) for array in arrays]


@functools.cache
def _side_by_side(names: tuple[str, ...], seeds: int) -> objective.Loss:
    """Return a loss that is another one for each group of `seeds` networks."""

    def loss(labels: Tensor, logits: Tensor) -> Tensor:
        from keras import ops

        groups = [slice(i * seeds, (i + 1) * seeds) for i in range(len(names))]
        parts = [
            LOSSES[name].loss(labels[group], logits[group])
            for name, group in zip(names, groups, strict=True)
        ]
        return ops.concatenate(parts)

    return loss
