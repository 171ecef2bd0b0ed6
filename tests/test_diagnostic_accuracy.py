"""Clinical measures: by hand, and against scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics

from simmim_lib import diagnostic_accuracy as clinical
from simmim_lib.errors import WorkbookError


@pytest.fixture(autouse=True)
def fewer_draws(monkeypatch):
    monkeypatch.setattr(clinical, "BOOTSTRAPS", 200)


RANDOM = np.random.default_rng(0)
LABELS = RANDOM.integers(2, size=200)
PROBABILITIES = np.clip(0.35 + 0.3 * LABELS + RANDOM.normal(0, 0.2, 200), 0, 1).round(2)


def test_people_are_counted_by_hand():
    counts = clinical.confusion([1, 1, 1, 0, 0], [0.9, 0.5, 0.2, 0.5, 0.1], 0.5)
    assert counts == clinical.Confusion(2, 1, 1, 1)
    assert counts.sensitivity == pytest.approx(2 / 3)
    assert counts.specificity == 1 / 2
    assert counts.positive_predictive_value == pytest.approx(2 / 3)
    assert counts.negative_predictive_value == 1 / 2
    assert counts.accuracy == 3 / 5
    assert np.isnan(clinical.confusion([1], [0.9], 0.5).specificity)


@pytest.mark.parametrize("threshold", [0.0, 0.35, 0.5, 0.77, 1.0])
def test_counts_agree_with_scikit_learn(threshold):
    told = threshold <= PROBABILITIES
    counts = clinical.confusion(LABELS, PROBABILITIES, threshold)
    expected = metrics.confusion_matrix(LABELS, told, labels=[0, 1])
    np.testing.assert_array_equal(
        [[counts.true_negatives, counts.false_positives],
         [counts.false_negatives, counts.true_positives]],
        expected,
    )  # fmt: skip


def test_auc_is_the_chance_to_rank_an_ill_person_higher():
    ill, healthy = PROBABILITIES[LABELS == 1], PROBABILITIES[LABELS == 0]
    above = ill[:, None] > healthy
    ties = ill[:, None] == healthy
    expected = np.mean(above + 0.5 * ties)
    assert clinical.auc(LABELS, PROBABILITIES) == pytest.approx(expected, abs=1e-9)


def test_every_corner_of_the_roc_curve_is_a_confusion():
    for false_alarms, found, threshold in zip(
        *clinical.roc_curve(LABELS, PROBABILITIES), strict=True
    ):
        counts = clinical.confusion(LABELS, PROBABILITIES, threshold)
        assert (1 - counts.specificity, counts.sensitivity) == pytest.approx((false_alarms, found))


def test_precision_and_recall_are_predictive_value_and_sensitivity():
    values, found, thresholds = clinical.precision_recall_curve(LABELS, PROBABILITIES)
    counts = clinical.confusion(LABELS, PROBABILITIES, thresholds[10])
    assert values[10] == pytest.approx(counts.positive_predictive_value)
    assert found[10] == pytest.approx(counts.sensitivity)


def test_the_brier_score_agrees_with_scikit_learn():
    expected = metrics.brier_score_loss(LABELS, PROBABILITIES)
    assert clinical.brier_score(LABELS, PROBABILITIES) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("labels", [[1, 1, 1], [0, 0], []])
def test_with_one_class_only_there_is_no_curve(labels):
    for measure in (clinical.auc, clinical.roc_curve, clinical.precision_recall_curve):
        with pytest.raises(WorkbookError, match="not defined"):
            measure(labels, np.full(len(labels), 0.5))


@pytest.mark.parametrize("sensitivity", [0.5, 0.9, 0.95, 1.0])
def test_the_threshold_is_the_highest_that_finds_enough(sensitivity):
    threshold = clinical.threshold_for_sensitivity(LABELS, PROBABILITIES, sensitivity)
    assert clinical.confusion(LABELS, PROBABILITIES, threshold).sensitivity >= sensitivity
    above = clinical.confusion(LABELS, PROBABILITIES, threshold + 0.005)
    assert above.sensitivity < sensitivity


@pytest.mark.parametrize("sensitivity", [0, -1, 1.1, float("nan")])
def test_a_share_that_cannot_be_found_is_refused(sensitivity):
    with pytest.raises(WorkbookError, match="above 0 and at most 1"):
        clinical.threshold_for_sensitivity(LABELS, PROBABILITIES, sensitivity)


@pytest.mark.parametrize(("missed", "alarmed"), [(1, 1), (10, 1), (1, 10), (1, 0), (0, 1)])
def test_no_other_threshold_costs_less(missed, alarmed):
    def cost(threshold):
        counts = clinical.confusion(LABELS, PROBABILITIES, threshold)
        return missed * counts.false_negatives + alarmed * counts.false_positives

    best = clinical.threshold_for_cost(LABELS, PROBABILITIES, missed, alarmed)
    assert cost(best) == min(map(cost, np.linspace(0, 1.01, 102)))


def test_predictive_values_by_bayes_rule():
    """Of 1,000 people 10 are ill; 9 are found, and 99 of the healthy are told that they are ill."""
    positive, negative = clinical.predictive_values(0.9, 0.9, 0.01)
    assert positive == pytest.approx(9 / (9 + 99))
    assert negative == pytest.approx(891 / 892)
    counts = clinical.confusion(LABELS, PROBABILITIES, 0.5)
    same = clinical.predictive_values(counts.sensitivity, counts.specificity, LABELS.mean())
    assert same == pytest.approx(
        (counts.positive_predictive_value, counts.negative_predictive_value)
    )
    assert np.isnan(clinical.predictive_values(0, 1, 0.5)[0])


def test_probabilities_follow_the_prevalence():
    """Two groups by what the network sees: of 100 ill 80 show it, of 100 healthy 20 do."""
    seen = np.array([0.8, 0.2])
    expected = [0.8 * 0.1 / (0.8 * 0.1 + 0.2 * 0.9), 0.2 * 0.1 / (0.2 * 0.1 + 0.8 * 0.9)]
    np.testing.assert_allclose(clinical.for_prevalence(seen, 0.5, 0.1), expected)
    np.testing.assert_allclose(clinical.for_prevalence(seen, 0.3, 0.3), seen)


def test_net_benefit_of_telling_everybody_and_nobody():
    everybody = clinical.net_benefit(LABELS, np.ones(200), 0.2)
    assert everybody == pytest.approx(LABELS.mean() - (1 - LABELS.mean()) * 0.2 / 0.8)
    assert clinical.net_benefit(LABELS, np.zeros(200), 0.2) == 0


def test_the_surest_are_right_more_often():
    labels, probabilities = [1, 0, 1, 0], [0.9, 0.2, 0.45, 0.6]
    found = clinical.accuracy_when_sure(labels, probabilities, [0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(found, [1, 1, 2 / 3, 1 / 2])


def test_a_low_threshold_leaves_the_surely_healthy_sure():
    """0.01 is farther from 0.15 than 0.4 is: the odds are 17 times lower, and 4 times higher."""
    labels, probabilities = [0, 0, 1, 1], [0.01, 0.4, 0.99, 0.16]
    found = clinical.accuracy_when_sure(labels, probabilities, [0.25, 0.5, 0.75, 1], 0.15)
    np.testing.assert_allclose(found, [1, 1, 2 / 3, 3 / 4])
    extremes = clinical.accuracy_when_sure([0, 1, 1], [0.0, 1.0, 0.4], [2 / 3, 1], 0.5)
    np.testing.assert_allclose(extremes, [1, 2 / 3])


def test_an_interval_covers_its_measure_and_narrows_with_more_people():
    low, high = clinical.bootstrap_interval(clinical.auc, LABELS, PROBABILITIES)
    assert low < clinical.auc(LABELS, PROBABILITIES) < high
    less = clinical.bootstrap_interval(clinical.auc, LABELS[:50], PROBABILITIES[:50])
    assert less[1] - less[0] > 1.4 * (high - low)


def test_images_of_one_patient_are_no_more_people():
    """The same fifty people photographed four times say no more than once."""
    labels, probabilities = np.tile(LABELS[:50], 4), np.tile(PROBABILITIES[:50], 4)
    patients = np.tile(np.arange(50), 4)
    once = clinical.bootstrap_interval(clinical.auc, LABELS[:50], PROBABILITIES[:50])
    by_patient = clinical.bootstrap_interval(clinical.auc, labels, probabilities, patients)
    by_image = clinical.bootstrap_interval(clinical.auc, labels, probabilities)
    assert by_patient == pytest.approx(once, abs=0.02)
    assert by_image[1] - by_image[0] < 0.7 * (once[1] - once[0])


def test_a_bootstrap_is_as_a_plain_loop_over_scikit_learn(monkeypatch):
    monkeypatch.setattr(clinical, "BOOTSTRAPS", 50)
    random, values = np.random.default_rng(3), []
    for _ in range(50):
        drawn = random.integers(200, size=200)
        values.append(metrics.roc_auc_score(LABELS[drawn], PROBABILITIES[drawn]))
    found = clinical.bootstrap_interval(clinical.auc, LABELS, PROBABILITIES, seed=3)
    np.testing.assert_allclose(found, np.quantile(values, [0.025, 0.975]), atol=1e-9)


def test_the_threshold_for_balance_is_youden_s():
    labels, probabilities = LABELS[:150], PROBABILITIES[:150]
    alarmed, found, thresholds = metrics.roc_curve(labels, probabilities, drop_intermediate=False)
    threshold = clinical.threshold_for_balance(labels, probabilities)
    (at,) = np.flatnonzero(np.isclose(thresholds, threshold))
    assert (found - alarmed)[at] == pytest.approx((found - alarmed).max())


OF_EACH = {
    "confusion": lambda *given: clinical.confusion(*given, 0.5),
    "auc": clinical.auc,
    "roc_curve": clinical.roc_curve,
    "precision_recall_curve": clinical.precision_recall_curve,
    "brier_score": clinical.brier_score,
    "threshold_for_sensitivity": lambda *given: clinical.threshold_for_sensitivity(*given, 0.9),
    "threshold_for_cost": lambda *given: clinical.threshold_for_cost(*given, 1, 1),
    "threshold_for_balance": clinical.threshold_for_balance,
    "net_benefit": lambda *given: clinical.net_benefit(*given, 0.2),
    "accuracy_when_sure": lambda *given: clinical.accuracy_when_sure(*given, [0.5]),
    "bootstrap_interval": lambda *given: clinical.bootstrap_interval(clinical.auc, *given),
}
FINE = np.array([0.1, 0.9, 0.4, 0.3])
WHAT_IS_NO_MEASUREMENT = {
    "a NaN": ([0, 1, 0, 1], [0.1, np.nan, 0.4, 0.3], "1 of 4 probabilities .* first is nan"),
    "logits": ([0, 1, 0, 1], [-3, 4, 1, 2], "logits are not probabilities"),
    "words": (["healthy", "ill", "healthy", "ill"], FINE, "must be numbers, 1 for ill"),
    "digits as text": (["0", "1", "0", "1"], FINE, "must be numbers, 1 for ill"),
    "from 1 on": ([1, 2, 1, 2], FINE, "must be numbers, 1 for ill"),
    "three classes": ([0, 1, 2, 1], FINE, "must be numbers, 1 for ill"),
    "a label that is NaN": ([0, 1, np.nan, 1], FINE, "must be numbers, 1 for ill"),
    "probabilities as text": ([0, 1, 0, 1], FINE.astype(str), "must be numbers"),
    "nobody": ([], [], "not defined"),
    "one probability too few": ([0, 1, 0, 1], FINE[:3], r"\(4,\) and probabilities \(3,\)"),
    "two columns": ([0, 1, 0, 1], np.stack([1 - FINE, FINE], axis=1), r"probabilities \(4, 2\)"),
}


@pytest.mark.parametrize("measure", OF_EACH.values(), ids=OF_EACH)
@pytest.mark.parametrize("given", WHAT_IS_NO_MEASUREMENT.values(), ids=WHAT_IS_NO_MEASUREMENT)
def test_what_means_nothing_is_refused_in_a_sentence(measure, given):
    """In place of a number that looks like any other."""
    labels, probabilities, words = given
    with pytest.raises(WorkbookError, match=words):
        measure(np.array(labels), np.array(probabilities))


def test_labels_may_be_of_any_numeric_type():
    for kind in (bool, np.uint8, float, np.int32):
        labels = LABELS.astype(kind)
        assert clinical.auc(labels, PROBABILITIES) == clinical.auc(LABELS, PROBABILITIES)
        assert clinical.brier_score(labels, PROBABILITIES) == clinical.brier_score(
            LABELS, PROBABILITIES
        )


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: clinical.predictive_values(0.9, 0.9, 2), "prevalence is 2"),
        (lambda: clinical.predictive_values(-0.1, 0.9, 0.2), "sensitivity is -0.1"),
        (lambda: clinical.for_prevalence(FINE, 0, 0.1), "learnt_at is 0"),
        (lambda: clinical.for_prevalence(FINE, 0.5, 1.2), "now is 1.2"),
        (lambda: clinical.net_benefit(LABELS, PROBABILITIES, 1), "threshold is 1"),
        (lambda: clinical.accuracy_when_sure(LABELS, PROBABILITIES, [2]), "shares are"),
        (lambda: clinical.accuracy_when_sure(LABELS, PROBABILITIES, [0]), "shares are"),
        (lambda: clinical.threshold_for_cost(LABELS, PROBABILITIES, -1, 1), "missed"),
        (lambda: clinical.threshold_for_cost(LABELS, PROBABILITIES, 1, np.nan), "alarmed"),
    ],
)
def test_shares_and_costs_have_limits(call, words):
    with pytest.raises(WorkbookError, match=words):
        call()


@pytest.mark.parametrize(
    ("patients", "words"),
    [
        (np.arange(100), "there are 200 labels"),
        (np.arange(300), "there are 200 labels"),
        (np.full(200, np.nan), "200 of 200 patients are NaN"),
        (np.zeros(200), "All images are of one patient"),
    ],
)
def test_patients_go_with_the_labels(patients, words):
    """Otherwise only some of the images would be drawn, and the interval would be of those."""
    with pytest.raises(WorkbookError, match=words):
        clinical.bootstrap_interval(clinical.auc, LABELS, PROBABILITIES, patients)


def test_a_share_of_the_surest_is_not_rounded_up_by_a_hair():
    """0.55 x 100 is 55.00000000000001 to a computer."""
    labels = np.r_[np.ones(55), np.zeros(45)].astype(int)
    probabilities = np.r_[np.linspace(1, 0.9, 55), np.full(45, 0.8)]
    assert clinical.accuracy_when_sure(labels, probabilities, [0.55]) == 1


def test_draws_in_which_a_measure_is_not_defined_are_left_out():
    """At a threshold that three of sixty people reach, some draws have none of them."""
    labels = np.repeat([1, 0], 30)
    probabilities = np.where(np.arange(60) < 3, 0.9, 0.1)

    def value(true, told):
        return clinical.confusion(true, told, 0.5).positive_predictive_value

    assert clinical.bootstrap_interval(value, labels, probabilities) == (1, 1)
    with pytest.raises(WorkbookError, match="level is 95"):
        clinical.bootstrap_interval(value, labels, probabilities, level=95)


def test_nobody_is_told_where_that_costs_least():
    """A probability may lie above 1 by rounding."""
    threshold = clinical.threshold_for_cost([0, 0], [0.2, 1 + 5e-7], missed=1, alarmed=1)
    assert threshold > 1 + 5e-7


@pytest.mark.parametrize("wrong", [np.nan, 2.0])
def test_another_prevalence_needs_probabilities(wrong):
    with pytest.raises(WorkbookError, match="no numbers from 0 to 1"):
        clinical.for_prevalence(np.array([0.5, wrong]), 0.5, 0.1)
