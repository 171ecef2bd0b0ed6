"""Small datasets of images and texts under one interface, and few-label tasks drawn from them.

Some come with the workbook, some are rendered by it, and medical ones are fetched when asked for;
`names()` lists them all. How each was made, and its licence in full, stands in `SOURCES.md` beside
the data. The user's own are named by their place: `folder:PATH` or `csv:PATH`.
"""

from simmim_lib.datasets.catalogue import CATALOGUE, DIGITS, Entry, included, listed, names
from simmim_lib.datasets.dataset import CONTENTS, IMAGE_SIZE, KINDS, Dataset, Part
from simmim_lib.datasets.few_labels import NO_LABEL, Choice, Task, choose, few_shot, wanted_labels
from simmim_lib.datasets.loading import (
    available,
    bundled_content,
    describe,
    fetch,
    fingerprint,
    image_shape,
    is_available,
    load,
    own_files,
    picture_sizes,
    rebuild,
    verify,
)
from simmim_lib.datasets.naming import (
    check_distinct,
    check_name,
    file_name,
    short_name,
    short_names,
)
from simmim_lib.datasets.registered import from_folder
from simmim_lib.datasets.stratified_splits import stratified

__all__ = [
    "CATALOGUE",
    "CONTENTS",
    "DIGITS",
    "IMAGE_SIZE",
    "KINDS",
    "NO_LABEL",
    "Choice",
    "Dataset",
    "Entry",
    "Part",
    "Task",
    "available",
    "bundled_content",
    "check_distinct",
    "check_name",
    "choose",
    "describe",
    "fetch",
    "few_shot",
    "file_name",
    "fingerprint",
    "from_folder",
    "image_shape",
    "included",
    "is_available",
    "listed",
    "load",
    "names",
    "own_files",
    "picture_sizes",
    "rebuild",
    "short_name",
    "short_names",
    "stratified",
    "verify",
    "wanted_labels",
]
