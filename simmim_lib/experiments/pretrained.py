"""A pre-trained network: its weights, and where they come from."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from simmim_lib import datasets, trunks
from simmim_lib.trunks import Blocks, CutTrunk, Weights
from simmim_lib.trunks.catalogue import SMALL_CNN

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, eq=False)
class Pretrained:
    """A network trained on a source.

    Attributes:
        source: the name of the dataset, all of whose training images it has seen, or "imagenet".
        blocks: the trunk's weights, block by block, first to last.
        head: the head's kernel (units, classes) and bias (classes,); empty for published weights,
            which come without, and where no labels were learnt.
        accuracy: share of the source's test images that it classifies correctly; None without a
            head.
        trunk: the network's name.
        pretext: what it was trained to do, one of `settings.PRETEXTS`.
        decoder: what fills in hidden parts of an image with the trunk; empty for other pretexts.
    """

    source: str
    blocks: Blocks
    head: Weights
    accuracy: float | None
    trunk: str = SMALL_CNN.name
    pretext: str = "labels"
    decoder: Weights = field(default_factory=list)

    @property
    def trunk_weights(self) -> Weights:
        """The weights of all blocks, in Keras's order."""
        return [weight for block in self.blocks.values() for weight in block]

    @property
    def weights(self) -> Weights:
        """The weights of the trunk, then of the head, in Keras's order."""
        return [*self.trunk_weights, *self.head]

    def front_weights(self, parts: CutTrunk) -> Weights:
        """Return the weights of the frozen part of a trunk, in Keras's order."""
        weights: dict[int, np.ndarray] = {}
        for name in [*self.blocks][: parts.frozen]:
            places = trunks.positions(parts.front, parts.variables[name])
            weights.update(zip(places, self.blocks[name], strict=True))
        return [weights[position] for position in range(len(weights))]

    def head_for(self, class_names: Sequence[str]) -> Weights:
        """Return the head's kernel and bias for some of its classes, in the order that is given.

        Raises:
            ValueError: a class that the source does not have.
        """
        known = datasets.describe(self.source).class_names
        columns = [known.index(name) for name in class_names]
        kernel, bias = self.head
        return [kernel[:, columns], bias[columns]]

    def as_model(self) -> "keras.Model":
        """Return the network as a Keras model of its own, to look into or to take apart.

        It ends with its head, or, as published weights come without, with its features.
        """
        channels = datasets.describe(self.source).channels if self.head else None
        trunk = trunks.build_trunk(self.trunk, channels)
        trunks.set_weights(trunk, trunks.describe(self.trunk).end_of, self.blocks)
        if not self.head:
            return trunk
        network = trunks.add_head(trunk, len(self.head[-1]))
        network.layers[-1].set_weights(self.head)
        return network
