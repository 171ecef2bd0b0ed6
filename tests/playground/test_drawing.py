"""The drawing pad: drawings lie as MNIST's digits do, and every seed has its say."""

import re

import numpy as np
import pytest
from scipy.ndimage import center_of_mass, zoom

from simmim_lib import datasets, experiments
from simmim_lib.errors import WorkbookError
from simmim_lib.playground import drawing, serving
from simmim_lib.settings import Settings

pytest.importorskip("anywidget")

SIDE = 28


def test_a_drawing_is_as_large_and_as_much_in_the_middle_as_a_digit():
    drawn = np.zeros((SIDE, SIDE))
    drawn[2:9, 1:4] = 1  # a stroke in a corner
    image = drawing.as_digit(drawn.ravel())[..., 0]
    rows, columns = np.nonzero(image > 0.1)
    assert np.ptp(rows) + 1 == drawing.BOX
    assert 7 <= np.ptp(columns) + 1 <= 10
    np.testing.assert_allclose(center_of_mass(image), [14, 14], atol=0.51)


def test_an_empty_pad_is_black():
    assert drawing.as_digit(np.zeros(SIDE**2)).max() == 0


def test_mnist_s_own_digits_stay_nearly_what_they_are():
    images = datasets.load("mnist").test.images[:100]
    again = np.stack([drawing.as_digit(image.ravel()) for image in images])
    assert likeness(again, images) > 0.85
    small = np.zeros((100, SIDE, SIDE))
    small[:, :17, :17] = [np.clip(zoom(image[..., 0], 0.6, order=1), 0, 1) for image in images]
    back = np.stack([drawing.as_digit(image.ravel()) for image in small])
    assert likeness(back, images) > 0.8 > 0.5 > likeness(small, images)


def likeness(some: np.ndarray, others: np.ndarray) -> float:
    """Return the mean correlation of images, pair by pair."""
    pairs = zip(some, others, strict=True)
    return float(np.mean([np.corrcoef(one.ravel(), other.ravel())[0, 1] for one, other in pairs]))


@pytest.mark.slow
def test_a_digit_is_read_by_every_seed_and_head():
    pad = drawing.DrawingPad(
        Settings(targets=("mnist", "uci-digits"), labels_per_class=10, seeds=2, steps=60)
    )
    test = datasets.load("mnist").test
    right = []
    for number in range(10):
        position = int(np.flatnonzero(test.labels == number)[0])
        pad.pad.pixels = [float(grey) for grey in test.images[position].ravel()]
        assert pad.message.value == ""
        right.append(f"MNIST digits: {number}" in pad.shown.alt)
        assert "over 2 seeds" in pad.shown.alt and "UCI digits: " in pad.shown.alt
    assert sum(right) >= 7
    assert pad.picture.value.startswith("<")
    said = re.search(r"MNIST digits: (\d), with", pad.shown.alt)[1]
    assert f"A map shows what each pixel adds to the probability of {said} in" in pad.shown.alt


def test_a_map_is_about_what_the_first_head_says():
    image, said = np.ones((SIDE, SIDE, 1)), np.eye(3)
    heads = {"fashion": said[None, 2], "mnist": said[None, 0]}
    names = {"fashion": ("Coat", "Bag", "Sneaker"), "mnist": ("0", "1", "2")}
    assert "the probability of Sneaker in" in drawing.opinions(image, heads, names, image).alt


@pytest.mark.slow
def test_what_was_drawn_is_learnt_when_it_is_added():
    """A sign that no digit looks like, called 7."""
    pad = drawing.DrawingPad(Settings(labels_per_class=2, seeds=2, steps=60))
    sign = np.zeros((SIDE, SIDE))
    sign[4:24:4, 4:24] = 1
    pad.add()
    assert "The pad is empty" in pad.message.value
    pad.pad.pixels = sign.ravel().tolist()
    before = pad.shown.alt
    pad.called.value = "7"
    for _ in range(3):
        pad.add()
    assert pad.message.value == "" and len(pad.added) == 3
    assert "MNIST digits: 7, with" in pad.shown.alt and pad.shown.alt != before


def test_drawings_are_added_to_the_targets_that_have_their_class():
    tasks = experiments.choose_tasks(
        Settings(targets=("mnist", "fashion"), labels_per_class=2, seeds=2)
    )
    image = np.full((SIDE, SIDE, 1), 0.5, np.float32)
    found = drawing.with_drawings(tasks, [(image, "7")])
    assert found["fashion"] is tasks["fashion"]
    more, fewer = found["mnist"], tasks["mnist"]
    assert len(more.data.train) == len(fewer.data.train) + 1
    for choice, before in zip(more.choices, fewer.choices, strict=True):
        assert [*choice.labelled] == [*before.labelled, len(fewer.data.train)]
        assert more.data.train.labels[choice.labelled[-1]] == 7
        np.testing.assert_array_equal(more.data.train.images[choice.labelled[-1]], image)
        np.testing.assert_array_equal(choice.validation, before.validation)


@pytest.mark.parametrize(
    "given", [{"trunk": "efficientnet-lite0"}, {"trunk": "words", "targets": ("amazon",)}]
)
def test_what_cannot_be_drawn_is_refused(given):
    with pytest.raises(WorkbookError, match="a small grey image of one class"):
        drawing.DrawingPad(Settings(**given))


def test_a_shared_page_limits_the_training_for_a_drawing_too(monkeypatch, tmp_path):
    monkeypatch.setenv(serving.FOLDER, str(tmp_path))
    monkeypatch.setattr(serving, "MAX_SECONDS", -60)
    pad = drawing.DrawingPad(Settings(source=None, steps=3, seeds=1))
    with pytest.raises(WorkbookError, match="a shared page does not give"):
        pad.train()


def test_a_failure_is_shown(monkeypatch):
    pad = drawing.DrawingPad(Settings())

    def fail():
        raise WorkbookError("No network could be trained.")

    monkeypatch.setattr(pad, "train", fail)
    pad.pad.pixels = [1.0] * SIDE**2
    assert "No network could be trained." in pad.message.value
