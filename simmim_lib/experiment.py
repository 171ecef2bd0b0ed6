"""One experiment: settings in, accuracies out."""

import functools
import json
import os
import platform
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib import datasets, distribution, files, information, models, training
from simmim_lib.errors import WorkbookError
from simmim_lib.models import Weights
from simmim_lib.pretraining import Pretrained, pretrained
from simmim_lib.settings import FREEZABLE_LAYERS, Settings

if TYPE_CHECKING:
    from simmim_lib.simmim import SimMIM

BATCH_SIZE = 32
UNLABELLED_BATCH_SIZE = 128
WEIGHTS_A_LAYER = 2  # a kernel and a bias
ALL_LAYERS = len(FREEZABLE_LAYERS)


@dataclass(frozen=True, eq=False)
class Result:
    """What came of an experiment; each dictionary has an entry for each target.

    Attributes:
        settings: what was asked for.
        accuracy: share of the test images classified correctly, shape (seeds,).
        validation: the same on the validation images, for choosing between settings.
        baseline: test accuracy of a network of its own for each target, from scratch with the same
            labels, steps and seeds, shape (seeds,); empty where it was not asked for or the
            experiment is from scratch itself, and without the targets that have no labels.
        diagnostics: whether the predictions for unlabelled images collapsed; empty where none were
            learnt from.
        probabilities: of each class for each test image, shape (seeds, n, classes).
        seconds: how long it took, pre-training of the source not included.
    """

    settings: Settings
    accuracy: dict[str, np.ndarray]
    validation: dict[str, np.ndarray]
    probabilities: dict[str, np.ndarray] = field(repr=False)
    seconds: float
    baseline: dict[str, np.ndarray] = field(default_factory=dict)
    diagnostics: dict[str, information.Diagnosis] = field(default_factory=dict)

    @property
    def budget(self) -> str:
        """The budget that made this result."""
        return self.settings.budget

    @property
    def predictions(self) -> dict[str, np.ndarray]:
        """The class predicted for each test image, shape (seeds, n)."""
        return {name: each.argmax(axis=-1) for name, each in self.probabilities.items()}

    def as_dict(self) -> dict[str, Any]:
        """Return all but the probabilities as plain values that JSON can hold."""
        return {
            "settings": self.settings.as_dict(),
            "accuracy": as_lists(self.accuracy),
            "validation": as_lists(self.validation),
            "baseline": as_lists(self.baseline),
            "diagnostics": {name: each.as_dict() for name, each in self.diagnostics.items()},
            "seconds": self.seconds,
            "versions": versions(),
        }

    def to_json(self, path: str | os.PathLike[str]) -> None:
        """Write the result to a file, whole or not at all; of several machines, the chief does.

        Raises:
            WorkbookError: the file cannot be written.
        """
        if distribution.is_chief(self.settings.strategy):
            files.write_text(path, json.dumps(self.as_dict(), indent=2) + "\n")


def run(
    settings: Settings, *, baseline: bool = True, progress: training.Progress | None = None
) -> Result:
    """Take the four steps for all targets at once, and test.

    Args:
        settings: the experiment.
        baseline: whether to train each target from scratch as well, for comparison.
        progress: called with steps done and steps in all; a bar by default.

    Returns:
        The result.

    Raises:
        WorkbookError: a dataset that is unknown, has too few images, or does not fit the others.
    """
    plans = [settings]
    if baseline and settings.source is not None:
        alone = settings.separately()
        plans += [each.from_scratch() for each in alone if each.labels_per_class]
    with training.progress_bar("Adapting") as bar:
        parts = training.in_parts(progress or bar, len(plans))
        result, *scratch = [_run_one(plan, parts()) for plan in plans]
    found = {target: each.accuracy[target] for each in scratch for target in each.accuracy}
    seconds = result.seconds + sum(each.seconds for each in scratch)
    return replace(result, baseline=found, seconds=seconds)


def _run_one(settings: Settings, progress: training.Progress) -> Result:
    tasks = choose_tasks(settings)
    source = initialise(settings)
    start = time.perf_counter()
    network = transfer(settings, tasks, source)
    *_, weights = maximise_information(settings, tasks, network, progress)
    return _test(settings, tasks, network, weights, start)


WATCHED = 200
"""Validation images of each target and seed that are looked at while a network learns."""


@dataclass(frozen=True, eq=False)
class Course:
    """How an experiment goes, as far as it has come.

    Attributes:
        settings: what was asked for.
        steps: after how many steps the networks were looked at, shape (looks,).
        validation: for each target the accuracy on `WATCHED` validation images, shape (looks,
            seeds).
        probabilities: of each class for these images at the last look, (seeds, n, classes).
        labels: their true classes, (seeds, n).
        result: what came of it, when it is done.
    """

    settings: Settings
    steps: np.ndarray
    validation: dict[str, np.ndarray]
    probabilities: dict[str, np.ndarray] = field(default_factory=dict, repr=False)
    labels: dict[str, np.ndarray] = field(default_factory=dict, repr=False)
    result: Result | None = None


def follow(settings: Settings, progress: training.Progress | None = None) -> Iterator[Course]:
    """Do as `run` does, and show how far it has come after every few steps.

    Args:
        settings: the experiment.
        progress: told after every few steps.

    Yields:
        The course so far, the first before any training, the last with the result.

    Raises:
        WorkbookError: as `run`.
    """
    tasks = choose_tasks(settings)
    source = initialise(settings)
    start = time.perf_counter()
    network = transfer(settings, tasks, source)
    steps, weights = [0], network.weights

    def tell(done: int, total: int) -> None:
        steps.append(done)
        if progress:
            progress(done, total)

    looks = [_look(tasks, network, weights, WATCHED)]
    yield _course(settings, steps, looks)
    for weights in maximise_information(settings, tasks, network, tell):
        looks.append(_look(tasks, network, weights, WATCHED))
        yield _course(settings, steps, looks)
    result = _test(settings, tasks, network, weights, start)
    yield replace(_course(settings, steps, looks), result=result)


@dataclass(frozen=True, eq=False)
class _Look:
    """What the networks predict for a target's validation images at one moment."""

    probabilities: np.ndarray
    labels: np.ndarray

    @property
    def accuracy(self) -> np.ndarray:
        return np.mean(self.probabilities.argmax(axis=-1) == self.labels, axis=1)


def _course(settings: Settings, steps: list[int], looks: list[dict[str, _Look]]) -> Course:
    last = looks[-1]
    return Course(
        settings,
        np.array(steps),
        {name: np.stack([look[name].accuracy for look in looks]) for name in settings.targets},
        {name: each.probabilities for name, each in last.items()},
        {name: each.labels for name, each in last.items()},
    )


@dataclass(frozen=True, eq=False)
class Target:
    """A target task: its data, and which of the training images each seed may use."""

    data: datasets.Dataset
    choices: list[datasets.Choice]


@dataclass(frozen=True, eq=False)
class Network:
    """One network for all targets, in as many copies as there are seeds.

    Attributes:
        model: the part that is trained; its own weights are not used.
        features: for each target its dataset, the images replaced by what the frozen layers make
            of them.
        weights: those that training starts from, each (seeds, ...).
    """

    model: "SimMIM"
    features: dict[str, datasets.Dataset]
    weights: Weights


def choose_tasks(settings: Settings) -> dict[str, Target]:
    """Step 1: choose the target tasks, and draw each seed's few labelled images of each.

    Raises:
        WorkbookError: a dataset that is unknown, has too few images, or does not fit the others.
    """
    _check_fit(settings)
    # Machines find each other now, before anything is computed, or not at all.
    distribution.strategy(settings.strategy)
    tasks = {}
    for target, labels_per_class in settings.labels_of.items():
        data = datasets.load(target)
        seeds = range(settings.seeds)
        choices = [datasets.choose(data, labels_per_class, seed) for seed in seeds]
        tasks[target] = Target(data, choices)
    return tasks


def initialise(settings: Settings) -> Pretrained | None:
    """Step 2: train a network on the source task, or fetch it where that was done before."""
    return None if settings.source is None else pretrained(settings.source)


def transfer(settings: Settings, tasks: dict[str, Target], source: Pretrained | None) -> Network:
    """Step 3: copy the source's first layers into one network with a head for each task."""
    return _network(settings, tasks, source, settings.frozen_layers)


def maximise_information(
    settings: Settings,
    tasks: dict[str, Target],
    network: Network,
    progress: training.Progress | None = None,
) -> Iterator[Weights]:
    """Step 4: train on the weighted sum of all tasks' losses.

    Lower cross-entropy means more information about the labels: their entropy less the
    cross-entropy is a lower bound of the mutual information between images and labels. Where the
    settings ask for it, images without labels add their information to each task's loss.

    Args:
        settings: with the task weights, the optimizer and the steps.
        tasks: from `choose_tasks`.
        network: from `transfer`.
        progress: told after every few steps.

    Yields:
        The weights after every few steps, each (seeds, ...), at last the trained ones.

    Raises:
        DivergedError: a loss became infinite or no number.

    Source: Barber and Agakov 2003, "The IM Algorithm", for the bound.
    """
    tell = progress or (lambda done, total: None)
    weights, done = network.weights, 0
    if settings.adaptation == "probe-then-fine-tune":
        # Heads first, on the features of the whole trunk; then everything, from those heads.
        done = settings.steps // 2
        probe = _network(settings, tasks, initialise(settings), ALL_LAYERS)
        for heads in _train(settings, tasks, probe, probe.weights, (0, done), tell):
            weights = [*weights[: -len(heads)], *heads]
            yield weights
    yield from _train(settings, tasks, network, weights, (done, settings.steps), tell)


def _network(
    settings: Settings, tasks: dict[str, Target], source: Pretrained | None, frozen_layers: int
) -> Network:
    depth = ALL_LAYERS if settings.adaptation == "probe" else frozen_layers
    specifications = tuple(models.Task(name, task.data.class_names) for name, task in tasks.items())
    some = next(iter(tasks.values())).data.train.images
    _, model = models.joint_network(
        specifications, settings.shared_heads, depth, channels=some.shape[-1]
    )
    copied = source.trunk_weights if source else []
    copied = copied[WEIGHTS_A_LAYER * depth : WEIGHTS_A_LAYER * settings.copied_layers]
    by_seed = [
        copied + models.fresh_weights(model, seed)[len(copied) :] for seed in range(settings.seeds)
    ]
    for group in model.head_groups:
        if not any(settings.labels_of[name] for name in group):
            _copy_head(by_seed, model, group[0], source)
    return Network(
        model,
        {name: features(settings.source, depth, name) for name in tasks},
        [np.stack(of_all_seeds) for of_all_seeds in zip(*by_seed, strict=True)],
    )


def _copy_head(
    by_seed: list[Weights], model: "SimMIM", target: str, source: Pretrained | None
) -> None:
    """Let a target without labels begin with what the source's head knows of its classes."""
    if not source or not knows_classes(source.source, target):
        raise WorkbookError(
            f"{target!r} has no labels, and neither a target with the same classes shares its head "
            f"nor does the source {source.source if source else None!r} know its classes: give it "
            "labels, or use shared_heads=True beside a target that has some."
        )
    known = datasets.describe(source.source).class_names
    columns = [known.index(name) for name in datasets.describe(target).class_names]
    first = model.kernel_position(target)
    kernel, bias = source.weights[-2:]
    for weights in by_seed:
        weights[first : first + WEIGHTS_A_LAYER] = [kernel[:, columns], bias[columns]]


def knows_classes(source: str | None, target: str) -> bool:
    """Tell whether a source has all classes of a target, so that its head can read them."""
    known = datasets.describe(source).class_names if source else ()
    return set(datasets.describe(target).class_names) <= set(known)


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


def _train(
    settings: Settings,
    tasks: dict[str, Target],
    network: Network,
    weights: Weights,
    steps: tuple[int, int],
    progress: training.Progress,
) -> Iterator[Weights]:
    """Do the training steps from `steps[0]` to `steps[1]`, of all that the settings ask for."""
    first, last = steps
    rates = training.learning_rates(settings.schedule, settings.learning_rate, settings.steps)
    return training.step_by_step(
        network.model,
        weights,
        [_examples(settings, tasks[name], network.features[name], steps) for name in tasks],
        training.Options(
            optimizer=settings.optimizer,
            learning_rate=rates[first:last],
            task_weights=settings.task_weights,
            weighting=settings.weighting,
            recipe=_recipe(settings),
            strategy=settings.strategy,
        ),
        lambda done, _: progress(first + done, settings.steps),
    )


def _examples(
    settings: Settings, task: Target, data: datasets.Dataset, steps: tuple[int, int]
) -> training.Examples:
    """Return the examples of all seeds, and which of them each step sees."""
    batches = [
        training.draw_batches(len(choice.labelled), BATCH_SIZE, settings.steps, seed)
        for seed, choice in enumerate(task.choices)
    ]
    return training.Examples(
        np.stack([data.train.images[choice.labelled] for choice in task.choices]),
        np.stack([data.train.labels[choice.labelled] for choice in task.choices]),
        np.stack(batches)[:, slice(*steps)],
        _unlabelled(settings, task, data, steps) if _recipe(settings) else None,
    )


def _recipe(settings: Settings) -> information.Recipe | None:
    """Return how unlabelled images are learnt from, or nothing where they are not."""
    if not (settings.information or settings.agreement or settings.augmentation):
        return None
    return information.Recipe(
        information=settings.information,
        spread=settings.spread,
        agreement=settings.agreement,
        confidence=settings.confidence,
        ramp=max(1, round(settings.ramp * settings.steps)),
        augmentation=settings.augmentation,
    )


def _unlabelled(
    settings: Settings, task: Target, data: datasets.Dataset, steps: tuple[int, int]
) -> training.Unlabelled:
    """Return the training images without a label, and which of them each step sees."""
    rest = [choice.unlabelled for choice in task.choices]
    if not min(len(own) for own in rest):
        raise WorkbookError(
            f"Every training image of {data.name!r} is labelled or kept for validation, so none is "
            "left to learn from without its label: lower labels_per_class."
        )
    images = data.train.images
    batches = np.stack(
        [_draw_unlabelled(settings, task.data, own, seed) for seed, own in enumerate(rest)]
    )
    if settings.strangers:
        strangers = features(settings.source, settings.frozen_layers, settings.strangers).train
        chosen = np.random.default_rng(0).integers(len(strangers), size=batches[..., ::2].shape)
        batches[..., ::2] = len(images) + chosen
        images = np.concatenate([images, strangers.images])
    return training.Unlabelled(
        images, batches[:, slice(*steps)].astype(np.int32), _prior(settings, data)
    )


def _draw_unlabelled(
    settings: Settings, data: datasets.Dataset, own: np.ndarray, seed: int
) -> np.ndarray:
    """Return the images of each step, as positions in the training part, (steps, batch size)."""
    if settings.class_shares is None:
        return own[training.draw_batches(len(own), UNLABELLED_BATCH_SIZE, settings.steps, seed)]
    shares = _of_each_class("class_shares", settings.class_shares, data)
    labels = data.train.labels[own]
    chances = shares[labels] / np.bincount(labels, minlength=len(shares))[labels]
    random = np.random.default_rng(seed)
    size = (settings.steps, UNLABELLED_BATCH_SIZE)
    return random.choice(own, size, p=chances / chances.sum())


def _prior(settings: Settings, data: datasets.Dataset) -> np.ndarray:
    """Return how often each class is expected, (classes,)."""
    classes = len(data.class_names)
    if settings.class_prior is None:
        return np.full(classes, 1 / classes)
    return _of_each_class("class_prior", settings.class_prior, data)


def _of_each_class(name: str, shares: tuple[float, ...], data: datasets.Dataset) -> np.ndarray:
    if len(shares) != len(data.class_names):
        raise WorkbookError(
            f"{name} has {len(shares)} shares, but {data.name!r} has {len(data.class_names)} "
            "classes: give one for each."
        )
    return np.array(shares)


def _diagnose(
    settings: Settings, tasks: dict[str, Target], network: Network, weights: Weights
) -> dict[str, information.Diagnosis]:
    """Look for a collapse on validation images, which nobody has learnt by heart."""
    if not (settings.information or settings.agreement):
        return {}
    found = {}
    for name, task in tasks.items():
        data = network.features[name].train
        looked = task.choices[0].validation
        logits = training.predict(network.model, weights, data.images[looked], name)
        found[name] = information.diagnose(logits, _prior(settings, task.data))
        if found[name].collapsed.any():
            warnings.warn(f"{name}: {found[name]}", stacklevel=2)
    return found


def _test(
    settings: Settings, tasks: dict[str, Target], network: Network, weights: Weights, start: float
) -> Result:
    probabilities, accuracy = on_test_images(network, weights)
    return Result(
        settings,
        accuracy,
        validation=validate(tasks, network, weights),
        probabilities=probabilities,
        diagnostics=_diagnose(settings, tasks, network, weights),
        seconds=time.perf_counter() - start,
    )


def on_test_images(
    network: Network, weights: Weights
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return for each task the probabilities, (seeds, n, classes), and the accuracy, (seeds,).

    Args:
        network: from `transfer`.
        weights: each (seeds, ...).
    """
    probabilities, accuracy = {}, {}
    for name, data in network.features.items():
        logits = training.predict(network.model, weights, data.test.images, name)
        probabilities[name] = _probabilities(logits)
        accuracy[name] = np.mean(logits.argmax(axis=-1) == data.test.labels, axis=1)
    return probabilities, accuracy


def validate(
    tasks: dict[str, Target], network: Network, weights: Weights, most: int | None = None
) -> dict[str, np.ndarray]:
    """Return for each task each seed's accuracy on its own validation images, shape (seeds,).

    Args:
        tasks: from `choose_tasks`.
        network: from `transfer`.
        weights: each (seeds, ...).
        most: look at no more than so many images.
    """
    looks = _look(tasks, network, weights, most)
    return {name: look.accuracy for name, look in looks.items()}


def _look(
    tasks: dict[str, Target], network: Network, weights: Weights, most: int | None
) -> dict[str, _Look]:
    found = {}
    for name, task in tasks.items():
        data = network.features[name].train
        chosen = np.stack([choice.validation[:most] for choice in task.choices])
        by_seed = [
            training.predict(
                network.model,
                [weight[seed : seed + 1] for weight in weights],
                data.images[own],
                name,
            )
            for seed, own in enumerate(chosen)
        ]
        found[name] = _Look(_probabilities(np.concatenate(by_seed)), data.labels[chosen])
    return found


def _probabilities(logits: np.ndarray) -> np.ndarray:
    from scipy.special import softmax

    return softmax(logits, axis=-1)


def _check_fit(settings: Settings) -> None:
    """Refuse datasets that one network cannot see."""
    others = [name for name in (settings.source, settings.strangers) if name]
    names = [*settings.targets, *others]
    channels = {name: datasets.describe(name).channels for name in names}
    wanted = channels[names[0]]
    for name, number in channels.items():
        if number != wanted:
            raise WorkbookError(
                f"{names[0]!r} has {wanted} colour channels and {name!r} has {number}, but one "
                "network sees them all: choose datasets with the same number, or read a folder of "
                "your own with grey=True."
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


def as_lists(arrays: dict[str, np.ndarray]) -> dict[str, list[float]]:
    """Return arrays, (seeds,) each, as plain values that JSON can hold."""
    return {name: [float(value) for value in values] for name, values in arrays.items()}
