"""Results of lesson 08: what its text says of the stored studies, and how claims are judged."""

import numpy as np
import pytest

from simmim_lib.foundation.intervals import difference
from simmim_lib.lessons.masked_images import study_results
from simmim_lib.lessons.masked_images.pretrainings import Probed, Timed
from simmim_lib.lessons.masked_images.studies import LABELS, LOOKS
from simmim_lib.studies import stored


def test_gains_are_those_of_the_same_seeds():
    study = stored.load("without-labels")
    for labels in LABELS:
        scratch = study.values(source=None, labels_per_class=labels)
        masked = study.values(pretext="masked", labels_per_class=labels)
        assert len(scratch) == 10
        assert study_results.gain("masked", labels) == difference(masked, scratch)


def test_every_look_has_its_seconds():
    for pretext, looks in LOOKS.items():
        seconds, accuracies = study_results.timed(pretext)
        assert len(seconds) == len(accuracies) == len(looks)
        assert (np.diff(seconds) > 0).all()


def test_every_block_was_probed():
    for pretext in ("masked", "contrastive"):
        found = study_results.by_block(pretext)
        assert found.shape == (6, 10)
        assert 1 <= study_results.best_block(pretext) <= 6
        assert found.mean(axis=1).max() > found[0].mean()  # blocks know more than the embedding


@pytest.mark.parametrize(
    "experiment",
    [
        Timed(pretext="masked", looks=(1, 2)),
        Probed(pretext="contrastive"),
    ],
)
def test_a_description_survives_json(experiment):
    assert type(experiment).from_mapping(experiment.as_dict()) == experiment
