"""Tokens: the pieces of words that a network for texts knows, and their numbers."""

import contextlib
import functools
import hashlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simmim_lib.errors import WorkbookError, shown
from simmim_lib.trunks import bert, checkpoints, minilm, words
from simmim_lib.trunks.catalogue import MINILM, WORDS, Trunk, describe
from simmim_lib.trunks.checkpoints import TOKENIZER

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PADDING = 0
"""The number that fills up short texts; a network does not look at it."""

LONGEST = 20_000
"""Characters of a text that are looked at: more than any network here sees of it."""


def tokenizer(trunk: str) -> "Tokenizer":
    """Return what cuts texts into a trunk's tokens.

    Args:
        trunk: the name or the address of one that takes texts.

    Raises:
        WorkbookError: a package or a file is missing or damaged.
    """
    return _tokenizer(describe(trunk))


@functools.cache
def _tokenizer(trunk: Trunk) -> "Tokenizer":
    if trunk.checkpoint and trunk.bert:
        return read_own(trunk.checkpoint.read(TOKENIZER), trunk.bert)
    if trunk == MINILM:
        return read(minilm.content(TOKENIZER).decode())
    if trunk == WORDS:
        return read(words.tokenizer_json())
    raise WorkbookError(f"The trunk {shown(trunk.name)} takes no texts: choose one that does.")


def read_own(content: bytes, sizes: bert.Sizes) -> "Tokenizer":
    """Return the tokenizer of a published network.

    Args:
        content: of its file.
        sizes: of its network.

    Raises:
        WorkbookError: the file is damaged, or has tokens that the network does not know.
    """
    try:
        made = read(content.decode())
    except UnicodeDecodeError as error:
        raise WorkbookError(
            f"{TOKENIZER} is damaged ({type(error).__name__}): download it again."
        ) from error
    numbers = made.get_vocab(with_added_tokens=True)
    with _panics_in_words("cut"):
        around = made.post_process(made.encode("", add_special_tokens=False)).ids
    largest = max([*numbers.values(), *around], default=0)
    if largest >= sizes.vocabulary:
        raise WorkbookError(
            f"The tokenizer numbers its tokens up to {largest}, but its network knows "
            f"{sizes.vocabulary}: download both from the same network."
        )
    if numbers.get("[PAD]", PADDING) != PADDING:
        raise WorkbookError(
            f"The tokenizer fills texts up with the number {numbers['[PAD]']}, but {PADDING} is "
            "wanted: choose another network."
        )
    return made


def fingerprint(content: bytes) -> str:
    """Return what tells a tokenizer from others.

    Args:
        content: of its file.
    """
    return hashlib.sha256(content).hexdigest()


def read(description: str) -> "Tokenizer":
    """Return the tokenizer that a JSON text describes, without padding and cutting of its own.

    What looks like one of its special tokens in a text is a text like any other: written out, the
    sign for padding would hide the words before it.

    Raises:
        WorkbookError: the text is damaged, or the package is missing.
    """
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise checkpoints.missing("tokenizers") from error
    with _panics_in_words("read"):
        made = Tokenizer.from_str(description)
    made.no_padding()
    made.no_truncation()
    made.encode_special_tokens = True
    return made


@contextlib.contextmanager
def _panics_in_words(verb: str) -> Iterator[None]:
    """Turn what the package raises, panics of Rust included, into a sentence."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # a panic is no Exception
        raise WorkbookError(
            f"The tokenizer cannot {verb} what it was given ({shown(str(error))}): download it "
            "again, or choose another network."
        ) from error


def token_ids(trunk: str, texts: Iterable[str], length: int) -> NDArray[np.int32]:
    """Return the numbers of the tokens of texts, see `encode`.

    Args:
        trunk: whose tokens they are.
        texts: of any length and language.
        length: how many tokens of each are kept.
    """
    return encode(tokenizer(trunk), texts, length)


def encode(made: "Tokenizer", texts: Iterable[str], length: int) -> NDArray[np.int32]:
    """Return the numbers of the tokens of texts.

    Args:
        made: what cuts texts.
        texts: of any length and language; what the tokenizer does not know becomes one token that
            says so.
        length: how many tokens of each are kept.

    Returns:
        Shape (n, length); behind the end of a text `PADDING`.

    Raises:
        WorkbookError: the tokenizer cannot cut them, or puts so many of its own around each that
            none of a text is left.
    """
    special = made.num_special_tokens_to_add(is_pair=False)
    if special >= length:
        raise WorkbookError(
            f"The tokenizer puts {special} tokens of its own around a text, and {length} are kept: "
            "keep more with a larger image_size."
        )
    ids = []
    with _panics_in_words("cut"):
        cut = [text[:LONGEST] for text in texts]
        for encoded in made.encode_batch(cut, add_special_tokens=False):
            encoded.truncate(length - special)
            ids.append(made.post_process(encoded).ids[:length])
    filled = np.full((len(ids), length), PADDING, np.int32)
    for row, of_text in zip(filled, ids, strict=True):
        row[: len(of_text)] = of_text
    return filled


def pieces(trunk: str, text: str) -> list[str]:
    """Return the tokens of a text as they are written in the trunk's list, without special ones."""
    return tokenizer(trunk).encode(text[:LONGEST], add_special_tokens=False).tokens
