"""The widget driver itself: it sees what a browser's reader would, and lets no error pass."""

import ipywidgets
import pytest
from widget_driver import choose, click, find, hidden_errors, send, walk

pytestmark = pytest.mark.colab


def fail(*_):
    raise ZeroDivisionError("planted")


def test_a_message_changes_the_value_and_calls_back():
    seen = []
    slider = ipywidgets.IntSlider(max=9, continuous_update=False)
    slider.observe(lambda change: seen.append(change["new"]), "value")
    send(slider, value=8)
    assert (slider.value, seen) == (8, [8])
    with pytest.raises(AssertionError, match="nothing called"):
        send(slider, valeu=3)


@pytest.mark.parametrize("kind", ["Dropdown", "SelectionSlider", "ToggleButtons", "RadioButtons"])
def test_an_option_is_chosen_by_its_label(kind):
    widget = getattr(ipywidgets, kind)(options=[("none", 0), ("all", 4)])
    choose(widget, "all")
    assert widget.value == 4


def test_a_click_reaches_the_button_unless_it_is_disabled():
    clicked = []
    button = ipywidgets.Button(description="Run")
    button.on_click(clicked.append)
    click(button)
    assert clicked == [button]
    button.disabled = True
    with pytest.raises(AssertionError, match="disabled"):
        click(button)


def test_errors_in_callbacks_are_raised():
    slider = ipywidgets.IntSlider()
    slider.observe(fail, "value")
    with pytest.raises(ZeroDivisionError, match="planted"):
        send(slider, value=8)
    button = ipywidgets.Button()
    button.on_click(fail)
    with pytest.raises(ZeroDivisionError, match="planted"):
        click(button)
    interactive = ipywidgets.interactive(lambda x: 1 / (3 - x), x=(0, 3))
    with pytest.raises(ZeroDivisionError):
        send(interactive.children[0], value=3)


def test_widgets_are_found_by_label():
    inner = ipywidgets.IntSlider(description="Frozen layers")
    panel = ipywidgets.VBox([ipywidgets.HBox([inner]), ipywidgets.Button(description="Run")])
    assert find(panel, "Frozen layers") is inner
    assert len(list(walk(panel))) == 4
    with pytest.raises(AssertionError, match=r"0 widgets .* labels are \['Frozen layers', 'Run'\]"):
        find(panel, "Seeds")


def test_hidden_errors_are_found():
    area, message = ipywidgets.Output(), ipywidgets.HTML()
    panel = ipywidgets.VBox([area, message])
    assert hidden_errors(panel) == []
    area.outputs = ({"output_type": "error", "ename": "KeyError", "evalue": "3", "traceback": []},)
    message.value = '<p class="simmim-error">Too many layers.</p>'
    assert len(hidden_errors(panel)) == 2


def test_a_keyword_that_one_version_ignores_is_an_error():
    with pytest.raises(DeprecationWarning, match="unrecognized arguments"):
        ipywidgets.IntSlider(no_such_keyword=True)
