"""The datasets that are no files: each is computed anew, the same every time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from simmim_lib.datasets import glyphs, phantoms
from simmim_lib.datasets.catalogue import Entry
from simmim_lib.datasets.dataset import Dataset, Part


@dataclass(frozen=True)
class Rendered:
    """How a dataset is computed.

    Attributes:
        version: raised with every change of its images.
        render: given the size of the images, returns the train and test parts.
    """

    version: int
    render: Callable[[int], tuple[Part, Part]]

    def dataset(self, known: Entry) -> Dataset:
        """Compute what the catalogue describes."""
        train, test = self.render(known.size)
        about = (known.class_names, known.source, known.licence)
        return Dataset(known.name, known.title, train, test, *about)


def _glyphs(size: int) -> tuple[Part, Part]:
    train, test = (Part(*rendered) for rendered in glyphs.render_parts())
    return train, test


def _phantoms(size: int) -> tuple[Part, Part]:
    train, test = (cohort.part() for cohort in phantoms.render_parts(size))
    return train, test


RENDERED: Mapping[str, Rendered] = {
    "glyphs": Rendered(glyphs.VERSION, _glyphs),
    "chest-phantoms": Rendered(phantoms.VERSION, _phantoms),
    "chest-phantoms-64": Rendered(phantoms.VERSION, _phantoms),
}
