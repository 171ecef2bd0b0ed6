"""What lesson 01's runs and stored studies have found, as figures and tables."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from simmim_lib import datasets
from simmim_lib.foundation.intervals import difference
from simmim_lib.lessons.transfer_learning import figures
from simmim_lib.pictures import charts
from simmim_lib.pictures.charts import Curve
from simmim_lib.pictures.style import Picture
from simmim_lib.pictures.tables import Table
from simmim_lib.studies import stored

if TYPE_CHECKING:
    import keras

DEPTHS = range(1, 5)
"""How many layers are copied, with fresh ones after them."""

TARGETS = ("mnist", "uci-digits")
WAYS = ("probe", "fine-tune", "probe-then-fine-tune")
GENTLE = {
    "small steps": ("fine-tune", 0.1),
    "gradual": ("gradual-unfreezing", 1.0),
    "probe, then small steps": ("probe-then-fine-tune", 0.1),
    "gradual, small steps": ("gradual-unfreezing", 0.1),
}
"""Gentler ways to fine-tune: the adaptation, and the factor of the copied layers' steps."""

COUNTS = (1, 2, 5, 10, 20, 50)
"""Labels per class."""

SCORES = {
    "nearest_neighbours": "nearest neighbour\n(share right)",
    "leep": "LEEP\n(nats per image)",
    "h_score": "H-score\n(no unit)",
    "logme": "LogME\n(nats per image)",
}
"""The scores that are computed before training, and their names in a figure."""

Accuracies = dict[str, dict[float, np.ndarray]]
"""By curve, then by place on the axis: one accuracy for each seed."""

Pair = tuple[str, str]
"""A source and a target."""


# --- Live runs


def passes_figure(accuracies: Sequence[float]) -> Picture:
    """Draw one network's accuracy on the glyphs after each pass over the training images."""
    by_pass: dict[float, np.ndarray] = {
        number: np.array([each]) for number, each in enumerate(accuracies, start=1)
    }
    guessing = 1 / len(datasets.describe("glyphs").class_names)
    return charts.accuracy_curves(
        [Curve("the network", by_pass, "source")],
        "passes over the training images",
        "Learning the source task (live, one run)",
        baseline=("guessing", np.array([guessing])),
    )


def layers_table(model: "keras.Model") -> Table:
    """Count the weights of each layer that has any, and say which are trained."""
    rows = [
        [layer.name, f"{layer.count_params():,}", "trained" if layer.trainable else "frozen"]
        for layer in model.layers
        if layer.weights
    ]
    return Table(["layer", "weights", "state"], rows)


# --- Copied layers, with plenty of labels


def copied_layers() -> tuple[Accuracies, np.ndarray]:
    """Return accuracies by copied layers, each (seeds,), and those from scratch."""
    study = stored.load("frozen-depth")

    def by_depth(source: str, frozen: bool) -> dict[float, np.ndarray]:
        return {
            depth: study.values(
                source=source, copied_layers=depth, frozen_layers=depth if frozen else 0
            )
            for depth in DEPTHS
        }

    curves = {
        "same task (MNIST), frozen": by_depth("mnist", True),
        "glyphs, frozen": by_depth("glyphs", True),
        "Fashion, frozen": by_depth("fashion", True),
        "glyphs, fine-tuned": by_depth("glyphs", False),
    }
    return curves, study.values(source=None)


def copied_layers_compared() -> tuple[Picture, Table]:
    """Compare each number of copied layers with training from scratch."""
    return _copied_layers_figure(), _copied_layers_table()


def _copied_layers_figure() -> Picture:
    """Draw accuracy by copied layers."""
    curves, scratch = copied_layers()
    looks = (("frozen", "o"), ("frozen", "s"), ("frozen", "^"), ("trained", "s"))
    return charts.accuracy_curves(
        [
            Curve(name, values, *look)
            for (name, values), look in zip(curves.items(), looks, strict=True)
        ],
        "first layers copied, the others fresh",
        f"MNIST, 300 labels per class, {len(scratch)} seeds",
        baseline=("from scratch", scratch),
        lowest=0.92,
    )


def _copied_layers_table() -> Table:
    """Compare each number of copied layers with training from scratch."""
    curves, scratch = copied_layers()
    return _against_scratch("copied layers", curves, scratch)


def _against_scratch(axis: str, curves: Accuracies, scratch: np.ndarray) -> Table:
    names = [name.replace("\n", " ") for name in curves]
    places = next(iter(curves.values()))
    rows = [
        [place, *(difference(values[place], scratch) for values in curves.values())]
        for place in places
    ]
    return Table([f"{axis}, against scratch", *names], rows)


# --- Ways to adapt


def adaptations() -> dict[str, dict[str, np.ndarray]]:
    """Return accuracies by target, then by way of training, each (seeds,)."""
    study, gentle = stored.load("adaptations"), stored.load("gentle-fine-tuning")
    return {
        target: {
            "from scratch": study.values(source=None, targets=(target,)),
            **{
                way: study.values(source="glyphs", targets=(target,), adaptation=way)
                for way in WAYS
            },
            **{
                name: gentle.values(targets=(target,), adaptation=way, trunk_learning_rate=factor)
                for name, (way, factor) in GENTLE.items()
            },
        }
        for target in TARGETS
    }


def ways_compared() -> tuple[Picture, Table]:
    """Compare probe, fine-tuning, and one after the other."""
    against = {"probe": "from scratch", "fine-tune": "from scratch"}
    return _compared(("from scratch", *WAYS), {**against, "probe-then-fine-tune": "fine-tune"})


def gentle_ways_compared() -> tuple[Picture, Table]:
    """Compare gentler ways to fine-tune with those above."""
    return _compared((*WAYS, *GENTLE), dict.fromkeys(GENTLE, "fine-tune"))


def _compared(ways: Sequence[str], pairs: Mapping[str, str]) -> tuple[Picture, Table]:
    """Draw ways of training for both targets, and tabulate the differences of some pairs."""
    groups = adaptations()
    chosen = {target: {way: of[way] for way in ways} for target, of in groups.items()}
    rows = [
        [f"{one} against {other}", *(difference(of[one], of[other]) for of in groups.values())]
        for one, other in pairs.items()
    ]
    figure = charts.accuracy_rows(chosen, "From glyphs, 10 labels per class, 10 seeds")
    return figure, Table(["compared", *groups], rows)


# --- Few labels and many


def few_labels() -> Accuracies:
    """Return accuracies by number of labels, with a source and without."""
    study = stored.load("few-labels")
    return {
        name: {count: study.values(source=source, labels_per_class=count) for count in COUNTS}
        for name, source in (
            ("transfer from glyphs,\ntwo layers frozen", "glyphs"),
            ("from scratch", None),
        )
    }


def few_labels_compared() -> tuple[Picture, Table]:
    """Compare transfer with training from scratch for each number of labels."""
    return _few_labels_figure(), _few_labels_table()


def _few_labels_figure() -> Picture:
    """Draw accuracy by number of labels."""
    transfer, scratch = (Curve(name, values, "target") for name, values in few_labels().items())
    scratch = Curve(scratch.label, scratch.values, "baseline", "s")
    return charts.accuracy_curves(
        [transfer, scratch], "labels per class", "MNIST, 10 seeds", logarithmic=True
    )


def _few_labels_table() -> Table:
    """Compare transfer with training from scratch for each number of labels."""
    transfer, scratch = few_labels().values()
    rows = [[count, difference(transfer[count], scratch[count])] for count in COUNTS]
    return Table(["labels per class", "transfer against scratch"], rows)


# --- Negative transfer


def negative_transfer() -> tuple[Accuracies, np.ndarray]:
    """Return accuracies by source and frozen layers, and those from scratch."""
    study = stored.load("negative-transfer")
    curves: Accuracies = {
        f"from {title}": {
            depth: study.values(source=source, frozen_layers=depth) for depth in range(5)
        }
        for source, title in (("glyphs", "glyphs"), ("fashion", "Fashion"))
    }
    return curves, study.values(source=None)


def negative_transfer_compared() -> tuple[Picture, Table]:
    """Compare each source and each depth with training from scratch."""
    return _negative_transfer_figure(), _negative_transfer_table()


def _negative_transfer_figure() -> Picture:
    """Draw accuracy by frozen layers for a source that fits and one that does not."""
    curves, scratch = negative_transfer()
    looks = ("s", "^")
    return charts.accuracy_curves(
        [
            Curve(name, values, "source", look)
            for (name, values), look in zip(curves.items(), looks, strict=True)
        ],
        "frozen layers, all four copied",
        "MNIST, 10 labels per class, 10 seeds",
        baseline=("from scratch", scratch),
    )


def _negative_transfer_table() -> Table:
    """Compare each source and each depth with training from scratch."""
    curves, scratch = negative_transfer()
    return _against_scratch("frozen layers", curves, scratch)


# --- Scores before training


def pairs() -> list[Pair]:
    """Return the sources and targets of which both the score and the outcome are known."""
    return [
        (record.settings.source, record.settings.targets[0])
        for record in stored.load("transferability").records
        if record.settings.source
    ]


def for_pairs(measure: str) -> dict[Pair, np.ndarray]:
    """Return a measure for each source and target, (seeds,)."""
    study = stored.load("transferability")
    return {
        (source, target): study.values(measure, source=source, targets=(target,))
        for source, target in pairs()
    }


def scores_compared() -> tuple[Picture, Table]:
    """Compare what each score says before training with what came out."""
    return _scores_figure(), _rank_correlations_table()


def _scores_figure() -> Picture:
    """Draw what each score says before training against the accuracy after it."""
    study = stored.load("transferability")
    targets = dict.fromkeys(target for _, target in pairs())
    return figures.score_against_accuracy(
        {
            label: {pair: values.mean() for pair, values in for_pairs(name).items()}
            for name, label in SCORES.items()
        },
        for_pairs("accuracy"),
        {target: study.values(source=None, targets=(target,)) for target in targets},
        "20 labels per class, 10 seeds",
    )


def rank_correlations() -> dict[str, dict[str, float]]:
    """Return Kendall's correlation of each score with the accuracy, by score and target."""
    from scipy.stats import kendalltau

    outcome = for_pairs("accuracy")
    correlations: dict[str, dict[str, float]] = {}
    for name in SCORES:
        guesses = for_pairs(name)
        for target in dict.fromkeys(target for _, target in pairs()):
            rivals = [pair for pair in pairs() if pair[1] == target]
            ranks = [[values[pair].mean() for pair in rivals] for values in (guesses, outcome)]
            correlations.setdefault(name, {})[target] = kendalltau(*ranks).statistic
    return correlations


def _rank_correlations_table() -> Table:
    """Compare the order that each score predicts with the order that came out."""
    found = rank_correlations()
    targets = next(iter(found.values()))
    rows = [
        [
            SCORES[name].partition("\n")[0],
            *(f"{value:+.2f}" for value in (np.mean([*of.values()]), *of.values())),
        ]
        for name, of in found.items()
    ]
    return Table(["Kendall's tau", "mean", *targets], rows)
