"""The panel that compares optimizers; it turns controls into a setup and computes nothing."""

from collections.abc import Iterator

from simmim_lib.foundation.progress import Progress
from simmim_lib.lessons.simmim_model import optimizer_figures, optimizers
from simmim_lib.panels.controls import checkbox, dropdown, slider
from simmim_lib.panels.memory import remember
from simmim_lib.panels.panel import Panel, Values
from simmim_lib.pictures.style import Picture
from simmim_lib.settings import OPTIMIZERS, SCHEDULES


def comparison(setup: optimizers.Setup | None = None) -> Panel:
    """Return the panel that compares optimizers on the same images and batches.

    Args:
        setup: where the controls stand at first.
    """
    first = setup or optimizers.Setup()
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

    def asked(values: Values) -> optimizers.Setup:
        others = {name: value for name, value in values.items() if name not in OPTIMIZERS}
        return optimizers.Setup(
            optimizers=tuple(name for name in OPTIMIZERS if values[name]),
            labels_per_class=first.labels_per_class,
            steps=first.steps,
            **others,
        )

    def pictures(values: Values, progress: Progress) -> Iterator[Picture]:
        yield optimizer_figures.comparison(remember(optimizers.compare, asked(values), progress))

    return Panel(controls, pictures, lambda values: asked(values).as_code())
