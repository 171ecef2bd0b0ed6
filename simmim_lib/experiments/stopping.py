"""Early stopping: each seed keeps the weights that were best on its validation images."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from simmim_lib.experiments.evaluation import look
from simmim_lib.experiments.network import Network
from simmim_lib.experiments.tasks import Target
from simmim_lib.training import STEPS_PER_CALL
from simmim_lib.trunks import Weights


def until_no_better(
    steps: Iterator[Weights], loss: Callable[[Weights], np.ndarray], patience: int
) -> Iterator[Weights]:
    """Follow a training until no seed has become better for some steps.

    Args:
        steps: the weights after every `STEPS_PER_CALL` steps, each (seeds, ...).
        loss: of such weights on validation images, (seeds,).
        patience: how many steps without progress end the training; 0: none do.

    Yields:
        Each seed's best weights so far, each (seeds, ...); with `patience=0` the latest ones.

    Source: Prechelt 1998, "Early Stopping - But When?".
    """
    if not patience:
        yield from steps
        return
    best: Weights = []
    for weights in steps:
        losses = loss(weights)
        if not best:
            best, waited = list(weights), np.zeros(losses.shape)
            lowest = np.full(losses.shape, np.inf)  # the first look is progress
        # A seed that has waited long enough is done, whatever the others do.
        better = (losses < lowest) & (waited < patience)
        best = [_chosen(better, new, old) for new, old in zip(weights, best, strict=True)]
        lowest = np.where(better, losses, lowest)
        waited = np.where(better, 0, waited + STEPS_PER_CALL)
        yield best
        if np.all(waited >= patience):
            return


def _chosen(better: np.ndarray, new: np.ndarray, old: np.ndarray) -> np.ndarray:
    """Take the new weights of those seeds that are better, (seeds, ...)."""
    return np.where(better.reshape(-1, *[1] * (new.ndim - 1)), new, old)


def validation_loss(
    tasks: dict[str, Target], network: Network, weights: Weights, seeds: Sequence[int]
) -> np.ndarray:
    """Return the mean loss of all tasks on each seed's validation images, (seeds,).

    The loss tells progress from standstill where a few images more or less are classified
    correctly by chance. That of a regression is in the units of the training, so that one in
    thousands does not drown the others.

    Args:
        tasks: from `choose_tasks`.
        network: from `transfer`.
        weights: of some seeds, each (seeds, ...).
        seeds: which seeds these are.
    """
    chosen = {
        name: replace(task, choices=[task.choices[seed] for seed in seeds])
        for name, task in tasks.items()
    }
    looks = {
        name: replace(each, labels=network.scaled(name, each.labels, seeds))
        for name, each in look(chosen, network, weights).items()
    }
    return np.mean([each.loss for each in looks.values()], axis=0)
