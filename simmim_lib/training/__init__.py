"""Training: several seeds side by side, compiled once, on features that are computed once."""

from simmim_lib.training.options import STEPS_PER_CALL, Options
from simmim_lib.training.steps import (
    DivergedError,
    Examples,
    Unlabelled,
    draw_batches,
    last,
    learning_rates,
    plan,
    predict,
    step_by_step,
    train,
)

__all__ = [
    "STEPS_PER_CALL",
    "DivergedError",
    "Examples",
    "Options",
    "Unlabelled",
    "draw_batches",
    "last",
    "learning_rates",
    "plan",
    "predict",
    "step_by_step",
    "train",
]
