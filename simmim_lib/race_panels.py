"""The panel that races optimizers; it turns controls into a plan and computes nothing."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from simmim_lib import panels, race_figures
from simmim_lib import race as racing
from simmim_lib.figures import Picture
from simmim_lib.settings import OPTIMIZERS, SCHEDULES
from simmim_lib.training import Progress

if TYPE_CHECKING:
    import ipywidgets as widgets


def race(plan: racing.Plan | None = None) -> panels.Panel:
    """Return the panel that races optimizers on the same images and batches.

    Args:
        plan: where the controls stand at first.
    """
    first = plan or racing.Plan()
    rates = sorted({*racing.RATES, *filter(None, [first.learning_rate])})
    choices = [("each one's best", None), *((f"{rate:g} for all", rate) for rate in rates)]
    controls = {
        "learning_rate": panels._dropdown("Learning rate", choices, first.learning_rate),
        "schedule": panels._dropdown("Schedule", list(SCHEDULES), first.schedule),
        "seeds": panels._slider("Seeds", sorted({1, 3, 5, first.seeds}), first.seeds),
        **{name: _checkbox(name, name in first.optimizers) for name in OPTIMIZERS},
    }

    def asked(values: panels.Values) -> racing.Plan:
        others = {name: value for name, value in values.items() if name not in OPTIMIZERS}
        return racing.Plan(
            optimizers=tuple(name for name in OPTIMIZERS if values[name]),
            labels_per_class=first.labels_per_class,
            steps=first.steps,
            **others,
        )

    def pictures(values: panels.Values, progress: Progress) -> Iterator[Picture]:
        yield race_figures.race(_race(asked(values), progress))

    return panels.Panel(controls, pictures, lambda values: asked(values).as_code())


_races: dict[racing.Plan, racing.Race] = {}


def _race(plan: racing.Plan, progress: Progress) -> racing.Race:
    """Race, or remember it: going back to a setting should cost nothing."""
    if plan not in _races:
        _races[plan] = racing.race(plan, progress)
    return _races[plan]


def _checkbox(name: str, value: bool) -> "widgets.Checkbox":
    import ipywidgets as widgets

    return widgets.Checkbox(
        description=race_figures.TITLES[name],
        value=value,
        indent=False,
        layout={"width": "110px"},
    )
