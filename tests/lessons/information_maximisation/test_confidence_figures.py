"""The picture of confidence and confusions shows one of several networks, with right numbers."""

import dataclasses
import html

import numpy as np
import pytest
from courses import course
from widget_driver import choose, click, find, follow

from simmim_lib.lessons.information_maximisation import confidence_figures, panels
from simmim_lib.settings import INFORMED, Settings

LABELS = np.repeat([0, 6, 1], 20)


def two_runs():
    """A run that is always right and half sure, and one that is sure of two swapped digits."""
    right = np.full((60, 10), 0.05)
    right[range(60), LABELS] = 0.55
    swapped = np.full((60, 10), 0.01)
    swapped[range(60), np.select([LABELS == 0, LABELS == 6], [6, 0], LABELS)] = 0.91
    found = course(right, LABELS, labels_per_class=1)
    return dataclasses.replace(
        found,
        settings=found.settings.replace(seeds=2),
        validation={"mnist": np.array([[1.0, 0.33]])},
        probabilities={"mnist": np.stack([right, swapped])},
        labels={"mnist": np.stack([LABELS, LABELS])},
    )


def test_each_run_has_its_own_bars_confusions_and_words():
    first, second = (confidence_figures.sure_and_right(two_runs(), seed) for seed in (0, 1))
    assert "Validation accuracies: 1.00, 0.33. Run 1: expected calibration error 45%;" in first.alt
    assert first.alt.endswith("none of the images wrong.")
    assert "error 58%; 67% of the images wrong, 100% of these with a confidence" in second.alt
    assert "confused: 0 taken for 6, images: 20." in second.alt
    for picture, height, accuracy in ((first, 1.0, 1.0), (second, 1 / 3, 0.33)):
        places, bars, table = picture.figure.axes
        assert [bar.get_height() for bar in bars.containers[0]] == pytest.approx([height])
        assert places.lines[-1].get_xdata() == [accuracy]
        assert places.lines[-2].get_xdata().tolist() == [1.0, 0.33]
        written = {text.get_text() for text in table.texts}
        assert written == {"20"}
    assert "run 2: 60 validation images" in second.figure.axes[2].get_title(loc="left")


@pytest.mark.colab
@pytest.mark.slow
def test_the_panel_trains_either_way_and_shows_each_of_its_runs():
    panel = panels.sure_and_right(steps=20)
    assert panel.values == {"way": "SimMIM", "labels_per_class": 1, "seed": 0}
    says = follow(panel, lambda: choose(find(panel.view, "Labels per class"), "2"))
    assert "with 2 labels per class" in says and "after 20 of 20 steps" in says
    again = follow(panel, lambda: choose(find(panel.view, "Run"), "3"))
    assert "Run 1:" in says and "Run 3:" in again
    assert says.partition("Run")[0] == again.partition("Run")[0]  # the same three, not new ones
    follow(panel, lambda: choose(find(panel.view, "Way"), "augmented"))
    click(find(panel.view, "Copy settings"))
    plain = {**INFORMED, "information": 0.0, "agreement": 0.0}
    asked = Settings(**plain, labels_per_class=2, steps=20, seeds=panels.RUNS)
    assert asked.as_code() in html.unescape(panel.code.value)
