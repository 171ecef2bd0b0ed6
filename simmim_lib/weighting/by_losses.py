"""Weights from losses alone, or (GradNorm, DB-MTL) gradients' lengths, too: no step costs more.

Except for uncertainty weighting and DB-MTL, whose formulas say otherwise, weights sum to the
number of tasks, so that a step is as large as the plain sum's and one learning rate suits both.
"""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import softmax

from simmim_lib.errors import WorkbookError, check_at_least_zero, check_positive, shown
from simmim_lib.weighting.geometry import Geometry
from simmim_lib.weighting.method import Method, Sees

# exp(s) stays between exp(-LARGEST) and exp(LARGEST), 1e-13 and 1e13.
LARGEST = 30.0


class Fixed(Method):
    """The plain sum: nothing is adjusted, and only the task weights that were set count.

    Tuned weights make this the baseline that the other methods have to beat.
    """

    name = "fixed"
    title = "Fixed weights"
    short_title = "plain sum"
    formula = r"w_t = 1"
    paper = (
        "Kurin et al. 2022, In Defense of the Unitary Scalarization for Deep Multi-Task Learning"
    )
    least_tasks = 1

    def _weights(self, losses: np.ndarray, geometry: Geometry | None) -> np.ndarray:
        return np.ones(self.tasks)


class RandomLossWeighting(Method):
    """Weights drawn anew in every step, knowing nothing: what a cleverer method has to beat.

    The paper's weights sum to 1; these are multiplied by the number of tasks, so that a step is on
    average the plain sum's.
    """

    name = "random"
    title = "Random weights (RLW)"
    short_title = "random (RLW)"
    formula = r"w = T \, \mathrm{softmax}(\xi), \quad \xi_t \sim \mathcal{N}(0, 1)"
    paper = (
        "Lin et al. 2022, Reasonable Effectiveness of Random Weighting: "
        "A Litmus Test for Multi-Task Learning"
    )

    def _weights(self, losses: np.ndarray, geometry: Geometry | None) -> np.ndarray:
        return self.tasks * softmax(self.generator.normal(size=self.tasks))


class Uncertainty(Method):
    """A learnt noise level for each task; noisy tasks, those with large losses, count less.

    Minimises sum_t L_t / (2 exp(s_t)) + s_t / 2 over s by gradient descent beside the training; its
    optimum is exp(s_t) = L_t, which makes every task's term 1/2. Weights are what the formula says,
    1/2 each at the start (s = 0), and sum to nothing in particular.

    A derivative counts as 1 at most, so that a loss of 1e12 moves s like any large loss, and exp(s)
    stays from 1e-13 to 1e13. A loss of zero or less (possible with an information term) has no
    optimum, s would fall for ever: its s stays where it is.

    Args:
        tasks: see Method.
        learning_rate: of s.
        shared: `seed` and `names`, see Method.
    """

    name = "uncertainty"
    title = "Uncertainty weighting"
    short_title = "uncertainty"
    formula = (
        r"\min_s \sum_t \frac{L_t}{2 e^{s_t}} + \frac{s_t}{2}, \quad w_t = \frac{1}{2 e^{s_t}}"
    )
    paper = (
        "Kendall et al. 2018, Multi-Task Learning Using Uncertainty to Weigh Losses "
        "for Scene Geometry and Semantics"
    )

    def __init__(self, tasks: int, *, learning_rate: float = 0.025, **shared: Any) -> None:
        super().__init__(tasks, **shared)
        self.learning_rate = check_positive("learning_rate", learning_rate)
        self.log_variances = np.zeros(tasks)

    def _weights(self, losses: np.ndarray, geometry: Geometry | None) -> np.ndarray:
        precision = np.exp(-self.log_variances)
        slope = np.where(losses > 0, np.maximum((1 - losses * precision) / 2, -1.0), 0.0)
        self.log_variances = np.clip(
            self.log_variances - self.learning_rate * slope, -LARGEST, LARGEST
        )
        return precision / 2


class DynamicWeightAverage(Method):
    """More weight for the task whose loss fell less between the two steps before.

    The first two steps are the plain sum's. The paper compares means over an epoch; here every step
    counts as one. A ratio is 1 where either loss is zero or less and says nothing.

    Args:
        tasks: see Method.
        temperature: T; the higher, the more alike the weights.
        shared: `seed` and `names`, see Method.
    """

    name = "dwa"
    title = "Dynamic weight average (DWA)"
    short_title = "DWA"
    formula = (
        r"w = K \, \mathrm{softmax}(r / T), \quad r_t = L_t^{(i-1)} / L_t^{(i-2)}, \quad "
        r"K \text{ tasks}"
    )
    paper = "Liu et al. 2019, End-to-End Multi-Task Learning with Attention"

    def __init__(self, tasks: int, *, temperature: float = 2.0, **shared: Any) -> None:
        super().__init__(tasks, **shared)
        self.temperature = check_positive("temperature", temperature)
        self.before: list[np.ndarray] = []  # losses of the last two steps, older first

    def _weights(self, losses: np.ndarray, geometry: Geometry | None) -> np.ndarray:
        ratios = np.ones(self.tasks)
        if len(self.before) == 2:
            ratios = _ratio(self.before[1], self.before[0])
        self.before = [*self.before[-1:], losses]
        return self.tasks * softmax(ratios / self.temperature)


class GradNorm(Method):
    """Weights under which all tasks pull equally hard, and slower ones harder.

    Minimises sum_t | w_t n_t - target_t |, where n_t is the norm of the task's gradient and the
    target, held constant, is the mean of w n times the task's relative slowness to the power
    alpha. Weights sum to the number of tasks, as in the paper, and are 1 in the first step.

    The norm is that of the gradient with respect to the features that all heads see; the paper
    takes the weights of the last shared layer instead, which costs more to go back to.

    Unlike the paper's, the descent moves log w, so that weights stay positive, and divides by the
    mean norm, so that one learning rate suits gradients of every size. Targets are scaled to the
    same mean as the norms: of the paper's many minima, this is the one at which all tasks miss
    their targets by the same share. Where a loss, or its first value, is zero or less, what is
    left of it counts as 1.

    Args:
        tasks: see Method.
        alpha: how much slowness counts; 0 only balances norms.
        learning_rate: of log w.
        shared: `seed` and `names`, see Method.
    """

    name = "gradnorm"
    title = "GradNorm"
    short_title = "GradNorm"
    formula = (
        r"\min_w \sum_t \left| w_t n_t - \overline{w n} \, r_t^{\alpha} \right|, \quad "
        r"r_t = \frac{L_t / L_t^{(0)}}{\mathrm{mean}_k \, L_k / L_k^{(0)}}, \quad "
        r"n_t = \lVert g_t \rVert"
    )
    paper = (
        "Chen et al. 2018, GradNorm: Gradient Normalization for Adaptive Loss Balancing "
        "in Deep Multitask Networks"
    )
    sees: ClassVar[Sees] = "norms"

    def __init__(
        self, tasks: int, *, alpha: float = 1.5, learning_rate: float = 0.025, **shared: Any
    ) -> None:
        super().__init__(tasks, **shared)
        self.learning_rate = check_positive("learning_rate", learning_rate)
        self.alpha = check_at_least_zero("alpha", alpha)
        self.log_weights = np.zeros(tasks)
        self.first: np.ndarray | None = None

    def _weights(self, losses: np.ndarray, geometry: Geometry | None) -> np.ndarray:
        assert geometry is not None
        if self.first is None:
            self.first = losses
        weights = self.tasks * softmax(self.log_weights)
        norms = geometry.norms
        if norms.any():
            pulls = weights * (norms / norms.max())
            pulls /= pulls.mean()
            left = _ratio(losses, self.first)
            targets = (left / left.max()) ** self.alpha if left.any() else np.ones(self.tasks)
            targets /= targets.mean()
            self.log_weights -= self.learning_rate * np.sign(pulls - targets) * pulls
            self.log_weights -= self.log_weights.max()
        return weights


class Famo(Method):
    """Weights that keep all losses falling at the same rate, learnt from how each one fell.

    One step of descent on sum_t z_t log(L_t - L_min), z = softmax(w), for the network; then w goes
    down the difference that this step made to each logarithm. The paper measures the difference
    with a second forward pass; here the next call's losses stand in, so that a step costs as much
    as the plain sum's, and it includes the change of batch.

    The paper's weights z_t / (L_t - L_min) are normalised to sum to 1; these sum to the number of
    tasks.

    Args:
        tasks: see Method.
        learning_rate: of w.
        decay: pulls w back to 0.
        lowest: L_min, which no loss can go below: one number, or one for each task. That of all
            losses in this workbook is 0. A loss within 1e-8 of it, or below, counts as 1e-8 above.
        shared: `seed` and `names`, see Method.
    """

    name = "famo"
    title = "Fast adaptive optimisation (FAMO)"
    short_title = "FAMO"
    formula = (
        r"w_t \propto \frac{z_t}{L_t - L_{\min}}, \quad z = \mathrm{softmax}(\xi), \quad "
        r"\xi \leftarrow \xi - \beta \left( \nabla_\xi \sum_t z_t \, "
        r"\log \frac{L_t - L_{\min}}{L_t^{\mathrm{next}} - L_{\min}} + \gamma \xi \right)"
    )
    paper = "Liu et al. 2023, FAMO: Fast Adaptive Multitask Optimization"

    def __init__(
        self,
        tasks: int,
        *,
        learning_rate: float = 0.025,
        decay: float = 0.001,
        lowest: ArrayLike = 0.0,
        **shared: Any,
    ) -> None:
        super().__init__(tasks, **shared)
        self.learning_rate = check_positive("learning_rate", learning_rate)
        self.decay = check_at_least_zero("decay", decay)
        self.lowest = _one_for_each(lowest, tasks)
        self.scores = np.zeros(tasks)
        self.before: np.ndarray | None = None  # log(L - L_min) of the last step

    def _weights(self, losses: np.ndarray, geometry: Geometry | None) -> np.ndarray:
        heights = np.log(np.maximum(losses - self.lowest, 1e-8))
        shares = softmax(self.scores)
        if self.before is not None:
            progress = self.before - heights
            slope = shares * (progress - shares @ progress)
            self.scores = self.scores - self.learning_rate * (slope + self.decay * self.scores)
            shares = softmax(self.scores)
        self.before = heights
        return self.tasks * softmax(np.log(shares) - heights)


class SmoothTchebycheff(Method):
    """Most weight for the task with the largest loss: a smooth form of minimising the worst one.

    The weights are the slopes of smoothness log sum_t exp((L_t - L_min) / (T smoothness)), which
    tends to the largest loss over T as smoothness goes to 0; as it grows, the slopes become equal.
    The paper tries 0.01 to 1. They are multiplied by T^2, so that they sum to T.

    Nothing is learned. For deep networks the authors' code takes logarithms of losses relative to
    their mean over a warm-up instead, which is not in the formula; losses in other units count as
    larger here.

    Args:
        tasks: see Method.
        smoothness: mu, above 0.
        lowest: L_min, the best loss there could be: one number, or one for each task.
        shared: `seed` and `names`, see Method.
    """

    name = "stch"
    title = "Smooth Tchebycheff scalarization (STCH)"
    short_title = "STCH"
    formula = r"w = T \, \mathrm{softmax} \left( \frac{L - L_{\min}}{T \mu} \right)"
    paper = "Lin et al. 2024, Smooth Tchebycheff Scalarization for Multi-Objective Optimization"

    def __init__(
        self, tasks: int, *, smoothness: float = 1.0, lowest: ArrayLike = 0.0, **shared: Any
    ) -> None:
        super().__init__(tasks, **shared)
        self.smoothness = check_positive("smoothness", smoothness)
        self.lowest = _one_for_each(lowest, tasks)

    def _weights(self, losses: np.ndarray, geometry: Geometry | None) -> np.ndarray:
        above = losses - self.lowest
        # The difference first: the largest exponent is 0, and none overflows.
        return self.tasks * softmax((above - above.max()) / (self.tasks * self.smoothness))


class DualBalancing(Method):
    """Every task pulls equally hard: as hard as the one whose loss could fall fastest in percent.

    Losses count by their logarithms, and gradients of those are made as long as the longest.

    The paper averages each task's gradients over the steps, with a factor that is tuned; a step's
    weights cannot do that, and here the factor is 0. As for GradNorm, the lengths are those of the
    gradients with respect to the features that all heads see. A loss of zero or less has no
    logarithm and does not decide the length; if none is left, gradients are made as long as the
    longest one. Weights stay from 1e-13 to 1e13.
    """

    name = "db-mtl"
    title = "Dual balancing (DB-MTL)"
    short_title = "DB-MTL"
    formula = r"w_t = \frac{1}{n_t} \max_s \frac{n_s}{L_s}, \quad n_t = \lVert g_t \rVert"
    paper = "Lin et al. 2023, Dual-Balancing for Multi-Task Learning"
    sees: ClassVar[Sees] = "norms"

    def _weights(self, losses: np.ndarray, geometry: Geometry | None) -> np.ndarray:
        assert geometry is not None
        weights, present = np.ones(self.tasks), geometry.norms > 0
        if present.any():
            norms = np.log(geometry.norms[present])
            positive = losses[present] > 0
            heights = np.log(losses[present][positive])
            longest = (norms[positive] - heights).max() if positive.any() else norms.max()
            weights[present] = np.exp(np.clip(longest - norms, -LARGEST, LARGEST))
        return weights


def _one_for_each(lowest: ArrayLike, tasks: int) -> np.ndarray:
    """Return the lowest loss of each task, shape (tasks,), or raise a WorkbookError."""
    try:
        given = np.asarray(lowest)
        floor = given.astype(np.float64) if given.dtype.kind in "iuf" else np.array(np.nan)
    except ValueError:  # lists of different lengths
        floor = np.array(np.nan)
    if floor.shape not in {(), (tasks,)} or not np.isfinite(floor).all():
        raise WorkbookError(
            f"lowest is {shown(lowest)}, but there are {tasks} tasks: give one finite number, or "
            "one for each task."
        )
    return np.broadcast_to(floor, (tasks,))


def _ratio(now: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Return now / before, at most 1e6, and 1 where one of them is not positive."""
    known = (now > 0) & (before > 0)
    highest = np.log(1e6)
    logarithm = np.log(np.where(known, now, 1.0)) - np.log(np.where(known, before, 1.0))
    return np.exp(np.minimum(logarithm, highest))
