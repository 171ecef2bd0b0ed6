"""A dataset in memory: its parts, what its labels are, and which images belong together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simmim_lib.errors import WorkbookError

Images = NDArray[np.float32]

Texts = NDArray[Any]  # of str; NumPy's name for it ends in "_", which Sphinx takes for a link

Labels = NDArray[np.int32] | NDArray[np.float32]

IMAGE_SIZE = 28
"""The height and width of the workbook's images, and of others unless one asks for more."""

KINDS = {
    "classification": "each image is of one class",
    "multi-label": "each of several labels is true of an image or not",
    "regression": "each image has a number",
}


CONTENTS = {
    "images": "pictures, which networks see at one size",
    "texts": "sentences and longer texts, which networks see as the numbers of their tokens",
}


@dataclass(frozen=True, eq=False)
class Part:
    """Images with their labels, both made read-only because parts are shared.

    What is known of people beside the label, such as who they are, no network learns from.

    Attributes:
        images: (n, height, width, channels), float32 in [0, 1]; of a dataset of texts these, (n,).
        labels: (n,), int32, where each image has one class; else (n, columns), float32.
        files: the images' files, as they are named below the folder or in the table that they come
            from; empty where they come from elsewhere.
        groups: (n,), int: images with the same number, such as those of one patient, belong
            together; none where that is not recorded.
        subgroups: by what tells them apart, such as "device", the name of each image's, (n,), str.

    Raises:
        WorkbookError: groups or subgroups are more or fewer than the images.
    """

    images: NDArray[Any]
    labels: Labels
    files: tuple[str, ...] = ()
    groups: NDArray[np.integer] | None = None
    subgroups: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Protect the arrays: one careless `images -= mean` would spoil every later run."""
        recorded = {} if self.groups is None else {"groups": self.groups}
        for name, each in (*recorded.items(), *self.subgroups.items()):
            if len(each) != len(self.labels):
                raise WorkbookError(
                    f"{name} has {len(each):,} values for {len(self.labels):,} images: give one "
                    "for each image."
                )
        self.images.setflags(write=False)
        self.labels.setflags(write=False)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Dataset:
    """A dataset in memory.

    Attributes:
        name: what `load` takes.
        title: the name for readers.
        train: images to learn from, those for validation among them.
        test: images for the final figure only.
        class_names: the classes, of which a label is a position; for a dataset of another kind
            the names of the labels' columns.
        source: where the data come from.
        licence: on what terms they may be used.
        kind: one of `KINDS`.
        validation: positions in the training part that validate, where the data come with such a
            part; else `few_labels.choose` draws them, all images of a group or none.
    """

    name: str
    title: str
    train: Part
    test: Part
    class_names: tuple[str, ...]
    source: str
    licence: str
    kind: str = "classification"
    validation: NDArray[np.intp] | None = None

    @property
    def holds_texts(self) -> bool:
        """Whether the examples are texts, which a network sees as the numbers of their tokens."""
        return self.content == "texts"

    @property
    def content(self) -> str:
        """What the examples are, one of `CONTENTS`."""
        return "texts" if self.train.images.dtype == object else "images"
