"""Every promise of the table over random trainings, and an example for each that is not made."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simmim_lib.weighting import METHODS, PROPERTIES, create

Training = tuple[np.ndarray, np.ndarray]
"""Losses, shape (steps, tasks), and gradients, shape (steps, tasks, parameters)."""

TABLE = [(name, method) for name in PROPERTIES for method in METHODS]
KEPT = [pair for pair in TABLE if pair[1] in PROPERTIES[pair[0]].methods]
BROKEN = [pair for pair in TABLE if pair not in KEPT]

some = settings(max_examples=25, deadline=None)


@st.composite
def trainings(draw: st.DrawFn) -> Training:
    """Four steps; the gradients may depend on each other, be repeated, or leave no way out."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    tasks, parameters = draw(st.integers(2, 6)), draw(st.integers(1, 12))
    rows = generator.normal(size=(4, tasks, parameters))
    if draw(st.booleans()):
        rows[:, -1] = draw(st.sampled_from([-1.0, 2.0])) * rows[:, 0]
    losses = 10 ** generator.uniform(-2, 2, (4, tasks))
    return losses, rows * 10 ** generator.uniform(-2, 2, (tasks, 1))


def weights_of(method: str, training: Training) -> np.ndarray:
    """The weights of every step, shape (steps, tasks)."""
    losses, rows = training
    weighting = create(method, losses.shape[1], seed=3)
    return np.array([weighting.weigh(*step) for step in zip(losses, rows @ rows.mT, strict=True)])


def steps_of(method: str, training: Training) -> tuple[np.ndarray, np.ndarray]:
    """Directions, (steps, parameters), and their longest parts, (steps, 1): rounding's measure."""
    rows = training[1]
    parts = weights_of(method, training)[..., np.newaxis] * rows
    return parts.sum(axis=1), np.linalg.norm(parts, axis=2).max(axis=1, keepdims=True)


def scaled(training: Training, factors: np.ndarray | float) -> Training:
    """The same training with each task's loss multiplied by its factor."""
    losses, rows = training
    factors = np.broadcast_to(factors, losses.shape[1])
    return losses * factors, rows * factors[:, np.newaxis]


def conflicts(method: str, training: Training, generator: np.random.Generator) -> float:
    """How far a step goes against a gradient, of lengths one."""
    rows = training[1]
    directions, longest = steps_of(method, training)
    along = (rows @ directions[..., np.newaxis])[..., 0] / np.linalg.norm(rows, axis=2)
    return float((-along / np.maximum(longest, 1e-300)).max())


def feels_the_unit(method: str, training: Training, generator: np.random.Generator) -> float:
    """How far the step is from k times the step if all losses are k times as large."""
    factor = float(10 ** generator.uniform(-2, 2))
    before, longest = steps_of(method, training)
    after, other = steps_of(method, scaled(training, factor))
    return _apart(after, factor * before, np.maximum(factor * longest, other))


def feels_the_order(method: str, training: Training, generator: np.random.Generator) -> float:
    """How far the step is from what it was before the tasks changed places."""
    losses, rows = training
    order = generator.permutation(losses.shape[1])
    before, longest = steps_of(method, training)
    return _apart(steps_of(method, (losses[:, order], rows[:, order]))[0], before, longest)


MEANS = ("mgda", "imtl-g")
"""Methods whose weights add up to one; those of others to the number of tasks."""


def changes_its_sum(method: str, training: Training, generator: np.random.Generator) -> float:
    """How far the weights' sums are from one, or from the number of tasks."""
    weights = weights_of(method, training)
    wanted = 1 if method in MEANS else weights.shape[1]
    return float(abs(weights.sum(axis=1) - wanted).max() / max(np.abs(weights).max(), 1.0))


def is_not_linear(method: str, training: Training, generator: np.random.Generator) -> float:
    """How far the step for a sum of scales is from the sum of the steps for each."""
    scales = 10 ** generator.uniform(-2, 2, (2, training[0].shape[1]))
    found = [steps_of(method, scaled(training, each)) for each in (*scales, scales.sum(axis=0))]
    (one, two, both), longest = zip(*found, strict=True)
    return _apart(both, one + two, np.maximum.reduce(longest))


def _apart(found: np.ndarray, wanted: np.ndarray, longest: np.ndarray) -> float:
    return float((np.abs(found - wanted) / np.maximum(longest, 1e-300)).max())


BREACHES = {
    "non-conflicting": conflicts,
    "scale-equivariant": feels_the_unit,
    "permutation-invariant": feels_the_order,
    "constant sum": changes_its_sum,
    "linear under scaling": is_not_linear,
}


def test_the_table_names_methods_in_their_order() -> None:
    assert list(BREACHES) == list(PROPERTIES)
    for of in PROPERTIES.values():
        assert list(of.methods) == [name for name in METHODS if name in of.methods]
        assert of.meaning and not of.meaning.endswith(".")


@pytest.mark.parametrize(("name", "method"), KEPT)
@some
@given(training=trainings(), seed=st.integers(0, 2**32))
def test_a_promise_is_kept_in_every_training(
    name: str, method: str, training: Training, seed: int
) -> None:
    assert BREACHES[name](method, training, np.random.default_rng(seed)) < 1e-6


# Three tasks in three dimensions, every two in conflict and of unlike lengths; the losses fall.
EXAMPLE: Training = (
    np.array([[1.0, 2, 4], [0.8, 1.9, 2], [0.7, 1.9, 1], [0.6, 1.5, 0.9]]),
    np.tile([[1.0, 0, 1], [-3, -3, 1], [0, 2, -2]], (4, 1, 1)),
)
OWN_EXAMPLES: dict[str, list[list[float]]] = {
    # A short gradient between two others gets a large negative weight, and the sum is below zero.
    "imtl-g": [[1, 0, 0], [0, 1, 0], [0.07, 0.07, 0.014]],
    # In a plane no step has equal angles to all three.
    "config": [[1, 0], [0, 1], [-1, -0.5]],
}


@pytest.mark.parametrize(("name", "method"), BROKEN)
def test_an_example_breaks_what_is_not_promised(name: str, method: str) -> None:
    losses, rows = EXAMPLE
    training = losses, np.tile(OWN_EXAMPLES.get(method, rows[0]), (4, 1, 1))
    assert BREACHES[name](method, training, np.random.default_rng(0)) > 1e-4


@some
@given(training=trainings())
def test_config_conflicts_with_none_of_independent_gradients(training: Training) -> None:
    losses, rows = training
    own = np.broadcast_to(np.eye(losses.shape[1]), (4, losses.shape[1], losses.shape[1]))
    independent = (losses, np.concatenate([rows, own], axis=2))
    assert conflicts("config", independent, np.random.default_rng(0)) < 1e-6
