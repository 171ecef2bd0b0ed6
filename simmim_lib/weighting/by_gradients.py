"""Weights from the gradients' inner products: where tasks conflict, a step that suits them all.

Each method takes what the gradients' lengths and angles tell (`Geometry`), so that a network of any
size costs the same. A task whose gradient is zero has nothing to say: unless the method's own
formula decides (MGDA), the others settle the step among themselves and it keeps the weight it has
in the method's plain sum or mean (one of as many as there are tasks).

Gradients nearer than some 1e-7 radian to parallel, opposite or otherwise dependent are told from
them by no Gram matrix in double precision, and count as such; in training the Gram matrix is of
single precision, which tells some 1e-3 radian. How tasks with parallel gradients
share their weight is then left to rounding in MGDA and CAGrad; the step is not.
"""

from typing import Any, ClassVar

import numpy as np

from simmim_lib.errors import check_number
from simmim_lib.weighting.geometry import NOISE, Geometry
from simmim_lib.weighting.method import Method, Sees

MOST_FAIR = 5.0
"""The largest alpha of FairGrad."""


class GradientMethod(Method):
    """A method that sees the gradients; it needs no losses, and gradients alone will do."""

    sees: ClassVar[Sees] = "gradients"
    # Does the method start from the sum of the gradients, or from their mean?
    sums: ClassVar[bool] = False

    def _weights(self, losses: np.ndarray, geometry: Geometry | None) -> np.ndarray:
        assert geometry is not None
        return self.solve(geometry)

    def solve(self, geometry: Geometry) -> np.ndarray:
        """Return the weights for gradients that lie so, shape (tasks,)."""
        weights = np.full(self.tasks, 1.0 if self.sums else 1 / self.tasks)
        present = geometry.norms > 0
        if present.any():
            weights[present] = self._solve(geometry.of(present))
        return weights

    def _solve(self, geometry: Geometry) -> np.ndarray:
        """Return the weights of the tasks with a gradient, at least one of `self.tasks`."""
        raise NotImplementedError


class Mgda(GradientMethod):
    """The shortest weighted mean of the gradients: a step along it makes no task worse.

    Where it is zero, no step helps all tasks. For two tasks, with g_1 - g_2 = h,
    w_1 = clip(-(h g_2) / (h h), 0, 1). It favours short gradients: one of zero takes all the
    weight, the step is zero, and that is what the method says.
    """

    name = "mgda"
    title = "Multiple gradient descent (MGDA)"
    short_title = "MGDA"
    formula = (
        r"\min_w \left\lVert \sum_t w_t g_t \right\rVert^2, \quad \sum_t w_t = 1, \; w_t \ge 0"
    )
    paper = (
        "Désidéri 2012, Multiple-gradient descent algorithm (MGDA) for multiobjective "
        "optimization; Sener and Koltun 2018, Multi-Task Learning as Multi-Objective Optimization"
    )

    def solve(self, geometry: Geometry) -> np.ndarray:
        """Return the weights for gradients that lie so, shape (tasks,)."""
        silent = geometry.norms == 0
        return silent / silent.sum() if silent.any() else self._solve(geometry)

    def _solve(self, geometry: Geometry) -> np.ndarray:
        # The shortest mean points where the shortest vector does that has at least the same inner
        # product with every gradient, say the shortest gradient's norm.
        relative = geometry.norms.min() / geometry.norms
        multipliers = _least_distance(geometry.unit_gradients, relative)
        weights = multipliers * relative
        return weights / weights.sum()


class PcGrad(GradientMethod):
    """Each gradient loses what points against another one; then they are summed.

    With three tasks or more the outcome depends on the order of the projections: it is drawn anew
    in every step, for each task its own. The projected gradients are added, as in the paper, not
    averaged.
    """

    name = "pcgrad"
    title = "Projecting conflicting gradients (PCGrad)"
    short_title = "PCGrad"
    formula = (
        r"d = \sum_i g_i', \quad g_i' \leftarrow g_i' - "
        r"\frac{\min(g_i' \cdot g_j, 0)}{\lVert g_j \rVert^2} g_j \; "
        r"\text{for all } j \ne i \text{ in random order}"
    )
    paper = "Yu et al. 2020, Gradient Surgery for Multi-Task Learning"
    sums = True

    def _solve(self, geometry: Geometry) -> np.ndarray:
        tasks = len(geometry.norms)
        each = np.arange(tasks)
        # Row i: the others in the order in which gradient i meets them; task i itself comes last
        # and is cut off.
        lots = self.generator.random((tasks, tasks))
        np.fill_diagonal(lots, 2.0)
        # Row i: gradient i, of length one, as a sum of unit gradients.
        parts = np.eye(tasks)
        for other in np.argsort(lots, axis=1)[:, :-1].T:
            against = np.minimum((parts * geometry.cosines[other]).sum(axis=1), 0.0)
            parts[each, other] -= against
        return geometry.norms @ parts / geometry.norms


class CaGrad(GradientMethod):
    """Within a ball around the mean gradient, the step that does most for the worst-off task.

    The ball's radius is c times the mean's length, so that c = 0 is the mean itself; the step stays
    a mean's size, and is not divided by 1 + c^2 as some implementations have it. Gradients that are
    nearly opposite get large weights that nearly cancel. A mean that has cancelled to less than
    1e-7 of the longest gradient is rounding, and its ball nothing: the mean is taken as it is.

    Args:
        tasks: see Method.
        c: from 0 to below 1.
        shared: `seed` and `names`, see Method.
    """

    name = "cagrad"
    title = "Conflict-averse gradient descent (CAGrad)"
    short_title = "CAGrad"
    formula = (
        r"\max_d \min_t \; g_t \cdot d, \quad \lVert d - g_0 \rVert \le c \lVert g_0 \rVert, \quad "
        r"g_0 = \tfrac{1}{T} \sum_t g_t"
    )
    paper = "Liu et al. 2021, Conflict-Averse Gradient Descent for Multi-task Learning"

    def __init__(self, tasks: int, *, c: float = 0.5, **shared: Any) -> None:
        super().__init__(tasks, **shared)
        in_words = "of at least 0 and below 1: try 0.5 (0 is the mean)"
        self.c = check_number("c", c, lambda given: 0 <= given < 1, in_words)

    def _solve(self, geometry: Geometry) -> np.ndarray:
        norms, cosines = geometry.norms, geometry.cosines
        share = norms / norms.max()
        mean = np.sqrt(max(share @ cosines @ share, 0.0))  # its length, up to a factor
        if mean <= np.sqrt(NOISE):
            return np.full(len(norms), 1 / self.tasks)
        shift = self._shift(geometry, np.clip(cosines @ share / mean, -1.0, 1.0))
        return (1 + mean * shift / share) / self.tasks

    def _shift(self, geometry: Geometry, along: np.ndarray) -> np.ndarray:
        """Return what to add to the mean of length one, as a sum of unit gradients.

        With the mean of length one, the ball has radius c, and gradient t (unit vector u_t, of
        length 1 / relative_t) asks of the shift z that u_t z >= worst relative_t - along_t. We look
        for the largest `worst` that |z| <= c can serve. Any multipliers u >= 0 bound it from above
        (weak duality), those of the shortest z that serves a given `worst` bound it best (Newton's
        method), so the bounds fall to it quickly.

        Args:
            geometry: of the gradients.
            along: their cosines with the mean, shape (tasks,).
        """
        relative = geometry.norms.min() / geometry.norms
        gradients = geometry.unit_gradients
        worst = ((along + self.c) / np.maximum(relative, 1e-300)).min()
        for _ in range(50):
            floors = np.clip(worst * relative - along, -1.0, self.c)
            multipliers = _least_distance(gradients, floors)
            length = np.linalg.norm(gradients @ multipliers)
            if length == 0:  # the mean itself serves best, or c is next to nothing
                return np.zeros(len(relative))
            bound = (along @ multipliers + self.c * length) / (relative @ multipliers)
            if not bound < worst - 1e-15 * abs(worst):
                break
            worst = bound
        return multipliers * (self.c / length)


class ImtlG(GradientMethod):
    """The step whose projections onto the directions of all gradients are equal.

    Weights sum to 1. With three tasks or more some can be negative; where the sum of all is,
    too, before it is made 1, the published rule climbs on every task. Where that sum vanishes,
    gradients are weighed equally.

    The step points to the point nearest to zero in the affine hull of the gradients' directions,
    which has equal projections even if gradients depend on each other (zero if they are opposite).
    """

    name = "imtl-g"
    title = "Impartial multi-task learning (IMTL-G)"
    short_title = "IMTL-G"
    formula = (
        r"d \cdot \frac{g_s}{\lVert g_s \rVert} = d \cdot \frac{g_t}{\lVert g_t \rVert} "
        r"\; \forall s, t, \quad d = \sum_t w_t g_t, \quad \sum_t w_t = 1"
    )
    paper = "Liu et al. 2021, Towards Impartial Multi-task Learning"

    def _solve(self, geometry: Geometry) -> np.ndarray:
        values, vectors = geometry.eigen
        ones = vectors.sum(axis=0)  # the vector of ones in the eigenvectors' terms
        dependent = values <= NOISE
        if np.linalg.norm(ones[dependent]) > 1e-6:  # zero lies in the hull
            hull = vectors[:, dependent] @ ones[dependent]
        else:
            hull = vectors[:, ~dependent] @ (ones / values)[~dependent]
        weights = hull / np.abs(hull).max() * (geometry.norms.min() / geometry.norms)
        total = weights.sum()
        if abs(total) < 1e-12 * np.abs(weights).sum():
            weights, total = np.ones(len(weights)), len(weights)
        return weights / total * (len(weights) / self.tasks)


class NashMtl(GradientMethod):
    """The tasks' bargain: the step along which the product of their gains is largest.

    It solves G w = 1 / w for positive weights, G being the gradients' inner products. Weights sum
    to nothing in particular; the step's squared length is always the number of tasks, however long
    the gradients are, and for two tasks w_t = 1 / (|g_t| sqrt(1 + cos)).

    Where no step helps all tasks (gradients with positive weights sum to zero) there is no bargain:
    those weights end as large as rounding lets them, up to some 1e7 divided by the gradient's norm,
    and what they weigh cancels.
    """

    name = "nash-mtl"
    title = "Nash bargaining (Nash-MTL)"
    short_title = "Nash-MTL"
    formula = r"G w = 1 / w, \quad w_t > 0, \quad G_{st} = g_s \cdot g_t"
    paper = "Navon et al. 2022, Multi-Task Learning as a Bargaining Game"
    sums = True

    def _solve(self, geometry: Geometry) -> np.ndarray:
        return _fair_weights(geometry, alpha=1.0)


class AlignedMtl(GradientMethod):
    """Gradients made orthogonal and equally long, the length of the shortest principal one.

    B is the symmetric matrix nearest to the identity, up to its factor, for which B J has condition
    number 1 (J: gradients as rows); the step is the mean of the rows of B J. Dependent gradients
    are aligned within the space they span.
    """

    name = "aligned-mtl"
    title = "Independent component alignment (Aligned-MTL)"
    short_title = "Aligned-MTL"
    formula = (
        r"w = B \tfrac{1}{T} \mathbf{1}, \quad "
        r"B = \sigma_{\min} V \Sigma^{-1} V^\top, \quad G = V \Sigma^2 V^\top"
    )
    paper = "Senushkin et al. 2023, Independent Component Alignment for Multi-Task Learning"

    def _solve(self, geometry: Geometry) -> np.ndarray:
        return alignment(geometry).mean(axis=0) * (len(geometry.norms) / self.tasks)


class UpGrad(GradientMethod):
    """Each gradient loses what points against any other one at once; then their mean is taken.

    A gradient's projection is the nearest step that makes no task worse, so that their mean makes
    none worse either; PCGrad, which goes from one gradient to the next, cannot promise that for
    three tasks. For two tasks this is half of PCGrad's step.
    """

    name = "upgrad"
    title = "Unconflicting projection of gradients (UPGrad)"
    short_title = "UPGrad"
    formula = (
        r"d = \tfrac{1}{T} \sum_t \arg\min_{d_t} \lVert d_t - g_t \rVert, \quad "
        r"g_s \cdot d_t \ge 0 \; \forall s"
    )
    paper = "Quinton and Rey 2024, Jacobian Descent for Multi-Objective Optimization"

    def _solve(self, geometry: Geometry) -> np.ndarray:
        gradients = geometry.unit_gradients
        # Row i: gradient i, of length one, as a sum of unit gradients.
        parts = np.stack([_without_conflict(gradients, own) for own in np.eye(len(gradients))])
        return geometry.norms @ parts / geometry.norms / self.tasks


class DualProj(GradientMethod):
    """The nearest step to the mean gradient that makes no task worse.

    The paper projects the gradient of a new task so that memories of older ones are not harmed;
    the mean in its place is what TorchJD makes of it for tasks that are learned together.
    """

    name = "dualproj"
    title = "Projection onto the dual cone (DualProj)"
    short_title = "DualProj"
    formula = (
        r"\min_d \left\lVert d - \tfrac{1}{T} \sum_t g_t \right\rVert, \quad "
        r"g_t \cdot d \ge 0 \; \forall t"
    )
    paper = "Lopez-Paz and Ranzato 2017, Gradient Episodic Memory for Continual Learning"

    def _solve(self, geometry: Geometry) -> np.ndarray:
        share = geometry.norms / geometry.norms.max()
        return _without_conflict(geometry.unit_gradients, share) / share / self.tasks


class ConFig(GradientMethod):
    """The step at equal angles to all gradients, as long as their projections onto it together.

    It points where IMTL-G's does, up to its sign: away from no gradient, if they are independent.
    Where they depend on each other, equal angles may not exist, and the least squares' nearest ones
    are taken, as in the paper; if those point nowhere (opposite gradients), there is no step.
    """

    name = "config"
    title = "Conflict-free inverse gradients (ConFIG)"
    short_title = "ConFIG"
    formula = (
        r"d = \left( \sum_t g_t \cdot u \right) u, \quad u = \frac{U^{+} \mathbf{1}}"
        r"{\lVert U^{+} \mathbf{1} \rVert}, \quad U_t = \frac{g_t}{\lVert g_t \rVert}"
    )
    paper = (
        "Liu et al. 2024, ConFIG: Towards Conflict-free Training of Physics Informed Neural "
        "Networks"
    )
    sums = True

    def _solve(self, geometry: Geometry) -> np.ndarray:
        values, vectors = geometry.eigen
        independent = values > NOISE
        values, vectors = values[independent], vectors[:, independent]
        ones = vectors.sum(axis=0)  # the vector of ones in the eigenvectors' terms
        if np.linalg.norm(ones) <= 1e-6:
            return np.zeros(len(geometry.norms))
        towards = vectors @ (ones / values)
        gains = vectors @ ones  # inner products of the unit gradients with that sum of them
        share = geometry.norms / geometry.norms.max()
        return share @ gains / (ones @ (ones / values)) * towards / share


class FairGrad(GradientMethod):
    """The tasks' bargain with a say in how even it is: gains are shared alpha-fairly.

    It solves G w = w^(-1/alpha) for positive weights, G being the gradients' inner products, so
    that sum_t gain_t^(1 - alpha) / (1 - alpha) is largest among steps of its length. Alpha 1 is
    Nash-MTL; 2, the default, minimises the sum of 1 / gain; the larger alpha, the more the
    worst-off task counts. Where no step helps all tasks, weights end as large as rounding lets
    them, as in Nash-MTL.

    Args:
        tasks: see Method.
        alpha: from 1 to 5; beyond, the equation is not always solved to five digits.
        shared: `seed` and `names`, see Method.
    """

    name = "fairgrad"
    title = "Fair resource allocation (FairGrad)"
    short_title = "FairGrad"
    formula = r"G w = w^{-1 / \alpha}, \quad w_t > 0, \quad G_{st} = g_s \cdot g_t"
    paper = "Ban and Ji 2024, Fair Resource Allocation in Multi-Task Learning"
    sums = True

    def __init__(self, tasks: int, *, alpha: float = 2.0, **shared: Any) -> None:
        super().__init__(tasks, **shared)
        in_words = f"from 1 to {MOST_FAIR:g}: try 2 (1 is Nash-MTL)"
        self.alpha = check_number("alpha", alpha, lambda given: 1 <= given <= MOST_FAIR, in_words)

    def _solve(self, geometry: Geometry) -> np.ndarray:
        return _fair_weights(geometry, self.alpha)


def alignment(geometry: Geometry) -> np.ndarray:
    """Return B of aligned-MTL for gradients none of which is zero, shape (tasks, tasks).

    Source: Senushkin et al. 2023, equation 16 and algorithm 1.
    """
    values, vectors = geometry.eigen
    independent = values > NOISE
    roots = (vectors * np.sqrt(values))[:, independent]
    rows = geometry.norms / geometry.norms.min()
    left, lengths, right = _svd(rows[:, np.newaxis] * roots)
    if independent.all():
        # V S^-1 V' in a form that keeps every column's precision relative to its gradient.
        inverse = (vectors / np.sqrt(values)).T / rows
        return lengths.min() * (left @ right) @ inverse
    return lengths.min() * (left / lengths) @ left.T


def _svd(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Decompose a matrix with at least as many rows as columns, precisely if rows differ in length.

    Where they differ a lot, the usual method finds only rounding for the smallest singular values;
    Jacobi's finds them to full precision, but takes about a millisecond.
    """
    from scipy.linalg.lapack import dgejsv

    lengths = np.linalg.norm(matrix, axis=1)
    if lengths.max() < 1e5 * lengths.min():
        return np.linalg.svd(matrix, full_matrices=False)
    singular, left, right, scale, *_ = dgejsv(matrix, joba=2)
    return left, singular * (scale[0] / scale[1]), right.T


def _least_distance(gradients: np.ndarray, floors: np.ndarray) -> np.ndarray:
    """Find the shortest vector whose inner product with each gradient reaches that one's floor.

    It points along gradients @ multipliers; where nothing reaches all floors, those tell why not:
    gradients @ multipliers is zero, floors @ multipliers is not.

    Args:
        gradients: as columns, shape (dimensions, tasks).
        floors: shape (tasks,).

    Returns:
        Multipliers of at least 0, shape (tasks,); all 0 if the vector is.

    Source: Lawson and Hanson 1974, "Solving Least Squares Problems", chapter 23, problem LDP.
    """
    from scipy.optimize import nnls

    columns = np.vstack([gradients, floors])
    lengths = np.linalg.norm(columns, axis=0)
    goal = np.zeros(len(columns))
    goal[-1] = 1.0
    solution, _ = nnls(columns / lengths, goal, maxiter=30 * len(floors))
    return solution / lengths


def _fair_weights(geometry: Geometry, alpha: float) -> np.ndarray:
    """Solve G w = w^(-1 / alpha) for positive weights, alpha at least 1.

    With shares s = w |g| of unit gradients it is C s = worth s^(-1 / alpha): the minimum of
    s C s / 2 - sum worth s^(1 - 1 / alpha) / (1 - 1 / alpha) (alpha 1: the logarithm), which is
    strictly convex. First along the ray, where the minimum is known, then by a Newton step relative
    to the shares, shortened if one of them would lose more than a quarter: the second derivative
    then grows by so little that the step goes down, and no share goes below zero.
    """
    gradients, power = geometry.unit_gradients, 1 - 1 / alpha
    longest = geometry.norms.max()
    worth = (geometry.norms / longest) ** -power
    shares, last = np.ones(len(worth)), np.inf
    for _ in range(200):
        gain = np.linalg.norm(gradients @ shares)
        shares = shares * ((worth @ shares**power) / gain**2) ** (1 / (2 - power))
        scaled, wanted = gradients * shares, worth * shares**power
        step = _newton_step(scaled.T @ scaled, wanted, 1 - power)
        loss = -step.min()
        shares = shares * (1 + step / (1 + 2 * loss if loss > 0.25 else 1))
        size = np.abs(step).max()
        if size < 1e-12 or last <= size < 0.25:  # only rounding is left
            break
        last = size
    return shares / geometry.norms * longest ** (-power / (2 - power))


def _newton_step(curvature: np.ndarray, wanted: np.ndarray, slope: float) -> np.ndarray:
    """Return the relative change of shares that brings curvature's row sums nearer to `wanted`."""
    matrix = curvature + slope * np.diag(wanted)
    size = np.sqrt(np.diagonal(matrix))  # so that no share's size hides another
    missing = wanted - curvature.sum(axis=1)
    step: np.ndarray = np.linalg.solve(matrix / np.outer(size, size), missing / size) / size
    return step


def _without_conflict(gradients: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Return the nearest sum of gradients with an inner product of at least 0 with each of them.

    Args:
        gradients: as columns, shape (dimensions, tasks).
        given: the sum's coefficients before, shape (tasks,).

    Returns:
        Coefficients, none below the given ones, shape (tasks,).
    """
    from scipy.optimize import nnls

    added, _ = nnls(gradients, -gradients @ given, maxiter=30 * len(given))
    return given + added
