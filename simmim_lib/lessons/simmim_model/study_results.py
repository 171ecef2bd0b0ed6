"""What lesson 03's runs and stored studies have found, as figures, tables and sentences."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from simmim_lib import datasets, experiments, losses, trunks
from simmim_lib.foundation.directories import data_directory
from simmim_lib.foundation.intervals import Difference, difference, mean_and_interval
from simmim_lib.lessons.simmim_model import figures, optimizers, studies
from simmim_lib.lessons.simmim_model.studies import Gain
from simmim_lib.pictures import charts
from simmim_lib.pictures.style import Picture
from simmim_lib.pictures.tables import Table
from simmim_lib.studies import stored

if TYPE_CHECKING:
    import keras

    from simmim_lib.experiments.network import Network
    from simmim_lib.experiments.pretrained import Pretrained
    from simmim_lib.simmim import SimMIM
    from simmim_lib.trunks import Weights

Arrays = Mapping[str, np.ndarray]
"""An array for each task."""

PAIR = ("mnist", "uci-digits")
"""Two collections of the same ten digits."""

FEW, MANY = 2, 50
"""Labels per class of the target that is looked at, and of the one beside it."""


# --- The article's network

BY_HAND = {
    "convolution": ("3 · 3 · 1 · 32 + 32", 3 * 3 * 1 * 32 + 32),
    "dense": ("26 · 26 · 32 · 64 + 64", 26 * 26 * 32 * 64 + 64),
    "head": ("64 · 10 + 10", 64 * 10 + 10),
}
"""The parameters of the article's layers: a weight for each input of each unit, and a bias."""


def article_layers(article: "keras.Model") -> Table:
    """Count the parameters of the article's network, by code and by hand."""
    rows = []
    for layer in article.layers:
        gives = " × ".join(map(str, layer.output.shape[1:]))
        way, count = BY_HAND.get(layer.name, ("", 0))
        rows.append([layer.name, gives, f"{layer.count_params():,}", way, f"{count:,}"])
    return Table(["layer", "gives", "by code", "by hand", "is"], rows)


def layer_sizes(network: "keras.Model") -> dict[str, int]:
    """Return how many parameters each layer has, by its name."""
    return {layer.name: layer.count_params() for layer in network.layers}


def counted(article: "keras.Model", ours: "keras.Model") -> tuple[Table, Picture]:
    """Count the parameters of the article's network, and draw them beside those of another."""
    bars = figures.parameter_bars({"the workbook's": ours, "the article's": article})
    return article_layers(article), bars


def digits_read_after(
    train: Callable[..., None], network: "keras.Model", seeds: int = 3, passes: int = 5
) -> list[float]:
    """Train a network on ten labelled images of each digit, and test it, once for each seed.

    Args:
        train: takes the network, images, labels and how often to go through them.
        network: gets fresh weights each time.
        seeds: how often.
        passes: through the images.

    Returns:
        The share of test images that are read correctly, for each seed.
    """
    accuracies = []
    for seed in range(seeds):
        digits = datasets.few_shot("mnist", labels_per_class=10, seed=seed)
        network.set_weights(trunks.fresh_weights(network, seed))
        train(network, digits.labelled.images, digits.labelled.labels, passes=passes)
        guesses = network.predict(digits.test.images, verbose=0).argmax(axis=1)
        accuracies.append(float(np.mean(guesses == digits.test.labels)))
    return accuracies


def accuracy_of_seeds(accuracies: Iterable[float]) -> Table:
    """List the share of test images that each of a few runs reads correctly."""
    rows = [[seed, f"{accuracy:.0%}"] for seed, accuracy in enumerate(accuracies)]
    return Table(["seed", "test digits read correctly (guessing: 10%)"], rows)


def loop_speed() -> float:
    """Return how many times as long as ours the article's loop takes for the same updates."""
    bench = json.loads((data_directory() / "results" / "bench.json").read_text("utf-8"))
    (measured,) = (row["measured"] for row in bench["rows"] if "article's loop" in row["what"])
    return float(measured.partition(" x")[0])


# --- One trunk, several heads


SHARED = "one network whose two tasks share a head"
OWN = "one network with two heads"
SEPARATE = "two separate networks"
ARTICLE = "the article's network, for one task"


def parameters(
    own: "keras.Model",
    shared: "keras.Model",
    separate: "Sequence[keras.Model]",
    article: "keras.Model",
) -> dict[str, int]:
    """Return how many parameters it takes to learn two tasks, by how it is done.

    Args:
        own: one network, each task with its own head.
        shared: one network, with one head.
        separate: a network for each task.
        article: the article's network.
    """
    return {
        OWN: own.count_params(),
        ARTICLE: article.count_params(),
        SHARED: shared.count_params(),
        SEPARATE: sum(each.count_params() for each in separate),
    }


def parameters_table(counts: Mapping[str, int]) -> Table:
    """List networks, the smallest first."""
    rows = [[name, f"{counts[name]:,}"] for name in sorted(counts, key=counts.__getitem__)]
    return Table(["network", "parameters"], rows)


def losses_of(labels: Arrays, logits: Mapping[str, object]) -> dict[str, float]:
    """Return the mean cross-entropy of each task, in nats."""
    return {
        name: float(np.mean(losses.cross_entropy(labels[name], logits[name]))) for name in labels
    }


def losses_table(found: Mapping[str, float], weights: Mapping[str, float]) -> Table:
    """Put together the joint loss."""
    rows: list[Sequence[object]] = [
        [name, f"{loss:.2f}", weights[name], f"{weights[name] * loss:.2f}"]
        for name, loss in found.items()
    ]
    total = sum(weights[name] * loss for name, loss in found.items())
    return Table(
        ["task", "cross-entropy (nats)", "weight", "weighted"],
        [*rows, ["joint loss", "", "", f"{total:.2f}"]],
    )


TESTED = 350
"""Test images of each task that a Keras model is measured on; Keras wants equally many of each."""


def information(model: "SimMIM", few: Mapping[str, datasets.Task]) -> dict[str, float]:
    """Return what a model says about labels of test images: their entropy minus cross-entropy.

    Args:
        model: with a task for each of the datasets.
        few: the datasets by task.

    Returns:
        Nats by task, a lower bound of the mutual information.
    """
    from scipy.stats import entropy

    labels = {name: each.test.labels[:TESTED] for name, each in few.items()}
    images = {name: each.test.images[:TESTED] for name, each in few.items()}
    left = losses_of(labels, model.predict(images, verbose=0))
    return {name: float(entropy(np.bincount(labels[name]))) - left[name] for name in left}


def information_table(before: Mapping[str, float], after: Mapping[str, float]) -> Table:
    """List how much the network says at least about each task's labels."""
    rows = [[name, f"{before[name]:+.2f}", f"{after[name]:+.2f}"] for name in before]
    most = f"at most {np.log(10):.2f}"
    return Table(["nats about a label, at least", "fresh heads", f"trained ({most})"], rows)


def same_answers(one: "SimMIM", other: "SimMIM", images: Arrays) -> Table:
    """Compare the answers of two models, task by task."""
    first, second = one.predict(images, verbose=0), other.predict(images, verbose=0)
    rows = [
        [task.name, task.kind, len(task.class_names), "same" if alike else "different"]
        for task in other.tasks
        for alike in [np.allclose(first[task.name], second[task.name], atol=1e-6)]
    ]
    return Table(["task", "kind", "classes", "answers after loading"], rows)


# --- Four steps


def images_of_each_seed(chosen: "Mapping[str, experiments.Target]") -> Table:
    """List how many images of each target a seed learns from and is checked on."""
    rows = [
        [name, len(target.choices[0].labelled), len(target.choices[0].validation)]
        for name, target in chosen.items()
    ]
    return Table(["images of each seed", "labelled", "for validation"], rows)


def copied(network: "Network", source: "Pretrained") -> dict[str, bool]:
    """Tell of each weight that is left to train whether it was copied from the source."""
    return {
        weight.path: any(np.array_equal(start[0], copy) for copy in source.trunk_weights)
        for weight, start in zip(network.model.weights, network.weights, strict=True)
    }


def copied_table(network: "Network", copied: Mapping[str, bool]) -> Table:
    """List what is left to train, and where it comes from.

    Args:
        network: as it was transferred.
        copied: from the function `copied`.
    """
    rows = [
        [path, " × ".join(map(str, start.shape)), "the source" if from_source else "fresh"]
        for (path, from_source), start in zip(copied.items(), network.weights, strict=True)
    ]
    return Table(["weights that are trained", "shape (seeds first)", "from"], rows)


def while_it_learns(
    chosen: "dict[str, experiments.Target]", network: "Network", looks: "Sequence[Weights]"
) -> Table:
    """List the accuracies on validation images, from before the first step to after the last.

    Args:
        chosen: the tasks.
        network: as it was transferred.
        looks: its weights while they were trained.
    """
    rows = []
    for number, weights in enumerate([network.weights, *looks]):
        found = experiments.validate(chosen, network, weights)
        rows.append([number, *(mean_and_interval(found[name], digits=2) for name in chosen)])
    return Table(["look", *(f"{name}, validation accuracy" for name in chosen)], rows)


# --- Joint or separate


def joint_gains(shared_heads: bool) -> list[Gain]:
    """Return what joint training gains with equally many labels for every target."""
    found = studies.gains(stored.load("joint"))
    return [gain for gain in found if gain.settings.shared_heads == shared_heads]


def joint_figure(shared_heads: bool) -> Picture:
    """Draw what joint training gains with equally many labels for every target."""
    title = "Joint minus separate, percentage points, by labels per class; 20 seeds"
    return figures.gains(joint_gains(shared_heads), title)


def gain_of(
    target: str, shared_heads: bool, labels: int, targets: Sequence[str] = PAIR
) -> Difference:
    """Return what one target gains with equally many labels for every target."""
    (found,) = (
        gain.difference
        for gain in joint_gains(shared_heads)
        if gain.target == target
        and gain.settings.targets == tuple(targets)
        and gain.settings.labels_per_class == labels
    )
    return found


def unequal_labels_compared() -> tuple[Picture, Table]:
    """Show what joint training gains where one target has many labels and the other few."""
    gains = studies.gains(stored.load("unequal-labels"))
    title = "Joint minus separate (points), by labels of both targets; from glyphs, or as it says"
    rows = [[target, more_beside(target)] for target in PAIR]
    heading = [f"{FEW} labels; the other has {MANY}, not {FEW}", "shared head"]
    return figures.gains(gains, title), Table(heading, rows)


def more_beside(target: str) -> Difference:
    """Compare a shared head beside a target with many labels to one beside a target with few."""
    few = stored.load("joint").values(
        "accuracy", target, targets=PAIR, labels_per_class=FEW, shared_heads=True
    )
    return difference(_beside_many(target, "glyphs", shared_heads=True), few)


def _beside_many(target: str, source: str | None, shared_heads: bool) -> np.ndarray:
    """Return a target's accuracy with few labels, beside one that has many, (seeds,)."""
    counts = tuple(FEW if name == target else MANY for name in PAIR)
    return stored.load("unequal-labels").values(
        "accuracy",
        target,
        source=source,
        targets=PAIR,
        labels_per_class=counts,
        shared_heads=shared_heads,
    )


def teachers(target: str = "mnist") -> dict[str, np.ndarray]:
    """Return a target's accuracy with few labels by what else it learns from, each (seeds,)."""

    def alone(source: str | None) -> np.ndarray:
        study = stored.load("unequal-labels")
        return study.values(source=source, targets=(target,), labels_per_class=FEW)

    return {
        "from scratch, alone": alone(None),
        f"from scratch, own heads, beside {MANY}": _beside_many(target, None, False),
        "from glyphs, alone": alone("glyphs"),
        f"from glyphs, shared head, beside {MANY}": _beside_many(target, "glyphs", True),
    }


def teachers_compared() -> tuple[Picture, Table]:
    """Show what helps a target with few labels, each way against the one before it."""
    groups = {target: teachers(target) for target in PAIR}
    figure = charts.accuracy_rows(groups, f"{FEW} labels per class, 20 seeds")
    rows = [
        [f"{one}, against {before}", *(difference(of[one], of[before]) for of in groups.values())]
        for before, one in pairwise(teachers())
    ]
    return figure, Table(["compared", *PAIR], rows)


# --- Optimizers


def optimizers_table() -> Table:
    """Compare each optimizer with plain gradient descent, at one rate and each at its best."""
    rows = [
        [f"{name}, {schedule}", same, optimizers.verdicts(None, schedule)[name]]
        for schedule in ("constant", "warm-up")
        for name, same in optimizers.verdicts(0.01, schedule).items()
    ]
    return Table(["against plain gradient descent", "0.01 for all", "each its best"], rows)


# --- Pictures of one's own


def photograph_features() -> dict[str, np.ndarray]:
    """Return accuracies on clothes by trunk and recipe, each (seeds,)."""
    study = stored.load("photograph-features")
    return {
        f"{each.settings.trunk}, {each.settings.recipe}": each.values() for each in study.records
    }


def middle_layers_compared() -> tuple[Picture, Table]:
    """Compare every trunk and recipe on clothes with the small network, fine-tuned."""
    ways = photograph_features()
    small = "small-cnn, fine-tune"
    title = datasets.describe("fashion").title
    figure = charts.accuracy_rows({title: ways}, "20 labels per class, 10 seeds")
    rows = [[name, difference(ways[name], ways[small])] for name in ways if name != small]
    return figure, Table(["trunk and training", "against the small network, fine-tuned"], rows)
