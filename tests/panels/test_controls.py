"""Controls of one look: what they offer, and that they fit a phone."""

import pytest

from simmim_lib.panels import controls
from simmim_lib.settings import offers

pytestmark = pytest.mark.colab


def test_numbers_on_a_slider_are_written_short():
    slider = controls.slider("Weight", (0.0, 0.25, 2.0, 500), 2.0)
    assert list(slider._options_labels) == ["0", "0.25", "2", "500"]
    assert slider.value == 2.0 and not slider.continuous_update


@pytest.mark.parametrize("first", ["all", "up to 20"])
def test_words_stand_on_a_slider_beside_numbers(first):
    slider = controls.setting_slider("labels_per_class", "Labels per class", first)
    assert slider.label == first and slider.value == first
    slider.label = "5"
    assert slider.value == 5


def test_what_is_shown_may_differ_from_the_value():
    slider = controls.slider("Wrong labels", [("0 %", 0.0), ("40 %", 0.4)], 0.4)
    assert slider.label == "40 %"


def test_a_setting_offers_its_usual_values_and_the_first_one():
    slider = controls.setting_slider("labels_per_class", "Labels per class", 7, 0)
    values = [value for _, value in slider.options]
    assert values == sorted({*offers("labels_per_class"), 0, 7})
    assert slider.value == 7


def test_the_first_targets_are_offered_even_if_they_are_unusual():
    usual = controls.target_groups(controls.TARGET_GROUPS[1])
    assert [group for _, group in usual.options] == list(controls.TARGET_GROUPS)
    unusual = controls.target_groups(("glyphs", "mnist"))
    assert unusual.options[-1] == ("Glyphs, MNIST digits", ("glyphs", "mnist"))
    assert unusual.value == ("glyphs", "mnist")


@pytest.mark.parametrize(
    "control",
    [
        lambda: controls.dropdown("Source", ["mnist"], "mnist"),
        lambda: controls.slider("Steps", [1], 1),
        lambda: controls.text_box("Title", "mine", "as you like"),
    ],
)
def test_a_control_is_no_wider_than_a_phone(control):
    layout = control().layout
    assert (layout.width, layout.max_width, layout.min_width) == ("330px", "100%", "0")


def test_a_choice_shows_any_name_and_keeps_what_it_stands_for():
    chosen = controls.dropdown("Source", [("a", "a"), ("b\udcff\n\x1b", "b\udcff")], "b\udcff")
    assert chosen.options == (("a", "a"), (r"b\udcff\n\x1b", "b\udcff"))
    assert chosen.value == "b\udcff"
