"""Largest remainders: whole numbers that keep the sum and stay as near as they can."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simmim_lib.foundation.rounding import largest_remainders


@pytest.mark.parametrize(
    ("exact", "expected"),
    [
        ([1.4, 1.3, 1.3], [2, 1, 1]),
        ([0.2, 2.9, 0.9], [0, 3, 1]),
        ([0.5, 0.5], [1, 0]),  # among equals the first
        ([2.25, 0.75, 2.25, 0.75], [2, 1, 2, 1]),
        ([3.0, 4.0], [3, 4]),
        ([3 * (1 - 1e-15), 4 * (1 + 1e-15)], [3, 4]),  # whole, but for the rounding of floats
        ([0.0, 0.0], [0, 0]),
    ],
)
def test_what_is_missing_goes_to_those_that_lost_most(exact, expected):
    assert largest_remainders(exact).tolist() == expected


@given(st.lists(st.integers(0, 30), min_size=1, max_size=5).filter(any), st.integers(0, 40))
def test_no_other_whole_numbers_of_that_sum_are_nearer(weights, total):
    exact = total * np.array(weights) / sum(weights)
    rounded = largest_remainders(exact)
    assert rounded.sum() == total
    distance = np.abs(rounded - exact).sum()
    # Every other choice of which shares are rounded up.
    down = np.floor(exact + 1e-9)
    for up in itertools.product((0, 1), repeat=len(exact)):
        if down.sum() + sum(up) == total:
            assert distance <= np.abs(down + up - exact).sum() + 1e-9
