"""What lesson 08's stored studies have found, as figures and tables."""

from typing import Any

import numpy as np

from simmim_lib import datasets, trunks
from simmim_lib.experiments.pretexts import masked
from simmim_lib.foundation.intervals import (
    Difference,
    difference,
    interval,
    mean_and_interval,
)
from simmim_lib.lessons.masked_images import figures
from simmim_lib.lessons.masked_images.chosen import SOURCES, chosen
from simmim_lib.lessons.masked_images.pretrainings import TARGET, TRUNK, Ablation, usual_recipe
from simmim_lib.lessons.masked_images.studies import (
    FROZEN,
    LABELS,
    LENGTHS,
    PRETRAININGS,
    RATIOS,
    REPORTED,
    SHORT_ON_DIGITS,
    TRIED_AGAIN,
    UNITS,
)
from simmim_lib.lessons.masked_images.vanishing import seen_after_layers
from simmim_lib.pictures import charts
from simmim_lib.pictures.charts import Curve
from simmim_lib.pictures.style import Picture
from simmim_lib.pictures.tables import Table
from simmim_lib.settings import INFORMED
from simmim_lib.studies import stored

WAYS = {
    "none": "from scratch",
    "masked": "masked",
    "contrastive": "contrastive",
    "labels": "glyphs, by labels",
}
"""How the starts are called."""


CLASSES = 10

CLAIMS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "with single patches, a ratio of 0.6 beats one of 0.2": ({}, {"ratio": 0.2}),
    "at 0.6, units of 2 x 2 patches beat single ones (12 of 16 hidden, for 10)": ({"unit": 2}, {}),
    "scattered units beat one square": ({}, {"kind": "square"}),
    "scattered units beat blocks of several sizes": ({}, {"kind": "block-wise"}),
    "predicting only what is hidden beats predicting all": ({}, {"everywhere": True}),
    "a head of one layer beats one of two (published: no worse)": ({}, {"head_layers": 2}),
    "normalised targets beat plain pixels (MAE)": ({"normalised": True}, {}),
}
"""What was published, as what was found ahead of what; where nothing is said, it is usual."""

UNDECIDED = "not decidable here"
HINT = "with a last normalisation, a linear probe is at chance (the authors' hint)"
AGAIN = "the first claim again, over six new pre-trainings of each"
LUCK = "two that differ in first weights, batches and masks alone"
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


CONTINUED = {
    "masked, fine-tuned": "the labelled images as they are",
    "masked, augmented": "the recipe's steps and views, labelled images only",
    "masked, SimMIM": "the whole recipe, with images without labels",
    "lesson 05's network, SimMIM": "the whole recipe, as it was fixed on digits",
}
"""Ways to go on from the masked network and lesson 05's, and what each learns from."""

WITH_AND_WITHOUT = ("masked, SimMIM", "masked, augmented")
"""Two of them that differ in images without labels alone."""


def continued(way: str, labels_per_class: int) -> np.ndarray:
    """Return the accuracies of a network that went on in one of the ways `CONTINUED`, (seeds,)."""
    if way == "lesson 05's network, SimMIM":
        return of_convolutions(labels_per_class)
    if way == "masked, fine-tuned":
        return accuracy("masked", labels_per_class)
    information = INFORMED["information"] if way == "masked, SimMIM" else 0.0
    study = stored.load("informed-after-masking")
    return study.values(labels_per_class=labels_per_class, information=information)[REPORTED]


def of_convolutions(labels_per_class: int) -> np.ndarray:
    """Return lesson 05's accuracies: by the same recipe, from glyphs, with convolutions, (seeds,).

    These are not the same ten seeds, so that no differences are formed.
    """
    recipe = {"information": INFORMED["information"], "agreement": INFORMED["agreement"]}
    study = stored.load("unlabelled")
    return study.values(targets=(TARGET,), labels_per_class=labels_per_class, **recipe)


def informed_gain(labels_per_class: int) -> Difference:
    """Return how much images without labels add to the same steps and views without them."""
    both, alone = (continued(way, labels_per_class) for way in WITH_AND_WITHOUT)
    return difference(both, alone)


def informed_compared() -> tuple[Picture, Table]:
    """Compare the ways to go on from the masked network."""
    groups = {
        f"{labels} labels per class": {way: continued(way, labels) for way in CONTINUED}
        for labels in LABELS
    }
    rows: list[list[object]] = [
        [way, what, *(mean_and_interval(ways[way]) for ways in groups.values())]
        for way, what in CONTINUED.items()
    ]
    gains = [informed_gain(labels) for labels in LABELS]
    rows.append(["SimMIM against augmented", "the images without labels", *gains])
    seeds = len(continued(WITH_AND_WITHOUT[0], LABELS[0]))
    figure = charts.accuracy_rows(groups, f"Fashion-MNIST, {seeds} seeds")
    return figure, Table(["way", "learns from", *groups], rows)


def timed(pretext: str) -> tuple[np.ndarray, np.ndarray]:
    """Return seconds of pre-training, (lengths,), and the accuracies after it, (lengths, seeds).

    The usual length is among them; its seconds follow from those of a step in the longest other.
    """
    study = stored.load("pretraining-time")

    def values(measure: str, steps: int) -> np.ndarray:
        return study.values(measure, pretext=pretext, pretraining_steps=steps, tested_on=TARGET)

    longest, usual = max(LENGTHS[pretext]), usual_recipe(pretext).steps
    found = {
        steps: (values("seconds", steps)[0], values("accuracy", steps)[REPORTED])
        for steps in LENGTHS[pretext]
    }
    found[usual] = found[longest][0] * usual / longest, accuracy(pretext, 5)
    seconds, accuracies = zip(*(found[steps] for steps in sorted(found)), strict=True)
    return np.array(seconds), np.stack(accuracies)


def crossing() -> tuple[float, float] | None:
    """Return between which two lengths masked pre-training gets ahead of contrastive, in seconds.

    Nothing is returned where the lines do not cross, or more than once.

    Means are compared, contrastive ones on straight lines between its points.
    """
    seconds, ours = timed("masked")
    others, theirs = timed("contrastive")
    between = np.interp(np.log(seconds), np.log(others), theirs.mean(axis=1))
    ahead = ours.mean(axis=1) > between
    first = int(np.argmax(ahead))
    if not first or not ahead[first:].all():
        return None
    return float(seconds[first - 1]), float(seconds[first])


def short_on_digits() -> list[Difference]:
    """Return what short masked pre-trainings bring on MNIST, against random weights."""
    study = stored.load("pretraining-time")
    scratch, *found = (
        study.values(pretext="masked", pretraining_steps=steps, tested_on="mnist")[REPORTED]
        for steps in SHORT_ON_DIGITS
    )
    return [difference(each, scratch) for each in found]


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


def convolutional(**changes: Any) -> np.ndarray:
    """Return the accuracies of the convolutional network with something changed, (seeds,)."""
    return ablated(trunk="small-cnn", **changes)


def ablated(measure: str = "accuracy", **changes: Any) -> np.ndarray:
    """Return what was measured after a short pre-training with something changed, (seeds,)."""
    wanted = Ablation(**changes)
    return stored.load("mask-ablations").values(measure, **wanted.as_dict())


def ratios_figure(marked: tuple[float, int], mask: np.ndarray) -> Picture:
    """Draw the map of ratios and units, with one of them marked, and a mask of its kind."""
    found = {(ratio, unit): ablated(ratio=ratio, unit=unit) for ratio in RATIOS for unit in UNITS}
    usual = Ablation()
    title = f"{usual.labels_per_class} labels per class, {usual.seeds} seeds"
    return figures.ratios_and_units(found, marked, mask, title)


def again(pretraining_seed: int, **changes: Any) -> np.ndarray:
    """Return the accuracies after another short pre-training with something changed, (seeds,)."""
    wanted = Ablation(**changes, pretraining_seed=pretraining_seed)
    return stored.load("mask-ablations-again").values(**wanted.as_dict())


def ahead_again() -> Difference:
    """Return how far the usual ratio is ahead of the smallest, over new pre-trainings of both.

    Each pre-training counts once, with its mean over the draws of labels.
    """
    usual, smallest = (
        np.array([again(seed, **arm).mean() for seed in PRETRAININGS]) for arm in TRIED_AGAIN
    )
    return difference(usual, smallest)


def luck() -> float:
    """Return by how many points two pre-trainings may differ that differ by their luck alone.

    That many or fewer it is for 95 of 100 pairs, by the spread of all pre-trainings of the usual
    kind. The interval of a claim knows the luck of draws of labels, but not that of pre-trainings.
    """
    found = [ablated(), ablated(pretraining_seed=1), *(again(seed) for seed in PRETRAININGS)]
    _, half_width = interval(100 * np.mean(found, axis=1))
    return half_width * float(np.sqrt(2 * len(found)))


def verdicts() -> dict[str, tuple[Difference, str]]:
    """Return of each claim how far the one is ahead, and whether that was reproduced here."""
    return {claim: _verdict(claim) for claim in CLAIMS}


def _verdict(claim: str) -> tuple[Difference, str]:
    one, other = CLAIMS[claim]
    ahead = difference(ablated(**one), ablated(**other))
    if not ahead.is_clear or abs(ahead.mean) <= luck():
        return ahead, UNDECIDED
    return ahead, "reproduced" if ahead.mean > 0 else "not reproduced: the other way round"


def probe_with_norm() -> np.ndarray:
    """Return the probe's accuracies after a pre-training with a last normalisation, (seeds,)."""
    return ablated("probe", final_norm=True)


def verdict_on_hint() -> str:
    """Tell whether a probe that should be at chance is; chance is a tenth, with ten classes."""
    mean, half = interval(probe_with_norm())
    if mean - half > 2 / CLASSES:
        return "not reproduced: far above chance"
    return "reproduced" if mean + half < 2 / CLASSES else UNDECIDED


def verdicts_table() -> Table:
    """List the claims with their verdicts."""
    rows: list[list[object]] = [
        [claim, ahead, verdict] for claim, (ahead, verdict) in verdicts().items()
    ]
    probed, usual = (
        mean_and_interval(100 * found, digits=1) for found in (probe_with_norm(), ablated("probe"))
    )
    rows.append([HINT, f"it finds {probed} %, without it {usual} %", verdict_on_hint()])
    larger, tried = difference(ablated(pretraining_rate=3e-3), ablated()), ahead_again()
    rows += [
        [AGAIN, tried, "" if tried.is_clear else UNDECIDED],
        [LUCK, f"up to {luck():.1f} points", "luck"],
        [LARGER_STEPS, larger, "no claim, but our choice"],
    ]
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
    """Compare three sources, with more and more blocks frozen."""
    found = {name: {float(depth): frozen(name, depth) for depth in FROZEN} for name in LENGTHS}
    looks = (("target", "o"), ("source", "s"), ("trained", "^"))
    curves = [
        Curve(WAYS[name], values, *look)
        for (name, values), look in zip(found.items(), looks, strict=True)
    ]
    title = "Clothes, 20 labels per class, learning rate 0.001"
    figure = charts.accuracy_curves(curves, "frozen blocks, of six", title)
    rows = [
        [WAYS[name], *(mean_and_interval(each) for each in values.values())]
        for name, values in found.items()
    ]
    return figure, Table(["source", *(f"{depth} frozen" for depth in FROZEN)], rows)


def from_best_to_last_block(pretext: str) -> Difference:
    """Return by how much the probe of the last transformer block is behind the best one's."""
    probes = by_block(pretext)
    return difference(probes[best_block(pretext) - 1], probes[-2])  # the last of all are features


def ratio_curves() -> Picture:
    """Draw the accuracy after short pre-trainings by the ratio, a line for each unit."""
    looks = (("target", "o"), ("source", "s"))
    curves = [
        Curve(f"units of {unit} x {unit}", {r: ablated(ratio=r, unit=unit) for r in RATIOS}, *look)
        for unit, look in zip(UNITS, looks, strict=True)
    ]
    usual = Ablation()
    title = f"{usual.labels_per_class} labels per class, {usual.seeds} seeds"
    return charts.accuracy_curves(curves, "ratio", title)


def recipe_table() -> Table:
    """List how the masked network that comes with the workbook was made."""
    how, plan = usual_recipe("masked"), masked.USUAL
    images = datasets.image_shape(TARGET)[0]
    count = len(datasets.load(TARGET).train)
    seconds, _ = timed("masked")
    rows = [
        ["images", f"{count:,} of {images} x {images} pixels, no labels"],
        ["patches", f"{masked.PATCH} x {masked.PATCH} pixels"],
        ["hidden", f"{plan.ratio:g} of the patches, drawn anew in each step"],
        ["batch", f"{how.batch_size} images"],
        ["steps", f"{how.steps:,}, which is {how.steps * how.batch_size / count:,.0f} passes"],
        ["learning rate", f"{how.learning_rate:g} with AdamW, after a warm-up falling to zero"],
        ["time", f"{seconds[-1] / 60:.0f} minutes of two processor cores"],
    ]
    return Table(["what", "how"], rows)


def vanishing_figure(mask: np.ndarray) -> Picture:
    """Show where a mask is gone, layer by layer."""
    return figures.vanishing_mask(seen_after_layers(mask))
