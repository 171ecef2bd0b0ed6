"""What pretexts without labels have in common: a model whose output is its own loss."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simmim_lib import datasets, training, trunks
from simmim_lib.errors import (
    WorkbookError,
    check_choice,
    check_positive,
    check_whole,
    shown,
)
from simmim_lib.experiments.pretrained import Pretrained
from simmim_lib.foundation.progress import Progress
from simmim_lib.losses import Tensor
from simmim_lib.settings import SCHEDULES
from simmim_lib.trunks import Weights
from simmim_lib.trunks.building import ImageShape
from simmim_lib.trunks.catalogue import check_size

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Recipe:
    """How a model is trained on images without labels.

    Attributes:
        steps: how many.
        batch_size: images in each.
        learning_rate: of the largest step.
        schedule: a name from `settings.SCHEDULES`.
        seed: of the fresh weights, the order of the images, and all that is drawn.
    """

    steps: int
    batch_size: int = 128
    learning_rate: float = 1e-3
    schedule: str = "warm-up"
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what nothing can be trained with."""
        check_whole("steps", self.steps, least=1)
        check_whole("batch_size", self.batch_size, least=1)
        check_positive("learning_rate", self.learning_rate)
        check_choice("schedule", self.schedule, SCHEDULES)
        check_whole("seed", self.seed, least=0)


def shape_of_images(source: str, trunk: str) -> ImageShape:
    """Return the shape of the images that a trunk learns from without labels, as they are.

    Args:
        source: a dataset's name.
        trunk: a trunk's name.

    Raises:
        WorkbookError: the trunk does not take images of their size.
    """
    shape = datasets.image_shape(source)
    try:
        check_size(trunks.describe(trunk), shape[0])
    except WorkbookError as error:
        raise WorkbookError(
            f"The source {shown(source)} has images of {shape[0]} x {shape[0]} pixels, which "
            f"{shown(trunk)} does not take as they are: choose another source, or "
            'pretext="labels", which scales them.'
        ) from error
    return shape


def _as_it_is(labels: Tensor, losses: Tensor) -> Tensor:
    """Take the model's output, (seeds, n, 1), for the loss of each image; there are no labels."""
    return losses[..., 0]


def learn(
    model: "keras.Model", source: str, recipe: Recipe, steps_per_call: int = 20
) -> Iterator[tuple[int, Weights]]:
    """Train a model on all training images of a source, and look at it on the way.

    Args:
        model: from images to a loss for each, (n, 1).
        source: a dataset's name; its labels are not used.
        recipe: how it is trained.
        steps_per_call: between two looks.

    Yields:
        How many steps are done, and the weights in the order of `model.weights`.
    """
    images = datasets.load(source).train.images
    batches = training.draw_batches(len(images), recipe.batch_size, recipe.steps, recipe.seed)
    nothing = np.zeros((1, len(images)), np.float32)
    options = training.Options(
        optimizer="adamw",
        learning_rate=training.learning_rates(recipe.schedule, recipe.learning_rate, recipe.steps),
        loss=_as_it_is,
        first_seed=recipe.seed,
        steps_per_call=steps_per_call,
    )
    start = [weight[None] for weight in trunks.fresh_weights(model, recipe.seed)]
    examples = training.Examples(images[None], nothing, batches[None])
    looks = training.step_by_step(model, start, [examples], options)
    for number, weights in enumerate(looks, start=1):
        done = min(number * steps_per_call, recipe.steps)
        yield done, [weight[0] for weight in weights]


def last(
    looks: Iterator[tuple[int, Pretrained]], steps: int, progress: Progress | None
) -> Pretrained:
    """Return the last of the networks that are looked at on the way.

    Args:
        looks: the steps done, and the network.
        steps: in all.
        progress: told at every look.
    """
    for done, network in looks:  # noqa: B007 - the last one is wanted
        if progress:
            progress(done, steps)
    return network
