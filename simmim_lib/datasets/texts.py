"""Texts: how they are stored in files of arrays, and when two of them say the same."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from simmim_lib.datasets.dataset import Texts


def packed(name: str, texts: Sequence[str]) -> dict[str, NDArray]:
    """Return texts as arrays that need no pickle: all UTF-8 bytes in a row, and where each ends."""
    encoded = [text.encode() for text in texts]
    ends = np.cumsum([len(each) for each in encoded], dtype=np.int64)
    return {name: np.frombuffer(b"".join(encoded), np.uint8), f"{name}_ends": ends}


def unpacked(arrays: Mapping[str, NDArray], name: str) -> Texts:
    """Return the texts that `packed` has stored under a name, (n,)."""
    content, ends = arrays[name].tobytes(), arrays[f"{name}_ends"].tolist()
    starts = [0, *ends]
    return as_array([content[a:b].decode() for a, b in zip(starts, ends, strict=False)])


def as_array(texts: Sequence[str]) -> Texts:
    """Return texts as an array of Python strings, (n,): one long text makes no other longer."""
    array = np.empty(len(texts), object)
    array[:] = texts
    return array


def same_words(text: str) -> str:
    """Return what two texts have in common that differ in nothing but case, spaces and signs."""
    return " ".join(re.findall(r"[\w']+", text.lower())) or text
