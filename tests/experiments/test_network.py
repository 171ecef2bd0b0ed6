"""The network of an experiment: what is counted, drawn and handed on."""

import keras
import numpy as np
import pytest
from image_making import noise, save

from simmim_lib import datasets, experiments, training, trunks
from simmim_lib.experiments.examples import plan_stage
from simmim_lib.experiments.features import frozen_features
from simmim_lib.experiments.network import architecture, build_network
from simmim_lib.experiments.pretrained import Pretrained
from simmim_lib.settings import ADAPTATIONS, Settings

SIZES = {
    "convolution_1": 3 * 3 * 1 * 16 + 16,
    "convolution_2": 3 * 3 * 16 * 32 + 32,
    "convolution_3": 3 * 3 * 32 * 64 + 64,
    "dense": 4 * 4 * 64 * 128 + 128,
}
HEAD = 128 * 10 + 10
DIGITS = ("mnist", "uci-digits")
DIGIT_NAMES = tuple("0123456789")


@pytest.mark.parametrize("adaptation", ADAPTATIONS)
@pytest.mark.parametrize("frozen", range(5))
def test_blocks_say_what_is_frozen_at_the_end(adaptation, frozen):
    layers = architecture(Settings(adaptation=adaptation, frozen_layers=frozen))
    depth = 4 if adaptation == "probe" else frozen
    assert {block.name: block.parameters for block in layers.blocks} == SIZES
    assert [block.frozen for block in layers.blocks] == [True] * depth + [False] * (4 - depth)
    sizes = list(SIZES.values())
    assert (layers.trained, layers.frozen) == (sum(sizes[depth:]) + HEAD, sum(sizes[:depth]))


def test_blocks_have_the_shapes_of_their_outputs():
    shapes = [block.shape for block in architecture(Settings()).blocks]
    assert shapes == [(14, 14, 16), (7, 7, 32), (4, 4, 64), (128,)]


@pytest.mark.parametrize("shared", [True, False])
def test_heads_are_told_with_the_targets_they_serve(shared):
    heads = architecture(Settings(targets=(*DIGITS, "fashion"), shared_heads=shared)).heads
    groups = [DIGITS, ("fashion",)] if shared else [("mnist",), ("uci-digits",), ("fashion",)]
    assert list(heads) == groups
    for block in heads.values():
        assert (block.shape, block.parameters, block.frozen) == ((10,), HEAD, False)


def network_of(settings: Settings, frozen: int):
    tasks = experiments.choose_tasks(settings)
    return build_network(settings, tasks, experiments.initialise(settings), frozen)


@pytest.mark.slow
def test_what_a_shorter_network_trained_is_put_in_its_place():
    settings = Settings(targets=(*DIGITS, "fashion"), shared_heads=True, seeds=2, frozen_layers=1)
    whole, shorter = network_of(settings, 1), network_of(settings, 3)
    marked = [np.full_like(weight, -1 - place) for place, weight in enumerate(shorter.weights)]
    given = [*whole.weights]
    joined = whole.with_trained(given, shorter, marked)
    assert all(one is other for one, other in zip(given, whole.weights, strict=True))
    for part, places in whole.architecture.positions.items():
        there = shorter.architecture.positions.get(part)
        for index, place in enumerate(places):
            expected = whole.weights[place] if there is None else marked[there[index]]
            np.testing.assert_array_equal(joined[place], expected)
    assert list(shorter.architecture.positions) == [
        *("dense", "head of mnist and uci-digits", "head of fashion"),
    ]


def test_copied_blocks_are_the_source_s_and_others_fresh():
    settings = Settings(copied_layers=3, frozen_layers=1, seeds=2)
    network = network_of(settings, 1)
    fresh = trunks.fresh_weights(network.model, 1)
    for name, places in network.architecture.positions.items():
        copied = name in ("convolution_2", "convolution_3")
        for index, place in enumerate(places):
            source = network.source.blocks[name][index] if copied else fresh[place]
            np.testing.assert_array_equal(network.weights[place][1], source)


@pytest.mark.parametrize("labels", [(0, 0), (0, 5), (5, 0), (5, 5)])
def test_a_shared_head_is_copied_where_no_target_has_labels_for_it(labels):
    settings = Settings(
        targets=DIGITS, labels_per_class=labels, shared_heads=True, information=0.3, seeds=2
    )
    network = network_of(settings, 2)
    places = network.architecture.positions["head of mnist and uci-digits"]
    if any(labels):
        by_seed = [trunks.fresh_weights(network.model, seed) for seed in range(2)]
        head = [[weights[place] for weights in by_seed] for place in places]
    else:
        head = [[weight] * 2 for weight in network.source.head_for(DIGIT_NAMES)]
    for place, expected in zip(places, head, strict=True):
        np.testing.assert_array_equal(network.weights[place], np.stack(expected))


@pytest.mark.parametrize("adaptation", ADAPTATIONS)
def test_a_network_is_cut_where_its_training_ends(adaptation):
    settings = Settings(adaptation=adaptation, frozen_layers=1, seeds=1)
    tasks = experiments.choose_tasks(settings)
    network = experiments.transfer(settings, tasks, experiments.initialise(settings))
    assert network.architecture.trunk.frozen == settings.depth
    shape = (128,) if adaptation == "probe" else (14, 14, 16)
    assert network.features["mnist"].train.images.shape[1:] == shape


def test_the_network_of_colour_images_takes_three_channels():
    for frozen in (0, 1):
        layers = architecture(
            Settings(source="pathmnist", targets=("bloodmnist",), frozen_layers=frozen)
        )
        assert layers.front.input_shape == (None, 28, 28, 3)
        assert layers.blocks[0].parameters == 3 * 3 * 3 * 16 + 16


def made_up(source: str, channels: int, seed: int) -> tuple[Pretrained, keras.Model]:
    """Return a source with weights of chance, and its trunk with the same weights."""
    trunk = trunks.build_trunk(channels=channels)
    trunk.set_weights(trunks.fresh_weights(trunk, seed))
    weights = iter(trunk.get_weights())
    blocks = {name: [next(weights), next(weights)] for name in SIZES}
    return Pretrained(source, blocks, [np.zeros((128, 10)), np.zeros(10)], 0.5), trunk


def made_up_data(channels: int) -> datasets.Dataset:
    random = np.random.default_rng(0)
    parts = [
        datasets.Part(random.random((n, 28, 28, channels), np.float32), np.zeros(n, np.int32))
        for n in (5, 3)
    ]
    return datasets.Dataset("made-up", "Made up", *parts, ("one", "two"), "chance", "none")


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("frozen", [0, 1, 4])
def test_features_are_those_of_the_source_s_first_blocks(channels, frozen):
    (source, trunk), data = made_up("mnist", channels, 0), made_up_data(channels)
    found = frozen_features(source, frozen, data)
    end = trunk.get_layer([*SIZES][frozen - 1]).output if frozen else trunk.inputs[0]
    front = keras.Model(trunk.inputs[0], end) if frozen else np.array
    for part, images in ((found.train, data.train.images), (found.test, data.test.images)):
        np.testing.assert_allclose(part.images, front(images), atol=1e-5)


def test_features_are_not_taken_for_those_of_another_network_or_other_images():
    """Of the same names, as in a study of how long a source was trained."""
    (one, _), (other, _), data = made_up("mnist", 1, 0), made_up("mnist", 1, 1), made_up_data(1)
    swapped = datasets.Dataset(
        "made-up", "Made up", data.test, data.train, data.class_names, "chance", "none"
    )
    first = frozen_features(one, 2, data).train.images
    assert frozen_features(one, 2, data).train.images is first
    assert not np.array_equal(frozen_features(other, 2, data).train.images, first)
    assert len(frozen_features(one, 2, swapped).train) == 3


@pytest.mark.slow
def test_features_are_those_at_the_size_that_the_trunk_looks_at():
    settings = Settings(
        trunk="efficientnet-lite0", image_size=32, targets=("uci-digits",), frozen_layers=1, seeds=1
    )
    network = network_of(settings, 1)
    assert network.features["uci-digits"].test.images.shape[1:] == (16, 16, 32)
    assert network.model.input_shape == (None, 16, 16, 32)


def test_a_regression_has_the_units_of_each_seed_s_own_labels(tmp_path):
    """Numbers are learnt in units of their spread, and given in those of the labels."""
    rows = ["image,score"]
    for number in range(40):
        save(tmp_path / f"{number}.png", noise(number))
        rows.append(f"{number}.png,{500 + number**2 / 10}")
    (tmp_path / "table.csv").write_text("\n".join(rows))
    name = f"csv:{tmp_path / 'table.csv'}"
    settings = Settings(targets=(name,), source=None, labels_per_class=10, steps=2, seeds=3)
    tasks = experiments.choose_tasks(settings)
    network = build_network(settings, tasks, None, 0)
    (examples,) = plan_stage(settings, tasks, network, settings.stages[0]).examples
    train = tasks[name].data.train
    given = [train.labels[choice.labelled] for choice in tasks[name].choices]
    assert len({labels.mean() for labels in given}) == 3
    for labels, learnt in zip(given, examples.labels, strict=True):
        np.testing.assert_allclose(learnt, (labels - labels.mean()) / labels.std(), atol=1e-5)
    for seeds in ([0, 1, 2], [2], [0, 2]):
        weights = [weight[seeds] for weight in network.weights]
        in_spreads, in_units = (
            training.predict(network.model, each, train.images, name)
            for each in (weights, network.in_units(weights, seeds))
        )
        for position, seed in enumerate(seeds):
            expected = in_spreads[position] * given[seed].std() + given[seed].mean()
            np.testing.assert_allclose(in_units[position], expected, rtol=1e-4)


def scores(folder, name, first):
    """Write a table of forty images with numbers from `first` on, and return its address."""
    rows = ["image,score"]
    for number in range(40):
        save(folder / f"{name}{number}.png", noise(first + number))
        rows.append(f"{name}{number}.png,{first + number**2 / 10}")
    (folder / f"{name}.csv").write_text("\n".join(rows))
    return f"csv:{folder / name}.csv"


def test_regressions_with_one_head_have_the_units_of_all_their_labels(tmp_path):
    """It gives all their numbers, so that they are brought back to the labels' units once."""
    names = scores(tmp_path, "low", 500), scores(tmp_path, "high", 900)
    settings = Settings(
        targets=names, source=None, labels_per_class=10, shared_heads=True, steps=2, seeds=2
    )
    tasks = experiments.choose_tasks(settings)
    network = build_network(settings, tasks, None, 0)
    given = [
        [tasks[name].data.train.labels[tasks[name].choices[seed].labelled] for name in names]
        for seed in range(2)
    ]
    plan = plan_stage(settings, tasks, network, settings.stages[0])
    for position, name in enumerate(names):
        images = tasks[name].data.train.images[:5]
        in_spreads, in_units = (
            training.predict(network.model, weights, images, name)
            for weights in (network.weights, network.in_units(network.weights))
        )
        for seed, labels in enumerate(given):
            together = np.concatenate(labels)
            np.testing.assert_allclose(
                plan.examples[position].labels[seed],
                (labels[position] - together.mean()) / together.std(),
                atol=1e-5,
            )
            expected = in_spreads[seed] * together.std() + together.mean()
            np.testing.assert_allclose(in_units[seed], expected, rtol=1e-4)
