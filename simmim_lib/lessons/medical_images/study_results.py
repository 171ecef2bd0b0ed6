"""What lesson 06's runs and stored studies have found, as figures and tables."""

import numpy as np

from simmim_lib import diagnostic_accuracy
from simmim_lib.calibration import reliability
from simmim_lib.datasets import phantoms
from simmim_lib.diagnostic_accuracy import Confusion, accuracy_when_sure, auc, for_prevalence
from simmim_lib.foundation.intervals import difference, mean_and_interval
from simmim_lib.lessons.medical_images import figures, readings
from simmim_lib.lessons.medical_images.hospitals import Areas
from simmim_lib.lessons.medical_images.readings import Reading
from simmim_lib.pictures.classification import draw_reliability
from simmim_lib.pictures.style import Picture
from simmim_lib.pictures.tables import Table
from simmim_lib.studies import stored

PNEUMONIA_TRAINING = (1214, 3494)
PNEUMONIA_TEST = (234, 390)
"""Normal images and those with pneumonia in PneumoniaMNIST's official parts.

Source: Yang et al. 2023, as in `datasets.medmnist`; counted in the published file.
"""

PUBLISHED_ACCURACY = 0.625
"""Of a network whose AUC is given as 0.81, in one published table."""

PREVALENCE_NOW = 0.1
"""The share of ill people where the network of the lesson is used later."""

KEPT_SHARES = np.linspace(0.25, 1, 31)


# --- The phantoms


def phantoms_figure() -> Picture:
    """Show a phantom of each finding, from each device."""
    cohort = readings.phantoms_of_the_test()
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


# --- Two hospitals


def remedy_table(plain: Areas, balanced: Areas) -> Table:
    """Compare learning from balanced devices with learning from all images.

    Args:
        plain: after learning from all images.
        balanced: after learning from as many ill as healthy of each device.
    """
    rows = [
        ["all images", *map(mean_and_interval, plain)],
        ["balanced devices", *map(mean_and_interval, balanced)],
        ["difference", *(str(difference(*pair)) for pair in zip(balanced, plain, strict=True))],
    ]
    return Table(["learnt from", "AUC where it learnt", "AUC in the reversed hospital"], rows)


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
    """Draw the calibration where fewer are ill, before and after the correction.

    Args:
        reading: of people of whom `PREVALENCE_NOW` are ill.
        learnt_at: the share of ill people in training.
    """
    corrected = for_prevalence(reading.probabilities, learnt_at, PREVALENCE_NOW)
    diagrams = {
        name: reliability(np.stack([1 - of_ill, of_ill], axis=1), reading.labels, bins=5)
        for name, of_ill in (("as learnt", reading.probabilities), ("corrected", corrected))
    }
    errors = "; ".join(f"{name}: {each.expected_error:.3f}" for name, each in diagrams.items())
    title = f"Where {PREVALENCE_NOW:.0%} are ill (live, one network)"
    return Picture(
        draw_reliability(diagrams, title), f"{title}. Expected calibration error: {errors}."
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


def age_groups_table(reading: Reading, cohort: phantoms.Cohort) -> Table:
    """Return the AUC of each age group, with an interval that draws patients."""
    rows = []
    for number, name in enumerate(phantoms.AGE_GROUPS):
        chosen = cohort.age_group == number
        part = reading.take(chosen)
        patients = cohort.patient[chosen]
        low, high = diagnostic_accuracy.bootstrap_interval(
            auc, part.labels, part.probabilities, patients
        )
        area = auc(part.labels, part.probabilities)
        rows.append([name, len(set(patients)), f"{area:.3f}", f"{low:.3f} to {high:.3f}"])
    return Table(["age group", "patients", "AUC", "95 % interval"], rows)
