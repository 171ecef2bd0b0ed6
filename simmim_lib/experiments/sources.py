"""Pre-trained networks: made once by a fixed recipe, stored, and checked before use."""

import contextlib
import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from simmim_lib import datasets, training, trunks
from simmim_lib.errors import WorkbookError, check_choice
from simmim_lib.foundation import atomic, directories
from simmim_lib.foundation.progress import Progress, progress_bar
from simmim_lib.trunks import Blocks, Weights

if TYPE_CHECKING:
    import keras

STEPS = 800
BATCH_SIZE = 128
LEARNING_RATE = 1e-3
SEED = 0


@dataclass(frozen=True, eq=False)
class Pretrained:
    """A network trained on all training images of a source dataset.

    Attributes:
        source: the dataset's name.
        blocks: the trunk's weights, block by block, first to last.
        head: the head's kernel (units, classes) and bias (classes,).
        accuracy: share of the source's test images that it classifies correctly.
    """

    source: str
    blocks: Blocks
    head: Weights
    accuracy: float

    @property
    def trunk_weights(self) -> Weights:
        """The weights of all blocks, in Keras's order."""
        return [weight for block in self.blocks.values() for weight in block]

    @property
    def weights(self) -> Weights:
        """The weights of the trunk, then of the head, in Keras's order."""
        return [*self.trunk_weights, *self.head]

    def front_weights(self, blocks: int) -> Weights:
        """Return the weights of the first blocks, in Keras's order."""
        return [weight for block in [*self.blocks.values()][:blocks] for weight in block]

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
        network = trunks.add_head(trunks.build_trunk(entry.channels), len(entry.class_names))
        network.set_weights(self.weights)
        return network


def train_on_source(
    source: str, steps: int = STEPS, progress: Progress | None = None
) -> Pretrained:
    """Train the workbook's network on a source dataset, from fresh weights.

    Args:
        source: a dataset's name.
        steps: training steps, each on a batch of 128 images; the stored networks had 800.
        progress: told after every few steps.
    """
    dataset = datasets.load(source)
    train, test = dataset.train, dataset.test
    network = trunks.classifier(len(dataset.class_names), channels=train.images.shape[-1])
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
    *trunk, kernel, bias = (weight[0] for weight in weights)
    return Pretrained(source, _by_block(trunk, train.images.shape[-1]), [kernel, bias], accuracy)


def _by_block(weights: Weights, channels: int) -> Blocks:
    """Return a trunk's weights, given in Keras's order, block by block."""
    variables = trunks.cut_trunk(0, channels).variables
    rest = iter(weights)
    return {name: [next(rest) for _ in block] for name, block in variables.items()}


@functools.cache
def pretrained(source: str) -> Pretrained:
    """Return the network pre-trained on a source: from the workbook's data, the cache, or anew.

    Raises:
        WorkbookError: the dataset is unknown or not there, or the bundled file was altered.
    """
    check_choice("source", source, datasets.names())
    for path in (_bundled_path(source), _cached_path(source)):
        found = _read(path, source)
        if found is not None:
            return found
    with progress_bar(f"Pre-training on {source}") as progress:
        made = train_on_source(source, progress=progress)
    # A full or read-only disk costs time at the next start, nothing else.
    with contextlib.suppress(OSError):
        store(made, _cached_path(source))
    return made


def store(network: Pretrained, path: Path) -> None:
    """Write a pre-trained network with its recipe, atomically."""
    recipe = {**_recipe(network.source), "accuracy": network.accuracy}
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
            store(train_on_source(name, progress=progress), _bundled_path(name))


def _read(path: Path, source: str) -> Pretrained | None:
    """Return the stored network, or nothing if there is none that this recipe would make."""
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as arrays:
            recipe = json.loads(str(arrays["recipe"]))
            parts: Blocks = {}
            for name in arrays.files:
                part, _, position = name.partition("/")
                if position:
                    parts.setdefault(part, []).append(arrays[name])
    except Exception as error:  # whatever a damaged archive makes NumPy raise
        raise WorkbookError(
            f"The pre-trained network {path} is damaged ({type(error).__name__}): delete the file, "
            "and it will be trained anew."
        ) from error
    accuracy = recipe.pop("accuracy", None)
    if recipe != _recipe(source) or accuracy is None or "head" not in parts:
        return None
    return Pretrained(source, parts, parts.pop("head"), float(accuracy))


def _recipe(source: str) -> dict[str, object]:
    """Return all that decides the outcome, so that no network of another recipe is taken for it."""
    return {
        "source": source,
        "data": datasets.fingerprint(source),
        "filters": list(trunks.CONVOLUTION_FILTERS),
        "units": trunks.DENSE_UNITS,
        "steps": STEPS,
        "batch_size": BATCH_SIZE,
        "learning_rate": LEARNING_RATE,
        "seed": SEED,
    }


def _bundled_path(source: str) -> Path:
    return directories.data_directory() / "trunks" / f"{source}.npz"


def _cached_path(source: str) -> Path:
    return directories.cache_directory() / "trunks" / f"{source}.npz"
