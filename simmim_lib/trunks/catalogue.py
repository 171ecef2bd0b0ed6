"""The catalogue of trunks: what is known about each network before it is built."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Trunk:
    """A network without a head.

    Attributes:
        name: what it is called in settings and files.
        title: the name for readers.
        blocks: what `frozen_layers` and `copied_layers` count, first to last.
        size: the height and width of the images it takes, in pixels.
    """

    name: str
    title: str
    blocks: tuple[str, ...]
    size: int


SMALL_CNN = Trunk(
    "small-cnn",
    "three convolutions and a dense layer",
    ("convolution_1", "convolution_2", "convolution_3", "dense"),
    28,
)
"""The workbook's own network."""
