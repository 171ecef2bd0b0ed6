"""Audits: private training is attacked, rightly done and with mistakes planted in it.

Two kinds. *Canaries* are planted among real images, in one training run. They are images of which a
single pixel is lit that no digit ever uses: no digit teaches the network anything about it.
*Worst cases* are hundreds of thousands of tiny runs on made-up examples of one number each.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from simmim_lib import datasets, privacy
from simmim_lib.errors import check_choice, check_positive, check_whole
from simmim_lib.foundation.progress import Progress
from simmim_lib.lessons.open_problems.private_heads import DELTA, PrivateHead, rows_of
from simmim_lib.privacy.attacks import audited_epsilon, epsilon_of_many_runs
from simmim_lib.privacy.heads import train_head, unit_rows
from simmim_lib.privacy.steps import PrivateRecipe
from simmim_lib.studies.described import Described
from simmim_lib.studies.measures import Measures

CANARY_MISTAKES = ("none", "a quarter of the noise", "noise for the mean")
"""What may be wrong with the training that canaries look into.

A quarter of the noise is what a step needs that divides by all examples, where it divides by those
of a batch. Noise for the mean is made for the mean of a batch, and is added to the sum.
"""

GUESSED = 0.1
"""For this share of the canaries the guess is "was there", for as many "was not there"."""


class Canaries(NamedTuple):
    """Odd examples, each put among the others with chance one half: each pixel with each label.

    Attributes:
        rows: what a head sees of them, (n, inputs).
        labels: (n,).
        pixels: which one each lights, (n,).
        present: whether it is there, (n,).
    """

    rows: np.ndarray
    labels: np.ndarray
    pixels: np.ndarray
    present: np.ndarray


@dataclass(frozen=True, kw_only=True)
class CanaryAudit(Described):
    """An audit of private heads on raw pixels of MNIST, one run a seed.

    Attributes:
        claimed: the epsilon that the training claims to have.
        mistake: one of `CANARY_MISTAKES`.
        seeds: runs.

    Raises:
        WorkbookError: a value that is not allowed, with what is allowed.
    """

    claimed: float = 1.0
    mistake: str = "none"
    seeds: int = 20

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        check_positive("claimed", self.claimed)
        check_choice("mistake", self.mistake, CANARY_MISTAKES)
        check_whole("seeds", self.seeds, least=1)


def draw_canaries(seed: int) -> Canaries:
    """Draw canaries, and which of them are there."""
    images = datasets.load("mnist").train.images
    unlit = np.flatnonzero(images.reshape(len(images), -1).max(axis=0) == 0)
    random = np.random.default_rng([seed, 2])
    pixels, labels = np.repeat(unlit, 10), np.tile(np.arange(10), len(unlit))
    rows = unit_rows(np.eye(images[0].size, dtype=np.float32)[pixels])
    return Canaries(rows, labels, pixels, random.random(len(pixels)) < 0.5)


def canary_scores(audit: CanaryAudit, canaries: Canaries, seed: int) -> np.ndarray:
    """Train once with those canaries that are there, and score all of them.

    Returns:
        How much more a canary's pixel speaks for its label than for other classes, (n,).
    """
    known = rows_of("mnist", "pixels").train
    rows = np.concatenate([known.images, canaries.rows[canaries.present]])
    labels = np.concatenate([known.labels, canaries.labels[canaries.present]])
    recipe = PrivateHead(features="pixels", epsilon=audit.claimed).recipe(len(rows))
    kernel = train_head(rows, labels, 10, with_mistake(recipe, audit.mistake, len(rows)), seed)
    of_pixels = kernel[canaries.pixels]
    return of_pixels[np.arange(len(of_pixels)), canaries.labels] - of_pixels.mean(axis=1)


def with_mistake(recipe: PrivateRecipe, mistake: str, examples: int) -> PrivateRecipe:
    """Return what a recipe becomes by one of `CANARY_MISTAKES`, with so many examples."""
    if mistake == "none":
        return recipe
    divisor = {"a quarter of the noise": examples / recipe.batch_size}
    noise = recipe.noise_multiplier / divisor.get(mistake, recipe.batch_size)
    return replace(recipe, noise_multiplier=noise)


def guesses_right(scores: np.ndarray, present: np.ndarray) -> tuple[int, int]:
    """Guess about the canaries with the highest and the lowest scores.

    Returns:
        How many guesses are right, and how many there are.
    """
    number = int(GUESSED * len(scores))
    order = np.argsort(scores)
    right = present[order[-number:]].sum() + (~present[order[:number]]).sum()
    return int(right), 2 * number


def found_by_canaries(audit: CanaryAudit, progress: Progress) -> Measures:
    """Run an audit.

    Returns:
        "found", the lower bound of epsilon that each run proves, and "right", the share of right
        guesses, each (seeds,).
    """
    found, shares = [], []
    for seed in range(audit.seeds):
        progress(seed, audit.seeds)
        canaries = draw_canaries(seed)
        scores = canary_scores(audit, canaries, seed)
        right, number = guesses_right(scores, canaries.present)
        found.append(audited_epsilon(right, number, len(scores), DELTA))
        shares.append(right / number)
    progress(audit.seeds, audit.seeds)
    return {"found": np.array(found), "right": np.array(shares)}


# --- Worst cases

BATCHES = ("Poisson", "shuffled")


@dataclass(frozen=True, kw_only=True)
class WorstCase(Described):
    """An audit by many runs on examples that are made to betray one of them.

    Each example is one number, and so is its gradient: of one example, the victim, it is +1, or the
    victim is left out; of all others it is as the attacker likes. The attacker sees the noisy sum
    of every step.

    Attributes:
        batches: one of `BATCHES`; the accountant takes them for Poisson.
        steps: in one pass over the examples.
        batch_size: of the others in a batch.
        noise: its standard deviation.
        runs: of each kind, with the victim and without.
        seeds: repetitions of the whole audit.

    Raises:
        WorkbookError: a value that is not allowed, with what is allowed.
    """

    batches: str = "Poisson"
    steps: int = 1_000
    batch_size: int = 20
    noise: float = 0.6
    runs: int = 200_000
    seeds: int = 20

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        check_choice("kind of batches", self.batches, BATCHES)
        for name in ("steps", "batch_size", "runs", "seeds"):
            check_whole(name, getattr(self, name), least=1)
        check_positive("noise", self.noise)

    @property
    def claimed(self) -> float:
        """What the accountant says, who takes the batches for Poisson ones."""
        examples = self.steps * self.batch_size
        return privacy.epsilon(examples, self.batch_size, self.noise, 1, DELTA)


def largest_sums(case: WorstCase, present: bool, random: np.random.Generator) -> np.ndarray:
    """Return the largest noisy sum of each run, (runs,), over what a full batch of others gives.

    In shuffled batches each other example has -1, so that the one batch with the victim's place in
    it stands out, whether the victim is there or left out. In Poisson batches the others have 0,
    since their number would only hide the victim.
    """
    if case.batches == "shuffled":
        special = 2.0 if present else 1.0
        count = np.ones(case.runs, int)
    else:
        special = 1.0
        count = random.binomial(case.steps, present / case.steps, case.runs)
    with_victim = special + case.noise * _largest_of(count, random)
    return np.maximum(with_victim, case.noise * _largest_of(case.steps - count, random))


def _largest_of(count: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Draw the largest of so many standard normal numbers, (runs,), as if each had been drawn.

    All are below a number with the chance of one to the power of their count.
    """
    from scipy.stats import norm

    # Of the chance that one of them is above; a share just below 1 would be rounded to 1.
    above = -np.expm1(np.log(random.random(len(count))) / np.maximum(count, 1))
    return np.where(count > 0, norm.isf(above), -np.inf)


def found_in_worst_case(case: WorstCase, progress: Progress) -> Measures:
    """Run an audit: half of the runs choose the threshold, the other half are counted.

    Returns:
        "found", the lower bound of epsilon that each repetition proves, (seeds,).
    """
    found = []
    for seed in range(case.seeds):
        progress(seed, case.seeds)
        random = np.random.default_rng(seed)
        there, absent = (largest_sums(case, present, random) for present in (True, False))
        found.append(epsilon_of_many_runs(there, absent, DELTA))
    progress(case.seeds, case.seeds)
    return {"found": np.array(found)}
