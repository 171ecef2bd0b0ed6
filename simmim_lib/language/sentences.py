"""Sentences as vectors: what MiniLM makes of them."""

from collections.abc import Sequence

import numpy as np

from simmim_lib.errors import WorkbookError, check_whole, shown, warn
from simmim_lib.experiments.features import texts_features
from simmim_lib.experiments.pretraining import pretrained
from simmim_lib.foundation.progress import progress_bar
from simmim_lib.trunks import tokens
from simmim_lib.trunks.catalogue import MINILM


def sentence_features(texts: Sequence[str], length: int = 256) -> np.ndarray:
    """Return a vector for each text, by the published network MiniLM.

    Texts that mean something similar get vectors that point in a similar direction.

    Args:
        texts: at least one; MiniLM was trained on English.
        length: how many tokens of each are looked at, 8 to 512; a notice says if one is longer.

    Returns:
        Shape (n, 384), each of length 1.

    Raises:
        WorkbookError: no texts, one that is empty or no text, or MiniLM is not installed.
    """
    checked = check_texts(texts)
    check_whole("length", length, 8, MINILM.sizes[1])
    ids = tokens.token_ids(MINILM.name, checked, length)
    cut = np.count_nonzero(ids[:, -1])
    if cut:
        warn(
            f"{cut} of {len(checked)} texts have {length} tokens or more: what comes behind "
            "them is not looked at."
        )
    with progress_bar("Features of sentences") as bar:
        return texts_features(pretrained(MINILM.published, MINILM.name), ids, bar)


def check_texts(texts: Sequence[str]) -> list[str]:
    """Return texts of which each says something.

    Raises:
        WorkbookError: one text instead of several, none, or one that is empty.
    """
    if isinstance(texts, str):
        raise WorkbookError("A single text was given where several are wanted: write [text].")
    checked = list(texts)
    if not checked:
        raise WorkbookError("No text was given: give a list with one at least.")
    for position, text in enumerate(checked):
        if not isinstance(text, str) or not text.strip():
            raise WorkbookError(
                f"Text {position + 1} of {len(checked)} is {shown(text)}, but must be text that "
                "says something: leave it out, or fill it in."
            )
    return checked
