"""Features: what frozen blocks make of a dataset's images, computed once and kept."""

import contextlib
import functools
import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from simmim_lib import datasets, training, trunks
from simmim_lib.errors import warn
from simmim_lib.experiments.pretrained import Pretrained
from simmim_lib.foundation import atomic, cache, directories, keras_files
from simmim_lib.foundation.progress import Progress, progress_bar
from simmim_lib.trunks import tokens
from simmim_lib.trunks.building import ImageShape

SLOW = 2.0
"""Features that took more seconds are kept on the disk, for the next process."""

UNNOTICED = 1.0
"""Seconds that nobody waits for: only then is progress shown."""

MAX_BYTES = 2_000_000_000
"""On the disk; what was used longest ago goes first."""


@functools.lru_cache(maxsize=12)
def frozen_features(
    source: Pretrained, frozen: int, data: datasets.Dataset, size: int | None = None
) -> datasets.Dataset:
    """Return a dataset whose images are replaced by a frozen network's features.

    Frozen blocks give the same features at every step, so they are computed once and kept.

    Args:
        source: where the blocks' weights come from.
        frozen: how many blocks the images go through.
        data: the dataset to take images from.
        size: the height and width at which the trunk looks at them; by default its own.

    Returns:
        The dataset with arrays (n, ...) of features in place of images.
    """
    if not frozen:
        return data
    size = size or trunks.describe(source.trunk).size
    parts = trunks.cut_trunk(frozen, source.trunk, data.train.images.shape[1:], size)
    weights = source.front_weights(parts)

    def features(images: np.ndarray, progress: Progress) -> np.ndarray:
        if data.train.images.ndim == 2 and frozen == len(source.blocks):
            return texts_features(source, images, progress)
        stacked = [weight[None] for weight in weights]
        return training.predict(parts.front, stacked, images, progress=progress)[0]

    path = _path(weights, source.trunk, frozen, size, data)
    return _read(path, data) or _compute(path, data, features)


def tokenized(data: datasets.Dataset, trunk: str, length: int) -> datasets.Dataset:
    """Return a dataset whose texts are replaced by the numbers of their tokens, (n, length).

    Args:
        data: with texts.
        trunk: whose tokens they are.
        length: how many tokens of a text are kept; shorter ones are filled up with 0.
    """
    return _tokenized(data, trunks.describe(trunk), length)


@functools.lru_cache(maxsize=12)
def _tokenized(data: datasets.Dataset, trunk: trunks.Trunk, length: int) -> datasets.Dataset:
    train, test = (tokens.token_ids(trunk.name, part.images, length) for part in _parts(data))
    full = np.mean(train[:, -1] != tokens.PADDING)
    if full > MANY:
        warn(
            f"{full:.0%} of the texts of {data.title} fill {length} tokens or more, and what comes "
            "behind them is not seen: a larger image_size sees more of them."
        )
    return _with_images(data, train, test)


@functools.lru_cache(maxsize=2)
def fitted(data: datasets.Dataset, wanted: ImageShape) -> datasets.Dataset:
    """Return a dataset whose images have another size, or grey repeated as colour.

    Args:
        data: with images (n, height, width, channels).
        wanted: the height, the width and the channels that they shall have.
    """
    fit = trunks.adapter(data.train.images.shape[1:], wanted)
    return _with_images(data, *(training.predict(fit, [], p.images)[0] for p in _parts(data)))


MANY = 0.05
"""The share of texts that may be cut without a word."""

AT_ONCE = 128
"""Texts whose features are computed in one call: more need memory, and gain no speed."""

SHORTEST = 16
"""Tokens that the shortest texts are filled up to; longer ones to the next multiple of it."""


def texts_features(
    source: Pretrained, ids: np.ndarray, progress: Progress | None = None
) -> np.ndarray:
    """Return what a whole trunk makes of texts; short ones are computed with little padding.

    Args:
        source: where the weights come from.
        ids: the numbers of the texts' tokens, (n, length).
        progress: told how many are done.

    Returns:
        Features, (n, units).
    """
    places = np.where(ids != tokens.PADDING, np.arange(1, ids.shape[1] + 1), 1)
    lengths = -(-places.max(axis=1) // SHORTEST) * SHORTEST
    found: dict[int, np.ndarray] = {}
    for length in np.unique(np.minimum(lengths, ids.shape[1])).tolist():
        parts = trunks.cut_trunk(len(source.blocks), source.trunk, (length,), length)
        weights = [weight[None] for weight in source.front_weights(parts)]
        chosen = np.flatnonzero(np.minimum(lengths, ids.shape[1]) == length)
        for start in range(0, len(chosen), AT_ONCE):
            some = chosen[start : start + AT_ONCE]
            made = training.predict(parts.front, weights, ids[some, :length])[0]
            found.update(zip(some.tolist(), made, strict=True))
            if progress:
                progress(len(found), len(ids))
    return np.stack([found[position] for position in range(len(ids))])


def _compute(
    path: Path, data: datasets.Dataset, features: Callable[[np.ndarray, Progress], np.ndarray]
) -> datasets.Dataset:
    start = time.perf_counter()
    count = sum(len(part) for part in _parts(data))
    computed: list[np.ndarray] = []
    with progress_bar(f"Features of {data.title}") as bar:

        def show(done: int, total: int) -> None:
            if time.perf_counter() - start > UNNOTICED:
                bar(sum(map(len, computed)) + done, count)

        for part in _parts(data):
            computed.append(features(part.images, show))
    if time.perf_counter() - start > SLOW:
        _store(path, computed)
    return _with_images(data, *computed)


def _parts(data: datasets.Dataset) -> tuple[datasets.Part, datasets.Part]:
    return data.train, data.test


def _with_images(data: datasets.Dataset, train: np.ndarray, test: np.ndarray) -> datasets.Dataset:
    return replace(
        data, train=replace(data.train, images=train), test=replace(data.test, images=test)
    )


def cache_directory() -> Path:
    """Return the folder of the features that are kept for other processes."""
    return directories.cache_directory() / "features"


def _path(
    weights: trunks.Weights, trunk: str, frozen: int, size: int, data: datasets.Dataset
) -> Path:
    """Return a file's name that is another for other images, weights, blocks and sizes.

    For another network in a trunk's file, too: layers such as a scaling have no weights.
    """
    info = trunks.describe(trunk)
    built: list[object] = [keras_files.config(info.file)] if info.file else []
    if info.bert:
        built = [asdict(info.bert)]
    digest = hashlib.sha256(json.dumps([trunk, frozen, size, *built]).encode())
    for array in (*weights, *(part.images for part in _parts(data))):
        digest.update(np.ascontiguousarray(array).data)
    return cache_directory() / f"{digest.hexdigest()[:32]}.npz"


def _read(path: Path, data: datasets.Dataset) -> datasets.Dataset | None:
    """Return the features that are kept, or nothing; a damaged file is computed anew."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            train, test = arrays["train"], arrays["test"]
    except Exception:  # whatever a missing or damaged archive makes NumPy raise
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # `touch` would make an empty file where another process has removed it
    return _with_images(data, train, test)


def _store(path: Path, computed: list[np.ndarray]) -> None:
    """Keep features, and forget those that were used longest ago, so that all are bounded."""

    def write(path: Path) -> None:
        with atomic.replacing(path) as file:
            np.savez(file, train=computed[0], test=computed[1])
        forget(MAX_BYTES)

    cache.keep(path, write)


def kept() -> dict[Path, int]:
    """Return the files of features, those that were used last first, and their sizes in bytes."""
    files = []
    with contextlib.suppress(OSError):
        for path in cache_directory().glob("*.npz"):
            with contextlib.suppress(FileNotFoundError):  # another process has removed it
                files.append((path.stat(), path))
    files.sort(key=lambda each: each[0].st_mtime, reverse=True)
    return {path: stat.st_size for stat, path in files}


def forget(most: int = 0) -> int:
    """Remove files of features until at most so many bytes are kept; return how many were freed."""
    total = freed = 0
    for path, size in kept().items():
        total += size
        if total > most:
            with contextlib.suppress(OSError):  # a cache that others have made read-only
                path.unlink(missing_ok=True)
                freed += size
    return freed
