"""Pre-training with labels: to tell the classes of a source dataset apart."""

import numpy as np

from simmim_lib import datasets, training, trunks
from simmim_lib.errors import WorkbookError, shown
from simmim_lib.experiments.pretrained import Pretrained
from simmim_lib.foundation.progress import Progress
from simmim_lib.trunks import blocks
from simmim_lib.trunks.catalogue import SMALL_CNN

STEPS = 800
BATCH_SIZE = 128
LEARNING_RATE = 1e-3
SEED = 0


def recipe(source: str, trunk: str) -> dict[str, object]:
    """Return the numbers that decide what `train` makes."""
    return {
        "steps": STEPS,
        "batch_size": BATCH_SIZE,
        "learning_rate": LEARNING_RATE,
        "seed": SEED,
    }


def train(
    source: str,
    trunk: str = SMALL_CNN.name,
    steps: int = STEPS,
    progress: Progress | None = None,
) -> Pretrained:
    """Train a network to tell the classes of a source dataset apart, from fresh weights.

    Args:
        source: a dataset's name.
        trunk: the name of a trunk without weights of its own.
        steps: training steps, each on a batch of 128 images; the stored networks had 800.
        progress: told after every few steps.

    Raises:
        WorkbookError: a source whose images do not have one class each.
    """
    dataset = datasets.load(source)
    if dataset.kind != "classification":
        raise WorkbookError(
            f"The source {shown(source)} does not have one class for each image, and what teaches "
            'a network here is to tell classes apart: choose another source, or pretext="masked".'
        )
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
    return Pretrained(source, blocks.by_block(copied, variables), [kernel, bias], accuracy, trunk)
