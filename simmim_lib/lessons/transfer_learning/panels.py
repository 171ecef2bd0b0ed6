"""The panel of lesson 01: freeze layers, and train the others."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from simmim_lib import datasets
from simmim_lib.foundation.progress import Progress
from simmim_lib.lessons.transfer_learning import figures
from simmim_lib.panels.controls import dropdown, slider
from simmim_lib.panels.memory import measure
from simmim_lib.panels.panel import Panel, Values
from simmim_lib.pictures.style import Picture
from simmim_lib.settings import ADAPTATIONS, FREEZABLE_LAYERS, Settings

if TYPE_CHECKING:
    pass


def frozen_layers(settings: Settings | None = None) -> Panel:
    """Return the panel that freezes layers and trains the others.

    Args:
        settings: where the controls stand at first; the first target is used.
    """
    # On validation images, 72 steps are nearly as good as the usual 120, and the wait is shorter.
    start = settings or Settings(steps=72)
    # The picture names the frozen layers; a slider has no room for more than a number.
    depths = [(str(depth), depth) for depth in range(len(FREEZABLE_LAYERS) + 1)]
    bundled = [name for name in datasets.names() if datasets.is_available(name)]
    few = sorted({1, 2, 5, 10, 20, 50, start.labels_per_class})
    controls = {
        "source": dropdown("Source", bundled, start.source),
        "targets": dropdown("Target", [(n, (n,)) for n in bundled], start.targets[:1]),
        "labels_per_class": slider("Labels per class", few, start.labels_per_class),
        "frozen_layers": slider("Frozen layers", depths, start.frozen_layers),
        "adaptation": dropdown("Training", list(ADAPTATIONS), start.adaptation),
        "seeds": slider("Seeds", sorted({1, 2, 3, 5, 10, start.seeds}), start.seeds),
    }

    def asked(values: Values) -> Settings:
        return start.replace(**values)

    return Panel(
        controls,
        lambda values, progress: _frozen_layers_pictures(asked(values), progress),
        lambda values: asked(values).as_code(),
    )


def _frozen_layers_pictures(settings: Settings, progress: Progress) -> Iterator[Picture]:
    """Measure the depth that is asked for and draw it; then, one by one, all the others."""
    shown = settings.frozen_layers
    results = {shown: measure(settings, progress)}
    yield figures.frozen_depth(results, shown, None)
    baseline = measure(settings.from_scratch(), progress)
    for depth in range(len(FREEZABLE_LAYERS) + 1):
        results[depth] = measure(settings.replace(frozen_layers=depth), progress)
    yield figures.frozen_depth(results, shown, baseline)
