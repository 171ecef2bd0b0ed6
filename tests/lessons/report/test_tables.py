"""Tables of a report, cell by cell, for findings that are known beforehand."""

from dataclasses import replace

import numpy as np
import pytest
from planted_findings import planted
from scipy import stats

from simmim_lib import datasets
from simmim_lib.experiments.baselines import ASKED
from simmim_lib.lessons.report import tables
from simmim_lib.settings import Settings


@pytest.fixture
def rows() -> dict[str, tuple[str, ...]]:
    """The table of accuracies by the way of training."""
    found = planted([0.9, 0.92], probe=([0.8, 0.84], [0.1, 0.3]), scratch=([0.95, 0.93], 0.2))
    return {row[0]: row[1:] for row in tables.accuracies(found, "mnist").rows}


def test_accuracies_are_those_on_test_images(rows):
    half = stats.t.ppf(0.975, 1) * stats.sem([80, 84])
    assert rows["probe"][:2] == (f"82.0 ± {half:.1f} %", "80.0 84.0")
    assert rows["scratch"][1] == "95.0 93.0"
    assert rows[ASKED][0].startswith("91.0 ±") and rows[ASKED][1] == "90.0 92.0"


def test_a_difference_is_what_was_asked_for_less_the_row(rows):
    half = stats.t.ppf(0.975, 1) * stats.sem(np.array([90, 92]) - [95, 93])
    assert rows["scratch"][2].startswith(f"-3.0 ± {half:.1f} points")
    assert rows["probe"][2].startswith("+9.0 ±")
    assert rows[ASKED][2] == "–"


def test_one_seed_has_no_interval():
    found = planted([0.9], probe=([0.8], 0.5))
    rows = {row[0]: row[1:] for row in tables.accuracies(found, "mnist").rows}
    assert rows["probe"] == ("80.0 %", "80.0", "+10.0 points: one seed")


def test_each_way_has_its_own_calibration_error():
    labels = datasets.load("mnist").test.labels
    right, wrong = np.eye(10)[labels], np.eye(10)[(labels + 1) % 10]

    def with_predictions(way, *by_seed):
        return replace(way, probabilities={"mnist": np.stack(by_seed)})

    found = planted([0.9, 0.92], probe=([0.8, 0.84], 0.5))
    found = replace(
        found,
        asked=with_predictions(found.asked, right, right),
        baselines={"probe": with_predictions(found.baselines["probe"], right, wrong)},
    )
    errors = dict(tables.calibration(found).rows)
    assert errors[ASKED] == "0.0 ± 0.0 %"
    assert errors["probe"].startswith("50.0 ±")


def test_data_count_labels_and_images_of_each_dataset():
    settings = Settings(source="fashion", targets=("mnist", "uci-digits"), labels_per_class=(5, 20))
    rows = {row[0]: row[1:5] for row in tables.data(settings).rows}
    assert rows["mnist (target)"] == ("10", "4,000", "50", "1,000")
    assert rows["uci-digits (target)"] == ("10", "1,297", "200", "500")
    assert rows["fashion (source)"] == ("10", "10,000", "10,000", "2,000")
