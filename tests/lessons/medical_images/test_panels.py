"""Panels of lesson 06: a change of a control is a change of the picture."""

import numpy as np
import pytest
from rehearsal import rehearsed

from simmim_lib import run
from simmim_lib.datasets import phantoms
from simmim_lib.diagnostic_accuracy import auc
from simmim_lib.lessons.medical_images import cohorts, panels
from simmim_lib.lessons.medical_images.readings import Reading
from simmim_lib.panels import memory
from simmim_lib.settings import Settings


@pytest.fixture
def reading():
    random = np.random.default_rng(0)
    images = random.random((60, 8, 8, 1), dtype=np.float32)
    labels = np.arange(60) % 2
    return Reading(images, labels, random.random(60), lambda changed: changed.mean(axis=(1, 2, 3)))


@pytest.mark.colab
def test_the_threshold_and_the_prevalence_move_the_people(reading):
    panel = panels.threshold(reading, at=0.237)
    panel.start()
    assert "Threshold 0.24: of 100 people" in panel.alt
    panel.controls["prevalence"].value = 0.1
    panel.controls["threshold"].value = 0.95
    panel.wait()
    assert panel.error is None and "Threshold 0.95" in panel.alt


def test_the_threshold_is_as_exact_as_it_was_fixed(reading):
    """Of 60 people one is told to be ill from 0.997 on; from 1.00 on nobody would be."""
    surest = reading.probabilities.argmax()
    reading.probabilities[surest] = 0.997
    reading.labels[surest] = 1
    panel = panels.threshold(reading, at=0.997)
    panel.start()
    panel.wait()
    assert panel.controls["threshold"].value == 0.997
    assert "Told ill, and ill (PPV): 100%" in panel.alt
    near = panels.threshold(reading, at=0.1512).controls["threshold"].options
    assert [value for label, value in near if label == "0.15"] == [0.1512]


@pytest.mark.colab
def test_every_kind_of_corruption_is_drawn(reading):
    panel = panels.corruption(reading, at=0.5)
    panel.start()
    for kind in panel.controls["kind"].options:
        panel.controls["kind"].value = kind
        panel.wait()
        assert panel.error is None and panel.alt.startswith(f"{kind}, severities 0 to 5")


@pytest.mark.slow
def test_both_hospitals_are_tested_with_the_same_training(monkeypatch):
    monkeypatch.setattr(memory, "MEMORY", memory.Memory(max_entries=10, max_bytes=10**8))
    with rehearsed() as calls:
        panel = panels.hospitals(seeds=2)
        panel.start()
    assert panel.error is None, panel.message.value
    same, other = (call.examples[0] for call in calls)
    np.testing.assert_array_equal(same.features, other.features)
    assert "where it learnt" in panel.alt and "in the reversed hospital" in panel.alt


@pytest.mark.slow
def test_an_auc_within_each_device_shows_the_shortcut_where_the_one_over_all_does_not():
    """As the answer to the question about the reversed hospital says."""
    tie, patients = 0.9, cohorts.PATIENTS["test"]
    name = cohorts.hospital(tie, reversed_test=False)
    settings = Settings(
        targets=(name,), frozen_layers=0, labels_per_class="up to 200", steps=200, seeds=1
    )
    ill = run(settings, baseline=False).probabilities[name][0][:, 1]
    stream = np.random.default_rng(np.random.SeedSequence(61).spawn(2)[1])
    cohort = phantoms.render(patients, stream, device_tie=tie)
    assert auc(cohort.ill, ill) > 0.93
    for device in range(2):
        taken = cohort.device == device
        assert auc(cohort.ill[taken], ill[taken]) < 0.8


@pytest.mark.slow
def test_few_labels_are_learnt_from_in_two_ways(monkeypatch):
    monkeypatch.setattr(memory, "MEMORY", memory.Memory(max_entries=10, max_bytes=10**8))
    with rehearsed() as calls:
        panel = panels.few_labels(labels=5, seeds=2)
        panel.start()
    assert panel.error is None, panel.message.value
    scratch, others = (call.examples[0] for call in calls)
    np.testing.assert_array_equal(scratch.labels, others.labels)
    assert scratch.labels.shape == (2, 10)
    assert "5 labels per class: from scratch:" in panel.alt


def test_a_dot_that_is_opened_is_the_image_that_is_told(reading):
    panel = panels.threshold(reading)
    panel.start()
    (_, first), *_ = panel.controls["opened"].options
    panel.controls["opened"].value = first
    panel.wait()
    assert panel.error is None
    assert f"with the probability {reading.probabilities[first]:.2f}." in panel.alt
