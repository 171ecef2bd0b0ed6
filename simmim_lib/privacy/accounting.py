"""The accountant: which epsilon follows from a noise, a batch size and a number of steps.

It follows the Renyi divergence between what training does with and without one example, which adds
up over steps, and turns the sum into an epsilon at the end.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simmim_lib.errors import (
    WorkbookError,
    check_at_least_zero,
    check_choice,
    check_number,
    check_whole,
    warn,
)

NEIGHBOURS = ("add-or-remove",)
"""Which sets of examples are neighbours: one has one example more than the other."""

CONVERSIONS = ("improved", "classic")
"""How a Renyi divergence becomes an epsilon: Canonne et al. 2020, or Mironov 2017."""

ORDERS = np.concatenate([np.linspace(1.01, 8, 50), np.arange(9, 64), np.linspace(65, 512, 10)])
"""The orders of the divergence that are tried; the one that gives the smallest epsilon counts."""

PIECES = 5
"""Of the integral, on the narrowest thing in it; twice as many change nothing at nine digits."""

TAIL = 12
"""Standard deviations beyond which a Gaussian counts for nothing."""

MIN_NOISE = 0.1
"""With less noise than this no epsilon is small enough to mean anything."""

MIN_INTEGRATED = 0.05
"""With less noise than this the integral would take minutes, and gigabytes."""

MAX_NOISE = 1e6
"""More noise than this is no use to anybody who looks for the least."""

MAX_COUNT = 10**12
"""More examples or epochs than this nobody can mean."""


def renyi_divergence(share: float, noise: float, orders: ArrayLike = ORDERS) -> NDArray[np.float64]:
    """Return the Renyi divergence of one step with an example from one without it, in nats.

    The step draws each example with a chance of its own (Poisson), adds up clipped gradients of
    length at most 1, and adds a Gaussian. The example, if it is drawn, moves the Gaussian by 1 at
    most, so the divergence of order a is log E[((1 - q) + q exp((2 z - 1) / (2 s^2)))^a] / (a - 1),
    with z from a Gaussian of deviation s; it is integrated numerically. With noise below
    `MIN_INTEGRATED` the divergence is that of a step that draws the example for certain: never
    less.

    Args:
        share: q, the chance with which each example is drawn, from 0 to 1.
        noise: s, the deviation of the Gaussian over the largest length of a gradient.
        orders: a, each above 1, (orders,).

    Returns:
        The divergences, (orders,).

    Raises:
        WorkbookError: a number that cannot be meant.

    Source: Mironov, Talwar and Zhang 2019, "Renyi Differential Privacy of the Sampled Gaussian
        Mechanism", equation 3 and section 3.
    """
    share = check_number("share", share, lambda number: 0 <= number <= 1, "from 0 to 1, like 0.01")
    noise = check_at_least_zero("noise", noise)
    for order in np.ravel(orders).tolist():
        check_number("order", order, lambda number: number > 1, "above 1, like 2.0")
    orders = np.atleast_1d(np.asarray(orders, np.float64))
    if share == 0:
        return np.zeros(len(orders))
    if share == 1 or noise < MIN_INTEGRATED:
        with np.errstate(over="ignore"):  # of next to no noise: infinite
            return orders / 2 / noise / noise
    return np.array([_log_moment(share, noise, order) / (order - 1) for order in orders])


def _log_moment(share: float, noise: float, order: float) -> float:
    """Return the logarithm of the expectation in `renyi_divergence`, by the trapezoidal rule."""
    from scipy.special import logsumexp

    square = noise * noise
    width = min(noise, square) / PIECES
    z = np.arange(-TAIL * noise, order + TAIL * noise, width)
    ratio = np.logaddexp(math.log1p(-share), math.log(share) + (2 * z - 1) / (2 * square))
    density = -((z / noise) ** 2) / 2 - math.log(noise * math.sqrt(2 * math.pi))
    return float(logsumexp(order * ratio + density) + math.log(width))


def epsilon(
    examples: int,
    batch_size: int,
    noise_multiplier: float,
    epochs: float,
    delta: float,
    conversion: str = "improved",
    neighbours: str = "add-or-remove",
) -> float:
    """Return the epsilon that private training has, for batches that are really drawn at random.

    Each step draws every example with the chance batch_size / examples, independently of the
    others (Poisson). For batches that are cut from a shuffled list this number is no bound.

    Args:
        examples: how many there are to learn from.
        batch_size: how many a step draws on average.
        noise_multiplier: the noise's standard deviation over the length at which gradients are
            clipped.
        epochs: how often each example is drawn on average.
        delta: the chance of a failure of the guarantee; well below 1 / examples.
        conversion: one of `CONVERSIONS`.
        neighbours: which sets of examples must not be told apart, one of `NEIGHBOURS`.

    Returns:
        The smallest epsilon that the orders in `ORDERS` prove; infinite without noise.

    Raises:
        WorkbookError: a number that cannot be meant.

    Source: Abadi et al. 2016, "Deep Learning with Differential Privacy"; Mironov 2017, "Renyi
        Differential Privacy", proposition 3; Canonne, Kamath and Steinke 2020, "The Discrete
        Gaussian for Differential Privacy", proposition 12.
    """
    share, steps, delta = _check(examples, batch_size, epochs, delta, conversion, neighbours)
    noise = check_number(
        "noise_multiplier", noise_multiplier, lambda number: number >= 0, "of at least 0"
    )
    if noise == 0:
        return math.inf
    return _converted(steps * renyi_divergence(share, noise), delta, conversion)


def noise_multiplier(
    examples: int,
    batch_size: int,
    epsilon: float,
    epochs: float,
    delta: float,
    conversion: str = "improved",
    neighbours: str = "add-or-remove",
) -> float:
    """Return the least noise with which private training has an epsilon; the inverse of `epsilon`.

    Args:
        examples: how many there are to learn from.
        batch_size: how many a step draws on average.
        epsilon: what is to be reached, above 0.
        epochs: how often each example is drawn on average.
        delta: as for `epsilon`.
        conversion: as for `epsilon`.
        neighbours: as for `epsilon`.

    Raises:
        WorkbookError: a number that cannot be meant, or an epsilon that no noise reaches.
    """
    from scipy.optimize import brentq

    share, steps, delta = _check(examples, batch_size, epochs, delta, conversion, neighbours)
    epsilon = check_number("epsilon", epsilon, lambda number: number > 0, "above 0, like 1.0")

    def excess(log_noise: float) -> float:
        divergence = steps * renyi_divergence(share, math.exp(log_noise))
        return _converted(divergence, delta, conversion) - epsilon

    high = 0.0
    while excess(high) > 0:
        high += math.log(2)
        if high > math.log(MAX_NOISE):
            raise WorkbookError(
                f"No noise reaches an epsilon of {epsilon:g} over {steps:g} steps at a delta of "
                f"{delta:g}: allow a larger epsilon or delta, or fewer epochs."
            )
    low, least = high - math.log(2), math.log(MIN_NOISE)
    while excess(low) < 0:
        if low == least:  # the integral takes long where there is less
            return MIN_NOISE
        low = max(low - math.log(2), least)
    return math.exp(brentq(excess, low, high, xtol=1e-10))


def _converted(divergence: NDArray[np.float64], delta: float, conversion: str) -> float:
    """Return the smallest epsilon that divergences of the orders in `ORDERS` prove."""
    rest = -math.log(delta) / (ORDERS - 1)
    if conversion == "improved":
        rest = rest + np.log1p(-1 / ORDERS) - np.log(ORDERS) / (ORDERS - 1)
    return max(0.0, float(np.min(divergence + rest)))


def count_steps(examples: int, batch_size: int, epochs: float) -> int:
    """Return how many steps epochs take, at least one: as many are trained as are accounted for.

    Args:
        examples: how many there are.
        batch_size: how many a step draws on average.
        epochs: how often each example is drawn on average.
    """
    return max(1, round(float(epochs) * (int(examples) / int(batch_size))))


def _check(
    examples: int, batch_size: int, epochs: float, delta: float, conversion: str, neighbours: str
) -> tuple[float, int, float]:
    """Refuse what cannot be meant, and return an example's chance, the steps and the delta."""
    examples = check_whole("examples", examples, least=1, most=MAX_COUNT)
    batch_size = check_whole("batch_size", batch_size, least=1, most=examples)
    epochs = check_number(
        "epochs",
        epochs,
        lambda number: 0 < number <= MAX_COUNT,
        f"above 0 and at most {MAX_COUNT:g}",
    )
    delta = check_number(
        "delta", delta, lambda number: 0 < number < 1, "above 0 and below 1, like 1e-5"
    )
    check_choice("conversion", conversion, CONVERSIONS)
    check_choice("relation of neighbours", neighbours, NEIGHBOURS)
    if delta >= 1 / examples:
        warn(
            f"delta is {delta:g}, but there are {examples:,} examples: with a delta of one in "
            f"{examples:,} or more, publishing a whole example counts as private. Take less than "
            f"{1 / examples:.1g}."
        )
    return batch_size / examples, count_steps(examples, batch_size, epochs), delta
