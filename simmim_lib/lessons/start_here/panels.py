"""The panel of lesson 00."""

from collections.abc import Iterator

from simmim_lib import datasets
from simmim_lib.foundation.progress import Progress
from simmim_lib.lessons.start_here import figures, neighbours, networks
from simmim_lib.panels.controls import dropdown, slider
from simmim_lib.panels.panel import Panel, Values
from simmim_lib.pictures.style import Picture


def few_labels() -> Panel:
    """Return the first panel: how much a few labelled images tell, alone and to a network."""
    counts = (1, 2, 5, 10, 20)
    choices = [(datasets.describe(name).title, name) for name in ("mnist", "uci-digits", "fashion")]
    controls = {
        "dataset": dropdown("Dataset", choices, "mnist"),
        "labels_per_class": slider("Labels per class", counts, 10),
    }

    def pictures(values: Values, progress: Progress) -> Iterator[Picture]:
        dataset, shown = datasets.load(values["dataset"]), values["labels_per_class"]
        labelled = datasets.few_shot(dataset, shown, seed=0).labelled
        nearest = {count: neighbours.accuracy(dataset.name, count, seeds=5) for count in counts}
        yield figures.few_labels(dataset, labelled, nearest)
        trained = networks.accuracy(dataset.name, shown, progress)
        yield figures.few_labels(dataset, labelled, nearest, trained)

    return Panel(controls, pictures)
