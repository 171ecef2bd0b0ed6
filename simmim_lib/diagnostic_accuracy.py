"""How well a probability tells the ill from the healthy, in the measures that clinicians use.

Accuracy alone misleads where one answer is frequent. What matters is how often each kind of error
occurs at a threshold that was fixed beforehand, what a positive answer is worth at a given
prevalence, and whether the probabilities can be believed.

Everywhere `labels` is (n,), 1 for ill and 0 for healthy, and `probabilities` is (n,), of being ill.
Anything else, such as NaN or labels that are words, is refused with a `WorkbookError`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simmim_lib.errors import WorkbookError, check_at_least_zero, shown

Array = NDArray[Any]
Measure = Callable[[Array, Array], float]

BOOTSTRAPS = 1000
"""How often patients are drawn anew for an interval."""

NEAREST = 1e-12
"""To 0 and 1, of a probability whose odds are asked for."""

ROUNDING = 1e-6
"""By which a probability may lie outside of 0 to 1."""


@dataclass(frozen=True)
class Confusion:
    """People by what they have and what they were told.

    Attributes:
        true_positives: ill, and told so.
        false_negatives: ill, and told that they are healthy.
        true_negatives: healthy, and told so.
        false_positives: healthy, and told that they are ill.
    """

    true_positives: int
    false_negatives: int
    true_negatives: int
    false_positives: int

    @property
    def sensitivity(self) -> float:
        """The share of the ill that are found (recall, true positive rate)."""
        return _share(self.true_positives, self.false_negatives)

    @property
    def specificity(self) -> float:
        """The share of the healthy that are told so (true negative rate)."""
        return _share(self.true_negatives, self.false_positives)

    @property
    def positive_predictive_value(self) -> float:
        """The share of those told that they are ill who are (PPV, precision)."""
        return _share(self.true_positives, self.false_positives)

    @property
    def negative_predictive_value(self) -> float:
        """The share of those told that they are healthy who are (NPV)."""
        return _share(self.true_negatives, self.false_negatives)

    @property
    def accuracy(self) -> float:
        """The share of all that are told the truth."""
        right = self.true_positives + self.true_negatives
        return _share(right, self.false_positives + self.false_negatives)


def _share(part: int, rest: int) -> float:
    """Return a share, NaN of nobody."""
    return part / (part + rest) if part + rest else float("nan")


def confusion(labels: Array, probabilities: Array, threshold: float) -> Confusion:
    """Count people if everybody with at least the probability `threshold` is told to be ill."""
    labels, probabilities = checked(labels, probabilities)
    labels, told = labels == 1, probabilities >= threshold
    return Confusion(
        int(np.sum(labels & told)),
        int(np.sum(labels & ~told)),
        int(np.sum(~labels & ~told)),
        int(np.sum(~labels & told)),
    )


def auc(labels: Array, probabilities: Array) -> float:
    """Return the area under the ROC curve: the chance that an ill person ranks above a healthy one.

    Raises:
        WorkbookError: all are ill, or all healthy.
    """
    from sklearn.metrics import roc_auc_score

    labels, probabilities = checked(labels, probabilities)
    check_both_classes(labels)
    return float(roc_auc_score(labels, probabilities))


def roc_curve(labels: Array, probabilities: Array) -> tuple[Array, Array, Array]:
    """Return 1 - specificity, sensitivity and the threshold of each corner of the ROC curve.

    Raises:
        WorkbookError: as `auc`.
    """
    from sklearn import metrics

    labels, probabilities = checked(labels, probabilities)
    check_both_classes(labels)
    return metrics.roc_curve(labels, probabilities)


def precision_recall_curve(labels: Array, probabilities: Array) -> tuple[Array, Array, Array]:
    """Return positive predictive value, sensitivity and threshold along the curve.

    Raises:
        WorkbookError: as `auc`.
    """
    from sklearn import metrics

    labels, probabilities = checked(labels, probabilities)
    check_both_classes(labels)
    return metrics.precision_recall_curve(labels, probabilities)


def brier_score(labels: Array, probabilities: Array) -> float:
    """Return the mean squared difference of probability and truth; 0 is best.

    Source: Brier 1950, "Verification of forecasts expressed in terms of probability".
    """
    labels, probabilities = checked(labels, probabilities)
    return float(np.mean((probabilities - labels) ** 2))


def checked(labels: Array, probabilities: Array) -> tuple[Array, Array]:
    """Return both as arrays, if one can measure something with them.

    Raises:
        WorkbookError: there are none, they do not go together, a label is not 0 or 1, or a
            probability is no number from 0 to 1.
    """
    labels, probabilities = np.asarray(labels), np.asarray(probabilities)
    if labels.ndim != 1 or labels.shape != probabilities.shape or not len(labels):
        raise WorkbookError(
            f"labels has shape {labels.shape} and probabilities {probabilities.shape}, with which "
            "a measure is not defined: give (n,) for both, with at least one person."
        )
    if not _is_numeric(labels) or not np.isin(labels, (0, 1)).all():
        raise WorkbookError(
            f"Labels are {shown(list(dict.fromkeys(labels.tolist())))}, but must be numbers, 1 for "
            "ill and 0 for healthy."
        )
    return labels, _checked_probabilities(probabilities)


def _checked_probabilities(probabilities: Array) -> Array:
    if not _is_numeric(probabilities):
        raise WorkbookError(f"Probabilities are {probabilities.dtype}, but must be numbers.")
    fine = (probabilities >= -ROUNDING) & (probabilities <= 1 + ROUNDING)
    if not fine.all():
        raise WorkbookError(
            f"{np.sum(~fine)} of {len(fine)} probabilities are no numbers from 0 to 1, the first "
            f"is {probabilities[~fine][0]}: a NaN cannot be compared with a threshold, and logits "
            "are not probabilities."
        )
    return probabilities


def _is_numeric(values: Array) -> bool:
    return values.dtype.kind in "biuf"


def check_both_classes(labels: Array) -> None:
    """Refuse labels among which one class is missing.

    Raises:
        WorkbookError: with the class that is there.
    """
    found = np.unique(np.asarray(labels))
    if len(found) != 2:
        raise WorkbookError(
            f"All {len(labels)} labels are {', '.join(map(str, found)) or 'missing'}, so AUC, ROC "
            "and sensitivity beside specificity are not defined: take a part with both classes."
        )


def threshold_for_sensitivity(labels: Array, probabilities: Array, sensitivity: float) -> float:
    """Return the highest threshold that finds at least this share of the ill.

    It is to be fixed on validation images and then applied to the test.

    Raises:
        WorkbookError: as `auc`, or a share that is not above 0 and at most 1.
    """
    if not 0 < sensitivity <= 1:
        raise WorkbookError(f"sensitivity is {sensitivity}, but must be above 0 and at most 1.")
    labels, probabilities = checked(labels, probabilities)
    check_both_classes(labels)
    of_the_ill = np.sort(probabilities[labels == 1])[::-1]
    return float(of_the_ill[_count(sensitivity, len(of_the_ill)) - 1])


def _count(share: Any, number: int) -> Any:
    """Return how many people are at least this share of all, and at least one."""
    return np.maximum(np.ceil(np.asarray(share) * number - 1e-9).astype(int), 1)


def threshold_for_cost(labels: Array, probabilities: Array, missed: float, alarmed: float) -> float:
    """Return the threshold at which errors cost least.

    Args:
        labels: of validation images.
        probabilities: of validation images.
        missed: what an ill person costs who is told to be healthy.
        alarmed: what a healthy person costs who is told to be ill.

    Returns:
        The lowest of the best thresholds; above 1 where telling everybody to be healthy is best.

    Raises:
        WorkbookError: as `checked`, or a cost that is no number from 0 on.
    """
    labels, probabilities = checked(labels, probabilities)
    for what, cost in (("missed", missed), ("alarmed", alarmed)):
        check_at_least_zero(what, cost)
    nobody = np.nextafter(max(1.0, probabilities.max()), 2)
    candidates = np.append(np.unique(probabilities), nobody)
    ill, healthy = (np.sort(probabilities[labels == label]) for label in (1, 0))
    told_healthy, cleared = (np.searchsorted(group, candidates) for group in (ill, healthy))
    costs = missed * told_healthy + alarmed * (len(healthy) - cleared)
    return float(candidates[np.argmin(costs)])


def threshold_for_balance(labels: Array, probabilities: Array) -> float:
    """Return the threshold at which sensitivity and specificity are highest in sum.

    It is where the ROC curve is farthest above the diagonal, and does not depend on how many
    people of either kind there are, so that it may be carried to another prevalence.

    Raises:
        WorkbookError: as `auc`.

    Source: Youden 1950, "Index for rating diagnostic tests".
    """
    labels, probabilities = checked(labels, probabilities)
    check_both_classes(labels)
    ill = float(np.mean(labels == 1))
    return threshold_for_cost(labels, probabilities, missed=1 / ill, alarmed=1 / (1 - ill))


# --- Prevalence


def predictive_values(
    sensitivity: float, specificity: float, prevalence: float
) -> tuple[float, float]:
    """Return PPV and NPV where another share of the people is ill, by Bayes' rule.

    NaN where nobody would be told so.

    Raises:
        WorkbookError: a share that is not from 0 to 1.
    """
    given = {"sensitivity": sensitivity, "specificity": specificity, "prevalence": prevalence}
    for what, share in given.items():
        if share < 0 or share > 1:
            raise WorkbookError(f"{what} is {share}, but must be from 0 to 1.")
    ill, healthy = prevalence, 1 - prevalence
    told_ill = sensitivity * ill + (1 - specificity) * healthy
    told_healthy = (1 - sensitivity) * ill + specificity * healthy
    return (
        sensitivity * ill / told_ill if told_ill else float("nan"),
        specificity * healthy / told_healthy if told_healthy else float("nan"),
    )


def for_prevalence(probabilities: Array, learnt_at: float, now: float) -> Array:
    """Return probabilities as they would be where another share of the people is ill.

    Args:
        probabilities: (n,).
        learnt_at: the prevalence among the training images.
        now: the prevalence where the network is used.

    Raises:
        WorkbookError: a prevalence that is not between 0 and 1, or what is no probability.

    Source: Saerens, Latinne and Decaestecker 2002, "Adjusting the outputs of a classifier to new a
        priori probabilities", equation 2.4.
    """
    for what, share in (("learnt_at", learnt_at), ("now", now)):
        if not 0 < share < 1:
            raise WorkbookError(f"{what} is {share}, but a prevalence must be between 0 and 1.")
    probabilities = _checked_probabilities(np.asarray(probabilities))
    ill = probabilities * now / learnt_at
    healthy = (1 - probabilities) * (1 - now) / (1 - learnt_at)
    return ill / (ill + healthy)


# --- What an answer is worth


def net_benefit(labels: Array, probabilities: Array, threshold: float) -> float:
    """Return how many true positives a person gains, less false ones at the threshold's odds.

    Whoever acts from a probability of `threshold` on takes one missed illness for as bad as
    (1 - threshold) / threshold false alarms. A decision curve shows it over thresholds, beside
    "tell everybody that they are ill" and "tell nobody", which is 0.

    Raises:
        WorkbookError: as `checked`, or a threshold that is not from 0 to below 1.

    Source: Vickers and Elkin 2006, "Decision curve analysis: a novel method for evaluating
        prediction models".
    """
    if not 0 <= threshold < 1:
        raise WorkbookError(f"threshold is {threshold}, but must be at least 0 and below 1.")
    counts, n = confusion(labels, probabilities, threshold), len(labels)
    odds = threshold / (1 - threshold)
    return counts.true_positives / n - odds * counts.false_positives / n


def accuracy_when_sure(
    labels: Array, probabilities: Array, shares: Array, threshold: float = 0.5
) -> NDArray[np.float64]:
    """Return the accuracy among the surest people, if the others are referred to an expert.

    Args:
        labels: (n,).
        probabilities: (n,).
        shares: how many are kept, each above 0 and at most 1, (k,).
        threshold: from which on somebody is told to be ill; whose odds are farthest from its odds,
            by their ratio, is surest. So a low threshold does not make everybody unsure who is
            told to be healthy.

    Returns:
        Accuracies, (k,).

    Raises:
        WorkbookError: as `checked`, or a share that is not above 0 and at most 1.
    """
    labels, probabilities = checked(labels, probabilities)
    if not np.all((np.asarray(shares) > 0) & (np.asarray(shares) <= 1)):
        raise WorkbookError(f"shares are {shown(shares)}, but each must be above 0 and at most 1.")
    distance = np.abs(_log_odds(probabilities) - _log_odds(threshold))
    right = (probabilities >= threshold) == (labels == 1)
    surest_first = np.argsort(-distance, kind="stable")
    so_far = np.cumsum(right[surest_first]) / np.arange(1, len(right) + 1)
    return so_far[_count(shares, len(right)) - 1]


def _log_odds(probabilities: Array | float) -> Array:
    inside = np.clip(np.asarray(probabilities, np.float64), NEAREST, 1 - NEAREST)
    return np.log(inside / (1 - inside))


# --- Intervals


def bootstrap_interval(
    measure: Measure,
    labels: Array,
    probabilities: Array,
    patients: Array | None = None,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[float, float]:
    """Return a percentile interval of a measure, by drawing patients with replacement.

    Images of one patient are not independent, so they are drawn together. Draws without one of the
    two classes, or for which the measure is NaN, are left out.

    Args:
        measure: from labels and probabilities to a number, such as `auc`.
        labels: (n,).
        probabilities: (n,).
        patients: (n,), who each image is of; by default each is of another.
        seed: of the draws.
        level: of the interval.

    Raises:
        WorkbookError: as `auc`, or patients that do not go with the labels, or fewer than two; a
            level that is not between 0 and 1.

    Source: Efron 1979, "Bootstrap methods: another look at the jackknife".
    """
    labels, probabilities = checked(labels, probabilities)
    check_both_classes(labels)
    if not 0 < level < 1:
        raise WorkbookError(f"level is {level}, but must be between 0 and 1, like 0.95.")
    random = np.random.default_rng(seed)
    groups = _images_by_patient(
        np.arange(len(labels)) if patients is None else _checked_patients(patients, len(labels))
    )
    values = []
    for _ in range(BOOTSTRAPS):
        drawn = np.concatenate([groups[i] for i in random.integers(len(groups), size=len(groups))])
        if len(np.unique(labels[drawn])) == 2:
            values.append(measure(labels[drawn], probabilities[drawn]))
    # Of draws in which the measure is not defined, nothing is known.
    low, high = np.nanquantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _images_by_patient(patients: Array) -> list[NDArray[np.intp]]:
    _, number = np.unique(np.asarray(patients), return_inverse=True)
    order = np.argsort(number, kind="stable")
    return np.split(order, np.cumsum(np.bincount(number))[:-1])


def _checked_patients(patients: Array, number: int) -> Array:
    patients = np.asarray(patients)
    if patients.shape != (number,):
        raise WorkbookError(
            f"patients has shape {patients.shape}, but there are {number} labels: say of each who "
            "it is of."
        )
    if patients.dtype.kind == "f" and np.isnan(patients).any():
        raise WorkbookError(
            f"{np.isnan(patients).sum()} of {number} patients are NaN: give each a number or a "
            "name, or leave the images out."
        )
    if len(np.unique(patients)) < 2:
        raise WorkbookError("All images are of one patient, so an interval is not defined.")
    return patients
