"""How networks learn from examples: all that is no example."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simmim_lib import information
from simmim_lib.training.objective import Loss

STEPS_PER_CALL = 20
"""Steps between two looks at the network, the cancel button and the interrupt key."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Options:
    """How networks learn from examples.

    Attributes:
        optimizer: a name from `settings.OPTIMIZERS`.
        learning_rate: size of a step, or of each step, shape (steps,).
        task_weights: how much each task's loss counts; 1 each by default.
        weighting: a name from `weighting.METHODS`.
        recipe: how examples without labels are learnt from; needed where there are any.
        strategy: a name from `settings.STRATEGIES`, to let several devices or machines take a share
            of every batch each; the outcome is the same, to rounding.
        loss: what is minimised in every task, on average over a batch; by default what the task's
            kind asks for, which is cross-entropy to tell classes apart. The same function object
            each time, or the loop is compiled anew.
        steps_per_call: training steps between two looks.
        first_seed: the number of the first copy, where others are trained beside it elsewhere:
            views and random numbers are then those of its own number.
        slow: positions in `model.weights` of what takes smaller steps, as copied layers may.
        slow_rate: the size of these steps, as a factor, or one for each of them.
    """

    optimizer: str = "adam"
    learning_rate: float | np.ndarray = 1e-3
    task_weights: Sequence[float] | None = None
    weighting: str = "fixed"
    recipe: information.Recipe | None = None
    strategy: str | None = None
    loss: Loss | None = None
    steps_per_call: int = STEPS_PER_CALL
    first_seed: int = 0
    slow: tuple[int, ...] = ()
    slow_rate: float | Sequence[float] = 1.0
