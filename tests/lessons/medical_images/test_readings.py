"""What a network says about images, and which of them are left."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from simmim_lib.datasets import phantoms
from simmim_lib.errors import WorkbookError
from simmim_lib.lessons.medical_images import corruptions, readings
from simmim_lib.lessons.medical_images.readings import Reading


def brightness(images):
    """Stand in for a network: the brighter an image, the more it is called ill."""
    return images.mean(axis=(1, 2, 3))


@pytest.fixture
def reading():
    images = np.linspace(0, 0.5, 200 * 9, dtype=np.float32).reshape(200, 3, 3, 1)
    return Reading(images, np.arange(200) % 2, brightness(images), brightness)


@pytest.mark.parametrize("prevalence", [0, 0.9, 1, 1.5, float("nan")])
def test_ill_people_cannot_be_added(reading, prevalence):
    with pytest.raises(WorkbookError, match="the share of ill people before"):
        readings.at_prevalence(reading, prevalence)


@pytest.mark.parametrize("prevalence", [0.01, 0.1, 0.4])
def test_ill_people_are_left_out_until_they_are_the_share_asked_for(reading, prevalence):
    fewer = readings.at_prevalence(reading, prevalence)
    assert fewer.labels.mean() == pytest.approx(prevalence, abs=0.01)
    assert (fewer.labels == 0).sum() == 100
    np.testing.assert_array_equal(fewer.probabilities, brightness(fewer.images))


def test_changed_images_are_read_anew(reading):
    changed = reading.of(reading.images + 0.1)
    np.testing.assert_allclose(changed.probabilities, reading.probabilities + 0.1, rtol=1e-5)
    assert changed.labels is reading.labels


def test_patients_are_told_where_they_are_recorded():
    def result_of(target):
        return SimpleNamespace(settings=SimpleNamespace(targets=(target,), image_size=28))

    _, cohort = phantoms.render_parts()
    found = readings.test_part(result_of("chest-phantoms"))
    np.testing.assert_array_equal(found.groups, cohort.patient)
    np.testing.assert_array_equal(found.subgroups["device"] == "B", cohort.device == 1)
    np.testing.assert_array_equal(found.subgroups["age group"] == "child", cohort.age_group == 0)
    assert readings.test_part(result_of("uci-digits")).groups is None


@pytest.mark.parametrize("kind", corruptions.KINDS)
def test_images_become_worse_step_by_step(kind):
    images = phantoms.render(20, np.random.default_rng(0)).images
    changes = [
        np.abs(corruptions.corrupted(images, kind, severity) - images).mean()
        for severity in range(corruptions.WORST + 1)
    ]
    assert changes[0] == 0
    assert changes == sorted(changes) and changes[1] > 0
    worst = corruptions.corrupted(images, kind, corruptions.WORST)
    assert worst.dtype == np.float32 and worst.min() >= 0 and worst.max() <= 1


@pytest.mark.parametrize("kind", ["brighter", "darker"])
def test_brightness_is_pillow_s(kind):
    """MedMNIST-C changes it with Pillow, which rounds down to whole greys."""
    grey = np.random.default_rng(0).integers(0, 256, (9, 9), np.uint8)
    factor = corruptions.KINDS[kind].amounts[2]
    expected = ImageEnhance.Brightness(Image.fromarray(grey)).enhance(factor)
    found = corruptions.corrupted((grey / 255)[None, ..., None], kind, 3)[0, ..., 0]
    np.testing.assert_allclose(255 * found, np.asarray(expected), atol=1)


def test_contrast_is_pillow_s():
    grey = np.random.default_rng(0).integers(0, 256, (9, 9), np.uint8)
    expected = ImageEnhance.Contrast(Image.fromarray(grey)).enhance(0.4)
    found = corruptions.corrupted((grey / 255)[None, ..., None], "less contrast", 5)[0, ..., 0]
    np.testing.assert_allclose(255 * found, np.asarray(expected), atol=1.5)


def test_several_networks_say_their_mean(reading):
    nothing = np.zeros(200)
    darker = replace(reading, probabilities=reading.probabilities / 2, read=lambda _: nothing)
    validation, test = readings.joined([(reading, reading), (darker, darker)])
    np.testing.assert_allclose(test.probabilities, 0.75 * reading.probabilities)
    np.testing.assert_allclose(
        validation.of(reading.images).probabilities, reading.probabilities / 2, rtol=1e-6
    )
