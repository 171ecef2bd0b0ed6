"""What lesson 06 claims stands in its stored studies."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from simmim_lib import datasets, diagnostic_accuracy
from simmim_lib.datasets import phantoms
from simmim_lib.errors import WorkbookError
from simmim_lib.foundation.intervals import difference
from simmim_lib.lessons.medical_images import cohorts, readings, studies, study_results
from simmim_lib.lessons.medical_images.readings import Reading
from simmim_lib.studies import registry, stored


@pytest.mark.parametrize("tie", [0.9, 0.95, 1.0])
def test_the_reversed_hospital_is_worse_than_guessing_for_every_seed(tie):
    same, other = study_results.hospitals().values()
    assert (other[tie] < 0.5).all() and (same[tie] > 0.5).all()
    assert len(other[tie]) == 10


def test_the_remedy_is_a_gain_where_the_device_tells_the_diagnosis():
    assert study_results.remedy()[0.9].verdict == "gain"
    figure, table = study_results.remedy_compared()
    assert "reversed, balanced: tie 0:" in figure.alt
    assert ["0.9", str(study_results.remedy()[0.9])] in table.rows


def test_learning_from_the_tested_patients_flatters():
    same, others = study_results.leak()
    assert difference(same, others).verdict == "gain"
    assert study_results.leak_table().rows[-1] == ["difference", str(difference(same, others))]


def test_each_way_is_compared_with_scratch():
    ways = study_results.few_labels()[20]
    figure, table = study_results.few_labels_compared()
    expected = str(difference(ways["from glyphs"], ways["from scratch"]))
    assert ["from glyphs", expected] == [table.rows[0][0], table.rows[0][2]]
    assert figure.alt.startswith("Test AUC.") and "100 a class" in figure.alt
    assert all(len(values) == 10 for values in ways.values())


def test_information_is_compared_with_the_same_recipe_without_it():
    ways = study_results.few_pneumonia_labels()
    found = study_results.what_information_adds()["PneumoniaMNIST, 20 a class"]
    assert found == difference(ways["SimMIM"], ways["SimMIM without its information"])
    assert len(study_results.information_table().rows) == 5


def test_of_real_radiographs_each_way_has_its_own_record():
    ways = study_results.few_pneumonia_labels()
    study = stored.load("few-pneumonia-labels")
    np.testing.assert_array_equal(ways["from scratch"], study.values("AUC", source=None))
    known = study.values("AUC", class_prior=studies.SHARES)
    np.testing.assert_array_equal(ways["SimMIM, prevalence known"], known)


def test_transfer_beats_scratch_and_the_linear_head_on_real_radiographs():
    ways = study_results.few_pneumonia_labels()
    best, head = ways["SimMIM, prevalence known"], ways["ImageNet, last features"]
    versus_scratch = difference(best, ways["from scratch"])
    assert versus_scratch.mean - versus_scratch.half_width > 5
    assert difference(best, head).verdict == "gain" and best.mean() > 0.835


def test_a_way_is_chosen_on_validation_images_and_beats_a_resnet():
    found, chosen = study_results.pneumonia(), study_results.chosen_for_pneumonia()
    mean = ", mean of networks"
    on_validation = {way: each[f"validation AUC{mean}"][-1] for way, each in found.items()}
    assert on_validation[chosen] == max(on_validation.values())
    assert found[chosen][f"AUC{mean}"][-1] >= 0.97  # Doerrich et al. 2025: 95.0 and 83.1
    assert found[chosen][f"AUC from{mean}"][-1] > 0.95
    assert found[chosen][f"fixed accuracy{mean}"][-1] >= 0.885


def test_the_mean_of_one_network_is_what_it_says_itself():
    for measures in study_results.pneumonia().values():
        assert measures["AUC"][0] == measures["AUC, mean of networks"][0]
        assert np.all(measures["AUC from"] < measures["AUC"])
    *_, last = study_results.pneumonia_table().rows
    assert len(last) == 6 and "the whole network, 64 pixels" in last[0]


def test_a_threshold_comes_from_validation_images_alone(monkeypatch):
    labels = np.array([0, 0, 1, 1])

    def of_seed(result, seed):
        validation = np.array([[0.1, 0.2, 0.6, 0.7], [0.1, 0.2, 0.4, 0.9]])[seed]
        test = np.array([[0.1, 0.65, 0.5, 0.9], [0.1, 0.3, 0.5, 0.9]])[seed]
        return tuple(
            Reading(np.zeros((4, 2, 2, 1)), labels, said, lambda images, said=said: said)
            for said in (validation, test)
        )

    monkeypatch.setattr(readings, "of_seed", of_seed)
    monkeypatch.setattr(diagnostic_accuracy, "BOOTSTRAPS", 20)
    result = SimpleNamespace(settings=SimpleNamespace(seeds=2))
    found = studies.at_fixed_threshold(result)
    assert found["threshold"].tolist() == [0.6, 0.4]
    assert found["AUC"].tolist() == [0.75, 1.0]
    assert found["AUC from"][0] < 0.75 < found["AUC to"][0]  # the interval is of the test images
    assert found["fixed accuracy"].tolist() == [0.5, 1.0]
    assert found["threshold, mean of networks"].tolist() == [0.6, 0.5]
    assert found["fixed sensitivity, mean of networks"].tolist() == [0.5, 1.0]


def test_findings_and_illness_are_compared_alone_and_together():
    (five, twenty) = study_results.together_table().rows
    assert [five[0], twenty[0]] == [5, 20]
    assert five[1] == str(study_results.together()[5]["illness"])


def test_a_finding_is_a_label_of_its_own_on_the_clinic_s_images():
    ill, findings = datasets.load(cohorts.clinic()), datasets.load(cohorts.findings())
    np.testing.assert_array_equal(ill.train.images, findings.train.images)
    np.testing.assert_array_equal(findings.test.labels.sum(axis=1), ill.test.labels)
    assert datasets.describe("clinic-findings").kind == "multi-label"
    assert findings.class_names == phantoms.FINDINGS[1:]


def test_the_test_images_are_the_same_whoever_was_learnt_from():
    leaky, clean = (datasets.load(cohorts.split(each)) for each in (True, False))
    np.testing.assert_array_equal(leaky.test.images, clean.test.images)
    assert len(leaky.train) == len(clean.train) == 2 * len(leaky.test)
    assert not set(leaky.train.groups) & set(clean.train.groups)


def test_balanced_hospitals_have_as_many_of_each_device_and_label():
    balanced = datasets.load(cohorts.hospital(0.9, reversed_test=True, balanced=True))
    everything = datasets.load(cohorts.hospital(0.9, reversed_test=True))
    is_b, labels = balanced.train.subgroups["device"] == "B", balanced.train.labels
    assert len({np.sum((is_b == b) & (labels == label)) for b in (0, 1) for label in (0, 1)}) == 1
    marked = balanced.train.images[:, 1:3, 1:5].mean(axis=(1, 2, 3))  # by device B, in a corner
    assert marked[is_b].mean() > marked[~is_b].mean() + 0.2
    assert len(balanced.train) < len(everything.train)


def test_where_one_device_takes_all_of_the_ill_nothing_is_balanced():
    with pytest.raises(WorkbookError, match="lower the tie, or learn from all"):
        cohorts.hospital(1.0, reversed_test=True, balanced=True)
    everything = datasets.load(cohorts.hospital(1.0, reversed_test=True))
    for part, device_of_ill in ((everything.train, "B"), (everything.test, "A")):
        np.testing.assert_array_equal(part.subgroups["device"] == device_of_ill, part.labels == 1)


@pytest.mark.parametrize(
    "name", ["few-medical-labels", "two-hospitals", "patients-in-both-parts", "findings-together"]
)
def test_a_trial_comes_back_from_its_description(name):
    study = registry.studies()[name]
    for trial in study.plan():
        assert study.read(json.loads(json.dumps(trial.as_dict()))) == trial


def test_images_that_name_no_subgroups_or_patients(monkeypatch):
    monkeypatch.setattr(diagnostic_accuracy, "BOOTSTRAPS", 20)
    said, labels = np.linspace(0, 1, 8), np.arange(8) % 2
    images = np.zeros((8, 2, 2, 1), np.float32)
    reading = Reading(images, labels, said, lambda images: said)
    with pytest.raises(WorkbookError, match="do not say of which age group anybody is"):
        study_results.subgroups_table(reading, datasets.Part(images, labels), "age group")
    part = datasets.Part(images, labels, subgroups={"site": np.repeat(["a", "b"], 4)})
    table = study_results.subgroups_table(reading, part, "site")
    assert table.heading[1] == "images" and [row[:2] for row in table.rows] == [["a", 4], ["b", 4]]
