"""Early stopping by hand: which weights are kept, and when training ends."""

import numpy as np
import pytest
from image_making import noise, save
from rehearsal import rehearsed
from scipy.special import log_softmax

from simmim_lib import experiments, training
from simmim_lib.experiments import experiment, run
from simmim_lib.experiments.stopping import until_no_better, validation_loss
from simmim_lib.settings import Settings


def stopped(losses: list[list[float]], patience: int) -> list[list[float]]:
    """Follow a made-up training of two seeds whose only weight is the number of the look."""
    looks = ([np.full((2, 1), float(number))] for number in range(len(losses)))
    return [
        weights[0].ravel().tolist()
        for weights in until_no_better(
            looks, lambda weights: np.array(losses[int(weights[0][0, 0])]), patience
        )
    ]


FALLING_THEN_RISING = [[3, 1], [2, 2], [1, 3], [2, 4], [3, 0], [4, 5], [5, 6]]


def test_each_seed_keeps_its_own_best_weights():
    assert stopped(FALLING_THEN_RISING, patience=1000)[-1] == [2, 4]


def test_better_is_better_than_ever_and_not_than_the_look_before():
    assert stopped([[3, 9], [1, 2], [3, 1], [2, 3]], patience=1000)[-1] == [1, 2]


@pytest.mark.parametrize(
    ("patience", "looks"),
    # 20 steps a look: the first seed is best at look 2, the second at look 0; at look 4, where it
    # would be better than that, it has waited too long.
    [(20, 4), (40, 5), (60, 6)],
)
def test_training_ends_when_no_seed_has_become_better_for_so_many_steps(patience, looks):
    assert len(stopped(FALLING_THEN_RISING, patience)) == looks


def test_a_seed_that_has_waited_is_done_whatever_the_others_do():
    own = [1.0, 1.1, 1.2, 0.5]
    alone = stopped([[each, each] for each in own], 40)
    beside = stopped([[each, 4 - place] for place, each in enumerate(own)], 40)
    assert alone[-1][0] == beside[-1][0] == 0
    assert beside[-1][1] == 3  # which went on


@pytest.mark.parametrize("patience", [1, 20, 21])
def test_training_goes_on_while_it_gets_better_at_every_look(patience):
    """The first look has nothing to be better than, and counts as progress all the same."""
    assert len(stopped([[number, number] for number in range(9, 0, -1)], patience)) == 9


@pytest.mark.parametrize(("patience", "looks"), [(1, 2), (20, 2), (21, 3), (40, 3)])
def test_the_steps_that_are_waited_for_follow_the_best_look(patience, looks):
    assert len(stopped([[1, 1]] * 9, patience)) == looks
    assert len(stopped([[2, 2], *[[1, 1]] * 9], patience)) == 1 + looks


def test_without_patience_the_latest_weights_count():
    assert stopped(FALLING_THEN_RISING, 0) == [[number] * 2 for number in range(7)]


def test_a_tie_is_no_progress():
    assert stopped([[1, 1]] * 9, patience=20)[-1] == [0, 0]


@pytest.mark.parametrize("seeds", [[0, 1, 2], [2], [0, 2]])
def test_the_loss_is_the_mean_of_all_targets_on_each_seed_s_own_validation_images(seeds):
    settings = Settings(targets=("mnist", "uci-digits"), frozen_layers=4, seeds=3)
    tasks = experiments.choose_tasks(settings)
    network = experiments.transfer(settings, tasks, experiments.initialise(settings))
    weights = [weight[seeds] for weight in network.weights]
    found = validation_loss(tasks, network, weights, seeds)
    for position, seed in enumerate(seeds):
        of_seed, losses = [weight[position : position + 1] for weight in weights], []
        for name, task in tasks.items():
            train, chosen = network.features[name].train, task.choices[seed].validation
            logits = training.predict(network.model, of_seed, train.images[chosen], name)[0]
            surprise = -log_softmax(logits, axis=1)[np.arange(len(chosen)), train.labels[chosen]]
            losses.append(surprise.mean())
        assert losses[0] != pytest.approx(losses[1], rel=1e-3)
        assert found[position] == pytest.approx(np.mean(losses), rel=1e-4)


@pytest.mark.parametrize("seeds", [[0, 1], [1]])
def test_numbers_in_thousands_weigh_no_more_than_those_near_one(tmp_path, seeds):
    """Else they alone would say when to stop."""
    targets = []
    for unit in (1, 1000):
        rows = ["image,score"]
        for number in range(40):
            save(tmp_path / f"{number}.png", noise(number))
            rows.append(f"{number}.png,{unit * number / 7}")
        (tmp_path / f"{unit}.csv").write_text("\n".join(rows))
        targets.append(f"csv:{tmp_path / str(unit)}.csv")
    losses = []
    for target in targets:
        settings = Settings(targets=(target,), source=None, labels_per_class=10, seeds=2)
        tasks = experiments.choose_tasks(settings)
        network = experiments.transfer(settings, tasks, None)
        weights = [weight[seeds] for weight in network.weights]
        losses.append(validation_loss(tasks, network, weights, seeds))
    np.testing.assert_allclose(*losses, rtol=1e-3)


@pytest.mark.parametrize(
    ("side_by_side", "groups"),
    [(1e9, [[0, 1, 2]]), (0, [[0], [1], [2]])],
    ids=["together", "apart"],
)
def test_an_experiment_watches_the_seeds_that_it_trains(monkeypatch, side_by_side, groups):
    """With the patience that is asked for, and not a seed's neighbour."""
    watched = []

    def note(steps, loss, patience):
        assert patience == 60
        for weights in steps:
            loss(weights)
            yield weights

    monkeypatch.setattr(experiment, "SIDE_BY_SIDE", side_by_side)
    monkeypatch.setattr(experiment, "until_no_better", note)
    monkeypatch.setattr(experiment, "validation_loss", lambda *_, seeds: watched.append([*seeds]))
    with rehearsed():
        run(Settings(frozen_layers=4, patience=60, steps=5, seeds=3), baseline=False)
    assert watched == groups


@pytest.mark.slow
def test_an_experiment_stops_and_is_no_worse_on_validation_images():
    long = Settings(
        targets=("uci-digits",), labels_per_class=2, frozen_layers=0, steps=400, seeds=2
    )
    whole = run(long, baseline=False)
    early = run(long.replace(patience=40), baseline=False)
    assert early.seconds < whole.seconds
    assert early.validation["uci-digits"].mean() > whole.validation["uci-digits"].mean() - 0.05
