"""The panel of lesson 01: freeze layers, and train the others."""

from collections.abc import Iterator

from simmim_lib import datasets
from simmim_lib.foundation.progress import Progress, in_parts
from simmim_lib.lessons.transfer_learning import figures
from simmim_lib.panels.controls import dropdown, slider
from simmim_lib.panels.memory import measure
from simmim_lib.panels.panel import Panel, Values
from simmim_lib.pictures.style import Picture
from simmim_lib.settings import Settings, offers


def frozen_layers(settings: Settings | None = None) -> Panel:
    """Return the panel that freezes layers and trains the others.

    Args:
        settings: where the controls stand at first; the first target is used.
    """
    # On validation images, 72 steps are nearly as good as the usual 120, and the wait is shorter.
    start, *_ = (settings or Settings(steps=72)).separately()
    # The picture names the frozen layers; a slider has no room for more than a number.
    depths = [(str(depth), depth) for depth in offers("frozen_layers")]
    bundled = [name for name in datasets.names() if datasets.is_available(name)]
    labels = offers("labels_per_class", start.labels_per_class)
    controls = {
        "source": dropdown("Source", bundled, start.source),
        "targets": dropdown("Target", [(name, (name,)) for name in bundled], start.targets),
        "labels_per_class": slider("Labels per class", labels, start.labels_per_class),
        "frozen_layers": slider("Frozen layers", depths, start.frozen_layers),
        "adaptation": dropdown("Training", offers("adaptation"), start.adaptation),
        "seeds": slider("Seeds", offers("seeds", start.seeds), start.seeds),
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
    by_depth = _at_every_depth(settings)
    parts = in_parts(progress, 1 + len(by_depth))
    shown = settings.depth
    results = {shown: measure(by_depth.pop(shown), parts())}
    yield figures.frozen_depth(results, shown, None)
    baseline = measure(settings.from_scratch(), parts())
    for depth, experiment in by_depth.items():
        results[depth] = measure(experiment, parts())
    yield figures.frozen_depth(results, shown, baseline)


def _at_every_depth(settings: Settings) -> dict[int, Settings]:
    """Return an experiment at every depth; a probe, which freezes all layers, has one only."""
    depths = range(settings.copied_layers + 1)  # a layer that starts fresh must be trained
    experiments = [settings.replace(frozen_layers=depth) for depth in depths]
    # What the slider says makes no difference to a probe, so that it is trained once.
    return {each.depth: each for each in experiments}
