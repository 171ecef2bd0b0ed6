"""The one description of an experiment, shared by widgets, reports, commands and results."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simmim_lib.errors import WorkbookError, check_choice, offered, shown
from simmim_lib.foundation.options import (
    USUAL,
    Choice,
    DatasetName,
    Flag,
    Kind,
    Labels,
    Names,
    Number,
    OneOrSeveral,
    OrNone,
    Shares,
    Weights,
    Whole,
    option,
    options_of,
    plain,
)
from simmim_lib.settings.choices import (
    ADAPTATIONS,
    BASELINES,
    BUDGETS,
    CLASS_WEIGHTS,
    OPTIMIZERS,
    PRETEXTS,
    RECIPES,
    SCHEDULES,
    SEEDS,
    STRATEGIES,
    WEIGHTINGS,
)
from simmim_lib.settings.recipes import usual_in_recipe
from simmim_lib.settings.stages import Stage, stages_of
from simmim_lib.trunks.catalogue import (
    FILE,
    IMAGENET,
    PUBLISHED,
    SENTENCE_PAIRS,
    SMALL,
    SMALL_CNN,
    TRUNKS,
    Trunk,
    check_size,
    describe,
)

RENAMED = {"strangers": "foreign_images"}
"""Old names of settings, as in results of earlier versions, and what they are called now."""

MAX_COUNT = 1_000_000
"""More steps, seeds or labels than anybody waits for: a slip of the keyboard."""

PUBLISHED_RATE = 0.1
"""A factor for the steps of published weights: whole ones, as fresh layers need them, destroy a
deep network's features within a few steps."""

AT_LEAST_ZERO = Number(lambda number: number >= 0, "of at least 0, like 0.3")
SOURCES = {"images": "glyphs", "texts": "wikipedia"}
"""By what a trunk takes, the dataset that it is usually pre-trained on."""

SIZES = (8, 1024)


class TrunkName(Kind):
    """The name of a trunk, or the address of one."""

    def check(self, what: str, given: object) -> str:
        """Refuse what is no trunk."""
        given = plain(given)
        if not isinstance(given, str):
            raise WorkbookError(
                f"{what} is {shown(given)}, but must be a name: {', '.join(TRUNKS)}."
            )
        return describe(given).name


def number_of_blocks(settings: "Settings | None") -> Whole:
    """Return how many blocks may be meant: at most those of the trunk, or of the usual one."""
    trunk = settings.trunk_info if settings else SMALL_CNN
    return Whole(0, len(trunk.blocks))


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that decides the outcome of an experiment; each field is explained beside it.

    The class is long because an option says all about itself here, and nothing of it elsewhere.

    Raises:
        WorkbookError: a value that is not allowed, with what is allowed.
    """

    recipe: str = option(
        "fine-tune",
        "what is usual for all that is not said: "
        + "; ".join(f"{name}: {text}" for name, text in RECIPES.items()),
        reads=Choice(RECIPES),
        group="method",
    )
    trunk: str = option(
        SMALL_CNN.name,
        "network that the targets share: " + ", ".join(TRUNKS) + "; or the address of a saved "
        "Keras model, file:PATH.keras?blocks=LAYER,LAYER, or of a network for texts with BERT's "
        "layout, hub:OWNER/NAME or hub:FOLDER",
        reads=TrunkName(),
        group="transfer",
        offers=TRUNKS,
    )
    source: str | None = option(
        lambda settings: settings.trunk_info.published or SOURCES[settings.trunk_info.takes],
        f"dataset to pre-train on; {IMAGENET}, {SENTENCE_PAIRS} or {FILE}: the trunk's own "
        "published weights; none: start from scratch",
        reads=OrNone(DatasetName()),
        group="transfer",
    )
    pretext: str = option(
        lambda settings: settings.trunk_info.pretexts[0] if settings.source else "labels",
        "what the trunk is pre-trained to do on the source: "
        + "; ".join(f"{name}: {text}" for name, text in PRETEXTS.items()),
        reads=Choice(PRETEXTS),
        group="transfer",
        offers=(),  # which there are depends on the trunk
    )
    targets: tuple[str, ...] = option(
        ("mnist",),
        "datasets to adapt to, one network for all",
        reads=Names(DatasetName(), "name at least one dataset, such as 'mnist'"),
        group="data",
    )
    task_weights: tuple[float, ...] | None = option(
        None,
        "how much the loss of each target counts; by default 1 each",
        reads=OrNone(Weights(AT_LEAST_ZERO, "give one weight of at least 0 for each target")),
        group="joint",
    )
    weighting: str = option(
        "fixed",
        "how the targets' losses are weighed against each other, in addition to the task weights",
        reads=Choice(WEIGHTINGS),
        group="joint",
    )
    shared_heads: bool = option(
        False, "one head for all targets with the same classes", reads=Flag(), group="joint"
    )
    image_size: int = option(
        lambda settings: settings.trunk_info.size,
        "height and width at which the trunk looks at images, in pixels, or how many tokens of a "
        "text it sees; by default its own",
        reads=Whole(*SIZES),
        group="data",
    )
    labels_per_class: int | str | tuple[int | str, ...] = option(
        10,
        "labelled images of each class: a number, all, or 'up to' a number; one for all targets, "
        "or one for each",
        reads=OneOrSeveral(Labels(Whole(0, MAX_COUNT))),
        group="data",
        offers=(1, 2, 5, 10, 20, 50),
    )
    copied_layers: int = option(
        lambda settings: len(settings.trunk_info.blocks) if settings.source else 0,
        "how many of the trunk's first layers are copied; the others start fresh",
        reads=number_of_blocks,
        group="transfer",
        offers=range(len(SMALL_CNN.blocks) + 1),
    )
    frozen_layers: int = option(
        lambda settings: settings.trunk_info.frozen if settings.source else 0,
        "how many of the trunk's first layers stay as copied",
        reads=number_of_blocks,
        group="transfer",
        offers=range(len(SMALL_CNN.blocks) + 1),
    )
    adaptation: str = option(
        "fine-tune",
        "how the rest is trained: " + ", ".join(ADAPTATIONS),
        reads=Choice(ADAPTATIONS),
        group="transfer",
    )
    optimizer: str = option(
        "adam",
        "what turns gradients into steps: " + ", ".join(OPTIMIZERS),
        reads=Choice(OPTIMIZERS),
        group="training",
    )
    learning_rate: float = option(
        2e-3,
        "size of a step, above 0",
        reads=Number(lambda number: number > 0, "above 0, like 0.001"),
        group="training",
        offers=(5e-4, 1e-3, 2e-3, 4e-3, 8e-3),
    )
    trunk_learning_rate: float = option(
        lambda settings: PUBLISHED_RATE if settings.trunk_info.published else 1.0,
        f"size of a step of copied layers, as a factor, above 0 to 1; {PUBLISHED_RATE} by default "
        "where they are published weights",
        reads=Number(lambda number: 0 < number <= 1, "above 0 and at most 1, like 0.1"),
        group="training",
        offers=(0.03, 0.1, 0.3, 1.0),
    )
    layer_decay: float = option(
        1.0,
        "size of a copied layer's step over that of the next layer, above 0 to 1: the earlier, the "
        "smaller",
        reads=Number(lambda number: 0 < number <= 1, "above 0 and at most 1, like 0.65"),
        group="training",
        offers=(0.5, 0.65, 0.8, 1.0),
    )
    batch_size: int = option(
        32,
        "labelled images of each target in a training step, at most",
        reads=Whole(1, MAX_COUNT),
        group="training",
        offers=(8, 16, 32, 64),
    )
    class_weights: str = option(
        "none",
        "; ".join(f"{name}: {text}" for name, text in CLASS_WEIGHTS.items()),
        reads=Choice(CLASS_WEIGHTS),
        group="training",
    )
    schedule: str = option(
        "constant",
        "how the learning rate changes over the steps: " + ", ".join(SCHEDULES),
        reads=Choice(SCHEDULES),
        group="training",
    )
    information: float = option(
        0.0,
        "weight of the information of unlabelled images, from 0",
        reads=AT_LEAST_ZERO,
        group="unlabelled",
        offers=(0.0, 0.1, 0.3, 1.0, 3.0),
    )
    spread: float = option(
        1.0,
        "weight of its half that spreads predictions over the classes",
        reads=AT_LEAST_ZERO,
        group="unlabelled",
        offers=(0.0, 0.25, 0.5, 1.0, 2.0),
    )
    agreement: float = option(
        0.0,
        "weight of the agreement of two views of an image, from 0",
        reads=AT_LEAST_ZERO,
        group="unlabelled",
        offers=(0.0, 0.3, 1.0, 3.0),
    )
    confidence: float = option(
        0.8,
        "how sure a prediction must be to teach the image's other view, below 1",
        reads=Number(lambda number: 0 <= number < 1, "of at least 0 and below 1, like 0.8"),
        group="unlabelled",
        offers=(0.5, 0.8, 0.95),
    )
    ramp: float = option(
        0.5,
        "share of the steps over which information and agreement grow to full weight, 0 to 1",
        reads=Number(lambda number: 0 <= number <= 1, "from 0 to 1, like 0.5"),
        group="unlabelled",
        offers=(0.0, 0.25, 0.5, 1.0),
    )
    augmentation: float = option(
        0.0,
        "how strongly images are rotated and stretched, or texts thinned out, 0 to 2",
        reads=Number(lambda number: 0 <= number <= 2, "from 0 to 2, like 1.0"),
        group="training",
        offers=(0.0, 0.5, 1.0, 2.0),
    )
    class_prior: tuple[float, ...] | None = option(
        None,
        "share of each class expected among the unlabelled images; by default all the same",
        reads=OrNone(
            Shares(  # above 0, since their logarithms are taken
                Number(lambda number: number > 0, "above 0, like 0.1"),
                "give a share above 0 for each class, 1 in all",
            )
        ),
        group="unlabelled",
    )
    class_shares: tuple[float, ...] | None = option(
        None,
        "share of each class among the unlabelled images shown; by default as they come",
        reads=OrNone(Shares(AT_LEAST_ZERO, "give a share of at least 0 for each class, 1 in all")),
        group="unlabelled",
    )
    foreign_images: str | None = option(
        None,
        "dataset that every second unlabelled image comes from; by default none",
        reads=OrNone(DatasetName()),
        group="unlabelled",
    )
    steps: int = option(
        120,
        "training steps",
        reads=Whole(1, MAX_COUNT),
        group="training",
        offers=(60, 120, 240, 500),
    )
    patience: int = option(
        0,
        "steps without a lower loss on validation images after which training stops; 0: never",
        reads=Whole(0, MAX_COUNT),
        group="training",
        offers=(0, 40, 100),
    )
    baseline: str = option(
        lambda settings: "small-trunk" if settings.trunk_info.published else "same-trunk",
        "what each target is compared with: "
        + "; ".join(f"{name}: {text}" for name, text in BASELINES.items()),
        reads=Choice(BASELINES),
        group="effort",
    )
    budget: str = option(
        lambda settings: os.environ.get("SIMMIM_BUDGET", "quick"),
        "; ".join(f"{name}: {text}" for name, text in BUDGETS.items()),
        reads=Choice(BUDGETS),
        group="effort",
    )
    seeds: int = option(
        lambda settings: SEEDS[settings.budget],
        "repetitions, each with other labelled images and batches; by default "
        + ", ".join(f"{number} in budget {budget}" for budget, number in SEEDS.items()),
        reads=Whole(1, MAX_COUNT),
        group="effort",
        offers=(1, 2, 3, 5, 10),
    )
    strategy: str | None = option(
        None,
        "how several devices train together, by default not: "
        + "; ".join(f"{name}: {text}" for name, text in STRATEGIES.items()),
        reads=OrNone(Choice(STRATEGIES)),
        group="effort",
    )

    def __post_init__(self) -> None:
        """Bring the values into one form and refuse what cannot be meant."""
        for name, field in OPTIONS.items():
            given = getattr(self, name)
            value = self._usual(name) if given is USUAL else given
            self._set(**{name: field.metadata["reads"](self).check(name, value)})
        if self.task_weights is not None:
            self._set(task_weights=tuple(check_task_weights(self.task_weights, self.targets)))
        self._set(labels_per_class=self._labels())
        self._check_unlabelled()
        if self.source is None:
            # Nothing to copy, so nothing to keep: "from scratch" needs no second field to say so.
            self._set(copied_layers=0, frozen_layers=0)
        self._check_trunk()
        self._check_pretext()
        self._check_copies()

    def _usual(self, name: str) -> Any:
        """Return the usual value of a field, for the fields before it as they are."""
        in_recipe = usual_in_recipe(name, self)
        return OPTIONS[name].metadata["usual"](self) if in_recipe is USUAL else in_recipe

    def _set(self, **values: Any) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)  # as a frozen dataclass does it, too

    def _labels(self) -> int | str | tuple[int | str, ...]:
        """Return the labels per class as one number, unless the targets differ in it."""
        labels = self.labels_per_class
        if not isinstance(labels, tuple):
            return labels
        if len(labels) != len(self.targets):
            raise WorkbookError(
                f"labels_per_class is {shown(labels)} for the targets {offered(self.targets)}: "
                "give one number for all, or one for each."
            )
        return labels if len(set(labels)) > 1 else labels[0]

    @property
    def trunk_info(self) -> Trunk:
        """What is known about the trunk."""
        return describe(self.trunk)

    @property
    def source_dataset(self) -> str | None:
        """The dataset to pre-train on; None for published weights, and from scratch."""
        return None if self.source in PUBLISHED else self.source

    @property
    def datasets(self) -> tuple[str, ...]:
        """The names of all datasets that are needed, the targets first."""
        others = filter(None, (self.source_dataset, self.foreign_images))
        return tuple(dict.fromkeys((*self.targets, *others)))

    @property
    def labels_of(self) -> dict[str, int | str]:
        """How many labels of each class every target has: a number, "all", or "up to" a number."""
        given = self.labels_per_class
        each = given if isinstance(given, tuple) else (given,) * len(self.targets)
        return dict(zip(self.targets, each, strict=True))

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages of the training, each of at least one step, in turn (`stages.stages_of`)."""
        return stages_of(
            self.adaptation, self.steps, self.frozen_layers, len(self.trunk_info.blocks)
        )

    @property
    def depth(self) -> int:
        """How many of the trunk's first layers are frozen at the end of the training."""
        return self.stages[-1].frozen

    @property
    def frozen_layer_names(self) -> tuple[str, ...]:
        """The layers that are frozen at the end of the training, first to last."""
        return self.trunk_info.blocks[: self.depth]

    @property
    def learns_unlabelled(self) -> bool:
        """Whether images without labels teach the network anything."""
        return self.information > 0 or self.agreement > 0

    @property
    def unlabelled_views(self) -> int:
        """How many views of each unlabelled image a step looks at; 0 where none is drawn."""
        if not self.learns_unlabelled:
            return 0
        return 2 if self.agreement else 1

    def _check_unlabelled(self) -> None:
        check_recipe(self)
        if self.adaptation != "fine-tune" and (self.information or self.augmentation):
            raise WorkbookError(
                f"adaptation is {shown(self.adaptation)}, but information and augmentation go with "
                "'fine-tune' only: use that."
            )
        if self.augmentation and self.frozen_layers:
            raise WorkbookError(
                "augmentation changes the images, but the features of frozen layers are computed "
                f"once: use frozen_layers=0, not {self.frozen_layers}."
            )
        if not self.learns_unlabelled and not all(self.labels_of.values()):
            raise WorkbookError(
                "labels_per_class is 0, so only images without labels are left, but information "
                "and agreement, which learn from them, are 0: try information=0.3."
            )

    def _check_trunk(self) -> None:
        """Refuse a source, a pretext, layers and images that do not go with the trunk."""
        trunk = self.trunk_info
        check_size(trunk, self.image_size)
        own = "" if self.source_dataset else self.source
        if self.source and own != trunk.published:
            advice = (
                f"comes with its own weights: use source={shown(trunk.published)}, or none"
                if trunk.published
                else f"is pre-trained on a dataset: use source={shown(SOURCES[trunk.takes])}, or "
                "another trunk, such as 'efficientnet-lite0'"
            )
            raise WorkbookError(
                f"source is {shown(self.source)}, but the trunk {shown(trunk.name)} {advice}."
            )

    def _check_pretext(self) -> None:
        """Refuse a pretext that the trunk cannot be trained for, or that is never used."""
        if self.source is None and self.pretext != "labels":
            raise WorkbookError(
                f"pretext is {shown(self.pretext)}, but without a source nothing is pre-trained: "
                "name a source, or leave pretext out."
            )
        trunk = self.trunk_info
        if self.source and self.pretext not in trunk.pretexts:
            raise WorkbookError(
                f"pretext is {shown(self.pretext)}, but the trunk {shown(trunk.name)} knows "
                f"{', '.join(trunk.pretexts)} only: use that, or another trunk."
            )

    def _check_copies(self) -> None:
        if self.frozen_layers > self.copied_layers:
            raise WorkbookError(
                f"frozen_layers is {self.frozen_layers}, but only {self.copied_layers} layers are "
                f"copied, and a fresh layer must be trained: try {self.copied_layers}."
            )
        every = len(self.trunk_info.blocks)
        if self.adaptation != "fine-tune" and self.copied_layers < every:
            raise WorkbookError(
                f"adaptation is {shown(self.adaptation)}, which trains a head on copied features, "
                f"but {self.copied_layers} of {every} layers are copied: name a source and copy "
                "all layers, or use 'fine-tune'."
            )

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> "Settings":
        """Build settings from names and values, as in a report's parameters or a JSON file.

        Raises:
            WorkbookError: a name that is no field, with the nearest one; a name of earlier
                versions, with today's; a value that is not allowed.
        """
        for name in values:
            check_field("setting", name)
        return cls(**values)

    @classmethod
    def from_texts(cls, values: Mapping[str, Any]) -> "Settings":
        """Build settings from names and values, where a text means what it does to a command.

        Raises:
            WorkbookError: as `from_mapping` and `parse`.
        """
        return cls.from_mapping(parse_texts(values))

    def replace(self, **changes: Any) -> "Settings":
        """Return a copy with some fields changed, checked like a new one."""
        return Settings.from_mapping({**self.unusual(), **changes})

    def unusual(self) -> dict[str, Any]:
        """Return the fields that are not as usual; `Settings(**unusual)` is equal to these."""
        unusual = {
            name: value for name in OPTIONS if (value := getattr(self, name)) != self._usual(name)
        }
        if self.budget != "quick":  # the environment may have made it usual, here and only here
            unusual["budget"] = self.budget
        return unusual

    def labels_only(self) -> "Settings":
        """Return the same without anything that images without labels teach."""
        return self.replace(**defaults_of("unlabelled"))

    def from_scratch(self) -> "Settings":
        """Return the baseline: the same data, steps and seeds, with nothing transferred.

        It is the same network, or the small one, as `baseline` says.
        """
        scratch: dict[str, Any] = {
            "source": None,
            "pretext": "labels",
            "adaptation": "fine-tune",
            "copied_layers": 0,
        }
        if self.baseline == "small-trunk":
            small = SMALL[self.trunk_info.takes]
            scratch |= {"trunk": small.name, "image_size": small.size}
        # In this order: what a recipe asks of unlabelled images depends on what is frozen.
        return self.replace(**scratch, frozen_layers=0).labels_only()

    def separately(self) -> "tuple[Settings, ...]":
        """Return the other baseline: the same for each target alone, by a network of its own."""
        alone = defaults_of("joint")
        return tuple(
            self.replace(targets=(target,), labels_per_class=labels, **alone)
            for target, labels in self.labels_of.items()
        )

    def each_from_scratch(self) -> "tuple[Settings, ...]":
        """Return each target that has labels alone, from scratch."""
        return tuple(each.from_scratch() for each in self.separately() if each.labels_per_class)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain values that JSON can hold, in order."""
        plain = dataclasses.asdict(self)
        return {key: list(each) if isinstance(each, tuple) else each for key, each in plain.items()}

    def as_code(self) -> str:
        """Return the one line of Python that repeats this experiment."""
        given = [f"{name}={value!r}" for name, value in self.unusual().items()]
        return f"simmim_lib.run(simmim_lib.Settings({', '.join(given)}))"


OPTIONS = options_of(Settings)
"""The fields of `Settings` by name; the metadata of each says all about it, see `options`."""


def check_field(what: str, name: object) -> str:
    """Return the name of a field of `Settings`.

    Args:
        what: what is being named, such as "setting".
        name: the user's word for it.

    Raises:
        WorkbookError: no field, with the nearest one; a field's old name, with the new one.
    """
    check_not_renamed(what, name)
    return check_choice(what, name, OPTIONS)


def check_not_renamed(what: str, name: object) -> None:
    """Raise if a field of `Settings` had this name once, with the name that it has now."""
    if name in RENAMED:
        raise WorkbookError(
            f"The {what} {shown(name)} is called {shown(RENAMED[name])} now: use this name."
        )


def parse(name: str, text: str) -> Any:
    """Turn the text of a command-line option into the value of the field `name`.

    Lists are separated by commas; "usual" stands for the usual value of the field, "none" for None
    where a field may be that, "yes" and "no" for a flag.

    Raises:
        WorkbookError: a name that is no field; a text that is no number, or neither yes nor no,
            where one is needed.
    """
    kind = kind_of(name)
    return USUAL if text.strip().lower() == "usual" else kind.parse(name, text)


def parse_texts(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values of fields by name, where texts are turned into what they mean to a command.

    Raises:
        WorkbookError: as `parse`.
    """
    return {
        name: parse(name, value) if isinstance(value, str) else value
        for name, value in values.items()
    }


def as_text(value: Any) -> str:
    """Return a value as the text that `parse` turns into it, for a command or a link."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ",".join(map(as_text, value)) if isinstance(value, list | tuple) else str(value)


def kind_of(name: str) -> Kind:
    """Return the kind of values of a field, whatever the other fields are.

    Raises:
        WorkbookError: a name that is no field.
    """
    return OPTIONS[check_field("setting", name)].metadata["reads"](None)


def offers(name: str, *others: Any) -> tuple[Any, ...]:
    """Return the values of a field that a control lets its user choose from.

    Args:
        name: of the field.
        others: values to offer beside the usual ones, such as where the control stands at first.

    Returns:
        The values, numbers in order; none for a list, and for a dataset, whose names `datasets`
        knows.

    Raises:
        WorkbookError: a name that is no field.
    """
    usual = OPTIONS[check_field("setting", name)].metadata["offers"]
    values = tuple(dict.fromkeys((*usual, *others)))
    return values if any(isinstance(value, str) for value in values) else tuple(sorted(values))


def defaults_of(group: str) -> dict[str, Any]:
    """Return the fields of a group, one of `options.GROUPS`, with their default values."""
    usual = Settings()
    return {
        name: getattr(usual, name)
        for name, field in OPTIONS.items()
        if field.metadata["group"] == group
    }


def check_task_weights(
    weights: Mapping[str, float] | Sequence[float] | None, names: Sequence[str]
) -> list[float]:
    """Return one weight for each task, in order.

    Args:
        weights: by name, in order, or none: 1 for each task that is not named.
        names: of the tasks.

    Raises:
        WorkbookError: weights that are negative, not finite, all zero or not one for each task.
    """
    advice = f"give one weight of at least 0 for each of {offered(names)}, not all of them 0"
    kind = Weights(AT_LEAST_ZERO, advice)
    checked = kind.check("task_weights", {} if weights is None else weights)
    if isinstance(checked, Mapping):
        for name in checked:
            check_choice("task", name, names)
        checked = [checked.get(name, 1.0) for name in names]
    if len(checked) != len(names):
        kind.refuse(f"task_weights is {shown(weights)} for {len(names)} tasks")
    if not any(checked):
        kind.refuse("task_weights are all 0, so nothing would be learnt")
    return list(checked)


def check_recipe(recipe: Any) -> None:
    """Raise unless the fields that say how unlabelled images are learnt from can be meant.

    Args:
        recipe: settings, or an `information.Recipe`, whose fields have the same names.

    Raises:
        WorkbookError: a number out of range, or views to compare that are the same.
    """
    for name in ("information", "spread", "agreement", "confidence", "augmentation"):
        kind_of(name).check(name, getattr(recipe, name))
    if recipe.agreement and not recipe.augmentation:
        raise WorkbookError(
            "agreement compares two views of an image, but augmentation is 0, so that they are "
            "the same: try augmentation=1."
        )
