"""Studies of lesson 01: possible scores, and stored numbers as the lesson tells them.

Where a test of the words fails after computing again, the lesson's explanation must be rewritten.
"""

import itertools

import numpy as np

from simmim_lib.foundation.intervals import difference
from simmim_lib.studies.stored import load


def test_scores_lie_where_their_definitions_allow():
    stored = load("transferability")
    for record in stored.records:
        if record.settings.source is None:
            assert set(record.measures) == {"accuracy", "validation"}
            continue
        leep, h_score = record.measures["leep"], record.measures["h_score"]
        assert np.all((leep <= 0) & (leep >= -np.log(10)))
        assert np.all((h_score >= 0) & (h_score <= 9))
        nearest = record.measures["nearest_neighbours"]
        assert np.all((nearest > 0.1) & (nearest <= 1))


def verdict(study, baseline, **fields):
    stored = load(study)
    return difference(stored.values(**fields), stored.values(**baseline)).verdict


def copies(source, depth, frozen):
    fields = {"source": source, "copied_layers": depth, "frozen_layers": depth if frozen else 0}
    return verdict("frozen-depth", {"source": None}, **fields)


def test_no_dip_a_decline_and_fine_tuned_above_scratch():
    assert all(copies("mnist", depth, True) != "loss" for depth in (1, 2, 3, 4))
    assert copies("mnist", 4, True) == "gain"
    for source in ("glyphs", "fashion"):
        assert [copies(source, depth, True) for depth in (1, 2)] == ["no clear difference"] * 2
    assert [copies("glyphs", depth, True) for depth in (3, 4)] == ["gain", "loss"]
    assert [copies("fashion", depth, True) for depth in (3, 4)] == ["loss", "loss"]
    assert [copies("glyphs", depth, False) for depth in (2, 3, 4)] == ["gain"] * 3


def test_probe_then_fine_tune_is_ahead():
    for target in (("mnist",), ("uci-digits",)):
        way = {"source": "glyphs", "targets": target}
        probe, tuned, both = (
            {**way, "adaptation": name} for name in ("probe", "fine-tune", "probe-then-fine-tune")
        )
        assert verdict("adaptations", tuned, **both) == "gain"
        assert verdict("adaptations", probe, **tuned) == "no clear difference"
        assert verdict("adaptations", {"source": None, "targets": target}, **tuned) == "gain"
    uci = {"targets": ("uci-digits",)}
    scratch, probe = {"source": None, **uci}, {"source": "glyphs", "adaptation": "probe", **uci}
    assert verdict("adaptations", scratch, **probe) == "no clear difference"


def test_small_steps_and_gradual_unfreezing_gain_together_but_not_alone():
    known, gentle = load("adaptations"), load("gentle-fine-tuning")
    for target in (("mnist",), ("uci-digits",)):
        way = {"source": "glyphs", "targets": target}
        tuned, probed_first = (
            known.values(adaptation=name, **way) for name in ("fine-tune", "probe-then-fine-tune")
        )
        for record in gentle.records:
            if record.settings.targets == target:
                together = record.settings.adaptation != "fine-tune" and (
                    record.settings.trunk_learning_rate < 1
                )
                gained = difference(record.values(), tuned).verdict == "gain"
                assert gained == together, record.settings
        both = gentle.values(
            adaptation="gradual-unfreezing", trunk_learning_rate=0.1, targets=target
        )
        assert difference(both, probed_first).verdict == "gain"
    small = {"adaptation": "fine-tune", "trunk_learning_rate": 0.1, "targets": ("mnist",)}
    alone = known.values(source="glyphs", targets=("mnist",), adaptation="fine-tune")
    assert difference(gentle.values(**small), alone).verdict == "loss"


def test_transfer_gains_at_every_number_of_labels_and_less_from_ten_on():
    stored = load("few-labels")
    accuracy = {
        (source, count): stored.values(source=source, labels_per_class=count)
        for source in ("glyphs", None)
        for count in (1, 2, 5, 10, 20, 50)
    }
    gains = {
        count: difference(accuracy["glyphs", count], accuracy[None, count])
        for count in (1, 2, 5, 10, 20, 50)
    }
    assert {gain.verdict for gain in gains.values()} == {"gain"}
    assert gains[10].mean > gains[20].mean > gains[50].mean
    assert max(gains, key=lambda count: gains[count].mean) == 2
    for few, twice in ((5, 10), (10, 20)):  # "the same height with about half the labels"
        assert accuracy["glyphs", few].mean() >= accuracy[None, twice].mean() - 0.005


def test_fashion_hurts_when_it_is_frozen_deep():
    verdicts = [
        verdict("negative-transfer", {"source": None}, source="fashion", frozen_layers=depth)
        for depth in range(5)
    ]
    assert verdicts == ["no clear difference"] * 3 + ["loss"] * 2
    for depth in range(5):
        other = {"source": "glyphs", "frozen_layers": depth}
        assert verdict("negative-transfer", {"source": None}, **other) == "gain"
    all_frozen, one_frozen = ({"source": "glyphs", "frozen_layers": depth} for depth in (4, 1))
    assert verdict("negative-transfer", all_frozen, **one_frozen) == "gain"


def test_scores_err_only_between_sources_that_the_seeds_do_not_tell_apart():
    stored = load("transferability")
    targets = ("mnist", "uci-digits", "fashion")
    mixed_up = set()
    for target in targets:
        sources = [name for name in ("glyphs", *targets) if name != target]
        for score in ("leep", "h_score", "logme", "nearest_neighbours"):
            for one, other in itertools.combinations(sources, 2):
                means = [
                    [stored.values(what, source=name, targets=(target,)).mean()]
                    for what in (score, "accuracy")
                    for name in (one, other)
                ]
                if (means[0] > means[1]) != (means[2] > means[3]):
                    mixed_up.add((target, one, other))
    assert mixed_up  # "where the scores err"
    assert not any(target == "mnist" for target, _, _ in mixed_up)
    for target, one, other in mixed_up:
        assert one == "glyphs"
        pair = ({"source": name, "targets": (target,)} for name in (one, other))
        assert verdict("transferability", next(pair), **next(pair)) == "no clear difference"
    loss = {"source": "uci-digits", "targets": ("fashion",)}
    scratch = {"source": None, "targets": ("fashion",)}
    assert verdict("transferability", scratch, **loss) == "loss"
