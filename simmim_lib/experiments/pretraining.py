"""Pre-trained networks: made once by a fixed recipe, stored, and checked before use."""

import contextlib
import functools
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from simmim_lib import datasets, trunks
from simmim_lib.errors import WorkbookError, check_choice, shown
from simmim_lib.experiments.pretexts import PRETEXTS
from simmim_lib.experiments.pretrained import Pretrained
from simmim_lib.foundation import archives, atomic, cache, directories, locks, plain_files
from simmim_lib.foundation.progress import progress_bar
from simmim_lib.trunks import Blocks, applications, checkpoints, minilm
from simmim_lib.trunks.catalogue import MINILM, SMALL_CNN, SMALL_VIT, WORDS
from simmim_lib.trunks.checkpoints import WEIGHTS

MAX_BYTES = 1_000_000_000
"""What the arrays of a stored network may fill; the largest of ours have a hundredth of it."""


def pretrained(source: str, trunk: str = SMALL_CNN.name, pretext: str = "labels") -> Pretrained:
    """Return a network trained on a source: from the workbook's data, the cache, or anew.

    It is the same object until the trunk's file or the source's files change, if it is from some.

    Args:
        source: a dataset's name, "imagenet" for published weights, or "file" for a file's.
        trunk: the network's name.
        pretext: what it is trained to do, one of `settings.PRETEXTS`.

    Raises:
        WorkbookError: the dataset is unknown or not there, the bundled file was altered, or the
            published weights are not there and cannot be downloaded.
    """
    content = ""
    if source not in trunks.PUBLISHED:
        datasets.check_name("source", source)
        content = datasets.fingerprint(source)
    return _pretrained(source, content, trunks.describe(trunk), pretext)


@functools.cache
def _pretrained(source: str, content: str, info: trunks.Trunk, pretext: str) -> Pretrained:
    trunk = info.name
    if source in trunks.PUBLISHED:
        return Pretrained(source, published(trunk), [], None, trunk)
    asked = (source, trunk, pretext)
    cached = _cached_path(*asked)
    if found := _read(_bundled_path(*asked), *asked) or _read(cached, *asked):
        return found
    with _one_after_another(cached, source):
        return _read(cached, *asked) or _train_and_keep(*asked, cached)


@contextlib.contextmanager
def _one_after_another(cached: Path, source: str) -> Iterator[None]:
    """Let processes that need the same network wait for the first to train it."""
    with contextlib.suppress(OSError):
        cached.parent.mkdir(parents=True, exist_ok=True)
    lock = cached.with_name(f".{cached.name}.lock")
    with locks.one_after_another(lock, f"is pre-training on {source}"):
        yield


def _train_and_keep(source: str, trunk: str, pretext: str, path: Path) -> Pretrained:
    with progress_bar(f"Pre-training on {source}") as progress:
        made = PRETEXTS[pretext].train(source, trunk, progress=progress)
    cache.keep(path, functools.partial(store, made))
    return made


def published(trunk: str) -> Blocks:
    """Return the weights with which a trunk was published, block by block.

    Raises:
        WorkbookError: they are neither on this machine nor to be downloaded, or are damaged.
    """
    info = trunks.describe(trunk)
    if info.weights:
        return _bundled_weights(info)
    if info.name == MINILM.name:
        return minilm.weights()
    if info.checkpoint and info.bert:
        return checkpoints.read_weights(info.checkpoint.read(WEIGHTS), info.bert, info.title)
    network = (
        trunks.build_trunk(trunk)  # a file's weights are there when it is read
        if info.file
        else applications.build(trunk, info.size, weights=trunks.IMAGENET)
    )
    return trunks.weights_of(network, info.end_of)


def is_here(trunk: str, source: str | None) -> bool:
    """Tell whether a trunk can be used without a download.

    Args:
        trunk: its name.
        source: where its weights come from; a network for texts needs its tokens in any case.
    """
    info = trunks.describe(trunk)
    if not info.published or info.weights or info.file:
        return True
    if source is None and info.takes == "images":
        return True
    if info.name == MINILM.name:
        return minilm.is_there()
    return info.checkpoint.is_here(WEIGHTS) if info.checkpoint else applications.is_here(info.name)


def _bundled_weights(trunk: trunks.Trunk) -> Blocks:
    file_name = f"trunks/{trunk.weights}.npz"
    content = datasets.bundled_content(file_name)
    with _reading(directories.data_directory() / file_name, content) as arrays:
        parts = _grouped(arrays)
    parts_of = {**{name: (name,) for name in trunk.blocks}, **trunk.merged}
    return {
        block: [weight.astype(np.float32) for name in parts_of[block] for weight in parts[name]]
        for block in trunk.blocks
    }


def store(network: Pretrained, path: Path) -> None:
    """Write a pre-trained network with its recipe, atomically."""
    recipe = _recipe(network.source, network.trunk, network.pretext)
    parts = network.blocks
    if network.decoder:
        parts = parts | {"decoder": network.decoder}
    if network.head:
        recipe, parts = recipe | {"accuracy": network.accuracy}, parts | {"head": network.head}
    arrays = {
        f"{name}/{position}": weight
        for name, weights in parts.items()
        for position, weight in enumerate(weights)
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic.replacing(path) as file:
        np.savez(file, recipe=np.array(json.dumps(recipe)), **arrays)  # type: ignore[arg-type]


def bundled() -> tuple[tuple[str, str, str], ...]:
    """Return source, trunk and pretext of each network that comes with the workbook."""
    by_labels = ((source, SMALL_CNN.name, "labels") for source in datasets.included())
    without = (("fashion", SMALL_VIT.name, pretext) for pretext in ("masked", "contrastive"))
    return (*by_labels, *without, ("wikipedia", WORDS.name, "next-word"))


def bundle(*sources: str) -> None:
    """Pre-train networks that come with the workbook anew, and store them in its data.

    Args:
        sources: whose networks; by default of all.
    """
    for source in sources:
        check_choice("source", source, dict.fromkeys(each for each, _, _ in bundled()))
    for source, trunk, pretext in bundled():
        if sources and source not in sources:
            continue
        with progress_bar(f"Pre-training on {source}") as progress:
            made = PRETEXTS[pretext].train(source, trunk, progress=progress)
            store(made, _bundled_path(source, trunk, pretext))


def verify() -> tuple[str, ...]:
    """Compare every bundled network with the trunk and the recipe that it is of.

    Returns:
        The names of the files, all of them in order.

    Raises:
        WorkbookError: a file is missing or of another recipe, or does not fit its trunk; the first
            one found is named.
    """
    paths = {_bundled_path(*network): network for network in bundled()}
    for path, network in paths.items():
        if _read(path, *network) is None:
            raise WorkbookError(
                f"The pre-trained network {path} is missing or of another recipe: "
                "run `make trunks` in a checkout, or reinstall the workbook."
            )
    return tuple(f"trunks/{path.name}" for path in paths)


def _read(
    path: Path, source: str, trunk: str = SMALL_CNN.name, pretext: str = "labels"
) -> Pretrained | None:
    """Return the stored network, or nothing if there is none that this recipe would make.

    Raises:
        WorkbookError: the file is damaged, or holds other arrays than the trunk has.
    """
    if not os.path.exists(path):  # Path.exists stops at a home that cannot be entered
        return None
    with _reading(path) as arrays:
        recipe, has_head = _stored_recipe(arrays), PRETEXTS[pretext].has_head
        accuracy = recipe.pop("accuracy", None)
        if recipe != _recipe(source, trunk, pretext) or (accuracy is not None) != has_head:
            return None
        if has_head:
            _check_accuracy(accuracy)
        _check_arrays(arrays, _shapes(source, trunk, pretext))
        parts = _grouped(arrays)
    head, decoder = parts.pop("head", []), parts.pop("decoder", [])
    return Pretrained(source, parts, head, accuracy, trunk, pretext, decoder)


def _check_accuracy(accuracy: object) -> None:
    if type(accuracy) not in (int, float) or not 0 <= accuracy <= 1:  # type: ignore[operator]
        raise _UnfitError(f"its accuracy is {shown(accuracy)}")


class _UnfitError(ValueError):
    """What is wrong with a stored network, in words that fit into a sentence."""


@contextlib.contextmanager
def _reading(path: Path, content: bytes | None = None) -> Iterator[Any]:
    """Yield the arrays of a file that `store` has written, each read when it is asked for.

    Args:
        path: of the file.
        content: of the file, if it was read before.

    Raises:
        WorkbookError: the file is damaged, or `_UnfitError` is raised by who reads it.
    """
    try:
        file: Any = path if content is None else io.BytesIO(content)
        plain_files.check_plain(path)
        archives.sizes(file, MAX_BYTES)
        with np.load(file, allow_pickle=False) as arrays:
            yield arrays
    except WorkbookError:
        raise
    except Exception as error:  # whatever a damaged archive makes NumPy raise
        known = isinstance(error, _UnfitError | archives.TooLargeError)
        reason = str(error) if known else type(error).__name__
        raise WorkbookError(
            f"The pre-trained network {path} is damaged ({reason}): delete the file, and it will "
            "be made anew, or reinstall the workbook."
        ) from error


def _stored_recipe(arrays: Any) -> dict[str, Any]:
    recipe = json.loads(arrays["recipe"].item())
    if not isinstance(recipe, dict):
        raise _UnfitError(f"its recipe is {shown(recipe)}")
    return recipe


def _shapes(source: str, trunk: str, pretext: str = "labels") -> dict[str, list[tuple[int, ...]]]:
    """Return the shapes of the arrays of each block of a network, and of what comes with it."""
    info = trunks.describe(trunk)
    shape = (info.size,) if info.takes == "texts" else datasets.image_shape(source)
    parts = trunks.cut_trunk(0, trunk, shape, info.size)
    of_blocks = {
        name: [tuple(variable.shape) for variable in block]
        for name, block in parts.variables.items()
    }
    if not PRETEXTS[pretext].has_head:
        decoder = PRETEXTS[pretext].decoder_shapes(source, trunk)
        return of_blocks | ({"decoder": decoder} if decoder else {})
    *_, (units,) = parts.shapes.values()
    classes = len(datasets.describe(source).class_names)
    return {**of_blocks, "head": [(units, classes), (classes,)]}


def _check_arrays(arrays: Any, shapes: dict[str, list[tuple[int, ...]]]) -> None:
    """Refuse a file that holds other arrays than a network has."""
    expected = {
        f"{part}/{position}": shape
        for part, of_part in shapes.items()
        for position, shape in enumerate(of_part)
    }
    for what, names in (
        ("lacks", expected.keys() - arrays.files),
        ("also holds", {*arrays.files} - expected.keys() - {"recipe"}),
    ):
        if names:
            raise _UnfitError(f"it {what} {shown(min(names))}")
    for name, shape in expected.items():
        array = arrays[name]
        if array.shape != shape:
            raise _UnfitError(f"{name} has shape {array.shape}, but the trunk {shape}")
        if array.dtype.kind != "f" or not _is_finite(array):
            raise _UnfitError(f"{name} holds what is no finite number in single precision")


def _is_finite(array: np.ndarray) -> bool:
    """Tell whether all numbers are finite in the precision in which a network computes."""
    with np.errstate(over="ignore"):
        return bool(np.isfinite(array.astype(np.float32)).all())


def _grouped(arrays: Any) -> Blocks:
    """Return the weights of each part, in order."""
    parts: dict[str, dict[int, np.ndarray]] = {}
    for name in arrays.files:
        part, _, position = name.partition("/")
        if position:
            parts.setdefault(part, {})[int(position)] = arrays[name]
    return {part: [each[key] for key in sorted(each)] for part, each in parts.items()}


def _recipe(source: str, trunk: str = SMALL_CNN.name, pretext: str = "labels") -> dict[str, object]:
    """Return all that decides the outcome, so that no network of another recipe is taken for it."""
    small = {"filters": list(trunks.CONVOLUTION_FILTERS), "units": trunks.DENSE_UNITS}
    return {
        "source": source,
        "data": datasets.fingerprint(source),
        **(small if trunk == SMALL_CNN.name else {"trunk": trunk}),
        **({} if pretext == "labels" else {"pretext": pretext}),
        **PRETEXTS[pretext].recipe(source, trunk),
    }


def _bundled_path(source: str, trunk: str = SMALL_CNN.name, pretext: str = "labels") -> Path:
    return directories.data_directory() / "trunks" / _file_name(source, trunk, pretext)


def _cached_path(source: str, trunk: str = SMALL_CNN.name, pretext: str = "labels") -> Path:
    return directories.cache_directory() / "trunks" / _file_name(source, trunk, pretext)


def _file_name(source: str, trunk: str, pretext: str) -> str:
    of_trunk = "" if trunk == SMALL_CNN.name else f"{trunk}-"
    of_pretext = "" if pretext == "labels" else f"{pretext}-"
    return f"{of_trunk}{of_pretext}{datasets.file_name(source)}.npz"
