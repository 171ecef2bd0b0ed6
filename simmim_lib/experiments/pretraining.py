"""Pre-trained networks: made once by a fixed recipe, stored, and checked before use."""

import contextlib
import functools
import io
import json
import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib import datasets, training, trunks
from simmim_lib.errors import WorkbookError, shown
from simmim_lib.foundation import atomic, cache, directories, locks
from simmim_lib.foundation.progress import Progress, progress_bar
from simmim_lib.trunks import Blocks, CutTrunk, Weights, applications
from simmim_lib.trunks.catalogue import SMALL_CNN

if TYPE_CHECKING:
    import keras

STEPS = 800
BATCH_SIZE = 128
LEARNING_RATE = 1e-3
SEED = 0

MAX_BYTES = 1_000_000_000
"""What the arrays of a stored network may fill; the largest of ours have a hundredth of it."""


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

    def as_model(self) -> "keras.Model":
        """Return the network as a Keras model of its own, to look into or to take apart.

        It ends with its head, or, as published weights come without, with its features.
        """
        channels = datasets.describe(self.source).channels if self.head else None
        trunk = trunks.build_trunk(self.trunk, channels)
        variables = trunks.cut(trunk, trunks.describe(self.trunk).end_of, 0).variables
        for name, weights in self.blocks.items():
            for variable, weight in zip(variables[name], weights, strict=True):
                variable.assign(weight)
        if not self.head:
            return trunk
        network = trunks.add_head(trunk, len(self.head[-1]))
        network.layers[-1].set_weights(self.head)
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
    cached = _cached_path(source, trunk)
    if found := _read(_bundled_path(source, trunk), source, trunk) or _read(cached, source, trunk):
        return found
    with _one_after_another(cached, source):
        return _read(cached, source, trunk) or _train_and_keep(source, trunk, cached)


@contextlib.contextmanager
def _one_after_another(cached: Path, source: str) -> Iterator[None]:
    """Let processes that need the same network wait for the first to train it."""
    with contextlib.suppress(OSError):
        cached.parent.mkdir(parents=True, exist_ok=True)
    lock = cached.with_name(f".{cached.name}.lock")
    with locks.one_after_another(lock, f"is pre-training on {source}"):
        yield


def _train_and_keep(source: str, trunk: str, path: Path) -> Pretrained:
    with progress_bar(f"Pre-training on {source}") as progress:
        made = train_on_source(source, trunk, progress=progress)
    cache.keep(path, functools.partial(store, made))
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
    with _reading(directories.data_directory() / file_name, content) as arrays:
        parts = _grouped(arrays)
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
    with atomic.replacing(path) as file:
        np.savez(file, recipe=np.array(json.dumps(recipe)), **arrays)  # type: ignore[arg-type]


def bundle() -> None:
    """Pre-train on every included dataset anew and store the networks in the workbook's data."""
    for name in datasets.included():
        with progress_bar(f"Pre-training on {name}") as progress:
            made = train_on_source(name, progress=progress)
            store(made, _bundled_path(name, made.trunk))


def verify() -> tuple[str, ...]:
    """Compare every bundled network with the trunk and the recipe that it is of.

    Returns:
        The names of the files, all of them in order.

    Raises:
        WorkbookError: a file is missing or of another recipe, or does not fit its trunk; the first
            one found is named.
    """
    for source in datasets.included():
        if _read(_bundled_path(source), source) is None:
            raise WorkbookError(
                f"The pre-trained network {_bundled_path(source)} is missing or of another recipe: "
                "run `make trunks` in a checkout, or reinstall the workbook."
            )
    return tuple(f"trunks/{_bundled_path(source).name}" for source in datasets.included())


def _read(path: Path, source: str, trunk: str = SMALL_CNN.name) -> Pretrained | None:
    """Return the stored network, or nothing if there is none that this recipe would make.

    Raises:
        WorkbookError: the file is damaged, or holds other arrays than the trunk has.
    """
    if not os.path.exists(path):  # Path.exists stops at a home that cannot be entered
        return None
    with _reading(path) as arrays:
        recipe = _stored_recipe(arrays)
        accuracy = recipe.pop("accuracy", None)
        if recipe != _recipe(source, trunk) or accuracy is None:
            return None
        if type(accuracy) not in (int, float) or not 0 <= accuracy <= 1:
            raise _UnfitError(f"its accuracy is {shown(accuracy)}")
        _check_arrays(arrays, _shapes(source, trunk))
        parts = _grouped(arrays)
    head = parts.pop("head")
    return Pretrained(source, parts, head, float(accuracy), trunk)


class _UnfitError(ValueError):
    """What is wrong with a stored network, in words that fit into a sentence."""


@contextlib.contextmanager
def _reading(path: Path, content: bytes | None = None) -> Iterator[Any]:
    """Yield the arrays of a file that `store` has written, each read when it is asked for.

    Args:
        path: of the file.
        content: of the file, if it was read before.

    Raises:
        WorkbookError: the file is damaged, or `_UnfitError` is raised by who reads it.
    """
    try:
        file: Any = path if content is None else io.BytesIO(content)
        with zipfile.ZipFile(file) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > MAX_BYTES:
            raise _UnfitError(f"its arrays would fill {size / 1e6:,.0f} MB")
        with np.load(file, allow_pickle=False) as arrays:
            yield arrays
    except WorkbookError:
        raise
    except Exception as error:  # whatever a damaged archive makes NumPy raise
        reason = str(error) if isinstance(error, _UnfitError) else type(error).__name__
        raise WorkbookError(
            f"The pre-trained network {path} is damaged ({reason}): delete the file, and it will "
            "be made anew, or reinstall the workbook."
        ) from error


def _stored_recipe(arrays: Any) -> dict[str, Any]:
    recipe = json.loads(arrays["recipe"].item())
    if not isinstance(recipe, dict):
        raise _UnfitError(f"its recipe is {shown(recipe)}")
    return recipe


def _shapes(source: str, trunk: str) -> dict[str, list[tuple[int, ...]]]:
    """Return the shapes of the arrays of each block of a network, and of its head."""
    images, size = datasets.image_shape(source), trunks.describe(trunk).size
    parts = trunks.cut_trunk(0, trunk, images, size)
    *_, (units,) = parts.shapes.values()
    classes = len(datasets.describe(source).class_names)
    of_blocks = {
        name: [tuple(variable.shape) for variable in block]
        for name, block in parts.variables.items()
    }
    return {**of_blocks, "head": [(units, classes), (classes,)]}


def _check_arrays(arrays: Any, shapes: dict[str, list[tuple[int, ...]]]) -> None:
    """Refuse a file that holds other arrays than a network has."""
    expected = {
        f"{part}/{position}": shape
        for part, of_part in shapes.items()
        for position, shape in enumerate(of_part)
    }
    for what, names in (
        ("lacks", expected.keys() - arrays.files),
        ("also holds", {*arrays.files} - expected.keys() - {"recipe"}),
    ):
        if names:
            raise _UnfitError(f"it {what} {shown(min(names))}")
    for name, shape in expected.items():
        array = arrays[name]
        if array.shape != shape:
            raise _UnfitError(f"{name} has shape {array.shape}, but the trunk {shape}")
        if array.dtype.kind != "f" or not np.isfinite(array).all():
            raise _UnfitError(f"{name} holds what is no finite number")


def _grouped(arrays: Any) -> Blocks:
    """Return the weights of each part, in order."""
    parts: dict[str, dict[int, np.ndarray]] = {}
    for name in arrays.files:
        part, _, position = name.partition("/")
        if position:
            parts.setdefault(part, {})[int(position)] = arrays[name]
    return {part: [each[key] for key in sorted(each)] for part, each in parts.items()}


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
