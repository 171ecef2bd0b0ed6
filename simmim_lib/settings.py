"""The one description of an experiment, shared by widgets, reports, commands and results."""

import dataclasses
import math
import numbers
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from simmim_lib.errors import (
    WorkbookError,
    check_at_least_zero,
    check_choice,
    check_flag,
    check_positive,
    check_whole,
)

FREEZABLE_LAYERS = ("convolution_1", "convolution_2", "convolution_3", "dense")
"""The layers of the trunk, first to last: `frozen_layers=2` freezes the first two of them."""

ADAPTATIONS = {
    "fine-tune": "train the layers that are not frozen, and the head, together",
    "probe": "train the head only, on the features of the whole copied trunk",
    "probe-then-fine-tune": "a probe for the first half of the steps, then fine-tune",
}
OPTIMIZERS = {
    "sgd": "plain gradient descent",
    "momentum": "gradient descent with momentum 0.9",
    "adam": "Adam",
    "adamw": "Adam with weight decay 0.004",
    "rmsprop": "RMSProp",
}
WEIGHTINGS = (
    *("fixed", "random", "uncertainty", "dwa", "gradnorm", "famo"),
    *("mgda", "pcgrad", "cagrad", "imtl-g", "nash-mtl", "aligned-mtl"),
)
"""Names in `weighting.METHODS`, which says what each does."""

SCHEDULES = {
    "constant": "the same learning rate at every step",
    "cosine": "falling to zero along half a cosine wave",
    "warm-up": "rising over the first tenth of the steps, then falling like the cosine",
}
STRATEGIES = {
    "mirrored": "all GPUs of this machine, each with a share of every batch",
    "multi-worker": "the machines that TF_CONFIG names, which all run the same",
}
BUDGETS = {
    "quick": "two processor cores, a lesson in a minute or two",
    "full": "a GPU or patience: smaller error bars",
}
SEEDS = {"quick": 3, "full": 10}


def default_budget() -> str:
    """Return the budget that the environment asks for in `SIMMIM_BUDGET`, else "quick"."""
    return os.environ.get("SIMMIM_BUDGET", "quick")


def _option(default: Any, help: str) -> Any:
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True)
class Stage:
    """A part of the training during which the same layers are frozen.

    Attributes:
        frozen: how many of the trunk's first layers are not trained.
        first: the number of training steps done before.
        last: the number of training steps done at its end.
    """

    frozen: int
    first: int
    last: int

    @property
    def steps(self) -> int:
        """How many training steps it takes."""
        return self.last - self.first


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that decides the outcome of an experiment; each field is explained beside it.

    Raises:
        WorkbookError: a value that is not allowed, with what is allowed.
    """

    source: str | None = _option("glyphs", "dataset to pre-train on; none: start from scratch")
    targets: tuple[str, ...] = _option(("mnist",), "datasets to adapt to, one network for all")
    task_weights: tuple[float, ...] | None = _option(
        None, "how much the loss of each target counts; by default 1 each"
    )
    weighting: str = _option(
        "fixed", "how the targets' losses are weighed against each other, beside the task weights"
    )
    shared_heads: bool = _option(False, "one head for all targets with the same classes")
    labels_per_class: int | tuple[int, ...] = _option(
        10, "labelled images of each class; one number, or one for each target"
    )
    frozen_layers: int = _option(
        2, f"how many of the first layers stay as copied, 0 to {len(FREEZABLE_LAYERS)}"
    )
    copied_layers: int = _option(
        len(FREEZABLE_LAYERS), "how many of the first layers are copied; the others start fresh"
    )
    adaptation: str = _option("fine-tune", "how the rest is trained: " + ", ".join(ADAPTATIONS))
    optimizer: str = _option("adam", "what turns gradients into steps: " + ", ".join(OPTIMIZERS))
    learning_rate: float = _option(2e-3, "size of a step, above 0")
    schedule: str = _option(
        "constant", "how the learning rate changes over the steps: " + ", ".join(SCHEDULES)
    )
    information: float = _option(0.0, "what the information of unlabelled images counts, from 0")
    spread: float = _option(1.0, "what its half counts that spreads predictions over the classes")
    agreement: float = _option(0.0, "what the agreement of two views of an image counts, from 0")
    confidence: float = _option(0.8, "an image predicted so surely teaches its other view, below 1")
    ramp: float = _option(
        0.5, "share of the steps over which information and agreement grow to full weight, 0 to 1"
    )
    augmentation: float = _option(0.0, "how strongly images are turned and stretched, 0 to 2")
    class_prior: tuple[float, ...] | None = _option(
        None, "share of each class expected among the unlabelled images; by default all the same"
    )
    class_shares: tuple[float, ...] | None = _option(
        None, "share of each class among the unlabelled images shown; by default as they come"
    )
    strangers: str | None = _option(
        None, "dataset whose images are every second unlabelled one; by default no other"
    )
    steps: int = _option(120, "training steps, with at most 32 images of each target in a batch")
    seeds: int = _option(
        None,
        "repetitions with other labelled images and batches; by default "
        + ", ".join(f"{number} in budget {budget}" for budget, number in SEEDS.items()),
    )
    strategy: str | None = _option(
        None,
        "how several devices train together, by default not: "
        + "; ".join(f"{name}: {text}" for name, text in STRATEGIES.items()),
    )
    budget: str = field(
        default_factory=default_budget,
        metadata={"help": "; ".join(f"{name}: {text}" for name, text in BUDGETS.items())},
    )

    def __post_init__(self) -> None:
        """Bring the values into one form and refuse what cannot be meant."""
        object.__setattr__(self, "targets", _as_names(self.targets))
        if self.task_weights is not None:
            weights = tuple(check_task_weights(self.task_weights, self.targets))
            object.__setattr__(self, "task_weights", weights)
        check_choice("weighting", self.weighting, WEIGHTINGS)
        check_flag("shared_heads", self.shared_heads)
        check_choice("adaptation", self.adaptation, ADAPTATIONS)
        check_choice("optimizer", self.optimizer, OPTIMIZERS)
        check_choice("schedule", self.schedule, SCHEDULES)
        check_choice("budget", self.budget, BUDGETS)
        if self.strategy is not None:
            check_choice("strategy", self.strategy, STRATEGIES)
        if self.seeds is None:
            object.__setattr__(self, "seeds", SEEDS[self.budget])
        object.__setattr__(self, "labels_per_class", self._labels())
        for name in ("steps", "seeds"):
            check_whole(name, getattr(self, name), least=1)
        for name in ("copied_layers", "frozen_layers"):
            check_whole(name, getattr(self, name), 0, len(FREEZABLE_LAYERS))
        check_positive("learning_rate", self.learning_rate)
        self._check_unlabelled()
        if self.source is None:
            # Nothing to copy, so nothing to keep: "from scratch" needs no second field to say so.
            object.__setattr__(self, "copied_layers", 0)
            object.__setattr__(self, "frozen_layers", 0)
        self._check_copies()

    def _labels(self) -> int | tuple[int, ...]:
        """Return the labels per class as one number, unless the targets differ in it."""
        given = self.labels_per_class
        each = [given] * len(self.targets) if not isinstance(given, Sequence) else list(given)
        if len(each) != len(self.targets):
            raise WorkbookError(
                f"labels_per_class is {given!r} for the targets {', '.join(self.targets)}: give "
                "one number for all, or one for each."
            )
        for number in each:
            check_whole("labels_per_class", number, least=0)
        return tuple(each) if len(set(each)) > 1 else each[0]

    @property
    def labels_of(self) -> dict[str, int]:
        """How many labels of each class every target has."""
        given = self.labels_per_class
        each = given if isinstance(given, tuple) else (given,) * len(self.targets)
        return dict(zip(self.targets, each, strict=True))

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages of the training, each of at least one step, in turn.

        A probe freezes all layers, whatever `frozen_layers` says.
        """
        if self.adaptation == "fine-tune":
            return (Stage(self.frozen_layers, 0, self.steps),)
        probed = self.steps if self.adaptation == "probe" else self.steps // 2
        stages = (
            Stage(len(FREEZABLE_LAYERS), 0, probed),
            Stage(self.frozen_layers, probed, self.steps),
        )
        return tuple(stage for stage in stages if stage.steps)

    @property
    def depth(self) -> int:
        """How many of the trunk's first layers are frozen at the end of the training."""
        return self.stages[-1].frozen

    @property
    def frozen_layer_names(self) -> tuple[str, ...]:
        """The layers that are frozen at the end of the training, first to last."""
        return FREEZABLE_LAYERS[: self.depth]

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
        check_at_least_zero("ramp", self.ramp)
        if self.ramp > 1:
            raise WorkbookError(
                f"ramp is {self.ramp}, but is a share of the steps: give at most 1, such as 0.5."
            )
        self._check_shares("class_prior", "above 0")  # its logarithm is taken
        self._check_shares("class_shares", "of at least 0")
        if self.adaptation != "fine-tune" and (self.information or self.augmentation):
            raise WorkbookError(
                f"adaptation is {self.adaptation!r}, but information and augmentation go with "
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

    def _check_shares(self, name: str, wanted: str) -> None:
        """Bring a share for each class into one form; their number is checked with the data."""
        if getattr(self, name) is None:
            return
        shares = tuple(float(share) for share in getattr(self, name))
        object.__setattr__(self, name, shares)
        least = min(shares, default=-1)
        too_small = least <= 0 if wanted == "above 0" else least < 0
        if too_small or not abs(sum(shares) - 1) <= 1e-6:
            raise WorkbookError(
                f"{name} is {shares}, which sums to {sum(shares):.4g}: give a share {wanted} for "
                "each class, 1 in all."
            )

    def _check_copies(self) -> None:
        if self.frozen_layers > self.copied_layers:
            raise WorkbookError(
                f"frozen_layers is {self.frozen_layers}, but only {self.copied_layers} layers are "
                f"copied, and a fresh layer must be trained: try {self.copied_layers}."
            )
        if self.adaptation != "fine-tune" and self.copied_layers < len(FREEZABLE_LAYERS):
            raise WorkbookError(
                f"adaptation is {self.adaptation!r}, which trains a head on copied features, but "
                f"{self.copied_layers} of {len(FREEZABLE_LAYERS)} layers are copied: name a source "
                "and copy all layers, or use 'fine-tune'."
            )

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> "Settings":
        """Build settings from names and values, as in a report's parameters or a JSON file.

        Raises:
            WorkbookError: a name that is no field, with the nearest one.
        """
        names = [known.name for known in dataclasses.fields(cls)]
        for name in values:
            check_choice("setting", name, names)
        return cls(**values)

    @classmethod
    def from_texts(cls, values: Mapping[str, Any]) -> "Settings":
        """Build settings from names and values, where a text means what it does to a command.

        Raises:
            WorkbookError: as `from_mapping` and `parse`.
        """
        names = [known.name for known in dataclasses.fields(cls)]
        given = {}
        for name, value in values.items():
            check_choice("setting", name, names)
            given[name] = parse(name, value) if isinstance(value, str) else value
        return cls.from_mapping(given)

    def replace(self, **changes: Any) -> "Settings":
        """Return a copy with some fields changed, checked like a new one."""
        return Settings.from_mapping({**self.as_dict(), **changes})

    def labels_only(self) -> "Settings":
        """Return the same without anything that images without labels teach."""
        return self.replace(
            information=0.0,
            agreement=0.0,
            augmentation=0.0,
            class_prior=None,
            class_shares=None,
            strangers=None,
        )

    def from_scratch(self) -> "Settings":
        """Return the baseline: the same data, steps and seeds, with nothing transferred."""
        return self.labels_only().replace(source=None, adaptation="fine-tune")

    def separately(self) -> "tuple[Settings, ...]":
        """Return the other baseline: the same for each target alone, by a network of its own."""
        alone = {"task_weights": None, "shared_heads": False, "weighting": "fixed"}
        return tuple(
            self.replace(targets=(target,), labels_per_class=labels, **alone)
            for target, labels in self.labels_of.items()
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain values that JSON can hold, in order."""
        plain = dataclasses.asdict(self)
        return {key: list(each) if isinstance(each, tuple) else each for key, each in plain.items()}

    def as_code(self) -> str:
        """Return the one line of Python that repeats this experiment."""
        shown = [
            f"{known.name}={getattr(self, known.name)!r}"
            for known in dataclasses.fields(self)
            if getattr(self, known.name) != known.default
        ]
        return f"simmim_lib.run(simmim_lib.Settings({', '.join(shown)}))"


def parse(name: str, text: str) -> Any:
    """Turn the text of a command-line option into the value of the field `name`.

    Lists are separated by commas; "none" stands for no source, strangers or strategy, "yes" and
    "no" for a flag.

    Raises:
        WorkbookError: text that is no number, or neither yes nor no, where one is needed.
    """
    if name in ("source", "strangers", "strategy"):
        return None if text.lower() == "none" else text
    if name == "targets":
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if name in ("task_weights", "class_prior", "class_shares"):
        return tuple(_as_number(name, part, float) for part in text.split(","))
    if name == "labels_per_class":
        numbers_given = tuple(_as_number(name, part, int) for part in text.split(","))
        return numbers_given if len(numbers_given) > 1 else numbers_given[0]
    kind = {known.name: known.type for known in dataclasses.fields(Settings)}[name]
    if kind is bool:
        check_choice(name, text.lower(), FLAGS)
        return FLAGS[text.lower()]
    return _as_number(name, text, kind) if kind in (int, float) else text


FLAGS = {"yes": True, "no": False, "true": True, "false": False}


def _as_number(name: str, text: str, kind: type) -> Any:
    try:
        return kind(text)
    except ValueError:
        wanted = "a whole number" if kind is int else "a number"
        raise WorkbookError(f"{name} must be {wanted}, but {text!r} was given.") from None


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
    if isinstance(weights, Mapping) or weights is None:
        for name in weights or ():
            check_choice("task", name, names)
        weights = [(weights or {}).get(name, 1.0) for name in names]
    wanted = f"give one weight of at least 0 for each of {', '.join(names)}, not all of them 0"
    if not isinstance(weights, Sequence) or isinstance(weights, str) or len(weights) != len(names):
        raise WorkbookError(f"task_weights is {weights!r} for {len(names)} tasks: {wanted}.")
    for weight in weights:
        number = isinstance(weight, numbers.Real) and not isinstance(weight, bool)
        if not (number and math.isfinite(weight) and weight >= 0):
            raise WorkbookError(f"task_weights holds {weight!r}: {wanted}.")
    if not any(weights):
        raise WorkbookError(f"task_weights are all 0, so nothing would be learnt: {wanted}.")
    return [float(weight) for weight in weights]


def check_recipe(recipe: Any) -> None:
    """Raise unless the fields that say how unlabelled images are learnt from can be meant.

    Args:
        recipe: settings, or an `information.Recipe`, whose fields have the same names.

    Raises:
        WorkbookError: a number out of range, or views to compare that are the same.
    """
    for name in ("information", "spread", "agreement", "augmentation"):
        check_at_least_zero(name, getattr(recipe, name))
    if recipe.agreement and not recipe.augmentation:
        raise WorkbookError(
            "agreement compares two views of an image, but augmentation is 0, so that they are "
            "the same: try augmentation=1."
        )
    if not 0 <= recipe.confidence < 1:
        raise WorkbookError(
            f"confidence is {recipe.confidence!r}, but must be a probability below 1: try 0.8."
        )


def _as_names(targets: object) -> tuple[str, ...]:
    names = parse("targets", targets) if isinstance(targets, str) else targets
    if not isinstance(names, Iterable) or not names:
        raise WorkbookError(f"targets is {targets!r}: name at least one dataset, such as 'mnist'.")
    names = tuple(str(name) for name in names)
    if len(set(names)) < len(names):
        raise WorkbookError(f"targets names a dataset twice ({', '.join(names)}): name each once.")
    return names
