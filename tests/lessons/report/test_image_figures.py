"""Examples and mistakes: the right images, at the trunk's size, with the right words."""

import numpy as np
import pytest
from image_making import fill, fill_table
from planted_findings import with_predictions

from simmim_lib import datasets
from simmim_lib.lessons.report import image_figures
from simmim_lib.lessons.report.judgements import judge
from simmim_lib.settings import Settings

TRUNK = {"trunk": "efficientnet-lite0", "labels_per_class": 2}


@pytest.fixture
def photos(tmp_path) -> str:
    return f"folder:{fill(tmp_path / 'photos', {'cat': 20, 'dog': 20}, (120, 130, 3))}"


def shown(picture) -> list[np.ndarray]:
    """Return the images that a picture shows, in order."""
    return [np.asarray(axes.images[0].get_array()) for axes in picture.figure.axes]


def captions(picture) -> list[str]:
    return [axes.texts[0].get_text() for axes in picture.figure.axes]


def test_examples_are_shown_at_the_trunk_s_size_and_the_files_sizes_are_said(photos):
    picture = image_figures.examples(Settings(targets=(photos,), **TRUNK), photos, "target")
    assert {image.shape for image in shown(picture)} == {(96, 96, 3)}
    assert captions(picture) == ["cat"] * 6 + ["dog"] * 6
    for text in (picture.figure.texts[0].get_text(), picture.alt):
        assert "130 x 120 pixels, seen at 96 x 96" in text
        assert "photos (target" in text and "folder:" not in text


def test_examples_show_ink_as_ink_and_grey_photographs_as_they_are(tmp_path):
    own = f"folder:{fill(tmp_path / 'scans', {'cat': 20, 'dog': 20})}"
    picture = image_figures.examples(Settings(targets=(own,), labels_per_class=2), own, "target")
    assert {image.shape for image in shown(picture)} == {(28, 28, 3)}
    picture = image_figures.examples(Settings(), "mnist", "target")
    assert {image.shape for image in shown(picture)} == {(28, 28)}


@pytest.mark.parametrize(
    ("column", "words"), [("bar+top", {"none", "bar", "top", "bar + top"}), ("score", None)]
)
def test_examples_of_labels_and_numbers_say_what_they_are(tmp_path, column, words):
    name = f"csv:{fill_table(tmp_path)}?label={column}"
    picture = image_figures.examples(Settings(targets=(name,)), name, "target")
    assert picture.png()[:4] == b"\x89PNG"
    if words:
        assert {*captions(picture)} == words
    else:
        assert all(text.startswith("score 1") for text in captions(picture))


def predictions(name: str, size: int, wrong: dict[int, float]) -> np.ndarray:
    """Return a seed that is 0.9 sure of the truth but for some images, sure of the other class."""
    labels = datasets.load(name, size).test.labels
    right = np.full(len(labels), 0.9)
    for position, sure in wrong.items():
        right[position] = 1 - sure
    return np.where(np.arange(2) == labels[:, None], right[:, None], 1 - right[:, None])


def test_the_worst_mistakes_of_the_best_seed_come_first(photos):
    best = predictions(photos, 96, {1: 0.6, 3: 0.995, 5: 0.8})
    other = predictions(photos, 96, {0: 0.99})
    settings = Settings(targets=(photos,), seeds=2, **TRUNK)
    found = with_predictions(settings, np.stack([other, best]))
    picture = image_figures.most_wrong(found, photos)
    test, names = datasets.load(photos, 96).test, ("cat", "dog")
    for image, position in zip(shown(picture), (3, 5, 1), strict=True):
        np.testing.assert_array_equal(image, test.images[position])
    shares = ("over 99 %", "80 %", "60 %")
    told = [(names[test.labels[n]], names[1 - test.labels[n]]) for n in (3, 5, 1)]
    files = [file.rpartition("/")[2] for file in test.files]
    assert all(test.files[n] in picture.alt for n in (1, 3, 5))
    assert captions(picture) == [
        f"{files[n]}\ntrue: {true}\ntaken for {said}\n{sure} sure"
        for n, (true, said), sure in zip((3, 5, 1), told, shares, strict=True)
    ]
    title = picture.figure.texts[0].get_text()
    assert title == f"photos, seed 1: all 3 mistakes on {len(test)} test images"


def test_where_nothing_is_wrong_the_most_doubtful_are_shown(photos):
    settings = Settings(targets=(photos,), seeds=1, **TRUNK)
    found = with_predictions(settings, predictions(photos, 96, {2: 0.45})[None])
    picture = image_figures.most_wrong(found, photos)
    assert "no mistake on" in picture.alt
    np.testing.assert_array_equal(shown(picture)[0], datasets.load(photos, 96).test.images[2])
    assert captions(picture)[0].endswith("55 % sure")


def test_at_most_twelve_of_many_are_shown():
    labels = datasets.load("mnist").test.labels
    wrong = 0.05 + 0.5 * np.eye(10)[(labels + 1) % 10]
    found = with_predictions(Settings(seeds=1), wrong[None])
    picture = image_figures.most_wrong(found, "mnist")
    assert len(shown(picture)) == 12
    assert "the worst 12 of 1000 mistakes on 1000 test images" in picture.alt


def test_numbers_have_their_largest_errors_first(tmp_path):
    name = f"csv:{fill_table(tmp_path)}?label=score"
    labels = datasets.load(name).test.labels
    off = np.zeros_like(labels)
    off[4], off[2] = 30, -40
    found = with_predictions(Settings(targets=(name,), seeds=1), (labels + off)[None])
    picture = image_figures.most_wrong(found, name)
    true = labels[2, 0]
    assert captions(picture)[0].endswith(f"\ntrue: {true:.4g}\npredicted {true - 40:.4g}")
    assert f"\ntrue: {labels[4, 0]:.4g}" in captions(picture)[1]
    assert f"the 2 largest errors of {len(labels)} test images" in picture.alt


def test_several_labels_are_judged_together(tmp_path):
    data = datasets.load(f"csv:{fill_table(tmp_path)}?label=bar+top")
    outputs = np.where(data.test.labels > 0, 0.9, 0.2)
    outputs[0] = 1 - outputs[0]
    judged = judge(data, outputs)
    assert [each.wrong for each in judged] == [True] + [False] * (len(judged) - 1)
    assert max(judged, key=lambda each: each.wrongness) is judged[0]
    both = next(n for n, label in enumerate(data.test.labels) if label.all() and n)
    assert (judged[both].true, judged[both].predicted) == ("bar + top",) * 2
    assert judged[both].sure == "81 %" and judged[both].wrongness == pytest.approx(1 - 0.81)
