"""Studies of lesson 04: weightings, and their best trials."""

from collections.abc import Iterable

import numpy as np

from simmim_lib import weighting
from simmim_lib.settings import SEEDS, Settings
from simmim_lib.studies.registry import BUDGET, study
from simmim_lib.studies.stored import Record, StoredStudy


def best_trials(stored: StoredStudy, targets: Iterable[str]) -> dict[str, Record]:
    """Return for each weighting of a study its best trial on these targets.

    Args:
        stored: the study, which tried every weighting in several ways.
        targets: all that the experiment had.

    Returns:
        By weighting ("fixed" for one target alone), the record with the highest validation
        accuracy, mean over targets and seeds.
    """
    best: dict[str, Record] = {}
    for record in stored.records:
        name = record.settings.weighting
        if record.settings.targets == tuple(targets) and (
            name not in best or _validation(record) > _validation(best[name])
        ):
            best[name] = record
    return best


def _validation(record: Record) -> float:
    return float(np.mean(_of_targets("validation", record)))


def _of_targets(measure: str, record: Record) -> np.ndarray:
    """Return a measure of all targets, shape (seeds, targets)."""
    return np.stack([record.values(measure, target) for target in record.settings.targets], axis=-1)


def relative_gains(stored: StoredStudy, targets: Iterable[str]) -> dict[str, np.ndarray]:
    """Return delta-m of every weighting's best trial over each target's own best network.

    Args:
        stored: a study with joint experiments and those of each target alone.
        targets: of the joint experiments.

    Returns:
        By weighting, test accuracy's mean relative gain in percent, shape (seeds,).

    Source: Maninis et al. 2019, "Attentive Single-Tasking of Multiple Tasks", section 4.
    """
    targets = tuple(targets)
    alone = [_of_targets("accuracy", best_trials(stored, (each,))["fixed"]) for each in targets]
    return {
        name: weighting.relative_gain(
            _of_targets("accuracy", record), np.concatenate(alone, axis=-1)
        )
        for name, record in best_trials(stored, targets).items()
    }


TRIALS = {
    ("mnist", "fashion"): ((1.6, 0.4), (1.3, 0.7), (1, 1), (0.7, 1.3), (0.4, 1.6)),
    ("mnist", "uci-digits", "fashion"): (
        *((1, 1, 1), (0.6, 0.6, 1.8)),
        *((1.5, 0.75, 0.75), (0.75, 1.5, 0.75), (0.75, 0.75, 1.5)),
    ),
}
"""The weights that the plain sum may try: as many as `RATES`, which the other weightings may."""

RATES = (5e-4, 1e-3, 2e-3, 4e-3, 8e-3)


@study("Does a weighting beat a plain sum whose weights were tuned at the same cost?")
def weightings() -> list[Settings]:
    """Five trials each: the plain sum tries five weightings, all others five learning rates.

    So do the networks that each target has for itself, which delta-m compares with.
    """
    joint = []
    for targets, weights in TRIALS.items():
        plain = Settings(targets=targets, steps=200, seeds=SEEDS[BUDGET], budget=BUDGET)
        joint += [plain.replace(task_weights=each) for each in weights]
        joint += [
            plain.replace(weighting=name, learning_rate=rate)
            for name in weighting.METHODS
            if name != "fixed"
            for rate in RATES
        ]
    alone = [each.replace(learning_rate=rate) for each in plain.separately() for rate in RATES]
    return [*alone, *joint]


AHEAD = ("random", "cagrad", "config")
"""Whatever was ahead of the tuned plain sum, each with the learning rate that `Settings` has."""


@study("Do the weightings that came out ahead of the tuned plain sum stay ahead on new seeds?")
def weightings_again() -> list[Settings]:
    """The best trials of those, and of the plain sum, with 20 seeds that chose nothing."""
    targets = ("mnist", "uci-digits", "fashion")
    best = Settings(targets=targets, steps=200, seeds=SEEDS[BUDGET] + 20, budget=BUDGET)
    ahead = [best.replace(weighting=name) for name in AHEAD]
    return [*best.separately(), best.replace(task_weights=(0.75, 0.75, 1.5)), *ahead]


@study("What does a weighting make of a loss in other units?")
def scaled_loss() -> list[Settings]:
    """The second target's loss multiplied by 100, as if it were measured in hundredths."""
    return [
        Settings(
            targets=("mnist", "fashion"),
            weighting=name,
            task_weights=(1, scale),
            steps=200,
            seeds=SEEDS[BUDGET],
            budget=BUDGET,
        )
        for name in weighting.METHODS
        for scale in (1, 100)
    ]
