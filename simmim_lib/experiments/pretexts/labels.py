"""Pre-training with labels: to tell the classes of a source dataset apart."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from simmim_lib import datasets, training, trunks
from simmim_lib.errors import WorkbookError, shown
from simmim_lib.experiments.pretexts import self_taught
from simmim_lib.experiments.pretexts.self_taught import Recipe
from simmim_lib.experiments.pretrained import Pretrained
from simmim_lib.foundation.progress import Progress
from simmim_lib.trunks import blocks
from simmim_lib.trunks.catalogue import SMALL_CNN

RECIPE = Recipe(800, schedule="constant")


def usual_recipe(source: str, trunk: str) -> Recipe:
    """Return how a trunk is trained."""
    return RECIPE


def recipe(source: str, trunk: str) -> dict[str, object]:
    """Return the numbers that decide what `train` makes."""
    numbers = dataclasses.asdict(usual_recipe(source, trunk))
    return {name: numbers[name] for name in ("steps", "batch_size", "learning_rate", "seed")}


def follow(
    source: str, trunk: str, how: Recipe, steps_per_call: int = training.STEPS_PER_CALL
) -> Iterator[tuple[int, Pretrained]]:
    """Train a network to tell the classes of a source dataset apart, and look at it on the way.

    Args:
        source: a dataset's name.
        trunk: the name of a trunk without weights of its own.
        how: it is trained.
        steps_per_call: between two looks.

    Yields:
        How many steps are done, and the network, whose accuracy is not measured.

    Raises:
        WorkbookError: a source whose images do not have one class each.
    """
    data = datasets.load(source)
    if data.kind != "classification":
        raise WorkbookError(
            f"The source {shown(source)} does not have one class for each image, and what teaches "
            'a network here is to tell classes apart: choose another source, or pretext="masked".'
        )
    images = data.train.images.shape[1:]
    network = trunks.classifier(len(data.class_names), trunk=trunk, images=images)
    start = [weight[None] for weight in trunks.fresh_weights(network, how.seed)]
    batches = training.draw_batches(len(data.train), how.batch_size, how.steps, how.seed)
    examples = training.Examples(data.train.images[None], data.train.labels[None], batches[None])
    rates = training.learning_rates(how.schedule, how.learning_rate, how.steps)
    options = training.Options(learning_rate=rates, steps_per_call=steps_per_call)
    variables = trunks.cut_trunk(0, trunk, images, trunks.describe(trunk).size).variables
    looks = training.step_by_step(network, start, [examples], options)
    for number, weights in enumerate(looks, start=1):
        *copied, kernel, bias = (weight[0] for weight in weights)
        found = blocks.by_block(copied, variables)
        done = min(number * steps_per_call, how.steps)
        yield done, Pretrained(source, found, [kernel, bias], None, trunk)


def train(
    source: str,
    trunk: str = SMALL_CNN.name,
    steps: int = RECIPE.steps,
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
    how = dataclasses.replace(usual_recipe(source, trunk), steps=steps)
    made = self_taught.last(follow(source, trunk, how), steps, progress)
    test = datasets.load(source).test
    network = trunks.classifier(len(made.head[1]), trunk=trunk, images=test.images.shape[1:])
    weights = [weight[None] for weight in made.weights]
    guesses = training.predict(network, weights, test.images)[0].argmax(axis=-1)
    return dataclasses.replace(made, accuracy=float(np.mean(guesses == test.labels)))
