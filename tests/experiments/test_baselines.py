"""Baselines that are comparable, verdicts that the intervals allow, and numbers that add up."""

import itertools
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from image_making import fill_table
from planted_findings import planted, way, with_predictions
from rehearsal import rehearsed
from scipy import stats

from simmim_lib import collapse, datasets, experiments
from simmim_lib.experiments import baselines, experiment
from simmim_lib.experiments.baselines import (
    ASKED,
    BEFORE,
    FINE_TUNE,
    MEAN,
    PROBE,
    SCRATCH,
    SEPARATE,
    Findings,
)
from simmim_lib.experiments.cost import estimate
from simmim_lib.experiments.environment import describe_environment, versions
from simmim_lib.experiments.evaluation import on_test_images, validate
from simmim_lib.settings import Settings

TINY = Settings(source="mnist", targets=("uci-digits",), labels_per_class=2, steps=20, seeds=2)


def test_every_baseline_takes_something_away():
    found = baselines.plans(Settings(information=0.5, frozen_layers=0, labels_per_class=3))
    assert list(found) == [SCRATCH, PROBE, FINE_TUNE]
    for plan in found.values():
        (settings,) = plan
        assert settings.information == 0
        assert (settings.labels_per_class, settings.steps, settings.seeds) == (3, 120, 3)
    assert found[SCRATCH][0].source is None
    assert (found[PROBE][0].source, found[PROBE][0].adaptation) == ("glyphs", "probe")
    assert (found[FINE_TUNE][0].frozen_layers, found[FINE_TUNE][0].copied_layers) == (0, 4)


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        (Settings(source=None), []),
        (Settings(source=None, information=0.5), [SCRATCH]),
        (Settings(adaptation="probe", frozen_layers=0), [SCRATCH, FINE_TUNE]),
        (Settings(frozen_layers=0), [SCRATCH, PROBE]),
        (Settings(labels_per_class=0, information=0.5), []),
    ],
)
def test_what_would_be_the_same_or_learns_nothing_is_left_out(asked, left):
    assert list(baselines.plans(asked)) == left


def test_with_several_targets_each_is_also_trained_alone():
    asked = Settings(
        targets=("mnist", "uci-digits"),
        labels_per_class=(0, 5),
        task_weights=(1, 2),
        shared_heads=True,
        information=0.5,
        weighting="uncertainty",
    )
    found = baselines.plans(asked)
    assert [each.targets for each in found[SEPARATE]] == [("mnist",), ("uci-digits",)]
    assert all(each.information == 0.5 for each in found[SEPARATE])
    # Without labels, MNIST cannot be learnt from labels.
    for name in (SCRATCH, PROBE, FINE_TUNE):
        assert [each.targets for each in found[name]] == [("uci-digits",)]
    # Fashion is unknown to the source: alone it could not even start.
    unknown = baselines.plans(asked.replace(targets=("fashion", "mnist"), shared_heads=False))
    assert [each.targets for each in unknown[SEPARATE]] == [("mnist",)]


def test_a_baseline_for_some_of_the_targets_keeps_what_concerns_them():
    asked = Settings(
        targets=("fashion", "mnist", "uci-digits"),
        labels_per_class=(0, 5, 10),
        task_weights=(1, 2, 3),
        shared_heads=True,
        information=0.5,
        weighting="uncertainty",
    )
    for name in (PROBE, FINE_TUNE):
        (settings,) = baselines.plans(asked)[name]
        assert settings.labels_of == {"mnist": 5, "uci-digits": 10}
        assert (settings.task_weights, settings.weighting) == ((2, 3), "uncertainty")
        assert settings.shared_heads
    (settings,) = baselines.plans(asked.replace(task_weights=None))[FINE_TUNE]
    assert settings.task_weights is None


def test_a_large_trunk_is_compared_with_its_probe_and_the_small_network():
    """To train all of it for comparison would take minutes, and is done where it is asked for."""
    asked = Settings(trunk="efficientnet-lite0", frozen_layers=8)
    found = baselines.plans(asked)
    assert list(found) == [SCRATCH, PROBE]
    ((scratch,), (probe,)) = found.values()
    assert (scratch.trunk, scratch.image_size, scratch.source) == ("small-cnn", 28, None)
    assert (probe.trunk, probe.image_size, probe.source) == ("efficientnet-lite0", 96, "imagenet")
    assert (probe.copied_layers, probe.depth) == (9, 9)
    found = baselines.plans(asked.replace(baseline="same-trunk"))
    assert list(found) == [SCRATCH, PROBE, FINE_TUNE]
    assert {each.trunk for plan in found.values() for each in plan} == {"efficientnet-lite0"}
    (tuned,) = found[FINE_TUNE]
    assert (tuned.copied_layers, tuned.depth) == (9, 0)


@pytest.mark.parametrize("seed", range(40))
def test_the_verdict_is_that_of_a_paired_t_test(seed):
    random = np.random.default_rng(seed)
    luck = random.normal(0.8, 0.05, 4)
    asked = luck + random.normal(0.02 * random.integers(-1, 2), 0.01, 4)
    baseline = luck + random.normal(0, 0.01, 4)
    sentence = planted(list(asked), probe=(list(baseline), 0.5)).verdict
    test = stats.ttest_rel(asked, baseline)
    if test.pvalue >= 0.05:
        assert "no clear difference from 'probe' on mnist" in sentence
    else:
        assert f"a {'gain' if test.statistic > 0 else 'loss'} of" in sentence
    low, high = test.confidence_interval(0.95)
    assert f" ± {50 * (high - low):.1f} points" in sentence
    assert sentence.count(". ") == 0 and sentence.endswith(".")


def test_the_planted_verdicts_are_of_all_three_kinds():
    """Otherwise the test above could not fail for one of them."""
    kinds = set()
    for seed in range(40):
        random = np.random.default_rng(seed)
        luck = random.normal(0.8, 0.05, 4)
        asked = luck + random.normal(0.02 * random.integers(-1, 2), 0.01, 4)
        test = stats.ttest_rel(asked, luck + random.normal(0, 0.01, 4))
        kinds.add(np.sign(test.statistic) * (test.pvalue < 0.05))
    assert kinds == {-1, 0, 1}


def test_the_baseline_is_chosen_on_validation_images():
    found = planted([0.9, 0.91], probe=([0.8, 0.81], 0.7), scratch=([0.85, 0.86], 0.6))
    assert found.best_baseline("mnist") == "probe"
    assert "over 'probe'" in found.verdict


def test_what_was_there_before_training_can_be_the_best_baseline():
    ways = {BEFORE: ([0.8, 0.81], 0.7), SCRATCH: ([0.85, 0.86], 0.6)}
    found = planted([0.9, 0.91], **ways)
    assert found.best_baseline("mnist") == BEFORE
    assert set(found.differences("mnist")) == set(ways)


def test_the_mean_of_the_validation_accuracies_chooses_and_not_the_best_seed():
    found = planted([0.9, 0.92], probe=([0.7, 0.7], [0.9, 0.1]), scratch=([0.6, 0.6], [0.6, 0.6]))
    assert found.best_baseline("mnist") == "scratch"
    found = planted([0.9, 0.92], probe=([0.7, 0.7], [0.8, 0.5]), scratch=([0.6, 0.6], [0.6, 0.6]))
    assert found.best_baseline("mnist") == "probe"


def test_a_difference_is_what_was_asked_for_less_the_baseline():
    found = planted([0.9, 0.92], probe=([0.8, 0.8], 0.5), scratch=([0.95, 0.95], 0.4))
    differences = {name: each.mean for name, each in found.differences("mnist").items()}
    assert differences == pytest.approx({"probe": 11.0, "scratch": -4.0})


def test_one_seed_and_no_baseline_allow_no_verdict():
    assert "set seeds to at least 2" in planted([0.9], probe=([0.8], 0.5)).verdict
    assert "nothing to compare" in planted([0.9, 0.91]).verdict


def test_each_seed_has_its_own_calibration_error():
    labels = datasets.load("mnist").test.labels
    sure_and_right, sure_and_wrong = np.eye(10)[labels], np.eye(10)[(labels + 1) % 10]
    probabilities = np.stack([sure_and_right, sure_and_wrong])
    asked = replace(way(ASKED, [1.0, 0.0]), probabilities={"mnist": probabilities})
    np.testing.assert_allclose(asked.calibration_error("mnist"), [0, 1])


def test_a_target_has_collapsed_where_one_seed_has():
    def diagnosis(*entropies):
        shares = np.full(len(entropies), 0.5)
        return collapse.Diagnosis(shares, np.array(entropies), expected_entropy=np.log(10))

    result = replace(
        planted([0.9, 0.9]).result,
        diagnostics={"mnist": diagnosis(2.3, 0.1), "uci-digits": diagnosis(2.3, 2.3)},
    )
    assert list(baselines.collapses(result)) == ["mnist"]


@pytest.mark.slow
def test_a_way_has_what_its_networks_have_and_takes_what_they_take(monkeypatch):
    """Without training, and by a clock that goes on by one whenever it is looked at."""
    asked = TINY.replace(targets=("uci-digits", "mnist"), labels_per_class=(2, 0), information=0.3)
    with rehearsed(), pytest.warns(UserWarning, match="collapsed"):
        expected = {
            each.targets[0]: experiments.run(each, baseline=False) for each in asked.separately()
        }
        clock = SimpleNamespace(perf_counter=itertools.count().__next__)
        monkeypatch.setattr(experiment, "time", clock)
        found = baselines.baselines(asked, progress=lambda done, total: None)
    separate, before = found[SEPARATE], found[BEFORE]
    for target, result in expected.items():
        for name in ("accuracy", "validation", "probabilities"):
            ours, theirs = getattr(separate, name)[target], getattr(result, name)[target]
            np.testing.assert_array_equal(ours, theirs)
        assert not np.allclose(result.accuracy[target], result.validation[target])
    costs = [estimate(each) for each in asked.separately()]
    assert separate.cost == costs[0] + costs[1]
    assert (found[SCRATCH].seconds, separate.seconds) == (1, 2)
    tasks = experiments.choose_tasks(asked)
    network = experiments.transfer(asked, tasks, experiments.initialise(asked))
    (target,) = before.accuracy
    assert target == "mnist"
    validation = validate(tasks, network, network.weights)[target]
    np.testing.assert_array_equal(before.validation[target], validation)
    _, scores = on_test_images(network, network.weights)
    np.testing.assert_array_equal(before.accuracy[target], scores[target]["accuracy"])


@pytest.fixture(scope="module")
def found() -> Findings:
    asked = TINY.replace(targets=("uci-digits", "mnist"), labels_per_class=(2, 0), information=0.3)
    return baselines.investigate(asked, progress=lambda done, total: None)


@pytest.mark.slow
def test_what_was_asked_for_is_what_run_gives(found):
    again = experiments.run(found.settings, progress=lambda done, total: None)
    for target in found.settings.targets:
        np.testing.assert_array_equal(found.asked.accuracy[target], again.accuracy[target])
    np.testing.assert_array_equal(
        found.baselines[SCRATCH].accuracy["uci-digits"], again.baseline["uci-digits"]
    )
    assert found.result.baseline.keys() == again.baseline.keys()


@pytest.mark.slow
def test_accuracies_are_those_of_the_probabilities(found):
    assert {SCRATCH, PROBE, FINE_TUNE, SEPARATE, BEFORE, ASKED} == set(found.ways)
    for each in found.ways.values():
        for target, probabilities in each.probabilities.items():
            labels = datasets.load(target).test.labels
            right = np.mean(probabilities.argmax(axis=-1) == labels, axis=1)
            np.testing.assert_allclose(each.accuracy[target], right)


@pytest.mark.slow
def test_before_training_is_the_source_s_own_network(found):
    """MNIST is source and, without labels, target: what is copied knows it already."""
    assert list(found.serving("mnist")) == [BEFORE, SEPARATE, ASKED]
    assert found.baselines[BEFORE].accuracy["mnist"].min() > 0.9
    assert found.baselines[BEFORE].cost.flops == 0


@pytest.mark.slow
def test_curves_begin_untrained_and_end_after_all_steps(found):
    for name, each in found.ways.items():
        for target, curve in each.curves.items():
            assert (each.steps[target][0], each.steps[target][-1]) == (0, 20), name
            assert curve.shape == (len(each.steps[target]), 2)


def test_the_environment_names_versions_processor_and_seeds():
    told = describe_environment(TINY)
    assert told["keras"] == versions()["keras"]
    assert told["seeds"] == "2 (0 to 1)"
    assert "cores" in told["processor"] and told["GPU"]


def test_a_trunk_that_is_frozen_throughout_is_not_compared_with_its_probe():
    asked = Settings(trunk="efficientnet-lite0")
    assert asked.depth == len(asked.trunk_info.blocks)
    assert list(baselines.plans(asked)) == [SCRATCH]
    assert list(baselines.plans(asked.replace(recipe="simmim"))) == [SCRATCH, PROBE]


def test_a_probe_takes_the_steps_of_the_experiment():
    asked = Settings(recipe="simmim", learning_rate=0.005, schedule="warm-up")
    (probe,) = baselines.plans(asked)[PROBE]
    assert (probe.learning_rate, probe.schedule, probe.information) == (0.005, "warm-up", 0)


def test_nothing_is_trained_for_comparison_where_nobody_asks_for_it():
    asked = Settings(baseline="none")
    assert baselines.baselines(asked) == {}
    result = replace(planted([0.9, 0.9]).result, settings=asked)
    told = replace(planted([0.9, 0.9]), result=result).verdict
    assert "baseline is 'none'" in told


def test_numbers_and_labels_are_compared_with_their_mean(tmp_path, monkeypatch):
    table = fill_table(tmp_path)
    numbers, labels = f"csv:{table}?label=score", f"csv:{table}?label=bar+top"
    asked = Settings(targets=(numbers, labels, "mnist"), labels_per_class=(12, 4, 1), seeds=2)
    monkeypatch.setattr(baselines, "plans", lambda settings: {})
    found = baselines.baselines(asked)[MEAN]
    assert [*found.scores] == [numbers, labels]
    data = datasets.load(numbers)
    for seed in range(2):
        chosen = datasets.choose(data, 12, seed)
        mean = data.train.labels[chosen.labelled].mean()
        error = np.abs(data.test.labels - mean).mean()
        assert found.main_scores(numbers)[seed] == pytest.approx(error)
        error = np.abs(data.train.labels[chosen.validation] - mean).mean()
        assert found.validation[numbers][seed] == pytest.approx(-error)
    data = datasets.load(labels)
    shares = data.train.labels[datasets.choose(data, 4, 1).labelled].mean(axis=0)
    np.testing.assert_allclose(found.probabilities[labels][1, 0], shares)
    right = np.mean((shares > 0.5) == data.test.labels)
    assert found.accuracy[labels][1] == pytest.approx(right)


def test_a_smaller_error_is_the_verdict_s_gain(tmp_path):
    name = f"csv:{fill_table(tmp_path)}?label=score"
    settings = Settings(targets=(name,), seeds=2)
    truth = datasets.load(name).test.labels
    near, far = (np.stack([truth + off, truth + 1.01 * off]) for off in (10, 100))
    asked = with_predictions(settings, near)
    probe = replace(with_predictions(settings, far).asked, name=PROBE)
    told = replace(asked, baselines={PROBE: probe}).verdict
    half = stats.t.ppf(0.975, 1) * stats.sem([90, 90.9])
    assert f"a gain of 90 ± {half:.0f} units of score over 'probe' on table" in told
    told = replace(asked, asked=probe, baselines={PROBE: asked.asked}).verdict
    assert "a loss of 90 ±" in told and "against 'probe'" in told
    told = replace(asked, baselines={PROBE: replace(asked.asked, name=PROBE)}).verdict
    assert "(an error smaller by +0 ± 0 units of score)" in told


def test_labels_are_calibrated_as_decisions_of_their_own(tmp_path):
    name = f"csv:{fill_table(tmp_path)}?label=bar+top"
    labels = datasets.load(name).test.labels
    sure = with_predictions(Settings(targets=(name,), seeds=1), np.clip(labels, 0.2, 0.8)[None])
    np.testing.assert_allclose(sure.asked.calibration_error(name), [0.2], atol=1e-6)
    assert sure.asked.as_dict()["calibration_error"][name] == pytest.approx([0.2])


def test_a_probe_takes_the_views_away_and_fine_tuning_keeps_them():
    found = baselines.plans(Settings(augmentation=1.0, frozen_layers=0, labels_per_class=3))
    assert found[PROBE][0].augmentation == 0
    assert found[SCRATCH][0].augmentation == 1
    informed = baselines.plans(Settings(recipe="simmim", labels_per_class=3))
    assert informed[FINE_TUNE][0].augmentation == 1
    assert informed[FINE_TUNE][0].agreement == informed[SCRATCH][0].agreement == 0


def test_a_head_is_shared_where_two_targets_with_labels_can():
    settings = Settings(
        targets=("mnist", "uci-digits", "fashion"),
        labels_per_class=(10, 0, 10),
        shared_heads=True,
        information=1.0,
        frozen_layers=0,
    )
    assert not baselines.plans(settings)[FINE_TUNE][0].shared_heads
    both = settings.replace(labels_per_class=(10, 10, 0), source="fashion")
    assert baselines.plans(both)[FINE_TUNE][0].shared_heads


@pytest.mark.slow
def test_before_training_a_head_is_the_source_s_though_another_target_shares_it():
    settings = Settings(
        targets=("mnist", "uci-digits"),
        labels_per_class=(5, 0),
        shared_heads=True,
        information=1.0,
        frozen_layers=0,
        seeds=1,
        steps=1,
    )
    (known,) = (each for each in settings.separately() if not each.labels_per_class)
    found = baselines._untrained(settings)[BEFORE]
    assert list(found.accuracy) == ["uci-digits"]
    assert (
        found.accuracy["uci-digits"] == baselines._before_training([known]).accuracy["uci-digits"]
    )
    assert found.accuracy["uci-digits"][0] > 0.4  # a fresh head is right in one of ten
    assert BEFORE not in baselines._untrained(settings.replace(source="fashion"))
