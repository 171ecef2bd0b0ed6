"""What networks predict is scored by the kind of the task; and collapses are warned of."""

import warnings

import image_making
import keras
import numpy as np
import pytest
from planted_results import as_scores
from scipy.special import softmax

from simmim_lib import experiments
from simmim_lib.experiments import Result, kept_models
from simmim_lib.experiments.evaluation import ValidationLook, diagnose
from simmim_lib.experiments.measures import ACTIVATIONS
from simmim_lib.settings import Settings
from simmim_lib.simmim import LOSSES


@pytest.mark.parametrize(
    ("kind", "outputs", "labels", "accuracy"),
    [
        ("classification", [[2.0, 1.0], [2.0, 1.0]], [0, 1], 0.5),
        ("multi-label", [[2.0, -1.0], [0.5, 1.0]], [[1, 0], [0, 1]], 0.75),
        ("regression", [[2.0], [4.0]], [[3.0], [1.0]], -2.0),
    ],
)
def test_more_is_better_on_validation_images(kind, outputs, labels, accuracy):
    look = ValidationLook(np.array([outputs]), np.array([labels]), kind)
    assert look.accuracy == pytest.approx([accuracy])


@pytest.mark.parametrize("kind", LOSSES)
def test_a_kept_model_ends_as_the_evaluation_does(kind):
    outputs = np.float32([[[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]]])
    kept = keras.activations.get(kept_models.ACTIVATIONS[kind])(outputs)
    np.testing.assert_allclose(kept, ACTIVATIONS[kind](outputs), rtol=1e-5)
    ends = {
        "classification": softmax(outputs, axis=-1),
        "multi-label": 1 / (1 + np.exp(-outputs)),
        "regression": outputs,
    }
    np.testing.assert_allclose(kept, ends[kind], rtol=1e-5)


def test_accuracy_is_a_score_and_of_targets_with_classes_only():
    values = np.array([0.5, 0.75])
    scores = as_scores({"mnist": values}) | {"ages": {"mean absolute error": values}}
    result = Result(Settings(), scores, {}, {}, seconds=1.0)
    assert list(result.accuracy) == ["mnist"]
    assert result.as_dict()["scores"]["ages"] == {"mean absolute error": [0.5, 0.75]}
    assert result.as_dict()["accuracy"] == {"mnist": [0.5, 0.75]}


def diagnosed(settings, predicted):
    """Diagnose networks that predict these classes for the validation images, (seeds, n)."""
    looks = {"mnist": ValidationLook(20 * np.eye(10)[predicted], np.zeros((2, 50), int))}
    return diagnose(settings, experiments.choose_tasks(settings), looks)


EVEN, ALL_THE_SAME = np.arange(50) % 10, np.zeros(50, int)
TAUGHT = Settings(information=0.3, seeds=2)


def test_a_collapse_of_one_seed_is_warned_of():
    with pytest.warns(UserWarning, match=r"mnist: collapsed in 1 of 2 seeds \(1\)"):
        found = diagnosed(TAUGHT, [EVEN, ALL_THE_SAME])
    assert list(found["mnist"].collapsed) == [False, True]


@pytest.mark.parametrize(
    ("changes", "looked_for"),
    [
        ({}, True),
        ({"information": 0.0, "agreement": 1.0, "augmentation": 1.0, "frozen_layers": 0}, True),
        ({"information": 0.0}, False),
        ({"information": 0.0, "augmentation": 1.0, "frozen_layers": 0}, False),
    ],
)
def test_a_collapse_is_looked_for_wherever_unlabelled_images_teach(changes, looked_for):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # without a collapse there is nothing to warn of
        found = diagnosed(TAUGHT.replace(**changes), [EVEN, EVEN])
    assert list(found) == (["mnist"] if looked_for else [])


@pytest.mark.slow
def test_a_regression_is_learnt_in_its_own_units_and_gives_numbers_in_those_of_the_labels(tmp_path):
    """Numbers around 1,000 that depend on how bright an image is, a few of them labelled."""
    random = np.random.default_rng(0)
    rows = ["image,score"]
    for number in range(60):
        brightness = random.integers(20, 200)
        pixels = random.integers(0, 40, (28, 28)) + brightness
        image_making.save(tmp_path / f"{number}.png", pixels.astype(np.uint8))
        rows.append(f"{number}.png,{1000 + brightness / 3 + 0.25}")
    (tmp_path / "table.csv").write_text("\n".join(rows))
    settings = Settings(
        targets=(f"csv:{tmp_path / 'table.csv'}",), source=None, labels_per_class=30, seeds=2
    )
    (target,) = settings.targets
    result = experiments.run(settings)
    (measure,) = result.scores[target]
    assert measure == "mean absolute error"
    spread = np.abs(result.probabilities[target] - 1000 - 110 / 3).mean()
    assert spread < 60  # else the numbers would not be in the labels' units
    assert result.scores[target][measure].max() < 8  # of a spread of 0 to 60
    assert result.validation[target].max() < 0  # more is better, also of errors
    assert result.accuracy == {}


@pytest.mark.slow
def test_several_labels_have_probabilities_of_their_own(tmp_path):
    rows = ["image,left,top"]
    for number in range(48):
        left, top = number % 2, number // 2 % 2
        pixels = image_making.noise(number) // 8
        pixels[:, :8] += np.uint8(150 * left)
        pixels[:8] += np.uint8(60 * top)
        image_making.save(tmp_path / f"{number}.png", pixels)
        rows.append(f"{number}.png,{left},{top}")
    (tmp_path / "table.csv").write_text("\n".join(rows))
    target = f"csv:{tmp_path / 'table.csv'}?label=left+top"
    settings = Settings(targets=(target,), source=None, labels_per_class=8, seeds=2)
    result = experiments.run(settings)
    probabilities = result.probabilities[target]
    assert probabilities.shape[2] == 2
    assert not np.allclose(probabilities.sum(axis=2), 1)
    assert result.accuracy[target].min() > 0.8
