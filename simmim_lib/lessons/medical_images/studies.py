"""Study of lesson 06: patients in both parts of a split."""

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


def run_trial(trial: SplitTrial, progress: Progress) -> Measures:
    """Do a trial, and measure what a clinician asks."""
    return accuracies_and(clinical)(trial.settings(), progress)


@study(
    "How much does it flatter to test on patients who were learnt from?",
    run_trial,
    lambda fields: SplitTrial(**fields),
)
def patients_in_both_parts() -> list[SplitTrial]:
    """The same test images, after learning from their patients and from as many others."""
    return [SplitTrial(leaky) for leaky in (True, False)]
