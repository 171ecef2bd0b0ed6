"""The examples of an experiment: which images each step of each seed sees."""

from typing import TYPE_CHECKING

import numpy as np

from simmim_lib import datasets, information, training
from simmim_lib.errors import WorkbookError
from simmim_lib.experiments.network import frozen_features
from simmim_lib.experiments.tasks import Target
from simmim_lib.settings import Settings

if TYPE_CHECKING:
    pass

BATCH_SIZE = 32


UNLABELLED_BATCH_SIZE = 128


def draw_examples(
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
        _unlabelled(settings, task, data, steps) if recipe(settings) else None,
    )


def recipe(settings: Settings) -> information.Recipe | None:
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
    if settings.foreign_images:
        foreign = frozen_features(
            settings.source, settings.frozen_layers, settings.foreign_images
        ).train
        chosen = np.random.default_rng(0).integers(len(foreign), size=batches[..., ::2].shape)
        batches[..., ::2] = len(images) + chosen
        images = np.concatenate([images, foreign.images])
    return training.Unlabelled(
        images, batches[:, slice(*steps)].astype(np.int32), class_prior(settings, data)
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


def class_prior(settings: Settings, data: datasets.Dataset) -> np.ndarray:
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
