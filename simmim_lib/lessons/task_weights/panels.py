"""Panels of lesson 04: they turn controls into settings, and hold no computation of their own."""

from collections.abc import Iterator, Sequence

from simmim_lib.experiments import Course
from simmim_lib.foundation.progress import Progress, in_parts
from simmim_lib.lessons.task_weights import conflict_figures, shares_figures, weighting_figures
from simmim_lib.lessons.task_weights.conflict import (
    FIRST_ANGLE,
    FIRST_LENGTH,
    two_gradients,
)
from simmim_lib.lessons.task_weights.share_controls import ShareControls
from simmim_lib.lessons.task_weights.shares import (
    Shares,
    as_ratio,
    read_shares,
    shares_to_measure,
    small_experiment,
    weightings_to_compare,
)
from simmim_lib.panels.controls import (
    checkbox,
    layout_and_style,
    setting_slider,
    target_groups,
    text_box,
)
from simmim_lib.panels.memory import follow, is_measured, measure_each
from simmim_lib.panels.panel import Panel, Values
from simmim_lib.pictures.style import Picture
from simmim_lib.settings import WEIGHTINGS, Settings
from simmim_lib.weighting import METHODS

REDRAW_EVERY = 3
"""While the trade-offs are measured, they are drawn again after so many more weights."""

MAX_TRAIL = 40
"""So many weights that were set are drawn: those that are forgotten are measured again."""

PLAIN_SUM = "fixed"
FIRST_METHODS = ("uncertainty", "gradnorm", "mgda", "pcgrad", "nash-mtl")
"""The weightings that are compared with the plain sum at first."""


def task_weights(settings: Settings | None = None) -> Panel:
    """Return the panel that weighs two or three targets, and draws the trade-offs between them.

    The weights are written as a ratio; sliders show and set them as shares of 100 %, and so do the
    buttons of a triangle where there are three targets. Under Adam weights act on the layers that
    targets share and not on a target's own head (see `shares.as_shares`), so one such layer must be
    trained at least; the fewer, the quicker the answer.

    Args:
        settings: where the controls stand at first; `shares.small_experiment()` if left out.
    """
    start = settings or small_experiment()
    weights = start.task_weights or [1.0] * len(start.targets)
    controls = {
        "targets": target_groups(start.targets),
        "weights": text_box("Weights", as_ratio(weights)),
        "seeds": setting_slider("seeds", "Seeds", start.seeds),
    }
    # Made before the panel, so that they follow a change before the panel answers it.
    share_controls = ShareControls(controls["targets"], controls["weights"])
    trails: dict[Settings, tuple[Shares, ...]] = {}

    def asked(values: Values) -> Settings:
        targets = values["targets"]
        return start.replace(
            targets=targets,
            task_weights=read_shares(values["weights"], targets),
            seeds=values["seeds"],
        )

    def pictures(values: Values, progress: Progress) -> Iterator[Picture]:
        settings = asked(values)
        shares = settings.task_weights
        unweighted = settings.replace(task_weights=None)
        trail = trails.get(unweighted, ())
        if shares and trail[-1:] != (shares,):
            trail = (*trail, shares)[-MAX_TRAIL:]
        for picture in _trade_offs(unweighted, trail, progress):
            trails[unweighted] = trail  # not before there is a picture of it
            yield picture

    return Panel(
        controls, pictures, lambda values: asked(values).as_code(), more=share_controls.view
    )


def _trade_offs(
    unweighted: Settings, trail: Sequence[Shares], progress: Progress
) -> Iterator[Picture]:
    """Draw the weights that are set, at once; then the targets' trade-offs, as they come.

    Args:
        unweighted: the experiment.
        trail: its task weights so far; the last are set now. Of the others those that are not
            remembered any more are measured again, but not waited for.
        progress: filled once, by what is not remembered.
    """
    plans = {
        shares: unweighted.replace(task_weights=shares)
        for shares in (*trail, *shares_to_measure(unweighted.targets))
    }
    at_once = [shares for shares in plans if shares in trail[-1:] or is_measured(plans[shares])]
    later = [shares for shares in plans if shares not in at_once]
    results = measure_each([plans[shares] for shares in (*at_once, *later)], progress)
    measured = {shares: next(results) for shares in at_once}

    def drawn() -> Picture:
        return shares_figures.task_weights(measured, [each for each in trail if each in measured])

    yield drawn()
    for count, (shares, result) in enumerate(zip(later, results, strict=True), start=1):
        measured[shares] = result
        if count % REDRAW_EVERY == 0 or count == len(later):
            yield drawn()


def conflict(angle: int = FIRST_ANGLE, length: float = FIRST_LENGTH) -> Panel:
    """Return the panel that turns and stretches two task gradients, and combines them in six ways.

    Args:
        angle: between the gradients at first, whole degrees from 0 to 180.
        length: of the second gradient relative to the first, 0.01 to 100.
    """
    import ipywidgets as widgets

    controls = {
        "angle": widgets.IntSlider(
            description="Angle (degrees)", min=0, max=180, value=angle, **layout_and_style()
        ),
        "length": widgets.FloatLogSlider(
            description="Length of second",
            base=10,
            min=-2,
            max=2,
            step=0.1,
            value=length,
            **layout_and_style(),
        ),
    }

    def pictures(values: Values, _: Progress) -> Iterator[Picture]:
        yield conflict_figures.conflict(two_gradients(values["angle"], values["length"]))

    return Panel(controls, pictures)


def compare_weightings(
    settings: Settings | None = None, methods: Sequence[str] = FIRST_METHODS
) -> Panel:
    """Return the panel that compares weightings with the plain sum, on the same batches.

    Args:
        settings: where the controls stand at first; its `weighting` is not used.
        methods: those that are compared at first.
    """
    start = settings or small_experiment(steps=120, seeds=5)
    offered = [name for name in WEIGHTINGS if name != PLAIN_SUM]
    controls = {
        "targets": target_groups(start.targets),
        "seeds": setting_slider("seeds", "Seeds", start.seeds),
        **{name: checkbox(METHODS[name].short_title, name in methods) for name in offered},
    }

    def asked(values: Values) -> list[Settings]:
        chosen = [name for name in offered if values[name]]
        experiment = start.replace(targets=values["targets"], seeds=values["seeds"])
        return weightings_to_compare(experiment, chosen)

    return Panel(
        controls,
        lambda values, progress: _comparisons(asked(values), progress),
        lambda values: _code(asked(values)),
    )


def _comparisons(plans: Sequence[Settings], progress: Progress) -> Iterator[Picture]:
    """Draw the comparison again whenever a weighting has finished."""
    parts = in_parts(progress, len(plans))
    courses: dict[str, Course] = {}
    for plan in plans:
        *_, looks = follow(plan, parts())
        courses[plan.weighting] = looks[-1]
        waiting = [other.weighting for other in plans[len(courses) :]]
        yield weighting_figures.against_plain_sum(courses, waiting)


def _code(plans: Sequence[Settings]) -> str:
    """Return the line that repeats all trainings of a comparison."""
    methods = tuple(plan.weighting for plan in plans)
    experiment = plans[0].as_code().removeprefix("simmim_lib.run(").removesuffix(")")
    return f"[simmim_lib.run({experiment}.replace(weighting=name)) for name in {methods!r}]"
