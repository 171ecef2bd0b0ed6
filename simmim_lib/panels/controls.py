"""Controls of panels: dropdowns, sliders, boxes of one look."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from simmim_lib import datasets
from simmim_lib.errors import printable
from simmim_lib.settings import RECIPES, Settings, offers
from simmim_lib.trunks.catalogue import TRUNKS

if TYPE_CHECKING:
    import ipywidgets as widgets

CONTROL_WIDTH = "330px"

TARGET_GROUPS = (
    ("mnist", "uci-digits"),
    ("mnist", "fashion"),
    ("uci-digits", "fashion"),
    ("mnist", "uci-digits", "fashion"),
)
"""Targets that panels offer to train together."""


def dropdown(description: str, options: Iterable[Any], value: object) -> "widgets.Dropdown":
    """Return a list to choose from.

    Args:
        description: what stands beside it.
        options: the values, or pairs of what is shown and the value.
        value: the one chosen at first.
    """
    import ipywidgets as widgets

    # The names of folders are among what is shown.
    shown = [(printable(o[0]), o[1]) if isinstance(o, tuple) else o for o in options]
    return widgets.Dropdown(
        description=description, options=shown, value=value, **layout_and_style()
    )


def slider(description: str, options: Iterable[Any], value: object) -> "widgets.SelectionSlider":
    """Return a slider over listed values, which answers when it is let go.

    Args:
        description: what stands beside it.
        options: the numbers, or pairs of what is shown and the value.
        value: the one chosen at first.
    """
    import ipywidgets as widgets

    def named(option: Any) -> tuple[str, Any]:
        # All are pairs: a bare value among pairs would turn the pairs into values.
        return (f"{option:g}" if isinstance(option, int | float) else str(option), option)

    return widgets.SelectionSlider(
        description=description,
        options=[each if isinstance(each, tuple) else named(each) for each in options],
        value=value,
        continuous_update=False,
        **layout_and_style(),
    )


def several(
    description: str, options: Iterable[tuple[str, Any]], chosen: Iterable[Any]
) -> "widgets.SelectMultiple":
    """Return a list to choose several from: pairs of what is shown and the value."""
    import ipywidgets as widgets

    return widgets.SelectMultiple(
        description=description, options=options, value=chosen, rows=4, **layout_and_style()
    )


def setting_slider(
    name: str, description: str, value: Any, *others: Any
) -> "widgets.SelectionSlider":
    """Return a slider over the numbers that `settings.offers` for a field of `Settings`.

    Args:
        name: of the field.
        description: what stands beside it.
        value: the one chosen at first, offered even if it is unusual.
        others: further numbers to offer.
    """
    return slider(description, offers(name, value, *others), value)


def recipe_dropdown(chosen: str) -> "widgets.Dropdown":
    """Return the choice among the recipes that settings have."""
    titles = {"fine-tune": "plain fine-tuning", "simmim": "SimMIM (lesson 05)"}
    return dropdown("Recipe", [(titles[name], name) for name in RECIPES], chosen)


def trunk_dropdown(chosen: str) -> "widgets.Dropdown":
    """Return the choice among the trunks that need no download, and the one chosen at first."""
    at_hand = [trunk.name for trunk in TRUNKS.values() if trunk.weights or not trunk.published]
    return dropdown("Trunk", dict.fromkeys((*at_hand, chosen)), chosen)


def source_dropdown(
    settings: Settings, bundled: Iterable[str], *, scratch: bool
) -> "widgets.Dropdown":
    """Return the choice among `source_options`."""
    options = source_options(settings, bundled, scratch=scratch)
    return dropdown("Source", options, settings.source)


def source_options(
    settings: Settings, bundled: Iterable[str], *, scratch: bool
) -> list[tuple[str, str | None]]:
    """Return the sources that go with a trunk, each with what is shown for it.

    These are its own weights, or datasets to pre-train on.

    Args:
        settings: with the trunk, and the source that is chosen at first.
        bundled: the datasets to offer beside that source.
        scratch: whether to offer no source, too.
    """
    published = settings.trunk_info.published
    offered = [published] if published else [*bundled, *filter(None, [settings.source])]
    options: list[tuple[str, str | None]] = [("from scratch", None)] if scratch else []
    return options + dataset_options(offered)


def dataset_options(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return datasets, each with the short name that is shown for it."""
    return [(printable(short), name) for name, short in datasets.short_names(names).items()]


def target_groups(chosen: tuple[str, ...]) -> "widgets.Dropdown":
    """Return the choice among `TARGET_GROUPS` and the group that is chosen at first."""
    groups = dict.fromkeys((*TARGET_GROUPS, chosen))
    titles = [", ".join(datasets.describe(name).title for name in group) for group in groups]
    return dropdown("Targets", zip(titles, groups, strict=True), chosen)


def text_box(description: str, value: str = "", placeholder: str = "") -> "widgets.Text":
    """Return a box to write in, which answers when it is left."""
    import ipywidgets as widgets

    return widgets.Text(
        description=description,
        value=value,
        placeholder=placeholder,
        continuous_update=False,
        **layout_and_style(),
    )


def checkbox(description: str, value: bool) -> "widgets.Checkbox":
    """Return a box to tick, narrow enough for several to stand side by side."""
    import ipywidgets as widgets

    return widgets.Checkbox(
        description=description, value=value, indent=False, layout={"width": "150px"}
    )


def layout_and_style() -> dict[str, Any]:
    """Return what all controls have in common: a width that fits a phone, and room for a label."""
    # A list of long options would not shrink below its longest one, and stick out of a phone.
    width = {"width": CONTROL_WIDTH, "max_width": "100%", "min_width": "0"}
    return {"style": {"description_width": "120px"}, "layout": width}
