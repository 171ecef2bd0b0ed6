"""Published networks for texts: a folder as the Hugging Face Hub has it, here or over there.

`hub:owner/name` is a network of the Hub, which is downloaded once, and `hub:PATH` a folder with the
same files. They are read as data: weights from safetensors alone, and no code.
"""

import contextlib
import contextvars
import json
import os
import re
import socket
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
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
POOLING, MODULES = "1_Pooling/config.json", "modules.json"
"""How a network's makers make one vector of many; without these files, nobody has said."""

FILES = (CONFIG, WEIGHTS, TOKENIZER, POOLING, MODULES)

LATEST = "main"

MAX_WEIGHTS = 500_000_000
"""BERT's large version has 335 million."""

MAX_LAYERS, MAX_POSITIONS = 100, 100_000

MAX_BYTES = {CONFIG: 10**6, POOLING: 10**6, MODULES: 10**6, TOKENIZER: 10**8, WEIGHTS: 3 * 10**9}

KNOWN_MODULES = ("Transformer", "Pooling", "Normalize")
"""What may stand behind one another in `modules.json`; others would change the vector."""

INSTALL = "pip install safetensors tokenizers"

_ON_THE_HUB = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", re.ASCII)
_REVISION = re.compile(r"[\w.-]+(/[\w.-]+)*", re.ASCII)
_OLD_NAMES = {"gamma": "weight", "beta": "bias"}
"""How the first published BERTs call the numbers of a normalisation."""


_MAY_DOWNLOAD = contextvars.ContextVar("may_download", default=True)


@contextlib.contextmanager
def without_downloads() -> Iterator[None]:
    """Let nothing be downloaded meanwhile: what is read comes from somebody else."""
    before = _MAY_DOWNLOAD.set(False)
    try:
        yield
    finally:
        _MAY_DOWNLOAD.reset(before)


def missing(package: str) -> WorkbookError:
    """Return what is said where a package of the extra `language` is not installed."""
    return WorkbookError(
        f"Networks for texts need the package {package}, which is not installed: run "
        f"`{INSTALL}` and restart the kernel."
    )


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

    def __str__(self) -> str:
        """Name it for readers, with the version where that was chosen."""
        return self.name + (f" ({self.revision})" if self.revision != LATEST else "")

    @classmethod
    def find(cls, name: str) -> "Checkpoint | None":
        """Return the checkpoint that the name of a trunk is the address of, if it is one.

        It is a folder of this machine, if there is one; with a revision, always one of the Hub.

        Raises:
            WorkbookError: no such folder, and no name or revision that the Hub could have.
        """
        address = Address.parse(name, {KIND: ("revision",)})
        if address is None:
            return None
        revision = address.options.get("revision", "")
        if not revision and os.path.isdir(address.place):
            return cls(address.path, address.place)
        if revision and (not _REVISION.fullmatch(revision) or ".." in revision):
            raise WorkbookError(
                f"The revision {shown(revision)} is none of the Hugging Face Hub's: give a commit, "
                "a branch or a tag."
            )
        unlike = not _ON_THE_HUB.fullmatch(address.path) or len(address.path) > 96
        if unlike or re.search(r"\.\.|--|[.-](/|$)|\.git$", address.path):
            raise WorkbookError(
                f"The folder {address.path} is not there, and the Hugging Face Hub has no such "
                f"names: name a folder with {CONFIG}, {WEIGHTS} and {TOKENIZER}, or a network as "
                "hub:owner/name."
            )
        return cls(address.path, revision=revision or LATEST)

    @property
    def title(self) -> str:
        """The name of its folder, or of the network without its owner."""
        return (self.folder or Path(self.name)).name or self.name

    def is_here(self, name: str) -> bool:
        """Tell whether a file can be read without a download."""
        if self.folder:
            return os.path.isfile(self.folder / name)
        try:
            return bool(self._kept(name))
        except WorkbookError:
            return False

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
            if _says_there_is_none(error.__cause__):
                return False
            raise
        return True

    def read(self, name: str) -> bytes:
        """Return what a file holds, which is downloaded if it is on the Hub and not here yet.

        Raises:
            WorkbookError: it is not in the folder, is too long, or cannot be read or downloaded.
        """
        if self.folder:
            path = str(self.folder / name)
            if not os.path.exists(path):
                raise WorkbookError(
                    f"The folder {self.folder} has no {name}: name one with {CONFIG}, {WEIGHTS} "
                    f"and {TOKENIZER}, as networks on the Hugging Face Hub have them."
                )
        else:
            path = self._kept(name) or self._downloaded(name)
        plain_files.check_plain(path, MAX_BYTES[name])
        try:
            return Path(path).read_bytes()
        except OSError as error:
            raise WorkbookError(
                f"{path} cannot be read ({error.strerror}): check its permissions, or put the "
                "network's folder elsewhere."
            ) from error

    def _kept(self, name: str) -> str | None:
        """Return the path of what was downloaded before; "" of what is known not to exist.

        Of the branch "main", it is the version of that time.
        """
        try:
            from huggingface_hub import try_to_load_from_cache
        except ImportError as error:
            raise missing("huggingface-hub") from error
        try:
            found = try_to_load_from_cache(self.name, name, revision=self.revision)
        except (OSError, ValueError) as error:
            raise self._out_of_reach(name, error) from error
        return found if found is None or isinstance(found, str) else ""

    def _downloaded(self, name: str) -> str:
        from huggingface_hub import constants, hf_hub_download

        if not _MAY_DOWNLOAD.get():
            raise WorkbookError(
                f"The network {shown(self.name)} is not on this machine, and nothing is downloaded "
                "for what somebody else may have written: run an experiment with it first "
                f"(simmim run --trunk {KIND}:{self.name}), if you know it."
            )
        try:
            if not urllib.request.getproxies():
                # Where there is no network, the package would ask again for half a minute.
                socket.getaddrinfo(urllib.parse.urlparse(constants.ENDPOINT).hostname, None)
            return hf_hub_download(self.name, name, revision=self.revision)
        except Exception as error:  # of some twenty kinds: no such name, no network, no room
            raise self._out_of_reach(name, error) from error

    def _out_of_reach(self, name: str, error: Exception) -> WorkbookError:
        if name != CONFIG and _says_there_is_none(error):
            return WorkbookError(
                f"The network {shown(self.name)} has no {name} on the Hugging Face Hub: choose one "
                f"that has, or convert it and name its folder, as {KIND}:PATH."
            )
        return WorkbookError(
            f"{name} of the network {shown(self.name)} is not on this machine, and cannot be "
            f"downloaded from the Hugging Face Hub ({type(error).__name__}): check the name, the "
            f"revision and the network, or download its folder elsewhere and name that, as "
            f"{KIND}:PATH."
        )

    def state(self) -> tuple[int, ...]:
        """Return what changes when a file of the folder is written anew."""
        if self.folder is None:
            return ()
        paths = [self.folder / name for name in FILES]
        found = [os.stat(path) for path in paths if os.path.exists(path)]
        return tuple(number for each in found for number in (each.st_mtime_ns, each.st_size))


def _says_there_is_none(error: BaseException | None) -> bool:
    """Tell whether the Hub has answered that a file does not exist."""
    return getattr(getattr(error, "response", None), "status_code", None) == 404


def sizes(checkpoint: Checkpoint) -> bert.Sizes:
    """Return the sizes of a network, from its `config.json`.

    Raises:
        WorkbookError: a file is missing or damaged, or the network is no BERT, or is one that
            differs from ours in more than its sizes.
    """
    config = _Values(checkpoint, CONFIG)
    config.check("model_type", "", ("bert",))
    config.check("position_embedding_type", "absolute", ("absolute",))
    config.check("hidden_act", "gelu", bert.ACTIVATIONS)
    config.check("pad_token_id", 0, (0,))
    config.check("is_decoder", False, (False,))
    _check_mean(checkpoint)
    found = bert.Sizes(
        vocabulary=config.whole("vocab_size"),
        positions=config.whole("max_position_embeddings", 8, MAX_POSITIONS),
        width=config.whole("hidden_size"),
        heads=config.whole("num_attention_heads"),
        inner=config.whole("intermediate_size"),
        layers=config.whole("num_hidden_layers", 1, MAX_LAYERS),
        segments=config.whole("type_vocab_size") if "type_vocab_size" in config.values else 2,
        epsilon=config.share("layer_norm_eps", 1e-12),
        activation=config.values.get("hidden_act", "gelu"),
    )
    if found.width % found.heads:
        raise config.differs("num_attention_heads", f"a number that divides {found.width}")
    if (weights := found.number_of_weights) > MAX_WEIGHTS:
        raise WorkbookError(
            f"The network {shown(checkpoint.name)} has {weights:,} weights, but at most "
            f"{MAX_WEIGHTS:,} are read: choose a smaller one."
        )
    return found


def _check_mean(checkpoint: Checkpoint) -> None:
    """Refuse a network whose makers make its vector in another way than by the mean."""
    if checkpoint.has(POOLING):
        values = _Values(checkpoint, POOLING).values
        ways = [name for name, value in values.items() if "pooling_mode" in name and value]
        if ways == ["pooling_mode"]:  # as newer versions of the package write it
            ways = [f"pooling_mode_{values['pooling_mode']}_tokens"]
        if ways != ["pooling_mode_mean_tokens"]:
            raise _differs(checkpoint, POOLING, ways, "pooling_mode_mean_tokens alone")
    if checkpoint.has(MODULES):
        modules = _json(checkpoint, MODULES, list)
        types = [each.get("type") if isinstance(each, dict) else each for each in modules]
        for kind in types:
            if str(kind).rpartition(".")[2] not in KNOWN_MODULES:
                wanted = f"nothing but {', '.join(KNOWN_MODULES)}"
                raise _differs(checkpoint, MODULES, kind, wanted)


class _Values:
    """What a JSON file of a checkpoint says."""

    def __init__(self, checkpoint: Checkpoint, file: str) -> None:
        self.checkpoint = checkpoint
        self.values = _json(checkpoint, file, dict)

    def check(self, name: str, usual: object, allowed: tuple[object, ...]) -> None:
        given = self.values.get(name, usual)
        if not any(type(given) is type(each) and given == each for each in allowed):
            raise self.differs(name, " or ".join(map(repr, allowed)))

    def whole(self, name: str, least: int = 1, most: int = MAX_WEIGHTS) -> int:
        given = self.values.get(name)
        if type(given) is not int or not least <= given <= most:
            raise self.differs(name, f"a whole number from {least:,} to {most:,}")
        return given

    def share(self, name: str, usual: float) -> float:
        given = self.values.get(name, usual)
        if type(given) is not float or not 0 < given < 1:
            raise self.differs(name, "a number between 0 and 1")
        return given

    def differs(self, name: str, wanted: str) -> WorkbookError:
        return _differs(self.checkpoint, name, self.values.get(name), wanted)


def _json(checkpoint: Checkpoint, name: str, kind: type) -> Any:
    try:
        values = json.loads(checkpoint.read(name).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        if isinstance(error, WorkbookError):
            raise
        raise WorkbookError(
            f"{name} of the network {shown(checkpoint.name)} is no JSON text "
            f"({type(error).__name__}): download it again."
        ) from error
    if not isinstance(values, kind):
        raise WorkbookError(
            f"{name} of the network {shown(checkpoint.name)} holds {shown(values)}, which is not "
            "what such a file holds: download it again."
        )
    return values


def _differs(checkpoint: Checkpoint, name: str, given: object, wanted: str) -> WorkbookError:
    return WorkbookError(
        f"The network {shown(checkpoint.name)} has {name} {shown(given)}, but {wanted} is wanted: "
        "choose one of BERT's layout, whose tokens are averaged, such as "
        "hub:sentence-transformers/all-MiniLM-L12-v2."
    )


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
        found = {_todays_name(each): tensor for each, tensor in load(content).items()}
    except Exception as error:  # of the reader's own kinds, and a KeyError for unknown types
        raise WorkbookError(
            f"{WEIGHTS} of the network {shown(name)} is damaged, half downloaded, or holds numbers "
            f"of a type that NumPy does not have ({type(error).__name__}): download it again, or "
            "choose another network."
        ) from error
    return bert.blocks(_checked(found, wanted, name), wanted)


def _todays_name(tensor: str) -> str:
    """Return what the package transformers calls a tensor of a BERT today."""
    name, _, last = tensor.removeprefix("bert.").rpartition(".")
    return f"{name}.{_OLD_NAMES.get(last, last)}"


def _checked(
    found: Mapping[str, np.ndarray], wanted: bert.Sizes, name: str
) -> dict[str, np.ndarray]:
    """Return the tensors that the network has, as 32-bit numbers."""
    checked = {}
    for tensor, shape in bert.tensor_shapes(wanted).items():
        given = found.get(tensor)
        if given is None:
            raise _another(name, f"it has no {tensor}")
        if given.shape != shape:
            raise _another(name, f"{tensor} is {given.shape} instead of {shape}")
        if given.dtype.kind != "f":
            raise _another(name, f"{tensor} holds numbers of the type {given.dtype}")
        with np.errstate(over="ignore"):
            checked[tensor] = given.astype(np.float32)
        if not np.isfinite(checked[tensor]).all():
            raise _another(name, f"{tensor} holds numbers that are not finite")
    return checked


def _another(name: str, problem: str) -> WorkbookError:
    return WorkbookError(
        f"{WEIGHTS} of the network {shown(name)} does not go with the {CONFIG} beside it "
        f"({problem}): download both from the same network."
    )
