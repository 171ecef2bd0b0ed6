"""Small image datasets under one interface, and few-label tasks drawn from them.

Three sets come with the workbook, one is rendered from fonts, and some medical ones are fetched
when asked for; `names()` lists them all. How each was made, and its licence in full, stands in
`SOURCES.md` beside the data. `from_folder` adds the user's own images.
"""

from simmim_lib.datasets.catalogue import CATALOGUE, DIGITS, Entry, describe, included, names
from simmim_lib.datasets.few_labels import NO_LABEL, Choice, Task, choose, few_shot, stratified
from simmim_lib.datasets.image_folders import from_folder
from simmim_lib.datasets.loading import (
    IMAGE_SIZE,
    Dataset,
    Part,
    fetch,
    fingerprint,
    is_available,
    load,
    rebuild,
    verify,
)

__all__ = [
    "CATALOGUE",
    "DIGITS",
    "IMAGE_SIZE",
    "NO_LABEL",
    "Choice",
    "Dataset",
    "Entry",
    "Part",
    "Task",
    "choose",
    "describe",
    "fetch",
    "few_shot",
    "fingerprint",
    "from_folder",
    "included",
    "is_available",
    "load",
    "names",
    "rebuild",
    "stratified",
    "verify",
]
