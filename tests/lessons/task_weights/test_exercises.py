"""What lesson 04's exercise on its panel accepts is what the panel shows."""

import numpy as np
import pytest

from simmim_lib import exercises
from simmim_lib.lessons.task_weights import panels
from simmim_lib.lessons.task_weights.conflict import two_gradients

RIGHT = {100: 5.76, 120: 2.0, 150: 1.155}


def both_fall(angle: int, length: float) -> bool:
    given = two_gradients(angle, length)
    return bool(np.all(given.falls(given.gradients.sum(axis=0)) == 1))


def slider_stops() -> np.ndarray:
    slider = panels.conflict().controls["length"]
    return slider.base ** np.arange(slider.min, slider.max + slider.step / 2, slider.step)


@pytest.mark.parametrize("angle", RIGHT)
def test_the_last_stop_before_a_loss_rises_is_right_and_the_ones_beside_it_are_not(angle):
    stops = slider_stops()
    last = max(place for place, length in enumerate(stops) if both_fall(angle, length))
    status = {
        shift: exercises.check("04-longest-length", {**RIGHT, angle: stops[last + shift]}).status
        for shift in (-1, 0, 1, 2)
    }
    assert status == {-1: "wrong", 0: "right", 1: "right", 2: "wrong"}
