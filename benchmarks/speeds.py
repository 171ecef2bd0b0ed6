"""How many images a second go through each trunk: the speeds in README's table."""

import numpy as np
from timing import Row, medians

from simmim_lib import trunks
from simmim_lib.trunks.catalogue import TRUNKS

BATCH_SIZE = 32
MEASURED = [name for name, trunk in TRUNKS.items() if trunk.takes == "images"]


def images_a_second(name: str) -> float:
    """Return how many images' features are computed in a second, at the trunk's usual size."""
    network = trunks.build_trunk(name)
    shape = (BATCH_SIZE, *network.input_shape[1:])
    images = np.random.default_rng(0).random(shape, np.float32)
    (took,) = medians(lambda: network.predict_on_batch(images), rounds=3)
    return BATCH_SIZE / took


def through_each_trunk() -> Row:
    each = {name: images_a_second(name) for name in MEASURED}
    told = ", ".join(f"{name} {speed:,.0f}" for name, speed in each.items())
    return Row("images a second through each frozen trunk, at its usual size", "shown", told)


ROWS = (through_each_trunk,)
