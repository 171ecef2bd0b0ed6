"""Studies of lesson 08: what masked pre-training brings, and what it depends on."""

from simmim_lib.lessons.masked_images.pretrainings import (
    Probed,
    Timed,
    fine_tuning,
    probe,
    time_it,
)
from simmim_lib.settings import SEEDS, Settings
from simmim_lib.studies.registry import BUDGET, study

LABELS = (5, 20)
PRETEXTS = ("none", "masked", "contrastive")
LOOKS = {"masked": (800, 3200, 8000), "contrastive": (200, 600)}
"""After how many steps a pre-training is looked at; the last look is the network that ships."""


@study("Does a transformer learn better from few labels after pre-training without any?")
def without_labels() -> list[Settings]:
    """Clothes with few labels, from scratch and after pre-training on all of them unlabelled."""
    return [
        fine_tuning(labels, SEEDS[BUDGET], pretext) for labels in LABELS for pretext in PRETEXTS
    ]


@study("How long must pre-training be?", time_it, Timed.from_mapping)
def pretraining_time() -> list[Timed]:
    """Masked and contrastive, looked at on the way."""
    return [Timed(pretext=pretext, looks=looks) for pretext, looks in LOOKS.items()]


@study("In which block do a few labels find most?", probe, Probed.from_mapping)
def block_probes() -> list[Probed]:
    """The networks that come with the workbook."""
    return [Probed(pretext=pretext) for pretext in PRETEXTS[1:]]
