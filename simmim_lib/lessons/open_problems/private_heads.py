"""Private heads on frozen features: the experiment behind the lesson's figures of accuracy."""

import functools
from dataclasses import dataclass

import numpy as np

from simmim_lib import datasets, privacy
from simmim_lib.errors import check_choice, check_positive, check_whole
from simmim_lib.experiments.features import frozen_features
from simmim_lib.experiments.pretraining import pretrained
from simmim_lib.foundation.progress import Progress
from simmim_lib.privacy.heads import probabilities, train_head, unit_rows
from simmim_lib.privacy.steps import PrivateRecipe
from simmim_lib.studies.described import Described
from simmim_lib.studies.measures import Measures
from simmim_lib.trunks.catalogue import describe

DELTA = 1e-5
SHARE = 0.25
"""With this chance each step draws an example."""

UNCLIPPED = 2.0
"""No gradient is so long: an error is shorter than 1.5, and a row hardly longer than 1."""

FEATURES = {
    "glyphs": ("glyphs", "small-cnn"),
    "pixels": None,
    "photographs": ("imagenet", "efficientnet-lite0-middle"),
}
"""What a head sees: the source and the trunk whose features, or the pixels themselves."""

RECIPES = {
    "glyphs": ((40.0, 0.25, 240), (40.0, 0.5, 240)),
    "pixels": ((40.0, 0.25, 240), (80.0, 0.25, 240)),
    "photographs": ((20.0, 0.5, 240), (40.0, 0.5, 240)),
}
"""Learning rate, clip and steps for each kind of features: for an epsilon near 1, and near 3.

No other recipe of `studies.private_recipes` is clearly better. It looks at UCI digits only, which
are public: to choose by the private examples would cost privacy, too.
"""

BETWEEN = 3**0.5
"""From this epsilon on the second recipe is taken: as near to 1 as to 3, by their ratios."""


@dataclass(frozen=True, kw_only=True)
class PrivateHead(Described):
    """An experiment: a linear head, trained privately.

    Attributes:
        dataset: whose training images are private.
        features: one of `FEATURES`.
        epsilon: what is promised at a delta of 1e-5; None for training without clip and noise.
        learning_rate: of the steps; by default that of `RECIPES`, as the two below.
        clip: the largest length of one example's gradient.
        steps: how many.
        examples: how many private examples there are at most.
        seeds: repetitions with other examples, batches and noise.

    Raises:
        WorkbookError: a value that is not allowed, with what is allowed.
    """

    dataset: str = "mnist"
    features: str = "glyphs"
    epsilon: float | None = 1.0
    learning_rate: float | None = None
    clip: float | None = None
    steps: int | None = None
    examples: int = 4_000
    seeds: int = 10

    def __post_init__(self) -> None:
        """Refuse what cannot be meant, and fill in what is usual."""
        check_choice("kind of features", self.features, FEATURES)
        check_whole("examples", self.examples, least=1)
        check_whole("seeds", self.seeds, least=1)
        if self.epsilon is not None:
            check_positive("epsilon", self.epsilon)
        much_noise = self.epsilon is not None and self.epsilon < BETWEEN
        recipe = RECIPES[self.features][0 if much_noise else 1]
        for name, usual in zip(("learning_rate", "clip", "steps"), recipe, strict=True):
            if getattr(self, name) is None:
                object.__setattr__(self, name, usual)

    def recipe(self, examples: int) -> PrivateRecipe:
        """Return how so many examples are learnt from: with as much noise as the promise needs."""
        assert self.learning_rate is not None and self.clip is not None and self.steps is not None
        batch_size = max(1, round(SHARE * examples))
        epochs = self.steps * batch_size / examples
        if self.epsilon is None:
            return PrivateRecipe(0.0, batch_size, epochs, self.learning_rate, UNCLIPPED)
        noise = noise_for(examples, batch_size, self.epsilon, epochs)
        return PrivateRecipe(noise, batch_size, epochs, self.learning_rate, self.clip)


@functools.lru_cache(maxsize=256)
def noise_for(examples: int, batch_size: int, epsilon: float, epochs: float) -> float:
    """Return the least noise that has an epsilon at the lesson's delta; it is asked for often."""
    return privacy.noise_multiplier(examples, batch_size, epsilon, epochs, DELTA)


@functools.lru_cache(maxsize=12)
def rows_of(dataset: str, features: str) -> datasets.Dataset:
    """Return a dataset whose images are replaced by what a head sees of them, in rows."""
    data = datasets.load(dataset)
    if found := FEATURES[features]:
        source, trunk = found
        blocks = len(describe(trunk).blocks)
        data = frozen_features(pretrained(source, trunk), blocks, data)
    train, test = (
        datasets.Part(unit_rows(part.images), part.labels) for part in (data.train, data.test)
    )
    return datasets.Dataset(
        data.name, data.title, train, test, data.class_names, data.source, data.licence
    )


def private_examples(head: PrivateHead, seed: int) -> datasets.Part:
    """Return what a seed's head learns from."""
    train = rows_of(head.dataset, head.features).train
    count = min(head.examples, len(train))
    chosen = np.random.default_rng(seed).permutation(len(train))[:count]
    return datasets.Part(train.images[chosen], train.labels[chosen])


def trained_head(head: PrivateHead, seed: int) -> np.ndarray:
    """Return the kernel of a seed's head, (inputs, classes)."""
    examples = private_examples(head, seed)
    classes = len(rows_of(head.dataset, head.features).class_names)
    recipe = head.recipe(len(examples))
    rows = np.asarray(examples.images, np.float32)
    return train_head(rows, examples.labels, classes, recipe, seed)


def accuracies(head: PrivateHead, progress: Progress) -> Measures:
    """Train the heads of an experiment.

    Returns:
        "accuracy", on the test images, (seeds,).
    """
    test = rows_of(head.dataset, head.features).test
    rows, found = np.asarray(test.images, np.float32), []
    for seed in range(head.seeds):
        progress(seed, head.seeds)
        guesses = probabilities(trained_head(head, seed), rows).argmax(axis=1)
        found.append(np.mean(guesses == test.labels))
    progress(head.seeds, head.seeds)
    return {"accuracy": np.array(found)}
