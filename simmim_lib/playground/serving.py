"""What the readers of a page may do that others than its owner can open: files, time and memory.

`simmim playground` says by an environment variable that it serves more than this machine; its
kernels, one for each reader, keep to these rules then.
"""

import os
import shutil
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from simmim_lib.datasets import naming, own
from simmim_lib.errors import WorkbookError, shown
from simmim_lib.experiments.pretraining import is_here
from simmim_lib.foundation import directories
from simmim_lib.foundation.paths import from_person
from simmim_lib.foundation.progress import Progress
from simmim_lib.trunks.checkpoints import FILES, Checkpoint

FOLDER = "SIMMIM_PLAYGROUND_FOLDER"
"""The environment variable that names the folder whose data all readers may use."""

MAX_SECONDS = 300
"""For one picture of one reader."""

MAX_BYTES = 4_000_000_000
"""Of memory, for one reader."""


def shared_folder() -> Path | None:
    """Return the folder whose data all readers may use; nothing if the page is its owner's."""
    given = os.environ.get(FOLDER)
    return Path(os.path.realpath(given)) if given else None


_UPLOADED: list[Path] = []
"""Folders with what the reader of this process has uploaded."""


def folder_for_upload(used: Iterable[str]) -> Path:
    """Return a new folder for what a reader uploads, which is removed with the reader's kernel.

    What the reader has uploaded before is removed, or one reader could fill the disk.

    Args:
        used: addresses whose files are to stay.
    """
    addresses = [*used]
    for old in [*_UPLOADED]:
        if not any(str(old) in address for address in addresses):
            shutil.rmtree(old, ignore_errors=True)
            _UPLOADED.remove(old)
    folder = directories.temporary_directory("simmim-upload-")
    _UPLOADED.append(folder)
    return folder


def check_files(values: Mapping[str, Any]) -> None:
    """Refuse settings that name a file which a reader of a shared page may not read.

    Args:
        values: of settings, by name; of a tuple every part is looked at.

    Raises:
        WorkbookError: an address outside of the shared folder and what the reader has uploaded, or
            a table or a folder that leads there.
    """
    folder = shared_folder()
    if folder is None:
        return
    for value in values.values():
        for name in value if isinstance(value, tuple) else (value,):
            if isinstance(name, str) and ":" in name:
                _check_address(name, [folder, *_UPLOADED])
    trunk = values.get("trunk")
    # Where no source is given, it is the trunk's own published weights.
    if isinstance(trunk, str) and not is_here(trunk, values.get("source", trunk)):
        raise _not_downloaded(trunk)


def _check_address(name: str, allowed: list[Path]) -> None:
    path = name.partition(":")[2].partition("?")[0]
    _check_within(name, from_person(path), allowed)
    if checkpoint := Checkpoint.find(name):
        _check_checkpoint(name, checkpoint, allowed)
    data = naming.parse(name)
    for file in own.list_files(data).files if data else ():
        _check_within(name, file.path, allowed)


def _check_checkpoint(name: str, checkpoint: Checkpoint, allowed: list[Path]) -> None:
    if checkpoint.folder is None:
        raise _not_downloaded(name)
    for file in FILES:
        _check_within(name, checkpoint.folder / file, allowed)


def _not_downloaded(name: str) -> WorkbookError:
    return WorkbookError(
        f"{shown(name)} would be downloaded, which this page does for nobody: ask whoever runs it "
        "to put the network there."
    )


def _check_within(name: str, path: Path, allowed: list[Path]) -> None:
    place = Path(os.path.realpath(path))
    if not any(place.is_relative_to(folder) for folder in allowed):
        raise WorkbookError(
            f"{shown(name)} is, or leads, outside of what this page may read: upload your files, "
            "or ask whoever runs the page to put them there."
        )


def limited(progress: Progress) -> Progress:
    """Return a progress that also ends what takes too long or too much, on a shared page.

    Args:
        progress: told of every step.
    """
    if shared_folder() is None:
        return progress
    start = time.monotonic()

    def tell(done: int, total: int) -> None:
        if time.monotonic() - start > MAX_SECONDS:
            raise _too_much(f"more than {MAX_SECONDS // 60} minutes")
        if _memory() > MAX_BYTES:
            raise _too_much(f"more than {MAX_BYTES / 1e9:.0f} GB of memory")
        progress(done, total)

    return tell


def _memory() -> int:
    """Return how many bytes of memory this process uses."""
    import psutil

    return int(psutil.Process().memory_info().rss)


def _too_much(what: str) -> WorkbookError:
    return WorkbookError(
        f"This takes {what}, which a shared page does not give one reader: choose fewer steps or "
        'seeds, or run it on your own computer ("Copy as: command").'
    )
