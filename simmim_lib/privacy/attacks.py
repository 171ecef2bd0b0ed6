"""Attacks: how well somebody can tell who was among the training examples, and what that proves.

An accountant promises an upper bound of epsilon. An attack finds a lower one: what was told apart
cannot be more private than that. A lower bound above the promise is a bug.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simmim_lib.errors import WorkbookError, check_at_least_zero, check_number, check_whole, shown

Scores = NDArray[np.float64]

LARGE_EPSILON = 700.0
"""Beyond it any attack may find all, as without noise; powers of e end soon after it."""

ROUNDING = 1e-6
"""So much beyond 0 or 1 a probability may be, in single precision."""

MAX_THRESHOLDS = 20_000
"""The highest scores that an audit tries as thresholds."""


@dataclass(frozen=True, eq=False)
class Attack:
    """How an attack tells members from others.

    Attributes:
        false_positives: the share of others that it takes for members, by threshold, rising.
        true_positives: the share of members that it finds, at the same thresholds.
    """

    false_positives: Scores
    true_positives: Scores

    @property
    def area(self) -> float:
        """The chance that a member has the higher score: 0.5 says nothing."""
        return float(np.trapezoid(self.true_positives, self.false_positives))

    @property
    def advantage(self) -> float:
        """The largest difference between both shares: 0 says nothing."""
        return float(np.max(self.true_positives - self.false_positives))

    def found_at(self, false_positives: float) -> float:
        """Return the share of members that is found while at most so many others are accused.

        Raises:
            WorkbookError: a share that is not from 0 to 1.
        """
        check_number("false_positives", false_positives, lambda n: 0 <= n <= 1, "from 0 to 1")
        allowed = self.false_positives <= false_positives + 1e-12
        return float(self.true_positives[allowed].max())


def attack(members: ArrayLike, others: ArrayLike) -> Attack:
    """Return how well scores tell members from others.

    Args:
        members: a score for each training example, (n,); higher means "was there".
        others: a score for each example that was not there, (m,).

    Raises:
        WorkbookError: no scores, or NaN among them.

    Source: Carlini et al. 2022, "Membership Inference Attacks From First Principles", section 3.
    """
    from sklearn.metrics import roc_curve

    members, others = _scores("members", members), _scores("others", others)
    truth = np.repeat([1, 0], [len(members), len(others)])
    # Ranks in place of scores: a ratio of likelihoods may be infinite.
    _, ranks = np.unique(np.concatenate([members, others]), return_inverse=True)
    false, true, _ = roc_curve(truth, ranks, drop_intermediate=False)
    return Attack(false, true)


def most_found(epsilon: float, delta: float, false_positives: ArrayLike) -> Scores:
    """Return the share of members that any attack can find under a promise, at most.

    Args:
        epsilon: of the promise.
        delta: of the promise.
        false_positives: shares of others that are accused, of any shape.

    Returns:
        Shares of the same shape.

    Raises:
        WorkbookError: a number that cannot be meant.

    Source: Kairouz, Oh and Viswanath 2015, "The Composition Theorem for Differential Privacy",
        theorem 2.1.
    """
    if epsilon != math.inf:
        epsilon = check_at_least_zero("epsilon", epsilon)
    check_number("delta", delta, lambda number: 0 <= number <= 1, "from 0 to 1, like 1e-5")
    accused = _numbers("false_positives", false_positives, "shares from 0 to 1")
    if not ((accused >= 0) & (accused <= 1)).all():
        raise WorkbookError(
            f"false_positives go from {accused.min():g} to {accused.max():g}, but are shares: give "
            "numbers from 0 to 1."
        )
    most = np.exp(min(epsilon, LARGE_EPSILON))
    seldom = most * accused + delta
    mostly = 1 - math.exp(-epsilon) * (1 - delta - accused)
    return np.clip(np.minimum(seldom, mostly), 0, 1)


def likelihood_ratio(observed: ArrayLike, shadows: ArrayLike, was_there: ArrayLike) -> Scores:
    """Return for each example how much better "was there" explains a score than "was not there".

    Networks trained on other draws of the data (shadows) show how an example scores with and
    without being learnt from. Both are taken for Gaussians, with one deviation for all examples,
    since few shadows do not tell one for each.

    Args:
        observed: of the network under attack, (n,), such as `confidence` gives.
        shadows: of each shadow, (shadows, n).
        was_there: whether each shadow learnt from each example, (shadows, n).

    Returns:
        Logarithms of likelihood ratios, (n,).

    Raises:
        WorkbookError: what is no finite number, shapes that do not fit, or an example that all
            shadows or none learnt from.

    Source: Carlini et al. 2022, algorithm 1 and section 6.3.
    """
    named = {"observed": observed, "shadows": shadows, "was_there": was_there}.items()
    observed, shadows, known = (_numbers(*given, "finite numbers") for given in named)
    there = known.astype(bool)
    if shadows.shape != there.shape or shadows.shape[1:] != observed.shape:
        raise WorkbookError(
            f"observed has the shape {observed.shape}, shadows {shadows.shape} and was_there "
            f"{there.shape}: give (n,), (shadows, n) and (shadows, n)."
        )
    if (there.all(axis=0) | ~there.any(axis=0)).any():
        raise WorkbookError(
            "Some examples were in all shadows or in none, so that there is nothing to compare "
            "with: train more shadows, each on a random half."
        )
    densities = [_log_density(observed, shadows, some) for some in (there, ~there)]
    return densities[0] - densities[1]


def _log_density(observed: Scores, shadows: Scores, some: NDArray[np.bool_]) -> Scores:
    means = np.where(some, shadows, 0).sum(axis=0) / some.sum(axis=0)
    variance = np.mean(np.square((shadows - means)[some])) + 1e-12
    return -np.square(observed - means) / (2 * variance) - np.log(variance) / 2


def confidence(probabilities: ArrayLike, labels: ArrayLike) -> Scores:
    """Return log(p / (1 - p)) of the right class's probability, which is nearly Gaussian, (n,).

    Args:
        probabilities: (n, classes).
        labels: (n,).

    Raises:
        WorkbookError: shapes that do not fit, what is no probability, or labels that are no class.
    """
    known, found = (
        _numbers("probabilities", probabilities, "numbers from 0 to 1"),
        np.asarray(labels),
    )
    if not ((known >= -ROUNDING) & (known <= 1 + ROUNDING)).all():
        raise WorkbookError(
            f"probabilities go from {known.min():g} to {known.max():g}: give numbers from 0 to 1, "
            "such as the softmax of logits."
        )
    fit = known.ndim == 2 and found.shape == known.shape[:1] and found.dtype.kind in "iu"
    if not fit or (found.size and not 0 <= found.min() <= found.max() < known.shape[1]):
        raise WorkbookError(
            f"probabilities have the shape {known.shape}, and labels are {shown(labels)}: give "
            "(n, classes), and n whole numbers from 0 to classes - 1."
        )
    right = known[np.arange(len(known)), found]
    right = np.clip(right, 1e-12, 1 - 1e-12)
    return np.log(right) - np.log1p(-right)


def audited_epsilon(
    right: int, guesses: int, canaries: int, delta: float, level: float = 0.95
) -> float:
    """Return the lower bound of epsilon that guesses about canaries prove.

    A canary is an odd example that is put among the training examples with chance one half. Of a
    private training one can guess which were there hardly better than by tossing a coin: with
    epsilon, at most a share of e^epsilon / (1 + e^epsilon) of the guesses is right on average.

    Args:
        right: how many guesses were right.
        guesses: how many were made, about the canaries one is surest of.
        canaries: how many there were.
        delta: of the promise that is looked into.
        level: with which chance the bound holds.

    Returns:
        The bound; 0 where coins would do as well.

    Raises:
        WorkbookError: more right than guessed, or more guesses than canaries.

    Source: Steinke, Nasr and Jagielski 2023, "Privacy Auditing with One (1) Training Run",
        theorem 5.2.
    """
    from scipy.optimize import brentq

    check_whole("canaries", canaries, least=1)
    check_whole("guesses", guesses, 1, canaries)
    check_whole("right", right, 0, guesses)
    _check_bound(delta, level)

    def excess(bound: float) -> float:
        return _chance(right, guesses, canaries, bound, delta) - (1 - level)

    if excess(0) >= 0:
        return 0.0
    most = 1.0
    while excess(most) < 0:
        most *= 2
    return float(brentq(excess, 0, most, xtol=1e-9))


def epsilon_of_many_runs(
    members: ArrayLike, others: ArrayLike, delta: float, level: float = 0.95
) -> float:
    """Return the lower bound of epsilon that many runs with and without one example prove.

    The first half of the runs chooses the threshold, the second half is counted: a threshold that
    had been chosen on the runs that it is judged by would prove too much.

    Args:
        members: a score for each run with the example, (n,); higher means "was there".
        others: a score for each run without it, (m,).
        delta: of the promise that is looked into.
        level: with which chance the bound holds.

    Raises:
        WorkbookError: fewer than two runs of a kind, or NaN among the scores.

    Source: Jagielski, Ullman and Oprea 2020, "Auditing Differentially Private Machine Learning: How
        Private is Private SGD?", section 3; Clopper and Pearson 1934.
    """
    _check_bound(delta, level)
    named = {"members": members, "others": others}.items()
    pairs = [np.array_split(_scores(*given), 2) for given in named]
    if any(len(half) == 0 for halves in pairs for half in halves):
        raise WorkbookError("An audit by many runs needs at least two of each kind: run more.")
    (member_trials, members), (other_trials, others) = pairs
    thresholds = np.unique(np.concatenate([member_trials, other_trials]))[-MAX_THRESHOLDS:]
    bounds = _bounds_above(thresholds, member_trials, other_trials, delta, level)
    best = thresholds[[int(np.argmax(bounds))]]
    return float(_bounds_above(best, members, others, delta, level)[0])


def _bounds_above(
    thresholds: Scores, members: Scores, others: Scores, delta: float, level: float
) -> Scores:
    """Return the bound of epsilon that each threshold proves, (thresholds,)."""
    from scipy.stats import beta

    doubt = (1 - level) / 2  # one half for each of the two shares
    found, accused = (
        len(scores) - np.searchsorted(np.sort(scores), thresholds) for scores in (members, others)
    )
    least = np.where(found > 0, beta.ppf(doubt, np.maximum(found, 1), len(members) - found + 1), 0)
    rest = np.maximum(len(others) - accused, 1)
    most = np.where(accused < len(others), beta.ppf(1 - doubt, accused + 1, rest), 1)
    return np.log(np.maximum((least - delta) / most, 1))


def _chance(right: int, guesses: int, canaries: int, bound: float, delta: float) -> float:
    """Return the largest chance of so many right guesses, if the training has this epsilon."""
    from scipy.stats import binom

    share = 1 / (1 + math.exp(-bound))
    chance = float(binom.sf(right - 1, guesses, share))
    if not (right and delta):
        return chance
    fewer = np.arange(1, right + 1)
    helped = np.cumsum(binom.pmf(right - fewer, guesses, share)) / fewer
    return min(1.0, chance + 2 * canaries * delta * float(helped.max()))


def _check_bound(delta: float, level: float) -> None:
    """Refuse numbers with which no bound of epsilon holds."""
    check_number("delta", delta, lambda number: 0 <= number < 1, "of at least 0 and below 1")
    check_number("level", level, lambda number: 0 < number < 1, "above 0 and below 1, like 0.95")


def _scores(what: str, given: ArrayLike) -> Scores:
    scores = _as_array(what, given, "scores, one number for each example").ravel()
    if not len(scores) or np.isnan(scores).any():
        raise WorkbookError(
            f"{what} must be scores, one for each example, none of them NaN, but there are "
            f"{len(scores)}, {int(np.isnan(scores).sum())} of them NaN."
        )
    return scores


def _numbers(what: str, given: ArrayLike, in_words: str) -> Scores:
    """Return an array of finite numbers, or refuse: one NaN would spread to all results."""
    array = _as_array(what, given, in_words)
    if not np.isfinite(array).all():
        raise WorkbookError(
            f"{np.count_nonzero(~np.isfinite(array)):,} of the {array.size:,} values of {what} are "
            f"NaN or infinite, but must be {in_words}: leave these examples out."
        )
    return array


def _as_array(what: str, given: ArrayLike, in_words: str) -> Scores:
    try:
        return np.asarray(given, np.float64)
    except (TypeError, ValueError):  # no numbers, or rows of several lengths
        raise WorkbookError(f"{what} is {shown(given)}, but must be {in_words}.") from None
