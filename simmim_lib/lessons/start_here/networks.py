"""A network that has learned printed characters, retrained on a few labelled images."""

import numpy as np

from simmim_lib.foundation.progress import Progress
from simmim_lib.panels.memory import measure
from simmim_lib.settings import Settings


def accuracy(name: str, labels_per_class: int, progress: Progress) -> np.ndarray:
    """Return a network's accuracy on a dataset's test images, shape (seeds,).

    The first two layers stay as they were learned on glyphs, the others are trained. What a panel
    has measured before is remembered.

    Args:
        name: a dataset's name.
        labels_per_class: labelled images of each class.
        progress: called with steps done and steps in all.
    """
    settings = Settings(
        source="glyphs",
        targets=(name,),
        labels_per_class=labels_per_class,
        frozen_layers=2,
        seeds=3,
        budget="quick",
    )
    return measure(settings, progress).accuracy[name]
