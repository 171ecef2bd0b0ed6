"""What lesson 09 says of its stored studies holds."""

import numpy as np
import pytest

from simmim_lib.foundation.intervals import interval
from simmim_lib.lessons.open_problems import study_results
from simmim_lib.lessons.open_problems.chest_maps import LEARNED
from simmim_lib.lessons.open_problems.figures import Way, pareto_front
from simmim_lib.lessons.open_problems.maps import NOT_ASKING
from simmim_lib.lessons.open_problems.membership import FALSE_POSITIVES, TRAININGS
from simmim_lib.studies import stored


@pytest.mark.parametrize(
    ("dataset", "features", "epsilon", "least"),
    [
        ("mnist", "glyphs", 1.0, 0.93),
        ("mnist", "glyphs", 3.0, 0.95),
        ("fashion", "photographs", 3.0, 0.80),
    ],
)
def test_private_heads_on_transferred_features_are_good(dataset, features, epsilon, least):
    values = study_results.by_epsilon(dataset, features)[epsilon]
    mean, half = interval(values)
    assert len(values) == 10
    assert mean - half > least


def test_transfer_makes_privacy_cheap():
    """Epsilon 1 costs less with features than with pixels."""
    lost = {
        name: study_results.without_privacy("mnist", name).mean()
        - study_results.by_epsilon("mnist", name)[1.0].mean()
        for name in ("glyphs", "pixels")
    }
    assert 0 < lost["glyphs"] < lost["pixels"] / 2


def test_canaries_stay_below_the_claim_of_right_training_and_find_what_is_wrong():
    audits = study_results.canary_audits()
    for name, (claimed, found) in audits.items():
        assert len(found) == 20
        if name.startswith("right"):
            assert (found <= claimed).all()
        else:
            assert (found > claimed).sum() > len(found) / 2
    assert len(audits) == 4


def test_worst_cases_find_shuffled_batches_only():
    audits = study_results.batch_audits()
    claimed, poisson = audits["Poisson batches"]
    assert (poisson <= claimed).all()
    same, shuffled = audits["shuffled batches"]
    assert same == claimed
    assert (shuffled > claimed).sum() > len(shuffled) / 2


def test_attacks_find_members_where_nothing_is_promised_and_stay_below_claims_elsewhere():
    at = study_results.MARKED
    assert FALSE_POSITIVES[at] == pytest.approx(1e-3)
    for training, claimed in TRAININGS.items():
        found = study_results.found_members(training)[at]
        mean, half = interval(found)
        if claimed is None:
            assert mean - half > 10 * FALSE_POSITIVES[at]
        else:
            assert mean - half < study_results.most_found_of(claimed)[at]
            assert study_results.proved(claimed) < claimed


def test_eight_bits_and_half_precision_cost_next_to_nothing_and_each_way_saves_its_own_thing():
    accuracies = study_results.cheaper_ways()
    assert {len(found) for found in accuracies.values()} == {10}
    for way in ("8 bits afterwards", "mixed precision"):
        assert abs(accuracies[way].mean() - accuracies["fine-tune"].mean()) < 0.005
    assert accuracies["probe"].mean() < accuracies["LoRA"].mean() < accuracies["fine-tune"].mean()

    def taken(what, way):
        return stored.load("cheaper-ways").values(what, way=way).mean()

    assert taken("operations", "LoRA") == taken("operations", "fine-tune")
    assert taken("memory", "LoRA") < taken("memory", "fine-tune") / 3
    assert taken("bytes", "8 bits afterwards") < taken("bytes", "fine-tune") / 2


def test_hospitals_gain_by_learning_together_and_lose_by_much_noise():
    def last(**fields):
        return stored.load("hospitals").values(**fields)[-1].mean()

    quiet, loud = (last(way="federated", noise=noise) for noise in (0.0, 1.0))
    assert last(way="each alone") < quiet < last(way="together in one place")
    assert loud < quiet


def test_edges_fail_the_test_of_forgetting_and_have_no_rise():
    assert study_results.stays(NOT_ASKING)
    assert study_results.rises(NOT_ASKING) == "no"
    assert study_results.rises("gradient") == "yes"
    (same,) = set(study_results.of_maps("similarity", NOT_ASKING).ravel().round(6))
    assert same == 1


def test_one_network_has_learned_the_finding_and_the_other_the_device():
    accuracy = study_results.of_maps("accuracy", "gradient")
    assert accuracy.min() > 0.7
    assert study_results.of_maps("says the device", "gradient", "device").min() > 0.9


def test_maps_of_integrated_gradients_show_which_of_both_a_network_has_learned():
    found = {
        (learned, where): interval(study_results.of_maps(where, "integrated gradients", learned))
        for learned in LEARNED
        for where in ("on finding", "on letters")
    }
    chance = study_results.of_maps("chance", "integrated gradients").mean()
    mean, half = found["finding", "on finding"]
    assert mean - half > 2 * chance
    assert found["device", "on letters"][0] > 0.9
    assert found["finding", "on letters"][0] < 0.1


def test_every_way_to_learn_clothes_has_a_name_and_a_cost_of_its_own():
    ways = study_results.clothes()
    assert len({(way.group, way.name) for way in ways}) == len(ways)
    assert all(way.cost > 0 for way in ways)
    scratch = [way for way in ways if way.name.startswith("from scratch")]
    assert scratch and scratch[0] not in pareto_front(ways)  # it is beaten


def test_as_many_ways_to_learn_digits_at_every_number_of_labels():
    records = stored.load("unlabelled").records
    assert {len(study_results.digits(labels)) for labels in study_results.LABELS} == {6}
    assert any(record.settings.targets == ("mnist",) for record in records)


def test_the_front_has_what_no_other_beats():
    ways = [
        Way("", name, cost, np.array([accuracy]))
        for name, cost, accuracy in (
            ("cheap", 1, 0.5),
            ("beaten", 2, 0.4),
            ("equal", 3, 0.5),
            ("good", 4, 0.9),
            ("dear", 5, 0.9),
        )
    ]
    assert [way.name for way in pareto_front(ways)] == ["cheap", "good"]
