"""The gallery: settings with a name, each of which shows one thing that the lessons found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simmim_lib import datasets
from simmim_lib.errors import WorkbookError
from simmim_lib.foundation.intervals import difference, mean_and_interval
from simmim_lib.settings import SEEDS, Settings
from simmim_lib.studies import stored
from simmim_lib.studies.registry import BUDGET, study


@dataclass(frozen=True, eq=False)
class Example:
    """A setting to look at.

    Attributes:
        title: its name.
        about: what to look at, and in which lesson it is explained.
        given: the settings that are not as usual.
    """

    title: str
    about: str
    given: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return the title."""
        return self.title

    @property
    def measured(self) -> Settings:
        """The settings as they were measured, over more seeds than a reader waits for."""
        return Settings.from_mapping({**self.given, "seeds": SEEDS[BUDGET], "budget": BUDGET})


_EXAMPLES = (
    Example(
        "A good source, few labels",
        "Letters in many fonts, and five labelled digits of each class: where transfer pays most. "
        "Lesson 01.",
        {"source": "glyphs", "targets": ("mnist",), "labels_per_class": 5},
    ),
    Example(
        "A source that does not help",
        "Clothes as the source for digits, all layers frozen: negative transfer. Lesson 01.",
        {"source": "fashion", "targets": ("uci-digits",), "frozen_layers": 4},
    ),
    Example(
        "Gradual unfreezing",
        "One more layer with each part of the steps, and smaller steps for copied layers. "
        "Lesson 01.",
        {"adaptation": "gradual-unfreezing", "trunk_learning_rate": 0.1, "steps": 240},
    ),
    Example(
        "The article's network",
        "One convolution and a dense layer, as in the article's code. Lesson 03.",
        {"trunk": "article"},
    ),
    Example(
        "Two tasks, heads of their own",
        "Two collections of digits, one poor in labels: does the rich one help? Lesson 03.",
        {"targets": ("mnist", "uci-digits"), "labels_per_class": (2, 50)},
    ),
    Example(
        "Two tasks, one head",
        "The same with one head for both: now what a digit is called is learnt together. "
        "Lesson 03.",
        {
            "targets": ("mnist", "uci-digits"),
            "labels_per_class": (2, 50),
            "shared_heads": True,
        },
    ),
    Example(
        "Tasks that fight",
        "Digits and clothes through one small trunk, weighted by PCGrad: do both still gain over a "
        "network of their own? Lesson 04.",
        {"targets": ("mnist", "fashion"), "weighting": "pcgrad"},
    ),
    Example(
        "One task at a hundredth",
        "The same by a weighted sum, with hardly any weight on digits: what is left of them? "
        "Lesson 04.",
        {"targets": ("mnist", "fashion"), "task_weights": (0.01, 1.0)},
    ),
    Example(
        "One label a class",
        "The recipe of lesson 05: one labelled digit of each class, the information of unlabelled "
        "images, and two views that agree.",
        {"recipe": "simmim", "labels_per_class": 1},
    ),
    Example(
        "A collapse",
        "Without its spreading half, the information term puts more and more images in few "
        "classes. Lesson 05.",
        {"information": 3.0, "spread": 0.0, "labels_per_class": 1, "steps": 240},
    ),
    Example(
        "No label at all",
        "The source's head, and images without labels: digits are read that nobody has named. "
        "Lesson 05.",
        {"recipe": "simmim", "labels_per_class": 0, "steps": 300},
    ),
    Example(
        "A network for photographs",
        "EfficientNet, trained on ImageNet, on pictures of clothes: its middle layers, frozen. "
        "Lesson 03.",
        {"trunk": "efficientnet-lite0-middle", "targets": ("fashion",)},
    ),
)

EXAMPLES: Mapping[str, Example] = {example.title: example for example in _EXAMPLES}
"""By title."""


@study("What does each setting of the gallery reach, and what does each target from scratch?")
def gallery() -> list[Settings]:
    """Every example, and each of its targets alone, from scratch."""
    plan: list[Settings] = []
    for example in _EXAMPLES:
        plan += [example.measured, *example.measured.each_from_scratch()]
    return list(dict.fromkeys(plan))


def verdict(example: Example) -> str:
    """Say what an example reached when it was measured, and whether that is a gain over scratch.

    Raises:
        WorkbookError: as `stored.load`; the example was measured with other settings.
    """
    records = {record.settings: record for record in stored.load("gallery").records}
    asked = example.measured
    if not records.keys() >= {asked, *asked.each_from_scratch()}:
        raise WorkbookError(
            f"What {example.title} reaches is not among the stored results: "
            f"`{stored.command('gallery')}` measures it."
        )
    scratch = {alone.targets[0]: records[alone] for alone in asked.each_from_scratch()}
    told = []
    for target in asked.targets:
        values = records[asked].values(target=target)
        text = f"{datasets.describe(target).title}: {mean_and_interval(100 * values, digits=1)} %"
        if target in scratch:
            change = difference(values, scratch[target].values())
            text += f", against training from scratch {change}"
        told.append(text)
    return f"Measured over {asked.seeds} seeds ({stored.command('gallery')}): {'; '.join(told)}."
