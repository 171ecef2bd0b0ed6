import itertools
import json
import subprocess
import sys
import weakref
from types import SimpleNamespace

import image_making
import keras
import numpy as np
import pytest
from PIL import Image
from rehearsal import rehearsed, stages, trained
from scipy import stats

import simmim_lib
from simmim_lib import collapse, datasets, experiments, freezing, training, trunks
from simmim_lib.datasets import catalogue, loading, registered
from simmim_lib.errors import WorkbookError
from simmim_lib.experiments import experiment
from simmim_lib.experiments.experiment import WATCHED
from simmim_lib.experiments.features import frozen_features
from simmim_lib.experiments.network import build_architecture
from simmim_lib.experiments.pretraining import pretrained
from simmim_lib.foundation.intervals import interval
from simmim_lib.settings import Settings

BATCH_SIZE = Settings().batch_size
TINY = {"steps": 5, "seeds": 2}


@pytest.mark.slow
def test_glyphs_help_mnist_by_five_points():
    """The promise of lesson 01, over ten seeds, with the interval of the paired difference."""
    result = simmim_lib.run(Settings(source="glyphs", targets=("mnist",), seeds=10))
    gain = result.accuracy["mnist"] - result.baseline["mnist"]
    low, _ = stats.t.interval(0.95, len(gain) - 1, np.mean(gain), stats.sem(gain))
    assert gain.mean() >= 0.05
    assert low > 0


@pytest.mark.slow
def test_a_result_says_all_there_is():
    settings = Settings(targets=("mnist", "uci-digits"), **TINY)
    result = simmim_lib.run(settings)
    assert result.settings == settings
    assert result.budget == "quick"
    assert result.seconds > 0
    for target, images in (("mnist", 1000), ("uci-digits", 500)):
        truth = datasets.load(target).test.labels
        assert result.accuracy[target].shape == (2,)
        assert result.baseline[target].shape == (2,)
        assert result.predictions[target].shape == (2, images)
        share = [np.mean(guesses == truth) for guesses in result.predictions[target]]
        np.testing.assert_allclose(result.accuracy[target], share)
        assert np.all((result.validation[target] > 0) & (result.validation[target] < 1))


@pytest.mark.slow
def test_the_same_settings_give_the_same_result():
    settings = Settings(frozen_layers=3, **TINY)
    one, two = (simmim_lib.run(settings, baseline=False) for _ in range(2))
    assert np.array_equal(one.accuracy["mnist"], two.accuracy["mnist"])
    assert not one.baseline


@pytest.mark.slow
def test_a_seed_is_the_same_alone_and_in_company():
    settings = Settings(steps=30, seeds=3, frozen_layers=3)
    many = experiments.run(settings, baseline=False).predictions["mnist"]
    one = experiments.run(settings.replace(seeds=1), baseline=False).predictions["mnist"]
    assert np.mean(many[0] == one[0]) > 0.995  # sums of floats in another order


@pytest.mark.slow
@pytest.mark.parametrize("adaptation", ["probe", "probe-then-fine-tune"])
def test_a_probe_learns(adaptation):
    result = simmim_lib.run(Settings(adaptation=adaptation, seeds=3), baseline=False)
    assert result.accuracy["mnist"].mean() > 0.7


@pytest.mark.slow
def test_a_probe_ignores_the_frozen_layers():
    accuracies = [
        simmim_lib.run(
            Settings(adaptation="probe", frozen_layers=n, **TINY), baseline=False
        ).accuracy
        for n in (0, 4)
    ]
    assert np.array_equal(accuracies[0]["mnist"], accuracies[1]["mnist"])


def test_layers_that_are_not_copied_start_fresh():
    settings = Settings(copied_layers=2, frozen_layers=1, seeds=2)
    tasks, trained = experiments.choose_tasks(settings), experiments.initialise(settings)
    weights = experiments.transfer(settings, tasks, trained).weights
    source = pretrained("glyphs").weights
    assert np.array_equal(weights[0][0], source[2])
    assert np.array_equal(weights[0][1], source[2])
    assert not np.array_equal(weights[2][0], source[4])
    assert not np.array_equal(weights[2][0], weights[2][1])  # another start for each seed


DIGITS = ("mnist", "uci-digits")


@pytest.mark.slow
def test_a_target_that_counts_nothing_is_not_learnt():
    """Its head stays as it was, and the other target is adapted to as if it were alone."""
    joint = Settings(targets=DIGITS, task_weights=(1, 0), steps=40, seeds=2)
    one = experiments.run(joint, baseline=False)
    alone = experiments.run(joint.separately()[0], baseline=False)
    assert np.mean(one.predictions["mnist"] == alone.predictions["mnist"]) > 0.99
    assert one.accuracy["mnist"].mean() > 0.6
    assert one.accuracy["uci-digits"].mean() < 0.4


@pytest.mark.slow
def test_a_shared_head_teaches_a_target_without_a_weight():
    """What MNIST teaches a head in common, serves the UCI digits; a head of their own it cannot."""
    own = Settings(targets=DIGITS, task_weights=(1, 0), labels_per_class=50, seeds=2)
    results = [
        experiments.run(each, baseline=False) for each in (own, own.replace(shared_heads=True))
    ]
    alone, shared = (result.accuracy["uci-digits"].mean() for result in results)
    assert shared > alone + 0.2


@pytest.mark.slow
def test_one_target_alone_is_the_same_as_before_there_were_several():
    """The four steps by hand, for one target, with Keras's own layers for the whole network."""
    settings = Settings(steps=30, seeds=1, frozen_layers=2)
    target = experiments.choose_tasks(settings)["mnist"]
    network = pretrained("glyphs").as_model()
    model = trunks.add_head(trunks.build_trunk(), 10)
    freezing.copy_layers(network, model, 4)
    freezing.freeze(model, 2)
    back = build_architecture((simmim_lib.Task("mnist", target.data.class_names),), False, 2).model
    model.layers[-1].set_weights(trunks.fresh_weights(back, 0)[-2:])
    model.compile(
        keras.optimizers.Adam(settings.learning_rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    chosen = target.choices[0].labelled
    train = target.data.train
    for batch in training.draw_batches(len(chosen), BATCH_SIZE, 30, seed=0):
        model.train_on_batch(train.images[chosen[batch]], train.labels[chosen[batch]])
    expected = model.predict(target.data.test.images, verbose=0).argmax(axis=1)
    found = experiments.run(settings, baseline=False).predictions["mnist"][0]
    assert np.mean(found == expected) > 0.99


@pytest.mark.slow
def test_the_baseline_of_a_joint_network_is_each_target_alone_from_scratch():
    settings = Settings(targets=DIGITS, **TINY)
    joint = experiments.run(settings)
    for alone in settings.from_scratch().separately():
        (name,) = alone.targets
        expected = experiments.run(alone, baseline=False).accuracy[name]
        assert np.array_equal(joint.baseline[name], expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "options", "trained_from_scratch"),
    [
        ({}, {}, ["mnist", "uci-digits"]),
        ({}, {"baseline": False}, []),
        ({"source": None}, {}, []),
        ({"baseline": "none"}, {}, []),
        ({"baseline": "small-trunk"}, {}, ["mnist", "uci-digits"]),
        ({"labels_per_class": (0, 5), "information": 0.3}, {}, ["uci-digits"]),
    ],
)
def test_each_target_with_labels_has_a_baseline_unless_all_is_from_scratch(
    changes, options, trained_from_scratch
):
    with rehearsed() as calls:
        result = experiments.run(Settings(targets=DIGITS, **TINY).replace(**changes), **options)
    assert len(calls) == 1 + len(trained_from_scratch)
    assert list(result.baseline) == trained_from_scratch


@pytest.mark.slow
def test_the_seconds_of_the_baselines_count(monkeypatch):
    """By a clock that goes on by one whenever it is looked at, at the start and at the end."""
    clock = SimpleNamespace(perf_counter=itertools.count().__next__)
    monkeypatch.setattr(experiment, "time", clock)
    for baseline, seconds in ((False, 1), (True, 3)):
        with rehearsed():
            result = experiments.run(Settings(targets=DIGITS, **TINY), baseline=baseline)
        assert result.seconds == seconds


# --- What is handed to training, and what is measured afterwards


def test_each_seed_learns_its_own_images_in_its_own_batches():
    settings = Settings(targets=DIGITS, labels_per_class=(5, 10), source=None, steps=6, seeds=3)
    tasks = experiments.choose_tasks(settings)
    (stage,) = stages(settings)
    for name, count, examples in zip(DIGITS, (50, 100), stage.examples, strict=True):
        train = datasets.load(name).train
        assert examples.unlabelled is None
        for seed, choice in enumerate(tasks[name].choices):
            np.testing.assert_array_equal(examples.features[seed], train.images[choice.labelled])
            np.testing.assert_array_equal(examples.labels[seed], train.labels[choice.labelled])
            batches = training.draw_batches(count, 32, 6, seed)
            np.testing.assert_array_equal(examples.batches[seed], batches)


def test_each_seed_s_images_are_those_that_few_shot_draws():
    (stage,) = stages(Settings(labels_per_class=2, source=None, steps=1, seeds=2))
    for seed, images in enumerate(stage.examples[0].features):
        labelled = datasets.few_shot("mnist", 2, seed).labelled
        np.testing.assert_array_equal(images, labelled.images)


def test_what_the_settings_ask_for_reaches_the_training():
    settings = Settings(
        targets=DIGITS,
        task_weights=(1, 3),
        weighting="pcgrad",
        optimizer="momentum",
        schedule="warm-up",
        learning_rate=0.02,
        frozen_layers=1,
        **TINY,
    )
    (stage,) = stages(settings)
    assert tuple(stage.options.task_weights) == (1, 3)
    assert (stage.options.weighting, stage.options.optimizer, stage.options.strategy) == (
        "pcgrad",
        "momentum",
        None,
    )
    assert stage.options.recipe is None
    np.testing.assert_allclose(
        stage.options.learning_rate, training.learning_rates("warm-up", 0.02, 5)
    )


def test_the_second_half_of_the_training_goes_on_where_the_first_stopped():
    """With its learning rates, its batches and the steps that are counted; of 9 steps 4 and 5."""
    settings = Settings(adaptation="probe-then-fine-tune", schedule="cosine", steps=9, seeds=2)
    first, second = stages(settings)
    rates = training.learning_rates("cosine", settings.learning_rate, 9)
    np.testing.assert_allclose(first.options.learning_rate, rates[:4])
    np.testing.assert_allclose(second.options.learning_rate, rates[4:])
    batches = np.stack([training.draw_batches(100, 32, 9, seed) for seed in range(2)])
    np.testing.assert_array_equal(first.examples[0].batches, batches[:, :4])
    np.testing.assert_array_equal(second.examples[0].batches, batches[:, 4:])
    told = []
    with rehearsed():
        experiments.run(settings, baseline=False, progress=lambda *now: told.append(now))
    assert told == [(4, 9), (9, 9)]


def test_the_second_half_starts_with_the_copied_layers_and_the_probe_s_heads():
    settings = Settings(adaptation="probe-then-fine-tune", frozen_layers=1, **TINY)
    first, second = stages(settings)
    source = pretrained("glyphs").weights
    assert len(first.weights) == 2  # the head alone
    for found, expected in zip(second.weights[-2:], trained(first.weights), strict=True):
        np.testing.assert_array_equal(found, expected)
    for found, expected in zip(second.weights[:-2], source[2:-2], strict=True):
        np.testing.assert_array_equal(found, np.stack([expected] * 2))
    chosen = experiments.choose_tasks(settings)["mnist"].choices[1].labelled
    for stage, depth in ((first, 4), (second, 1)):
        images = frozen_features(pretrained("glyphs"), depth, datasets.load("mnist")).train.images[
            chosen
        ]
        np.testing.assert_array_equal(stage.examples[0].features[1], images)


def test_each_stage_of_gradual_unfreezing_starts_with_what_the_one_before_has_learnt():
    """Beside it stands a layer more of the source's."""
    settings = Settings(adaptation="gradual-unfreezing", frozen_layers=2, steps=9, seeds=2)
    probe, dense, convolution = stages(settings)
    source = pretrained("glyphs").blocks
    assert [len(stage.weights) for stage in (probe, dense, convolution)] == [2, 4, 6]
    copied = [np.stack([weight] * 2) for weight in (*source["convolution_3"], *source["dense"])]
    for found, expected in (
        (dense.weights, [*copied[2:], *trained(probe.weights)]),
        (convolution.weights, [*copied[:2], *trained(dense.weights)]),
    ):
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other)
    batches = np.stack([training.draw_batches(100, 32, 9, seed) for seed in range(2)])
    for stage, first in ((probe, 0), (dense, 3), (convolution, 6)):
        np.testing.assert_array_equal(stage.examples[0].batches, batches[:, first : first + 3])


def accuracy_of(network, weights, part, positions, name, seed):
    """Return the share of some images that one seed's weights classify correctly."""
    of_seed = [weight[seed : seed + 1] for weight in weights]
    logits = training.predict(network.model, of_seed, part.images[positions], name)[0]
    return np.mean(logits.argmax(axis=-1) == part.labels[positions])


def test_accuracies_are_of_each_seed_s_trained_weights_on_the_part_they_name():
    settings = Settings(targets=DIGITS, frozen_layers=3, **TINY)
    with rehearsed() as calls:
        result = experiments.run(settings, baseline=False)
    weights = trained(calls[0].weights)
    tasks = experiments.choose_tasks(settings)
    network = experiments.transfer(settings, tasks, experiments.initialise(settings))
    for name, task in tasks.items():
        data = network.features[name]
        for seed, choice in enumerate(task.choices):
            everything = np.arange(len(data.test))
            found = accuracy_of(network, weights, data.train, choice.validation, name, seed)
            assert result.validation[name][seed] == pytest.approx(found)
            found = accuracy_of(network, weights, data.test, everything, name, seed)
            assert result.accuracy[name][seed] == pytest.approx(found)
        assert not np.allclose(result.validation[name], result.accuracy[name])


def test_a_course_looks_at_the_first_validation_images_of_each_seed():
    settings = Settings(frozen_layers=3, **TINY)
    told = []
    with rehearsed() as calls:
        before, after, done = experiments.follow(settings, lambda *now: told.append(now))
    assert told == [(5, 5)]
    tasks = experiments.choose_tasks(settings)
    network = experiments.transfer(settings, tasks, experiments.initialise(settings))
    train, start = network.features["mnist"].train, calls[0].weights
    assert (list(before.steps), list(after.steps)) == ([0], [0, 5])
    assert (before.result, after.result) == (None, None) and done.result is not None
    for seed, choice in enumerate(tasks["mnist"].choices):
        some = choice.validation[:WATCHED]
        np.testing.assert_array_equal(done.labels["mnist"][seed], train.labels[some])
        for look, weights in enumerate((start, trained(start))):
            found = accuracy_of(network, weights, train, some, "mnist", seed)
            assert done.validation["mnist"][look, seed] == pytest.approx(found)
        guessed = done.probabilities["mnist"][seed].argmax(axis=-1)
        share = np.mean(guessed == train.labels[some])
        assert done.validation["mnist"][-1, seed] == pytest.approx(share)


def test_a_course_of_a_regression_begins_in_the_units_of_its_labels(tmp_path):
    # Of about 1500, with a spread of 200.
    target = f"csv:{image_making.fill_table(tmp_path)}?label=score"
    settings = Settings(targets=(target,), labels_per_class="all", source=None, steps=2, seeds=1)
    with rehearsed():
        before, *_ = experiments.follow(settings)
    assert -before.validation[target][0, 0] < 1000  # whoever says 0 is off by 1500


def test_a_collapse_is_looked_for_on_each_seeds_own_validation_images():
    settings = Settings(frozen_layers=3, information=0.3, class_prior=(0.55, *[0.05] * 9), **TINY)
    with rehearsed() as calls:
        result = experiments.run(settings, baseline=False)
    images = frozen_features(pretrained("glyphs"), 3, datasets.load("mnist")).train.images
    weights, found = trained(calls[0].weights), result.diagnostics["mnist"]
    for seed, choice in enumerate(experiments.choose_tasks(settings)["mnist"].choices):
        of_seed = [weight[seed][None] for weight in weights]
        logits = training.predict(calls[0].model, of_seed, images[choice.validation], "mnist")
        expected = collapse.diagnose(logits, np.array(settings.class_prior))
        assert found.largest_share[seed] == pytest.approx(expected.largest_share[0])
        assert found.entropy[seed] == pytest.approx(expected.entropy[0])
        assert found.expected_entropy == expected.expected_entropy


def test_a_head_is_copied_class_by_class(tmp_path, monkeypatch):
    """The source counts digits first, then letters; the target's classes lie apart in its head."""
    monkeypatch.setattr(registered, "_datasets", {})
    monkeypatch.setattr(catalogue, "_added", {})
    random = np.random.default_rng(0)
    for name in ("3", "B", "Q"):
        (tmp_path / name).mkdir()
        for number in range(6):
            pixels = random.integers(256, size=(28, 28), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{number}.png")
    datasets.from_folder(tmp_path, name="signs", grey=True)
    settings = Settings(
        targets=("signs",), labels_per_class=0, frozen_layers=0, information=0.3, seeds=2
    )
    tasks = experiments.choose_tasks(settings)
    weights = experiments.transfer(settings, tasks, experiments.initialise(settings)).weights
    names = datasets.describe("glyphs").class_names
    columns = [names.index(name) for name in ("3", "B", "Q")]
    assert columns != [0, 1, 2]
    kernel, bias = pretrained("glyphs").weights[-2:]
    for seed in range(2):
        np.testing.assert_array_equal(weights[-2][seed], kernel[:, columns])
        np.testing.assert_array_equal(weights[-1][seed], bias[columns])


def test_a_target_with_labels_starts_with_a_head_that_knows_nothing():
    (stage,) = stages(Settings(**TINY))
    source = pretrained("glyphs").weights
    kernel, bias = stage.weights[-2:]
    assert not np.array_equal(kernel[0], kernel[1]) and not bias.any()
    assert not np.array_equal(kernel[0], source[-2][:, :10])


def test_features_are_what_the_frozen_layers_give():
    data = frozen_features(pretrained("glyphs"), 2, datasets.load("mnist"))
    network = pretrained("glyphs").as_model()
    front = keras.Sequential(network.layers[:2])
    images = datasets.load("mnist").test.images
    np.testing.assert_allclose(data.test.images, front(images), atol=1e-5)
    assert np.array_equal(data.test.labels, datasets.load("mnist").test.labels)


def test_interval_is_student_s():
    values = np.array([0.7, 0.8, 0.75, 0.9])
    mean, width = interval(values)
    low, high = stats.t.interval(0.95, 3, values.mean(), stats.sem(values))
    np.testing.assert_allclose([mean - width, mean + width], [low, high])
    assert interval(np.array([0.5])) == (0.5, float("inf"))


@pytest.mark.slow
def test_json_holds_settings_accuracies_and_versions(tmp_path):
    result = simmim_lib.run(Settings(**TINY))
    path = tmp_path / "result.json"
    result.to_json(path)
    stored = json.loads(path.read_text())
    assert Settings.from_mapping(stored["settings"]) == result.settings
    assert stored["accuracy"]["mnist"] == result.accuracy["mnist"].tolist()
    assert stored["baseline"]["mnist"] == result.baseline["mnist"].tolist()
    assert stored["validation"]["mnist"] == result.validation["mnist"].tolist()
    assert {"python", "tensorflow", "keras", "numpy", "simmim-workbook"} == set(stored["versions"])
    assert [item.name for item in tmp_path.iterdir()] == ["result.json"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"targets": ("mnits",)}, "Did you mean 'mnist'?"),
        ({"source": "glyph"}, "Did you mean 'glyphs'?"),
        ({"labels_per_class": 400}, "at most"),
    ],
)
def test_bad_settings_get_one_sentence(changes, words):
    with pytest.raises(WorkbookError, match=r".") as caught:
        simmim_lib.run(Settings(**changes, **TINY))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_source_in_colour_does_not_fit_a_grey_target():
    with pytest.raises(WorkbookError, match="'mnist' has 1 colour channels and 'bloodmnist' has 3"):
        simmim_lib.run(Settings(source="bloodmnist"))


def test_foreign_images_in_colour_do_not_fit_a_grey_target():
    settings = Settings(foreign_images="bloodmnist", information=0.3)
    with pytest.raises(WorkbookError, match="'mnist' has 1 colour channels and 'bloodmnist' has 3"):
        simmim_lib.run(settings)


@pytest.mark.slow
def test_images_of_a_source_that_comes_pretrained_are_not_needed(monkeypatch):
    """Glyphs take two seconds to draw: a learner's first experiment must not wait for them."""
    monkeypatch.setattr(datasets.glyphs, "render_parts", lambda: pytest.fail("drawn"))
    loading._load.cache_clear()
    assert simmim_lib.run(Settings(steps=20, seeds=1)).accuracy["mnist"].shape == (1,)


@pytest.mark.slow
def test_an_interrupt_in_the_middle_leaves_the_workbook_usable():
    def interrupt(done, total):
        raise KeyboardInterrupt

    settings = Settings(steps=40, seeds=2)
    with pytest.raises(KeyboardInterrupt):
        simmim_lib.run(settings, progress=interrupt)
    assert simmim_lib.run(settings, baseline=False).accuracy["mnist"].mean() > 0.3


@pytest.mark.slow
def test_tensorflow_starts_in_silence():
    """No message on any stream, of Python's or of the compiled code's."""
    code = "from simmim_lib.foundation.startup import load_tensorflow as load; load()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.slow
def test_seeds_trained_one_after_the_other_are_those_trained_side_by_side(monkeypatch):
    """With views, random numbers and a weighting that draws, which all know a seed's number."""
    settings = Settings(
        targets=("mnist", "uci-digits"),
        frozen_layers=0,
        information=1.0,
        agreement=1.0,
        augmentation=1.0,
        weighting="random",
        **TINY,
    )
    side_by_side = experiments.run(settings, baseline=False)
    monkeypatch.setattr(experiment, "SIDE_BY_SIDE", 0)
    told = []
    apart = experiments.run(settings, baseline=False, progress=lambda *now: told.append(now))
    for target in settings.targets:
        np.testing.assert_allclose(
            apart.probabilities[target], side_by_side.probabilities[target], atol=1e-4
        )
    assert told == [(2, 5), (5, 5)]


@pytest.mark.slow
def test_copied_layers_take_steps_of_their_own_size():
    """The optimizer's step is made smaller, and a fresh layer's is not."""
    plain = Settings(targets=("uci-digits",), frozen_layers=2, copied_layers=3, steps=1, seeds=1)
    moved = {}
    for rate in (1.0, 0.25):
        settings = plain.replace(trunk_learning_rate=rate)
        tasks = experiment.choose_tasks(settings)
        network = experiment.transfer(settings, tasks, experiment.initialise(settings))
        (after,) = experiment.maximise_information(settings, tasks, network)
        steps = [new - old for new, old in zip(after, network.weights, strict=True)]
        moved[rate] = {
            name: [steps[position] for position in positions]
            for name, positions in network.architecture.positions.items()
        }
    for name, factor in (("convolution_3", 0.25), ("dense", 1.0), ("head of uci-digits", 1.0)):
        for whole, part in zip(moved[1.0][name], moved[0.25][name], strict=True):
            assert np.abs(whole).max() > 0
            np.testing.assert_allclose(part, factor * whole, atol=1e-6)


def test_one_folder_is_no_two_targets(tmp_path):
    folder = image_making.fill(tmp_path / "pets", {"cat": 10, "dog": 10})
    settings = Settings(targets=(f"folder:{folder}", f"folder:{folder}/."))
    with pytest.raises(WorkbookError, match="are the same data: name them once"):
        experiments.choose_tasks(settings)


@pytest.mark.slow
def test_gradual_unfreezing_trains_one_layer_more_in_each_part():
    settings = Settings(
        targets=("uci-digits",), adaptation="gradual-unfreezing", frozen_layers=2, steps=60, seeds=1
    )
    tasks = experiment.choose_tasks(settings)
    network = experiment.transfer(settings, tasks, experiment.initialise(settings))
    places = network.architecture.positions
    looks = [network.weights, *experiment.maximise_information(settings, tasks, network)]
    changed = [
        [
            name
            for name, positions in places.items()
            if any(not np.array_equal(new[position], old[position]) for position in positions)
        ]
        for old, new in itertools.pairwise(looks)
    ]
    head = "head of uci-digits"
    assert changed == [[head], ["dense", head], ["convolution_3", "dense", head]]


@pytest.mark.slow
def test_grey_and_colour_targets_share_a_trunk_for_colour(tmp_path):
    """Frozen, each goes through it at its own size; trained, both are brought to one."""
    folder = image_making.fill(tmp_path / "pets", {"cat": 10, "dog": 10}, (40, 50, 3))
    settings = Settings(
        trunk="efficientnet-lite0",
        image_size=32,
        targets=("uci-digits", f"folder:{folder}"),
        labels_per_class=2,
        steps=2,
        seeds=1,
    )
    frozen = experiments.run(settings, baseline=False)
    assert {name: each.shape for name, each in frozen.accuracy.items()} == dict.fromkeys(
        settings.targets, (1,)
    )
    tasks = experiment.choose_tasks(settings)
    network = experiment.transfer(
        settings.replace(frozen_layers=0), tasks, experiment.initialise(settings)
    )
    assert {each.train.images.shape[1:] for each in network.features.values()} == {(32, 32, 3)}


@pytest.mark.slow
def test_a_network_that_is_given_takes_the_place_of_the_one_that_is_named():
    settings = Settings(targets=("uci-digits",), steps=2, seeds=1)
    named, given, other = (
        experiments.run(settings, baseline=False, source=source).probabilities["uci-digits"]
        for source in (None, pretrained("glyphs"), pretrained("mnist"))
    )
    np.testing.assert_array_equal(named, given)
    assert (named != other).any()


def test_no_more_than_two_looks_at_a_network_are_in_memory(monkeypatch):
    """Those of a large network, taken after every few steps, would fill it."""
    alive = []

    def looks(*_):
        for number in range(5):
            weight = np.full(3, number)
            alive.append(weakref.ref(weight))
            assert sum(each() is not None for each in alive) <= 2
            yield [weight]

    monkeypatch.setattr(experiment, "maximise_information", looks)
    monkeypatch.setattr(experiment, "_test", lambda *given: given[3])
    (weight,) = experiment._run_one(Settings(), lambda done, total: None)
    assert weight.tolist() == [4, 4, 4]
