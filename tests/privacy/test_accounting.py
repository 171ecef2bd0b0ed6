"""The accountant: against values from a library, a closed form, and its own inverse."""

import json
import math
import subprocess
from fractions import Fraction

import numpy as np
import pytest
from processes import python_with
from scipy.special import comb

from simmim_lib import privacy
from simmim_lib.errors import WorkbookError
from simmim_lib.privacy.accounting import ORDERS
from simmim_lib.privacy.steps import PrivateRecipe

MNIST = {"examples": 60_000, "batch_size": 150, "epochs": 15, "delta": 1e-5}


@pytest.mark.parametrize(
    ("conversion", "known"), [("classic", 0.941870567), ("improved", 0.7242234026)]
)
def test_both_epsilons_are_those_of_a_public_library(conversion, known):
    found = privacy.epsilon(noise_multiplier=1.3, conversion=conversion, **MNIST)
    assert found == pytest.approx(known, abs=1e-6)


@pytest.mark.parametrize(
    ("share", "noise", "order"),
    [(0.0025, 1.3, 22), (0.25, 0.6, 3), (0.01, 0.3, 5), (0.5, 5, 40), (0.1, 20, 60), (0.9, 1, 2)],
)
def test_the_integral_is_the_sum_that_whole_orders_have(share, noise, order):
    terms = (
        comb(order, k, exact=True)
        * (1 - share) ** (order - k)
        * share**k
        * math.exp((k * k - k) / (2 * noise**2))
        for k in range(order + 1)
    )
    known = math.log(sum(terms)) / (order - 1)
    assert privacy.renyi_divergence(share, noise, order) == pytest.approx(known, rel=1e-8)


def test_an_example_that_is_never_or_always_drawn_has_a_closed_form():
    np.testing.assert_array_equal(privacy.renyi_divergence(0, 1.0), np.zeros(len(ORDERS)))
    np.testing.assert_allclose(privacy.renyi_divergence(1, 2.0), ORDERS / 8)
    nearly = privacy.renyi_divergence(1 - 1e-9, 2.0, (2.0, 8.0))
    np.testing.assert_allclose(nearly, np.array([2.0, 8.0]) / 8, rtol=1e-6)


def test_orders_between_whole_ones_by_an_integral_of_thirty_digits():
    """mpmath's, where the series of a public library does not converge."""
    found = privacy.renyi_divergence(0.3598659405111018, 0.9757091652913183, 1.2953061224489797)
    assert found == pytest.approx(0.1133525785013941, rel=1e-8)


WITH_DP_ACCOUNTING = """
import json
import sys

import dp_accounting

found = []
for share, noise, steps, delta in json.loads(sys.argv[1]):
    drawn = dp_accounting.PoissonSampledDpEvent(share, dp_accounting.GaussianDpEvent(noise))
    accountant = dp_accounting.rdp.RdpAccountant(range(2, 256)).compose(drawn, steps)
    found.append(accountant.get_epsilon(delta))
print(json.dumps(found))
"""


@pytest.mark.slow
def test_another_accountant_finds_the_same():
    """With whole orders: of others it leaves out those where its series does not converge.

    It is in a process of its own, since it asks for versions of attrs and absl-py below the tested
    ones.
    """
    python, cases = python_with("dp_accounting"), []
    for case in range(20):
        random = np.random.default_rng(case)
        examples = int(10 ** random.uniform(2.5, 6))
        batch_size = max(1, int(examples * 10 ** random.uniform(-3, -0.3)))
        noise, delta = 10 ** random.uniform(-0.2, 0.8), 0.5 * 10 ** random.uniform(-2, 0) / examples
        cases.append((examples, batch_size, noise, int(random.integers(1, 2000)), delta))
    asked = json.dumps([(batch / n, noise, *rest) for n, batch, noise, *rest in cases])
    done = subprocess.run(
        [python, "-c", WITH_DP_ACCOUNTING, asked], capture_output=True, text=True, check=True
    )
    orders = np.arange(2, 256)
    rest = np.log1p(-1 / orders)
    for case, known in zip(cases, json.loads(done.stdout), strict=True):
        examples, batch_size, noise, steps, delta = case
        divergence = steps * privacy.renyi_divergence(batch_size / examples, noise, orders)
        found = np.min(divergence + rest - np.log(delta * orders) / (orders - 1))
        assert max(0, found) == pytest.approx(known, rel=1e-3), case
        # Orders between whole ones prove a little more, and fewer high ones a little less.
        epochs = steps * batch_size / examples
        assert privacy.epsilon(examples, batch_size, noise, epochs, delta) <= known * 1.1


def test_more_noise_fewer_epochs_and_smaller_batches_are_more_private():
    usual = privacy.epsilon(noise_multiplier=1.3, **MNIST)
    assert privacy.epsilon(noise_multiplier=1.6, **MNIST) < usual
    assert privacy.epsilon(noise_multiplier=1.3, **{**MNIST, "epochs": 5}) < usual
    assert privacy.epsilon(noise_multiplier=1.3, **{**MNIST, "batch_size": 600}) > usual
    assert privacy.epsilon(noise_multiplier=0, **MNIST) == math.inf


def test_it_is_not_additive():
    """The second half costs less than the first: that is what following the divergence is for."""
    half = privacy.epsilon(noise_multiplier=1.3, **{**MNIST, "epochs": 7.5})
    assert half < privacy.epsilon(noise_multiplier=1.3, **MNIST) < 1.7 * half


@pytest.mark.parametrize("wanted", [0.1, 1.0, 8.0])
def test_the_inverse_is_one(wanted):
    noise = privacy.noise_multiplier(epsilon=wanted, **MNIST)
    assert privacy.epsilon(noise_multiplier=noise, **MNIST) == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("wanted", [60.0, 80.0, 95.0, 500.0])
def test_next_to_no_noise_still_keeps_the_promise(wanted):
    whole = {"examples": 1000, "batch_size": 1000, "epochs": 1, "delta": 1e-5}
    noise = privacy.noise_multiplier(epsilon=wanted, **whole)
    assert privacy.epsilon(noise_multiplier=noise, **whole) <= wanted * (1 + 1e-6)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"noise_multiplier": -1}, "noise_multiplier is -1, but"),
        ({"noise_multiplier": math.nan}, "noise_multiplier is nan"),
        ({"delta": 0}, "delta is 0, but must be a finite number above 0 and below 1"),
        ({"delta": 1}, "delta is 1"),
        ({"batch_size": 60_001}, "batch_size is 60001, but must be a whole number from 1 to 60000"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"examples": 0}, "examples is 0"),
        ({"epochs": 0}, "epochs is 0"),
        ({"epochs": 1e300}, r"epochs is 1e\+300, but must be a finite number above 0 and at most"),
        ({"examples": 10**400}, "but must be a whole number from 1 to 1000000000000"),
        ({"conversion": "old"}, "conversion"),
        ({"neighbours": "replace"}, "add-or-remove"),
    ],
)
def test_what_cannot_be_meant_is_refused(change, told):
    with pytest.raises(WorkbookError, match=told):
        privacy.epsilon(**{"noise_multiplier": 1.3, **MNIST, **change})


@pytest.mark.parametrize(
    ("numbers", "told"),
    [
        ((2, 1), "share is 2, but must be a finite number from 0 to 1"),
        ((math.nan, 1), "share is nan"),
        ((0.1, -1), "noise is -1"),
        ((0.1, 1, [2, 1]), "order is 1, but must be a finite number above 1"),
    ],
)
def test_a_step_that_cannot_be_meant_is_refused(numbers, told):
    with pytest.raises(WorkbookError, match=told):
        privacy.renyi_divergence(*numbers)


def test_numbers_of_any_type_mean_the_same():
    """Small integers of NumPy's would overflow, and fractions are no input of its functions."""
    known = privacy.epsilon(noise_multiplier=1.3, **MNIST)
    for noise in (np.float64(1.3), Fraction(13, 10)):
        assert privacy.epsilon(noise_multiplier=noise, **MNIST) == pytest.approx(known, rel=1e-9)
    assert privacy.epsilon(noise_multiplier=np.float32(1.3), **MNIST) == pytest.approx(known, 1e-6)
    of_12 = privacy.epsilon(noise_multiplier=12, **MNIST)
    assert privacy.epsilon(noise_multiplier=np.int8(12), **MNIST) == pytest.approx(of_12)
    long = {**MNIST, "epochs": 60_000}
    assert privacy.epsilon(
        noise_multiplier=1.3, **{**long, "examples": np.int32(60_000)}
    ) == pytest.approx(privacy.epsilon(noise_multiplier=1.3, **long))


def test_as_many_steps_are_accounted_for_as_are_trained():
    """Of 3.67 steps four are taken, and of a tenth of one a whole."""
    for epochs in (1.1, 0.01):
        steps = PrivateRecipe(1.3, 300, epochs, 0.1).steps(1_000)
        whole = privacy.epsilon(1_000, 300, 1.3, steps * 0.3, 1e-5)
        assert privacy.epsilon(1_000, 300, 1.3, epochs, 1e-5) == pytest.approx(whole, rel=1e-12)


def test_next_to_no_noise_and_noise_beyond_measure_have_an_epsilon_at_once():
    found = [
        privacy.epsilon(noise_multiplier=noise, **MNIST) for noise in (1e-200, 1e-3, 0.1, 1e300)
    ]
    assert found[0] == math.inf
    assert found[0] > found[1] > found[2] > 1_000
    assert 0 <= found[3] < 0.01
    # What is taken in place of the integral is no less than it.
    at = privacy.renyi_divergence(0.1, 0.05)
    assert (at <= privacy.renyi_divergence(1, 0.05) * (1 + 1e-9)).all()


def test_a_delta_that_would_let_examples_out_is_warned_of():
    with pytest.warns(UserWarning, match="publishing a whole example counts as private"):
        privacy.epsilon(noise_multiplier=1.3, **{**MNIST, "delta": 1 / 60_000})


def test_an_epsilon_out_of_reach_is_said_to_be():
    with pytest.raises(WorkbookError, match="epsilon is 0, but"):
        privacy.noise_multiplier(epsilon=0, **MNIST)
    with pytest.raises(WorkbookError, match="No noise reaches an epsilon of 1e-05"):
        privacy.noise_multiplier(examples=100, batch_size=100, epsilon=1e-5, epochs=1e9, delta=1e-9)
