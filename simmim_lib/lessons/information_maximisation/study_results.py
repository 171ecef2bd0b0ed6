"""What lesson 05's runs and stored studies have found, as figures and tables."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from simmim_lib import datasets
from simmim_lib.collapse import Diagnosis
from simmim_lib.foundation.intervals import Difference, difference, mean_and_interval
from simmim_lib.lessons.information_maximisation import figures, studies
from simmim_lib.pictures import charts
from simmim_lib.pictures.style import Picture
from simmim_lib.pictures.tables import Table
from simmim_lib.settings import INFORMED, Settings
from simmim_lib.studies import stored

RECIPE = Settings(**INFORMED)

AUGMENTED = "augmented"

WAYS: dict[str, dict[str, Any]] = {
    "from scratch": {"source": None},
    "fine-tuned": {"source": "glyphs", "augmentation": 0.0},
    AUGMENTED: {"information": 0.0, "augmentation": RECIPE.augmentation},
    "SimMIM": {"information": RECIPE.information},
}
"""Ways to use few labels, and how their settings differ."""

BATCHES = {
    "sure and spread": np.array([[1.0, 0.0], [0.0, 1.0]]),
    "unsure": np.array([[0.5, 0.5], [0.5, 0.5]]),
    "all one class": np.array([[1.0, 0.0], [1.0, 0.0]]),
}
"""What three networks predict for two images of a cat or a dog, each (images, classes)."""

CALIBRATED = (("mnist", 1), ("mnist", 5), ("uci-digits", 5), ("fashion", 5))
"""Targets and labels per class at which confidence is compared with accuracy."""

# --- The information by hand


def information_by_hand() -> Table:
    """Tabulate the information of three batches, by SciPy's entropy and by the library's loss."""
    from simmim_lib import losses

    rows = []
    for name, batch in BATCHES.items():
        spread, doubt = _halves(batch)
        by_loss = float(losses.mutual_information(np.log(batch + 1e-12)))
        # Adding zero turns -0.0 into 0.0.
        numbers = (spread, doubt, spread - doubt, by_loss)
        rows.append([name, *(f"{round(number, 4) + 0.0:.4f}" for number in numbers)])
    return Table(
        ["predictions", "H(mean of p)", "mean of H(p)", "information", "by the loss"], rows
    )


def information(batch: np.ndarray) -> float:
    """Return the mutual information of predictions (images, classes), in nats."""
    spread, doubt = _halves(batch)
    return spread - doubt


def _halves(batch: np.ndarray) -> tuple[float, float]:
    from scipy.stats import entropy

    return float(entropy(batch.mean(axis=0))), float(entropy(batch, axis=1).mean())


# --- Collapse, and the alarm


class Trainings(NamedTuple):
    """What ten trainings with the same settings have led to; each array is (seeds,).

    Attributes:
        accuracy: on test images.
        classes: that the test images are put in, exp(H) of their shares.
        alarm: what it says; it sees other images, and no labels.
    """

    accuracy: np.ndarray
    classes: np.ndarray
    alarm: Diagnosis

    @property
    def collapsed(self) -> np.ndarray:
        """Whether the test images are put in fewer than half of the ten classes, (seeds,)."""
        return self.classes < 5


def collapses() -> dict[tuple[float, float], Trainings]:
    """Return what trainings with one label per class have led to, by λ and s."""
    found = {}
    for record in stored.load("collapse").records:
        names = ("accuracy", "classes in use", "largest share", "entropy")
        accuracy, classes, share, entropy = map(record.values, names)
        alarm = Diagnosis(share, entropy, np.log(10))
        weights = record.settings.information, record.settings.spread
        found[weights] = Trainings(accuracy, classes, alarm)
    return found


def without_spread_table() -> Table:
    """Tabulate what leaving out the spreading half does."""
    rows = [
        [_weights(*of), _percent(each.accuracy), mean_and_interval(each.classes, digits=1)]
        for of, each in collapses().items()
    ]
    return Table(["10 seeds each", "test accuracy (%)", "classes in use"], rows)


def alarms_table() -> Table:
    """Compare what the alarm says with what has happened."""
    rows = [
        [_weights(*of), each.collapsed.sum(), each.alarm.collapsed.sum(), _disagreements(each)]
        for of, each in collapses().items()
    ]
    return Table(["of 10 seeds each", "collapsed", "the alarm rings", "alarm mistaken"], rows)


def mistaken_alarms() -> tuple[int, int]:
    """Return in how many trainings the alarm is mistaken, and how many there are."""
    every = collapses().values()
    return sum(map(_disagreements, every)), sum(len(each.accuracy) for each in every)


def _disagreements(trainings: Trainings) -> int:
    return int(np.sum(trainings.collapsed != trainings.alarm.collapsed))


def alarms_figure() -> Picture:
    """Draw what the alarm sees."""
    alarms = {_weights(*of): each.alarm for of, each in collapses().items()}
    return figures.collapse(alarms, "What the alarm sees, 10 seeds")


def alarms_in_words() -> str:
    """Return what the alarm says of the two weakest terms, as `result.diagnostics` does."""
    return "\n".join(f"{_weights(*of)}: {each.alarm}" for of, each in list(collapses().items())[:2])


def _weights(information: float, spread: float) -> str:
    return f"λ = {information:g}, s = {spread:g}"


# --- Two views, and the threshold


def views_figure(images: np.ndarray) -> Picture:
    """Draw images (n, height, width, channels) with a weak and a strong view of each."""
    from simmim_lib import augmentation
    from simmim_lib.information import STRENGTHS

    changes = augmentation.AffineViews()
    weak, strong = (
        changes.apply(
            images,
            changes.draw(np.full(len(images), strength, np.float32), (0, 3), images.shape[1:]),
        ).numpy()
        for strength in STRENGTHS[1:]
    )
    return figures.views(images, weak, strong)


def threshold_table(correct: np.ndarray, sure: np.ndarray) -> Table:
    """Count how many predictions are right above the threshold and below it.

    Args:
        correct: whether each prediction is right, (images,).
        sure: whether its confidence is above the threshold, (images,).
    """
    rows = [
        [name, f"{chosen.mean():.0%}", f"{correct[chosen].mean():.0%}"]
        for name, chosen in (("above the threshold", sure), ("not above it", ~sure))
    ]
    return Table(["confidence", "of the test images", "of these are right"], rows)


def recipe_table() -> Table:
    """Tabulate the numbers of the recipe."""
    meaning = {
        "information": "λ, the weight of the information",
        "spread": "s, the weight of its first half",
        "agreement": "the weight of the agreement of two views",
        "confidence": "c, the threshold",
        "ramp": "the share of the steps over which both terms grow",
        "augmentation": "how strongly images are changed",
    }
    rows = [[f"`{name}`", getattr(RECIPE, name), words] for name, words in meaning.items()]
    return Table(["`Settings(...)`", "recipe", "what it is"], rows)


# --- What images without labels bring


def measured(target: str, labels: int, way: str, measure: str = "accuracy") -> np.ndarray:
    """Return a measure of one of the `WAYS` to use few labels, (seeds,)."""
    fields = {"targets": (target,), "labels_per_class": labels, **WAYS[way]}
    return stored.load("unlabelled").values(measure, **fields)


def gains() -> dict[tuple[str, int], Difference]:
    """Return SimMIM minus the same without unlabelled images, by target and labels per class."""
    return {
        (target, labels): difference(
            measured(target, labels, "SimMIM"), measured(target, labels, AUGMENTED)
        )
        for target, counts in studies.LABELS_PER_CLASS.items()
        for labels in counts
    }


def gains_table(targets: tuple[str, ...]) -> Table:
    """Compare all `WAYS` to use few labels on some targets."""
    rows = [
        [
            f"{target}, {labels}",
            *(_percent(measured(target, labels, way)) for way in WAYS),
            gain,
        ]
        for (target, labels), gain in gains().items()
        if target in targets
    ]
    return Table(["test accuracy (%), labels per class", *WAYS, f"SimMIM minus {AUGMENTED}"], rows)


def worst_seeds_table() -> Table:
    """Compare the worst of ten seeds with the mean, at each number of labels, and with patience."""
    quick = {
        f"{target}, {labels}": measured(target, labels, "SimMIM")
        for target in ("mnist", "uci-digits")
        for labels in studies.LABELS_PER_CLASS[target]
    }
    patience = stored.load("patience")
    patient = {
        f"{target}, 5, {studies.FULL_STEPS:,} steps": patience.values(targets=(target,))
        for target in ("mnist", "uci-digits")
    }
    rows = [
        [name, _percent(values), f"{100 * values.min():.1f}"]
        for name, values in {**quick, **patient}.items()
    ]
    heading = f"labels per class ({studies.QUICK_STEPS} steps, where not more are named)"
    return Table([heading, "test accuracy (%)", "worst of 10 seeds"], rows)


# --- What each part contributes


def without_parts() -> dict[int, dict[str, np.ndarray]]:
    """Return accuracies on MNIST by labels per class, then by the part that is left out."""
    parts = stored.load("parts")
    complete = {
        name: getattr(RECIPE, name) for without in studies.ABLATIONS.values() for name in without
    }
    return {
        labels: {
            figures.NOTHING: measured("mnist", labels, "SimMIM"),
            **{
                part: parts.values(labels_per_class=labels, **{**complete, **without})
                for part, without in studies.ABLATIONS.items()
            },
        }
        for labels in (1, 5)
    }


def omissions() -> dict[int, dict[str, Difference]]:
    """Return what leaving out a part changes, by labels per class, then by the part."""
    return {
        labels: {part: difference(of[part], of[figures.NOTHING]) for part in studies.ABLATIONS}
        for labels, of in without_parts().items()
    }


def omissions_figure() -> Picture:
    """Draw accuracy without each part."""
    return figures.ablation(without_parts(), "What if a part is left out? MNIST, 10 seeds")


def omissions_table() -> Table:
    """Tabulate what leaving out a part changes."""
    changes = omissions()
    rows = [[part, *(of[part] for of in changes.values())] for part in studies.ABLATIONS]
    return Table(["left out", "1 label per class", "5 labels per class"], rows)


# --- Without one label of the target


def directions() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return accuracies of the source alone, and after SimMIM, by direction, each (seeds,)."""
    records = [*stored.load("unlabelled").records, *stored.load("directions").records]
    known = {
        (each.settings.source, each.settings.targets, each.settings.labels_per_class): each
        for each in records
    }
    found = {}
    for name, settings in studies.DIRECTIONS.items():
        record = known[settings.source, settings.targets, settings.labels_per_class]
        after = record.values("accuracy", settings.targets[0])
        found[name] = (record.values("source only"), after)
    return found


def directions_table() -> Table:
    """Compare the source alone with what the target's images without labels add."""
    rows = [
        [name, _percent(before), _percent(after), difference(after, before)]
        for name, (before, after) in directions().items()
    ]
    return Table(["no label of the target", "source only (%)", "SimMIM (%)", "difference"], rows)


# --- Unlabelled images that are not what the recipe expects

NONE, AS_IT_SHOULD_BE = "none at all", "as it should be"
_SKEWED: dict[str, Any] = {"class_shares": studies.MOSTLY_ONES}
_CLOTHES: dict[str, Any] = {"foreign_images": "fashion"}
ONES: dict[str, dict[str, Any]] = {
    "nine in ten are ones": _SKEWED,
    "ones, shares known": {**_SKEWED, "class_prior": studies.MOSTLY_ONES},
    "ones, no information": {**_SKEWED, "information": 0.0},
}
CLOTHES: dict[str, dict[str, Any]] = {
    "half are clothes": _CLOTHES,
    "clothes, no information": {**_CLOTHES, "information": 0.0},
}


def unlike_expected(name: str, measure: str = "accuracy") -> np.ndarray:
    """Return a measure for one of `ONES` or `CLOTHES`, five labels per class of MNIST, (seeds,)."""
    usual: dict[str, Any] = {"class_shares": None, "class_prior": None, "foreign_images": None}
    usual["information"] = RECIPE.information
    fields = {**usual, **{**ONES, **CLOTHES}[name]}
    return stored.load("surprises").values(measure, **fields)


def surprises() -> dict[str, np.ndarray]:
    """Return accuracies with five labels per class of MNIST, by what the images are, (seeds,)."""
    return {
        NONE: measured("mnist", 5, AUGMENTED),
        AS_IT_SHOULD_BE: measured("mnist", 5, "SimMIM"),
        **{name: unlike_expected(name) for name in (*ONES, *CLOTHES)},
    }


def surprises_compared(cases: Iterable[str]) -> tuple[Picture, Table]:
    """Compare some of the `surprises` with no such images, and with images as they should be."""
    found = surprises()
    chosen = {name: found[name] for name in (NONE, AS_IT_SHOULD_BE, *cases)}
    others = NONE, AS_IT_SHOULD_BE
    rows = [
        [
            name,
            _percent(values),
            *("" if name == other else difference(values, found[other]) for other in others),
        ]
        for name, values in chosen.items()
    ]
    figure = charts.accuracy_rows(
        {"MNIST, 5 labels per class": chosen}, "Unlabelled images that differ, 10 seeds"
    )
    compared = [f"minus {other}" for other in others]
    return figure, Table(["unlabelled images", "test accuracy (%)", *compared], rows)


# --- Confidence


def calibration_changes() -> dict[tuple[str, int], Difference]:
    """Return by how much SimMIM's calibration error is smaller, by target and labels."""
    return {
        (target, labels): difference(
            _calibration(target, labels, AUGMENTED), _calibration(target, labels, "SimMIM")
        )
        for target, labels in CALIBRATED
    }


def _calibration(target: str, labels: int, way: str) -> np.ndarray:
    return measured(target, labels, way, "calibration error")


def calibration_table() -> Table:
    """Compare the calibration errors with and without images that have no labels."""
    words = {"gain": "better", "loss": "worse"}
    rows = [
        [
            f"{target}, {labels}",
            *(_percent(_calibration(target, labels, way)) for way in (AUGMENTED, "SimMIM")),
            words.get(change.verdict, change.verdict),
        ]
        for (target, labels), change in calibration_changes().items()
    ]
    heading = ["calibration error (%), labels per class", AUGMENTED, "SimMIM", "SimMIM is"]
    return Table(heading, rows)


# --- The worst seed


def worst_seed() -> int:
    """Return which seed is worst with one label per class of MNIST."""
    return int(measured("mnist", 1, "SimMIM").argmin())


def worst_seed_alarm() -> Diagnosis:
    """Return what the alarm says of it."""
    seed = worst_seed()
    share, entropy = (
        measured("mnist", 1, "SimMIM", name)[[seed]] for name in ("largest share", "entropy")
    )
    return Diagnosis(share, entropy, np.log(10))


def worst_seed_images() -> Picture:
    """Draw the ten images that it had labels for."""
    given = datasets.few_shot("mnist", labels_per_class=1, seed=worst_seed()).labelled
    return charts.image_grid(given.images, list(map(str, given.labels)), "The labelled digits.")


RULES = {
    "by the source": "a training without any label names a class otherwise",
    "by the others": "most of the other networks name a class otherwise",
}
"""Rules that look at no label, by the measure of the study that has what they say."""


def swapped(measure: str = "accuracy") -> np.ndarray:
    """Return a measure of the trainings with one label per class of MNIST, (seeds,)."""
    return stored.load("swapped").values(measure)


def worst_seed_compared() -> tuple[Picture, Table]:
    """Return the labelled images of the worst seed, and what other networks say of such seeds."""
    return worst_seed_images(), other_networks_table()


def other_networks_table() -> Table:
    """Count for each rule which networks with swapped names it misses, and its false alarms."""
    wrong = swapped("swapped") > 0
    rows = []
    for rule, words in RULES.items():
        rings = swapped(rule) > 0
        rows.append([words, *map(np.sum, (rings, wrong & ~rings, rings & ~wrong))])
    heading = [f"alarm, for {len(wrong)} networks", "rings", "misses", "false alarms"]
    return Table(heading, rows)


def _percent(values: np.ndarray) -> str:
    return mean_and_interval(100 * values, digits=1)
