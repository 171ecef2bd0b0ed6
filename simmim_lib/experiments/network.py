"""The network of an experiment: built once from its settings, and handed on."""

import functools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simmim_lib import datasets, trunks
from simmim_lib.errors import WorkbookError, shown
from simmim_lib.experiments.features import fitted, frozen_features, tokenized
from simmim_lib.experiments.pretrained import Pretrained
from simmim_lib.experiments.tasks import Target, knows_classes, scales_of
from simmim_lib.settings import Settings
from simmim_lib.trunks import Blocks, CutTrunk, Weights
from simmim_lib.trunks.building import ImageShape
from simmim_lib.trunks.catalogue import SMALL_CNN

if TYPE_CHECKING:
    import keras

    from simmim_lib.simmim import SimMIM, Task


@dataclass(frozen=True)
class Block:
    """A part of a network, as drawings and tables show it.

    Attributes:
        name: of a block of the trunk, or of the targets whose head it is.
        shape: of its output for one image: (height, width, maps) or (units,).
        parameters: how many numbers it has.
        frozen: whether they stay as they were copied.
    """

    name: str
    shape: tuple[int, ...]
    parameters: int
    frozen: bool


@dataclass(frozen=True, eq=False)
class Architecture:
    """The layers of an experiment's network, without weights.

    Attributes:
        trunk: in two parts; only the second is trained.
        model: this part, with a head for each target.
        size: the height and width at which the trunk looks at images.
        name: of the whole trunk.
    """

    trunk: CutTrunk
    model: "SimMIM"
    size: int
    name: str = SMALL_CNN.name

    @property
    def front(self) -> "keras.Model":
        """The frozen part of the trunk."""
        return self.trunk.front

    @property
    def trained(self) -> int:
        """How many numbers training changes, of one seed."""
        return _count(self.model.trainable_variables)

    @property
    def frozen(self) -> int:
        """How many numbers stay as they were copied, of one seed."""
        return _count(self.front.weights)

    @property
    def positions(self) -> dict[str, list[int]]:
        """Where in `model.weights` each trained block is, by its name, and each head."""
        blocks = [*self.trunk.variables.items()][self.trunk.frozen :]
        heads = [
            (_name_of_head(group), self.model.head_of(group[0]).weights)
            for group in self.model.head_groups
        ]
        return {name: trunks.positions(self.model, variables) for name, variables in blocks + heads}

    @property
    def blocks(self) -> list[Block]:
        """The blocks of the trunk, first to last."""
        return [
            Block(
                name,
                self.trunk.shapes[name],
                _count(variables),
                frozen=position < self.trunk.frozen,
            )
            for position, (name, variables) in enumerate(self.trunk.variables.items())
        ]

    @property
    def heads(self) -> dict[tuple[str, ...], Block]:
        """The heads, each by the targets that it serves."""
        return {
            tuple(group): Block(
                _name_of_head(group),
                (self.model.head_of(group[0]).units,),
                _count(self.model.head_of(group[0]).weights),
                frozen=False,
            )
            for group in self.model.head_groups
        }


def _name_of_head(targets: Sequence[str]) -> str:
    return "head of " + " and ".join(targets)


def _count(variables: "Iterable[keras.Variable]") -> int:
    return sum(math.prod(variable.shape) for variable in variables)


def architecture(settings: Settings, frozen: int | None = None) -> Architecture:
    """Return the layers of an experiment's network; nothing is loaded for it.

    Args:
        settings: of the experiment.
        frozen: how many blocks are frozen; by default as many as at the end of the training.

    Raises:
        WorkbookError: a target that is unknown.
    """
    from simmim_lib.simmim import Task

    entries = [datasets.describe(target) for target in settings.targets]
    tasks = tuple(Task(entry.name, entry.class_names, entry.kind) for entry in entries)
    depth = settings.depth if frozen is None else frozen
    size = settings.image_size
    shapes = {_shape_of(target, settings) for target in settings.targets}
    # Where images differ, each dataset's are fitted beforehand.
    images = shapes.pop() if len(shapes) == 1 else wanted_images(settings)
    return build_architecture(tasks, settings.shared_heads, depth, settings.trunk, images, size)


def _shape_of(target: str, settings: Settings) -> ImageShape:
    """Return the shape of what the network is given of a target."""
    if settings.trunk_info.takes == "texts":
        return (settings.image_size,)
    return datasets.image_shape(target, settings.image_size)


def wanted_images(settings: Settings) -> ImageShape:
    """Return the shape of the images that the trunk looks at."""
    first = datasets.image_shape(settings.targets[0], settings.image_size)
    channels = 3 if settings.trunk_info.colour else first[2]
    return settings.image_size, settings.image_size, channels


def build_architecture(
    tasks: "tuple[Task, ...]",
    shared_heads: bool = False,
    frozen: int = 0,
    trunk: str = SMALL_CNN.name,
    images: ImageShape = (28, 28, 1),
    size: int = SMALL_CNN.size,
) -> Architecture:
    """Return a trunk, cut, with a SimMIM model of all that is trained.

    Built once in a process, unless the trunk's file changes: it describes the computation, and the
    weights are passed beside it (`stateless_call`), so that many experiments use the same models,
    and what was compiled for them.

    Args:
        tasks: what the heads predict.
        shared_heads: whether tasks with the same label space have one head in common.
        frozen: how many blocks are frozen.
        trunk: its name.
        images: the shape of the images that are given.
        size: the height and width at which the trunk looks at them.
    """
    parts = trunks.cut_trunk(frozen, trunk, images, size)
    return _with_heads(parts, tasks, shared_heads, size, trunk)


@functools.cache
def _with_heads(
    parts: CutTrunk, tasks: "tuple[Task, ...]", shared_heads: bool, size: int, name: str
) -> Architecture:
    from simmim_lib.simmim import SimMIM

    return Architecture(parts, SimMIM(parts.back, tasks, shared_heads), size, name)


@dataclass(frozen=True, eq=False)
class Network:
    """One network for all targets, in as many copies as there are seeds.

    Attributes:
        architecture: its layers.
        source: what its blocks were copied from.
        features: for each target its dataset, the images replaced by what the frozen blocks make
            of them.
        weights: those that training starts from, in the order of `model.weights`, each (seeds,
            ...).
        copied: where in `model.weights` those are that were copied from the source's trunk.
        scales: of each regression, in which units it is learnt, see `scales_of`.
    """

    architecture: Architecture
    source: Pretrained | None
    features: dict[str, datasets.Dataset]
    weights: Weights
    copied: tuple[int, ...]
    scales: dict[str, np.ndarray]

    @property
    def model(self) -> "SimMIM":
        """The part that is trained; its own weights are not used."""
        return self.architecture.model

    def with_trained(self, weights: Weights, other: "Network", trained: Weights) -> Weights:
        """Return weights in which all that another network has trained is put in its place.

        Args:
            weights: of this network, each (seeds, ...).
            other: of the same experiment, with as many blocks frozen or more.
            trained: its weights, each (seeds, ...).
        """
        weights, places = list(weights), self.architecture.positions
        for part, positions in other.architecture.positions.items():
            for here, there in zip(places[part], positions, strict=True):
                weights[here] = trained[there]
        return weights

    def part_for(self, weights: Weights, other: "Network") -> Weights:
        """Return those of this network's weights, each (seeds, ...), that another one trains."""
        places = self.architecture.positions
        part = list(other.weights)
        for name, positions in other.architecture.positions.items():
            for here, there in zip(places[name], positions, strict=True):
                part[there] = weights[here]
        return part

    def in_units(self, weights: Weights, seeds: Sequence[int] | None = None) -> Weights:
        """Return weights with which regressions give numbers in the units of their labels.

        Training makes them give numbers in units of `scales`; what is between is linear, so that a
        head can do it.

        Args:
            weights: each (seeds, ...).
            seeds: which seeds' they are; by default all.
        """
        weights, places = list(weights), self.architecture.positions
        for group in self.model.head_groups:
            if group[0] not in self.scales:
                continue
            means, deviations = self._scales_of(group[0], seeds)
            kernel, bias = places[_name_of_head(group)]
            weights[kernel] = weights[kernel] * deviations[:, np.newaxis].astype(np.float32)
            weights[bias] = (weights[bias] * deviations + means).astype(np.float32)
        return weights

    def scaled(
        self, target: str, labels: np.ndarray, seeds: Sequence[int] | None = None
    ) -> np.ndarray:
        """Return labels as they are learnt: those of a regression in units of `scales`.

        Args:
            target: whose labels they are.
            labels: of each seed, (seeds, n, ...).
            seeds: which seeds' they are; by default all.
        """
        if target not in self.scales:
            return labels
        means, deviations = self._scales_of(target, seeds)[:, :, np.newaxis]
        return (labels - means) / deviations

    def _scales_of(self, target: str, seeds: Sequence[int] | None) -> np.ndarray:
        scales = self.scales[target]
        return scales if seeds is None else scales[:, [*seeds]]

    def features_of(self, data: datasets.Dataset) -> datasets.Dataset:
        """Return a dataset whose images are replaced by what the frozen blocks make of them."""
        return features_of(self.source, self.architecture, data)


def build_network(
    settings: Settings, tasks: dict[str, Target], source: Pretrained | None, frozen: int
) -> Network:
    """Build an experiment's network, with the weights of every seed to begin with.

    Args:
        settings: of the experiment.
        tasks: from `choose_tasks`.
        source: where blocks are copied from.
        frozen: how many blocks are frozen.

    Raises:
        WorkbookError: a target has no labels, and nothing that could stand in for them.
    """
    layers = architecture(settings, frozen)
    copied = _copied(settings, layers, source)
    known = copied | _heads_without_labels(settings, layers, source)
    places = layers.positions
    by_seed = []
    for seed in range(settings.seeds):
        weights = trunks.fresh_weights(layers.model, seed)
        for name, part in known.items():
            for position, weight in zip(places[name], part, strict=True):
                weights[position] = weight
        by_seed.append(weights)
    return Network(
        layers,
        source,
        {name: features_of(source, layers, target.data) for name, target in tasks.items()},
        [np.stack(of_all_seeds) for of_all_seeds in zip(*by_seed, strict=True)],
        tuple(position for name in copied for position in places[name]),
        _scales(layers, tasks),
    )


def _scales(layers: Architecture, tasks: dict[str, Target]) -> dict[str, np.ndarray]:
    """Return in which units each regression is learnt; those with one head have the same."""
    scales: dict[str, np.ndarray] = {}
    for group in layers.model.head_groups:
        if tasks[group[0]].data.kind == "regression":
            scales |= dict.fromkeys(group, scales_of([tasks[name] for name in group]))
    return scales


def _copied(settings: Settings, layers: Architecture, source: Pretrained | None) -> Blocks:
    """Return the weights of the trained blocks that are copied from the source."""
    if not source:
        return {}
    names = [*source.blocks][layers.trunk.frozen : settings.copied_layers]
    return {name: source.blocks[name] for name in names}


def _heads_without_labels(
    settings: Settings, layers: Architecture, source: Pretrained | None
) -> Blocks:
    """Return the weights of the heads that no label teaches: what the source's head knows."""
    return {
        _name_of_head(group): _head_for(group[0], source)
        for group in layers.model.head_groups
        if not any(settings.labels_of[name] for name in group)
    }


def _head_for(target: str, source: Pretrained | None) -> Weights:
    """Return what the source's head knows of the classes of a target without labels."""
    if not source or not knows_classes(source.source, source.pretext, target):
        name = source.source if source else None
        raise WorkbookError(
            f"{shown(target)} has no labels, and neither a target with the same classes shares its "
            f"head nor does the source {shown(name)} know its classes: give it "
            "labels, or use shared_heads=True beside a target that has some."
        )
    return source.head_for(datasets.describe(target).class_names)


def features_of(
    source: Pretrained | None, layers: Architecture, data: datasets.Dataset
) -> datasets.Dataset:
    """Return a dataset whose images are what the trained part of a network takes.

    Args:
        source: where the frozen blocks' weights come from; None only if nothing is frozen.
        layers: of the network.
        data: the dataset to take images from.
    """
    if data.holds_texts:
        data = tokenized(data, layers.name, layers.size)
    if source and layers.trunk.frozen:
        return frozen_features(source, layers.trunk.frozen, data, layers.size)
    wanted = layers.model.input_shape[1:]
    return data if data.train.images.shape[1:] == wanted else fitted(data, wanted)
