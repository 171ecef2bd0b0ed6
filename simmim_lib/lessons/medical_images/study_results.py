"""What lesson 06's runs and stored studies have found, as figures and tables."""

from collections.abc import Mapping

import numpy as np

from simmim_lib import diagnostic_accuracy
from simmim_lib.calibration import reliability_of_event
from simmim_lib.datasets import Part, phantoms
from simmim_lib.diagnostic_accuracy import (
    Confusion,
    accuracy_when_sure,
    auc,
    brier_score,
    for_prevalence,
)
from simmim_lib.errors import WorkbookError
from simmim_lib.foundation.intervals import Difference, difference, mean_and_interval
from simmim_lib.lessons.medical_images import figures
from simmim_lib.lessons.medical_images.readings import Reading
from simmim_lib.lessons.medical_images.studies import (
    BALANCED_TIES,
    LABELS,
    PNEUMONIA_WAYS,
    TIES,
    WAYS,
)
from simmim_lib.pictures import charts
from simmim_lib.pictures.classification import Words, draw_reliability
from simmim_lib.pictures.style import Picture
from simmim_lib.pictures.tables import Table
from simmim_lib.settings import Settings
from simmim_lib.studies import stored
from simmim_lib.studies.measures import Measures

PUBLISHED_ACCURACY = 0.625
"""Of a network whose AUC is given as 0.81, in one published table."""

PREVALENCE_NOW = 0.1
"""The share of ill people where the network of the lesson is used later."""

SHARES_RIGHT = ("accuracy", "sensitivity", "specificity")
FIXED = ("validation AUC", "AUC", "AUC from", "AUC to", *(f"fixed {name}" for name in SHARES_RIGHT))
"""What the table of real radiographs shows of each head."""

OF_ILLNESS = Words("share who are ill", "gap to the probability", "probability of being ill")

KEPT_SHARES = np.linspace(0.25, 1, 31)


# --- The phantoms


def phantoms_figure() -> Picture:
    """Show a phantom of each finding, from each device."""
    _, cohort = phantoms.render_parts()
    chosen = [
        np.flatnonzero((cohort.finding == finding) & (cohort.device == device))[0]
        for device in range(len(phantoms.DEVICES))
        for finding in range(len(phantoms.FINDINGS))
    ]
    names = [f"{phantoms.FINDINGS[cohort.finding[i]]} ({'AB'[cohort.device[i]]})" for i in chosen]
    alt = f"Synthetic radiographs, with the device in brackets: {', '.join(names)}."
    return figures.radiographs(cohort.images[chosen], names, alt)


# --- A threshold


def outcomes_table(counts: Confusion) -> Table:
    """Return people by what they have and what they were told."""
    rows = [
        ["ill", counts.true_positives, counts.false_negatives],
        ["healthy", counts.false_positives, counts.true_negatives],
    ]
    return Table(["the truth", "told: ill", "told: healthy"], rows)


def measures_table(reading: Reading, counts: Confusion, patients: np.ndarray | None) -> Table:
    """Return measures on the test images, AUC with an interval that draws patients.

    Args:
        reading: of the test images.
        counts: at the threshold that was fixed before.
        patients: (n,), who each image is of, if that is known.
    """
    area = auc(reading.labels, reading.probabilities)
    low, high = diagnostic_accuracy.bootstrap_interval(
        auc, reading.labels, reading.probabilities, patients
    )
    rows = [
        ["AUC", f"{area:.3f} (from {low:.3f} to {high:.3f})"],
        ["sensitivity", f"{counts.sensitivity:.3f}"],
        ["specificity", f"{counts.specificity:.3f}"],
        ["accuracy", f"{counts.accuracy:.3f}"],
    ]
    return Table(["on the test images", "95 % interval in brackets"], rows)


# --- Few labels


def few_labels() -> dict[int, dict[str, np.ndarray]]:
    """Return the AUC on phantoms by labels per class and way, each (seeds,)."""
    study = stored.load("few-medical-labels")
    return {
        labels: {way: study.values("AUC", way=way, labels=labels) for way in WAYS}
        for labels in LABELS
    }


def few_pneumonia_labels() -> dict[str, np.ndarray]:
    """Return the AUC on PneumoniaMNIST, 20 labels a class, by way, each (seeds,)."""
    study = stored.load("few-pneumonia-labels")
    records = zip(PNEUMONIA_WAYS, study.records, strict=True)
    return {way: record.values("AUC") for way, record in records}


def few_labels_compared() -> tuple[Picture, Table]:
    """Compare each way with training from scratch, on phantoms, by labels per class."""
    found = few_labels()
    groups = {f"{labels} a class": ways for labels, ways in found.items()}
    figure = _areas(groups, "Phantoms of new patients, labels a class")
    rows = [[way, *(_against_scratch(ways, way) for ways in found.values())] for way in [*WAYS][1:]]
    return figure, Table(["AUC against scratch", *groups], rows)


def _areas(groups: Mapping[str, Mapping[str, np.ndarray]], title: str) -> Picture:
    values = np.stack([found for ways in groups.values() for found in ways.values()])
    title = f"{title}, {values.shape[1]} seeds"
    span = (float(values.min()) - 0.02, min(1.01, float(values.max()) + 0.02))
    return charts.accuracy_rows(groups, title, dict.fromkeys(groups, "AUC"), span)


def _against_scratch(ways: Mapping[str, np.ndarray], way: str) -> str:
    return str(difference(ways[way], ways["from scratch"]))


def what_information_adds() -> dict[str, Difference]:
    """Return what the information term alone changes, by labels per class and data."""
    real, known = few_pneumonia_labels(), "SimMIM, prevalence known"
    compared = {
        f"phantoms, {labels} a class": (ways, "SimMIM") for labels, ways in few_labels().items()
    }
    compared["PneumoniaMNIST, 20 a class"] = (real, "SimMIM")
    compared["PneumoniaMNIST, 20 a class, prevalence known"] = (real, known)
    return {
        where: difference(ways[way], ways["SimMIM without its information"])
        for where, (ways, way) in compared.items()
    }


def information_table() -> Table:
    """Return what the information term alone changes, with its verdict."""
    rows = [[where, str(found)] for where, found in what_information_adds().items()]
    return Table(["labels", "AUC, SimMIM against the same without information"], rows)


def together() -> dict[int, dict[str, Difference]]:
    """Return what one network for both tasks changes, by labels and by what is asked."""
    study, both = stored.load("findings-together"), ("ill", "findings")

    def change(asked: str, dataset: str, labels: int) -> Difference:
        joint = study.values(f"{dataset} AUC", asked=both, labels=labels)
        return difference(joint, study.values("AUC", asked=(asked,), labels=labels))

    return {
        labels: {
            "illness": change("ill", "clinic", labels),
            "findings": change("findings", "clinic-findings", labels),
        }
        for labels in LABELS[:2]
    }


def together_table() -> Table:
    """Compare one network for illness and findings with one network for each."""
    rows = [
        [labels, *(str(found) for found in by_asked.values())]
        for labels, by_asked in together().items()
    ]
    return Table(["labels", "AUC of illness, joint against alone", "mean AUC of findings"], rows)


# --- Real radiographs


def pneumonia_compared() -> tuple[Picture, Table]:
    """Compare each way with training from scratch on PneumoniaMNIST, 20 labels a class."""
    ways = few_pneumonia_labels()
    figure = _areas({"20 labels a class": ways}, "PneumoniaMNIST")
    rows = [
        [way, mean_and_interval(values), _against_scratch(ways, way)]
        for way, values in ways.items()
        if way != "from scratch"
    ]
    return figure, Table(["learnt", "AUC", "against scratch"], rows)


def pneumonia() -> dict[str, Measures]:
    """Return what was measured with all labels, by what was trained and the size, each (seeds,)."""
    records = stored.load("pneumonia").records
    return {_what_was_trained(record.settings): record.measures for record in records}


def _what_was_trained(settings: Settings) -> str:
    if not settings.frozen_layers:
        return f"the whole network, {settings.image_size} pixels"
    which = "middle" if settings.trunk.endswith("middle") else "last"
    return f"a head on {which} features, {settings.image_size} pixels"


def chosen_for_pneumonia() -> str:
    """Return what of `pneumonia` has the highest AUC on validation images."""
    found = pneumonia()
    return max(found, key=lambda what: found[what]["validation AUC, mean of networks"][-1])


def pneumonia_table() -> Table:
    """Return how PneumoniaMNIST goes with all labels: the mean of ten networks each time."""
    rows, chosen = [], chosen_for_pneumonia()
    for what, measures in pneumonia().items():
        of_all = {name: measures[f"{name}, mean of networks"][-1] for name in FIXED}
        validation, area, low, high, *at_threshold = of_all.values()
        rows.append(
            [
                f"**{what}**" if what == chosen else what,
                f"{validation:.3f}",
                f"{area:.3f} (from {low:.3f} to {high:.3f})",
                *(f"{value:.3f}" for value in at_threshold),
            ]
        )
    return Table(["trained", "validation AUC", "test AUC", *SHARES_RIGHT], rows)


# --- Two hospitals


def hospitals(balanced: bool = False) -> dict[str, dict[float, np.ndarray]]:
    """Return the AUC by where the test is and by the tie, each (seeds,).

    Args:
        balanced: whether networks that learnt from balanced devices are among them.
    """
    study, ties = stored.load("two-hospitals"), BALANCED_TIES if balanced else TIES
    asked = {"where it learnt": ("same", False), "reversed": ("reversed", False)}
    if balanced:
        asked["reversed, balanced"] = ("reversed", True)
    return {
        name: {tie: study.values("AUC", tie=tie, tested=tested, balanced=even) for tie in ties}
        for name, (tested, even) in asked.items()
    }


def hospitals_figure(balanced: bool = False) -> Picture:
    """Draw the AUC by the tie of device and illness.

    Args:
        balanced: as `hospitals`.
    """
    groups = {
        name: {f"tie {tie:g}": values for tie, values in by_tie.items()}
        for name, by_tie in hospitals(balanced).items()
    }
    return _areas(groups, "Two hospitals")


def remedy() -> dict[float, Difference]:
    """Return what balancing the devices changes in the reversed hospital, by the tie."""
    _, plain, balanced = hospitals(balanced=True).values()
    return {tie: difference(balanced[tie], plain[tie]) for tie in BALANCED_TIES}


def remedy_compared() -> tuple[Picture, Table]:
    """Compare learning from balanced devices with learning from all images."""
    rows = [[f"{tie:g}", str(found)] for tie, found in remedy().items()]
    table = Table(["tie", "AUC reversed, balanced against all"], rows)
    return hospitals_figure(balanced=True), table


# --- Patients in both parts


def leak() -> tuple[np.ndarray, np.ndarray]:
    """Return the AUC after learning from the tested patients, and from others, each (seeds,)."""
    study = stored.load("patients-in-both-parts")
    return study.values("AUC", leaky=True), study.values("AUC", leaky=False)


def leak_table() -> Table:
    """Compare a test on patients who were learnt from with one on others."""
    same, others = leak()
    rows = [
        ["the same patients", mean_and_interval(same)],
        ["other patients", mean_and_interval(others)],
        ["difference", str(difference(same, others))],
    ]
    return Table(["learnt from", "AUC on the same test images"], rows)


# --- Another prevalence


def calibration_figure(reading: Reading, learnt_at: float) -> Picture:
    """Draw how many are ill by the probability of it, before and after the correction.

    Args:
        reading: of people of whom `PREVALENCE_NOW` are ill.
        learnt_at: the share of ill people in training.
    """
    corrected = for_prevalence(reading.probabilities, learnt_at, PREVALENCE_NOW)
    diagrams, told = {}, []
    for name, of_ill in (("as learnt", reading.probabilities), ("corrected", corrected)):
        found = reliability_of_event(of_ill, reading.labels, bins=5)
        brier = brier_score(reading.labels, of_ill)
        diagrams[f"{name}: Brier score {brier:.3f}"] = found
        told.append(f"{name}: {found.expected_error:.3f}, Brier score {brier:.3f}")
    title = f"Where {PREVALENCE_NOW:.0%} are ill (live, one network)"
    return Picture(
        draw_reliability(diagrams, title, OF_ILLNESS),
        f"{title}. Mean gap between the probability and the share who are ill, {'; '.join(told)}.",
    )


def prevalence_table(before: Reading, now: Reading) -> Table:
    """Compare what the network says where it learnt and where fewer are ill."""
    rows = [
        [
            f"{reading.labels.mean():.0%} ill",
            f"{auc(reading.labels, reading.probabilities):.3f}",
            f"{reading.probabilities.mean():.0%}",
        ]
        for reading in (before, now)
    ]
    return Table(["people", "AUC", "mean probability of being ill"], rows)


# --- When unsure, and for whom


def referred_figure(reading: Reading, at: float) -> Picture:
    """Draw the accuracy among those who are not referred to an expert."""
    accuracy = accuracy_when_sure(reading.labels, reading.probabilities, KEPT_SHARES, at)
    return figures.referred(KEPT_SHARES, accuracy)


def decision_figure(reading: Reading) -> Picture:
    """Draw the decision curve of a network, beside alarming everybody and nobody."""
    thresholds = np.linspace(0.05, 0.9, 18)
    everybody = np.ones(len(reading.labels))

    def benefits(probabilities: np.ndarray) -> np.ndarray:
        given = (reading.labels, probabilities)
        return np.array([diagnostic_accuracy.net_benefit(*given, each) for each in thresholds])

    return figures.decision_curve(
        thresholds,
        {
            "the network": benefits(reading.probabilities),
            "alarm everybody": benefits(everybody),
            "alarm nobody": benefits(0 * everybody),
        },
    )


def subgroups_table(reading: Reading, part: Part, by: str) -> Table:
    """Return the AUC of each subgroup, with an interval that draws patients.

    Args:
        reading: of the test images.
        part: these images, with their patients and subgroups.
        by: what tells the subgroups apart, such as "age group".

    Raises:
        WorkbookError: the images do not come with it.
    """
    if by not in part.subgroups:
        raise WorkbookError(
            f"These images do not say of which {by} anybody is: take others, such as those of "
            "chest-phantoms, or a table with such a column, csv:TABLE?subgroup=COLUMN."
        )
    known = part.groups is not None
    people = np.asarray(part.groups) if known else np.arange(len(part))
    rows = []
    for name in dict.fromkeys(part.subgroups[by].tolist()):
        chosen = part.subgroups[by] == name
        some, patients = reading.take(chosen), people[chosen]
        low, high = diagnostic_accuracy.bootstrap_interval(
            auc, some.labels, some.probabilities, patients
        )
        area = auc(some.labels, some.probabilities)
        rows.append([name, len({*patients}), f"{area:.3f}", f"{low:.3f} to {high:.3f}"])
    counted = "patients" if known else "images"
    return Table([by, counted, "AUC", "95 % interval"], sorted(rows))
