"""The target tasks of an experiment: their data, and which images each seed may use."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simmim_lib import datasets
from simmim_lib.errors import WorkbookError, shown
from simmim_lib.experiments.pretexts import PRETEXTS
from simmim_lib.settings import Settings
from simmim_lib.training import devices
from simmim_lib.trunks import PUBLISHED, TRUNKS, Trunk


@dataclass(frozen=True, eq=False)
class Target:
    """A target task: its data, and which of the training images each seed may use."""

    data: datasets.Dataset
    choices: list[datasets.Choice]


def scales_of(regressions: Sequence[Target]) -> np.ndarray:
    """Return mean and standard deviation of each seed's labelled numbers, (2, seeds, columns).

    Regressions learn numbers in these units, so that one in thousands does not drown other tasks.

    Args:
        regressions: those with one head, which gives all their numbers, so in the same units.
    """
    by_seed = [
        np.concatenate(
            [
                each.data.train.labels[choice.labelled]
                for each, choice in zip(regressions, of_seed, strict=True)
            ]
        )
        for of_seed in zip(*(each.choices for each in regressions), strict=True)
    ]
    means = np.stack([labels.mean(axis=0) for labels in by_seed])
    deviations = np.stack([labels.std(axis=0) for labels in by_seed])
    return np.stack([means, np.where(deviations > 0, deviations, 1.0)])


def choose_tasks(settings: Settings) -> dict[str, Target]:
    """Step 1: choose the target tasks, and draw each seed's few labelled images of each.

    Raises:
        WorkbookError: a dataset that is unknown, has too few images, or does not fit the others.
    """
    datasets.check_distinct(settings.targets)
    _check_fit(settings)
    # Machines find each other now, before anything is computed, or not at all.
    devices.strategy(settings.strategy)
    tasks = {}
    for target, labels_per_class in settings.labels_of.items():
        data = datasets.load(target, settings.image_size)
        seeds = range(settings.seeds)
        choices = [datasets.choose(data, labels_per_class, seed) for seed in seeds]
        tasks[target] = Target(data, choices)
    return tasks


def knows_classes(source: str | None, pretext: str, target: str) -> bool:
    """Tell whether a source's head can read all classes of a target.

    Published weights come without a head, and so does what was learnt without labels.
    """
    if source in (None, *PUBLISHED) or not PRETEXTS[pretext].has_head:
        return False
    known = datasets.describe(source).class_names
    return set(datasets.describe(target).class_names) <= set(known)


def check_content(trunk: Trunk, dataset: str) -> None:
    """Refuse texts for a trunk that takes images, and the other way."""
    content = datasets.describe(dataset).content
    if content != trunk.takes:
        fitting = [name for name, other in TRUNKS.items() if other.takes == content]
        raise WorkbookError(
            f"{shown(dataset)} holds {content}, but the trunk {shown(trunk.name)} takes "
            f"{trunk.takes}: choose other datasets, or a trunk for {content}, such as "
            f"{shown(fitting[0])}."
        )


def _check_fit(settings: Settings) -> None:
    """Refuse datasets that one network cannot see."""
    for name in settings.datasets:
        check_content(settings.trunk_info, name)
    for name in settings.targets:
        if not datasets.describe(name).class_names:
            raise WorkbookError(
                f"{shown(name)} has no classes to tell apart: use it as a source, or choose "
                "another target."
            )
    if settings.trunk_info.colour or settings.trunk_info.takes == "texts":
        return  # grey images are repeated
    first = settings.targets[0]
    channels = {
        name: datasets.image_shape(name, settings.image_size)[2] for name in settings.datasets
    }
    wanted = channels[first]
    for name, number in channels.items():
        if number != wanted:
            raise WorkbookError(
                f"{shown(first)} has {wanted} colour channels and {shown(name)} has {number}, but "
                "one network sees them all: choose datasets with the same number, read a folder of "
                "your own as folder:PATH?grey=yes, or use trunk='efficientnet-lite0', which takes "
                "both."
            )
