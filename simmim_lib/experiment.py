"""One experiment: settings in, accuracies out."""

import functools
import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib import datasets, files, models, training
from simmim_lib.errors import WorkbookError
from simmim_lib.models import Weights
from simmim_lib.pretraining import pretrained
from simmim_lib.settings import FREEZABLE_LAYERS, Settings

if TYPE_CHECKING:
    import keras

BATCH_SIZE = 32
WEIGHTS_A_LAYER = 2  # a kernel and a bias


@dataclass(frozen=True, eq=False)
class Result:
    """What came of an experiment; each dictionary has an entry for each target.

    Attributes:
        settings: what was asked for.
        accuracy: share of the test images classified correctly, shape (seeds,).
        validation: the same on the validation images, for choosing between settings.
        baseline: test accuracy from scratch with the same labels, steps and seeds, shape (seeds,);
            empty where it was not asked for or the experiment is from scratch itself.
        predictions: the class predicted for each test image, shape (seeds, n).
        seconds: how long it took, pre-training of the source not included.
    """

    settings: Settings
    accuracy: dict[str, np.ndarray]
    validation: dict[str, np.ndarray]
    predictions: dict[str, np.ndarray] = field(repr=False)
    seconds: float
    baseline: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def budget(self) -> str:
        """The budget that made this result."""
        return self.settings.budget

    def as_dict(self) -> dict[str, Any]:
        """Return all but the predictions as plain values that JSON can hold."""
        return {
            "settings": self.settings.as_dict(),
            "accuracy": _as_lists(self.accuracy),
            "validation": _as_lists(self.validation),
            "baseline": _as_lists(self.baseline),
            "seconds": self.seconds,
            "versions": versions(),
        }

    def to_json(self, path: str | os.PathLike[str]) -> None:
        """Write the result to a file, whole or not at all.

        Raises:
            WorkbookError: the file cannot be written.
        """
        files.write_text(path, json.dumps(self.as_dict(), indent=2) + "\n")


def run(
    settings: Settings, *, baseline: bool = True, progress: training.Progress | None = None
) -> Result:
    """Pre-train (or fetch from the cache), transfer, adapt to each target, and test.

    Args:
        settings: the experiment.
        baseline: whether to train from scratch as well, for comparison.
        progress: called with steps done and steps in all; a bar by default.

    Returns:
        The result.

    Raises:
        WorkbookError: a dataset that is unknown, has too few images, or does not fit the source.
    """
    plans = [settings]
    if baseline and settings.source is not None:
        plans.append(settings.from_scratch())
    _check_fit(settings)
    if settings.source is not None:
        pretrained(settings.source)
    with training.progress_bar("Adapting") as bar:
        done = training.in_parts(progress or bar, len(plans) * len(settings.targets))
        results = [_run_one(plan, done) for plan in plans]
    scratch = results[1].accuracy if len(results) > 1 else {}
    return replace(results[0], baseline=scratch, seconds=sum(each.seconds for each in results))


def _run_one(settings: Settings, progress: Callable[[], training.Progress]) -> Result:
    start = time.perf_counter()
    outcomes = {target: _adapt(settings, target, progress()) for target in settings.targets}
    return Result(
        settings,
        accuracy={target: outcome.accuracy for target, outcome in outcomes.items()},
        validation={target: outcome.validation for target, outcome in outcomes.items()},
        predictions={target: outcome.predictions for target, outcome in outcomes.items()},
        seconds=time.perf_counter() - start,
    )


@dataclass(frozen=True, eq=False)
class _Outcome:
    accuracy: np.ndarray
    validation: np.ndarray
    predictions: np.ndarray


def _adapt(settings: Settings, target: str, progress: training.Progress) -> _Outcome:
    """Adapt to one target, all seeds side by side, and test."""
    all_layers = len(FREEZABLE_LAYERS)
    depth = all_layers if settings.adaptation == "probe" else settings.frozen_layers
    data = features(settings.source, depth, target)
    choices = [
        datasets.choose(data, settings.labels_per_class, seed) for seed in range(settings.seeds)
    ]
    back, done = _back(data, depth), 0
    weights = _initial_weights(settings, depth, back)
    if settings.adaptation == "probe-then-fine-tune":
        done = settings.steps // 2
        whole = features(settings.source, all_layers, target)
        head = _back(whole, all_layers)
        probe = _train(settings, head, whole.train, choices, weights[-2:], (0, done), progress)
        weights = [*weights[:-2], *probe]
    weights = _train(settings, back, data.train, choices, weights, (done, settings.steps), progress)
    predictions = training.predict(back, weights, data.test.images).argmax(axis=-1)
    return _Outcome(
        accuracy=np.mean(predictions == data.test.labels, axis=1),
        validation=_validate(back, weights, data.train, choices),
        predictions=predictions,
    )


@functools.lru_cache(maxsize=12)
def features(source: str | None, frozen_layers: int, target: str) -> datasets.Dataset:
    """Return a target dataset whose images are replaced by a frozen network's features.

    Frozen layers give the same features at every step, so they are computed once and kept.

    Args:
        source: the dataset the network was pre-trained on; None only with no frozen layers.
        frozen_layers: how many of the network's layers the images go through.
        target: the dataset to take images from.

    Returns:
        The dataset with arrays (n, ...) of features in place of images.
    """
    data = datasets.load(target)
    if not frozen_layers or source is None:
        return data
    channels = data.train.images.shape[-1]
    front, _ = models.network(len(data.class_names), frozen_layers, channels)
    weights = [weight[None] for weight in pretrained(source).weights[: len(front.weights)]]

    def of(part: datasets.Part) -> datasets.Part:
        return datasets.Part(training.predict(front, weights, part.images)[0], part.labels)

    return replace(data, train=of(data.train), test=of(data.test))


def _back(data: datasets.Dataset, depth: int) -> "keras.Model":
    """Return the part of the network that is trained on a dataset's features."""
    channels = data.train.images.shape[-1] if depth == 0 else 1
    return models.network(len(data.class_names), depth, channels)[1]


def _initial_weights(settings: Settings, depth: int, back: "keras.Model") -> Weights:
    """Return the weights of all seeds behind the frozen layers: copied ones, then fresh ones."""
    copied: Weights = []
    if settings.source is not None:
        trunk = pretrained(settings.source).trunk_weights
        copied = trunk[WEIGHTS_A_LAYER * depth : WEIGHTS_A_LAYER * settings.copied_layers]
    by_seed = [
        copied + models.fresh_weights(back, seed)[len(copied) :] for seed in range(settings.seeds)
    ]
    return [np.stack(of_all_seeds) for of_all_seeds in zip(*by_seed, strict=True)]


def _train(
    settings: Settings,
    back: "keras.Model",
    data: datasets.Part,
    choices: list[datasets.Choice],
    weights: Weights,
    steps: tuple[int, int],
    progress: training.Progress,
) -> Weights:
    """Do the training steps from `steps[0]` to `steps[1]`, of all that the settings ask for."""
    first, last = steps
    batches = [
        training.draw_batches(len(choice.labelled), BATCH_SIZE, settings.steps, seed)[first:last]
        for seed, choice in enumerate(choices)
    ]
    return training.train(
        back,
        weights,
        np.stack([data.images[choice.labelled] for choice in choices]),
        np.stack([data.labels[choice.labelled] for choice in choices]),
        np.stack(batches),
        settings.optimizer,
        settings.learning_rate,
        lambda done, _: progress(first + done, settings.steps),
    )


def _validate(
    back: "keras.Model", weights: Weights, data: datasets.Part, choices: list[datasets.Choice]
) -> np.ndarray:
    """Return each seed's accuracy on its own validation images, shape (seeds,)."""
    accuracy = []
    for seed, choice in enumerate(choices):
        own = [weight[seed : seed + 1] for weight in weights]
        guesses = training.predict(back, own, data.images[choice.validation])[0].argmax(axis=-1)
        accuracy.append(np.mean(guesses == data.labels[choice.validation]))
    return np.array(accuracy)


def _check_fit(settings: Settings) -> None:
    """Refuse a source and a target that one network cannot see."""
    for target in settings.targets:
        channels = datasets.load(target).train.images.shape[-1]
        if settings.source is None:
            continue
        theirs = datasets.load(settings.source).train.images.shape[-1]
        if theirs != channels:
            raise WorkbookError(
                f"The source {settings.source!r} has {theirs} colour channels and the target "
                f"{target!r} has {channels}: choose two datasets with the same number."
            )


def interval(values: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Return mean and half width of Student's t confidence interval of a few measurements.

    Args:
        values: one for each seed, shape (seeds,).
        level: the share of such intervals that contain the true mean.

    Returns:
        Mean and half width; the half width is infinite for a single value.

    Source: Student 1908, "The probable error of a mean".
    """
    from scipy.stats import t

    if len(values) < 2:
        return float(np.mean(values)), float("inf")
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    return float(np.mean(values)), float(t.ppf((1 + level) / 2, len(values) - 1) * error)


def versions() -> dict[str, str]:
    """Return the versions that a result depends on."""
    packages = ("simmim-workbook", "tensorflow", "keras", "numpy")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}


def _as_lists(arrays: dict[str, np.ndarray]) -> dict[str, list[float]]:
    return {name: [float(value) for value in values] for name, values in arrays.items()}
