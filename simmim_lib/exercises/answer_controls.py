"""The controls that answer a question, by its kind; all can be used with the keyboard."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simmim_lib.exercises.questions import LETTERS, Choice, Estimate, Ordering, Question
from simmim_lib.panels.slider_names import slider_names

if TYPE_CHECKING:
    import ipywidgets as widgets

NO_ORDER = "Press what comes first, then what comes next."

Guessed = Callable[[Any], None]
"""Called with a guess: a letter, a number, or the letters of an order."""


def controls(asked: Question, right: Any, guessed: Guessed) -> "widgets.Widget":
    """Return the controls of a question, which call `guessed`.

    Args:
        asked: the question.
        right: its answer, at which no control may stand by itself.
        guessed: called with each guess.
    """
    if isinstance(asked, Estimate):
        return _estimate(asked, asked.start(right), guessed)
    return _ordering(asked, guessed) if isinstance(asked, Ordering) else _choice(asked, guessed)


def _choice(asked: Choice, guessed: Guessed) -> "widgets.Widget":
    return _row(_letter_buttons(asked, guessed))


def _estimate(asked: Estimate, start: float, guessed: Guessed) -> "widgets.Widget":
    import ipywidgets as widgets

    slider = _slider(asked, start)
    button = widgets.Button(description="That is my guess")
    button.on_click(lambda _: guessed(slider.value))
    return _row([slider, button, slider_names()])


def _ordering(asked: Ordering, guessed: Guessed) -> "widgets.Widget":
    """Let the options be pressed in order; with the last one the guess is made.

    Pressed again, an option is taken out.
    """
    import ipywidgets as widgets

    order: list[str] = []
    so_far = widgets.Label(NO_ORDER)

    def press(letter: str) -> None:
        if letter in order:
            order.remove(letter)
        else:
            order.append(letter)
        named = "Your order: " + ", ".join(f"({each})" for each in order)
        if len(order) == len(asked.options):
            so_far.value, guess = named, "".join(order)
            order.clear()
            guessed(guess)
        else:
            so_far.value = f"{named}; press one again to take it out." if order else NO_ORDER

    return widgets.VBox([_row(_letter_buttons(asked, press)), so_far])


def _row(parts: "list[Any]") -> "widgets.Widget":
    """Put widgets side by side, and below each other on a phone."""
    import ipywidgets as widgets

    return widgets.HBox(parts, layout={"flex_flow": "row wrap"})


def _letter_buttons(asked: Choice | Ordering, pressed: Guessed) -> "list[widgets.Button]":
    import ipywidgets as widgets

    buttons = []
    for letter, option in zip(LETTERS, asked.options, strict=False):
        button = widgets.Button(description=f"({letter})", tooltip=option.text)
        button.layout.width = "4em"
        button.on_click(lambda _, letter=letter: pressed(letter))
        buttons.append(button)
    return buttons


def _slider(asked: Estimate, start: float) -> "widgets.Widget":
    import ipywidgets as widgets
    import numpy as np

    looks: dict[str, Any] = {"description": "My guess", "readout_format": ",.3r"}
    if not asked.logarithmic:
        return widgets.FloatSlider(start, min=asked.least, max=asked.most, **looks)
    low, high = np.log10([asked.least, asked.most])
    return widgets.FloatLogSlider(start, min=low, max=high, **looks)
