"""Studies of lesson 06: few labels, two hospitals, a leak between parts, and real radiographs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from simmim_lib import datasets
from simmim_lib.diagnostic_accuracy import (
    auc,
    bootstrap_interval,
    brier_score,
    confusion,
    threshold_for_balance,
)
from simmim_lib.experiments import Result
from simmim_lib.foundation.progress import Progress
from simmim_lib.lessons.medical_images import cohorts, readings
from simmim_lib.settings import SEEDS, Settings
from simmim_lib.studies.described import Described
from simmim_lib.studies.measures import Measures, accuracies_and, measure_name
from simmim_lib.studies.registry import BUDGET, full_settings, study

TIES = (0.0, 0.5, 0.8, 0.9, 0.95, 1.0)
"""How much device and illness go together in the hospital that is learnt from."""

BALANCED_TIES = TIES[:-1]
"""Those at which devices can be balanced: at 1 one takes all of the ill, and no other images."""

LABELS = (5, 20, 100)
"""Labels per class."""

MIDDLE = {"trunk": "efficientnet-lite0-middle"}

WAYS: Mapping[str, Mapping[str, Any]] = {
    "from scratch": {"source": None},
    "from glyphs": {"source": "glyphs"},
    "from other phantoms": {"source": "chest-phantoms"},
    "from phantoms, masked": {"source": "chest-phantoms", "pretext": "masked"},
    "from phantoms, contrastive": {"source": "chest-phantoms", "pretext": "contrastive"},
    "ImageNet, last features": {"trunk": "efficientnet-lite0"},
    "ImageNet, middle features": MIDDLE,
    "SimMIM without its information": {**MIDDLE, "recipe": "simmim", "information": 0.0},
    "SimMIM": {**MIDDLE, "recipe": "simmim"},
}
"""What few labels may be helped by.

The masked and the contrastive networks learnt from phantoms without labels, as lesson 08 explains.
The last two ways differ in the information term alone.
"""

PNEUMONIA = "pneumoniamnist"

PNEUMONIA_TRAINING = (1214, 3494)
PNEUMONIA_TEST = (234, 390)
"""Normal images and those with pneumonia in PneumoniaMNIST's official parts.

Source: Yang et al. 2023, as in `datasets.medmnist`; counted in the published file.
"""

SHARES = tuple(round(count / sum(PNEUMONIA_TRAINING), 3) for count in PNEUMONIA_TRAINING)
"""Of the two classes in training: what a hospital would know of its own patients."""

PNEUMONIA_WAYS: Mapping[str, Mapping[str, Any]] = {
    **WAYS,
    "SimMIM, prevalence known": {**WAYS["SimMIM"], "class_prior": SHARES},
}

HEADS = (
    ("efficientnet-lite0", 96),
    ("efficientnet-lite0-middle", 64),
    ("efficientnet-lite0-middle", 96),
    ("efficientnet-lite0-middle", 128),
)
"""Trunks whose features a linear head learns from, and the size at which they look, in pixels."""


def clinical(result: Result) -> Measures:
    """Return what a clinician asks of each seed's network on the test images, each (seeds,)."""
    (target,) = result.settings.targets
    labels = datasets.load(target).test.labels
    ill = [of_seed[:, 1] for of_seed in result.probabilities[target]]
    counts = [confusion(labels, each, 0.5) for each in ill]
    return {
        "AUC": np.array([auc(labels, each) for each in ill]),
        "sensitivity": np.array([each.sensitivity for each in counts]),
        "specificity": np.array([each.specificity for each in counts]),
        "Brier score": np.array([brier_score(labels, each) for each in ill]),
    }


def at_fixed_threshold(result: Result) -> Measures:
    """Return measures at thresholds that were fixed on validation images, each (seeds,).

    Those with "mean of networks" are of the mean probability of the first network, of the first
    two, and so on.
    """
    networks = [readings.of_seed(result, seed) for seed in range(result.settings.seeds)]
    joined = [readings.joined(networks[: number + 1]) for number in range(len(networks))]
    return {
        **_columns(networks, ""),
        **_columns(joined, ", mean of networks"),
    }


def _columns(networks: list[tuple[readings.Reading, readings.Reading]], suffix: str) -> Measures:
    rows = [_fixed(*each) for each in networks]
    return {f"{name}{suffix}": np.array([row[name] for row in rows]) for name in rows[0]}


def _fixed(validation: readings.Reading, test: readings.Reading) -> dict[str, float]:
    """Fix a threshold, and then measure on the test images; the interval draws these anew."""
    threshold = threshold_for_balance(validation.labels, validation.probabilities)
    counts = confusion(test.labels, test.probabilities, threshold)
    low, high = bootstrap_interval(auc, test.labels, test.probabilities)
    return {
        "validation AUC": auc(validation.labels, validation.probabilities),
        "threshold": threshold,
        "AUC": auc(test.labels, test.probabilities),
        "AUC from": low,
        "AUC to": high,
        "fixed accuracy": counts.accuracy,
        "fixed sensitivity": counts.sensitivity,
        "fixed specificity": counts.specificity,
    }


@dataclass(frozen=True, kw_only=True)
class Trial(Described):
    """An experiment on images that are made for it.

    Attributes:
        seeds: how often it is repeated.
    """

    seeds: int = SEEDS[BUDGET]


class _Planned(Protocol):
    def settings(self) -> Settings: ...


def run_trial(trial: _Planned, progress: Progress) -> Measures:
    """Do a trial, and measure what a clinician asks."""
    return accuracies_and(clinical)(trial.settings(), progress)


@dataclass(frozen=True)
class ClinicTrial(Trial):
    """Learning from a few labels in a clinic whose patients nobody has seen.

    Attributes:
        way: one of `WAYS`.
        labels: of each class.
    """

    way: str
    labels: int

    def settings(self) -> Settings:
        """Return the experiment, once its images are there."""
        return Settings(
            targets=(cohorts.clinic(),),
            labels_per_class=self.labels,
            seeds=self.seeds,
            budget=BUDGET,
            **WAYS[self.way],
        )


@study(
    "What do a source and images without labels bring where labels are few?",
    run_trial,
    ClinicTrial.from_mapping,
)
def few_medical_labels() -> list[ClinicTrial]:
    """Chest phantoms of new patients, from 5, 20 and 100 labels a class."""
    return [ClinicTrial(way, labels) for labels in LABELS for way in WAYS]


def areas_of_all(result: Result) -> Measures:
    """Return the AUC of each target, over several findings the mean, each (seeds,)."""
    return {
        measure_name("AUC", target, result.settings): np.array(
            [_area(datasets.load(target), of_seed) for of_seed in result.probabilities[target]]
        )
        for target in result.settings.targets
    }


def _area(data: datasets.Dataset, probabilities: np.ndarray) -> float:
    labels = data.test.labels
    if data.kind == "classification":
        return auc(labels, probabilities[:, 1])
    return float(
        np.mean([auc(*columns) for columns in zip(labels.T, probabilities.T, strict=True)])
    )


@dataclass(frozen=True)
class JointTrial(Trial):
    """Learning whether somebody is ill, which findings there are, or both by one network.

    Attributes:
        asked: of "ill" and "findings", one or both.
        labels: of each class and of each finding, so that a rare one is learnt from as often.
    """

    asked: tuple[str, ...]
    labels: int

    def settings(self) -> Settings:
        """Return the experiment, once its images are there."""
        names = {"ill": cohorts.clinic, "findings": cohorts.findings}
        return Settings(
            source="glyphs",
            targets=tuple(names[asked]() for asked in self.asked),
            labels_per_class=self.labels,
            frozen_layers=0,
            steps=200,
            seeds=self.seeds,
            budget=BUDGET,
        )


@study(
    "Does one network for illness and findings need fewer labels than one network for each?",
    lambda trial, progress: accuracies_and(areas_of_all)(trial.settings(), progress),
    JointTrial.from_mapping,
)
def findings_together() -> list[JointTrial]:
    """Chest phantoms of new patients, from 5 and 20 labels a class and a finding."""
    alone_and_both = (("ill",), ("findings",), ("ill", "findings"))
    return [JointTrial(asked, labels) for labels in LABELS[:2] for asked in alone_and_both]


@dataclass(frozen=True)
class HospitalTrial(Trial):
    """Learning from one hospital, and testing there or in another.

    Attributes:
        tie: how much device and illness go together in the first.
        tested: "same" or "reversed", where they go together the other way round.
        balanced: whether the images to learn from are balanced by device.
    """

    tie: float
    tested: str
    balanced: bool = False

    def settings(self) -> Settings:
        """Return the experiment, once its images are there."""
        name = cohorts.hospital(self.tie, self.tested == "reversed", self.balanced)
        return full_settings("glyphs", name, labels_per_class="up to 200", steps=600)


@study(
    "What does a network learn where the device tells the diagnosis?",
    run_trial,
    HospitalTrial.from_mapping,
)
def two_hospitals() -> list[HospitalTrial]:
    """Tested where it learnt, where device and illness go the other way, and after balancing."""
    return [
        *(HospitalTrial(tie, "same") for tie in TIES),
        *(HospitalTrial(tie, "reversed") for tie in TIES),
        *(HospitalTrial(tie, "reversed", balanced=True) for tie in BALANCED_TIES),
    ]


@dataclass(frozen=True)
class SplitTrial(Trial):
    """Learning from two images a patient, and testing on the third image of the same or of others.

    Attributes:
        leaky: whether those who are tested were learnt from.
    """

    leaky: bool

    def settings(self) -> Settings:
        """Return the experiment, once its images are there."""
        return full_settings(None, cohorts.split(self.leaky), labels_per_class="all", steps=1500)


@study(
    "How much does it flatter to test on patients who were learnt from?",
    run_trial,
    SplitTrial.from_mapping,
)
def patients_in_both_parts() -> list[SplitTrial]:
    """The same test images, after learning from their patients and from as many others."""
    return [SplitTrial(leaky) for leaky in (True, False)]


@study(
    "PneumoniaMNIST from 20 labels a class: what do a source and images without labels bring?",
    accuracies_and(clinical),
)
def few_pneumonia_labels() -> list[Settings]:
    """The official parts; needs `simmim data fetch pneumoniamnist` once."""
    return [
        Settings(
            targets=(PNEUMONIA,),
            labels_per_class=20,
            seeds=SEEDS[BUDGET],
            budget=BUDGET,
            **way,
        )
        for way in PNEUMONIA_WAYS.values()
    ]


@study(
    "How well does PneumoniaMNIST go with all labels, at a threshold fixed on validation images?",
    accuracies_and(at_fixed_threshold),
)
def pneumonia() -> list[Settings]:
    """A linear head on ImageNet's features, and the whole network trained on for six epochs.

    Needs `simmim data fetch pneumoniamnist` once.
    """
    usual = Settings(
        trunk="efficientnet-lite0",
        targets=(PNEUMONIA,),
        labels_per_class="all",
        schedule="cosine",
        seeds=SEEDS[BUDGET],
        budget=BUDGET,
    )
    heads = [
        usual.replace(
            trunk=trunk,
            image_size=size,
            learning_rate=8e-3,
            batch_size=128,
            steps=1000,
        )
        for trunk, size in HEADS
    ]
    whole = usual.replace(
        image_size=64,
        frozen_layers=0,
        optimizer="adamw",
        learning_rate=3e-4,
        trunk_learning_rate=1.0,
        batch_size=64,
        steps=440,
    )
    return [*heads, whole]
