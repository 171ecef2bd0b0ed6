"""Tokens: the pieces of words that a network for texts knows, and their numbers."""

import functools
import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simmim_lib.errors import WorkbookError, shown
from simmim_lib.trunks import checkpoints, minilm, words
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
    made = read(_description(trunk))
    if trunk.checkpoint and made.get_vocab_size() > (
        known := checkpoints.sizes(trunk.checkpoint).vocabulary
    ):
        raise WorkbookError(
            f"The tokenizer of {shown(trunk.name)} has {made.get_vocab_size()} tokens, but its "
            f"network knows {known}: download both from the same network."
        )
    return made


def _description(trunk: Trunk) -> str:
    """Return the JSON text that describes a trunk's tokenizer."""
    if trunk.checkpoint:
        return trunk.checkpoint.file(TOKENIZER).read_text(encoding="utf-8", errors="replace")
    if trunk == MINILM:
        return minilm.content(TOKENIZER).decode()
    if trunk == WORDS:
        return words.tokenizer_json()
    raise WorkbookError(f"The trunk {shown(trunk.name)} takes no texts: choose one that does.")


def fingerprint(trunk: str) -> str:
    """Return what tells a trunk's tokenizer from others."""
    return hashlib.sha256(_description(describe(trunk)).encode()).hexdigest()


def read(description: str) -> "Tokenizer":
    """Return the tokenizer that a JSON text describes, without padding and cutting of its own."""
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise checkpoints.missing("tokenizers") from error
    try:
        made = Tokenizer.from_str(description)
    except BaseException as error:  # a panic of what is written in Rust is no Exception
        if isinstance(error, KeyboardInterrupt):
            raise
        raise WorkbookError(
            f"The tokenizer is damaged, or of a kind that the package tokenizers does not read "
            f"({type(error).__name__}): download it again, or update the package."
        ) from error
    made.no_padding()
    made.no_truncation()
    return made


def token_ids(trunk: str, texts: Iterable[str], length: int) -> NDArray[np.int32]:
    """Return the numbers of the tokens of texts.

    Args:
        trunk: whose tokens they are.
        texts: of any length and language; what the tokenizer does not know becomes one token that
            says so.
        length: how many tokens of each are kept.

    Returns:
        Shape (n, length); behind the end of a text `PADDING`.
    """
    made = tokenizer(trunk)
    special = made.num_special_tokens_to_add(is_pair=False)
    ids = []
    for encoded in made.encode_batch([text[:LONGEST] for text in texts], add_special_tokens=False):
        encoded.truncate(length - special)
        ids.append(made.post_process(encoded).ids)
    filled = np.full((len(ids), length), PADDING, np.int32)
    for row, of_text in zip(filled, ids, strict=True):
        row[: len(of_text)] = of_text
    return filled


def pieces(trunk: str, text: str) -> list[str]:
    """Return the tokens of a text as they are written in the trunk's list, without special ones."""
    return tokenizer(trunk).encode(text[:LONGEST], add_special_tokens=False).tokens
