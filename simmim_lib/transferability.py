"""Scores that guess beforehand whether a source will help a target."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simmim_lib.errors import WorkbookError

# A softmax in half precision sums to one within a thousandth.
SUM_TOLERANCE = 1e-3


def leep(probabilities: ArrayLike, labels: ArrayLike) -> float:
    """Log expected empirical prediction: the mean log-likelihood of the target labels, in nats.

    The source network's classes are translated into target classes by the empirical P(y | z), and
    the translated predictions are scored. At most 0; -H(Y), the entropy of the target labels, when
    the source network's predictions say nothing about them.

    Args:
        probabilities: the source network's predictions, shape (n, source classes), rows sum to 1.
        labels: target labels, whole numbers of shape (n,), at least two different ones.

    Returns:
        The score in nats; higher is better.

    Raises:
        WorkbookError: shapes that do not match, NaN, rows that are not probabilities, one class.

    Source: Nguyen et al. 2020, "LEEP: A New Measure to Evaluate Transferability of Learned
        Representations", equations 1 and 2.
    """
    theta, members = _examples("probabilities", probabilities, labels)
    sums = theta.sum(axis=1)
    if (theta < 0).any() or (np.abs(sums - 1) > SUM_TOLERANCE).any():
        worst = int(np.abs(sums - 1).argmax())
        raise WorkbookError(
            "Each row of probabilities must hold no negative number and sum to 1, but the lowest "
            f"entry is {theta.min():.3g} and row {worst} sums to {sums[worst]:.4g}: pass the "
            "source network's softmax output."
        )
    joint = members.T @ theta / len(theta)
    source_share = joint.sum(axis=0)
    # A source class that is never predicted has no P(y | z), and no weight either.
    conditional = np.divide(joint, source_share, out=np.zeros_like(joint), where=source_share > 0)
    expected = (theta @ conditional.T)[members]
    return float(np.log(expected).mean())


def h_score(features: ArrayLike, labels: ArrayLike) -> float:
    """H-score: tr(cov(f)^-1 cov(E[f | y])), the share of variance that the classes explain.

    It equals the sum of the squared canonical correlations between the features and the one-hot
    labels, hence lies between 0 and the number of classes minus one and ignores every invertible
    linear map of the features. The pseudo-inverse stands in for the inverse, so constant and
    linearly dependent features are left out. With no more examples than features, any labels are
    explained perfectly and the score says nothing: it is at its upper end.

    Args:
        features: outputs of the frozen layers, shape (n, features).
        labels: target labels, whole numbers of shape (n,), at least two different ones.

    Returns:
        The score, without unit; higher is better.

    Raises:
        WorkbookError: shapes that do not match, NaN, one class.

    Source: Bao et al. 2019, "An Information-Theoretic Approach to Transferability in Task Transfer
        Learning", definition 2.
    """
    values, members = _examples("features", features, labels)
    # Of the features as they were given, and of what is computed of them in double precision.
    rounding = 8 * _rounding(features) + max(values.shape) * _rounding(values)
    spread = values.std(axis=0)
    varies = spread > rounding * np.abs(values).max(axis=0)
    if not varies.any():
        return 0.0
    standardised = (values[:, varies] - values[:, varies].mean(axis=0)) / spread[varies]
    directions, size, _ = np.linalg.svd(standardised, full_matrices=False)
    directions = directions[:, size > rounding * size[0]]
    sums = members.T @ directions
    return float((sums**2 / members.sum(axis=0)[:, np.newaxis]).sum())


def logme(features: ArrayLike, labels: ArrayLike) -> float:
    """Logarithm of the maximum evidence: how probable are the labels under a linear model?

    For each class, one against the rest, Bayesian linear regression predicts 0 or 1 from the
    features: prior weights N(0, 1/alpha), noise N(0, 1/beta), no intercept. The log evidence is
    maximised over alpha and beta, divided by n, and averaged over the classes.

    Args:
        features: outputs of the frozen layers, shape (n, features).
        labels: target labels, whole numbers of shape (n,), at least two different ones.

    Returns:
        The score in nats an example; higher is better. Where the features determine the labels
        exactly the evidence has no upper bound, and the score is a large finite number.

    Raises:
        WorkbookError: shapes that do not match, NaN, one class.

    Source: You et al. 2021, "LogME: Practical Assessment of Pre-trained Models for Transfer
        Learning", section 4. Their fixed-point iteration is replaced by an exact elimination of
        beta and a search over the ratio alpha / beta, which cannot stop too early.
    """
    values, members = _examples("features", features, labels)
    n = len(values)
    # Features of any size: the prior's variance is free, so their common scale is arbitrary.
    directions, size, _ = np.linalg.svd(values / (np.abs(values).max() or 1.0), full_matrices=False)
    strength = size**2 / ((size**2).max() or 1.0)

    def evidence_of(target: NDArray[np.float64]) -> Callable[[float], float]:
        explained = (directions.T @ target) ** 2
        unexplained = max(target @ target - explained.sum(), 0.0)

        def evidence(log_ratio: float) -> float:
            ratio = np.exp(log_ratio)
            misfit = (explained * ratio / (ratio + strength)).sum() + unexplained
            log_volume = np.log1p(strength / ratio).sum()
            return float(-0.5 * (np.log(2 * np.pi * misfit / n) + 1 + log_volume / n))

        return evidence

    return float(np.mean([_maximum(evidence_of(column.astype(float))) for column in members.T]))


def nearest_neighbours(features: ArrayLike, labels: ArrayLike) -> float:
    """Leave-one-out accuracy of the nearest neighbour (Euclidean) in the space of the features.

    One neighbour, because with a few labels a class more would reach into other classes.

    Args:
        features: outputs of the frozen layers, shape (n, features).
        labels: target labels, whole numbers of shape (n,), at least two different ones.

    Returns:
        The share of examples, between 0 and 1, whose nearest other example has the same label.

    Raises:
        WorkbookError: shapes that do not match, NaN, one class.

    Source: Cover and Hart 1967, "Nearest Neighbor Pattern Classification".
    """
    from sklearn.neighbors import NearestNeighbors

    values, members = _examples("features", features, labels)
    classes = members.argmax(axis=1)
    # Without a query, scikit-learn does not count an example as its own neighbour.
    nearest = NearestNeighbors(n_neighbors=1).fit(values).kneighbors(return_distance=False)[:, 0]
    return float((classes[nearest] == classes).mean())


def _maximum(evidence: Callable[[float], float]) -> float:
    """The highest value of `evidence` over the log of alpha / beta.

    A grid first, because the evidence may have several peaks; then a search around the best point.
    The range is finite: at its upper end the features are ignored, at its lower end they are
    trusted up to rounding.
    """
    from scipy.optimize import minimize_scalar

    grid = np.linspace(np.log(1e-12), np.log(1e12), 112)
    heights = [evidence(point) for point in grid]
    best = int(np.argmax(heights))
    around = (grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)])
    peak = minimize_scalar(lambda point: -evidence(point), bounds=around, method="bounded")
    return max(heights[best], -float(peak.fun))


def _rounding(values: ArrayLike) -> float:
    """The relative rounding error of the numbers as they were given."""
    dtype = np.asarray(values).dtype
    return float(np.finfo(dtype if np.issubdtype(dtype, np.floating) else np.float64).eps)


def _examples(
    what: str, values: ArrayLike, labels: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Check a table of examples with their labels.

    Args:
        what: the name of `values` in messages.
        values: shape (n, columns).
        labels: whole numbers, shape (n,).

    Returns:
        The values in double precision, and membership of shape (n, classes that occur).

    Raises:
        WorkbookError: as the public functions say.
    """
    table, classes = np.asarray(values), np.asarray(labels)
    if table.ndim != 2 or classes.shape != table.shape[:1] or table.size == 0:
        raise WorkbookError(
            f"The {what} have shape {table.shape} and the labels {classes.shape}: pass one row of "
            f"{what} for each label, shapes (n, columns) and (n,), with n at least 2."
        )
    if not np.issubdtype(classes.dtype, np.integer):
        raise WorkbookError(
            f"Labels must be whole numbers from 0, not {classes.dtype}: pass class numbers, not "
            "names, probabilities or one-hot rows."
        )
    if classes.min() < 0:
        raise WorkbookError(
            f"Labels must be whole numbers from 0, but the lowest is {classes.min()}: leave out "
            "the examples without a label."
        )
    if not np.issubdtype(table.dtype, np.number) or not np.isfinite(table.astype(np.float64)).all():
        raise WorkbookError(
            f"The {what} must be finite numbers, but some are NaN, infinite or not numbers at all: "
            "look for a diverged network or a division by zero where they were computed."
        )
    names = np.unique(classes)
    if len(names) < 2:
        raise WorkbookError(
            f"All {len(classes)} labels are {names[0]}, so there is nothing to tell apart: pass "
            "examples of at least two classes."
        )
    return table.astype(np.float64), classes[:, np.newaxis] == names
