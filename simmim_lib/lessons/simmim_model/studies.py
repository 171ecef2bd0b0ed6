"""Studies of lesson 03: joint networks, unequal labels, optimizers."""

from dataclasses import dataclass
from typing import Any

from simmim_lib.foundation.intervals import Difference, difference
from simmim_lib.settings import OPTIMIZERS, RECIPES, SCHEDULES, SEEDS, Settings
from simmim_lib.studies.registry import BUDGET, full_settings, study
from simmim_lib.studies.stored import Record, StoredStudy


@dataclass(frozen=True)
class Gain:
    """What one target gains by joining others, over a network of its own.

    Attributes:
        settings: of the joint network.
        target: whose accuracy is compared.
        difference: joint minus separate, on the test images.
    """

    settings: Settings
    target: str
    difference: Difference


def gains(stored: StoredStudy) -> list[Gain]:
    """Compare every joint experiment of a study with the separate ones, target by target."""
    records = {record.settings: record for record in stored.records}
    return [
        _gain(joint, records[alone])
        for settings, joint in records.items()
        if len(settings.targets) > 1
        for alone in settings.separately()
    ]


def _gain(joint: Record, alone: Record) -> Gain:
    (target,) = alone.settings.targets
    gained = difference(joint.values("accuracy", target), alone.values())
    return Gain(joint.settings, target, gained)


OPTIMIZER_RATES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)


@study("Which optimizer is best, each at its best learning rate, and all at the same?")
def optimizers() -> list[Settings]:
    """The dense layer and the head trained on glyph features of MNIST; every schedule and rate."""
    return [
        full_settings(
            "glyphs",
            "mnist",
            3,
            labels_per_class=20,
            optimizer=optimizer,
            learning_rate=rate,
            schedule=schedule,
        )
        for schedule in SCHEDULES
        for optimizer in OPTIMIZERS
        for rate in OPTIMIZER_RATES
    ]


@study("Which layers of a network for photographs help with clothes, and does information add?")
def photograph_features() -> list[Settings]:
    """The small network, and EfficientNet-Lite0's last and middle layers, with both recipes."""
    plan: dict[str, dict[str, Any]] = {
        "small-cnn": {"frozen_layers": 0},
        "efficientnet-lite0": {},
        "efficientnet-lite0-middle": {},
    }
    return [
        Settings(
            trunk=trunk,
            targets=("fashion",),
            labels_per_class=20,
            recipe=recipe,
            seeds=SEEDS[BUDGET],
            budget=BUDGET,
            **frozen,
        )
        for trunk, frozen in plan.items()
        for recipe in RECIPES
    ]


JOINT_TARGETS = (("mnist", "uci-digits"), ("mnist", "fashion"), ("mnist", "uci-digits", "fashion"))

JOINT_SEEDS = 20  # the differences are small


def _with_each_alone(joint: list[Settings]) -> list[Settings]:
    """Return joint experiments and those with one target that they are to be compared with."""
    alone = [each for settings in joint for each in settings.separately()]
    return list(dict.fromkeys(alone + joint))


@study("Is one network for several targets better than a network for each?")
def joint() -> list[Settings]:
    """Every group of targets, equally many labels of each, with heads of their own and shared."""
    return _with_each_alone(
        [
            Settings(
                targets=targets,
                labels_per_class=labels,
                shared_heads=shared,
                steps=200,
                seeds=JOINT_SEEDS,
                budget=BUDGET,
            )
            for labels in (2, 5, 10, 50)
            for targets in JOINT_TARGETS
            for shared in (False, True)
            # MNIST and Fashion have no class in common, so there is no head to share.
            if not shared or "uci-digits" in targets
        ]
    )


@study("Does a target with many labels help one with few?")
def unequal_labels() -> list[Settings]:
    """Two sets of digits, one with few labels and one with many; from glyphs and from scratch."""
    return _with_each_alone(
        [
            Settings(
                source=source,
                targets=("mnist", "uci-digits"),
                labels_per_class=labels,
                shared_heads=shared,
                steps=200,
                seeds=JOINT_SEEDS,
                budget=BUDGET,
            )
            for source in (None, "glyphs")
            for few in (2, 5)
            for labels in ((few, 50), (50, few))
            for shared in (False, True)
        ]
    )
