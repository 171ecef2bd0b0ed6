"""What an experiment will do, asked of it before anything is trained."""

from dataclasses import replace

import numpy as np
import pytest

from simmim_lib import datasets, experiments, training
from simmim_lib.augmentation import AffineViews, WordDropout
from simmim_lib.errors import WorkbookError
from simmim_lib.experiments import examples
from simmim_lib.experiments.examples import StagePlan, plan_stage
from simmim_lib.experiments.features import frozen_features
from simmim_lib.experiments.network import build_network
from simmim_lib.experiments.pretraining import pretrained
from simmim_lib.settings import Settings, Stage


def plans(settings: Settings) -> list[StagePlan]:
    """Return the plan of each stage, with the network as it is trained there."""
    tasks, source = experiments.choose_tasks(settings), experiments.initialise(settings)
    return [
        plan_stage(settings, tasks, build_network(settings, tasks, source, stage.frozen), stage)
        for stage in settings.stages
    ]


TWO_VIEWS = {"agreement": 1.0, "augmentation": 0.5}


@pytest.mark.parametrize(
    ("asked", "changed", "without_labels"),
    [
        ({}, False, False),
        ({"augmentation": 0.5}, True, False),
        ({"information": 0.3}, False, True),
        (TWO_VIEWS, True, True),
        ({"information": 0.3, **TWO_VIEWS}, True, True),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else "",
)
def test_what_is_asked_of_images_is_planned(asked, changed, without_labels):
    """Labelled ones alone can be changed, and agreement alone can teach."""
    settings = Settings(frozen_layers=0, steps=2, seeds=1, **asked)
    (plan,) = plans(settings)
    assert (plan.examples[0].unlabelled is not None) == without_labels
    recipe = plan.options.recipe
    assert (recipe is not None) == bool(asked)
    if recipe is not None:
        assert (recipe.kind.views is not None) == changed
        for name in ("information", "agreement", "augmentation"):
            assert getattr(recipe, name) == getattr(settings, name)


@pytest.mark.slow
def test_foreign_images_go_through_the_frozen_layers_too():
    settings = Settings(
        information=0.3, foreign_images="fashion", frozen_layers=3, steps=2, seeds=1
    )
    (plan,) = plans(settings)
    own, foreign = (
        frozen_features(pretrained("glyphs"), 3, datasets.load(name)).train.images
        for name in ("mnist", "fashion")
    )
    found = plan.examples[0].unlabelled.features
    np.testing.assert_array_equal(found, np.concatenate([own, foreign]))


@pytest.mark.parametrize("batch_size", [1, 7, 1000])
def test_a_batch_is_as_large_as_asked_and_as_there_are_labels(batch_size):
    settings = Settings(batch_size=batch_size, source=None, labels_per_class=2, steps=3, seeds=2)
    (plan,) = plans(settings)
    for seed, found in enumerate(plan.examples[0].batches):
        expected = training.draw_batches(20, min(batch_size, 20), 3, seed)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("labels_per_class", [0, 2])
def test_copied_layers_take_smaller_steps_and_heads_do_not(labels_per_class):
    """A head that was copied, too: it has to follow the fresh layers before it."""
    settings = Settings(
        labels_per_class=labels_per_class,
        information=0.3,
        copied_layers=3,
        frozen_layers=1,
        trunk_learning_rate=0.1,
        steps=2,
        seeds=1,
    )
    tasks, source = experiments.choose_tasks(settings), experiments.initialise(settings)
    network = build_network(settings, tasks, source, 1)
    options = plan_stage(settings, tasks, network, settings.stages[0]).options
    places = network.architecture.positions
    assert options.slow == (*places["convolution_2"], *places["convolution_3"])
    assert options.slow_rate == [0.1] * 4


@pytest.mark.slow
def test_foreign_images_are_read_at_the_size_that_is_asked_for(monkeypatch):
    settings = Settings(
        trunk="efficientnet-lite0",
        image_size=32,
        targets=("uci-digits",),
        information=0.3,
        foreign_images="mnist",
        frozen_layers=0,
        steps=1,
        seeds=1,
    )
    tasks = experiments.choose_tasks(settings)
    network = build_network(settings, tasks, experiments.initialise(settings), 0)
    sizes = []
    monkeypatch.setattr(
        datasets, "load", lambda name, size=None: sizes.append(size) or tasks["uci-digits"].data
    )
    plan_stage(settings, tasks, network, settings.stages[0])
    assert sizes == [32]


@pytest.mark.parametrize(("counts", "size"), [((50, 7, 11), 7), ((50, 40, 45), 32)])
def test_seeds_may_have_unequally_many_images(counts, size):
    """As where an image has several labels, or belongs to a group: each sees its own, and all."""
    settings = Settings(source=None, information=0.3, steps=9, seeds=3)
    tasks = experiments.choose_tasks(settings)
    choices = [
        choice._replace(labelled=choice.labelled[:count], unlabelled=choice.unlabelled[: 2 * count])
        for choice, count in zip(tasks["mnist"].choices, counts, strict=True)
    ]
    tasks = {"mnist": replace(tasks["mnist"], choices=choices)}
    network = build_network(settings, tasks, None, 0)
    (examples,) = plan_stage(settings, tasks, network, settings.stages[0]).examples
    train, rest = datasets.load("mnist").train, examples.unlabelled
    for seed, (choice, count) in enumerate(zip(choices, counts, strict=True)):
        seen = choice.labelled[training.draw_batches(count, size, 9, seed)]
        batches = examples.batches[seed]
        np.testing.assert_array_equal(examples.features[seed][batches], train.images[seen])
        np.testing.assert_array_equal(examples.labels[seed][batches], train.labels[seen])
        batches = training.draw_batches(2 * count, min(128, 2 * min(counts)), 9, seed)
        np.testing.assert_array_equal(rest.batches[seed], choice.unlabelled[batches])


def test_balanced_classes_are_seen_equally_often_and_every_image_of_a_class_as_well():
    settings = Settings(source=None, class_weights="balanced", steps=400, seeds=2)
    tasks = experiments.choose_tasks(settings)
    labels = tasks["mnist"].data.train.labels
    rare = np.concatenate([np.flatnonzero(labels == 3)[:4], np.flatnonzero(labels == 8)[:36]])
    choices = [choice._replace(labelled=rare) for choice in tasks["mnist"].choices]
    tasks = {"mnist": replace(tasks["mnist"], choices=choices)}
    network = build_network(settings, tasks, None, 0)
    (balanced,) = plan_stage(settings, tasks, network, settings.stages[0]).examples
    plain = settings.replace(class_weights="none")
    (usual,) = plan_stage(plain, tasks, network, settings.stages[0]).examples
    assert balanced.batches.shape == usual.batches.shape == (2, 400, 32)
    for found, share in ((balanced, 0.5), (usual, 0.1)):
        for seed in range(2):
            seen = found.labels[seed][found.batches[seed]]
            assert np.mean(seen == 3) == pytest.approx(share, abs=0.02)
    counts = np.bincount(balanced.batches[0].ravel(), minlength=40)
    assert counts[:4].min() > 1_400 and 100 < counts[4:].min() < counts[4:].max() < 260
    assert (balanced.batches[0] != balanced.batches[1]).any()


@pytest.mark.parametrize("kind", ["multi-label", "regression"])
def test_only_classes_can_be_balanced(kind):
    part = datasets.Part(np.zeros((4, 28, 28, 1), np.float32), np.zeros((4, 2), np.float32))
    data = datasets.Dataset("pets", "Pets", part, part, ("cat", "dog"), "", "", kind)
    settings = Settings(class_weights="balanced")
    with pytest.raises(WorkbookError, match=f"'pets' is of the kind {kind}: leave class_weights"):
        examples._draw_labelled(settings, data, np.arange(4), 2, 0)


def test_a_stage_sees_what_its_steps_of_the_whole_training_would_see():
    settings = Settings(
        source=None, information=0.3, schedule="cosine", labels_per_class=5, steps=9, seeds=2
    )
    (whole,) = plans(settings)
    tasks = experiments.choose_tasks(settings)
    network = build_network(settings, tasks, None, 0)
    part = plan_stage(settings, tasks, network, Stage(0, 3, 7))
    np.testing.assert_array_equal(part.options.learning_rate, whole.options.learning_rate[3:7])
    (one,), (of_all,) = part.examples, whole.examples
    np.testing.assert_array_equal(one.batches, of_all.batches[:, 3:7])
    np.testing.assert_array_equal(one.unlabelled.batches, of_all.unlabelled.batches[:, 3:7])


def with_shares(shares, left):
    """Plan the images of a step, where so many of each of three classes are without a label."""
    labels = np.repeat([0, 1, 2], left).astype(np.int32)
    images = np.zeros((len(labels), 28, 28, 1), np.float32)
    part = datasets.Part(images, labels)
    data = datasets.Dataset(
        "pets", "Pets", part, part, ("cat", "dog", "bird"), "", "", "classification"
    )
    settings = Settings(information=0.3, class_shares=shares, steps=50, seeds=1)
    drawn = examples._draw_unlabelled(settings, data, np.arange(len(labels)), 16, 0)
    return np.bincount(labels[drawn.ravel()], minlength=3) / drawn.size


def test_shares_of_classes_are_those_asked_for():
    for shares, left in (((0.5, 0.3, 0.2), (5, 90, 5)), ((0.6, 0.4, 0.0), (3, 30, 0))):
        np.testing.assert_allclose(with_shares(shares, left), shares, atol=0.02)


@pytest.mark.parametrize("left", [(9, 0, 9), (9, 0, 0), (0, 0, 9)])
@pytest.mark.parametrize("shares", [(0.0, 1.0, 0.0), (0.2, 0.6, 0.2), (0.0, 1e-6, 1 - 1e-6)])
def test_a_share_of_a_class_that_is_used_up_gets_one_sentence(shares, left):
    words = (
        "asks for .* of class '(cat|dog|bird)' of 'pets', but all of its .* lower labels_per_class"
    )
    with pytest.raises(WorkbookError, match=words):
        with_shares(shares, left)


def test_earlier_blocks_take_smaller_steps():
    """By hand, for four blocks: the last at half the head's steps, the one before at a quarter."""
    settings = Settings(
        source="uci-digits", frozen_layers=1, layer_decay=0.5, trunk_learning_rate=0.8, seeds=1
    )
    tasks = experiments.choose_tasks(settings)
    network = build_network(settings, tasks, pretrained("uci-digits"), 1)
    options = plan_stage(settings, tasks, network, settings.stages[0]).options
    factors = dict(zip(options.slow, options.slow_rate, strict=True))
    for name, factor in (("convolution_2", 0.1), ("convolution_3", 0.2), ("dense", 0.4)):
        for position in network.architecture.positions[name]:
            assert factors[position] == pytest.approx(factor)
    assert len(factors) == 6


def test_texts_get_gaps_where_images_are_turned():
    views = {}
    for trunk, target in (("small-cnn", "mnist"), ("words", "yelp")):
        settings = Settings(
            trunk=trunk, source=None, targets=(target,), steps=2, seeds=1, **TWO_VIEWS
        )
        (plan,) = plans(settings)
        assert plan.options.recipe is not None
        views[trunk] = plan.options.recipe.kind.views
    assert views == {"small-cnn": AffineViews(), "words": WordDropout()}


@pytest.mark.slow
def test_the_workbook_s_recipe_learns_from_texts_too():
    settings = Settings(trunk="words", recipe="simmim", targets=("yelp",), image_size=16, steps=6,
                        labels_per_class=4, seeds=2)  # fmt: skip
    result = experiments.run(settings, baseline=False)
    assert settings.augmentation and np.isfinite(result.accuracy["yelp"]).all()
