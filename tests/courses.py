"""Courses of a training with made-up predictions."""

import numpy as np

from simmim_lib.experiments import Course
from simmim_lib.settings import Settings


def course(probabilities, labels, validation=(0.5,), result=None, **fields):
    """Return a course of one seed whose last look at the network is given."""
    settings = Settings(**{"seeds": 1, "steps": 40, **fields})
    target = settings.targets[0]
    return Course(
        settings,
        np.arange(len(validation)) * 20,
        {target: np.array(validation)[:, None]},
        {target: np.asarray(probabilities)[None]},
        {target: np.asarray(labels)[None]},
        result,
    )
