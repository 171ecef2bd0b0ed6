"""Task weights against published values, closed forms, slow solvers and what the papers promise."""

import inspect
import itertools
import math
import re
import tracemalloc

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.linalg import inv, sqrtm
from scipy.optimize import LinearConstraint, NonlinearConstraint, linprog, minimize
from scipy.special import expit
from scipy.stats import norm

from simmim_lib import weighting
from simmim_lib.errors import WorkbookError
from simmim_lib.weighting import METHODS, combine, cosine, create, pareto_front, relative_gain
from simmim_lib.weighting.by_gradients import alignment
from simmim_lib.weighting.geometry import Geometry

# One row for each method: what it sees, and how many tasks it needs.
ROWS = {
    "fixed": ("losses", 1),
    "random": ("losses", 2),
    "uncertainty": ("losses", 2),
    "dwa": ("losses", 2),
    "gradnorm": ("norms", 2),
    "famo": ("losses", 2),
    "stch": ("losses", 2),
    "db-mtl": ("norms", 2),
    "mgda": ("gradients", 2),
    "pcgrad": ("gradients", 2),
    "cagrad": ("gradients", 2),
    "imtl-g": ("gradients", 2),
    "nash-mtl": ("gradients", 2),
    "aligned-mtl": ("gradients", 2),
    "upgrad": ("gradients", 2),
    "dualproj": ("gradients", 2),
    "config": ("gradients", 2),
    "fairgrad": ("gradients", 2),
}
FROM_GRADIENTS = [name for name, (sees, _) in ROWS.items() if sees == "gradients"]
FROM_LOSSES = [name for name in ROWS if name not in FROM_GRADIENTS]

many = settings(max_examples=200, deadline=None)
some = settings(max_examples=40, deadline=None)

KINDS = ("any", "parallel", "opposite", "zero", "repeated", "one dimension")


@st.composite
def gradients(
    draw: st.DrawFn,
    kinds: tuple[str, ...] = KINDS,
    spread: int = 12,
    tasks: tuple[int, int] = (2, 12),
    more_parameters: bool = False,
) -> np.ndarray:
    """Gradients of some kind, each of a length from 10^-spread to 10^spread or all near 1."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    count = draw(st.integers(*tasks))
    kind = draw(st.sampled_from(kinds))
    columns = count + draw(st.integers(0, 20)) if more_parameters else draw(st.integers(1, 25))
    rows = generator.normal(size=(count, 1 if kind == "one dimension" else columns))
    if kind == "parallel":
        rows = rows[:1] + 10 ** generator.uniform(-12, 0) * rows
    if kind == "opposite":
        rows[1] = -rows[0] * (1 + 10 ** generator.uniform(-17, 0))
    if kind == "zero":
        rows[generator.random(count) < 0.4] = 0
    if kind == "repeated":
        rows[count - count // 2 :] = generator.choice([-1, 1, 2]) * rows[: count // 2]
    each = draw(st.sampled_from(["alike", "all alike", "apart"]))
    if each == "alike":
        return rows
    exponents = generator.uniform(-spread, spread, (1 if each == "all alike" else count, 1))
    return rows * 10**exponents


general = {"kinds": ("any",), "more_parameters": True}


def units(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lengths and directions, where no gradient is zero."""
    lengths = np.linalg.norm(rows, axis=1)
    return lengths, rows / lengths[:, np.newaxis]


# --- the list of methods ------------------------------------------------------------------------


def test_the_methods_are_those_of_the_papers_in_order() -> None:
    assert list(METHODS) == list(ROWS)


@pytest.mark.parametrize("name", METHODS)
def test_each_method_says_what_it_is(name: str) -> None:
    method = METHODS[name]
    sees, least = ROWS[name]
    assert (method.name, method.sees) == (name, sees)
    assert method.title
    assert method.formula.count("{") == method.formula.count("}") and "$" not in method.formula
    assert re.search(r"[A-Z]\w+.* (19|20)\d\d, [A-Z]\w+", method.paper)
    assert inspect.getdoc(method) != inspect.getdoc(weighting.Method)
    create(name, least)
    if least == 2:
        with pytest.raises(WorkbookError, match=f"'{name}' .* needs at least two tasks"):
            create(name, 1)


def test_no_two_methods_share_a_title_or_a_formula() -> None:
    assert len({(m.title) for m in METHODS.values()}) == len(METHODS)
    assert len({(m.formula) for m in METHODS.values()}) == len(METHODS)


# --- published values ---------------------------------------------------------------------------

EXAMPLE = np.array([[-4.0, 1, 1], [6, 1, 1]])


@pytest.mark.parametrize(
    ("method", "weights", "direction"),
    [
        ("mgda", (0.6, 0.4), (0, 1, 1)),
        ("pcgrad", (2.2222, 1.5789), (0.5848, 3.8012, 3.8012)),
        ("cagrad", None, (0.1835, 1.2041, 1.2041)),
        # By hand: projections on both unit gradients are equal along u_1 + u_2; weights sum to 1.
        (
            "imtl-g",
            (38**0.5 / (18**0.5 + 38**0.5), 18**0.5 / (18**0.5 + 38**0.5)),
            (0.0767, 1, 1),
        ),
        # 1 / (|g| sqrt(1 + cos)), cos = -22 / sqrt(18 38)
        ("nash-mtl", tuple((n - 22 * (n / (18 * 38 / n)) ** 0.5) ** -0.5 for n in (18, 38)), None),
        ("aligned-mtl", None, (0.2133, 0.9673, 0.9673)),  # TorchJD's documentation
        ("config", None, (0.1588, 2.0706, 2.0706)),  # TorchJD's documentation
        # By hand: each gradient less its projection on the other, halved. TorchJD documents
        # (0.2929, 1.9004, 1.9004), and (0.5563, 1.1109, 1.1109) for DualProj: it adds 1e-4 to the
        # Gram matrix's diagonal.
        ("upgrad", ((1 + 22 / 18) / 2, (1 + 22 / 38) / 2), (0.2924, 1.9006, 1.9006)),
        # By hand: the mean (1, 1, 1), of which -2 / 18 g_1 points against g_1.
        ("dualproj", (1 / 2 + 1 / 9, 1 / 2), (5 / 9, 10 / 9, 10 / 9)),
    ],
)
def test_published_values(
    method: str, weights: tuple[float, ...] | None, direction: tuple[float, ...] | None
) -> None:
    combination = combine(method, EXAMPLE)
    if weights is not None:
        np.testing.assert_allclose(combination.weights, weights, atol=1e-4)
    if direction is not None:
        np.testing.assert_allclose(combination.direction, direction, atol=1e-4)
    np.testing.assert_allclose(combination.direction, combination.weights @ EXAMPLE)


# --- every gradient-based method ----------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("method", FROM_GRADIENTS)
@many
@given(rows=gradients())
def test_weights_are_always_finite(method: str, rows: np.ndarray) -> None:
    combination = combine(method, rows)
    assert combination.weights.shape == (len(rows),)
    assert combination.weights.dtype == np.float64
    assert np.isfinite(combination.weights).all()
    assert np.isfinite(combination.direction).all()


@pytest.mark.slow
@pytest.mark.parametrize("method", FROM_GRADIENTS)
@settings(max_examples=100, deadline=None)
@given(rows=gradients(("any", "zero"), spread=6, more_parameters=True))
def test_training_weighs_as_combine_does(method: str, rows: np.ndarray) -> None:
    in_training = create(method, len(rows)).weigh(np.ones(len(rows)), rows @ rows.T)
    np.testing.assert_allclose(in_training, combine(method, rows).weights, rtol=1e-6, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("method", [name for name in FROM_GRADIENTS if name != "pcgrad"])
@settings(max_examples=100, deadline=None)
@given(rows=gradients(("any", "zero"), spread=3, more_parameters=True), data=st.data())
def test_the_order_of_tasks_does_not_matter(
    method: str, rows: np.ndarray, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(rows))))
    weights = combine(method, rows).weights
    np.testing.assert_allclose(
        combine(method, rows[order]).weights, weights[order], rtol=1e-6, atol=1e-7
    )


@pytest.mark.slow
@pytest.mark.parametrize("method", FROM_GRADIENTS)
@pytest.mark.parametrize("factor", [1e-20, 3.0, 1e20])
@settings(max_examples=100, deadline=None)
@given(rows=gradients(("any", "zero", "repeated", "one dimension"), spread=3))
def test_scaling_all_gradients_scales_the_direction(
    method: str, factor: float, rows: np.ndarray
) -> None:
    before = combine(method, rows)
    after = combine(method, factor * rows)
    # Nash's direction has a length of its own; FairGrad's falls with the gradients' (alpha = 2).
    power = {"nash-mtl": 0, "fairgrad": -1 / 3}.get(method, 1)
    expected = before.direction * factor**power
    # Not the weights: they are free where gradients depend on each other. Rounding is relative to
    # the parts of the sum, or to the shortest gradient where all parts vanish (aligned-MTL).
    lengths = np.linalg.norm(factor * rows, axis=1)
    largest = (np.abs(after.weights) * lengths).max()
    if method == "aligned-mtl" and lengths.any():
        largest = max(largest, lengths[lengths > 0].min())
    np.testing.assert_allclose(after.direction, expected, rtol=0, atol=1e-6 * largest)


@pytest.mark.parametrize("method", FROM_GRADIENTS)
@some
@given(rows=gradients(("any",), spread=1, tasks=(2, 4), more_parameters=True), data=st.data())
def test_a_task_without_gradient_stands_aside(
    method: str, rows: np.ndarray, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(rows)))
    with_zero = combine(method, np.insert(rows, place, 0.0, axis=0))
    others = np.delete(with_zero.weights, place)
    if method == "mgda":  # the shortest mean is that gradient itself
        assert with_zero.weights[place] == 1 and not others.any()
    elif method in {"nash-mtl", "fairgrad", "config"}:
        np.testing.assert_allclose(others, combine(method, rows).weights)
        assert with_zero.weights[place] == 1
    elif method == "pcgrad":
        assert with_zero.weights[place] == 1
        assert (others >= 1).all()
    else:  # a mean over one task more
        expected = combine(method, rows).weights * len(rows) / (len(rows) + 1)
        np.testing.assert_allclose(others, expected, rtol=1e-9)
        assert with_zero.weights[place] == 1 / (len(rows) + 1)


@pytest.mark.parametrize("method", FROM_GRADIENTS)
def test_all_gradients_zero_give_the_plain_sum_or_mean(method: str) -> None:
    weights = combine(method, np.zeros((4, 3))).weights
    expected = 1.0 if method in {"pcgrad", "nash-mtl", "fairgrad", "config"} else 0.25
    np.testing.assert_array_equal(weights, expected)


@pytest.mark.parametrize("method", FROM_GRADIENTS)
def test_exactly_opposite_gradients_leave_no_step(method: str) -> None:
    rows = np.array([[3.0, -4.0], [-3.0, 4.0]])
    np.testing.assert_allclose(combine(method, rows).direction, 0, atol=1e-6)


@pytest.mark.parametrize("method", FROM_GRADIENTS)
@pytest.mark.parametrize("tasks", [2, 5, 12])
def test_equal_gradients_are_weighed_equally(method: str, tasks: int) -> None:
    gradient = np.array([1.0, -2.0, 2.0])
    combination = combine(method, np.tile(gradient, (tasks, 1)))
    if method not in {"mgda", "cagrad"}:  # any weights give the same step, and rounding decides
        np.testing.assert_allclose(combination.weights, combination.weights[0], rtol=1e-6)
    along = {"pcgrad": tasks, "config": tasks, "cagrad": 1.5, "nash-mtl": tasks**0.5 / 3}
    along["fairgrad"] = tasks ** (1 / 3) * 3 ** (-4 / 3)  # T w |g|^2 = w^(-1/2), and |g| = 3
    np.testing.assert_allclose(combination.direction, along.get(method, 1.0) * gradient, rtol=1e-6)


@pytest.mark.parametrize("angle", [1e-2, 1e-3, 1e-4, 1e-5])
def test_small_angles_still_count(angle: float) -> None:
    """Down to about 1e-7 a Gram matrix tells gradients from parallel or opposite ones."""
    almost_parallel = np.array([[1.0, 0.0], [math.cos(angle), math.sin(angle)]])
    aligned = alignment(Geometry.of_gradients(almost_parallel)) @ almost_parallel
    singular = np.linalg.svd(aligned, compute_uv=False)
    np.testing.assert_allclose(singular, math.sqrt(2) * math.sin(angle / 2), rtol=1e-4)
    almost_opposite = almost_parallel * [[1], [-1]]
    weights = combine("nash-mtl", almost_opposite).weights
    np.testing.assert_allclose(weights, 1 / (math.sqrt(2) * math.sin(angle / 2)), rtol=1e-4)


# --- MGDA ---------------------------------------------------------------------------------------


@pytest.mark.slow
@many
@given(rows=gradients())
def test_mgda_is_optimal(rows: np.ndarray) -> None:
    """Karush, Kuhn, Tucker: g_t d >= d d for all tasks, with equality where the weight is not 0.

    Up to rounding in the inner products, which is relative to the longest part of the sum.
    """
    weights, direction = combine("mgda", rows).weights, combine("mgda", rows).direction
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1, abs=1e-12)
    lengths = np.linalg.norm(rows, axis=1)
    present = lengths > 0
    if not present.all():
        assert not weights[present].any()
        return
    longest = (weights * lengths).max()
    # In units of each gradient and the longest part, so that no size hides another.
    slack = (rows @ direction - direction @ direction) / lengths / longest
    assert slack.min() > -1e-7
    assert np.abs(weights * lengths / longest * slack).max() < 1e-7


@pytest.mark.slow
@many
@given(rows=gradients(("any", "parallel"), spread=6, tasks=(2, 2), more_parameters=True))
def test_mgda_for_two_tasks_has_a_closed_form(rows: np.ndarray) -> None:
    (a, b), lengths = rows, np.linalg.norm(rows, axis=1)
    # All weights serve nearly parallel gradients of one length nearly alike.
    assume(np.linalg.norm(a / lengths[0] - b / lengths[1]) >= 1e-3)
    expected = np.clip((b - a) @ b / ((a - b) @ (a - b)), 0, 1)
    assert combine("mgda", rows).weights[0] == pytest.approx(expected, rel=1e-6, abs=1e-9)


@some
@given(rows=gradients(**general, spread=0, tasks=(2, 5)))
def test_mgda_agrees_with_a_slow_solver(rows: np.ndarray) -> None:
    tasks = len(rows)
    slow = minimize(
        lambda w: ((w @ rows) ** 2).sum(),
        np.full(tasks, 1 / tasks),
        jac=lambda w: 2 * rows @ (w @ rows),
        bounds=[(0, 1)] * tasks,
        constraints=LinearConstraint(np.ones(tasks), 1, 1),
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 500},
    )
    np.testing.assert_allclose(combine("mgda", rows).weights, slow.x, atol=1e-5)


def test_mgda_s_weights_are_not_kept_from_zero() -> None:
    np.testing.assert_array_equal(combine("mgda", [[1, 0], [5, 1]]).weights, [1, 0])


# --- PCGrad -------------------------------------------------------------------------------------


@pytest.mark.slow
@many
@given(rows=gradients(("any", "parallel", "opposite"), tasks=(2, 2)))
def test_pcgrad_leaves_no_conflict_between_two_tasks(rows: np.ndarray) -> None:
    combination = combine("pcgrad", rows)
    lengths = np.linalg.norm(rows, axis=1)
    parts = np.abs(combination.weights) * lengths  # what rounding is relative to
    assert (rows @ combination.direction >= -1e-12 * lengths * parts.max()).all()


def pcgrad_by_loops(rows: np.ndarray, orders: tuple[tuple[int, ...], ...]) -> np.ndarray:
    total = np.zeros(rows.shape[1])
    for gradient, order in zip(rows, orders, strict=True):
        projected = gradient.copy()
        for other in order:
            product = projected @ rows[other]
            if product < 0:
                projected -= product / (rows[other] @ rows[other]) * rows[other]
        total += projected
    return total


@pytest.mark.slow
@some
@given(rows=gradients(("any",), spread=1, tasks=(3, 4)), seed=st.integers(0, 1000))
def test_pcgrad_follows_some_order_of_the_paper_s(rows: np.ndarray, seed: int) -> None:
    others = [[j for j in range(len(rows)) if j != i] for i in range(len(rows))]
    orders = itertools.product(*(itertools.permutations(each) for each in others))
    possible = np.array([pcgrad_by_loops(rows, order) for order in orders])
    found = combine("pcgrad", rows, seed=seed).direction
    size = np.abs(rows).max()
    assert np.abs(possible - found).max(axis=1).min() < 1e-9 * size


def test_pcgrad_draws_the_order_anew_in_every_step() -> None:
    angles = np.array([0, 1.9, 3.3])
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    method = create("pcgrad", 3, seed=5)
    steps = [method.weigh(np.ones(3), rows @ rows.T) for _ in range(20)]
    assert len({tuple(step.round(9)) for step in steps}) > 1
    again = create("pcgrad", 3, seed=5)
    np.testing.assert_array_equal(steps[0], again.weigh(np.ones(3), rows @ rows.T))
    np.testing.assert_array_equal(steps[1], again.weigh(np.ones(3), rows @ rows.T))


@some
@given(rows=gradients(spread=3))
def test_pcgrad_without_conflict_is_the_plain_sum(rows: np.ndarray) -> None:
    np.testing.assert_allclose(combine("pcgrad", np.abs(rows)).weights, 1)


# --- CAGrad -------------------------------------------------------------------------------------


@pytest.mark.slow
@many
@given(rows=gradients(), c=st.floats(0, 0.99))
def test_cagrad_stays_in_its_ball(rows: np.ndarray, c: float) -> None:
    direction = combine("cagrad", rows, c=c).direction
    size = max(np.linalg.norm(rows, axis=1).max(), 1e-300)
    mean, step = rows.mean(axis=0) / size, direction / size
    assert np.linalg.norm(step - mean) <= c * np.linalg.norm(mean) * (1 + 1e-9) + 1e-8


@pytest.mark.slow
@many
@given(rows=gradients(spread=6), c=st.floats(0, 0.99))
def test_cagrad_serves_the_worst_off_no_worse_than_the_mean(rows: np.ndarray, c: float) -> None:
    lengths = np.linalg.norm(rows, axis=1)
    mean = rows.mean(axis=0)
    direction = combine("cagrad", rows, c=c).direction
    slack = 1e-8 * lengths.max() ** 2
    assert (rows @ direction).min() >= (rows @ mean).min() - slack


def worst_gain_by_slsqp(rows: np.ndarray, c: float) -> float:
    """The largest smallest g_t d within the ball, from the definition."""
    mean = rows.mean(axis=0)
    radius = c * np.linalg.norm(mean)
    best = -np.inf
    for start in (mean, mean + radius * rows[0] / np.linalg.norm(rows[0])):
        found = minimize(
            lambda v: -v[-1],
            np.append(start, (rows @ start).min()),
            constraints=[
                LinearConstraint(np.hstack([rows, -np.ones((len(rows), 1))]), 0, np.inf),
                NonlinearConstraint(lambda v: ((v[:-1] - mean) ** 2).sum(), -np.inf, radius**2),
            ],
            method="SLSQP",
            options={"ftol": 1e-14, "maxiter": 300},
        )
        step = found.x[:-1] - mean
        step *= min(1, radius / np.linalg.norm(step))
        best = max(best, (rows @ (mean + step)).min())
    return float(best)


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(
    rows=gradients(("any",), spread=0, tasks=(2, 5), more_parameters=True),
    c=st.sampled_from([0.2, 0.5, 0.9]),
)
def test_cagrad_agrees_with_a_slow_solver(rows: np.ndarray, c: float) -> None:
    gain = (rows @ combine("cagrad", rows, c=c).direction).min()
    slow = worst_gain_by_slsqp(rows, c)
    assert gain == pytest.approx(slow, rel=1e-5, abs=1e-6)


@pytest.mark.slow
@many
@given(rows=gradients(), c=st.floats(1e-3, 0.99))
def test_cagrad_s_gain_reaches_its_bound(rows: np.ndarray, c: float) -> None:
    """Weak duality: for any mean of the gradients, g_w g_0 + c |g_0| |g_w| bounds the worst gain.

    The bound of the weights that CAGrad ends with equals its gain, so that neither can be better.
    """
    combination = combine("cagrad", rows, c=c)
    lengths = np.linalg.norm(rows, axis=1)
    assume(lengths.all())
    mean = rows.mean(axis=0)
    size = np.linalg.norm(mean)
    assume(size >= 1e-5 * lengths.max())
    extra = combination.weights - 1 / len(rows)
    weights = np.maximum(extra, 0) / extra.sum()
    towards = weights @ rows
    bound = towards @ mean + c * size * np.linalg.norm(towards)
    gains = rows @ combination.direction
    worst = np.argmin(gains)
    # Rounding is relative to the parts of the sum: large ones cancel where gradients are opposite.
    parts = (np.abs(combination.weights) * lengths).max()
    assert gains[worst] <= bound + 1e-9 * lengths[worst] * parts
    assert gains[worst] >= bound - 1e-5 * max(
        lengths[worst] * parts, (weights * lengths).max() * size
    )


def test_cagrad_with_c_zero_is_the_mean() -> None:
    np.testing.assert_allclose(combine("cagrad", EXAMPLE, c=0).weights, 0.5)


# --- IMTL-G -------------------------------------------------------------------------------------


@many
@given(rows=gradients(("any", "parallel", "opposite", "repeated", "one dimension")))
def test_imtl_g_projects_equally(rows: np.ndarray) -> None:
    combination = combine("imtl-g", rows)
    lengths, directions = units(rows)
    parts = np.abs(combination.weights) * lengths
    weights = combination.weights
    assert weights.sum() == pytest.approx(1, abs=1e-9 * np.abs(weights).sum())
    # Where no weights that sum to 1 exist, all are weighed equally, as documented.
    assume(np.ptp(weights) > 0 or np.ptp(lengths) == 0)
    projections = directions @ (combination.direction / parts.max())
    # Nearly parallel gradients leave few digits of their difference.
    assert np.ptp(projections) < 1e-4


@some
@given(rows=gradients(**general, spread=1, tasks=(2, 6)))
def test_imtl_g_agrees_with_the_paper_s_closed_form(rows: np.ndarray) -> None:
    _, u = units(rows)
    differences, towards = rows[0] - rows[1:], u[0] - u[1:]
    rest = rows[0] @ towards.T @ np.linalg.inv(differences @ towards.T)
    expected = np.append(1 - rest.sum(), rest)
    np.testing.assert_allclose(combine("imtl-g", rows).weights, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.slow
@many
@given(rows=gradients(**general, spread=2), task=st.integers(0, 1), power=st.floats(-12, 12))
def test_imtl_g_keeps_its_direction_when_one_task_is_scaled(
    rows: np.ndarray, task: int, power: float
) -> None:
    """Up to its length and sign, which the sum of 1 decides."""
    before = combine("imtl-g", rows).direction
    rows = rows.copy()
    rows[task] *= 10**power
    after = combine("imtl-g", rows).direction
    cos = before @ after / np.linalg.norm(before) / np.linalg.norm(after)
    assert abs(cos) == pytest.approx(1, abs=1e-6)


# --- Nash-MTL -----------------------------------------------------------------------------------


def helps_all(directions: np.ndarray) -> bool:
    """Is there a step that helps all tasks, and not only by a hair? By linear programming."""
    tasks, columns = directions.shape
    best = linprog(
        np.append(np.zeros(columns), -1),
        A_ub=np.hstack([-directions, np.ones((tasks, 1))]),
        b_ub=np.zeros(tasks),
        bounds=[(-1, 1)] * columns + [(0, None)],
    )
    return -best.fun > 1e-3


@pytest.mark.slow
@many
@given(rows=gradients(("any", "parallel", "opposite", "repeated", "one dimension")))
def test_nash_solves_its_equation(rows: np.ndarray) -> None:
    combination = combine("nash-mtl", rows)
    assert (combination.weights > 0).all()
    lengths, directions = units(rows)
    shares = combination.weights * lengths
    gains = shares * (directions @ (shares @ directions))  # w_t (G w)_t, of unit gradients
    if helps_all(directions):
        np.testing.assert_allclose(gains, 1, atol=1e-7)
    else:
        assert gains.sum() < len(rows) + 1e-6
        assert np.linalg.norm(shares) < 1.1e7 * len(rows) ** 0.5


@many
@given(rows=gradients(("any",), tasks=(2, 2), more_parameters=True))
def test_nash_for_two_tasks_has_a_closed_form(rows: np.ndarray) -> None:
    lengths, (a, b) = units(rows)
    expected = 1 / (lengths * math.sqrt(1 + a @ b))
    np.testing.assert_allclose(combine("nash-mtl", rows).weights, expected, rtol=1e-7)


@pytest.mark.slow
@some
@given(rows=gradients(**general, spread=0, tasks=(2, 5)))
def test_nash_agrees_with_a_slow_solver(rows: np.ndarray) -> None:
    """The largest sum of log gains among steps of one length, from the definition."""
    combination = combine("nash-mtl", rows)
    step = combination.direction / np.linalg.norm(combination.direction)

    def loss(direction: np.ndarray) -> float:
        gains = rows @ direction / np.linalg.norm(direction)
        return -np.log(gains).sum() if (gains > 0).all() else np.inf

    start = np.linalg.pinv(rows) @ np.ones(len(rows))
    slow = minimize(loss, start, method="Nelder-Mead", options={"maxiter": 3000, "maxfev": 3000})
    assert loss(step) <= slow.fun + 1e-6
    nearby = step + 1e-3 * np.random.default_rng(0).normal(size=(50, len(step)))
    assert all(loss(step) <= loss(other) for other in nearby)


@many
@given(rows=gradients(**general, spread=2), task=st.integers(0, 1), power=st.floats(-12, 12))
def test_nash_keeps_its_direction_when_one_task_is_scaled(
    rows: np.ndarray, task: int, power: float
) -> None:
    """Exactly: the length, too. The task's weight takes the factor back."""
    before = combine("nash-mtl", rows)
    rows = rows.copy()
    rows[task] *= 10**power
    after = combine("nash-mtl", rows)
    np.testing.assert_allclose(after.direction, before.direction, atol=1e-6)
    factors = np.where(np.arange(len(rows)) == task, 10**power, 1.0)
    np.testing.assert_allclose(after.weights * factors, before.weights, rtol=1e-6)


@many
@given(rows=gradients(**general))
def test_nash_s_step_has_a_length_of_its_own(rows: np.ndarray) -> None:
    direction = combine("nash-mtl", rows).direction
    assert direction @ direction == pytest.approx(len(rows), rel=1e-6)


# --- aligned-MTL --------------------------------------------------------------------------------


@many
@given(rows=gradients(**general))
def test_aligned_gradients_are_orthogonal_and_equally_long(rows: np.ndarray) -> None:
    """At every size: rows of B J, in units of their gradients so that rounding stays small."""
    lengths, directions = units(rows)
    # B J = (B L) U with lengths L: these products have no cancellation that L could hide.
    aligned = (alignment(Geometry.of_gradients(rows)) * (lengths / lengths.min())) @ directions
    singular = np.linalg.svd(aligned, compute_uv=False)
    assert singular[0] / singular[-1] == pytest.approx(1, abs=1e-5)


@pytest.mark.slow
@many
@given(rows=gradients(**general))
def test_aligned_step_is_as_long_as_the_shortest_principal_one(rows: np.ndarray) -> None:
    direction = combine("aligned-mtl", rows).direction
    # The inverse's longest is the shortest's inverse: precise whatever the gradients' lengths.
    lengths, directions = units(rows)
    inverse = np.linalg.pinv(directions) / (lengths / lengths.min())
    shortest = lengths.min() / np.linalg.norm(inverse, 2)
    assert np.linalg.norm(direction) == pytest.approx(shortest / len(rows) ** 0.5, rel=1e-5)


@some
@given(rows=gradients(**general, spread=1, tasks=(2, 6)))
def test_aligned_agrees_with_the_inverse_square_root(rows: np.ndarray) -> None:
    gram = rows @ rows.T
    shortest = np.linalg.svd(rows, compute_uv=False)[-1]
    expected = shortest * np.real(sqrtm(inv(gram))).mean(axis=0)
    np.testing.assert_allclose(combine("aligned-mtl", rows).weights, expected, rtol=1e-4, atol=1e-7)


@many
@given(rows=gradients(("repeated",), spread=1, tasks=(3, 8), more_parameters=True))
def test_aligned_gradients_span_what_dependent_ones_span(rows: np.ndarray) -> None:
    aligned = alignment(Geometry.of_gradients(rows)) @ rows
    singular = np.linalg.svd(aligned, compute_uv=False)
    rank = np.linalg.matrix_rank(rows / np.linalg.norm(rows, axis=1)[:, np.newaxis], tol=1e-6)
    np.testing.assert_allclose(singular[:rank], singular[0], rtol=1e-5)
    np.testing.assert_allclose(singular[rank:], 0, atol=1e-6 * singular[0])


# --- UPGrad and DualProj ------------------------------------------------------------------------

THREE = np.array([[1.0, 0, 1], [-3, -3, 1], [0, 2, -2]])
"""Three gradients, every two in conflict."""


def nearest_without_conflict(rows: np.ndarray, given: np.ndarray) -> np.ndarray:
    """The nearest step to a given one that makes no task worse, from the definition."""
    slow = minimize(
        lambda d: ((d - given) ** 2).sum(),
        given,
        jac=lambda d: 2 * (d - given),
        constraints=LinearConstraint(rows, 0, np.inf),
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 500},
    )
    return np.asarray(slow.x)


@many
@given(rows=gradients(("any", "parallel", "opposite"), spread=3, tasks=(2, 2)))
def test_upgrad_for_two_tasks_is_half_of_pcgrad(rows: np.ndarray) -> None:
    half = combine("pcgrad", rows).direction / 2
    size = np.linalg.norm(rows, axis=1).max()
    np.testing.assert_allclose(combine("upgrad", rows).direction, half, rtol=0, atol=1e-7 * size)


def test_upgrad_leaves_no_conflict_among_three_tasks_where_pcgrad_does() -> None:
    in_any_order = [combine("pcgrad", THREE, seed=seed).direction for seed in range(20)]
    assert all((THREE @ direction).min() < -0.5 for direction in in_any_order)
    assert (THREE @ combine("upgrad", THREE).direction).min() > -1e-12


@pytest.mark.parametrize("method", ["upgrad", "dualproj"])
@some
@given(rows=gradients(**general, spread=0, tasks=(2, 5)))
def test_projections_agree_with_a_slow_solver(method: str, rows: np.ndarray) -> None:
    given = rows if method == "upgrad" else rows.mean(axis=0, keepdims=True)
    slow = np.mean([nearest_without_conflict(rows, each) for each in given], axis=0)
    np.testing.assert_allclose(combine(method, rows).direction, slow, atol=1e-4)


@pytest.mark.parametrize("method", ["upgrad", "dualproj"])
@some
@given(rows=gradients(spread=3))
def test_projections_without_conflict_are_the_mean(method: str, rows: np.ndarray) -> None:
    np.testing.assert_allclose(combine(method, np.abs(rows)).weights, 1 / len(rows))


# --- ConFIG -------------------------------------------------------------------------------------


@many
@given(rows=gradients(**general, spread=3))
def test_config_s_angles_are_equal_and_its_length_is_what_falls_on_it(rows: np.ndarray) -> None:
    direction = combine("config", rows).direction
    lengths, directions = units(rows)
    step = direction / np.linalg.norm(direction)
    cosines = directions @ step
    assert cosines.min() > 0
    np.testing.assert_allclose(cosines, cosines[0], rtol=1e-5)
    assert lengths @ cosines == pytest.approx(np.linalg.norm(direction), rel=1e-5)


@some
@given(rows=gradients(("any", "repeated"), spread=0, tasks=(2, 6)))
def test_config_agrees_with_the_paper_s_formula(rows: np.ndarray) -> None:
    _, directions = units(rows)
    towards = np.linalg.pinv(directions, rcond=1e-7) @ np.ones(len(rows))
    assume(np.linalg.norm(towards) > 1e-3)
    singular = np.linalg.svd(directions, compute_uv=False)
    assume(not ((singular > 1e-13) & (singular < 1e-4)).any())
    step = towards / np.linalg.norm(towards)
    expected = (rows @ step).sum() * step
    np.testing.assert_allclose(combine("config", rows).direction, expected, atol=1e-6)


def test_config_points_along_imtl_g() -> None:
    ours, other = (combine(name, THREE).direction for name in ("config", "imtl-g"))
    np.testing.assert_allclose(ours / np.linalg.norm(ours), other / np.linalg.norm(other))


# --- FairGrad -----------------------------------------------------------------------------------


@many
@given(
    rows=gradients(("any", "parallel", "repeated"), spread=3),
    alpha=st.sampled_from([1.0, 1.3, 2.0, 5.0]),
)
def test_fairgrad_solves_its_equation(rows: np.ndarray, alpha: float) -> None:
    _, directions = units(rows)
    assume(helps_all(directions))
    combination = combine("fairgrad", rows, alpha=alpha)
    assert (combination.weights > 0).all()
    gains = rows @ combination.direction
    np.testing.assert_allclose(gains * combination.weights ** (1 / alpha), 1, rtol=1e-5)


@some
@given(rows=gradients(spread=3))
def test_fairgrad_with_alpha_one_is_nash(rows: np.ndarray) -> None:
    fair, nash = combine("fairgrad", rows, alpha=1), combine("nash-mtl", rows)
    np.testing.assert_array_equal(fair.weights, nash.weights)


@pytest.mark.parametrize("alpha", [1.0, 2.0, 4.0])
def test_fairgrad_by_hand(alpha: float) -> None:
    # At a right angle |g|^2 w = w^(-1 / alpha); of length one, (1 + cos) w = w^(-1 / alpha).
    power = alpha / (1 + alpha)
    apart = combine("fairgrad", [[3.0, 0], [0, 0.5]], alpha=alpha).weights
    np.testing.assert_allclose(apart, np.array([9, 0.25]) ** -power)
    near = combine("fairgrad", [[1.0, 0], [-0.6, 0.8]], alpha=alpha).weights
    np.testing.assert_allclose(near, 0.4**-power)


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(rows=gradients(**general, spread=0, tasks=(2, 4)), alpha=st.sampled_from([1.5, 2.0, 4.0]))
def test_fairgrad_is_fairest_among_steps_of_its_length(rows: np.ndarray, alpha: float) -> None:
    step = combine("fairgrad", rows, alpha=alpha).direction
    length = np.linalg.norm(step)

    def unfairness(direction: np.ndarray) -> float:
        gains = rows @ (direction * length / np.linalg.norm(direction))
        return (gains ** (1 - alpha)).sum() if (gains > 0).all() else np.inf

    start = np.linalg.pinv(rows) @ np.ones(len(rows))
    slow = minimize(unfairness, start, method="Nelder-Mead", options={"maxiter": 3000})
    assert unfairness(step) <= slow.fun * (1 + 1e-6)


# --- methods that see losses --------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", FROM_LOSSES)
@many
@given(
    seed=st.integers(0, 2**32),
    tasks=st.integers(2, 12),
    kind=st.sampled_from(["positive", "any sign", "zero", "constant", "extreme"]),
)
def test_loss_based_weights_are_finite_and_sum_up(
    name: str, seed: int, tasks: int, kind: str
) -> None:
    generator = np.random.default_rng(seed)
    losses = 10 ** generator.uniform(-12, 12, (8, tasks))
    if kind == "extreme":
        losses = 10 ** generator.uniform(-300, 300, (8, tasks))
    if kind == "any sign":
        losses *= generator.choice([-1, 0, 1], (8, tasks))
    if kind == "zero":
        losses[generator.integers(8) :, 0] = 0
    if kind == "constant":
        losses[:] = losses[0]
    norms = 10 ** generator.uniform(-12, 12, (8, tasks)) * generator.choice([0, 1], (8, tasks))
    method = create(name, tasks, seed=seed)
    for loss, norm_of in zip(losses, norms, strict=True):
        weights = method.weigh(loss, np.diag(norm_of**2))
        assert weights.shape == (tasks,) and weights.dtype == np.float64
        assert np.isfinite(weights).all() and (weights >= 0).all()
        if name not in {"uncertainty", "db-mtl"}:
            assert weights.sum() == pytest.approx(tasks)


@pytest.mark.parametrize("name", FROM_LOSSES)
def test_losses_given_are_not_kept_by_reference(name: str) -> None:
    """A training loop may write its next losses into the same array."""
    steps = [[1.0, 2, 3], [0.5, 2, 2], [0.2, 1, 3], [0.1, 1, 1]]
    fresh, reused = create(name, 3), create(name, 3)
    buffer = np.zeros(3)
    for losses in steps:
        buffer[:] = losses
        gram = np.diag([1.0, 2, 3])
        np.testing.assert_array_equal(fresh.weigh(losses, gram), reused.weigh(buffer, gram))


def test_fixed_is_the_plain_sum() -> None:
    np.testing.assert_array_equal(create("fixed", 3).weigh([1, 5, 0]), 1)
    np.testing.assert_array_equal(create("fixed", 1).weigh([2.0]), 1)


def test_random_weights_are_drawn_as_the_paper_says() -> None:
    method = create("random", 2, seed=3)
    draws = np.array([method.weigh([1.0, 1.0]) for _ in range(4000)])
    # w_1 / 2 is the logistic function of a normal number of variance 2.
    spread = quad(lambda x: expit(x) ** 2 * norm.pdf(x, scale=2**0.5), -20, 20)[0] - 0.25
    assert draws[:, 0].mean() == pytest.approx(1, abs=0.03)
    assert (draws[:, 0] / 2).var() == pytest.approx(spread, rel=0.06)
    other = create("random", 2, seed=4).weigh([1.0, 1.0])
    np.testing.assert_array_equal(create("random", 2, seed=3).weigh([9.0, 1.0]), draws[0])
    assert not np.allclose(other, draws[0])


def test_uncertainty_settles_where_exp_s_is_the_loss() -> None:
    losses = np.array([0.02, 0.7, 40.0])
    method = create("uncertainty", 3, learning_rate=0.05)
    np.testing.assert_array_equal(method.weigh(losses), 0.5)
    for _ in range(1500):
        weights = method.weigh(losses)
    np.testing.assert_allclose(weights, 1 / (2 * losses), rtol=1e-4)


def test_uncertainty_goes_down_its_own_loss() -> None:
    """One step of plain gradient descent, its slope taken by differences."""
    losses = np.array([0.3, 2.2])
    method = create("uncertainty", 2, learning_rate=0.1)
    method.weigh(losses)
    s = -np.log(2 * method.weigh(losses))

    def objective(s: np.ndarray) -> float:
        return float((losses / (2 * np.exp(s)) + s / 2).sum())

    slope = [(objective(e) - objective(-e)) / 2e-5 for e in 1e-5 * np.eye(2)]
    np.testing.assert_allclose(s, -0.1 * np.array(slope), rtol=1e-6)


def test_uncertainty_leaves_alone_a_task_whose_loss_has_no_optimum() -> None:
    method = create("uncertainty", 2)
    for _ in range(100):
        weights = method.weigh([-1.0, 1.0])
    np.testing.assert_array_equal(weights, 0.5)


def test_dwa_by_hand() -> None:
    method = create("dwa", 2)
    np.testing.assert_array_equal(method.weigh([1.0, 2.0]), 1)
    np.testing.assert_array_equal(method.weigh([0.5, 1.8]), 1)
    # r = (0.5, 0.9): 2 softmax(0.25, 0.45) = 2 / (1 + e^+-0.2)
    np.testing.assert_allclose(method.weigh([0.5, 0.9]), [0.900332, 1.099668], atol=1e-6)
    # r = (1, 0.5): 2 softmax(0.5, 0.25)
    np.testing.assert_allclose(method.weigh([1.0, 1.0]), [1.124353, 0.875647], atol=1e-6)


def test_dwa_with_a_high_temperature_is_the_plain_sum() -> None:
    method = create("dwa", 2, temperature=1e6)
    for losses in ([1.0, 1.0], [0.5, 1.8], [0.1, 2]):
        weights = method.weigh(losses)
    np.testing.assert_allclose(weights, 1, atol=1e-5)


def settle(method: weighting.Method, losses: list[float], norms: list[float]) -> np.ndarray:
    for _ in range(3000):
        weights = method.weigh(losses, np.diag(np.square(norms)))
    return weights


def test_gradnorm_equals_the_pulls() -> None:
    weights = settle(create("gradnorm", 2, learning_rate=0.003), [1.0, 1.0], [1.0, 10.0])
    np.testing.assert_allclose(weights, [20 / 11, 2 / 11], rtol=0.01)


def test_gradnorm_lets_slower_tasks_pull_harder() -> None:
    method = create("gradnorm", 2, learning_rate=0.003)
    np.testing.assert_array_equal(method.weigh([2.0, 8.0], np.eye(2)), 1)
    # Of their first losses 1/2 and 1/8 are left, a ratio of 4; 4^1.5 = 8.
    weights = settle(method, [1.0, 1.0], [3.0, 1.0])
    assert 3 * weights[0] / weights[1] == pytest.approx(8, rel=0.02)


def test_gradnorm_balances_a_quadratic_toy() -> None:
    """Task t has a parameter of its own and the loss scale_t x_t^2 / 2."""
    scales = np.array([1.0, 20.0])
    left = {}
    for name, options in (("fixed", {}), ("gradnorm", {"alpha": 0.0, "learning_rate": 0.01})):
        x, method = np.ones(2), create(name, 2, **options)
        for _ in range(400):
            gradient = scales * x
            weights = method.weigh(scales * x**2 / 2, np.diag(gradient**2))
            x = x - 0.0002 * weights * gradient
        left[name] = weights * gradient, x
    pulls, x = left["gradnorm"]
    assert pulls[0] / pulls[1] == pytest.approx(1, abs=0.05)
    assert left["fixed"][0][0] / left["fixed"][0][1] < 0.3
    assert x[0] < left["fixed"][1][0] and x[1] > left["fixed"][1][1]


def test_famo_by_hand() -> None:
    method = create("famo", 2, learning_rate=0.5, decay=0.1)
    # z = (1/2, 1/2): weights as 1 / L, with sum 2.
    np.testing.assert_allclose(method.weigh([1.0, 4.0]), [1.6, 0.4])
    # Task 1 fell to a half, task 2 did not: the slope is 1/4 log 2 (1, -1), the decay of 0 is 0.
    w = 0.5 * 0.25 * math.log(2)
    z = np.exp([-w, w]) / np.exp([-w, w]).sum()
    expected = z / [0.5, 4.0]
    np.testing.assert_allclose(method.weigh([0.5, 4.0]), 2 * expected / expected.sum())
    # Nothing fell: only the decay moves w.
    w -= 0.5 * 0.1 * w
    z = np.exp([-w, w]) / np.exp([-w, w]).sum()
    expected = z / [0.5, 4.0]
    np.testing.assert_allclose(method.weigh([0.5, 4.0]), 2 * expected / expected.sum())


def test_famo_s_slope_is_that_of_the_paper() -> None:
    """After some steps, when shares are unequal: by differences, through the softmax."""
    rate = 0.8
    method = create("famo", 3, learning_rate=rate, decay=0.0)
    steps = np.array([[4.0, 4, 4], [1, 3, 4], [0.5, 3, 1]])
    *_, before, after = (method.weigh(losses) * losses for losses in steps)  # in proportion to z
    w = np.log(before)
    fell = np.log(steps[1] / steps[2])

    def objective(w: np.ndarray) -> float:
        return float(np.exp(w) / np.exp(w).sum() @ fell)

    slope = [(objective(w + e) - objective(w - e)) / 2e-6 for e in 1e-6 * np.eye(3)]
    expected = np.exp(w - rate * np.array(slope))
    np.testing.assert_allclose(after / after.sum(), expected / expected.sum(), rtol=1e-6)


def test_famo_measures_losses_from_the_lowest_possible() -> None:
    method = create("famo", 2, lowest=[-3.0, 0.0])
    np.testing.assert_allclose(method.weigh([-2.0, 4.0]), [1.6, 0.4])
    method = create("famo", 2, lowest=-1.0)
    np.testing.assert_allclose(method.weigh([0.0, 3.0]), [1.6, 0.4])


def test_famo_lowers_the_slower_task() -> None:
    """Two tasks with a parameter each, one of them slow: FAMO brings both down alike."""
    speeds = np.array([1.0, 0.2])
    left = {}
    for name in ("fixed", "famo"):
        x, method = np.ones(2), create(name, 2)
        for _ in range(300):
            x = x - 0.01 * method.weigh(x**2 * speeds / 2) * speeds * x
        left[name] = x**2
    assert left["famo"][1] < 0.5 * left["fixed"][1]
    fall = {name: np.log(values) for name, values in left.items()}
    assert fall["famo"][0] / fall["famo"][1] < 0.7 * fall["fixed"][0] / fall["fixed"][1]


@pytest.mark.parametrize("smoothness", [0.05, 1.0])
def test_stch_s_weights_are_the_slopes_of_its_formula(smoothness: float) -> None:
    losses, lowest = np.array([0.3, 2.2, 2.0]), np.array([0.1, 0.0, -0.4])

    def objective(values: np.ndarray) -> float:
        return float(smoothness * np.log(np.exp((values - lowest) / (3 * smoothness)).sum()))

    slopes = [(objective(losses + e) - objective(losses - e)) / 2e-6 for e in 1e-6 * np.eye(3)]
    weights = create("stch", 3, smoothness=smoothness, lowest=lowest).weigh(losses)
    np.testing.assert_allclose(weights, 9 * np.array(slopes), rtol=1e-6, atol=1e-8)


def test_stch_goes_from_the_worst_task_alone_to_the_plain_sum() -> None:
    losses = [0.2, 1.0, 0.9]
    worst = create("stch", 3, smoothness=1e-4).weigh(losses)
    np.testing.assert_allclose(worst, [0, 3, 0], atol=1e-12)
    np.testing.assert_allclose(create("stch", 3, smoothness=1e6).weigh(losses), 1, atol=1e-5)
    np.testing.assert_allclose(create("stch", 3).weigh([0.7, 0.7, 0.7]), 1)


def test_db_mtl_sums_the_gradients_of_logarithms_made_as_long_as_the_longest() -> None:
    losses, rows = np.array([0.5, 4.0, 1.0]), np.array([[3.0, 4, 0], [0, 0, 8], [1, 0, 0]])
    slopes = rows / losses[:, np.newaxis]  # of log L: lengths 10, 2 and 1
    lengths = np.linalg.norm(slopes, axis=1, keepdims=True)
    expected = (slopes / lengths).sum(axis=0) * lengths.max()
    weights = create("db-mtl", 3).weigh(losses, rows @ rows.T)
    np.testing.assert_allclose(weights @ rows, expected)
    np.testing.assert_allclose(weights * [5, 8, 1], 10)


@given(power=st.floats(-6, 6))
@some
def test_db_mtl_does_not_feel_a_task_s_unit(power: float) -> None:
    losses, norms, unit = np.array([0.5, 4.0]), np.array([2.0, 1.0]), np.array([1, 10**power])
    before = create("db-mtl", 2).weigh(losses, np.diag(norms**2))
    after = create("db-mtl", 2).weigh(losses * unit, np.diag((norms * unit) ** 2))
    np.testing.assert_allclose(after * unit, before)


def test_db_mtl_without_a_logarithm_takes_the_other_tasks_or_the_longest_gradient() -> None:
    norms = np.diag(np.square([2.0, 8.0, 0.0]))
    np.testing.assert_allclose(
        create("db-mtl", 3).weigh([4.0, -1.0, 1.0], norms), [0.25, 0.0625, 1]
    )
    np.testing.assert_allclose(create("db-mtl", 3).weigh([0.0, -1.0, 1.0], norms), [4, 1, 1])


# --- TorchJD ------------------------------------------------------------------------------------

TORCHJD = {
    "config": ("ConFIG", {}, 1e-6),
    "fairgrad": ("FairGrad", {"alpha": 2.0}, 1e-3),
    "upgrad": ("UPGrad", {}, 1e-2),  # adds 1e-4 to the Gram matrix's diagonal
    "dualproj": ("DualProj", {}, 1e-2),  # the same
}


@pytest.mark.parametrize("method", TORCHJD)
@pytest.mark.parametrize("rows", [EXAMPLE, THREE], ids=["two tasks", "three tasks"])
def test_torchjd_makes_the_same_of_gradients(method: str, rows: np.ndarray) -> None:
    torch = pytest.importorskip("torch")
    aggregation = pytest.importorskip("torchjd.aggregation")
    name, options, tolerance = TORCHJD[method]
    try:
        aggregator = getattr(aggregation, name)(**options)
    except (AttributeError, ImportError) as error:
        pytest.skip(f"this TorchJD cannot: {error}")
    theirs = aggregator(torch.tensor(rows)).numpy()
    np.testing.assert_allclose(combine(method, rows).direction, theirs, atol=tolerance)


@pytest.mark.parametrize(
    ("method", "weights", "direction"),
    [
        ("config", None, (-0.1970567, 0.2458198, 0.2214382)),
        ("fairgrad", (13.984475, 5.156130, 8.694640), None),
        ("upgrad", None, (-0.200238, 0.234997, 0.215389)),
        ("dualproj", None, (-1 / 9, 1 / 9, 1 / 9)),
    ],
)
def test_values_that_torchjd_made_of_three_gradients(
    method: str, weights: tuple[float, ...] | None, direction: tuple[float, ...] | None
) -> None:
    """Version 0.18.0, in double precision, FairGrad with alpha 2.

    UPGrad and DualProj with QuadprogProjector(norm_eps=1e-12, reg_eps=1e-12): by default 1e-4 is
    added to the Gram matrix's diagonal.
    """
    combination = combine(method, THREE)
    if weights is not None:
        np.testing.assert_allclose(combination.weights, weights, rtol=1e-4)
    if direction is not None:
        np.testing.assert_allclose(combination.direction, direction, atol=1e-6)


def test_stch_is_torchjd_s() -> None:
    torch = pytest.importorskip("torch")
    scalarization = pytest.importorskip("torchjd.scalarization")
    losses = torch.tensor([0.3, 2.2, 2.0], dtype=torch.float64, requires_grad=True)
    scalarization.STCH(mu=0.3)(losses).backward()
    ours = create("stch", 3, smoothness=0.3).weigh(losses.detach().numpy())
    np.testing.assert_allclose(ours, 9 * losses.grad.numpy(), rtol=1e-6)


# --- measures -----------------------------------------------------------------------------------


def test_cosines_by_hand() -> None:
    rows = [[3.0, 4.0], [-6.0, -8.0], [4.0, -3.0], [0.0, 0.0], [7.0, 1.0]]
    expected = [
        [1, -1, 0, 0, 2**-0.5],
        [-1, 1, 0, 0, -(2**-0.5)],
        [0, 0, 1, 0, 2**-0.5],
        [0, 0, 0, 0, 0],
        [2**-0.5, -(2**-0.5), 2**-0.5, 0, 1],
    ]
    np.testing.assert_allclose(cosine(rows), expected, atol=1e-12)
    np.testing.assert_allclose(
        cosine(gram=np.array(rows) @ np.transpose(rows)), expected, atol=1e-12
    )


@many
@given(rows=gradients())
def test_cosines_are_cosines(rows: np.ndarray) -> None:
    found = cosine(rows)
    assert (np.abs(found) <= 1).all()
    np.testing.assert_array_equal(found, found.T)
    np.testing.assert_allclose(found, cosine(gram=rows @ rows.T), atol=1e-12)


def test_relative_gain_by_hand() -> None:
    # 10 % up and 5 % down: 2.5 % up on average, whatever the size of the accuracies.
    assert relative_gain([0.55, 0.76], [0.5, 0.8]) == pytest.approx(2.5)
    assert relative_gain([0.5, 0.8], [0.5, 0.8]) == 0
    runs = relative_gain([[0.55, 0.76], [0.4, 0.8]], [0.5, 0.8])
    np.testing.assert_allclose(runs, [2.5, -10])


def test_pareto_front_by_hand() -> None:
    points = [[0.9, 0.1], [0.5, 0.5], [0.5, 0.4], [0.1, 0.9], [0.1, 0.9], [0.1, 0.1]]
    assert pareto_front(points).tolist() == [True, True, False, True, True, False]
    assert pareto_front(np.zeros((0, 2))).tolist() == []


@many
@given(seed=st.integers(0, 2**32), tasks=st.integers(1, 4))
def test_pareto_front_against_its_definition(seed: int, tasks: int) -> None:
    points = np.random.default_rng(seed).integers(0, 5, (12, tasks))
    for point, on_front in zip(points, pareto_front(points), strict=True):
        beaten = any(all(q >= point) and any(q > point) for q in points)
        assert on_front == (not beaten)


@pytest.mark.parametrize(
    ("points", "on_front"),
    [
        (np.random.default_rng(0).random((20_000, 2)), None),
        (np.stack([np.arange(20_000), -np.arange(20_000)], axis=1), 20_000),
        (np.stack([np.arange(20_000), np.arange(20_000)], axis=1), 1),
        (np.ones((20_000, 2)), 20_000),
    ],
)
def test_a_pareto_front_of_very_many_points_needs_little_memory(points, on_front) -> None:  # type: ignore[no-untyped-def]
    """Each with each would be 400 million comparisons."""
    tracemalloc.start()
    found = pareto_front(points)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 20e6
    if on_front is None:
        best_first = points[np.argsort(-points[:, 0])]
        on_front = len(np.unique(np.maximum.accumulate(best_first[:, 1])))
    assert found.sum() == on_front


# --- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [create, combine])
def test_an_unknown_method_is_told_the_nearest_name(make) -> None:  # type: ignore[no-untyped-def]
    argument = 2 if make is create else EXAMPLE
    with pytest.raises(WorkbookError, match=r"Unknown weighting 'pc-grad'.* mean 'pcgrad'"):
        make("pc-grad", argument)


def test_an_unknown_option_is_told_the_nearest_name() -> None:
    with pytest.raises(WorkbookError, match=r"option of 'dwa' 'temperatur'.*'temperature'"):
        create("dwa", 2, temperatur=3)
    with pytest.raises(WorkbookError, match="Unknown option of 'mgda' 'c'"):
        combine("mgda", EXAMPLE, c=0.5)


@pytest.mark.parametrize("name", FROM_LOSSES)
def test_combine_says_what_a_loss_based_method_needs(name: str) -> None:
    with pytest.raises(WorkbookError, match=f"'{name}' needs losses, not gradients.*mgda, pcgrad"):
        combine(name, EXAMPLE)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize(("bad", "word"), [(math.nan, "NaN"), (math.inf, "infinite")])
def test_a_bad_loss_is_named_and_changes_nothing(name: str, bad: float, word: str) -> None:
    spoilt, spared = (create(name, 3, names=["a", "digits", "c"]) for _ in range(2))
    gram = np.diag([1.0, 2.0, 3.0])
    for method in (spoilt, spared):
        method.weigh([1.0, 2.0, 3.0], gram)
        method.weigh([0.8, 1.0, 3.0], gram)
    with pytest.raises(WorkbookError, match=f"The loss of task 'digits' is {word}"):
        spoilt.weigh([1.0, bad, 1.0], gram)
    expected = spared.weigh([0.7, 0.9, 1.0], gram)
    np.testing.assert_array_equal(spoilt.weigh([0.7, 0.9, 1.0], gram), expected)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("method", FROM_GRADIENTS)
def test_a_bad_gradient_is_named(method: str, bad: float) -> None:
    rows = np.array([[1.0, 2.0], [3.0, bad], [0.0, 1.0]])
    with pytest.raises(WorkbookError, match="The gradient of task 2 is"):
        combine(method, rows)
    with (
        np.errstate(invalid="ignore"),
        pytest.raises(WorkbookError, match="gradient of task 'b' is"),
    ):
        create(method, 3, names=["a", "b", "c"]).weigh(np.ones(3), rows @ rows.T)
    with pytest.raises(WorkbookError, match="The gradient of task 2 is"):
        cosine(rows)


@pytest.mark.parametrize("method", FROM_GRADIENTS)
def test_one_gradient_alone_is_refused(method: str) -> None:
    with pytest.raises(WorkbookError, match="needs at least two tasks, but there is one"):
        combine(method, [[1.0, 2.0]])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: create("mgda", 2).weigh([1, 2]), "'mgda' looks at the tasks' gradients"),
        (lambda: create("gradnorm", 2).weigh([1, 2]), "'gradnorm' looks at the tasks' gradients"),
        (lambda: create("mgda", 2).weigh([1, 2], np.eye(3)), r"shape \(3, 3\).*must be \(2, 2\)"),
        (lambda: create("dwa", 2).weigh([1, 2, 3]), r"shape \(3,\), but there are 2 tasks"),
        (lambda: create("fixed", 0), "number of tasks is 0"),
        (lambda: create("cagrad", 2, c=1), "c is 1.*try 0.5"),
        (lambda: create("cagrad", 2, c=math.nan), "c is nan"),
        (lambda: create("cagrad", 2, c="a"), "c is 'a'.*try 0.5"),
        (lambda: create("cagrad", 2, c=[0.1, 0.2]), r"c is \[0.1, 0.2\]"),
        (lambda: create("dwa", 2, temperature=0), "temperature is 0"),
        (lambda: create("uncertainty", 2, learning_rate=-1), "learning_rate is -1"),
        (lambda: create("gradnorm", 2, learning_rate=math.inf), "learning_rate is inf"),
        (lambda: create("gradnorm", 2, alpha=-1), "alpha is -1, .* of at least 0"),
        (lambda: create("gradnorm", 2, alpha="a"), "alpha is 'a'"),
        (lambda: create("famo", 2, learning_rate=0), "learning_rate is 0"),
        (lambda: create("famo", 2, decay=-1), "decay is -1"),
        (lambda: create("famo", 2, decay=None), "decay is None"),
        (lambda: create("famo", 2, lowest=[0, 0, 0]), r"lowest is \[0, 0, 0\].*2 tasks"),
        (lambda: create("famo", 2, lowest=math.nan), "lowest is nan.*finite"),
        (lambda: create("famo", 2, lowest="a"), "lowest is 'a'"),
        (lambda: create("stch", 2, lowest=None), "lowest is None"),
        (lambda: create("stch", 2, lowest=["0", "1"]), "lowest is"),
        (lambda: create("stch", 2, lowest=10**400), "lowest is"),
        (lambda: create("stch", 2, smoothness=0), "smoothness is 0"),
        (lambda: create("stch", 2, lowest=[0, 0, 0]), r"lowest is \[0, 0, 0\].*2 tasks"),
        (lambda: create("stch", 2, lowest=[[0], [1, 2]]), "lowest is .*one for each task"),
        (lambda: create("fairgrad", 2, alpha=0.5), "alpha is 0.5.*try 2"),
        (lambda: create("fairgrad", 2, alpha=math.inf), "alpha is inf"),
        (lambda: create("fairgrad", 2, alpha=5.1), "alpha is 5.1.*from 1 to 5"),
        (lambda: create("fairgrad", 2, alpha="2"), "alpha is '2'"),
        (lambda: create("fairgrad", 2, alpha=True), "alpha is True"),
        (lambda: create("random", 2, seed=-1), "seed is -1"),
        (lambda: combine("mgda", [1.0, 2.0]), r"shape \(2,\).*one row for each task"),
        (lambda: combine("mgda", np.zeros((2, 0))), r"shape \(2, 0\).*one row for each task"),
        (cosine, "of gradients or of their Gram matrix"),
        (lambda: cosine(EXAMPLE, gram=np.eye(2)), "of gradients or of their Gram matrix"),
        (lambda: cosine(gram=EXAMPLE), r"shape \(2, 3\), but must be square"),
        (lambda: relative_gain([0.5], [0.5, 0.6]), "the same tasks"),
        (lambda: relative_gain([0.5, 0.5], [0.5, 0.0]), "above 0, but one is 0"),
        (lambda: relative_gain([0.5, math.nan], [0.5, 0.5]), "accuracy of task 2 is NaN"),
        (lambda: pareto_front([1.0, 2.0]), r"must be \(n, tasks\)"),
        (lambda: pareto_front([[1.0, math.nan]]), "must be finite"),
    ],
)
def test_bad_input_gets_one_sentence(call, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(WorkbookError, match=words):
        call()
