"""One picture for two tasks: a digit in one quarter, a garment in another, a head for each.

Where each head ought to look is known, so that a map of what it looks at can be judged.
"""

import functools
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simmim_lib import datasets, training, trunks
from simmim_lib.experiments.network import build_architecture
from simmim_lib.experiments.pretraining import pretrained

if TYPE_CHECKING:
    import keras

    from simmim_lib.simmim import SimMIM

SOURCES = {"digit": "mnist", "garment": "fashion"}
"""The tasks, and where their images come from."""

SIDE = 14
"""Of a quarter, in pixels."""

COUNT = 4_000
STEPS, BATCH_SIZE = 500, 32

MARK = 2
"""Side of the mark that gives a digit away, in pixels."""


class Pictures(NamedTuple):
    """Pictures of two things each.

    Attributes:
        images: (n, 28, 28, 1).
        labels: by task, (n,).
        masks: by task, where the thing is, (n, 28, 28).
        marks: where the mark is, (n, 28, 28); nowhere in pictures without one.
    """

    images: np.ndarray
    labels: dict[str, np.ndarray]
    masks: dict[str, np.ndarray]
    marks: np.ndarray


def draw_pictures(part: str, count: int, seed: int, marked: bool = False) -> Pictures:
    """Draw pictures: two quarters of each are empty.

    Args:
        part: "train" or "test" of the datasets.
        count: how many, at most as there are digits.
        seed: of the choice, the places and the marks.
        marked: whether an empty quarter holds a mark. In training pictures its place tells the
            digit, as a device in the picture may tell the ward; in test pictures it tells nothing.
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
    marks = np.zeros(masks["digit"].shape, bool)
    if marked:
        tells = labels["digit"] if part == "train" else random.integers(10, size=count)
        marks = _marks(tells, quarters[:, -1])
        images[marks] = 1.0
    return Pictures(images, labels, masks, marks)


def _halved(images: np.ndarray) -> np.ndarray:
    """Return images of half the height and width, (n, 14, 14)."""
    return images.reshape(len(images), SIDE, 2, SIDE, 2).mean(axis=(2, 4))


def _quarter_masks(quarters: np.ndarray) -> np.ndarray:
    """Return where the quarters 0 to 3 are, row by row, (n, 28, 28)."""
    rows, columns = np.indices((2 * SIDE, 2 * SIDE)) // SIDE
    return (2 * rows + columns)[None] == quarters[:, None, None]


def _marks(numbers: np.ndarray, quarters: np.ndarray) -> np.ndarray:
    """Return where marks are: each number has a place of its own in a quarter, (n, 28, 28)."""
    rows, columns = np.indices((2 * SIDE, 2 * SIDE)) % SIDE
    places = rows // MARK * (SIDE // MARK) + columns // MARK
    # Every fourth place, so that the places of two numbers are apart.
    return (places[None] == 4 * numbers[:, None, None]) & _quarter_masks(quarters)


@functools.lru_cache(maxsize=16)
def trained_model(seed: int = 0, marked: bool = False) -> "SimMIM":
    """Return a network with both heads, pre-trained on glyphs and fine-tuned on pictures.

    Args:
        seed: of the pictures, the fresh heads and the batches.
        marked: whether the pictures have marks that give the digit away.
    """
    from simmim_lib.simmim import SimMIM, Task

    names = {task: datasets.describe(source).class_names for task, source in SOURCES.items()}
    tasks = tuple(Task(task, class_names) for task, class_names in names.items())
    pictures = draw_pictures("train", COUNT, seed, marked)
    network = build_architecture(tasks).model
    copied = pretrained("glyphs").trunk_weights
    start = [*copied, *trunks.fresh_weights(network, seed)[len(copied) :]]
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
