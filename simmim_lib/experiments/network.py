"""The network of an experiment: built once from its settings, and handed on."""

import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

import simmim_lib
from simmim_lib import datasets, training, trunks
from simmim_lib.errors import WorkbookError
from simmim_lib.experiments.sources import Pretrained, pretrained
from simmim_lib.experiments.tasks import Target, knows_classes
from simmim_lib.settings import FREEZABLE_LAYERS, Settings
from simmim_lib.trunks import Weights, build_trunk, split

if TYPE_CHECKING:
    import keras
if TYPE_CHECKING:
    from simmim_lib.simmim import SimMIM, Task


@functools.cache
def joint_network(
    tasks: "tuple[Task, ...]",
    shared_heads: bool = False,
    frozen_layers: int = 0,
    channels: int = 1,
) -> "tuple[keras.Model, SimMIM]":
    """Return the frozen front of the workbook's trunk, and a SimMIM model of all behind it.

    Built once in a process and used like `network`, with the weights passed beside it.

    Args:
        tasks: what the heads predict.
        shared_heads: whether tasks with the same label space have one head in common.
        frozen_layers: how many layers with weights the front has, 0 or more; at most all of the
            trunk's.
        channels: 1 for grey images, 3 for colour.
    """
    from simmim_lib.simmim import SimMIM

    front, back = split(build_trunk(channels), frozen_layers)
    return front, SimMIM(back, tasks, shared_heads)


WEIGHTS_A_LAYER = 2  # a kernel and a bias


ALL_LAYERS = len(FREEZABLE_LAYERS)


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


def build_network(
    settings: Settings, tasks: dict[str, Target], source: Pretrained | None, frozen_layers: int
) -> Network:
    """Build the network of an experiment, cut behind its frozen layers, its weights copied."""
    depth = ALL_LAYERS if settings.adaptation == "probe" else frozen_layers
    specifications = tuple(
        simmim_lib.Task(name, task.data.class_names) for name, task in tasks.items()
    )
    some = next(iter(tasks.values())).data.train.images
    _, model = joint_network(specifications, settings.shared_heads, depth, channels=some.shape[-1])
    copied = source.trunk_weights if source else []
    copied = copied[WEIGHTS_A_LAYER * depth : WEIGHTS_A_LAYER * settings.copied_layers]
    by_seed = [
        copied + trunks.fresh_weights(model, seed)[len(copied) :] for seed in range(settings.seeds)
    ]
    for group in model.head_groups:
        if not any(settings.labels_of[name] for name in group):
            _copy_head(by_seed, model, group[0], source)
    return Network(
        model,
        {name: frozen_features(settings.source, depth, name) for name in tasks},
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


@functools.lru_cache(maxsize=12)
def frozen_features(source: str | None, frozen_layers: int, target: str) -> datasets.Dataset:
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
    front, _ = trunks.classifier(len(data.class_names), frozen_layers, channels)
    weights = [weight[None] for weight in pretrained(source).weights[: len(front.weights)]]

    def of(part: datasets.Part) -> datasets.Part:
        return datasets.Part(training.predict(front, weights, part.images)[0], part.labels)

    return replace(data, train=of(data.train), test=of(data.test))
