"""Whatever is given: what was meant, or one sentence; never a traceback, never half a file."""

import contextlib
import copy
import io
import json
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fuzzing import many_cases
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from simmim_lib.datasets.image_files import BrokenImageError, read_image
from simmim_lib.errors import WorkbookError
from simmim_lib.settings import OPTIONS, Settings
from simmim_lib.sweeps import rows

pytestmark = pytest.mark.slow

WORDS = (
    *(
        "",
        " ",
        "none",
        "all",
        "mnist",
        "mnist,uci-digits",
        "folder:",
        "csv:x?label=",
        "file:a.keras",
    ),
    *(
        "yes",
        "no",
        "0",
        "-1",
        "1e999",
        "nan",
        "0.5,0.5",
        "1:30",
        "010",
        "9" * 400,
        "½",
        "up to ²",
        "up to " + "9" * 5000,
        "folder:a\ud800",
        f"file:{'a' * 5000}?blocks=a",
        "١٢",
        "a=b",
    ),
    *(",", ",,", "\0", "\n", "\x1b[31m", "\ud800", "é", "中", "~", "$HOME", "../..", "%s", "{0}"),
)


def is_one_sentence(error: WorkbookError) -> bool:
    return "\n" not in str(error) and str(error).isprintable() and 10 < len(str(error)) < 4000


@many_cases
@given(
    texts=st.dictionaries(
        st.sampled_from([*OPTIONS]),
        st.one_of(
            st.sampled_from(WORDS),
            st.text(max_size=8),
            st.lists(st.sampled_from(WORDS)).map(",".join),
        ),
        max_size=3,
    )
)
@example(texts={"targets": f"{'9' * 4000},{'9' * 4000}"})
def test_any_texts_are_settings_or_one_sentence(texts):
    try:
        settings = Settings.from_texts(texts)
    except WorkbookError as error:
        assert is_one_sentence(error)
    else:
        assert Settings.from_mapping(json.loads(json.dumps(settings.as_dict()))) == settings


ROW: dict[str, Any] = {
    "settings": Settings(seeds=2).as_dict(),
    "accuracy": {"mnist": [0.5, 0.75]},
    "seconds": 1.5,
    "versions": {"python": "3"},
    "error": None,
}

JSON = st.recursive(
    st.one_of(
        *(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=6)),
        st.sampled_from([10**400, -(10**400), 1e308, "\ud800", "\x1b]0;x\x07", "\u202e", "mnist"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=5,
)


def places(values: Any, so_far: tuple = ()) -> list[tuple]:
    """Return the way to every value inside others, outermost first."""
    inside = values.items() if isinstance(values, dict) else enumerate(values)
    found = []
    for key, value in inside:
        found.append((*so_far, key))
        if isinstance(value, dict | list):
            found += places(value, (*so_far, key))
    return found


@many_cases
@given(place=st.sampled_from(places(ROW)), value=JSON, remove=st.booleans())
def test_any_row_of_results_is_read_or_refused_in_one_sentence(place, value, remove):
    row = copy.deepcopy(ROW)
    parent = row
    for key in place[:-1]:
        parent = parent[key]
    if remove:
        del parent[place[-1]]
    else:
        parent[place[-1]] = value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, rows.FILE_NAME)
        path.write_bytes(content := json.dumps(row).encode() + b"\n")
        try:
            (found,) = rows.read(folder)
        except WorkbookError as error:
            assert is_one_sentence(error)
        else:
            assert np.isfinite([*map(found.main_scores, found.scores)]).all() and np.isfinite(
                found.seconds
            )
        assert [*Path(folder).iterdir()] == [path] and path.read_bytes() == content


def encoded(kind: str, mode: str) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 255, (9, 12, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(buffer, kind)
    return buffer.getvalue()


PICTURES = [
    encoded(kind, mode)
    for kind, mode in (
        *(("PNG", "RGB"), ("PNG", "P"), ("PNG", "LA"), ("JPEG", "RGB"), ("JPEG", "CMYK")),
        *(
            ("GIF", "P"),
            ("BMP", "RGB"),
            ("TIFF", "L"),
            ("TIFF", "CMYK"),
            ("WEBP", "RGB"),
            ("PPM", "L"),
        ),
    )
]


@many_cases
@given(
    picture=st.sampled_from(PICTURES),
    changes=st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=6)), max_size=3),
    kept=st.floats(0.1, 1),
)
def test_any_bytes_are_an_image_or_refused_with_a_reason(picture, changes, kept):
    content = bytearray(picture)
    for where, new in changes:
        start = int(where * len(content))
        content[start : start + len(new)] = new
    content = content[: int(kept * len(content))]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "picture")
        path.write_bytes(content)
        with contextlib.suppress(BrokenImageError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = read_image(path, 28, False)
            assert image.pixels.shape == (28, 28, 3) and image.pixels.dtype == np.uint8
        assert [*Path(folder).iterdir()] == [path] and path.read_bytes() == content
