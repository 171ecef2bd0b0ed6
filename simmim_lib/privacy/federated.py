"""Federated averaging: several places learn one network, and no image leaves its place.

Each round, every place trains a copy of the network on its own examples and sends back how the
weights have changed; the mean of the changes is added to the network. What is sent still tells
something of the examples: only clipped changes with noise bound how much.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib.errors import (
    WorkbookError,
    check_at_least_zero,
    check_choice,
    check_positive,
    check_whole,
)
from simmim_lib.privacy.examples import checked_examples

if TYPE_CHECKING:
    from simmim_lib.simmim import SimMIM, Task

Weights = list[np.ndarray]

Examples = tuple[np.ndarray, np.ndarray]
"""The inputs and the labels of one place."""


@dataclass(frozen=True)
class FederatedRecipe:
    """How places learn together.

    Attributes:
        rounds: how often changes are sent.
        epochs: how often a place goes through its own examples in a round, in whole batches; what
            fills none is left for another order.
        learning_rate: of the places' plain gradient descent.
        batch_size: of the places.
        clip: the largest length of one place's change; none where it is left out.
        noise_multiplier: of the noise that is added to the sum of changes, in units of `clip`;
            frozen weights do not change, and get none.

    Raises:
        WorkbookError: a number that cannot be meant, or noise without a clip.
    """

    rounds: int
    epochs: int = 1
    learning_rate: float = 0.1
    batch_size: int = 32
    clip: float | None = None
    noise_multiplier: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for name in ("rounds", "epochs", "batch_size"):
            check_whole(name, getattr(self, name), least=1)
        check_positive("learning_rate", self.learning_rate)
        check_at_least_zero("noise_multiplier", self.noise_multiplier)
        if self.clip is not None:
            check_positive("clip", self.clip)
        elif self.noise_multiplier:
            raise WorkbookError(
                "noise_multiplier is in units of clip, but clip is None: say how long a change "
                "may be, such as clip=1.0."
            )


def federated_rounds(
    model: "SimMIM", task: str, places: Sequence[Examples], recipe: FederatedRecipe, seed: int = 0
) -> Iterator[int]:
    """Train a model on examples that stay where they are, and stop after each round.

    Args:
        model: what to train, from the weights that it has.
        task: whose head learns.
        places: the examples of each; a place counts as much as it has examples.
        recipe: how.
        seed: of the batches and of the noise.

    Yields:
        The number of each round that is done, from 1; the model has its weights then.

    Raises:
        WorkbookError: a task that the model does not have; no places, or one without examples;
            examples that `examples.checked_examples` refuses.

    Source: McMahan et al. 2017, "Communication-Efficient Learning of Deep Networks from
        Decentralized Data", algorithm 1; with noise McMahan et al. 2018, "Learning Differentially
        Private Recurrent Language Models".
    """
    known = {each.name: each for each in model.tasks}
    check_choice("task", task, known)
    if not places or any(len(place) != 2 for place in places):
        raise WorkbookError(
            f"There are {len(places)} places, but there must be at least one, each with its inputs "
            "and labels: give pairs, such as [(inputs, labels)]."
        )
    places = [checked_examples(known[task], *place) for place in places]
    shapes = {inputs.shape[1:] for inputs, _ in places}
    if len(shapes) > 1 or not all(len(labels) for _, labels in places):
        raise WorkbookError(
            f"The {len(places)} places have {', '.join(str(len(labels)) for _, labels in places)} "
            f"examples of the shapes {', '.join(map(str, sorted(shapes)))}, but all need examples, "
            "and of one shape: leave places out, or resize."
        )
    random = np.random.default_rng(check_whole("seed", seed, least=0))
    shares = np.array([len(labels) for _, labels in places], np.float64)
    shares /= shares.sum()
    step = _step(model, known[task])
    for number in range(recipe.rounds):
        start = _trained(model, task)
        changes = []
        for inputs, labels in places:
            _set(model, task, start)
            _train(step, inputs, labels, recipe, random)
            changes.append([b - a for a, b in zip(start, _trained(model, task), strict=True)])
        mean = _mean_change(changes, shares, recipe, random)
        _set(model, task, [a + change for a, change in zip(start, mean, strict=True)])
        yield number + 1


def _trained(model: "SimMIM", task: str) -> Weights:
    """Return copies of the weights that learn from a task."""
    return [variable.numpy().copy() for variable in model.variables_of(task)]


def _set(model: "SimMIM", task: str, weights: Weights) -> None:
    for variable, values in zip(model.variables_of(task), weights, strict=True):
        variable.assign(values)


def _train(
    step: Any,
    inputs: np.ndarray,
    labels: np.ndarray,
    recipe: FederatedRecipe,
    random: np.random.Generator,
) -> None:
    size = min(recipe.batch_size, len(labels))
    for _ in range(recipe.epochs):
        order = random.permutation(len(labels))
        for start in range(0, len(labels) - size + 1, size):
            batch = order[start : start + size]
            step(inputs[batch], labels[batch], np.float32(recipe.learning_rate))


def _mean_change(
    changes: list[Weights],
    shares: np.ndarray,
    recipe: FederatedRecipe,
    random: np.random.Generator,
) -> Weights:
    """Return the mean of the places' changes, clipped and blurred where the recipe says so."""
    if recipe.clip is None:
        factors = shares
    else:  # each place counts the same, so that none can be told by its weight
        lengths = [np.sqrt(sum(np.square(part).sum() for part in change)) for change in changes]
        factors = np.minimum(1, recipe.clip / np.maximum(lengths, 1e-12)) / len(changes)
    mean = [np.tensordot(factors, np.stack(parts), axes=1) for parts in zip(*changes, strict=True)]
    spread = recipe.noise_multiplier * (recipe.clip or 0) / len(changes)
    return [part + spread * random.standard_normal(part.shape) for part in mean]


def _step(model: "SimMIM", task: "Task") -> Any:
    """Return a compiled step of plain gradient descent: inputs, labels, learning rate."""
    import tensorflow as tf

    from simmim_lib.training.objective import LABELS

    loss_of = LABELS[task.kind].loss

    @tf.function(autograph=False, reduce_retracing=True)
    def step(inputs: Any, labels: Any, rate: Any) -> None:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(loss_of(labels, model(inputs)[task.name]))
        variables = [variable.value for variable in model.variables_of(task.name)]
        slopes = tape.gradient(loss, variables, unconnected_gradients="zero")
        for variable, slope in zip(variables, slopes, strict=True):
            variable.assign_sub(rate * slope)

    return step
