"""Controls of panels: dropdowns and sliders of one look."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ipywidgets as widgets

GROUPS = (
    ("mnist", "uci-digits"),
    ("mnist", "fashion"),
    ("uci-digits", "fashion"),
    ("mnist", "uci-digits", "fashion"),
)


CONTROL_WIDTH = "330px"


def dropdown(description: str, options: object, value: object) -> "widgets.Dropdown":
    """Return a list to choose from."""
    import ipywidgets as widgets

    return widgets.Dropdown(
        description=description, options=options, value=value, **layout_and_style()
    )


def slider(description: str, options: object, value: object) -> "widgets.SelectionSlider":
    """A slider over listed values, which answers when it is let go."""
    import ipywidgets as widgets

    return widgets.SelectionSlider(
        description=description,
        options=options,
        value=value,
        continuous_update=False,
        **layout_and_style(),
    )


def layout_and_style() -> dict[str, Any]:
    """Return what all controls have in common: a width that fits a phone, and room for a label."""
    # A list of long options would not shrink below its longest one, and stick out of a phone.
    width = {"width": CONTROL_WIDTH, "max_width": "100%", "min_width": "0"}
    return {"style": {"description_width": "120px"}, "layout": width}
