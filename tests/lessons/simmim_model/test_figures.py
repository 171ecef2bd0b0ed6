"""The figures of lesson 03 in words: what was measured last, and how it compares."""

import numpy as np
from planted_results import as_scores

from simmim_lib.experiments import Course, Result
from simmim_lib.foundation.intervals import difference
from simmim_lib.lessons.simmim_model import figures
from simmim_lib.settings import Settings
from simmim_lib.studies import stored

PAIR = ("mnist", "uci-digits")
LOOKS = {
    "mnist": np.array([[0.1, 0.3], [0.5, 0.7], [0.8, 0.9]]),
    "uci-digits": np.array([[0.2, 0.2], [0.3, 0.3], [0.4, 0.5]]),
}


def result(settings: Settings, **accuracy: list[float]) -> Result:
    named = {name.replace("_", "-"): np.array(values) for name, values in accuracy.items()}
    return Result(settings, as_scores(named), {}, {}, seconds=1.0)


def course(done: Result | None = None) -> Course:
    settings = Settings(targets=PAIR, steps=40, seeds=2)
    return Course(settings, np.array([0, 20, 40]), LOOKS, result=done)


def test_the_words_tell_the_latest_look():
    alt = figures.simmim(course(), {}).alt
    assert "after 40 of 40 steps: mnist: 0.850; uci-digits: 0.450." in alt
    assert "Test accuracy" not in alt


def test_the_words_tell_the_joint_network_less_that_of_a_target_s_own():
    asked = course().settings
    joint = result(asked, mnist=[0.9, 0.92], uci_digits=[0.7, 0.72])
    alone = {
        "mnist": result(asked.separately()[0], mnist=[0.85, 0.86]),
        "uci-digits": result(asked.separately()[1], uci_digits=[0.8, 0.83]),
    }
    alt = figures.simmim(course(joint), alone).alt
    assert "on mnist: jointly 0.910 ±" in alt and "its own 0.855 ±" in alt
    assert "difference +5.5 ±" in alt
    assert "on uci-digits: jointly 0.710 ±" in alt and "difference -10.5 ±" in alt


def test_middle_layers_help_with_clothes_and_information_adds_to_large_trunks_only():
    """As lesson 03 explains it: where this fails after computing again, rewrite the words."""
    study = stored.load("photograph-features")

    def gain(trunk, recipe, over, over_recipe="fine-tune"):
        return difference(
            study.values(trunk=trunk, recipe=recipe),
            study.values(trunk=over, recipe=over_recipe),
        )

    large, middle = "efficientnet-lite0", "efficientnet-lite0-middle"
    assert gain(middle, "fine-tune", large).mean > gain(large, "fine-tune", "small-cnn").mean
    assert gain(middle, "fine-tune", large).verdict == "gain"
    for trunk, verdict in ((large, "gain"), (middle, "gain"), ("small-cnn", "loss")):
        assert gain(trunk, "simmim", trunk).verdict == verdict
    assert gain(middle, "simmim", "small-cnn").mean > 5  # percentage points
