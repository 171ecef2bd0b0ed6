"""Studies of lesson 06: few labels, two hospitals, and patients in both parts of a split."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from simmim_lib import datasets
from simmim_lib.diagnostic_accuracy import auc, brier_score, confusion
from simmim_lib.experiments import Result
from simmim_lib.foundation.progress import Progress
from simmim_lib.lessons.medical_images import cohorts
from simmim_lib.settings import SEEDS, Settings
from simmim_lib.studies.measures import Measures, accuracies_and
from simmim_lib.studies.registry import BUDGET, full_settings, study

TIES = (0.0, 0.5, 0.8, 0.9, 0.95)
"""How much device and illness go together in the hospital that is learnt from."""

LABELS = (5, 20, 100)
"""Labels per class."""


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


WAYS = {
    "from scratch": {"source": None},
    "from glyphs": {"source": "glyphs"},
    "ImageNet features": {"trunk": "efficientnet-lite0-middle"},
    "SimMIM, ImageNet features": {"trunk": "efficientnet-lite0-middle", "recipe": "simmim"},
}
"""What few labels may be helped by."""


@study(
    "What do a source and images without labels bring where labels are few?",
    accuracies_and(clinical),
)
def few_medical_labels() -> list[Settings]:
    """Chest phantoms from 5, 20 and 100 labels a class."""
    return [
        Settings(
            targets=("chest-phantoms",),
            labels_per_class=labels,
            seeds=SEEDS[BUDGET],
            budget=BUDGET,
            **way,
        )
        for labels in LABELS
        for way in WAYS.values()
    ]


@dataclass(frozen=True)
class HospitalTrial:
    """Learning from one hospital, and testing there or in another.

    Attributes:
        tie: how much device and illness go together in the first.
        tested: "same" or "reversed", where they go together the other way round.
        balanced: whether the images to learn from are balanced by device.
        seeds: how often it is repeated.
    """

    tie: float
    tested: str
    balanced: bool = False
    seeds: int = SEEDS[BUDGET]

    def as_dict(self) -> dict[str, Any]:
        """Return the fields."""
        return asdict(self)

    def settings(self) -> Settings:
        """Return the experiment, once its images are there."""
        name = cohorts.hospital(self.tie, self.tested == "reversed", self.balanced)
        return full_settings("glyphs", name, labels_per_class="up to 200", steps=600)


@dataclass(frozen=True)
class SplitTrial:
    """Learning from two images a patient, and testing on the third image of the same or of others.

    Attributes:
        leaky: whether those who are tested were learnt from.
        seeds: how often it is repeated.
    """

    leaky: bool
    seeds: int = SEEDS[BUDGET]

    def as_dict(self) -> dict[str, Any]:
        """Return the fields."""
        return asdict(self)

    def settings(self) -> Settings:
        """Return the experiment, once its images are there."""
        return full_settings(None, cohorts.split(self.leaky), labels_per_class="all", steps=1500)


def run_trial(trial: HospitalTrial | SplitTrial, progress: Progress) -> Measures:
    """Do a trial, and measure what a clinician asks."""
    return accuracies_and(clinical)(trial.settings(), progress)


@study(
    "What does a network learn where the device tells the diagnosis?",
    run_trial,
    lambda fields: HospitalTrial(**fields),
)
def two_hospitals() -> list[HospitalTrial]:
    """Tested where it learnt, where device and illness go the other way, and after balancing."""
    return [
        *(HospitalTrial(tie, "same") for tie in TIES),
        *(HospitalTrial(tie, "reversed") for tie in TIES),
        *(HospitalTrial(tie, "reversed", balanced=True) for tie in TIES),
    ]


@study(
    "How much does it flatter to test on patients who were learnt from?",
    run_trial,
    lambda fields: SplitTrial(**fields),
)
def patients_in_both_parts() -> list[SplitTrial]:
    """The same test images, after learning from their patients and from as many others."""
    return [SplitTrial(leaky) for leaky in (True, False)]
