"""What a reader uploads: a table, or a zip archive with a folder of pictures or texts."""

import io
import re
import shutil
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

from simmim_lib.datasets.naming import OwnData
from simmim_lib.datasets.own import list_files
from simmim_lib.datasets.tables import read_rows
from simmim_lib.errors import WorkbookError, shown
from simmim_lib.foundation import archives

MAX_BYTES = 50_000_000
"""Of an uploaded file."""

MAX_UNPACKED = 500_000_000
"""Bytes that an archive may fill."""

MAX_FILES = 20_000

MAX_NAME = 60
"""Characters of a file's name that are kept; in any alphabet, a folder may be called so."""

TABLES = (".csv", ".tsv")
SEPARATORS = (",", "&")
"""Signs that a column's name cannot have in an address."""

ACCEPTED = (*TABLES, ".zip")


def uploaded(value: Any) -> tuple[str, bytes]:
    """Return name and content of the last file that a `FileUpload` of ipywidgets 7 or 8 has."""
    if isinstance(value, dict):  # ipywidgets 7
        name, file = [*value.items()][-1]
        return name, bytes(file["content"])
    return value[-1]["name"], bytes(value[-1]["content"])


def keep(name: str, content: bytes, folder: Path) -> str:
    """Write an uploaded file into a folder, an archive unpacked, and return its address.

    Args:
        name: of the file, as the reader calls it; only its ending counts, and its letters.
        content: of the file.
        folder: empty; nothing is left in it if the file cannot be used.

    Returns:
        An address such as "folder:PATH/photos" or "csv:PATH/reviews.csv?text=review".

    Raises:
        WorkbookError: no table and no archive, a file that is too large, damaged or encrypted, or
            nothing in it that could be learnt from.
    """
    file = PurePosixPath(name.replace("\\", "/"))
    ending = file.suffix.lower()
    if ending not in ACCEPTED:
        raise WorkbookError(
            f"{shown(file.name)} cannot be used: upload a .zip with a sub-folder for each class, "
            "or a .csv with a column of texts."
        )
    if len(content) > MAX_BYTES:
        raise WorkbookError(
            f"{shown(file.name)} has {len(content) / 1e6:,.0f} MB, and an upload may have "
            f"{MAX_BYTES / 1e6:.0f}: give the path of its folder instead."
        )
    place = folder / (re.sub(r"[^\w-]+", "-", file.stem).strip("-")[:MAX_NAME] or "uploaded")
    try:
        if ending in TABLES:
            place = place.with_suffix(ending)
            place.write_bytes(content)
            return f"csv:{place}?text={_longest_column(place)}"
        _unpack(file.name, content, folder / ".unpacked")
        _with_classes(folder / ".unpacked").rename(place)
        list_files(OwnData("folder", place))  # which opens no picture
        return f"folder:{place}"
    except BaseException:
        _empty(folder)
        raise


def _longest_column(table: Path) -> str:
    """Return the name of the column with most letters: that of the texts, and not of their labels.

    The reader may name another one in the address, and that of the labels if it is not found.
    """
    header, rows = read_rows(table)
    longest = max(header, key=lambda name: sum(len(row.cells[name]) for row in rows))
    if any(sign in longest for sign in SEPARATORS):
        raise WorkbookError(
            f"The column {shown(longest)} has a sign that separates the parts of an address: name "
            f"it without {' and '.join(SEPARATORS)}, such as 'text'."
        )
    return longest


def _unpack(name: str, content: bytes, place: Path) -> None:
    place.mkdir()
    try:
        members = archives.sizes(io.BytesIO(content), MAX_UNPACKED)
        wanted = [each for each in members if not _is_hidden(each)]
        if len(wanted) > MAX_FILES:
            raise WorkbookError(
                f"{shown(name)} has {len(wanted):,} files, and an upload may have {MAX_FILES:,}: "
                "give the path of its folder instead."
            )
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            archive.extractall(place, wanted)  # which keeps names with .. inside of the folder
    except archives.TooLargeError as error:
        raise WorkbookError(
            f"{shown(name)} is not unpacked: {error}, and {MAX_UNPACKED / 1e6:.0f} MB are allowed."
        ) from error
    except WorkbookError:
        raise
    except Exception as error:  # whatever a damaged, encrypted or strange archive makes Python say
        raise WorkbookError(
            f"{shown(name)} cannot be unpacked ({shown(error)}): make the archive anew, without a "
            "password."
        ) from error


def _is_hidden(member: str) -> bool:
    """Tell whether a member is what a system adds, such as `__MACOSX/` or `.DS_Store`."""
    return any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(member).parts)


def _with_classes(place: Path) -> Path:
    """Go down where a folder holds one folder and nothing else, as archives of folders do."""
    while place.is_dir() and len(inside := [*place.iterdir()]) == 1 and inside[0].is_dir():
        place = inside[0]
    return place


def _empty(folder: Path) -> None:
    for inside in folder.iterdir():
        if inside.is_dir():
            shutil.rmtree(inside, ignore_errors=True)
        else:
            inside.unlink()
