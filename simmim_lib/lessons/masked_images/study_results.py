"""What lesson 08's stored studies have found, as figures and tables."""

import numpy as np

from simmim_lib import trunks
from simmim_lib.foundation.intervals import Difference, difference, mean_and_interval
from simmim_lib.lessons.masked_images import figures
from simmim_lib.lessons.masked_images.pretrainings import TRUNK
from simmim_lib.lessons.masked_images.studies import LABELS, LOOKS, PRETEXTS
from simmim_lib.lessons.masked_images.vanishing import seen_after_layers
from simmim_lib.pictures import charts
from simmim_lib.pictures.charts import Curve
from simmim_lib.pictures.style import Picture
from simmim_lib.pictures.tables import Table
from simmim_lib.studies import stored

WAYS = {"none": "from scratch", "masked": "masked", "contrastive": "contrastive"}


def accuracy(pretext: str, labels_per_class: int) -> np.ndarray:
    """Return the fine-tuned accuracies after a pretext, or "none", (seeds,)."""
    fields = {"source": None} if pretext == "none" else {"pretext": pretext, "source": "fashion"}
    return stored.load("without-labels").values(labels_per_class=labels_per_class, **fields)


def gain(pretext: str, labels_per_class: int) -> Difference:
    """Return how much a pretext brings against training from scratch."""
    return difference(accuracy(pretext, labels_per_class), accuracy("none", labels_per_class))


def pretexts_compared() -> tuple[Picture, Table]:
    """Compare pre-training without labels with none."""
    groups = {
        f"{labels} labels per class": {WAYS[name]: accuracy(name, labels) for name in PRETEXTS}
        for labels in LABELS
    }
    seeds = len(accuracy("none", LABELS[0]))
    rows = [
        [f"{WAYS[name]} against scratch", *(gain(name, labels) for labels in LABELS)]
        for name in PRETEXTS[1:]
    ]
    figure = charts.accuracy_rows(
        groups, f"Fashion-MNIST, the same small transformer, {seeds} seeds"
    )
    return figure, Table(["", *groups], rows)


def timed(pretext: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the seconds, (looks,), and the accuracies, (looks, seeds), of a pre-training."""
    study = stored.load("pretraining-time")
    seconds = study.values("seconds", pretext=pretext)[:, 0]
    return seconds, study.values("accuracy", pretext=pretext)


def timed_compared() -> tuple[Picture, Table]:
    """Compare how long was pre-trained."""
    scratch, curves = accuracy("none", 5), {name: timed(name) for name in LOOKS}
    seeds = len(scratch)
    figure = figures.after_seconds(
        curves, scratch, f"Fashion-MNIST, 5 labels per class, {seeds} seeds"
    )
    rows = [
        [name, f"{second:,.0f} s", difference(of_look, scratch)]
        for name, (seconds, accuracies) in curves.items()
        for second, of_look in zip(seconds, accuracies, strict=True)
    ]
    return figure, Table(["pre-training", "for", "against scratch"], rows)


def by_block(pretext: str) -> np.ndarray:
    """Return the accuracies of linear probes, (blocks, seeds)."""
    return stored.load("block-probes").values(pretext=pretext)


def best_block(pretext: str) -> int:
    """Return the block whose probe is best on average, from 1."""
    return int(by_block(pretext).mean(axis=1).argmax()) + 1


def blocks_compared() -> tuple[Picture, Table]:
    """Compare the probes of all blocks."""
    looks = {"masked": ("target", "o"), "contrastive": ("source", "s")}
    curves = [
        Curve(name, {float(n): row for n, row in enumerate(by_block(name), start=1)}, *look)
        for name, look in looks.items()
    ]
    figure = charts.accuracy_curves(
        curves, "block that is probed, averaged over patches", "Linear probes, 20 labels per class"
    )
    blocks = trunks.describe(TRUNK).blocks
    rows = [
        [n + 1, block.replace("_", " "), *(mean_and_interval(by_block(name)[n]) for name in looks)]
        for n, block in enumerate(blocks)
    ]
    return figure, Table(["", "block", *looks], rows)


def vanishing_figure(mask: np.ndarray) -> Picture:
    """Show where a mask is gone, layer by layer."""
    return figures.vanishing_mask(seen_after_layers(mask))
