"""Panels of lesson 03: they turn controls into settings, and hold no computation of their own."""

from collections.abc import Iterator

from simmim_lib import datasets, experiments
from simmim_lib.foundation.progress import Progress, in_parts
from simmim_lib.lessons.simmim_model import figures
from simmim_lib.panels.controls import GROUPS, dropdown, slider
from simmim_lib.panels.memory import MEMORY, measure
from simmim_lib.panels.panel import Panel, Values
from simmim_lib.pictures.style import Picture
from simmim_lib.settings import Settings, offers

FIELDS = ("source", "targets", "shared_heads", "frozen_layers", "seeds")


WEIGHTS = (0.0, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0)


def simmim(settings: Settings | None = None) -> Panel:
    """Return the panel that trains one network for several targets, and one for each.

    Args:
        settings: where the controls stand at first; the targets are one of `GROUPS`.
    """
    start = settings or Settings(targets=GROUPS[0], labels_per_class=5)
    first, *others = start.labels_of.values()
    titles = {name: datasets.describe(name).title for name in GROUPS[-1]}
    groups = [(", ".join(titles[name] for name in group), group) for group in GROUPS]
    sources = [("from scratch", None), *((n, n) for n in ("glyphs", *titles))]
    depths = [(str(depth), depth) for depth in offers("frozen_layers")]
    weights = dict(zip(start.targets, start.task_weights or (), strict=False))
    controls = {
        "source": dropdown("Source", sources, start.source),
        "targets": dropdown("Targets", groups, start.targets),
        "shared_heads": dropdown(
            "Heads",
            [("one for each target", False), ("shared where classes agree", True)],
            start.shared_heads,
        ),
        "frozen_layers": slider("Frozen layers", depths, start.frozen_layers),
        "first": slider("Labels, first", offers("labels_per_class", first), first),
        "others": slider("Labels, others", offers("labels_per_class", others[0]), others[0]),
        "seeds": slider("Seeds", offers("seeds", start.seeds), start.seeds),
        **{
            name: slider(
                f"Weight, {title.replace('-', ' ').split()[0]}", WEIGHTS, weights.get(name, 1.0)
            )
            for name, title in titles.items()
        },
    }

    def asked(values: Values) -> Settings:
        names = values["targets"]
        own = {name: value for name, value in values.items() if name in FIELDS}
        return start.replace(
            **own,
            labels_per_class=[values["first"], *[values["others"]] * (len(names) - 1)],
            task_weights=[values[name] for name in names],
        )

    return Panel(
        controls,
        lambda values, progress: _pictures(asked(values), progress),
        lambda values: asked(values).as_code(),
    )


def _pictures(settings: Settings, progress: Progress) -> Iterator[Picture]:
    """Draw the joint network as it learns; then train a network for each target beside it."""
    parts = in_parts(progress, 1 + len(settings.targets))
    joint = parts()
    known = MEMORY.recall((experiments.follow, settings))
    for course in [known] if known else experiments.follow(settings, joint):
        yield figures.simmim(course, {})
    MEMORY.keep((experiments.follow, settings), course)
    alone = {}
    for own in settings.separately():
        alone[own.targets[0]] = measure(own, parts())
    yield figures.simmim(course, alone)
