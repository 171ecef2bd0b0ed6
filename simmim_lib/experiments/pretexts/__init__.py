"""Pretexts: what a network is trained to do before it is transferred, one module for each."""

from collections.abc import Callable
from dataclasses import dataclass

from simmim_lib.experiments.pretexts import contrastive, labels, masked, next_word
from simmim_lib.experiments.pretrained import Pretrained


@dataclass(frozen=True)
class Pretext:
    """One way to pre-train a network on a source.

    Attributes:
        train: from the names of the source and of the trunk to the network; by name, it also takes
            `progress`, which is told after every few steps.
        recipe: from the same to all numbers that decide the outcome, which are stored with it.
        has_head: whether a head comes with the network, which knows the source's classes.
        decoder_shapes: from the names of source and trunk to the shapes of the weights that are
            kept beside the trunk's.
    """

    train: Callable[..., Pretrained]
    recipe: Callable[[str, str], dict[str, object]]
    has_head: bool = False
    decoder_shapes: Callable[[str, str], list[tuple[int, ...]]] = lambda source, trunk: []


PRETEXTS: dict[str, Pretext] = {
    "labels": Pretext(labels.train, labels.recipe, has_head=True),
    "masked": Pretext(masked.train, masked.recipe, decoder_shapes=masked.decoder_shapes),
    "contrastive": Pretext(contrastive.train, contrastive.recipe),
    "next-word": Pretext(next_word.train, next_word.recipe),
}
"""By name in `settings.PRETEXTS`."""
