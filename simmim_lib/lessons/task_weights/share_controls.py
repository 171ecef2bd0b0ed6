"""Sliders and a triangle of buttons for the weights of two or three targets."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from simmim_lib import datasets
from simmim_lib.errors import WorkbookError
from simmim_lib.lessons.task_weights.shares import (
    as_ratio,
    in_percent,
    move_share,
    read_shares,
    triangle_ratios,
)
from simmim_lib.panels.controls import layout_and_style

if TYPE_CHECKING:
    import ipywidgets as widgets


class ShareControls:
    """Sliders and a triangle of buttons that show the ratio in a text box, and set it.

    Args:
        targets: the choice among groups of targets.
        ratio: the text box, see `shares.read_shares`.

    Attributes:
        view: the widget that holds sliders and triangle.
    """

    def __init__(self, targets: "widgets.Dropdown", ratio: "widgets.Text") -> None:
        import ipywidgets as widgets

        self.targets = targets
        self.ratio = ratio
        largest = max(len(group) for _, group in targets.options)
        self.sliders = [_share_slider(position) for position in range(largest)]
        self.buttons = {weights: self._button(weights) for weights in triangle_ratios()}
        self.above = widgets.HTML()
        self.below = widgets.HTML()
        self.triangle = widgets.VBox(
            [self.above, *self._rows(), self.below], layout={"align_items": "center"}
        )
        self.view = self._arrange()
        self._following = False  # while sliders follow the ratio, it must not follow them
        for slider in self.sliders:
            slider.observe(self._set_ratio, "value")
        ratio.observe(lambda _: self._show_ratio(), "value")
        targets.observe(lambda _: self._reset(), "value")
        self._name_targets()
        self._show_ratio()

    def _button(self, weights: Sequence[int]) -> "widgets.Button":
        import ipywidgets as widgets

        text = ":".join(str(weight) for weight in weights)
        layout = {"width": "36px", "height": "26px", "padding": "0", "margin": "1px"}
        button = widgets.Button(description=text, tooltip=f"Weights {text}", layout=layout)
        button.on_click(lambda _: self._click(weights))
        return button

    def _rows(self) -> "list[widgets.HBox]":
        """Return the rows of the triangle, from the top, where the first weight is largest."""
        import ipywidgets as widgets

        rows: dict[int, list[widgets.Button]] = {}
        for (first, *_), button in self.buttons.items():
            rows.setdefault(first, []).append(button)
        return [widgets.HBox(row) for row in rows.values()]

    def _arrange(self) -> "widgets.Box":
        import ipywidgets as widgets

        # Wrapping rows, even of one slider each: what stands in them shrinks on a phone.
        rows = {"display": "flex", "flex_flow": "row wrap", "max_width": "100%"}
        sliders = widgets.Box(self.sliders, layout={**rows, "width": "346px"})
        return widgets.Box([sliders, self.triangle], layout={**rows, "align_items": "center"})

    def _click(self, weights: Sequence[int]) -> None:
        self.ratio.value = as_ratio(weights)

    def _reset(self) -> None:
        """Other targets were chosen: weigh them equally."""
        self._name_targets()
        self.ratio.value = as_ratio([1] * len(self.targets.value))
        self._show_ratio()

    def _name_targets(self) -> None:
        titles = [datasets.describe(name).title for name in self.targets.value]
        for slider, title in zip(self.sliders, titles, strict=False):
            slider.description = f"{title} %"
        for position, slider in enumerate(self.sliders):
            slider.layout.display = "" if position < len(titles) else "none"
        three = len(titles) == 3
        self.triangle.layout.display = "" if three else "none"
        if three:
            self.above.value = f"all on {titles[0]}"
            self.below.value = f"{titles[1]} (left), {titles[2]} (right)"

    def _show_ratio(self) -> None:
        """Show the ratio; one that cannot be read leaves the sliders where they are."""
        try:
            shares = read_shares(self.ratio.value, self.targets.value)
        except WorkbookError:
            return
        self._following = True
        for slider, percent in zip(self.sliders, in_percent(shares), strict=False):
            slider.value = percent
        self._following = False
        for weights, button in self.buttons.items():
            of_button = tuple(round(weight / sum(weights), 4) for weight in weights)
            button.button_style = "info" if of_button == shares else ""

    def _set_ratio(self, change: dict[str, Any]) -> None:
        """Follow a slider that a reader has moved; the others make room for it."""
        if self._following:
            return
        shown = self.sliders[: len(self.targets.value)]
        moved = shown.index(change["owner"])
        before = [slider.value for slider in shown]
        before[moved] = change["old"]
        self.ratio.value = as_ratio(move_share(before, moved, change["new"]))


def _share_slider(position: int) -> "widgets.IntSlider":
    import ipywidgets as widgets

    return widgets.IntSlider(
        description=f"Target {position + 1} %",
        max=100,
        continuous_update=False,
        **layout_and_style(),
    )
