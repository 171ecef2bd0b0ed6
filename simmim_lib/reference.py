"""Reference results: the numbers that lessons quote, computed by one command and stored.

`python -m simmim_lib.reference` computes them all, `python -m simmim_lib.reference few-labels` one.
A study is a function that lists the experiments it needs; what came of them is stored beside the
data, with the settings, the versions and the command, and `load` gives it back.
"""

import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from simmim_lib import datasets, experiment, files, transfer, weighting
from simmim_lib.errors import WorkbookError, check_choice
from simmim_lib.pretraining import pretrained
from simmim_lib.settings import (
    FREEZABLE_LAYERS,
    OPTIMIZERS,
    SCHEDULES,
    SEEDS,
    WEIGHTINGS,
    Settings,
)

ALL_LAYERS = len(FREEZABLE_LAYERS)

Measures = dict[str, np.ndarray]
"""By name, one number for each seed."""


@dataclass(frozen=True)
class Study:
    """What a lesson wants to know.

    Attributes:
        about: the question.
        plan: lists the experiments.
        measure: measures more than the accuracy.
    """

    about: str
    plan: Callable[[], list[Settings]]
    measure: Callable[[Settings], Measures] | None = None


@dataclass(frozen=True, eq=False)
class Record:
    """One experiment of a study, and what it measured for each seed."""

    settings: Settings
    measures: Measures


@dataclass(frozen=True, eq=False)
class Reference:
    """The stored outcome of a study."""

    name: str
    about: str
    command: str
    budget: str
    versions: dict[str, str]
    records: list[Record]

    def values(
        self, measure: str = "accuracy", target: str | None = None, **fields: Any
    ) -> np.ndarray:
        """Return what the one experiment with these settings measured.

        Args:
            measure: "accuracy" on the test images, "validation", or what the study adds.
            target: which of the experiment's targets, if it has several.
            fields: as many fields of `Settings` as tell it from the study's other experiments.

        Returns:
            One number for each seed, shape (seeds,).

        Raises:
            WorkbookError: no experiment, or more than one, has these settings.
        """
        found = [
            record
            for record in self.records
            if all(getattr(record.settings, name) == value for name, value in fields.items())
        ]
        if len(found) != 1:
            raise WorkbookError(
                f"{len(found)} of the {len(self.records)} experiments of {self.name!r} have the "
                f"settings {fields}: name settings that exactly one of them has."
            )
        name = _measure_name(measure, target, found[0].settings)
        check_choice("measure", name, found[0].measures)
        return found[0].measures[name]


@dataclass(frozen=True)
class Difference:
    """How much better one thing is than another, over the same seeds.

    Attributes:
        mean: of the differences, in percentage points.
        half_width: of that mean's interval, in percentage points; its level is 95 % by default.
    """

    mean: float
    half_width: float

    @property
    def verdict(self) -> str:
        """The word "gain" or "loss" if the interval lies on one side of zero, else the doubt."""
        if abs(self.mean) <= self.half_width:
            return "no clear difference"
        return "gain" if self.mean > 0 else "loss"

    def __str__(self) -> str:
        return f"{self.mean:+.1f} ± {self.half_width:.1f} points: {self.verdict}"


def difference(values: np.ndarray, baseline: np.ndarray, level: float = 0.95) -> Difference:
    """Compare two sets of accuracies, seed by seed.

    A seed means the same labelled images and batches on both sides, so what makes a seed easy or
    hard for both cancels.

    Args:
        values: accuracies between 0 and 1, shape (seeds,).
        baseline: those to compare with, for the same seeds.
        level: of the interval. Of m comparisons at 1 - 0.05 / m, all intervals hold together in
            95 of 100 such studies (Bonferroni).
    """
    differences = 100 * (np.asarray(values) - np.asarray(baseline))
    mean, half_width = experiment.interval(differences, level)
    return Difference(mean, half_width)


STUDIES: dict[str, Study] = {}


def study(
    about: str, measure: Callable[[Settings], Measures] | None = None
) -> Callable[[Callable[[], list[Settings]]], Callable[[], list[Settings]]]:
    """Register a plan under its name, with hyphens, and the question that it answers."""

    def register(plan: Callable[[], list[Settings]]) -> Callable[[], list[Settings]]:
        STUDIES[plan.__name__.replace("_", "-")] = Study(about, plan, measure)
        return plan

    return register


def _settings(source: str | None, target: str, frozen_layers: int = 0, **more: Any) -> Settings:
    return Settings(
        source=source,
        targets=(target,),
        frozen_layers=frozen_layers,
        seeds=SEEDS["full"],
        budget="full",
        **more,
    )


@study("What do the first n layers of a source give a network that has plenty of target labels?")
def frozen_depth() -> list[Settings]:
    """Copy n layers, frozen or fine-tuned, the others fresh: Yosinski et al. 2014, figure 2."""
    plenty = {"labels_per_class": 300, "steps": 300}
    depths = range(1, ALL_LAYERS + 1)
    frozen = [
        _settings(source, "mnist", depth, copied_layers=depth, **plenty)
        for source in ("mnist", "glyphs", "fashion")
        for depth in depths
    ]
    tuned = [_settings("glyphs", "mnist", copied_layers=depth, **plenty) for depth in depths]
    return [_settings(None, "mnist", **plenty), *frozen, *tuned]


@study("How much does transfer help with few labels, and with more of them?")
def few_labels() -> list[Settings]:
    """From glyphs to MNIST, the first two layers frozen, beside training from scratch."""
    return [
        _settings(source, "mnist", frozen, labels_per_class=labels, steps=200)
        for labels in (1, 2, 5, 10, 20, 50)
        for source, frozen in ((None, 0), ("glyphs", 2))
    ]


@study("Fine-tune, probe, or probe and then fine-tune?")
def adaptations() -> list[Settings]:
    """From glyphs to two sets of handwritten digits, nothing frozen while fine-tuning."""
    return [
        _settings(source, target, adaptation=adaptation, steps=200)
        for target in ("mnist", "uci-digits")
        for source, adaptation in (
            (None, "fine-tune"),
            ("glyphs", "probe"),
            ("glyphs", "fine-tune"),
            ("glyphs", "probe-then-fine-tune"),
        )
    ]


@study("Can transfer hurt?")
def negative_transfer() -> list[Settings]:
    """A source that is like the target, and one that is not, at every frozen depth."""
    transferred = [
        _settings(source, "mnist", depth)
        for source in ("glyphs", "fashion")
        for depth in range(ALL_LAYERS + 1)
    ]
    return [_settings(None, "mnist"), *transferred]


OPTIMIZER_RATES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)


@study("Which optimizer is best, each at its best learning rate, and all at the same?")
def optimizers() -> list[Settings]:
    """The dense layer and the head trained on glyph features of MNIST; every schedule and rate."""
    return [
        _settings(
            "glyphs",
            "mnist",
            3,
            labels_per_class=20,
            optimizer=optimizer,
            learning_rate=rate,
            schedule=schedule,
        )
        for schedule in SCHEDULES
        for optimizer in OPTIMIZERS
        for rate in OPTIMIZER_RATES
    ]


JOINT_TARGETS = (("mnist", "uci-digits"), ("mnist", "fashion"), ("mnist", "uci-digits", "fashion"))
JOINT_SEEDS = 20  # the differences are small


def _with_each_alone(joint: list[Settings]) -> list[Settings]:
    """Return joint experiments and those with one target that they are to be compared with."""
    alone = [each for settings in joint for each in settings.separately()]
    return list(dict.fromkeys(alone + joint))


@study("Is one network for several targets better than a network for each?")
def joint() -> list[Settings]:
    """Every group of targets, equally many labels of each, with heads of their own and shared."""
    return _with_each_alone(
        [
            Settings(
                targets=targets,
                labels_per_class=labels,
                shared_heads=shared,
                steps=200,
                seeds=JOINT_SEEDS,
                budget="full",
            )
            for labels in (2, 5, 10, 50)
            for targets in JOINT_TARGETS
            for shared in (False, True)
            # MNIST and Fashion have no class in common, so there is no head to share.
            if not shared or "uci-digits" in targets
        ]
    )


@study("Does a target with many labels help one with few?")
def unequal_labels() -> list[Settings]:
    """Two sets of digits, one with few labels and one with many; from glyphs and from scratch."""
    return _with_each_alone(
        [
            Settings(
                source=source,
                targets=("mnist", "uci-digits"),
                labels_per_class=labels,
                shared_heads=shared,
                steps=200,
                seeds=JOINT_SEEDS,
                budget="full",
            )
            for source in (None, "glyphs")
            for few in (2, 5)
            for labels in ((few, 50), (50, few))
            for shared in (False, True)
        ]
    )


TRIALS = {
    ("mnist", "fashion"): ((1.6, 0.4), (1.3, 0.7), (1, 1), (0.7, 1.3), (0.4, 1.6)),
    ("mnist", "uci-digits", "fashion"): (
        *((1, 1, 1), (0.6, 0.6, 1.8)),
        *((1.5, 0.75, 0.75), (0.75, 1.5, 0.75), (0.75, 0.75, 1.5)),
    ),
}
"""The weights that the plain sum may try: as many as `RATES`, which the other weightings may."""

RATES = (5e-4, 1e-3, 2e-3, 4e-3, 8e-3)


@study("Does a weighting beat a plain sum whose weights were tuned at the same cost?")
def weightings() -> list[Settings]:
    """Five trials each: the plain sum tries five weightings, all others five learning rates.

    So do the networks that each target has for itself, which delta-m compares with.
    """
    joint = []
    for targets, weights in TRIALS.items():
        plain = Settings(targets=targets, steps=200, seeds=SEEDS["full"], budget="full")
        joint += [plain.replace(task_weights=each) for each in weights]
        joint += [
            plain.replace(weighting=name, learning_rate=rate)
            for name in WEIGHTINGS[1:]
            for rate in RATES
        ]
    alone = [each.replace(learning_rate=rate) for each in plain.separately() for rate in RATES]
    return [*alone, *joint]


@study("Do the weightings that came out ahead of the tuned plain sum stay ahead on new seeds?")
def weightings_again() -> list[Settings]:
    """The best trials of those, and of the plain sum, with 20 seeds that chose nothing."""
    targets = ("mnist", "uci-digits", "fashion")
    best = Settings(targets=targets, steps=200, seeds=SEEDS["full"] + 20, budget="full")
    ahead = [best.replace(weighting=name) for name in ("random", "cagrad")]
    return [*best.separately(), best.replace(task_weights=(0.75, 0.75, 1.5)), *ahead]


@study("What does a weighting make of a loss in other units?")
def scaled_loss() -> list[Settings]:
    """The second target's loss multiplied by 100, as if it were measured in hundredths."""
    return [
        Settings(
            targets=("mnist", "fashion"),
            weighting=name,
            task_weights=(1, scale),
            steps=200,
            seeds=SEEDS["full"],
            budget="full",
        )
        for name in WEIGHTINGS
        for scale in (1, 100)
    ]


@dataclass(frozen=True)
class Gain:
    """What one target gains by joining others, over a network of its own.

    Attributes:
        settings: of the joint network.
        target: whose accuracy is compared.
        difference: joint less separate, on the test images.
    """

    settings: Settings
    target: str
    difference: Difference


def gains(found: Reference) -> list[Gain]:
    """Compare every joint experiment of a study with the separate ones, target by target."""
    records = {record.settings: record.measures for record in found.records}
    rows = []
    for settings, measures in records.items():
        if len(settings.targets) == 1:
            continue
        for alone in settings.separately():
            (target,) = alone.targets
            together = measures[_measure_name("accuracy", target, settings)]
            own = records[alone]["accuracy"]
            rows.append(Gain(settings, target, difference(together, own)))
    return rows


def best_trials(found: Reference, targets: Iterable[str]) -> dict[str, Record]:
    """Return for each weighting of a study its best trial on these targets.

    Args:
        found: a study that tried every weighting in several ways.
        targets: all that the experiment had.

    Returns:
        By weighting ("fixed" for one target alone), the record with the highest validation
        accuracy, mean over targets and seeds.
    """
    best: dict[str, Record] = {}
    for record in found.records:
        name = record.settings.weighting
        if record.settings.targets == tuple(targets) and (
            name not in best or _validation(record) > _validation(best[name])
        ):
            best[name] = record
    return best


def _validation(record: Record) -> float:
    return float(np.mean(_of_targets("validation", record)))


def _of_targets(measure: str, record: Record) -> np.ndarray:
    """Return a measure of all targets, shape (seeds, targets)."""
    names = [_measure_name(measure, target, record.settings) for target in record.settings.targets]
    return np.stack([record.measures[name] for name in names], axis=-1)


def relative_gains(found: Reference, targets: Iterable[str]) -> dict[str, np.ndarray]:
    """Return delta-m of every weighting's best trial over each target's own best network.

    Args:
        found: a study with joint experiments and those of each target alone.
        targets: of the joint experiments.

    Returns:
        By weighting, test accuracy's mean relative gain in percent, shape (seeds,).

    Source: Maninis et al. 2019, "Attentive Single-Tasking of Multiple Tasks", section 4.
    """
    targets = tuple(targets)
    alone = [_of_targets("accuracy", best_trials(found, (each,))["fixed"]) for each in targets]
    return {
        name: weighting.relative_gain(
            _of_targets("accuracy", record), np.concatenate(alone, axis=-1)
        )
        for name, record in best_trials(found, targets).items()
    }


def scores(settings: Settings) -> Measures:
    """Return the transferability scores of a source, from the labelled target images alone.

    Args:
        settings: with the source, the target and the labels; without a source there is no score.
    """
    from scipy.special import softmax

    if settings.source is None:
        return {}
    data = experiment.features(settings.source, ALL_LAYERS, settings.targets[0])
    kernel, bias = pretrained(settings.source).weights[-2:]
    by_seed = []
    for seed in range(settings.seeds):
        labels_per_class = settings.labels_of[settings.targets[0]]
        chosen = datasets.choose(data, labels_per_class, seed).labelled
        features, labels = data.train.images[chosen], data.train.labels[chosen]
        by_seed.append(
            {
                "leep": transfer.leep(softmax(features @ kernel + bias, axis=1), labels),
                "h_score": transfer.h_score(features, labels),
                "logme": transfer.logme(features, labels),
                "nearest_neighbours": transfer.nearest_neighbours(features, labels),
            }
        )
    return {name: np.array([each[name] for each in by_seed]) for name in by_seed[0]}


@study("Can a score tell beforehand which source will help?", measure=scores)
def transferability() -> list[Settings]:
    """Every source for every other target, everything fine-tuned, and from scratch."""
    names = ("mnist", "uci-digits", "fashion")
    return [
        _settings(source, target, labels_per_class=20, steps=200)
        for target in names
        for source in (None, "glyphs", *names)
        if source != target
    ]


def compute(name: str) -> Reference:
    """Do a study's experiments and store what came of them, whole or not at all.

    Raises:
        WorkbookError: there is no such study, or the file cannot be written.
    """
    check_choice("study", name, STUDIES)
    asked = STUDIES[name]
    records = []
    for settings in asked.plan():
        result = experiment.run(settings, baseline=False)
        found = {"accuracy": result.accuracy, "validation": result.validation}
        measures = {
            _measure_name(measure, target, settings): values
            for measure, by_target in found.items()
            for target, values in by_target.items()
        }
        more = asked.measure(settings) if asked.measure else {}
        records.append(Record(settings, measures | more))
    outcome = Reference(
        name,
        asked.about,
        f"python -m simmim_lib.reference {name}",
        records[0].settings.budget,
        experiment.versions(),
        records,
    )
    _store(outcome)
    return outcome


def _measure_name(measure: str, target: str | None, settings: Settings) -> str:
    """Return the name under which a record keeps a measure: with several targets, of one each."""
    return f"{target} {measure}" if len(settings.targets) > 1 else measure


def load(name: str) -> Reference:
    """Return a study's stored outcome.

    Raises:
        WorkbookError: there is no such study, or it was not computed yet, or its file is damaged.
    """
    check_choice("study", name, STUDIES)
    path = datasets.data_directory() / "results" / f"{name}.json"
    again = f"run `python -m simmim_lib.reference {name}` in a checkout to compute it."
    if not path.exists():
        raise WorkbookError(f"The reference result {name!r} is not there ({path}): {again}")
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        records = [
            Record(
                Settings.from_mapping(record["settings"]),
                {measure: np.array(values) for measure, values in record["measures"].items()},
            )
            for record in stored.pop("records")
        ]
        return Reference(records=records, **stored)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WorkbookError(f"The reference result {path} is damaged ({error}): {again}") from error


def _store(found: Reference) -> None:
    records = [
        {
            "settings": record.settings.as_dict(),
            "measures": {
                name: [round(float(value), 6) for value in values]
                for name, values in record.measures.items()
            },
        }
        for record in found.records
    ]
    head = {name: value for name, value in vars(found).items() if name != "records"}
    # A line for each experiment: a change is then seen where it is.
    lines = ",\n".join(json.dumps(record) for record in records)
    text = json.dumps(head, indent=1)[:-2] + f',\n "records": [\n{lines}\n]}}\n'
    folder = datasets.data_directory() / "results"
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise WorkbookError(
            f"Cannot make the folder {folder} ({error.strerror}): use a checkout that you may "
            "write to."
        ) from error
    files.write_text(folder / f"{found.name}.json", text)


def main(names: Iterable[str]) -> int:
    """Compute the named studies, or all of them; return the exit status."""
    try:
        for name in list(names) or STUDIES:
            print(f"Computing {name} ...", flush=True)
            compute(name)
    except WorkbookError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
