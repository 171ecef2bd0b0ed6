"""Panels of lesson 04: they turn controls into settings, and hold no computation of their own."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from simmim_lib import datasets, experiments
from simmim_lib.errors import WorkbookError
from simmim_lib.experiments import Course
from simmim_lib.foundation.progress import Progress, in_parts
from simmim_lib.lessons.task_weights import conflict_figures, shares_figures, weighting_figures
from simmim_lib.lessons.task_weights import shares as task_weights_shares
from simmim_lib.lessons.task_weights.conflict import arrows
from simmim_lib.lessons.task_weights.shares import (
    Shares,
    in_percent,
    move,
    read_shares,
    rivals,
    triangle,
)
from simmim_lib.panels import controls as panels_controls
from simmim_lib.panels.controls import GROUPS, dropdown, layout_and_style
from simmim_lib.panels.memory import measure, measured, remembered
from simmim_lib.panels.panel import Panel, Values
from simmim_lib.pictures.style import Picture
from simmim_lib.settings import WEIGHTINGS, Settings
from simmim_lib.weighting import METHODS

if TYPE_CHECKING:
    import ipywidgets as widgets

REDRAW_EVERY = 3
"""So many more weightings make a new picture while the front is measured."""

PLAIN_SUM = "fixed"
RACERS = ("uncertainty", "gradnorm", "mgda", "pcgrad", "nash-mtl")
"""The weightings that race at first, beside the plain sum."""


def task_weights(settings: Settings | None = None) -> Panel:
    """Return the panel that weighs two or three targets, and draws the trades between them.

    The weights are written as a ratio; sliders show and set them as shares of 100 %, and so do the
    buttons of a triangle where there are three targets. Under Adam weights act on the layers that
    targets share and not on a target's own head (see `shares.shares`), so one such layer must be
    trained at least; the fewer, the quicker the answer.

    Args:
        settings: where the controls stand at first; `shares.start()` if left out.
    """
    start = settings or task_weights_shares.start()
    controls = {
        "targets": _target_choice(start),
        "weights": _ratio_box(start.task_weights or [1.0] * len(start.targets)),
        "seeds": panels_controls.slider("Seeds", sorted({1, 2, 3, 5, start.seeds}), start.seeds),
    }
    # Made before the panel, so that they follow a change before the panel answers it.
    shares = _ShareControls(controls["targets"], controls["weights"])
    trails = _Trails()

    def asked(values: Values) -> Settings:
        targets = values["targets"]
        return start.replace(
            targets=targets,
            task_weights=read_shares(values["weights"], targets),
            seeds=values["seeds"],
        )

    return Panel(
        controls,
        lambda values, progress: _weight_pictures(asked(values), trails, progress),
        lambda values: asked(values).as_code(),
        helpers=shares.view,
    )


class _Trails:
    """The shares that a reader has set, one after the other, of each experiment."""

    def __init__(self) -> None:
        self._visited: dict[Settings, list[Shares]] = {}

    def visit(self, settings: Settings) -> list[Shares]:
        """Return the shares set so far, the ones that are set now at the end."""
        trail = self._visited.setdefault(settings.replace(task_weights=None), [])
        if settings.task_weights and trail[-1:] != [settings.task_weights]:
            trail.append(settings.task_weights)
        return list(trail)


def _weight_pictures(settings: Settings, trails: _Trails, progress: Progress) -> Iterator[Picture]:
    """Draw the weights that are set, at once; then the trades between the targets, as they come."""
    measure(settings, progress)
    sweep = task_weights_shares.sweep(settings.targets)
    visited = trails.visit(settings)
    results = {
        shares: result
        for shares in (*visited, *sweep)
        if (result := measured(settings.replace(task_weights=shares)))
    }
    trail = [shares for shares in visited if shares in results]
    yield shares_figures.task_weights(results, trail)
    missing = [shares for shares in sweep if shares not in results]
    parts = in_parts(progress, len(missing))
    for count, shares in enumerate(missing, start=1):
        results[shares] = measure(settings.replace(task_weights=shares), parts())
        if count % REDRAW_EVERY == 0 or count == len(missing):
            yield shares_figures.task_weights(results, trail)


class _ShareControls:
    """Sliders and a triangle of buttons that show a ratio in a text box, and set it."""

    def __init__(self, targets: "widgets.Dropdown", ratio: "widgets.Text") -> None:
        import ipywidgets as widgets

        self.targets, self.ratio = targets, ratio
        self.following = False  # while sliders follow the ratio, it must not follow them
        most = max(len(group) for _, group in targets.options)
        self.sliders = [_share_slider(position) for position in range(most)]
        self.top, self.below = widgets.HTML(), widgets.HTML()
        self.triangle = widgets.VBox(
            [self.top, *self._rows_of_buttons(), self.below], layout={"align_items": "center"}
        )
        # Wrapping rows, even of one slider each: what stands in them shrinks on a phone.
        rows = {"display": "flex", "flex_flow": "row wrap", "max_width": "100%"}
        stack = widgets.Box(self.sliders, layout={**rows, "width": "346px"})
        self.view = widgets.Box([stack, self.triangle], layout={**rows, "align_items": "center"})
        for slider in self.sliders:
            slider.observe(self._set_ratio, "value")
        ratio.observe(lambda _: self._follow(), "value")
        targets.observe(lambda _: self._begin_anew(), "value")
        self._name()
        self._follow()

    def _rows_of_buttons(self) -> "list[widgets.HBox]":
        import ipywidgets as widgets

        self.buttons = {}
        rows: dict[float, list[widgets.Button]] = {}
        for weights in triangle():
            text = ":".join(str(weight) for weight in weights)
            layout = {"width": "36px", "height": "26px", "padding": "0", "margin": "1px"}
            button = widgets.Button(description=text, tooltip=f"Weights {text}", layout=layout)
            button.on_click(lambda _, weights=weights: self._click(weights))
            self.buttons[weights] = button
            rows.setdefault(weights[0], []).append(button)
        return [widgets.HBox(row) for row in rows.values()]

    def _click(self, weights: Sequence[float]) -> None:
        self.ratio.value = _as_ratio(weights)

    def _begin_anew(self) -> None:
        """Other targets were chosen: weigh them alike."""
        self._name()
        self.ratio.value = _as_ratio([1] * len(self.targets.value))
        self._follow()

    def _name(self) -> None:
        titles = [datasets.describe(name).title for name in self.targets.value]
        for slider, title in zip(self.sliders, titles, strict=False):
            slider.description = f"{title} %"
        for position, slider in enumerate(self.sliders):
            slider.layout.display = "" if position < len(titles) else "none"
        three = len(titles) == 3
        self.triangle.layout.display = "" if three else "none"
        if three:
            self.top.value = f"all on {titles[0]}"
            self.below.value = f"{titles[1]} (left), {titles[2]} (right)"

    def _follow(self) -> None:
        """Show the ratio; one that cannot be read leaves the sliders where they are."""
        try:
            shares = read_shares(self.ratio.value, self.targets.value)
        except WorkbookError:
            return
        self.following = True
        for slider, percent in zip(self.sliders, in_percent(shares), strict=False):
            slider.value = percent
        self.following = False
        for weights, button in self.buttons.items():
            of_button = tuple(round(weight / sum(weights), 4) for weight in weights)
            button.button_style = "info" if of_button == shares else ""

    def _set_ratio(self, change: dict) -> None:
        if self.following:
            return
        shown = self.sliders[: len(self.targets.value)]
        moved = shown.index(change["owner"])
        before = [change["old"] if s is change["owner"] else s.value for s in shown]
        self.ratio.value = _as_ratio(move(before, moved, change["new"]))


def conflict(angle: int = 120, length: float = 3.0) -> Panel:
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
        yield conflict_figures.conflict(arrows(values["angle"], values["length"]))

    return Panel(controls, pictures)


def race(settings: Settings | None = None, methods: Sequence[str] = RACERS) -> Panel:
    """Return the panel that races weightings against the plain sum on the same batches.

    Args:
        settings: where the controls stand at first; its `weighting` is not used.
        methods: those that race at first, beside the plain sum.
    """
    start = settings or task_weights_shares.start(steps=120, seeds=5)
    racers = [name for name in WEIGHTINGS if name != PLAIN_SUM]
    controls = {
        "targets": _target_choice(start),
        "seeds": panels_controls.slider("Seeds", sorted({1, 3, 5, 10, start.seeds}), start.seeds),
        **{name: _checkbox(name, name in methods) for name in racers},
    }

    def asked(values: Values) -> list[Settings]:
        chosen = [name for name in racers if values[name]]
        return rivals(start.replace(targets=values["targets"], seeds=values["seeds"]), chosen)

    return Panel(
        controls,
        lambda values, progress: _race_pictures(asked(values), progress),
        lambda values: _race_code(asked(values)),
    )


def _race_pictures(plans: list[Settings], progress: Progress) -> Iterator[Picture]:
    """Draw the race again whenever a weighting has finished."""
    parts = in_parts(progress, len(plans))
    courses = {}
    for count, plan in enumerate(plans, start=1):
        courses[plan.weighting] = remembered(_finish, plan, parts())
        waiting = [other.weighting for other in plans[count:]]
        yield weighting_figures.against_plain_sum(courses, waiting)


def _finish(settings: Settings, progress: Progress) -> Course:
    """Train to the end."""
    *_, course = experiments.follow(settings, progress)
    return course


def _race_code(plans: list[Settings]) -> str:
    """Return the line that repeats all of a race's trainings."""
    names = tuple(plan.weighting for plan in plans)
    plain = plans[0].as_code().removesuffix("))")
    return f"[{plain}, weighting=name)) for name in {names!r}]"


def _target_choice(start: Settings) -> "widgets.Dropdown":
    """Return the choice among groups of targets, the start's own among them."""
    groups = dict.fromkeys((*GROUPS, start.targets))
    titles = [
        (", ".join(datasets.describe(name).title for name in group), group) for group in groups
    ]
    return _shrinking(dropdown("Targets", titles, start.targets))


def _shrinking(control: Any) -> Any:
    """Let a control be narrower than its content, or a phone would cut it off."""
    control.layout.min_width = "0"
    return control


def _as_ratio(weights: Sequence[float]) -> str:
    return " : ".join(f"{weight:g}" for weight in weights)


def _ratio_box(weights: Sequence[float]) -> "widgets.Text":
    import ipywidgets as widgets

    text, looks = _as_ratio(weights), layout_and_style()
    return _shrinking(
        widgets.Text(description="Weights", value=text, continuous_update=False, **looks)
    )


def _share_slider(position: int) -> "widgets.IntSlider":
    import ipywidgets as widgets

    return widgets.IntSlider(
        description=f"Target {position + 1} %",
        max=100,
        continuous_update=False,
        **layout_and_style(),
    )


def _checkbox(name: str, value: bool) -> "widgets.Checkbox":
    import ipywidgets as widgets

    return widgets.Checkbox(
        description=METHODS[name].short_title, value=value, indent=False, layout={"width": "150px"}
    )
