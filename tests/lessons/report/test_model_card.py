"""Model cards: every number is that of the kept model, every limit is computed."""

import dataclasses
import re

import numpy as np
import pytest
from image_making import fill, fill_table
from planted_findings import with_predictions
from scipy import stats

from simmim_lib import datasets
from simmim_lib.calibration import expected_calibration_error
from simmim_lib.diagnostic_accuracy import confusion
from simmim_lib.experiments.evaluation import ValidationLook
from simmim_lib.lessons.report import tables
from simmim_lib.lessons.report.figures import outcome
from simmim_lib.lessons.report.model_card import model_card
from simmim_lib.pictures.style import Picture
from simmim_lib.settings import Settings


def rows_of(found) -> dict[str, str]:
    (target,) = found.settings.targets
    return dict(model_card(found, target).rows)


@pytest.fixture
def photos(tmp_path) -> str:
    return f"folder:{fill(tmp_path / 'a<b>' / 'photos', {'cat': 30, 'dog': 20}, (40, 50, 3))}"


@pytest.fixture
def found(photos):
    """Findings of two seeds, the second better on validation images and wrong about two dogs."""
    settings = Settings(
        targets=(photos,), trunk="efficientnet-lite0", labels_per_class=3, seeds=2, information=0.3
    )
    labels = datasets.load(photos, 96).test.labels
    right = np.full(len(labels), 0.95)
    right[np.flatnonzero(labels == 1)[:2]] = 0.3
    best = np.where(np.arange(2) == labels[:, None], right[:, None], 1 - right[:, None])
    return with_predictions(settings, np.stack([1 - best, best]))


def test_the_card_is_about_the_best_seed_on_validation_images(found):
    rows = rows_of(found)
    assert "seed 1" in rows["trained on"] and "6 labelled images of photos" in rows["trained on"]
    chosen = datasets.choose(found.data(found.settings.targets[0]), 3, seed=1)
    assert f"and {len(chosen.unlabelled)} without labels" in rows["trained on"]
    assert rows["recall of each class"] == "cat: 100 % of 6; dog: 50 % of 4."
    interval = stats.binomtest(8, 10).proportion_ci(0.95, method="wilson")
    assert "10 test images" in rows["tested on"] and "accuracy 80.0 %" in rows["tested on"]
    low, high = 100 * interval.low, 100 * interval.high
    assert f"interval {low:.1f} % to {high:.1f} %" in rows["tested on"]
    assert "Mean of all seeds: 50.0 ±" in rows["tested on"]


def test_calibration_is_that_of_the_kept_model(found):
    told = rows_of(found)["calibration"]
    (target,) = found.settings.targets
    probabilities, labels = found.asked.probabilities[target][1], found.data(target).test.labels
    sure = 100 * probabilities.max(axis=1).mean()
    assert f"{sure:.1f} % sure, and right in 80.0 %: overconfident by {sure - 80:.1f}" in told
    error = 100 * expected_calibration_error(probabilities, labels)
    assert f"Expected calibration error {error:.1f} %" in told


def test_limits_size_licence_and_use_are_told(found):
    rows = rows_of(found)
    assert "weakest on dog, of which it finds 2 of 4" in rows["limits"]
    assert "how good it is on others" in rows["limits"] and "cat, dog" in rows["limits"]
    assert "1,500 parameters, 1,000 of them trained here" in rows["size"]
    assert "EfficientNet-Lite0: Apache-2.0" in rows["licences"]
    assert "simmim predict model.keras NEW-IMAGES" in rows["how to use"]
    assert "50 x 40 pixels, seen at 96 x 96" in rows["intended for"]


def test_a_threshold_is_fixed_on_validation_images_and_told_with_both_errors(found):
    (target,) = found.settings.targets
    labels = np.array([[0, 0, 1, 1], [0, 1, 0, 1]])
    ill = np.array([[0.5] * 4, [0.1, 0.4, 0.35, 0.8]])  # of seed 1, all from 0.4 on are right
    look = ValidationLook(np.log(np.stack([1 - ill, ill], axis=-1)), labels)
    looked = dataclasses.replace(found.result, looks={target: look})
    rows = rows_of(dataclasses.replace(found, result=looked))
    outputs, truth = found.asked.probabilities[target][1], found.data(target).test.labels
    counts = confusion(truth, outputs[:, 1], 0.4)
    told = rows["at a fixed threshold"]
    assert told.startswith("'dog' is said from a probability of 0.400 on")
    assert f"sensitivity {counts.sensitivity:.3f}, specificity {counts.specificity:.3f}" in told
    assert f"told 'dog' {counts.positive_predictive_value:.3f}" in told
    assert "at a fixed threshold" not in rows_of(found)  # nothing to fix it on


def test_parts_patients_and_shares_of_classes_are_told(found):
    parts = rows_of(found)["parts"]
    assert parts.startswith("Training and validation: 40 images (cat 60.0 %, dog 40.0 %)")
    assert "test: 10 images (cat 60.0 %, dog 40.0 %)" in parts
    assert parts.endswith("which images belong together, as of one patient, is not recorded.")
    settings = Settings(targets=("chest-phantoms",), seeds=1, labels_per_class=2)
    card = rows_of(with_predictions(settings, np.full((1, 900, 2), 0.5)))
    assert "2,400 images" in card["parts"] and "of 800 groups such as patients" in card["parts"]
    assert "900 images" in card["parts"] and "of 300 groups such as patients" in card["parts"]


def test_images_of_a_patient_are_not_as_many_patients():
    """A network that is right about two patients in three, and then about all of their images."""
    settings = Settings(targets=("chest-phantoms",), seeds=1, labels_per_class=2)
    test = datasets.load("chest-phantoms").test
    right = test.groups % 3 > 0
    ill = np.where(right == (test.labels == 1), 0.9, 0.1)
    told = rows_of(with_predictions(settings, np.stack([1 - ill, ill], axis=-1)[None]))
    interval = stats.binomtest(200, 300).proportion_ci(0.95, method="wilson")
    low, high = map(float, re.findall(r"interval ([0-9.]+) % to ([0-9.]+) %", told["tested on"])[0])
    assert (low, high) == pytest.approx((100 * interval.low, 100 * interval.high), abs=0.1)
    assert "images are tested, those of a group together)" in told["tested on"]


def test_subgroups_are_told_one_by_one(found):
    settings = Settings(targets=("chest-phantoms",), seeds=1, labels_per_class=2)
    test = datasets.load("chest-phantoms").test
    is_b = test.subgroups["device"] == "B"
    ill = np.where(is_b, 0.9, 0.1 + 0.8 * test.labels)  # whatever device B takes is called ill
    told = rows_of(with_predictions(settings, np.stack([1 - ill, ill], axis=-1)[None]))["subgroups"]
    healthy = np.count_nonzero(is_b & (test.labels == 0))
    assert (
        f"device 'B', {is_b.sum()} images: finds normal: 0 % of {healthy}, opacity: 100 %" in told
    )
    assert f"device 'A', {np.sum(~is_b)} images: finds normal: 100 % of" in told
    assert told.count("age group") == 3
    assert rows_of(found)["subgroups"] == "not tested one by one, since the data name none."


def test_of_very_many_subgroups_the_largest_are_told(tmp_path):
    """As of a table whose ages or numbers of patients are named: a card is no list of them."""
    sites = ["large"] * 12 + [f"site {number}" for number in range(300)]
    lines = [f'text {n},"{"cat; dog" if n % 2 else "x"}",{site}' for n, site in enumerate(sites)]
    (tmp_path / "table.csv").write_text("\n".join(["review,label,site", *lines]))
    name = f"csv:{tmp_path}/table.csv?text=review&label=label&subgroup=site"
    settings = Settings(targets=(name,), trunk="words", source=None, seeds=1, labels_per_class=2)
    labels = datasets.load(name).test.labels
    outputs = np.where(np.arange(2) == labels[:, None], 0.9, 0.1)
    told = rows_of(with_predictions(settings, outputs[None]))["subgroups"]
    assert "site 'large', " in told and "; site: 289 more, each no larger" in told
    assert "finds cat; dog: 100 % of" in told  # the name as it is
    assert len(told) < 2000 and " 1 texts" not in told
    assert "no test texts: not tested" in told  # some are only learned from


def test_a_card_is_plain_text_in_html(found):
    (target,) = found.settings.targets
    html = model_card(found, target)._repr_html_()
    assert "<b>" not in html and "photos" in html and "folder:" not in html


def test_a_regression_has_errors_in_its_units_and_no_calibration(tmp_path):
    name = f"csv:{fill_table(tmp_path)}?label=score"
    labels = datasets.load(name).test.labels
    off = np.linspace(0, 110, len(labels))[:, None]
    found = with_predictions(Settings(targets=(name,), seeds=1), (labels + off)[None])
    rows = rows_of(found)
    half = stats.t.ppf(0.975, len(off) - 1) * stats.sem(off[:, 0])
    assert f"mean absolute error of score 55 (95 % interval {55 - half:.0f} to" in rows["tested on"]
    assert rows["errors"] == "half of them are below 55, nine in ten below 99."
    assert "calibration" not in rows and not [name for name in rows if "recall" in name]
    assert "from pixels to numbers" in rows["how to use"]
    picture = outcome(found, name)
    assert isinstance(picture, Picture)
    points = picture.figure.axes[0].get_lines()[1].get_xydata()
    np.testing.assert_allclose(points, np.column_stack([labels, labels + off]), rtol=1e-6)
    assert "nothing to calibrate" in repr(tables.calibration(found))


def test_several_labels_have_a_row_each(tmp_path):
    name = f"csv:{fill_table(tmp_path)}?label=bar+top"
    labels = datasets.load(name).test.labels > 0
    outputs = np.where(labels, 0.9, 0.1)
    missed = np.flatnonzero(labels[:, 0])[0]
    outputs[missed, 0] = 0.2
    found = with_predictions(Settings(targets=(name,), seeds=1), outputs[None])
    bars, number = labels[:, 0].sum(), len(labels)
    bar, top = outcome(found, name).rows
    share = f"{100 * (bars - 1) / bars:.1f} %"
    assert bar == ("bar", str(bars), share, "100.0 %", f"{100 * (number - 1) / number:.1f} %")
    assert top[2:] == ("100.0 %",) * 3
    rows = rows_of(found)
    assert f"bar: {100 * (bars - 1) / bars:.0f} % of {bars}" in rows["recall of each label"]
    assert re.search(r"accuracy \d+\.\d % \(95 % interval", rows["tested on"])
    assert "calibration" in rows


def test_a_label_that_is_never_predicted_has_no_precision(tmp_path):
    name = f"csv:{fill_table(tmp_path)}?label=bar+top"
    outputs = np.full((1, len(datasets.load(name).test), 2), 0.1)
    found = with_predictions(Settings(targets=(name,), seeds=1), outputs)
    assert [row[2:4] for row in tables.labels(found, name).rows] == [("0.0 %", "–")] * 2
