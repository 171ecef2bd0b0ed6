"""Panels of lesson 03: they turn controls into settings, and hold no computation of their own."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from simmim_lib.errors import WorkbookError, shown
from simmim_lib.foundation.progress import Progress, in_parts
from simmim_lib.lessons.simmim_model import figures
from simmim_lib.panels.controls import (
    TARGET_GROUPS,
    dropdown,
    recipe_dropdown,
    setting_slider,
    slider,
    source_dropdown,
    target_groups,
)
from simmim_lib.panels.memory import follow, measure
from simmim_lib.panels.panel import Panel, Values
from simmim_lib.pictures.style import Picture, short_title
from simmim_lib.settings import Settings

if TYPE_CHECKING:
    import ipywidgets as widgets

FIELDS = ("recipe", "source", "targets", "shared_heads", "frozen_layers", "seeds")
"""Controls with the name and the values of a field of `Settings`."""

WEIGHTS = (0.0, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0)


def simmim(settings: Settings | None = None) -> Panel:
    """Return the panel that trains one network for several targets, and one for each.

    Args:
        settings: where the controls stand at first; all targets but the first have the labels of
            the second.

    Raises:
        WorkbookError: there is one target only.
    """
    start = settings or Settings(targets=TARGET_GROUPS[0], labels_per_class=5)
    if len(start.targets) < 2:
        raise WorkbookError(
            "The panel compares one network for several targets with a network for each, but "
            f"{shown(start.targets[0])} is the only target: name two, such as 'mnist' and "
            "'uci-digits'."
        )
    first, others, *_ = start.labels_of.values()
    names = dict.fromkeys((*TARGET_GROUPS[-1], *start.targets))
    heads = [("one for each target", False), ("shared where classes agree", True)]
    weights = dict(zip(start.targets, start.task_weights or (), strict=False))
    depths = range(len(start.trunk_info.blocks) + 1)
    controls = {
        "recipe": recipe_dropdown(start.recipe),
        "source": source_dropdown(start, ("glyphs", *names), scratch=True),
        "targets": target_groups(start.targets),
        "shared_heads": dropdown("Heads", heads, start.shared_heads),
        "frozen_layers": slider("Frozen layers", depths, start.frozen_layers),
        "first": setting_slider("labels_per_class", "Labels, first", first),
        "others": setting_slider("labels_per_class", "Labels, others", others),
        "seeds": setting_slider("seeds", "Seeds", start.seeds),
        **{name: _weight(name, weights.get(name, 1.0)) for name in names},
    }

    def asked(values: Values) -> Settings:
        first, *others = values["targets"]
        return start.replace(
            **{name: values[name] for name in FIELDS},
            labels_per_class=[values["first"], *(values["others"] for _ in others)],
            task_weights=[values[name] for name in (first, *others)],
        )

    return Panel(
        controls,
        lambda values, progress: _pictures(asked(values), progress),
        lambda values: asked(values).as_code(),
    )


def _weight(target: str, value: float) -> "widgets.SelectionSlider":
    return slider(f"Weight, {short_title(target)}", sorted({*WEIGHTS, value}), value)


def _pictures(settings: Settings, progress: Progress) -> Iterator[Picture]:
    """Draw the joint network as it learns; then train a network for each target beside it."""
    parts = in_parts(progress, 1 + len(settings.targets))
    for courses in follow(settings, parts()):
        joint = courses[-1]
        yield figures.simmim(joint, {})
    results = [measure(alone, parts()) for alone in settings.separately()]
    yield figures.simmim(joint, dict(zip(settings.targets, results, strict=True)))
