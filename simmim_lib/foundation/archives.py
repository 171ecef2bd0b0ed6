"""Zip archives, as `.npz` and `.keras` files are, looked at before anything in them is unpacked."""

import os
import zipfile
from typing import BinaryIO


class TooLargeError(ValueError):
    """What an archive would unpack to, in words for a sentence about its file."""


def sizes(file: str | os.PathLike[str] | BinaryIO, most: int) -> dict[str, int]:
    """Return what an archive holds: names, and sizes in bytes.

    Nothing is unpacked for it: the table of contents says so, and whoever unpacks keeps to it.

    Args:
        file: the archive, or its path.
        most: bytes that all of it may have.

    Raises:
        TooLargeError: it has more.
        Exception: whatever a damaged archive makes Python raise.
    """
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
    size = sum(member.file_size for member in members)
    if size > most:
        raise TooLargeError(f"its content would fill {size / 1e6:,.0f} MB")
    return {member.filename: member.file_size for member in members}
