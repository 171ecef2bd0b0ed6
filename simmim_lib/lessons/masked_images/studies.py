"""Studies of lesson 08: what masked pre-training brings, and what it depends on."""

from typing import Any

from simmim_lib.lessons.masked_images.chosen import (
    SOURCES,
    WITHOUT_LABELS,
    chosen,
    chosen_informed,
    chosen_rates,
)
from simmim_lib.lessons.masked_images.pretrainings import (
    Ablation,
    Probed,
    Timed,
    ablate,
    fine_tuning,
    informed,
    probe,
    time_it,
)
from simmim_lib.settings import SEEDS, Settings
from simmim_lib.studies.measures import on_validation
from simmim_lib.studies.registry import BUDGET, study

LABELS = (5, 20)
LENGTHS = {"masked": (300, 1000, 4000), "contrastive": (150, 1200), "labels": (200, 3200)}
"""Steps of pre-trainings that are shorter or longer than the usual ones."""

CHOOSING = 2
"""The first seeds, by whose validation images each start's fine-tuning is chosen."""

REPORTED = slice(CHOOSING, CHOOSING + SEEDS[BUDGET])
"""The seeds that are reported: none of those that have chosen."""

RATES = (5e-4, 1e-3, 2e-3)
DECAYS = {name: (0.65, 1.0) if source else (1.0,) for name, source in SOURCES.items()}
EXTENTS: tuple[dict[str, Any], ...] = ({"learning_rate": 4e-3}, {"steps": 300})
COPIES: tuple[dict[str, Any], ...] = ({"copied_layers": 4}, {"copied_layers": 2})
"""What is tried in fine-tuning; from scratch nothing is copied, so that nothing decays."""

VIEWS = (0.5, 1.0)
"""Strengths of the views in lesson 05's recipe: gentler ones, and its own."""

FROZEN = (0, 1, 3, 5)
"""Blocks, of six: none, the embedding, half of them, and all but the features."""

RATIOS = (0.2, 0.6, 0.8)
UNITS = (1, 2)
CHANGES: tuple[dict[str, Any], ...] = (
    {"kind": "square"},
    {"kind": "block-wise"},
    {"everywhere": True},
    {"head_layers": 2},
    {"normalised": True},
    {"final_norm": True},
    {"pretraining_rate": 3e-3},
    {"pretraining_seed": 1},
)
"""What is changed of a short pre-training, one thing at a time."""

CONVOLUTIONS: tuple[dict[str, Any], ...] = ({"pretraining_steps": 0}, {"repaired": False}, {})
"""What is changed with the convolutional network: no pre-training, no remedy, nothing."""

PRETRAININGS = range(2, 8)
"""Seeds of the pre-trainings by which a claim is tried again; 0 and 1 have shown which."""

TRIED_AGAIN: tuple[dict[str, Any], ...] = ({}, {"ratio": 0.2})
"""What is changed in the two arms of that claim, which the draws of labels alone would decide."""

SHORT_ON_DIGITS = (0, 300, 1000)
"""Steps of masked pre-trainings on MNIST."""


@study("Which learning rate and layer-wise decay suit which start, by validation?", on_validation)
def fine_tuning_rates() -> list[Settings]:
    """The same rates for every start, at 120 steps; nothing is measured on test images."""
    return [
        fine_tuning(pretext, labels, CHOOSING, learning_rate=rate, layer_decay=decay)
        for pretext in SOURCES
        for labels in LABELS
        for rate in RATES
        for decay in DECAYS[pretext]
    ]


@study("Which start gains from larger or more steps, or fewer copied blocks?", on_validation)
def fine_tuning_extent() -> list[Settings]:
    """Each start with its own rates, and one change."""
    return [
        fine_tuning(pretext, labels, CHOOSING, **{**chosen_rates(pretext), **change})
        for pretext in SOURCES
        for labels in LABELS
        for change in (EXTENTS if pretext == "none" else EXTENTS + COPIES)
    ]


@study("Does a transformer learn better from few labels after pre-training without any?")
def without_labels() -> list[Settings]:
    """Clothes with few labels, from scratch, after pre-training on clothes, and after glyphs."""
    return [
        fine_tuning(pretext, labels, REPORTED.stop, **chosen(pretext))
        for labels in LABELS
        for pretext in SOURCES
    ]


@study("Which learning rate and views suit lesson 05's recipe here, by validation?", on_validation)
def informed_recipes() -> list[Settings]:
    """From the masked network; nothing is measured on test images."""
    return [
        informed(labels, CHOOSING, learning_rate=rate, augmentation=strength)
        for labels in LABELS
        for strength in VIEWS
        for rate in RATES
    ]


@study("Do images that have taught without labels once teach more, by lesson 05's recipe?")
def informed_after_masking() -> list[Settings]:
    """The recipe, and the same without any image that has no label: its steps, and its views."""
    return [
        informed(labels, REPORTED.stop, **chosen_informed(), **without)
        for labels in LABELS
        for without in ({}, {"information": 0.0, "agreement": 0.0})
    ]


@study("How long must pre-training be?", time_it, Timed.from_mapping)
def pretraining_time() -> list[Timed]:
    """Pre-trainings of all kinds, each of which goes its whole schedule; short ones on digits."""
    seeds = REPORTED.stop
    clothes = [
        Timed(pretext=pretext, pretraining_steps=steps, seeds=seeds)
        for pretext, lengths in LENGTHS.items()
        for steps in lengths
    ]
    digits = [
        Timed(pretext="masked", pretraining_steps=steps, tested_on="mnist", seeds=seeds)
        for steps in SHORT_ON_DIGITS
    ]
    return clothes + digits


@study("Which of the paper's choices matter here?", ablate, Ablation.from_mapping)
def mask_ablations() -> list[Ablation]:
    """Short pre-trainings; each differs from the usual one in ratio and unit, or in one thing."""
    grid = [Ablation(ratio=ratio, unit=unit) for unit in UNITS for ratio in RATIOS]
    changed = [Ablation(**change) for change in CHANGES]
    return [*grid, *changed, *(Ablation(trunk="small-cnn", **change) for change in CONVOLUTIONS)]


@study("Does what one pre-training seemed to decide stay so?", ablate, Ablation.from_mapping)
def mask_ablations_again() -> list[Ablation]:
    """New pre-trainings of both arms: with one, its luck looks like a finding."""
    return [
        Ablation(**change, pretraining_seed=seed) for change in TRIED_AGAIN for seed in PRETRAININGS
    ]


@study("Do early blocks last that were learnt without labels, or from glyphs?")
def frozen_sources() -> list[Settings]:
    """Twenty labels, and the same learning rate for all."""
    usual = fine_tuning("masked", max(LABELS), SEEDS[BUDGET], learning_rate=1e-3)
    return [
        usual.replace(source=source, pretext=pretext, frozen_layers=frozen)
        for pretext, source in SOURCES.items()
        if source
        for frozen in FROZEN
    ]


@study("In which block do a few labels find most?", probe, Probed.from_mapping)
def block_probes() -> list[Probed]:
    """The networks that come with the workbook."""
    return [Probed(pretext=pretext) for pretext in WITHOUT_LABELS]
