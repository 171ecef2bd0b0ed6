"""The same small network trained by several losses: same images, same batches, same start."""

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import softmax

from simmim_lib import datasets, training, trunks
from simmim_lib.errors import WorkbookError, check_choice, check_whole, shown
from simmim_lib.experiments.pretraining import pretrained
from simmim_lib.foundation.progress import Progress
from simmim_lib.lessons.loss_formula.readings import LOSSES, READINGS
from simmim_lib.losses import Tensor
from simmim_lib.studies.described import Described
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
class LossComparison(Described):
    """An experiment: a network for each loss and seed, trained on MNIST digits.

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
                f"flipped is {shown(self.flipped)}, but must be a share from 0 to 1, like 0.4."
            )

    def as_code(self) -> str:
        """Return the line of Python that repeats this experiment."""
        return f"training_by_loss.compare(training_by_loss.{self!r})"


@dataclass(frozen=True, eq=False)
class Outcome:
    """The outcome of a comparison: L losses, S seeds, looked at K times, each on n images.

    Attributes:
        comparison: what was asked for.
        steps: the training steps done at each look, shape (K,); the first is 0.
        probability: of the true class of each validation image, shape (L, S, K, n).
        correct: whether that class had the highest probability, shape (L, S, K, n).
        last: all networks' weights after the last step, each (L * S, ...).
        best: their weights at the look with the highest accuracy.
    """

    comparison: LossComparison
    steps: np.ndarray
    probability: np.ndarray
    correct: np.ndarray
    last: Weights = field(repr=False)
    best: Weights = field(repr=False)

    @property
    def accuracy(self) -> np.ndarray:
        """The share of the validation images classified correctly, shape (L, S, K)."""
        return self.correct.mean(axis=-1)


def compare(comparison: LossComparison, progress: Progress | None = None) -> Outcome:
    """Train all networks of a comparison side by side, and look at them while they learn.

    The validation images are never trained on, and keep their true labels.

    Args:
        comparison: what to train.
        progress: called after every few steps.
    """
    weights = _for_each_loss(comparison, _initial_weights(comparison))
    observer = _Observer(weights)
    for last in training.step_by_step(
        _network(),
        weights,
        [_examples(comparison, comparison.steps)],
        training.Options(
            optimizer=comparison.optimizer,
            learning_rate=LEARNING_RATES[comparison.optimizer],
            loss=_side_by_side(comparison.losses, comparison.seeds),
        ),
        progress,
    ):
        observer.look(last)
    return _outcome(comparison, observer, last)


def accuracy_on_test(outcome: Outcome, stopped: bool = False) -> np.ndarray:
    """Return the share of the test images that each network classifies correctly.

    Args:
        outcome: the trained networks.
        stopped: whether to take each network as it was when its validation accuracy was best,
            instead of after the last step.

    Returns:
        Accuracies, shape (L, S).
    """
    test = _digits().test
    weights = outcome.best if stopped else outcome.last
    predicted = training.predict(_network(), weights, test.images).argmax(axis=-1)
    accuracy = np.mean(predicted == test.labels, axis=1)
    return accuracy.reshape(len(outcome.comparison.losses), outcome.comparison.seeds)


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


class _Observer:
    """Looks at networks while they learn, and keeps the best weights of each one."""

    def __init__(self, weights: Weights) -> None:
        watched = _validation()[:WATCHED]
        self._images = _digits().train.images[watched]
        self.truth = _digits().train.labels[watched]
        self.probabilities: list[np.ndarray] = []  # a look each: (networks, images, classes)
        self.best = [weight.copy() for weight in weights]
        self._highest = np.full(len(weights[0]), -1.0)
        self.look(weights)

    def look(self, weights: Weights) -> None:
        logits = training.predict(_network(), weights, self._images)
        self.probabilities.append(softmax(logits, axis=-1))
        accuracy = np.mean(logits.argmax(axis=-1) == self.truth, axis=1)
        better = accuracy > self._highest
        self._highest[better] = accuracy[better]
        for best, new in zip(self.best, weights, strict=True):
            best[better] = new[better]


def _outcome(comparison: LossComparison, observer: _Observer, last: Weights) -> Outcome:
    truth = observer.truth
    predictions = np.stack(observer.probabilities, axis=1)  # (L * S, K, n, classes)
    predictions = predictions.reshape(
        len(comparison.losses), comparison.seeds, *predictions.shape[1:]
    )
    looks = np.arange(len(observer.probabilities))
    return Outcome(
        comparison,
        steps=np.minimum(looks * training.STEPS_PER_CALL, comparison.steps),
        probability=predictions[..., np.arange(len(truth)), truth],
        correct=predictions.argmax(axis=-1) == truth,
        last=last,
        best=observer.best,
    )


def _digits() -> datasets.Dataset:
    return datasets.load("mnist")


@functools.cache
def _network() -> "keras.Model":
    return trunks.classifier(len(_digits().class_names))


@functools.cache
def _validation() -> np.ndarray:
    """Return which of the training images are kept for validation."""
    return datasets.choose(_digits(), 1, seed=0).validation


def _examples(comparison: LossComparison, steps: int) -> training.Examples:
    """Return the images, labels and batches of all networks."""
    train = _digits().train
    seeds = range(comparison.seeds)
    chosen = [_choose_images(comparison.labels_per_class, seed) for seed in seeds]
    labels = [flip(train.labels[chosen[seed]], comparison.flipped, seed) for seed in seeds]
    batches = [training.draw_batches(len(chosen[0]), BATCH_SIZE, steps, seed) for seed in seeds]
    by_seed = [train.images[np.stack(chosen)], np.stack(labels), np.stack(batches)]
    of_all = _for_each_loss(comparison, by_seed)
    return training.Examples(of_all[0], of_all[1], of_all[2])


def _choose_images(labels_per_class: int, seed: int) -> np.ndarray:
    """Return positions of training images, equally many of each digit, none for validation."""
    digits = _digits()
    classes = len(digits.class_names)
    rest = np.setdiff1d(np.arange(len(digits.train.labels)), _validation())
    wanted = labels_per_class * classes
    if wanted > len(rest):
        raise WorkbookError(
            f"labels_per_class is {labels_per_class}, but only {len(rest)} training images "
            f"are left besides those for validation: try {len(rest) // classes}."
        )
    random = np.random.default_rng(seed)
    return rest[datasets.stratified(digits.train.labels[rest], wanted, random)]


def _initial_weights(comparison: LossComparison) -> Weights:
    """Return the weights that every loss begins with, each (seeds, ...)."""
    seeds = comparison.seeds
    if comparison.start == "uci-digits":
        return [np.stack([weight] * seeds) for weight in pretrained(comparison.start).weights]
    if comparison.start == "cross-entropy":
        return _warmed_up(comparison.labels_per_class, comparison.flipped, seeds)
    by_seed = [trunks.fresh_weights(_network(), seed) for seed in range(seeds)]
    return [np.stack(of_all_seeds) for of_all_seeds in zip(*by_seed, strict=True)]


@functools.lru_cache(maxsize=8)
def _warmed_up(labels_per_class: int, flipped: float, seeds: int) -> Weights:
    """Return weights after some steps of cross-entropy, each (seeds, ...)."""
    warm_up = LossComparison(
        losses=("cross-entropy",), labels_per_class=labels_per_class, flipped=flipped, seeds=seeds
    )
    return training.train(
        _network(),
        _initial_weights(warm_up),
        [_examples(warm_up, WARM_UP_STEPS)],
        training.Options(learning_rate=LEARNING_RATES["adam"], loss=LOSSES["cross-entropy"].loss),
    )


def _for_each_loss(comparison: LossComparison, arrays: list[np.ndarray]) -> list[np.ndarray]:
    """Repeat arrays of all seeds for each loss: all seeds of the first loss come first."""
    return [np.concatenate([array] * len(comparison.losses)) for array in arrays]


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
