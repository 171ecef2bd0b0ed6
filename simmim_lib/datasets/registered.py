"""Folders of one's own under a short name, until the process ends."""

import hashlib
import json
import os
import re
from pathlib import Path

from simmim_lib.datasets import own
from simmim_lib.datasets.catalogue import CATALOGUE, Entry, add
from simmim_lib.datasets.dataset import IMAGE_SIZE, Dataset
from simmim_lib.datasets.naming import OwnData
from simmim_lib.errors import WorkbookError, check_flag, check_whole, shown, warn
from simmim_lib.foundation.paths import from_person

_datasets: dict[str, Dataset] = {}


def from_folder(
    path: str | os.PathLike[str],
    size: int = IMAGE_SIZE,
    *,
    name: str | None = None,
    grey: bool = False,
    seed: int = 0,
    group: str = "",
    skip_broken: bool = False,
) -> Dataset:
    """Read images of one's own from a folder that has a sub-folder for each class.

    From then on, and until this process ends, `load` and `Settings` know the dataset by its name.
    `load("folder:PATH")` needs no such call, and means the same in every process.

    An image is turned as its camera says, its middle square is cut out and scaled to `size`, so
    nothing is distorted. Palettes and CMYK become red, green and blue, transparent pixels white,
    16 bits 8; of several frames the first counts. If no image has colour, all are grey. Hidden
    files are ignored; other files that are no images, and images that repeat another one of
    their class, are left out with a warning.

    Where the folder has `train` and `test` or `val` with sub-folders for the classes, these parts
    are kept; what is not there is drawn.

    Args:
        path: the folder; the names of its sub-folders, sorted, are the classes' names.
        size: the height and width to scale to, in pixels.
        name: what to call the dataset: letters, digits, - and _; by default as the folder is.
        grey: whether to do without colours, as for a network pre-trained on grey images.
        seed: chooses the fifth of each class, at least one image, that is kept for testing.
        group: images whose files' names are the same before this sign stay in one part.
        skip_broken: whether to leave out images that cannot be read, and those in two classes.

    Returns:
        The dataset, with read-only arrays: images (n, size, size, 1 or 3), float32 in [0, 1], and
        labels (n,), int32.

    Raises:
        WorkbookError: the folder is missing, holds texts or has fewer than two classes, a class has
            fewer than 5 different images, an image is broken, unreadable or dangerously large or is
            in two classes, a number is out of range, or the name is taken.
    """
    check_whole("seed", seed, least=0)
    check_flag("grey", grey)
    check_flag("skip_broken", skip_broken)
    folder = from_person(path)
    name = os.path.basename(os.path.abspath(folder)) if name is None else name
    if os.path.isdir(folder):  # else that is the first thing to put right
        _check_name(name)
    address = OwnData("folder", Path(os.path.realpath(folder)), group, grey, skip_broken, seed)
    listing = own.list_files(address)
    if listing.content == "texts":
        raise WorkbookError(
            f"{shown(str(path))} holds texts, and this reads images: their name is "
            f"'folder:{path}' wherever a dataset is asked for."
        )
    dataset, remark = own.read(name, address, size, listing)
    if remark:
        warn(remark, stacklevel=2)
    return register(dataset)


def register(dataset: Dataset) -> Dataset:
    """Let `load` and `describe` know a dataset of the user's own, until this process ends.

    Returns:
        The dataset, or an equal one that was registered before.

    Raises:
        WorkbookError: the name stands for other images.
    """
    name = dataset.name
    known = _datasets.setdefault(name, dataset)
    # What is kept elsewhere under a name, such as features, must stay true of it.
    if known is not dataset and _digest(known) != _digest(dataset):
        raise WorkbookError(
            f"{shown(name)} already stands for other images: give these another name, such as "
            f"name='{name}-2', or restart the kernel."
        )
    _, size, _, channels = dataset.train.images.shape
    about = (dataset.class_names, dataset.source, dataset.licence, channels)
    add(Entry(name, name, *about, kind=dataset.kind, size=size))
    return known


def get(name: str) -> Dataset | None:
    """Return the dataset that was registered under a name."""
    return _datasets.get(name)


def fingerprint(name: str) -> str:
    """Return a text that is another for other images, labels, class names or parts."""
    return _digest(_datasets[name])


def _digest(dataset: Dataset) -> str:
    shapes = [part.images.shape for part in (dataset.train, dataset.test)]
    digest = hashlib.sha256(json.dumps([dataset.class_names, shapes]).encode())
    for part in (dataset.train, dataset.test):
        digest.update(part.images.tobytes() + part.labels.tobytes())
    for positions in (dataset.validation, dataset.train.groups):
        digest.update(b"" if positions is None else positions.tobytes())
    return digest.hexdigest()


def _check_name(name: object) -> None:
    """Refuse a name that cannot be a file's, or a target's on a command line."""
    valid = isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name)
    if not valid or str(name).lower() == "none":
        raise WorkbookError(
            f"{shown(name)} cannot be the name of a dataset: give one of letters, digits, - and _, "
            "such as name='my-pictures'."
        )
    if name in CATALOGUE:
        raise WorkbookError(
            f"{shown(name)} is a dataset of the workbook: give yours another name, such as "
            f"name='my-{name}'."
        )
