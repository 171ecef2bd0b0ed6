"""Panels of lesson 08: what they show follows their controls."""

import pytest

from simmim_lib.lessons.masked_images import panels

pytestmark = pytest.mark.colab


def moved(panel, **values):
    panel.start()
    before = panel.alt
    for name, value in values.items():
        panel.controls[name].value = value
        panel.wait(60)
    assert panel.error is None
    return before, panel.alt


def test_another_ratio_hides_other_patches():
    before, after = moved(panels.masks(), ratio=0.2)
    assert "10 of 16 patches hidden" in before and "4 of 16 patches hidden" in after


def test_a_square_of_large_units():
    _, after = moved(panels.masks(), unit=2, kind="square")
    assert "12 of 16 patches hidden" in after


@pytest.mark.slow
def test_another_patch_looks_elsewhere():
    before, after = moved(panels.attention(), row=1, column=4)
    assert "row 3, column 2, is marked" in before and "row 1, column 4, is marked" in after
    _, other = moved(panels.attention(), pretext="contrastive")
    assert "contrastive pre-training" in other


def test_the_explorer_marks_what_is_asked_for():
    before, after = moved(panels.ablations(), ratio=0.8, unit=2)
    assert "Marked: ratio 0.6, unit 1" in before and "Marked: ratio 0.8, unit 2" in after
