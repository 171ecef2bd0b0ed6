"""Studies of lesson 04: their best trials, and stored numbers as the lesson tells them.

Where a test of the words fails after computing again, the lesson's explanation must be rewritten.
"""

import numpy as np

from simmim_lib.foundation.intervals import difference
from simmim_lib.lessons.task_weights import studies
from simmim_lib.lessons.task_weights.exercises import COMPARISONS
from simmim_lib.settings import Settings
from simmim_lib.studies.stored import Record, StoredStudy, load
from simmim_lib.weighting import METHODS

GROUPS = tuple(studies.TRIALS)


def tried(**fields):
    """A record with three seeds; accuracies are made from the weighting's and target's names."""
    settings = Settings(steps=1, seeds=3, **fields)
    several = len(settings.targets) > 1
    measures = {}
    for position, target in enumerate(settings.targets):
        prefix = f"{target} " if several else ""
        values = 0.5 + 0.1 * position + settings.learning_rate * np.arange(1, 4)
        measures |= {f"{prefix}accuracy": values, f"{prefix}validation": values - 0.1}
    return Record(settings, measures)


def test_the_best_trial_is_chosen_on_validation_images():
    pair = ("mnist", "fashion")
    records = [
        *(tried(targets=pair, weighting="mgda", learning_rate=rate) for rate in (1e-3, 4e-3, 2e-3)),
        tried(targets=pair, task_weights=(1, 1)),
        tried(targets=pair, task_weights=(1, 2)),
        tried(targets=("mnist",), weighting="fixed", learning_rate=9e-3),
    ]
    records[2].measures["mnist accuracy"][:] = 0.99  # the test images must not choose
    records[4].measures["fashion validation"][:] = 0.95
    best = studies.best_trials(StoredStudy("", "", "", "", {}, records), pair)
    assert best == {"mgda": records[1], "fixed": records[4]}


def test_relative_gains_compare_each_target_with_its_own_best_network_seed_by_seed():
    records = [
        tried(targets=("mnist",), learning_rate=1e-3),
        tried(targets=("mnist",), learning_rate=2e-3),
        tried(targets=("fashion",), learning_rate=1e-3),
        tried(targets=("mnist", "fashion"), weighting="mgda"),
    ]
    found = StoredStudy("", "", "", "", {}, records)
    gains = studies.relative_gains(found, ("mnist", "fashion"))
    mnist, fashion = 0.5 + 0.002 * np.arange(1, 4), 0.6 + 0.002 * np.arange(1, 4)
    alone = 0.5 + 0.001 * np.arange(1, 4)
    wanted = 50 * ((mnist - mnist) / mnist + (fashion - alone) / alone)
    np.testing.assert_allclose(gains["mgda"], wanted)


def test_scale_the_plain_sum_suffers_and_methods_that_see_lengths_do_not():
    stored = load("scaled-loss")
    clear = {}
    for name in METHODS:
        for target in ("mnist", "fashion"):
            one, hundred = (
                stored.values("accuracy", target, weighting=name, task_weights=(1.0, scale))
                for scale in (1.0, 100.0)
            )
            clear[name, target] = difference(hundred, one).verdict
    losses = {key for key, word in clear.items() if word == "loss"}
    assert losses == {
        *((name, "mnist") for name in ("fixed", "random", "dwa", "famo")),
        *((name, "fashion") for name in ("mgda", "fairgrad")),
    }
    assert "gain" not in clear.values()


def test_trials_and_which_were_chosen():
    stored = load("weightings")
    for targets in GROUPS:
        best = studies.best_trials(stored, targets)
        rates = {name: record.settings.learning_rate for name, record in best.items()}
        assert rates.pop("nash-mtl") == min(studies.RATES)  # the edge, so not fully tuned
        in_pair = len(targets) == 2
        assert rates.pop("db-mtl") == (1e-3 if in_pair else min(studies.RATES))
        for name in ("fairgrad", "config"):
            assert rates.pop(name) == (1e-3 if in_pair else 2e-3)
        assert set(rates.values()) <= {2e-3, 4e-3}
        for target in targets:
            alone = studies.best_trials(stored, (target,))["fixed"]
            assert alone.settings.learning_rate == 2e-3
    again = {record.settings for record in load("weightings-again").records}
    chosen = {best[name].settings.replace(seeds=30) for name in ("fixed", *studies.AHEAD)}
    assert chosen < again


def test_who_differs_from_the_tuned_plain_sum():
    stored = load("weightings")
    words, strict = {}, {}
    for targets in GROUPS:
        gains = {k: v / 100 for k, v in studies.relative_gains(stored, targets).items()}
        for name in METHODS.keys() - {"fixed"}:
            pair = gains[name], gains["fixed"]
            words[len(targets), name] = difference(*pair).verdict
            strict[len(targets), name] = difference(*pair, 1 - 0.05 / COMPARISONS).verdict
    assert len(words) == COMPARISONS  # as exercise 4 has it
    ahead = {(3, name) for name in studies.AHEAD}
    assert {key for key, word in words.items() if word == "gain"} == ahead
    far = {(group, name) for group in (2, 3) for name in ("nash-mtl", "db-mtl", "fairgrad")}
    lost = {(2, "mgda"), (3, "famo"), (3, "aligned-mtl"), *far}
    assert {key for key, word in words.items() if word == "loss"} == lost
    assert {key for key, word in strict.items() if word in ("gain", "loss")} == far


def test_those_that_were_ahead_are_not_on_new_seeds():
    gains = studies.relative_gains(load("weightings-again"), GROUPS[1])
    first = studies.relative_gains(load("weightings"), GROUPS[1])
    for name in studies.AHEAD:
        np.testing.assert_allclose(gains[name][:10], first[name], atol=0.5)
        found = difference(gains[name][10:] / 100, gains["fixed"][10:] / 100)
        assert found.verdict == "no clear difference"
        assert abs(found.mean) < 0.1
