"""Tokens: the pieces of words that a network for texts knows, and their numbers."""

import functools
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simmim_lib.errors import WorkbookError, shown
from simmim_lib.trunks import minilm, words
from simmim_lib.trunks.catalogue import MINILM, WORDS

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PADDING = 0
"""The number that fills up short texts; a network does not look at it."""

LONGEST = 20_000
"""Characters of a text that are looked at: more than any network here sees of it."""


@functools.cache
def tokenizer(trunk: str) -> "Tokenizer":
    """Return what cuts texts into a trunk's tokens.

    Args:
        trunk: the name of one that takes texts.

    Raises:
        WorkbookError: a package or a file is missing.
    """
    if trunk == MINILM.name:
        return read((minilm.folder() / "tokenizer.json").read_text(encoding="utf-8"))
    if trunk == WORDS.name:
        return read(words.tokenizer_json())
    raise WorkbookError(f"The trunk {shown(trunk)} takes no texts: choose one that does.")


def read(description: str) -> "Tokenizer":
    """Return the tokenizer that a JSON text describes, without padding and cutting of its own."""
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise minilm.missing("tokenizers") from error
    made = Tokenizer.from_str(description)
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
