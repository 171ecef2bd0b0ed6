"""Pre-trained networks: made once by a fixed recipe, stored, and checked before use."""

import functools
import io
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib import datasets, training, trunks
from simmim_lib.errors import WorkbookError
from simmim_lib.foundation import atomic, cache, directories
from simmim_lib.foundation.progress import Progress, progress_bar
from simmim_lib.trunks import Blocks, CutTrunk, Weights, applications
from simmim_lib.trunks.catalogue import SMALL_CNN

if TYPE_CHECKING:
    import keras

STEPS = 800
BATCH_SIZE = 128
LEARNING_RATE = 1e-3
SEED = 0


@dataclass(frozen=True, eq=False)
class Pretrained:
    """A network trained on a source.

    Attributes:
        source: the name of the dataset, all of whose training images it has seen, or "imagenet".
        blocks: the trunk's weights, block by block, first to last.
        head: the head's kernel (units, classes) and bias (classes,); empty for published weights,
            which come without.
        accuracy: share of the source's test images that it classifies correctly; None for
            published weights.
        trunk: the network's name.
    """

    source: str
    blocks: Blocks
    head: Weights
    accuracy: float | None
    trunk: str = SMALL_CNN.name

    @property
    def trunk_weights(self) -> Weights:
        """The weights of all blocks, in Keras's order."""
        return [weight for block in self.blocks.values() for weight in block]

    @property
    def weights(self) -> Weights:
        """The weights of the trunk, then of the head, in Keras's order."""
        return [*self.trunk_weights, *self.head]

    def front_weights(self, parts: CutTrunk) -> Weights:
        """Return the weights of the frozen part of a trunk, in Keras's order."""
        weights: dict[int, np.ndarray] = {}
        for name in [*self.blocks][: parts.frozen]:
            places = trunks.positions(parts.front, parts.variables[name])
            weights.update(zip(places, self.blocks[name], strict=True))
        return [weights[position] for position in range(len(weights))]

    def head_for(self, class_names: Sequence[str]) -> Weights:
        """Return the head's kernel and bias for some of its classes, in the order that is given.

        Raises:
            ValueError: a class that the source does not have.
        """
        known = datasets.describe(self.source).class_names
        columns = [known.index(name) for name in class_names]
        kernel, bias = self.head
        return [kernel[:, columns], bias[columns]]

    def as_model(self) -> "keras.Sequential":
        """Return the network as a Keras model of its own, to look into or to take apart."""
        entry = datasets.describe(self.source)
        trunk = trunks.build_trunk(self.trunk, entry.channels)
        network = trunks.add_head(trunk, len(entry.class_names))
        network.set_weights(self.weights)
        return network


def train_on_source(
    source: str,
    trunk: str = SMALL_CNN.name,
    steps: int = STEPS,
    progress: Progress | None = None,
) -> Pretrained:
    """Train a network on a source dataset, from fresh weights.

    Args:
        source: a dataset's name.
        trunk: the name of a trunk without weights of its own.
        steps: training steps, each on a batch of 128 images; the stored networks had 800.
        progress: told after every few steps.
    """
    dataset = datasets.load(source)
    train, test = dataset.train, dataset.test
    images = train.images.shape[1:]
    network = trunks.classifier(len(dataset.class_names), trunk=trunk, images=images)
    weights = training.train(
        network,
        [weight[None] for weight in trunks.fresh_weights(network, SEED)],
        [
            training.Examples(
                train.images[None],
                train.labels[None],
                training.draw_batches(len(train), BATCH_SIZE, steps, SEED)[None],
            )
        ],
        training.Options(learning_rate=LEARNING_RATE),
        progress,
    )
    guesses = training.predict(network, weights, test.images)[0].argmax(axis=-1)
    accuracy = float(np.mean(guesses == test.labels))
    *copied, kernel, bias = (weight[0] for weight in weights)
    variables = trunks.cut_trunk(0, trunk, images, trunks.describe(trunk).size).variables
    return Pretrained(source, _by_block(copied, variables), [kernel, bias], accuracy, trunk)


def _by_block(weights: Weights, variables: "Mapping[str, Sequence[keras.Variable]]") -> Blocks:
    """Return a trunk's weights, given in the order of its blocks, block by block."""
    rest = iter(weights)
    return {name: [next(rest) for _ in block] for name, block in variables.items()}


def pretrained(source: str, trunk: str = SMALL_CNN.name) -> Pretrained:
    """Return a network trained on a source: from the workbook's data, the cache, or anew.

    It is the same object until the trunk's file changes, if it is from one.

    Args:
        source: a dataset's name, "imagenet" for published weights, or "file" for a file's.
        trunk: the network's name.

    Raises:
        WorkbookError: the dataset is unknown or not there, the bundled file was altered, or the
            published weights are not there and cannot be downloaded.
    """
    return _pretrained(source, trunks.describe(trunk))


@functools.cache
def _pretrained(source: str, info: trunks.Trunk) -> Pretrained:
    trunk = info.name
    if source in (trunks.IMAGENET, trunks.FILE):
        return Pretrained(source, published(trunk), [], None, trunk)
    datasets.check_name("source", source)
    for path in (_bundled_path(source, trunk), _cached_path(source, trunk)):
        found = _read(path, source, trunk)
        if found is not None:
            return found
    with progress_bar(f"Pre-training on {source}") as progress:
        made = train_on_source(source, trunk, progress=progress)
    cache.keep(_cached_path(source, trunk), functools.partial(store, made))
    return made


def published(trunk: str) -> Blocks:
    """Return the weights with which a trunk was published, block by block.

    Raises:
        WorkbookError: they are neither on this machine nor to be downloaded, or are damaged.
    """
    info = trunks.describe(trunk)
    if info.weights:
        return _bundled_weights(info)
    network = (
        trunks.build_trunk(trunk)  # a file's weights are there when it is read
        if info.file
        else applications.build(trunk, info.size, weights=trunks.IMAGENET)
    )
    variables = trunks.cut(network, info.end_of, 0).variables
    return {name: [np.asarray(each) for each in block] for name, block in variables.items()}


def _bundled_weights(trunk: trunks.Trunk) -> Blocks:
    file_name = f"trunks/{trunk.weights}.npz"
    content = datasets.bundled_content(file_name)
    _, parts = _read_parts(directories.data_directory() / file_name, content)
    parts_of = {**{name: (name,) for name in trunk.blocks}, **trunk.merged}
    return {
        block: [weight.astype(np.float32) for name in parts_of[block] for weight in parts[name]]
        for block in trunk.blocks
    }


def store(network: Pretrained, path: Path) -> None:
    """Write a pre-trained network with its recipe, atomically."""
    recipe = {**_recipe(network.source, network.trunk), "accuracy": network.accuracy}
    parts = {**network.blocks, "head": network.head}
    arrays = {
        f"{name}/{position}": weight
        for name, weights in parts.items()
        for position, weight in enumerate(weights)
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic.writing(path) as file:
        np.savez(file, recipe=np.array(json.dumps(recipe)), **arrays)  # type: ignore[arg-type]


def bundle() -> None:
    """Pre-train on every included dataset anew and store the networks in the workbook's data."""
    for name in datasets.included():
        with progress_bar(f"Pre-training on {name}") as progress:
            made = train_on_source(name, progress=progress)
            store(made, _bundled_path(name, made.trunk))


def _read(path: Path, source: str, trunk: str = SMALL_CNN.name) -> Pretrained | None:
    """Return the stored network, or nothing if there is none that this recipe would make."""
    if not os.path.exists(path):  # Path.exists stops at a home that cannot be entered
        return None
    recipe, parts = _read_parts(path)
    accuracy = recipe.pop("accuracy", None)
    if recipe != _recipe(source, trunk) or accuracy is None or "head" not in parts:
        return None
    head = parts.pop("head")
    return Pretrained(source, parts, head, float(accuracy), trunk)


def _read_parts(path: Path, content: bytes | None = None) -> tuple[dict[str, Any], Blocks]:
    """Read a file that `store` has written: the recipe, and the weights of each part.

    Args:
        path: of the file.
        content: of the file, if it was read before.

    Raises:
        WorkbookError: the file is damaged.
    """
    try:
        file = path if content is None else io.BytesIO(content)
        with np.load(file, allow_pickle=False) as arrays:
            recipe = json.loads(arrays["recipe"].item())
            parts: dict[str, dict[int, np.ndarray]] = {}
            for name in arrays.files:
                part, _, position = name.partition("/")
                if position:
                    parts.setdefault(part, {})[int(position)] = arrays[name]
    except Exception as error:  # whatever a damaged archive makes NumPy raise
        raise WorkbookError(
            f"The pre-trained network {path} is damaged ({type(error).__name__}): delete the file, "
            "and it will be made anew, or reinstall the workbook."
        ) from error
    return recipe, {part: [each[key] for key in sorted(each)] for part, each in parts.items()}


def _recipe(source: str, trunk: str = SMALL_CNN.name) -> dict[str, object]:
    """Return all that decides the outcome, so that no network of another recipe is taken for it."""
    small = {"filters": list(trunks.CONVOLUTION_FILTERS), "units": trunks.DENSE_UNITS}
    return {
        "source": source,
        "data": datasets.fingerprint(source),
        **(small if trunk == SMALL_CNN.name else {"trunk": trunk}),
        "steps": STEPS,
        "batch_size": BATCH_SIZE,
        "learning_rate": LEARNING_RATE,
        "seed": SEED,
    }


def _bundled_path(source: str, trunk: str = SMALL_CNN.name) -> Path:
    return directories.data_directory() / "trunks" / _file_name(source, trunk)


def _cached_path(source: str, trunk: str = SMALL_CNN.name) -> Path:
    return directories.cache_directory() / "trunks" / _file_name(source, trunk)


def _file_name(source: str, trunk: str) -> str:
    of_trunk = "" if trunk == SMALL_CNN.name else f"{trunk}-"
    return f"{of_trunk}{datasets.file_name(source)}.npz"
