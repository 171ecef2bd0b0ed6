"""Figures of lesson 06 say in words what they show."""

import numpy as np
import pytest

from simmim_lib.diagnostic_accuracy import Confusion, confusion
from simmim_lib.lessons.medical_images import figures
from simmim_lib.lessons.medical_images.readings import Reading

LABELS = np.array([0, 0, 1, 1])
IMAGES = np.zeros((4, 8, 8, 1))


def reading(*probabilities):
    return Reading(IMAGES, LABELS, np.array(probabilities), lambda images: np.zeros(4))


@pytest.mark.parametrize("prevalence", [0.01, 0.1, 0.62])
def test_a_hundred_people_are_a_hundred(prevalence):
    numbers = figures.people(Confusion(93, 7, 47, 53), prevalence)
    assert sum(numbers.values()) == figures.PEOPLE
    assert numbers["ill, found"] + numbers["ill, missed"] == round(100 * prevalence)


def test_the_threshold_s_figure_names_errors_and_predictive_values():
    given = reading(0.1, 0.6, 0.4, 0.9)
    counts = confusion(LABELS, given.probabilities, 0.5)
    alt = figures.threshold(given, counts, 0.5, 0.1, opened=2).alt
    assert alt.startswith("AUC 0.750. Threshold 0.50: of 100 people ill, found: 5, ill, missed: 5")
    assert "(PPV): 10%" in alt and "(NPV): 90%" in alt
    assert alt.endswith("One test image, ill, told healthy with the probability 0.40.")


def test_nobody_told_so_has_no_predictive_value():
    given = reading(0.1, 0.2, 0.3, 0.4)
    alt = figures.threshold(
        given, confusion(LABELS, given.probabilities, 0.9), 0.9, 0.5, opened=0
    ).alt
    assert "(PPV): undefined" in alt


def test_corrupted_images_are_measured_at_the_same_threshold():
    by_severity = {0: reading(0.1, 0.2, 0.6, 0.9), 1: reading(0.6, 0.2, 0.6, 0.9)}
    values = figures.measured(by_severity, 0.5)
    assert values["specificity"].tolist() == [1.0, 0.5]
    assert values["sensitivity"].tolist() == [1.0, 1.0]
    assert values["AUC"].tolist() == [1.0, 0.875]
    assert "specificity [1.0, 0.5]" in figures.corruption(by_severity, "noise", 1, 0.5).alt


def test_the_figure_of_referrals_names_every_quarter():
    alt = figures.referred(np.array([0.25, 0.5, 1.0]), np.array([1.0, 0.9, 0.7])).alt
    assert alt.endswith("75 % referred: 1.000; 50 % referred: 0.900; 0 % referred: 0.700.")


def test_as_many_dots_of_either_kind_can_be_opened():
    random = np.random.default_rng(0)
    labels = np.arange(200) % 2
    given = Reading(np.zeros((200, 8, 8, 1)), labels, random.random(200), lambda images: images)
    chosen = figures.dots(given)
    assert np.bincount(labels[chosen]).tolist() == [12, 12]
    assert len(set(chosen)) == 24 and np.all(np.diff(given.probabilities[chosen]) >= 0)
    assert {given.probabilities.argmin(), given.probabilities.argmax()} <= set(chosen)
    assert len(figures.dots(reading(0.1, 0.2, 0.3, 0.4))) == 4


def test_a_decision_curve_tells_each_way_s_benefit():
    thresholds = np.array([0.2, 0.8])
    ways = {"the network": [0.4, 0.3], "everybody": [0.35, -1.5], "nobody": [0.0, 0.0]}
    benefits = {way: np.array(values) for way, values in ways.items()}
    alt = figures.decision_curve(thresholds, benefits).alt
    assert "[0.2, 0.8]: the network [0.4, 0.3]; everybody [0.35, -1.5]; nobody [0.0, 0.0]" in alt
