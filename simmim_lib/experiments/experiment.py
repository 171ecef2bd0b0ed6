"""One experiment: settings in, accuracies out."""

import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from simmim_lib import information, training
from simmim_lib.experiments.examples import class_prior, draw_examples, recipe
from simmim_lib.experiments.network import ALL_LAYERS, Network, build_network
from simmim_lib.experiments.result import Result
from simmim_lib.experiments.sources import Pretrained, pretrained
from simmim_lib.experiments.tasks import Target, choose_tasks
from simmim_lib.foundation.progress import Progress, in_parts, progress_bar
from simmim_lib.settings import Settings
from simmim_lib.trunks import Weights

if TYPE_CHECKING:
    pass


def run(settings: Settings, *, baseline: bool = True, progress: Progress | None = None) -> Result:
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
    with progress_bar("Adapting") as bar:
        parts = in_parts(progress or bar, len(plans))
        result, *scratch = [_run_one(plan, parts()) for plan in plans]
    found = {target: each.accuracy[target] for each in scratch for target in each.accuracy}
    seconds = result.seconds + sum(each.seconds for each in scratch)
    return replace(result, baseline=found, seconds=seconds)


def _run_one(settings: Settings, progress: Progress) -> Result:
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


def follow(settings: Settings, progress: Progress | None = None) -> Iterator[Course]:
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


def initialise(settings: Settings) -> Pretrained | None:
    """Step 2: train a network on the source task, or fetch it where that was done before."""
    return None if settings.source is None else pretrained(settings.source)


def transfer(settings: Settings, tasks: dict[str, Target], source: Pretrained | None) -> Network:
    """Step 3: copy the source's first layers into one network with a head for each task."""
    return build_network(settings, tasks, source, settings.frozen_layers)


def maximise_information(
    settings: Settings,
    tasks: dict[str, Target],
    network: Network,
    progress: Progress | None = None,
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
        probe = build_network(settings, tasks, initialise(settings), ALL_LAYERS)
        for heads in _train(settings, tasks, probe, probe.weights, (0, done), tell):
            weights = [*weights[: -len(heads)], *heads]
            yield weights
    yield from _train(settings, tasks, network, weights, (done, settings.steps), tell)


def _train(
    settings: Settings,
    tasks: dict[str, Target],
    network: Network,
    weights: Weights,
    steps: tuple[int, int],
    progress: Progress,
) -> Iterator[Weights]:
    """Do the training steps from `steps[0]` to `steps[1]`, of all that the settings ask for."""
    first, last = steps
    rates = training.learning_rates(settings.schedule, settings.learning_rate, settings.steps)
    return training.step_by_step(
        network.model,
        weights,
        [draw_examples(settings, tasks[name], network.features[name], steps) for name in tasks],
        training.Options(
            optimizer=settings.optimizer,
            learning_rate=rates[first:last],
            task_weights=settings.task_weights,
            weighting=settings.weighting,
            recipe=recipe(settings),
            strategy=settings.strategy,
        ),
        lambda done, _: progress(first + done, settings.steps),
    )


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
        found[name] = information.diagnose(logits, class_prior(settings, task.data))
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
