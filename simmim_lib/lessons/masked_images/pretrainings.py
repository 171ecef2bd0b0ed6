"""Experiments of lesson 08 that are more than settings: pre-training is a part of them."""

import dataclasses
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from simmim_lib import datasets, experiments
from simmim_lib.errors import check_whole
from simmim_lib.experiments import pretraining
from simmim_lib.experiments.pretexts import contrastive, labels, masked
from simmim_lib.experiments.pretexts.self_taught import Recipe
from simmim_lib.experiments.pretrained import Pretrained
from simmim_lib.experiments.probing import linear_probe
from simmim_lib.foundation.progress import Progress
from simmim_lib.lessons.masked_images.chosen import (
    SOURCES,
    WITHOUT_LABELS,
    chosen,
    chosen_rates,
)
from simmim_lib.settings import INFORMED, Settings
from simmim_lib.studies.described import Described
from simmim_lib.studies.measures import Measures

TARGET = "fashion"
TRUNK = "small-vit"
PRETEXTS = {"masked": masked, "contrastive": contrastive, "labels": labels}
"""By name, the module that trains for a pretext, step by step, and has its usual recipe."""

INFORMED_STEPS = 200
"""Of lesson 05's recipe, with the masked network: each sees two views of 128 images beside 32."""

CORES = 2
"""Seconds are told for a machine of two processor cores that has nothing else to do."""


@dataclass(frozen=True, kw_only=True)
class FewLabels(Described):
    """What describes an experiment of this lesson.

    Attributes:
        labels_per_class: of the target.
        seeds: draws of labelled images, and trainings with them.
    """

    labels_per_class: int = 5
    seeds: int = 10

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for name in ("labels_per_class", "seeds"):
            check_whole(name, getattr(self, name), least=1)


@dataclass(frozen=True, kw_only=True)
class Timed(FewLabels):
    """One pre-training, with the usual recipe, but of another length.

    Attributes:
        pretext: a key of `PRETEXTS`.
        pretraining_steps: how many; with 0, the start is one from random weights.
        tested_on: a dataset's name; without labels, its own images are what is learnt from.
    """

    pretext: str
    pretraining_steps: int
    tested_on: str = TARGET

    @property
    def start(self) -> str:
        """A key of `SOURCES`."""
        return self.pretext if self.pretraining_steps else "none"

    @property
    def source(self) -> str:
        """The dataset that is learnt from."""
        return self.tested_on if self.pretext in WITHOUT_LABELS else str(SOURCES[self.pretext])


@dataclass(frozen=True, kw_only=True)
class Ablation(FewLabels):
    """One short pre-training with another plan, see `masked.Plan`.

    Attributes:
        pretraining_steps: how many; with 0, there is none.
        pretraining_rate: the size of its largest step.
        pretraining_seed: of its fresh weights and batches.
        trunk: the network.
    """

    pretraining_steps: int = 400
    pretraining_rate: float = Recipe.learning_rate
    pretraining_seed: int = 0
    kind: str = masked.USUAL.kind
    unit: int = masked.USUAL.unit
    ratio: float = masked.USUAL.ratio
    everywhere: bool = masked.USUAL.everywhere
    normalised: bool = masked.USUAL.normalised
    head_layers: int = masked.USUAL.head_layers
    final_norm: bool = masked.USUAL.final_norm
    repaired: bool = masked.USUAL.repaired
    trunk: str = TRUNK
    seeds: int = 5

    @property
    def plan(self) -> masked.Plan:
        """What is hidden, and what is asked of the reconstruction."""
        names = {field.name for field in dataclasses.fields(masked.Plan)}
        return masked.Plan(**{name: value for name, value in vars(self).items() if name in names})


@dataclass(frozen=True, kw_only=True)
class Probed(FewLabels):
    """A network that comes with the workbook, probed at every block.

    Attributes:
        pretext: a name in `settings.PRETEXTS`.
    """

    pretext: str
    labels_per_class: int = 20


def fine_tuning(pretext: str, labels_per_class: int, seeds: int, **how: Any) -> Settings:
    """Return how a network is fine-tuned in this lesson.

    Args:
        pretext: a key of `SOURCES`: what it was pre-trained to do, if anything.
        labels_per_class: of the target.
        seeds: draws of labelled images.
        how: the learning rate and more, as `chosen.chosen` returns them.
    """
    return Settings(
        trunk=TRUNK,
        source=SOURCES[pretext],
        pretext="labels" if pretext == "none" else pretext,
        targets=(TARGET,),
        labels_per_class=labels_per_class,
        frozen_layers=0,
        schedule="cosine",
        seeds=seeds,
        budget="full",
        **how,
    )


def informed(labels_per_class: int, seeds: int, **how: Any) -> Settings:
    """Return how the masked network is trained by lesson 05's recipe.

    Args:
        labels_per_class: of the target.
        seeds: draws of labelled images.
        how: what is changed of the recipe, which was fixed for another network.
    """
    copied = chosen("masked")["copied_layers"]
    usual = fine_tuning("masked", labels_per_class, seeds, copied_layers=copied)
    return usual.replace(**{**INFORMED, "steps": INFORMED_STEPS, **how})


def time_it(timed: Timed, progress: Progress) -> Measures:
    """Pre-train, and fine-tune.

    Returns:
        "accuracy" and "seconds" of pre-training, which are the same for all seeds, each (seeds,);
        the first steps count like the others, without the time in which they are compiled.
    """
    network, seconds = _timed(timed) if timed.pretraining_steps else (None, 0.0)
    start, target = timed.start, timed.tested_on
    settings = fine_tuning(start, timed.labels_per_class, timed.seeds, **chosen(start))
    settings = settings.replace(
        source=timed.source if timed.pretraining_steps else None, targets=(target,)
    )
    return {
        "accuracy": _tuned(settings, network, progress).accuracy[target],
        "seconds": np.full(timed.seeds, seconds),
    }


def _timed(timed: Timed) -> tuple[Pretrained, float]:
    """Return the network, and its seconds."""
    how = dataclasses.replace(usual_recipe(timed.pretext), steps=timed.pretraining_steps)
    looks = PRETEXTS[timed.pretext].follow(timed.source, TRUNK, how)
    first, _ = next(looks)
    start = time.process_time()
    *_, (_, network) = looks
    share = (how.steps - first) / how.steps
    return network, (time.process_time() - start) / CORES / share


def usual_recipe(pretext: str) -> Recipe:
    """Return how a network is pre-trained that the other figures are about."""
    return PRETEXTS[pretext].usual_recipe(str(SOURCES[pretext]), TRUNK)


def _tuned(settings: Settings, source: Pretrained | None, progress: Progress) -> experiments.Result:
    return experiments.run(settings, baseline=False, source=source, progress=progress)


def ablate(ablation: Ablation, progress: Progress) -> Measures:
    """Pre-train once, briefly, and fine-tune.

    Returns:
        "accuracy" and "validation", fine-tuned, and, if there was a pre-training, "probe" of the
        last block before the features, each (seeds,).
    """
    labels_per_class, seeds = ablation.labels_per_class, ablation.seeds
    settings = fine_tuning("masked", labels_per_class, seeds, **chosen_rates("masked"))
    settings = settings.replace(trunk=ablation.trunk)
    if not ablation.pretraining_steps:
        scratch = settings.replace(source=None, pretext="labels", layer_decay=1.0)
        return _fine_tuned(_tuned(scratch, None, progress))
    how = Recipe(
        ablation.pretraining_steps,
        learning_rate=ablation.pretraining_rate,
        seed=ablation.pretraining_seed,
    )
    *_, (_, network) = masked.follow(TARGET, ablation.trunk, how, ablation.plan)
    last = len(network.blocks) - 1
    data = datasets.load(TARGET)
    return {
        **_fine_tuned(_tuned(settings, network, progress)),
        "probe": linear_probe(network, last, data, labels_per_class, seeds),
    }


def _fine_tuned(result: experiments.Result) -> Measures:
    return {"accuracy": result.accuracy[TARGET], "validation": result.validation[TARGET]}


def probe(probed: Probed, progress: Progress) -> Measures:
    """Probe every block, first to last.

    Returns:
        "accuracy", (blocks, seeds).
    """
    network = pretraining.pretrained(str(SOURCES[probed.pretext]), TRUNK, probed.pretext)
    data = datasets.load(TARGET)
    blocks = range(1, len(network.blocks) + 1)
    found = [
        linear_probe(network, block, data, probed.labels_per_class, probed.seeds)
        for block in blocks
    ]
    return {"accuracy": np.stack(found)}
