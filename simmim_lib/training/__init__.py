"""Training: several seeds side by side, compiled once, on features that are computed once."""

from simmim_lib.training.compiled import Loss
from simmim_lib.training.steps import (
    STEPS_A_CALL,
    DivergedError,
    Examples,
    Unlabelled,
    cross_entropy,
    draw_batches,
    learning_rates,
    predict,
    step_by_step,
    train,
)

__all__ = [
    "STEPS_A_CALL",
    "DivergedError",
    "Examples",
    "Loss",
    "Unlabelled",
    "cross_entropy",
    "draw_batches",
    "learning_rates",
    "predict",
    "step_by_step",
    "train",
]
