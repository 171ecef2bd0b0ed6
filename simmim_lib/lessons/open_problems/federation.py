"""Hospitals that keep their images: federated averaging against what else they could do."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simmim_lib import datasets
from simmim_lib.errors import check_at_least_zero, check_choice, check_whole
from simmim_lib.foundation.progress import Progress
from simmim_lib.lessons.open_problems.private_heads import rows_of
from simmim_lib.privacy.federated import Examples, FederatedRecipe, federated_rounds
from simmim_lib.studies.described import Described
from simmim_lib.studies.measures import Measures

if TYPE_CHECKING:
    from simmim_lib.simmim import SimMIM

WAYS = ("each alone", "together in one place", "federated")
HOSPITALS, EXAMPLES, ROUNDS = 5, 200, 10
LEARNING_RATE, CLIP = 2.0, 5.0


@dataclass(frozen=True, kw_only=True)
class Federation(Described):
    """An experiment: hospitals with few images of mostly two digits each.

    Attributes:
        way: one of `WAYS`.
        noise: of the federated rounds, in units of the clip; 0 for neither noise nor clip.
        seeds: repetitions with other images, batches and noise.

    Raises:
        WorkbookError: a value that is not allowed, with what is allowed.
    """

    way: str = "federated"
    noise: float = 0.0
    seeds: int = 10

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        check_choice("way", self.way, WAYS)
        check_at_least_zero("noise", self.noise)
        check_whole("seeds", self.seeds, least=1)


def hospitals(seed: int) -> list[Examples]:
    """Return the images of each: eight in ten are of two digits that are its own."""
    train = rows_of("mnist", "glyphs").train
    random = np.random.default_rng(seed)
    digits = random.permutation(10).reshape(HOSPITALS, 2)
    places = []
    for own in digits:
        likely = np.where(np.isin(train.labels, own), 0.8 / 0.2, 0.2 / 0.8)
        chosen = random.choice(len(train), EXAMPLES, replace=False, p=likely / likely.sum())
        places.append((train.images[chosen], train.labels[chosen]))
    return places


def head_alone() -> "SimMIM":
    """Return a model of nothing but a head, on features that every hospital computes for itself."""
    import keras

    from simmim_lib.simmim import SimMIM, Task

    inputs = rows_of("mnist", "glyphs").train.images.shape[1]
    trunk = keras.Sequential([keras.Input((inputs,)), keras.layers.Identity()])
    return SimMIM(trunk, [Task("mnist", datasets.describe("mnist").class_names)])


def rounds(federation: Federation, model: "SimMIM", seed: int) -> Iterator[int]:
    """Train a model in one of the ways, from zero, and stop after each round."""
    places = hospitals(seed)
    if federation.way == "each alone":
        places = places[:1]
    elif federation.way == "together in one place":
        places = [tuple(np.concatenate(parts) for parts in zip(*places, strict=True))]  # type: ignore[list-item]
    clip = CLIP if federation.noise else None
    recipe = FederatedRecipe(ROUNDS, 1, LEARNING_RATE, 20, clip, federation.noise)
    model.set_weights([np.zeros(weight.shape) for weight in model.weights])
    yield from federated_rounds(model, "mnist", places, recipe, seed)


def learned_together(federation: Federation, progress: Progress) -> Measures:
    """Train in one of the ways.

    Returns:
        "accuracy" on the test images after each round, (rounds, seeds).
    """
    model, test = head_alone(), rows_of("mnist", "glyphs").test
    by_seed = []
    for seed in range(federation.seeds):
        progress(seed, federation.seeds)
        accuracies = [
            np.mean(np.asarray(model(test.images)["mnist"]).argmax(axis=1) == test.labels)
            for _ in rounds(federation, model, seed)
        ]
        by_seed.append(accuracies)
    progress(federation.seeds, federation.seeds)
    return {"accuracy": np.array(by_seed).T}
