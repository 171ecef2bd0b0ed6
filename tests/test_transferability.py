"""Transferability scores against closed forms, direct loops and brute force."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import qr, svdvals
from scipy.optimize import minimize
from scipy.stats import entropy, multivariate_normal
from sklearn.metrics import mutual_info_score
from sklearn.neighbors import KNeighborsClassifier

from simmim_lib.errors import WorkbookError
from simmim_lib.transferability import h_score, leep, logme, nearest_neighbours

SCORES = [leep, h_score, logme, nearest_neighbours]


def softmax_table(generator: np.random.Generator, n: int, classes: int) -> np.ndarray:
    return generator.dirichlet(np.full(classes, 0.5), size=n)


def labelled_features(
    generator: np.random.Generator, n: int = 90, columns: int = 7, classes: int = 4
) -> tuple[np.ndarray, np.ndarray]:
    labels = np.arange(n) % classes
    centres = generator.normal(size=(classes, columns))
    return generator.normal(size=(n, columns)) + 0.8 * centres[labels], labels


# --- LEEP ---------------------------------------------------------------------------------------


def leep_by_loops(probabilities: np.ndarray, labels: np.ndarray) -> float:
    n, source_classes = probabilities.shape
    total = 0.0
    for i in range(n):
        inside = 0.0
        for z in range(source_classes):
            joint = sum(probabilities[j, z] for j in range(n) if labels[j] == labels[i]) / n
            marginal = sum(probabilities[j, z] for j in range(n)) / n
            inside += joint / marginal * probabilities[i, z]
        total += math.log(inside)
    return total / n


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(4, 20), source_classes=st.integers(1, 6))
@settings(max_examples=25, deadline=None)
def test_leep_equals_the_definition_written_as_loops(seed, n, source_classes):
    generator = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    probabilities = softmax_table(generator, n, source_classes)
    assert leep(probabilities, labels) == pytest.approx(
        leep_by_loops(probabilities, labels), abs=1e-10
    )


def test_leep_is_zero_when_the_source_already_knows_the_target_classes():
    labels = np.array([0, 1, 2, 2, 1, 0, 0])
    assert leep(np.eye(3)[labels], labels) == pytest.approx(0, abs=1e-12)
    renamed = np.array([2, 0, 1])[labels]
    assert leep(np.eye(5)[renamed], labels) == pytest.approx(0, abs=1e-12)


def test_leep_is_minus_the_label_entropy_when_predictions_say_nothing():
    labels = np.repeat([0, 1, 2], [10, 5, 1])
    probabilities = np.tile([0.2, 0.5, 0.3], (16, 1))
    assert leep(probabilities, labels) == pytest.approx(-entropy([10, 5, 1]), abs=1e-12)


def test_leep_of_one_hot_predictions_is_minus_the_conditional_entropy():
    """The relation with NCE (Tran et al. 2019): -H(Y | Z) = I(Y; Z) - H(Y)."""
    generator = np.random.default_rng(0)
    source, labels = generator.integers(0, 6, 300), generator.integers(0, 4, 300)
    conditional = mutual_info_score(source, labels) - entropy(np.bincount(labels))
    assert leep(np.eye(6)[source], labels) == pytest.approx(conditional, abs=1e-10)


def test_leep_takes_half_precision_and_labels_with_gaps():
    generator = np.random.default_rng(1)
    probabilities, labels = softmax_table(generator, 50, 4), np.arange(50) % 3
    exact = leep(probabilities, labels)
    assert leep(probabilities.astype(np.float16), labels) == pytest.approx(exact, abs=2e-3)
    assert leep(probabilities, np.array([3, 8, 5])[labels]) == exact


@pytest.mark.parametrize(
    "row", [[0.5, 0.4], [0.6, 0.6], [1.2, -0.2], [2.0, -3.0]], ids=["0.9", "1.2", "neg", "both"]
)
def test_leep_refuses_rows_that_are_no_probabilities(row):
    with pytest.raises(WorkbookError, match="softmax"):
        leep([[0.5, 0.5], row], [0, 1])


def test_leep_names_the_row_that_is_furthest_from_one():
    with pytest.raises(WorkbookError, match=r"row 1 sums to 0\.9"):
        leep([[0.5, 0.5], [0.5, 0.4], [0.5, 0.49]], [0, 1, 1])


def test_leep_allows_a_thousandth():
    leep([[0.5, 0.5], [0.5, 0.5009]], [0, 1])
    with pytest.raises(WorkbookError, match="softmax"):
        leep([[0.5, 0.5], [0.5, 0.5015]], [0, 1])


# --- H-score ------------------------------------------------------------------------------------


def squared_canonical_correlations(features: np.ndarray, labels: np.ndarray) -> float:
    """Björck and Golub 1973: singular values of Qx' Qy, both centred; here with pivoted QR."""
    bases = []
    for table in (features, np.eye(labels.max() + 1)[labels]):
        q, r, _ = qr(table - table.mean(axis=0), mode="economic", pivoting=True)
        diagonal = np.abs(np.diag(r))
        bases.append(q[:, diagonal > 1e-9 * diagonal[0]])
    return float((svdvals(bases[0].T @ bases[1]) ** 2).sum())


@pytest.mark.parametrize("seed", range(10))
def test_h_score_is_the_sum_of_squared_canonical_correlations(seed):
    features, labels = labelled_features(np.random.default_rng(seed))
    expected = squared_canonical_correlations(features, labels)
    assert h_score(features, labels) == pytest.approx(expected, rel=1e-9)


def test_h_score_equals_the_definition_with_an_inverse():
    features, labels = labelled_features(np.random.default_rng(3))
    means = np.array([features[labels == label].mean(axis=0) for label in labels])
    explained, total = np.cov(means.T, bias=True), np.cov(features.T, bias=True)
    expected = np.trace(np.linalg.inv(total) @ explained)
    assert h_score(features, labels) == pytest.approx(expected, rel=1e-9)


def test_h_score_leaves_out_constant_and_dependent_features():
    features, labels = labelled_features(np.random.default_rng(4))
    expected = squared_canonical_correlations(features, labels)
    more = np.hstack([features, features @ np.ones((7, 2)), np.full((90, 1), 0.1)])
    assert h_score(more, labels) == pytest.approx(expected, rel=1e-9)
    assert h_score(more.astype(np.float32), labels) == pytest.approx(expected, rel=1e-4)
    assert squared_canonical_correlations(more, labels) == pytest.approx(expected, rel=1e-9)


def test_h_score_ignores_invertible_linear_maps():
    generator = np.random.default_rng(5)
    features, labels = labelled_features(generator)
    mapped = features @ generator.normal(size=(7, 7)) * np.logspace(-3, 3, 7) + 5
    assert h_score(mapped, labels) == pytest.approx(h_score(features, labels), rel=1e-6)


def test_h_score_at_its_two_ends():
    labels = np.repeat([0, 1, 2], 8)
    assert h_score(np.eye(3)[labels], labels) == pytest.approx(2)
    assert h_score(np.ones((24, 4)), labels) == 0
    wide = np.random.default_rng(6).normal(size=(24, 60))
    assert h_score(wide, labels) == pytest.approx(2)


# --- LogME --------------------------------------------------------------------------------------


def best_evidence(features: np.ndarray, target: np.ndarray) -> float:
    """Numerical maximum over alpha and beta of log N(target | 0, F F' / alpha + I / beta), by n."""
    gram, n = features @ features.T, len(target)

    def loss(log_parameters: np.ndarray) -> float:
        alpha, beta = np.exp(np.clip(log_parameters, -30, 30))
        covariance = gram / alpha + np.eye(n) / beta
        return -multivariate_normal.logpdf(target, cov=covariance) / n

    starts = [(a, b) for a in (-2.0, 1.0, 5.0) for b in (0.0, 3.0)]
    return -min(minimize(loss, start, method="Nelder-Mead").fun for start in starts)


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "columns"), [(0, 5), (1, 5), (2, 12), (3, 20)])
def test_logme_is_the_maximum_of_the_evidence(seed, columns):
    features, labels = labelled_features(np.random.default_rng(seed), 60, columns, 3)
    expected = np.mean([best_evidence(features, (labels == c).astype(float)) for c in range(3)])
    assert logme(features, labels) == pytest.approx(expected, abs=1e-6)


def test_logme_of_useless_features_is_the_evidence_of_noise_alone():
    labels = np.repeat([0, 1], 20)
    expected = -0.5 * (np.log(2 * np.pi * 0.5) + 1)
    assert logme(np.zeros((40, 3)), labels) == pytest.approx(expected, abs=1e-9)


def test_logme_prefers_the_features_that_separate_the_classes():
    generator = np.random.default_rng(7)
    noise = generator.normal(size=(80, 6))
    labels = np.arange(80) % 4
    centres = generator.normal(size=(4, 6))
    scores = [logme(noise + strength * centres[labels], labels) for strength in (0, 1, 2, 4)]
    assert scores == sorted(scores)


def test_logme_ignores_the_scale_of_the_features():
    features, labels = labelled_features(np.random.default_rng(8))
    expected = logme(features, labels)
    for scale in (1e-100, 1e-3, 1e6, 1e200):
        assert logme(features * scale, labels) == pytest.approx(expected, rel=1e-6)


def test_logme_stays_finite_where_the_evidence_has_no_bound():
    labels = np.arange(30) % 3
    score = logme(np.eye(3)[labels], labels)
    noisy = logme(np.eye(3)[labels] + np.random.default_rng(9).normal(size=(30, 3)), labels)
    assert math.isfinite(score)
    assert score > noisy + 5
    assert math.isfinite(logme(np.random.default_rng(9).normal(size=(30, 90)), labels))


# --- nearest neighbours -------------------------------------------------------------------------


def test_nearest_neighbours_equals_leaving_each_example_out_in_turn():
    features, labels = labelled_features(np.random.default_rng(10))
    hits = []
    for i in range(len(labels)):
        rest = np.arange(len(labels)) != i
        classifier = KNeighborsClassifier(1).fit(features[rest], labels[rest])
        hits.append(classifier.predict(features[i : i + 1])[0] == labels[i])
    assert 0 < np.mean(hits) < 1
    assert nearest_neighbours(features, labels) == pytest.approx(np.mean(hits))


def test_nearest_neighbours_does_not_count_an_example_as_its_own_neighbour():
    assert nearest_neighbours([[0.0], [0.1], [5.0], [5.1]], [0, 1, 0, 1]) == 0
    assert nearest_neighbours([[0.0], [0.1], [5.0], [5.1]], [0, 0, 1, 1]) == 1


# --- bad input ----------------------------------------------------------------------------------

GOOD = np.full((4, 2), 0.5)


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize(
    ("values", "labels", "says"),
    [
        (GOOD, [0, 1, 0], "one row"),
        (GOOD[0], [0, 1], "one row"),
        (np.zeros((0, 2)), [], "one row"),
        (GOOD, np.eye(2)[[0, 1, 0, 1]], "one row"),
        (GOOD, [1, 1, 1, 1], "at least two classes"),
        (GOOD, [0, 1, -1, 1], "without a label"),
        (GOOD, [0.0, 1.0, 0.0, 1.0], "class numbers"),
        (GOOD, list("abab"), "class numbers"),
        (np.where(np.eye(4, 2) > 0, np.nan, GOOD), [0, 1, 0, 1], "NaN"),
        (np.where(np.eye(4, 2) > 0, np.inf, GOOD), [0, 1, 0, 1], "NaN"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(score, values, labels, says):
    with pytest.raises(WorkbookError, match=says) as caught:
        score(values, labels)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert ". " not in sentence


@pytest.mark.parametrize("n", [300, 1000])
def test_half_precision_hides_no_feature(n):
    random = np.random.default_rng(7)
    labels = np.arange(n) % 3
    features = random.normal(size=(n, 16)) + labels[:, None]
    assert h_score(features.astype(np.float16), labels) == pytest.approx(
        h_score(features, labels), rel=1e-2
    )
