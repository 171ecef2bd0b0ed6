"""What lesson 08's stored studies have found, as figures and tables."""

import numpy as np

from simmim_lib import trunks
from simmim_lib.foundation.intervals import Difference, difference, mean_and_interval
from simmim_lib.lessons.masked_images import figures
from simmim_lib.lessons.masked_images.chosen import SOURCES, chosen
from simmim_lib.lessons.masked_images.pretrainings import TRUNK, Ablation, usual_recipe
from simmim_lib.lessons.masked_images.studies import (
    FROZEN,
    LABELS,
    LENGTHS,
    RATIOS,
    REPORTED,
    UNITS,
)
from simmim_lib.lessons.masked_images.vanishing import seen_after_layers
from simmim_lib.pictures import charts
from simmim_lib.pictures.charts import Curve
from simmim_lib.pictures.style import Picture
from simmim_lib.pictures.tables import Table
from simmim_lib.studies import stored

WAYS = {
    "none": "from scratch",
    "masked": "masked",
    "contrastive": "contrastive",
    "labels": "glyphs, by labels",
}
"""How the starts are called."""


CLAIMS: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "a ratio of 0.6 beats one of 0.2": ({}, {"ratio": 0.2}),
    "at 0.6, units of 2 x 2 patches beat single ones (12 of 16 hidden, for 10)": ({"unit": 2}, {}),
    "scattered units beat one square": ({}, {"kind": "square"}),
    "predicting only what is hidden beats predicting all": ({}, {"everywhere": True}),
    "a head of one layer beats one of two": ({}, {"head_layers": 2}),
    "normalised targets beat plain pixels (MAE)": ({"normalised": True}, {}),
    "a last normalisation harms the probe (the authors' hint)": ({}, {"final_norm": True}),
}
"""What was published, as what was found ahead of what; where nothing is said, it is usual."""

LUCK = "the same once more, with other first weights, batches and masks"
LARGER_STEPS = "steps three times as large, as the network that ships takes them"


def accuracy(pretext: str, labels_per_class: int) -> np.ndarray:
    """Return the fine-tuned accuracies after a pretext, or "none", (seeds,)."""
    study = stored.load("without-labels")
    asked = "labels" if pretext == "none" else pretext
    found = study.values(labels_per_class=labels_per_class, source=SOURCES[pretext], pretext=asked)
    return found[REPORTED]


def tuning_chosen() -> Table:
    """List how each start is fine-tuned."""
    rows = [[WAYS[name], *chosen(name).values()] for name in SOURCES]
    return Table(["start", "learning rate", "layer-wise decay", "steps", "copied blocks"], rows)


def gain(pretext: str, labels_per_class: int) -> Difference:
    """Return how much a pretext brings against training from scratch."""
    return difference(accuracy(pretext, labels_per_class), accuracy("none", labels_per_class))


def between_pretexts(labels_per_class: int) -> Difference:
    """Return how much more masked pre-training brings than contrastive."""
    return difference(
        accuracy("masked", labels_per_class), accuracy("contrastive", labels_per_class)
    )


def pretexts_compared() -> tuple[Picture, Table]:
    """Compare pre-training without labels with none."""
    groups = {
        f"{labels} labels per class": {WAYS[name]: accuracy(name, labels) for name in SOURCES}
        for labels in LABELS
    }
    seeds = len(accuracy("none", LABELS[0]))
    rows = [
        [f"{WAYS[name]} against scratch", *(gain(name, labels) for labels in LABELS)]
        for name in LENGTHS
    ]
    figure = charts.accuracy_rows(
        groups, f"Fashion-MNIST, the same small transformer, {seeds} seeds"
    )
    return figure, Table(["compared", *groups], rows)


def timed(pretext: str) -> tuple[np.ndarray, np.ndarray]:
    """Return seconds of pre-training, (lengths,), and the accuracies after it, (lengths, seeds).

    The usual length is among them; its seconds follow from those of a step in the longest other.
    """
    study = stored.load("pretraining-time")

    def values(measure: str, steps: int) -> np.ndarray:
        return study.values(measure, pretext=pretext, pretraining_steps=steps)

    longest, usual = max(LENGTHS[pretext]), usual_recipe(pretext).steps
    found = {
        steps: (values("seconds", steps)[0], values("accuracy", steps)[REPORTED])
        for steps in LENGTHS[pretext]
    }
    found[usual] = found[longest][0] * usual / longest, accuracy(pretext, 5)
    seconds, accuracies = zip(*(found[steps] for steps in sorted(found)), strict=True)
    return np.array(seconds), np.stack(accuracies)


def timed_compared() -> tuple[Picture, Table]:
    """Compare how long was pre-trained."""
    scratch, curves = accuracy("none", 5), {WAYS[name]: timed(name) for name in LENGTHS}
    seeds = len(scratch)
    figure = figures.after_seconds(
        curves, scratch, f"Fashion-MNIST, 5 labels per class, {seeds} seeds"
    )
    rows = [
        [name, f"{second:,.0f} s", difference(found, scratch)]
        for name, (seconds, accuracies) in curves.items()
        for second, found in zip(seconds, accuracies, strict=True)
    ]
    return figure, Table(["pre-training", "for", "against scratch"], rows)


def ablated(measure: str = "accuracy", **changes: object) -> np.ndarray:
    """Return what was measured after a short pre-training with something changed, (seeds,)."""
    wanted = Ablation(**changes)  # type: ignore[arg-type]
    return stored.load("mask-ablations").values(measure, **wanted.as_dict())


def ratios_figure(marked: tuple[float, int], mask: np.ndarray) -> Picture:
    """Draw the map of ratios and units, with one of them marked, and a mask of its kind."""
    found = {(ratio, unit): ablated(ratio=ratio, unit=unit) for ratio in RATIOS for unit in UNITS}
    usual = Ablation()
    title = f"{usual.labels_per_class} labels per class, {usual.seeds} seeds"
    return figures.ratios_and_units(found, marked, mask, title)


def luck(measure: str = "accuracy") -> float:
    """Return by how many points two pre-trainings differ that differ by their luck alone.

    The interval of a claim knows the luck of draws of labels, but not that of the pre-trainings.
    """
    ahead = difference(ablated(measure), ablated(measure, pretraining_seed=1))
    return abs(ahead.mean) + ahead.half_width


def verdicts() -> dict[str, tuple[Difference, str]]:
    """Return of each claim how far the one is ahead, and whether that was reproduced here."""
    return {claim: _verdict(claim) for claim in CLAIMS}


def _verdict(claim: str) -> tuple[Difference, str]:
    one, other = CLAIMS[claim]
    measure = "probe" if "probe" in claim else "accuracy"
    ahead = difference(ablated(measure, **one), ablated(measure, **other))
    if not ahead.is_clear or abs(ahead.mean) <= luck(measure):
        return ahead, "not decidable here"
    return ahead, "reproduced" if ahead.mean > 0 else "not reproduced: the other way round"


def verdicts_table() -> Table:
    """List the claims with their verdicts."""
    rows = [[claim, ahead, verdict] for claim, (ahead, verdict) in verdicts().items()]
    again, larger = (
        difference(ablated(**change), ablated())
        for change in ({"pretraining_seed": 1}, {"pretraining_rate": 3e-3})
    )
    rows += [[LUCK, again, "luck"], [LARGER_STEPS, larger, "no claim, but our choice"]]
    return Table(["claim", "difference here", "verdict"], rows)


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
    return figure, Table(["number", "block", *looks], rows)


def frozen(pretext: str, depth: int) -> np.ndarray:
    """Return the accuracies with some blocks frozen, (seeds,); by labels: of glyphs."""
    return stored.load("frozen-sources").values(pretext=pretext, frozen_layers=depth)


def frozen_compared() -> tuple[Picture, Table]:
    """Compare three sources, with early blocks frozen and without."""
    sources = [WAYS[name] for name in LENGTHS]
    groups = {
        f"{depth or 'no'} blocks frozen": {WAYS[name]: frozen(name, depth) for name in LENGTHS}
        for depth in FROZEN
    }
    figure = charts.accuracy_rows(groups, "Clothes, 20 labels per class, learning rate 0.001")
    rows = [
        [name, *(mean_and_interval(of_group[name]) for of_group in groups.values())]
        for name in sources
    ]
    return figure, Table(["source", *groups], rows)


def vanishing_figure(mask: np.ndarray) -> Picture:
    """Show where a mask is gone, layer by layer."""
    return figures.vanishing_mask(seen_after_layers(mask))
