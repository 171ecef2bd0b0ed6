"""Attribution: which pixels a network's answer rests on, and whether the map can be believed."""

from simmim_lib.attribution.methods import (
    completeness_error,
    grad_cam,
    gradients,
    integrated_gradients,
    occlusion,
    smooth_grad,
)
from simmim_lib.attribution.pointing import pointing_game
from simmim_lib.attribution.randomisation import (
    cascade,
    complexity,
    complexity_rise,
    randomised,
    similarity,
)
from simmim_lib.attribution.texts import word_shares

__all__ = [
    "cascade",
    "completeness_error",
    "complexity",
    "complexity_rise",
    "grad_cam",
    "gradients",
    "integrated_gradients",
    "occlusion",
    "pointing_game",
    "randomised",
    "similarity",
    "smooth_grad",
    "word_shares",
]
