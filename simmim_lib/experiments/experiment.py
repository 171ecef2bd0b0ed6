"""One experiment: settings in, accuracies out."""

import functools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from simmim_lib import training
from simmim_lib.experiments.evaluation import (
    ValidationLook,
    diagnose,
    look,
    on_test_images,
)
from simmim_lib.experiments.examples import plan_stage
from simmim_lib.experiments.kept_models import Trained
from simmim_lib.experiments.network import Network, build_network
from simmim_lib.experiments.pretrained import Pretrained
from simmim_lib.experiments.pretraining import pretrained
from simmim_lib.experiments.result import Result
from simmim_lib.experiments.stopping import until_no_better, validation_loss
from simmim_lib.experiments.tasks import Target, choose_tasks
from simmim_lib.foundation import keras_setup
from simmim_lib.foundation.progress import Progress, in_parts, progress_bar
from simmim_lib.settings import Settings, Stage
from simmim_lib.trunks import Weights


def run(
    settings: Settings,
    *,
    baseline: bool = True,
    progress: Progress | None = None,
    source: Pretrained | None = None,
    tasks: dict[str, Target] | None = None,
) -> Result:
    """Take the four steps for all targets at once, and test.

    Args:
        settings: the experiment.
        baseline: whether to train each target from scratch as well, for comparison.
        progress: called with steps done and steps in all; a bar by default.
        source: a network to copy from, such as one that was trained for a minute only, in place of
            the one that the settings name.
        tasks: what is learnt from, such as what `choose_tasks` gives with some images added; a
            baseline has the settings' own.

    Returns:
        The result.

    Raises:
        WorkbookError: a dataset that is unknown, has too few images, or does not fit the others; a
            Keras that cannot be used.
    """
    keras_setup.load_keras()  # before TensorFlow, which stumbles over the same file without a word
    plans = [settings]
    if baseline and settings.baseline != "none" and settings.source is not None:
        plans += settings.each_from_scratch()
    with progress_bar("Adapting") as bar:
        parts = in_parts(progress or bar, len(plans))
        result = _run_one(settings, parts(), source, tasks)
        scratch = [_run_one(plan, parts()) for plan in plans[1:]]
    found = {target: each.accuracy[target] for each in scratch for target in each.accuracy}
    seconds = result.seconds + sum(each.seconds for each in scratch)
    return replace(result, baseline=found, seconds=seconds)


def _run_one(
    settings: Settings,
    progress: Progress,
    source: Pretrained | None = None,
    tasks: dict[str, Target] | None = None,
) -> Result:
    tasks = tasks or choose_tasks(settings)
    source = source or initialise(settings)
    start = time.perf_counter()
    network = transfer(settings, tasks, source)
    weights = training.last(maximise_information(settings, tasks, network, progress))
    return _test(settings, tasks, network, weights, start)


SIDE_BY_SIDE = 1_000_000
"""Numbers that training changes in one copy, up to which all seeds' copies are trained at once."""

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
        result: its outcome, when it is done.
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
    steps, weights = [0], network.in_units(network.weights)

    def tell(done: int, total: int) -> None:
        steps.append(done)
        if progress:
            progress(done, total)

    accuracies: dict[str, list[np.ndarray]] = {name: [] for name in settings.targets}
    course = _course(settings, steps, accuracies, look(tasks, network, weights, WATCHED))
    yield course
    for weights in maximise_information(settings, tasks, network, tell):
        course = _course(settings, steps, accuracies, look(tasks, network, weights, WATCHED))
        yield course
    yield replace(course, result=_test(settings, tasks, network, weights, start))


def _course(
    settings: Settings,
    steps: list[int],
    accuracies: dict[str, list[np.ndarray]],
    seen: dict[str, ValidationLook],
) -> Course:
    """Add what was seen last to the accuracies, and return the course so far."""
    for name, each in seen.items():
        accuracies[name].append(each.accuracy)
    return Course(
        settings,
        np.array(steps),
        {name: np.stack(each) for name, each in accuracies.items()},
        {name: each.probabilities for name, each in seen.items()},
        {name: each.labels for name, each in seen.items()},
    )


def initialise(settings: Settings) -> Pretrained | None:
    """Step 2: train a network on the source task, or fetch it where that was done before."""
    if settings.source is None:
        return None
    return pretrained(settings.source, settings.trunk, settings.pretext)


def transfer(settings: Settings, tasks: dict[str, Target], source: Pretrained | None) -> Network:
    """Step 3: copy the source's first layers into one network with a head for each task."""
    return build_network(settings, tasks, source, settings.depth)


def maximise_information(
    settings: Settings,
    tasks: dict[str, Target],
    network: Network,
    progress: Progress | None = None,
) -> Iterator[Weights]:
    """Step 4: train on the weighted sum of all tasks' losses.

    Lower cross-entropy means more information about the labels: their entropy minus the
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
        DivergedError: a loss became NaN or infinite.

    Source: Barber and Agakov 2003, "The IM Algorithm", for the bound.
    """
    tell = progress or (lambda done, total: None)
    start = network.weights
    for stage in settings.stages:
        for weights in _train(settings, tasks, network, start, stage, tell):
            yield network.in_units(weights)
        start = weights


def _train(
    settings: Settings,
    tasks: dict[str, Target],
    network: Network,
    weights: Weights,
    stage: Stage,
    progress: Progress,
) -> Iterator[Weights]:
    """Do the training steps of a stage, and yield the whole network's weights.

    Where more blocks are frozen than at the end, the others' features are computed once, and what
    is trained behind them is put in its place in the network.
    """
    if stage.frozen == network.architecture.trunk.frozen:
        yield from _do_steps(settings, tasks, network, stage, weights, progress)
        return
    shorter = build_network(settings, tasks, network.source, stage.frozen)
    # A head's first weights depend on how many blocks are trained with it.
    start = shorter.weights if stage.first == 0 else network.part_for(weights, shorter)
    for trained in _do_steps(settings, tasks, shorter, stage, start, progress):
        yield network.with_trained(weights, shorter, trained)


def _do_steps(
    settings: Settings,
    tasks: dict[str, Target],
    network: Network,
    stage: Stage,
    weights: Weights,
    progress: Progress,
) -> Iterator[Weights]:
    """Train the copies of all seeds: at once, or large ones one after the other.

    Side by side, large copies would need many times the memory, and gain no speed.
    """
    plan = plan_stage(settings, tasks, network, stage)
    large = network.architecture.trained > SIDE_BY_SIDE
    groups = [[seed] for seed in range(settings.seeds)] if large else [[*range(settings.seeds)]]

    def tell(position: int, done: int, total: int) -> None:
        of_stage = (position * stage.steps + done) // len(groups)
        progress(stage.first + of_stage, settings.steps)

    weights = list(weights)
    for position, seeds in enumerate(groups):
        steps = training.step_by_step(
            network.model,
            [weight[seeds] for weight in weights],
            [examples.of_seeds(seeds) for examples in plan.examples],
            replace(plan.options, first_seed=seeds[0]),
            functools.partial(tell, position),
        )
        loss = functools.partial(validation_loss, tasks, network, seeds=seeds)
        for trained in until_no_better(steps, loss, settings.patience):
            weights = [_with_seeds(*each, seeds) for each in zip(weights, trained, strict=True)]
            yield weights


def _with_seeds(whole: np.ndarray, part: np.ndarray, seeds: list[int]) -> np.ndarray:
    """Return weights, (seeds, ...), in which some seeds' are replaced."""
    if len(part) == len(whole):
        return part
    changed = whole.copy()
    changed[seeds] = part
    return changed


def _test(
    settings: Settings, tasks: dict[str, Target], network: Network, weights: Weights, start: float
) -> Result:
    probabilities, scores = on_test_images(network, weights)
    looks = look(tasks, network, weights)
    return Result(
        settings,
        scores,
        validation={name: each.accuracy for name, each in looks.items()},
        probabilities=probabilities,
        looks=looks,
        diagnostics=diagnose(settings, tasks, looks),
        seconds=time.perf_counter() - start,
        trained=_trained(settings, tasks, network, weights),
    )


def _trained(
    settings: Settings, tasks: dict[str, Target], network: Network, weights: Weights
) -> Trained:
    images = {name: task.data.train.images.shape[1:] for name, task in tasks.items()}
    info, source = settings.trunk_info, network.source
    return Trained(info.name, network.architecture, source, images, weights, info.state)
