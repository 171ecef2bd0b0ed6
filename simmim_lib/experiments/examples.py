"""The examples of an experiment: which images each step of each seed sees, known beforehand."""

from dataclasses import dataclass

import numpy as np

from simmim_lib import datasets, information, training
from simmim_lib.augmentation import AffineViews, WordDropout
from simmim_lib.errors import WorkbookError, shown
from simmim_lib.experiments.network import Network
from simmim_lib.experiments.tasks import Target
from simmim_lib.settings import Settings, Stage

UNLABELLED_BATCH_SIZE = 128


@dataclass(frozen=True, eq=False)
class StagePlan:
    """All that one stage of an experiment's training does, decided before any of it is done.

    Attributes:
        stage: which blocks are frozen, and for which steps.
        examples: for each task what each step sees.
        options: optimizer, learning rates and more.
    """

    stage: Stage
    examples: list[training.Examples]
    options: training.Options


def plan_stage(
    settings: Settings, tasks: dict[str, Target], network: Network, stage: Stage
) -> StagePlan:
    """Return which examples each step of a stage sees, and with which learning rate it is done.

    Args:
        settings: of the experiment.
        tasks: from `choose_tasks`.
        network: as it is trained in this stage.
        stage: one of the settings'.

    Raises:
        WorkbookError: no image is left that could be learnt from without its label.
    """
    rates = training.learning_rates(settings.schedule, settings.learning_rate, settings.steps)
    options = training.Options(
        optimizer=settings.optimizer,
        learning_rate=rates[stage.first : stage.last],
        task_weights=settings.task_weights,
        weighting=settings.weighting,
        recipe=_recipe(settings),
        strategy=settings.strategy,
        slow=network.copied,
        slow_rate=_copied_rates(settings, network),
    )
    examples = [_examples(settings, task, network, stage) for task in tasks.values()]
    return StagePlan(stage, examples, options)


def _copied_rates(settings: Settings, network: Network) -> list[float]:
    """Return the size of the steps of each copied weight, as a factor, in the order of `copied`.

    Source: Bao et al. 2022, "BEiT", and the authors' code of SimMIM, for smaller steps of earlier
        layers.
    """
    places, blocks = network.architecture.positions, settings.trunk_info.blocks
    factors = {
        position: settings.trunk_learning_rate * settings.layer_decay ** (len(blocks) - number)
        for number, name in enumerate(blocks)
        for position in places.get(name, ())
    }
    return [factors[position] for position in network.copied]


def _recipe(settings: Settings) -> information.Recipe | None:
    """Return how examples are changed, and how unlabelled ones are learnt from."""
    if not (settings.learns_unlabelled or settings.augmentation):
        return None
    return information.Recipe(
        information=settings.information,
        spread=settings.spread,
        agreement=settings.agreement,
        confidence=settings.confidence,
        ramp=max(1, round(settings.ramp * settings.steps)),
        augmentation=settings.augmentation,
        views=WordDropout() if settings.trunk_info.takes == "texts" else AffineViews(),
    )


def _examples(
    settings: Settings, task: Target, network: Network, stage: Stage
) -> training.Examples:
    """Return a task's examples of all seeds, and which of them each step sees."""
    part = network.features[task.data.name].train
    by_seed = [choice.labelled for choice in task.choices]
    size = _batch_size(settings.batch_size, by_seed)
    batches = [
        _draw_labelled(settings, task.data, labelled, size, seed)
        for seed, labelled in enumerate(by_seed)
    ]
    labelled = _as_many(by_seed)
    return training.Examples(
        part.images[labelled],
        network.scaled(task.data.name, part.labels[labelled]),
        np.stack(batches)[:, stage.first : stage.last],
        _unlabelled(settings, task, network, stage) if settings.learns_unlabelled else None,
    )


def _draw_labelled(
    settings: Settings, data: datasets.Dataset, labelled: np.ndarray, size: int, seed: int
) -> np.ndarray:
    """Return the images of each step, as positions among the labelled, (steps, batch size).

    Balanced classes are drawn at random, each as often as the others: in the mean that is the loss
    in which each class has the same weight, and no step has a single huge one.

    Raises:
        WorkbookError: there are no classes to balance.
    """
    if settings.class_weights == "none" or not len(labelled):
        return training.draw_batches(len(labelled), size, settings.steps, seed)
    if data.kind != "classification":
        raise WorkbookError(
            f"class_weights=balanced is for images of one class each, but {shown(data.name)} is of "
            f"the kind {data.kind}: leave class_weights out."
        )
    alike, shape = np.ones(len(data.class_names)), (settings.steps, size)
    return _draw_by_class(data.train.labels[labelled], alike, shape, seed).astype(np.int32)


def _draw_by_class(
    labels: np.ndarray, shares: np.ndarray, shape: tuple[int, int], seed: int
) -> np.ndarray:
    """Draw positions among labels, each class as often as its share says, (classes,)."""
    chances = shares[labels] / np.bincount(labels, minlength=len(shares))[labels]
    return np.random.default_rng(seed).choice(len(labels), shape, p=chances / chances.sum())


def _batch_size(wanted: int, by_seed: list[np.ndarray]) -> int:
    """Return how many examples a batch has: not more than any seed has, as all are stacked."""
    return min(wanted, *map(len, by_seed))


def _as_many(by_seed: list[np.ndarray]) -> np.ndarray:
    """Return the positions of each seed's examples, (seeds, n); what fills up is in no batch."""
    most = max(map(len, by_seed))
    return np.stack([np.pad(each, (0, most - len(each))) for each in by_seed])


def _unlabelled(
    settings: Settings, task: Target, network: Network, stage: Stage
) -> training.Unlabelled:
    """Return the training images without a label, and which of them each step sees."""
    rest = [choice.unlabelled for choice in task.choices]
    size = _batch_size(UNLABELLED_BATCH_SIZE, rest)
    if not size:
        raise WorkbookError(
            f"Every training image of {shown(task.data.name)} is labelled or kept for validation, "
            "so none is left to learn from without its label: lower labels_per_class."
        )
    features = network.features[task.data.name].train.images
    batches = np.stack(
        [
            _draw_unlabelled(settings, task.data, images, size, seed)
            for seed, images in enumerate(rest)
        ]
    )
    if settings.foreign_images:
        foreign = network.features_of(
            datasets.load(settings.foreign_images, settings.image_size)
        ).train
        chosen = np.random.default_rng(0).integers(len(foreign), size=batches[..., ::2].shape)
        batches[..., ::2] = len(features) + chosen
        features = np.concatenate([features, foreign.images])
    batches = batches[:, stage.first : stage.last].astype(np.int32)
    return training.Unlabelled(features, batches, class_prior(settings, task.data))


def _draw_unlabelled(
    settings: Settings, data: datasets.Dataset, images: np.ndarray, size: int, seed: int
) -> np.ndarray:
    """Return the images of each step, as positions in the training part, (steps, batch size)."""
    if settings.class_shares is None:
        return images[training.draw_batches(len(images), size, settings.steps, seed)]
    labels = data.train.labels[images]
    shares = _class_shares(settings.class_shares, data, labels)
    return images[_draw_by_class(labels, shares, (settings.steps, UNLABELLED_BATCH_SIZE), seed)]


def _class_shares(
    asked: tuple[float, ...], data: datasets.Dataset, labels: np.ndarray
) -> np.ndarray:
    """Return the share of each class among the unlabelled images shown, (classes,).

    Args:
        asked: what the settings say.
        data: the target.
        labels: of the unlabelled images, (n,), which only the draw may see.

    Raises:
        WorkbookError: there is not one share for each class, or no image left of a class that is to
            be shown.
    """
    if data.kind != "classification":
        raise WorkbookError(
            f"class_shares is for images of one class each, but {shown(data.name)} is of "
            f"the kind {data.kind}: leave class_shares out."
        )
    shares = _of_each_class("class_shares", asked, data)
    left = np.bincount(labels, minlength=len(shares))
    for name, share, images in zip(data.class_names, shares, left, strict=True):
        if share and not images:
            raise WorkbookError(
                f"class_shares asks for {share:g} of class {shown(name)} of {shown(data.name)}, "
                "but all of its training images are labelled or kept for validation: lower "
                "labels_per_class, or ask for a share of 0."
            )
    return shares


def class_prior(settings: Settings, data: datasets.Dataset) -> np.ndarray:
    """Return how often each class is expected, (classes,)."""
    classes = len(data.class_names)
    if settings.class_prior is None:
        return np.full(classes, 1 / classes)
    return _of_each_class("class_prior", settings.class_prior, data)


def _of_each_class(name: str, shares: tuple[float, ...], data: datasets.Dataset) -> np.ndarray:
    if len(shares) != len(data.class_names):
        raise WorkbookError(
            f"{name} has {len(shares)} shares, but {shown(data.name)} has {len(data.class_names)} "
            "classes: give one for each."
        )
    return np.array(shares)
