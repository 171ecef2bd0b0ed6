"""What studies of lesson 05 measure besides accuracy, against numbers counted in other ways."""

import numpy as np
import pytest

from simmim_lib import datasets, experiments
from simmim_lib.collapse import Diagnosis
from simmim_lib.experiments import Result
from simmim_lib.experiments.pretraining import pretrained
from simmim_lib.lessons.information_maximisation import studies
from simmim_lib.settings import INFORMED, Settings

TRUTH = datasets.load("mnist").test.labels


def _result(settings, by_target, **more):
    nothing = {target: np.zeros(2) for target in by_target}
    return Result(settings, nothing, nothing, by_target, seconds=1.0, **more)


def test_calibration_and_predicted_classes():
    knowing = np.eye(10)[TRUTH]
    one_class = np.tile(np.eye(10)[3], (len(TRUTH), 1))
    diagnosis = Diagnosis(np.array([0.1, 1.0]), np.array([2.3, 0.0]), np.log(10))
    found = studies.calibration_and_collapse(
        _result(
            Settings(seeds=2),
            {"mnist": np.stack([knowing, one_class])},
            diagnostics={"mnist": diagnosis},
        )
    )
    assert found["calibration error"] == pytest.approx([0.0, 1 - np.mean(TRUTH == 3)])
    assert found["predicted classes"].tolist() == [10, 1]
    assert found["largest share"].tolist() == [0.1, 1.0]
    assert found["entropy"].tolist() == [2.3, 0.0]


@pytest.mark.parametrize(("images", "classes"), [(0, 1), (9, 1), (10, 2), (11, 2)])
def test_a_class_is_predicted_that_gets_one_image_in_a_hundred(images, classes):
    guesses = np.r_[np.full(1000 - images, 3), np.full(images, 7)]
    by_seed = np.eye(10)[np.stack([guesses, TRUTH])]
    found = studies.calibration_and_collapse(_result(Settings(seeds=2), {"mnist": by_seed}))
    assert found["predicted classes"].tolist() == [classes, 10]
    sure_and_right = np.mean(guesses == TRUTH)
    assert found["calibration error"] == pytest.approx([1 - sure_and_right, 0.0])


def test_with_several_targets_each_measure_has_its_targets_name():
    sure = np.eye(10)[np.stack([TRUTH])]
    names = ("mnist", "uci-digits")
    other = np.eye(10)[datasets.load("uci-digits").test.labels][None]
    by_target = {"mnist": sure, "uci-digits": other}
    found = studies.calibration_and_collapse(_result(Settings(targets=names, seeds=1), by_target))
    assert set(found) == {
        f"{name} {measure}"
        for name in names
        for measure in ("calibration error", "predicted classes")
    }


@pytest.mark.slow
def test_source_only_is_the_sources_own_network():
    """Glyphs' first ten characters are the digits: the source's own logits, without letters'."""
    settings = Settings(labels_per_class=0, seeds=2, **INFORMED)
    (accuracy, again) = studies.source_only(_result(settings, {}))["source only"]
    logits = pretrained("glyphs").as_model().predict(datasets.load("mnist").test.images, verbose=0)
    assert accuracy == again == pytest.approx(np.mean(logits[:, :10].argmax(axis=1) == TRUTH))


@pytest.mark.slow
def test_source_only_of_another_target_has_seen_its_labels_but_no_image_of_the_first():
    settings = studies.DIRECTIONS["UCI digits to MNIST"].replace(seeds=1, steps=60)
    (accuracy,) = studies.source_only(_result(settings, {}))["source only"]
    alone = settings.replace(
        targets=("uci-digits",), labels_per_class=100, task_weights=None, information=0.0,
        agreement=0.0, shared_heads=False,
    )  # fmt: skip
    tasks = experiments.choose_tasks(alone)
    network = experiments.transfer(alone, tasks, experiments.initialise(alone))
    *_, weights = experiments.maximise_information(alone, tasks, network)
    # The same network by hand, layer by layer in Keras.
    model = network.model
    model.set_weights([weight[0] for weight in weights])
    logits = np.asarray(model(datasets.load("mnist").test.images)["uci-digits"])
    assert accuracy == pytest.approx(np.mean(logits.argmax(axis=1) == TRUTH))
    assert 0.3 < accuracy < 0.95


def test_classes_in_use():
    two = np.eye(10)[np.arange(1000) % 2]
    ten = np.eye(10)[np.arange(1000) % 10]
    found = studies.classes_in_use(_result(Settings(seeds=2), {"mnist": np.stack([two, ten])}))
    assert found["classes in use"] == pytest.approx([2, 10])
