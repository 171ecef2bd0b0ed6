"""Controls for settings: one loop over the fields, each of which says what it takes."""

import contextlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from simmim_lib import datasets
from simmim_lib.errors import WorkbookError
from simmim_lib.foundation.options import Choice, DatasetName, Flag, Kind, Names, OrNone, Whole
from simmim_lib.panels.controls import (
    checkbox,
    dataset_options,
    dropdown,
    several,
    slider,
    text_box,
)
from simmim_lib.settings import OPTIONS, Settings, as_text, offers

if TYPE_CHECKING:
    import ipywidgets as widgets

MAX_STEPS = 12
"""Of a slider over whole numbers; where there are more, the ones that are offered are taken."""


def controls_of(settings: Settings) -> "dict[str, widgets.Widget]":
    """Return a control for each field, by name, which stands where the settings are."""
    made = {}
    for name in OPTIONS:
        control = _control(name, settings)
        control.tooltip = OPTIONS[name].metadata["help"]
        made[name] = control
    return made


def show(controls: "dict[str, widgets.Widget]", settings: Settings) -> None:
    """Let controls offer what goes with settings, and stand where they are."""
    for name, control in controls.items():
        value = getattr(settings, name)
        options = choices(name, settings)
        if not options:
            control.value = value if isinstance(value, bool) else as_text(value)
        else:
            _offer(control, options)
            control.value = value


def _offer(control: "widgets.Widget", options: list[tuple[str, Any]]) -> None:
    if [*control.options] != options:
        control.options = options


def _control(name: str, settings: Settings) -> "widgets.Widget":
    title, value = title_of(name), getattr(settings, name)
    options, kind = choices(name, settings), _kind(name, settings)
    if isinstance(kind, Flag):
        return checkbox(title, value)
    if isinstance(kind, Names):
        return several(title, options, value)
    if not options:
        return text_box(title, as_text(value))
    numbers = isinstance(options[0][1], int | float)
    return (slider if numbers else dropdown)(title, options, value)


def title_of(name: str) -> str:
    """Return what stands beside a control."""
    return name.replace("_", " ").capitalize()


def choices(name: str, settings: Settings) -> list[tuple[str, Any]]:
    """Return what a control offers, each with the words for it; nothing where one writes.

    Args:
        name: of the field.
        settings: where the control stands, and what decides about its choices.
    """
    kind, value = _kind(name, settings), getattr(settings, name)
    if isinstance(kind, Flag):
        return []
    if isinstance(kind, Names) or _names_a_dataset(kind):
        return _datasets(name, kind, settings)
    if isinstance(kind, Whole) and kind.most - kind.least < MAX_STEPS:
        values: Iterable[Any] = range(kind.least, kind.most + 1)
    elif not (values := offers(name) or _possible(name, kind, settings)):
        return []
    return [(as_text(each), each) for each in _with(values, value)]


def _possible(name: str, kind: Kind, settings: Settings) -> list[Any]:
    """Return the choices that go with all other settings, where a field does not offer its own."""
    found = []
    for value in kind.choices if isinstance(kind, Choice) else ():
        with contextlib.suppress(WorkbookError):
            settings.replace(**{name: value})
            found.append(value)
    return found


def _with(values: Iterable[Any], value: Any) -> list[Any]:
    """Return values, and one more if it is not among them: numbers by size."""
    every = list(dict.fromkeys((*values, value)))
    return sorted(every) if all(isinstance(each, int | float) for each in every) else every


def _datasets(name: str, kind: Kind, settings: Settings) -> list[tuple[str, Any]]:
    """Return the datasets that are at hand, and the one or those that are chosen."""
    chosen = getattr(settings, name)
    chosen = chosen if isinstance(chosen, tuple) else (chosen,)
    published = settings.trunk_info.published
    if name == "source" and published:
        found = [published]
    else:
        found = [*datasets.available(settings.trunk_info.takes)]
    names = dict.fromkeys((*found, *filter(None, chosen)))
    shown = dataset_options(names)
    return [("none", None), *shown] if isinstance(kind, OrNone) else shown


def _names_a_dataset(kind: Kind) -> bool:
    return isinstance(kind, DatasetName) or (
        isinstance(kind, OrNone) and isinstance(kind.kind, DatasetName)
    )


def _kind(name: str, settings: Settings) -> Kind:
    return OPTIONS[name].metadata["reads"](settings)
