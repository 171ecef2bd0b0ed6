"""Privacy: what training reveals of its examples, how to bound it, and how to look for leaks.

The guarantee is differential privacy: an algorithm is (epsilon, delta)-private if, for any two
neighbouring sets of examples and any set of outcomes, the chance of one is at most exp(epsilon)
times that of the other, plus delta.

Source: Dwork et al. 2006, "Calibrating Noise to Sensitivity in Private Data Analysis".
"""

from simmim_lib.privacy.accounting import (
    CONVERSIONS,
    NEIGHBOURS,
    epsilon,
    noise_multiplier,
    renyi_divergence,
)
from simmim_lib.privacy.steps import PrivateRecipe, PrivateTraining, draw_poisson

__all__ = [
    "CONVERSIONS",
    "NEIGHBOURS",
    "PrivateRecipe",
    "PrivateTraining",
    "draw_poisson",
    "epsilon",
    "noise_multiplier",
    "renyi_divergence",
]
