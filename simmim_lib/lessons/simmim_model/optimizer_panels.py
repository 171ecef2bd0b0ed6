"""The panel that races optimizers; it turns controls into a plan and computes nothing."""

from collections.abc import Iterator

from simmim_lib.foundation.progress import Progress
from simmim_lib.lessons.simmim_model import optimizer_figures, optimizers
from simmim_lib.panels.controls import checkbox, dropdown, slider
from simmim_lib.panels.memory import remember
from simmim_lib.panels.panel import Panel, Values
from simmim_lib.pictures.style import Picture
from simmim_lib.settings import OPTIMIZERS, SCHEDULES


def race(plan: optimizers.Plan | None = None) -> Panel:
    """Return the panel that races optimizers on the same images and batches.

    Args:
        plan: where the controls stand at first.
    """
    first = plan or optimizers.Plan()
    rates = sorted({*optimizers.RATES, *filter(None, [first.learning_rate])})
    choices = [("each one's best", None), *((f"{rate:g} for all", rate) for rate in rates)]
    controls = {
        "learning_rate": dropdown("Learning rate", choices, first.learning_rate),
        "schedule": dropdown("Schedule", list(SCHEDULES), first.schedule),
        "seeds": slider("Seeds", sorted({1, 3, 5, first.seeds}), first.seeds),
        **{
            name: checkbox(optimizer_figures.TITLES[name], name in first.optimizers)
            for name in OPTIMIZERS
        },
    }

    def asked(values: Values) -> optimizers.Plan:
        others = {name: value for name, value in values.items() if name not in OPTIMIZERS}
        return optimizers.Plan(
            optimizers=tuple(name for name in OPTIMIZERS if values[name]),
            labels_per_class=first.labels_per_class,
            steps=first.steps,
            **others,
        )

    def pictures(values: Values, progress: Progress) -> Iterator[Picture]:
        yield optimizer_figures.race(remember(optimizers.race, asked(values), progress))

    return Panel(controls, pictures, lambda values: asked(values).as_code())
