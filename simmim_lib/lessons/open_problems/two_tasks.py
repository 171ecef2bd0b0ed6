"""One picture for two tasks: a digit in one quarter, a garment in another, a head for each.

Where each head ought to look is known, so that a map of what it looks at can be judged.
"""

import functools
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simmim_lib import datasets, training, trunks
from simmim_lib.experiments.network import build_architecture
from simmim_lib.lessons.open_problems import starts

if TYPE_CHECKING:
    import keras

    from simmim_lib.simmim import SimMIM

SOURCES = {"digit": "mnist", "garment": "fashion"}
"""The tasks, and where their images come from."""

SIDE = 14
"""Of a quarter, in pixels."""

COUNT = 4_000
STEPS, BATCH_SIZE = 500, 32


class Pictures(NamedTuple):
    """Pictures of two things each.

    Attributes:
        images: (n, 28, 28, 1).
        labels: by task, (n,).
        masks: by task, where the thing is, (n, 28, 28).
    """

    images: np.ndarray
    labels: dict[str, np.ndarray]
    masks: dict[str, np.ndarray]


def draw_pictures(part: str, count: int, seed: int) -> Pictures:
    """Draw pictures: two quarters of each are empty.

    Args:
        part: "train" or "test" of the datasets.
        count: how many, at most as there are digits.
        seed: of the choice and the places.
    """
    random = np.random.default_rng([seed, part == "train"])
    quarters = random.permuted(np.tile(np.arange(4), (count, 1)), axis=1)
    images = np.zeros((count, 2 * SIDE, 2 * SIDE, 1), np.float32)
    labels, masks = {}, {}
    for position, (task, source) in enumerate(SOURCES.items()):
        things = getattr(datasets.load(source), part)
        chosen = random.permutation(len(things))[:count]
        labels[task] = things.labels[chosen]
        masks[task] = _quarter_masks(quarters[:, position])
        images[masks[task]] = _halved(things.images[chosen]).reshape(-1, 1)
    return Pictures(images, labels, masks)


def _halved(images: np.ndarray) -> np.ndarray:
    """Return images of half the height and width, (n, 14, 14)."""
    return images.reshape(len(images), SIDE, 2, SIDE, 2).mean(axis=(2, 4))


def _quarter_masks(quarters: np.ndarray) -> np.ndarray:
    """Return where the quarters 0 to 3 are, row by row, (n, 28, 28)."""
    rows, columns = np.indices((2 * SIDE, 2 * SIDE)) // SIDE
    return (2 * rows + columns)[None] == quarters[:, None, None]


@functools.lru_cache(maxsize=16)
def trained_model(seed: int = 0) -> "SimMIM":
    """Return a network with both heads, pre-trained on glyphs and fine-tuned on pictures.

    Args:
        seed: of the pictures, the fresh heads and the batches.
    """
    from simmim_lib.simmim import SimMIM, Task

    names = {task: datasets.describe(source).class_names for task, source in SOURCES.items()}
    tasks = tuple(Task(task, class_names) for task, class_names in names.items())
    pictures = draw_pictures("train", COUNT, seed)
    network = build_architecture(tasks).model
    start = starts.from_glyphs(network, seed)
    batches = training.draw_batches(COUNT, BATCH_SIZE, STEPS, seed)[None]
    examples = [
        training.Examples(pictures.images[None], labels[None], batches)
        for labels in pictures.labels.values()
    ]
    weights = training.train(network, [weight[None] for weight in start], examples)
    model = SimMIM(trunks.build_trunk(), tasks)
    model.set_weights([weight[0] for weight in weights])
    return model


def network_of(model: "SimMIM", task: str) -> "keras.Sequential":
    """Return a copy of the trunk with the head of one task: images in, logits out."""
    head = model.head_of(task)
    network = trunks.add_head(trunks.build_trunk(), head.units)
    network.set_weights([*model.trunk.get_weights(), *head.get_weights()])
    return network
