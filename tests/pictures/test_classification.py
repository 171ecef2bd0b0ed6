"""The confusion matrix and the reliability diagram show what was predicted."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from simmim_lib.calibration import Reliability, reliability
from simmim_lib.pictures import classification
from simmim_lib.pictures.style import new_figure

RANDOM = np.random.default_rng(0)
COUNTS = np.array([[8, 2, 0], [0, 10, 0], [1, 0, 3]])


def test_counts_are_those_of_scikit_learn_also_of_classes_that_nobody_predicts():
    labels, guesses = RANDOM.integers(0, 10, (2, 200))
    counts = classification.confusion_counts(np.eye(12)[guesses], labels)
    np.testing.assert_array_equal(counts, confusion_matrix(labels, guesses, labels=range(12)))


def test_shares_are_of_the_true_class_and_zero_where_it_has_no_image():
    several = np.array([COUNTS, [[0, 0, 0], [1, 1, 2], [0, 0, 5]]])
    shares = classification.confusion_shares(several)
    np.testing.assert_allclose(shares[0], [[0.8, 0.2, 0], [0, 1, 0], [0.25, 0, 0.75]])
    np.testing.assert_allclose(shares[1], [[0, 0, 0], [0.25, 0.25, 0.5], [0, 0, 1]])


def test_the_greatest_confusion_is_beside_the_diagonal():
    assert classification.most_confused(COUNTS) == (0, 1)
    assert classification.most_confused(classification.confusion_shares(COUNTS)) == (2, 0)


def drawn(shares, numbers, names):
    axes = new_figure().add_axes((0.2, 0.2, 0.7, 0.7))
    image = classification.draw_confusion(axes, shares, numbers, names)
    return axes, image


def test_rows_are_true_classes_with_a_number_wherever_there_is_any():
    axes, image = drawn(classification.confusion_shares(COUNTS), COUNTS, ["a", "b", "c"])
    np.testing.assert_allclose(image.get_array(), [[80, 20, 0], [0, 100, 0], [25, 0, 75]])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")
    written = {text.get_position(): text.get_text() for text in axes.texts}
    assert written == {(0, 0): "8", (1, 0): "2", (1, 1): "10", (0, 2): "1", (2, 2): "3"}
    shades = {text.get_text(): text.get_color() for text in axes.texts}
    assert (shades["10"], shades["2"]) == ("black", "white")  # on a bright ground, on a dark one
    assert [tick.get_rotation() for tick in axes.get_xticklabels()] == [0, 0, 0]


def test_long_names_stand_upright_and_many_classes_leave_no_room_for_numbers():
    axes, _ = drawn(COUNTS / 10, COUNTS, ["no disease", "one disease", "several diseases"])
    assert {tick.get_rotation() for tick in axes.get_xticklabels()} == {90}
    axes, _ = drawn(COUNTS / 10, COUNTS, ["shirt", "coat", "bag"])
    assert {tick.get_rotation() for tick in axes.get_xticklabels()} == {0}
    many = classification.MAX_CLASSES + 1
    axes, _ = drawn(np.eye(many), np.eye(many, dtype=int), [str(label) for label in range(many)])
    assert not axes.texts


@pytest.fixture(scope="module")
def diagram():
    """The reliability of made-up predictions, some bins of which hold few of them."""
    logits = RANDOM.normal(0, 1.5, (400, 10))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    found = reliability(probabilities, RANDOM.integers(0, 10, 400))
    assert np.any((found.count > 0) & (found.count < classification.MIN_PREDICTIONS))
    return found


def test_bars_are_accuracies_and_hatches_reach_to_the_confidence(diagram):
    shares, counts = classification.draw_reliability({"Network": diagram}).axes
    many = diagram.count >= classification.MIN_PREDICTIONS
    accuracy, gap = shares.containers
    np.testing.assert_allclose([bar.get_height() for bar in accuracy], diagram.accuracy[many])
    tops = [bar.get_y() + bar.get_height() for bar in gap]
    np.testing.assert_allclose(tops, diagram.confidence[many])
    middles = (diagram.edges[:-1] + diagram.edges[1:]) / 2
    for bars in (accuracy, gap):
        centres = [bar.get_x() + bar.get_width() / 2 for bar in bars]
        np.testing.assert_allclose(centres, middles[many])
    (diagonal,) = shares.lines
    np.testing.assert_array_equal(diagonal.get_xydata(), [(0, 0), (1, 1)])
    percents = [bar.get_height() for bar in counts.containers[0]]
    np.testing.assert_allclose(percents, 100 * diagram.count / 400)


def test_ten_predictions_are_enough_for_a_bar():
    edges, share = np.linspace(0, 1, 5), np.array([0.1, 0.4, 0.6, 0.9])
    found = Reliability(edges, np.array([9, 10, 11, 0]), share, share / 2)
    shares, counts = classification.draw_reliability({"Network": found}).axes
    assert [bar.get_height() for bar in shares.containers[0]] == pytest.approx([0.2, 0.3])
    assert len(counts.containers[0]) == 4


def test_two_diagrams_stand_side_by_side_under_a_heading(diagram):
    figure = classification.draw_reliability({"One": diagram, "Other": diagram}, "Both")
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["One", "", "Other", ""]
    assert [text.get_text() for text in figure.texts] == ["Both"]
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert sorted(labels) == ["calibrated", "gap to confidence", "share that is right"]
