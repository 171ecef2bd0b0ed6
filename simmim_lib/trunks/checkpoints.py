"""Published networks for texts: a folder as the Hugging Face Hub has it, here or over there.

`hub:owner/name` is a network of the Hub, which is downloaded once, and `hub:PATH` a folder with the
same files. They are read as data: weights from safetensors alone, and no code.
"""

import json
import os
import re
import socket
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simmim_lib.errors import WorkbookError, shown
from simmim_lib.foundation import plain_files
from simmim_lib.foundation.addresses import Address
from simmim_lib.trunks import bert
from simmim_lib.trunks.fresh_weights import Blocks

KIND = "hub"
"""How the address of a checkpoint begins."""

CONFIG, WEIGHTS, TOKENIZER = "config.json", "model.safetensors", "tokenizer.json"
POOLING = "1_Pooling/config.json"
"""How a network's makers have made one vector of many; without it, nobody has said."""

LATEST = "main"

MAX_WEIGHTS = 500_000_000
"""BERT's large version has 335 million."""

MAX_BYTES = {CONFIG: 1_000_000, POOLING: 1_000_000, TOKENIZER: 100_000_000}

INSTALL = "pip install safetensors tokenizers"

_ON_THE_HUB = re.compile(r"[\w.-]+(/[\w.-]+)?")


def missing(package: str) -> WorkbookError:
    """Return what is said where a package of the extra `language` is not installed."""
    return WorkbookError(
        f"Networks for texts need the package {package}, which is not installed: run "
        f"`{INSTALL}` and restart the kernel."
    )


def address_of(name: str) -> Address | None:
    """Return the address that the name of a trunk is, if it is one of a checkpoint."""
    return Address.parse(name, {KIND: ("revision",)})


@dataclass(frozen=True)
class Checkpoint:
    """Where the files of a published network are.

    Attributes:
        name: of the network on the Hub, or the path of its folder.
        folder: this folder; nothing for one of the Hub.
        revision: the commit, the branch or the tag on the Hub.
    """

    name: str
    folder: Path | None = None
    revision: str = LATEST

    @classmethod
    def at(cls, address: Address) -> "Checkpoint":
        """Return the checkpoint that an address names: a folder of this machine, if there is one.

        Raises:
            WorkbookError: no such folder, and no name that the Hub could have.
        """
        place, revision = address.place, address.options.get("revision", LATEST)
        if place.is_dir():
            return cls(address.path, place)
        if not _ON_THE_HUB.fullmatch(address.path) or ".." in address.path:
            raise WorkbookError(
                f"The folder {address.path} is not there: name one with {CONFIG}, {WEIGHTS} and "
                f"{TOKENIZER}, or a network of the Hugging Face Hub, as hub:owner/name."
            )
        return cls(address.path, revision=revision)

    def is_here(self, file: str) -> bool:
        """Tell whether a file can be read without a download."""
        if self.folder:
            return (self.folder / file).is_file()
        try:
            return bool(self._kept(file))
        except WorkbookError:
            return False

    def file(self, name: str) -> Path:
        """Return the path of a file, which is downloaded if it is on the Hub and not here yet.

        Raises:
            WorkbookError: it is not in the folder, or cannot be downloaded.
        """
        if self.folder is None:
            return Path(self._kept(name) or self._downloaded(name))
        path = self.folder / name
        if not path.is_file():
            raise WorkbookError(
                f"The folder {self.folder} has no {name}: name one with {CONFIG}, {WEIGHTS} and "
                f"{TOKENIZER}, as networks on the Hugging Face Hub have them."
            )
        plain_files.check_plain(path, MAX_BYTES.get(name))
        return path

    def has(self, name: str) -> bool:
        """Tell whether a network has a file that not all have, and download it if so.

        Raises:
            WorkbookError: that cannot be found out.
        """
        if self.folder:
            return self.is_here(name)
        known = self._kept(name)
        if known is not None:
            return bool(known)
        try:
            self._downloaded(name)
        except WorkbookError as error:
            # With the status of an answer, the Hub has said that there is none.
            if getattr(getattr(error.__cause__, "response", None), "status_code", None) == 404:
                return False
            raise
        return True

    def _kept(self, file: str) -> str | None:
        """Return the path of what was downloaded before; "" of what is known not to exist.

        Of the branch "main", it is the version of that time.
        """
        try:
            from huggingface_hub import try_to_load_from_cache
        except ImportError as error:
            raise missing("huggingface-hub") from error
        found = try_to_load_from_cache(self.name, file, revision=self.revision)
        return found if found is None or isinstance(found, str) else ""

    def _downloaded(self, file: str) -> str:
        from huggingface_hub import constants, hf_hub_download

        try:
            if not urllib.request.getproxies():
                # Where there is no network, the package would ask again for half a minute.
                socket.getaddrinfo(urllib.parse.urlparse(constants.ENDPOINT).hostname, None)
            return hf_hub_download(self.name, file, revision=self.revision)
        except Exception as error:  # of some twenty kinds: no such name, no network, no room
            raise WorkbookError(
                f"{file} of the network {shown(self.name)} is not on this machine, and cannot be "
                f"downloaded from the Hugging Face Hub ({type(error).__name__}): check the name, "
                "the revision and the network, or download its folder elsewhere and name that, as "
                "hub:PATH."
            ) from error

    def state(self) -> tuple[int, ...]:
        """Return what changes when a file of the folder is written anew."""
        if self.folder is None:
            return ()
        paths = [self.folder / name for name in (CONFIG, WEIGHTS, TOKENIZER)]
        found = [os.stat(path) for path in paths if path.exists()]
        return tuple(number for each in found for number in (each.st_mtime_ns, each.st_size))


def sizes(checkpoint: Checkpoint) -> bert.Sizes:
    """Return the sizes of a network, from its `config.json`.

    Raises:
        WorkbookError: a file is missing or damaged, or the network is no BERT, or is one that
            differs from ours in more than its sizes.
    """
    config = _json(checkpoint, CONFIG)
    _check(checkpoint, config, "model_type", "bert", ["bert"])
    _check(checkpoint, config, "position_embedding_type", "absolute", ["absolute"])
    _check(checkpoint, config, "hidden_act", "gelu", bert.ACTIVATIONS)
    _check(checkpoint, config, "pad_token_id", 0, [0])
    if checkpoint.has(POOLING):
        _check(checkpoint, _json(checkpoint, POOLING), "pooling_mode_mean_tokens", None, [True])
    epsilon = config.get("layer_norm_eps", 1e-12)
    if not isinstance(epsilon, float) or not 0 < epsilon < 1:
        raise _differs(checkpoint, "layer_norm_eps", epsilon, "a small number above 0")
    found = bert.Sizes(
        vocabulary=_whole(checkpoint, config, "vocab_size"),
        positions=_whole(checkpoint, config, "max_position_embeddings"),
        width=_whole(checkpoint, config, "hidden_size"),
        heads=_whole(checkpoint, config, "num_attention_heads"),
        inner=_whole(checkpoint, config, "intermediate_size"),
        layers=_whole(checkpoint, config, "num_hidden_layers"),
        epsilon=epsilon,
        activation=config.get("hidden_act", "gelu"),
    )
    _check_sizes(checkpoint, found)
    return found


def _check_sizes(checkpoint: Checkpoint, found: bert.Sizes) -> None:
    if found.width % found.heads:
        raise _differs(
            checkpoint, "num_attention_heads", found.heads, f"what divides {found.width}"
        )
    embedded = (found.vocabulary + found.positions) * found.width
    of_layers = found.layers * found.width * (4 * found.width + 2 * found.inner)
    if embedded + of_layers > MAX_WEIGHTS or found.positions < 8:
        raise WorkbookError(
            f"The network {shown(checkpoint.name)} has {embedded + of_layers:,} weights and takes "
            f"{found.positions} tokens, but at most {MAX_WEIGHTS:,} weights and at least 8 tokens "
            "are read: choose another."
        )


def _json(checkpoint: Checkpoint, name: str) -> dict[str, Any]:
    path = checkpoint.file(name)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise WorkbookError(
            f"{name} of the network {shown(checkpoint.name)} is no JSON text "
            f"({type(error).__name__}): download it again."
        ) from error
    if not isinstance(values, dict):
        raise WorkbookError(
            f"{name} of the network {shown(checkpoint.name)} holds {shown(values)}, but names and "
            "values are wanted: download it again."
        )
    return values


def _check(
    checkpoint: Checkpoint, values: dict[str, Any], name: str, usual: Any, allowed: Any
) -> None:
    given = values.get(name, usual)
    if given not in allowed:
        raise _differs(checkpoint, name, given, " or ".join(map(repr, allowed)))


def _whole(checkpoint: Checkpoint, values: dict[str, Any], name: str) -> int:
    given = values.get(name)
    if type(given) is not int or not 0 < given < MAX_WEIGHTS:
        raise _differs(checkpoint, name, given, "a whole number above 0")
    return given


def _differs(checkpoint: Checkpoint, name: str, given: Any, wanted: str) -> WorkbookError:
    return WorkbookError(
        f"The network {shown(checkpoint.name)} has {name} {shown(given)}, but {wanted} is wanted: "
        "choose one of BERT's layout, whose tokens are averaged, such as "
        "hub:sentence-transformers/all-MiniLM-L12-v2."
    )


def weights(checkpoint: Checkpoint) -> Blocks:
    """Return the published weights, block by block.

    Raises:
        WorkbookError: as `sizes` and `read_weights`.
    """
    wanted = sizes(checkpoint)
    return read_weights(checkpoint.file(WEIGHTS).read_bytes(), wanted, checkpoint.name)


def read_weights(content: bytes, wanted: bert.Sizes, name: str) -> Blocks:
    """Return weights, block by block.

    Args:
        content: of a file of the kind safetensors.
        wanted: the sizes of the network.
        name: of it, for a sentence.

    Raises:
        WorkbookError: the content is damaged, half downloaded, or of another network.
    """
    try:
        from safetensors.numpy import load
    except ImportError as error:
        raise missing("safetensors") from error
    try:
        found = {each: tensor.astype(np.float32) for each, tensor in load(content).items()}
    except Exception as error:  # of the reader's own kinds, and a KeyError for unknown types
        raise WorkbookError(
            f"{WEIGHTS} of the network {shown(name)} is damaged, half downloaded, or holds numbers "
            f"of a type that NumPy does not have ({type(error).__name__}): download it again, or "
            "choose another network."
        ) from error
    prefix = "bert." if "bert.embeddings.word_embeddings.weight" in found else ""
    tensors = {each.removeprefix(prefix): tensor for each, tensor in found.items()}
    try:
        made = bert.blocks(tensors, wanted)
    except KeyError as error:
        raise _another(name, f"it has no {error.args[0]}") from error
    except (ValueError, IndexError) as error:
        raise _another(name, "its sizes differ") from error
    _check_weights(made, wanted, name)
    return made


def _check_weights(made: Blocks, wanted: bert.Sizes, name: str) -> None:
    for block, weights in made.items():
        for weight, shape in zip(weights, bert.shapes(wanted, block), strict=True):
            if weight.shape != shape:
                raise _another(name, f"in {block}, {weight.shape} stands in place of {shape}")
            if not np.isfinite(weight).all():
                raise _another(name, f"{block} holds numbers that are not finite")


def _another(name: str, problem: str) -> WorkbookError:
    return WorkbookError(
        f"{WEIGHTS} of the network {shown(name)} does not go with the {CONFIG} beside it "
        f"({problem}): download both from the same network."
    )
