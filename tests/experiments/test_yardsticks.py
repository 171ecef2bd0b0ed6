"""What targets are judged by: shares in percent, errors in the units of their labels."""

from dataclasses import replace

import numpy as np
import pytest
from image_making import fill_table
from scipy import stats

from simmim_lib import datasets
from simmim_lib.experiments.yardsticks import Yardstick, yardstick

ERROR = Yardstick("mean absolute error", "score", 0)
ASKED, BASELINE = np.array([100.0, 110.0, 90.0]), np.array([140.0, 160.0, 150.0])


def test_the_first_measure_of_the_kind_counts(tmp_path):
    assert yardstick(datasets.load("mnist")) == Yardstick("accuracy")
    table = fill_table(tmp_path)
    assert yardstick(datasets.load(f"csv:{table}?label=bar+top")) == Yardstick("accuracy")
    assert yardstick(datasets.load(f"csv:{table}?label=score")) == ERROR


def test_shares_are_written_in_percent_and_errors_as_they_are():
    shares = Yardstick("accuracy")
    assert (shares.number(0.8151), ERROR.number(0.8151)) == ("81.5 %", "1")
    assert shares.each(np.array([0.5, 0.75])) == "50.0 75.0"
    half = stats.t.ppf(0.975, 2) * stats.sem(ASKED)
    assert ERROR.mean(ASKED) == f"100 ± {half:.0f}"
    assert (shares.title, ERROR.title) == ("accuracy", "mean absolute error of score")


def test_a_smaller_error_is_a_gain_in_the_label_s_units():
    gain = ERROR.gain(ASKED, BASELINE)
    test = stats.ttest_rel(BASELINE, ASKED).confidence_interval(0.95)
    assert (gain.mean, gain.half_width) == pytest.approx((50, (test.high - test.low) / 2))
    assert gain.verdict == "gain" and ERROR.gain(BASELINE, ASKED).verdict == "loss"
    assert str(gain) == f"+50 ± {gain.half_width:.0f} units of score: gain"


def test_a_greater_share_is_a_gain_in_points():
    gain = Yardstick("accuracy").gain(np.array([0.9, 0.92]), np.array([0.8, 0.81]))
    assert gain.mean == pytest.approx(10.5) and gain.unit == "points"


def test_errors_of_validation_images_lose_their_minus():
    np.testing.assert_array_equal(ERROR.from_validation(-ASKED), ASKED)
    np.testing.assert_array_equal(Yardstick("accuracy").from_validation(ASKED), ASKED)


@pytest.mark.parametrize(("scale", "digits"), [(1000.0, 0), (1.0, 2), (0.01, 4), (0.0, 0)])
def test_an_error_has_about_three_figures(tmp_path, scale, digits):
    data = datasets.load(f"csv:{fill_table(tmp_path)}?label=score")
    spread = np.where(np.arange(len(data.test)) % 2, 1.5, -1.5)[:, None] * scale
    part = datasets.Part(data.test.images, spread.astype(np.float32))
    assert yardstick(replace(data, test=part)).digits == digits
