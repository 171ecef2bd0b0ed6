"""The panel of lesson 00."""

from collections.abc import Iterator

from simmim_lib import datasets
from simmim_lib.foundation.progress import Progress
from simmim_lib.lessons.start_here import figures, neighbours
from simmim_lib.panels.controls import dropdown, slider
from simmim_lib.panels.panel import Panel, Values
from simmim_lib.pictures.style import Picture


def few_labels() -> Panel:
    """Return the first panel: how much a few labelled images tell, without any network."""
    counts = (1, 2, 5, 10, 20)
    choices = [(datasets.describe(name).title, name) for name in ("mnist", "uci-digits", "fashion")]
    controls = {
        "dataset": dropdown("Dataset", choices, "mnist"),
        "labels_per_class": slider("Labels per class", counts, 1),
    }

    def pictures(values: Values, progress: Progress) -> Iterator[Picture]:
        dataset = datasets.load(values["dataset"])
        labelled = datasets.few_shot(dataset, values["labels_per_class"], seed=0).labelled
        accuracy = {count: neighbours.accuracy(dataset.name, count, seeds=5) for count in counts}
        yield figures.few_labels(dataset, labelled, accuracy)

    return Panel(controls, pictures)
