import json
import subprocess
import sys

import keras
import numpy as np
import pytest
from scipy import stats

import simmim_lib
from simmim_lib import datasets, experiment, models, pretraining, training, transfer
from simmim_lib.errors import WorkbookError
from simmim_lib.settings import Settings

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


def test_the_same_settings_give_the_same_result():
    settings = Settings(frozen_layers=3, **TINY)
    one, two = (simmim_lib.run(settings, baseline=False) for _ in range(2))
    assert np.array_equal(one.accuracy["mnist"], two.accuracy["mnist"])
    assert not one.baseline


def test_a_seed_is_the_same_alone_and_in_company():
    settings = Settings(steps=30, seeds=3, frozen_layers=3)
    many = experiment.run(settings, baseline=False).predictions["mnist"]
    one = experiment.run(settings.replace(seeds=1), baseline=False).predictions["mnist"]
    assert np.mean(many[0] == one[0]) > 0.995  # sums of floats in another order


@pytest.mark.parametrize("adaptation", ["probe", "probe-then-fine-tune"])
def test_a_probe_learns(adaptation):
    result = simmim_lib.run(Settings(adaptation=adaptation, seeds=3), baseline=False)
    assert result.accuracy["mnist"].mean() > 0.7


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
    tasks, trained = experiment.choose_tasks(settings), experiment.initialise(settings)
    weights = experiment.transfer(settings, tasks, trained).weights
    source = pretraining.pretrained("glyphs").weights
    assert np.array_equal(weights[0][0], source[2])
    assert np.array_equal(weights[0][1], source[2])
    assert not np.array_equal(weights[2][0], source[4])
    assert not np.array_equal(weights[2][0], weights[2][1])  # another start for each seed


DIGITS = ("mnist", "uci-digits")


def test_a_target_that_counts_nothing_is_not_learnt():
    """Its head stays as it was, and the other target is adapted to as if it were alone."""
    joint = Settings(targets=DIGITS, task_weights=(1, 0), steps=40, seeds=2)
    one = experiment.run(joint, baseline=False)
    alone = experiment.run(joint.separately()[0], baseline=False)
    assert np.mean(one.predictions["mnist"] == alone.predictions["mnist"]) > 0.99
    assert one.accuracy["mnist"].mean() > 0.6
    assert one.accuracy["uci-digits"].mean() < 0.4


def test_a_shared_head_teaches_a_target_without_a_weight():
    """What MNIST teaches a head in common, serves the UCI digits; a head of their own it cannot."""
    own = Settings(targets=DIGITS, task_weights=(1, 0), labels_per_class=50, seeds=2)
    results = [
        experiment.run(each, baseline=False) for each in (own, own.replace(shared_heads=True))
    ]
    alone, shared = (result.accuracy["uci-digits"].mean() for result in results)
    assert shared > alone + 0.2


@pytest.mark.slow
def test_one_target_alone_is_the_same_as_before_there_were_several():
    """The four steps by hand, for one target, with Keras's own layers for the whole network."""
    settings = Settings(steps=30, seeds=1, frozen_layers=2)
    target = experiment.choose_tasks(settings)["mnist"]
    network = pretraining.pretrained("glyphs").as_model()
    model = models.add_head(models.build_trunk(), 10)
    transfer.copy_layers(network, model, 4)
    transfer.freeze(model, 2)
    _, back = models.joint_network((models.Task("mnist", target.data.class_names),), False, 2)
    model.layers[-1].set_weights(models.fresh_weights(back, 0)[-2:])
    model.compile(
        keras.optimizers.Adam(settings.learning_rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    chosen = target.choices[0].labelled
    train = target.data.train
    for batch in training.draw_batches(len(chosen), experiment.BATCH_SIZE, 30, seed=0):
        model.train_on_batch(train.images[chosen[batch]], train.labels[chosen[batch]])
    expected = model.predict(target.data.test.images, verbose=0).argmax(axis=1)
    found = experiment.run(settings, baseline=False).predictions["mnist"][0]
    assert np.mean(found == expected) > 0.99


def test_the_baseline_of_a_joint_network_is_each_target_alone_from_scratch():
    settings = Settings(targets=DIGITS, **TINY)
    joint = experiment.run(settings)
    for alone in settings.from_scratch().separately():
        (name,) = alone.targets
        expected = experiment.run(alone, baseline=False).accuracy[name]
        assert np.array_equal(joint.baseline[name], expected)


def test_features_are_what_the_frozen_layers_give():
    data = experiment.features("glyphs", 2, "mnist")
    network = pretraining.pretrained("glyphs").as_model()
    front, _ = models.split(network, 2)
    images = datasets.load("mnist").test.images
    np.testing.assert_allclose(data.test.images, front(images), atol=1e-5)
    assert np.array_equal(data.test.labels, datasets.load("mnist").test.labels)


def test_interval_is_student_s():
    values = np.array([0.7, 0.8, 0.75, 0.9])
    mean, width = experiment.interval(values)
    low, high = stats.t.interval(0.95, 3, values.mean(), stats.sem(values))
    np.testing.assert_allclose([mean - width, mean + width], [low, high])
    assert experiment.interval(np.array([0.5])) == (0.5, float("inf"))


def test_json_holds_settings_accuracies_and_versions(tmp_path):
    result = simmim_lib.run(Settings(**TINY))
    path = tmp_path / "result.json"
    result.to_json(path)
    stored = json.loads(path.read_text())
    assert Settings.from_mapping(stored["settings"]) == result.settings
    assert stored["accuracy"]["mnist"] == result.accuracy["mnist"].tolist()
    assert stored["baseline"]["mnist"] == result.baseline["mnist"].tolist()
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


def test_images_of_a_source_that_comes_pretrained_are_not_needed(monkeypatch):
    """Glyphs take two seconds to draw: a learner's first experiment must not wait for them."""
    monkeypatch.setattr(datasets.glyphs, "render_parts", lambda: pytest.fail("drawn"))
    datasets._load.cache_clear()
    assert simmim_lib.run(Settings(steps=20, seeds=1)).accuracy["mnist"].shape == (1,)


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
    code = "from simmim_lib.startup import load_tensorflow; load_tensorflow(); import tensorflow"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
