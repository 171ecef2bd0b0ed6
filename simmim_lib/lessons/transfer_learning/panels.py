"""The panel of lesson 01: freeze layers, and train the others."""

from collections.abc import Iterator

from simmim_lib import datasets
from simmim_lib.errors import WorkbookError
from simmim_lib.foundation.progress import Progress
from simmim_lib.lessons.transfer_learning import figures
from simmim_lib.panels.controls import (
    dropdown,
    recipe_dropdown,
    setting_slider,
    slider,
    source_dropdown,
)
from simmim_lib.panels.memory import is_measured, measure_each
from simmim_lib.panels.panel import Panel, Values
from simmim_lib.pictures.style import Picture
from simmim_lib.settings import ADAPTATIONS, Settings


def frozen_layers(settings: Settings | None = None) -> Panel:
    """Return the panel that freezes layers and trains the others.

    Args:
        settings: where the controls stand at first; of several targets the first is used.

    Raises:
        WorkbookError: no source, so that there is nothing to freeze.
    """
    # On validation images, 72 steps are nearly as good as the usual 120, and the wait is shorter.
    start, *_ = (settings or Settings(steps=72)).separately()
    if start.source is None:
        raise WorkbookError(
            "The panel freezes layers that are copied from a source, but source is None: name "
            "one, such as 'glyphs'."
        )
    bundled = datasets.available(start.trunk_info.takes)
    (labels,) = start.labels_of.values()
    named = datasets.short_names((*bundled, *start.targets))
    targets = [(short, (name,)) for name, short in named.items()]
    # The picture names the frozen layers; a slider has no room for more than a number.
    controls = {
        "recipe": recipe_dropdown(start.recipe),
        "source": source_dropdown(start, bundled, scratch=False),
        "targets": dropdown("Target", targets, start.targets),
        "labels_per_class": setting_slider("labels_per_class", "Labels per class", labels),
        "frozen_layers": slider("Frozen layers", _depths(start), start.frozen_layers),
        "adaptation": dropdown("Training", ADAPTATIONS, start.adaptation),
        "seeds": setting_slider("seeds", "Seeds", start.seeds),
    }

    def asked(values: Values) -> Settings:
        return start.replace(**values)

    return Panel(
        controls,
        lambda values, progress: _pictures(asked(values), progress),
        lambda values: asked(values).as_code(),
    )


def _depths(settings: Settings) -> list[int]:
    """Return how many layers may be frozen: only copied ones can."""
    return [*range(settings.copied_layers + 1)]


def _pictures(settings: Settings, progress: Progress) -> Iterator[Picture]:
    """Measure the depth that is asked for and draw it; then, one by one, the others."""
    shown = settings.depth
    by_depth = {depth: settings.replace(frozen_layers=depth) for depth in _others(settings)}
    plans = [settings.replace(frozen_layers=shown), settings.from_scratch(), *by_depth.values()]
    measured = measure_each(plans, progress)
    results = {shown: next(measured)}
    yield figures.frozen_depth(results, shown, None)
    baseline = next(measured)
    results |= zip(by_depth, measured, strict=True)
    yield figures.frozen_depth(results, shown, baseline)


def _others(settings: Settings) -> list[int]:
    """Return the depths that are drawn beside the one asked for.

    A probe freezes all layers, whatever is asked for: there is one depth to train. With a large
    trunk it would take minutes to train every depth: those are drawn that were asked for before.
    """
    if settings.adaptation == "probe":
        return []
    others = [depth for depth in _depths(settings) if depth != settings.depth]
    if not settings.trunk_info.published:
        return others
    return [depth for depth in others if is_measured(settings.replace(frozen_layers=depth))]
