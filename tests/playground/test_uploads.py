"""What a reader uploads is kept as a folder or a table, or refused with nothing left behind."""

import io
import warnings
import zipfile

import numpy as np
import pytest
from PIL import Image

from simmim_lib import datasets
from simmim_lib.errors import WorkbookError
from simmim_lib.playground import uploads


def picture(shade: int) -> bytes:
    file = io.BytesIO()
    pixels = np.full((8, 8, 3), shade, np.uint8)
    pixels[shade % 8] = 255 - shade
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


PICTURES = {
    f"{kind}/{number}.png": picture(10 * number + shade)
    for kind, shade in (("cat", 0), ("dog", 5))
    for number in range(12)
}


def archive(members, **options) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a name that is there twice
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, **options) as packed:
            for name, content in members:
                packed.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize(
    "prefix", ["", "photos/", "a/b & c/d?e,f/"], ids=["bare", "in a folder", "far down"]
)
def test_an_archive_becomes_a_folder_whose_address_can_be_used(prefix, tmp_path):
    members = [(prefix + name, content) for name, content in PICTURES.items()]
    extra = [("__MACOSX/._0.png", b"x"), (f"{prefix}.DS_Store", b"x")]
    address = uploads.keep("My photos, 2024?.ZIP", archive([*members, *extra]), tmp_path)
    assert address == f"folder:{tmp_path}/My-photos-2024"
    data = datasets.load(address)
    assert data.class_names == ("cat", "dog")
    assert len(data.train) + len(data.test) == len(PICTURES)


def test_a_table_of_texts_is_kept(tmp_path):
    rows = [f"text {number},{('good', 'bad')[number % 2]}" for number in range(20)]
    content = "\n".join(["text,label", *rows]).encode()
    address = uploads.keep(r"C:\Users\me\stars.csv", content, tmp_path)
    assert address == f"csv:{tmp_path}/stars.csv?text=text"
    assert datasets.load(address).class_names == ("bad", "good")
    assert (tmp_path / "stars.csv").read_bytes() == content


@pytest.mark.parametrize("letter", ["n", "é", "猫"])
def test_a_name_may_be_longer_than_those_of_folders(tmp_path, letter):
    address = uploads.keep(f"{letter * 5000}.zip", archive(PICTURES.items()), tmp_path)
    assert len(datasets.load(address).class_names) == 2
    table = b"text,label\n" + b"a long one,good\nanother,bad\n"
    assert uploads.keep(f"{letter * 5000}.csv", table, tmp_path).endswith(".csv?text=text")


def encrypted() -> bytes:
    content = bytearray(archive(PICTURES.items()))
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = -1
        while (start := content.find(signature, start + 1)) >= 0:
            content[start + place] |= 1
    return bytes(content)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("picture.png", picture(3), "'picture.png' cannot be used: upload a .zip"),
        ("noending", b"", "cannot be used: upload a .zip"),
        ("photos.zip", b"", "cannot be unpacked .*: make the archive anew"),
        ("photos.zip", picture(3), "cannot be unpacked"),
        ("photos.zip", archive(PICTURES.items())[:-200], "cannot be unpacked"),
        ("photos.zip", encrypted(), "cannot be unpacked .*without a password"),
        ("photos.zip", archive([]), "."),
        ("photos.zip", archive([("cat/1.png", picture(1))]), "."),
        ("photos.zip", archive([("a.txt", b"one"), ("b.txt", b"two")]), "."),
        ("bomb.zip", archive([("cat/1.png", bytes(600_000_000))]), "would fill 600 MB, and 500 MB"),
        ("many.zip", archive([(f"c/{n}", b"") for n in range(20_001)]), "20,001 files, .* 20,000"),
        ("<b>.exe", b"MZ", "cannot be used"),
        ("table.csv", b"", "."),
        ("table.csv", b"\xff\xfe\x00\x01", "."),
        ("t.csv", b"pros & cons,label\na long one,good\nanother,bad\n", "'pros & cons' has a sign"),
        ("t.csv", b'"a, b",label\na long one,good\nanother,bad\n', "name it without , and &"),
        ("large.csv", b"", "51 MB, and an upload may have 50"),
    ],
)
def test_what_cannot_be_used_is_refused_and_leaves_nothing(name, content, words, tmp_path):
    if name == "large.csv":
        content = bytes(51_000_000)
    with pytest.raises(WorkbookError, match=words) as refusal:
        uploads.keep(name, content, tmp_path)
    assert "\n" not in str(refusal.value)
    assert [*tmp_path.iterdir()] == []


def test_names_that_climb_out_stay_inside(tmp_path):
    inside = tmp_path / "own"
    inside.mkdir()
    climbing = [(f"../../{name}", content) for name, content in PICTURES.items()]
    rooted = [(f"/elsewhere/../{name}", content) for name, content in PICTURES.items()]
    for members in (climbing, rooted):
        try:
            address = uploads.keep("photos.zip", archive(members), inside)
        except WorkbookError:
            assert [*inside.iterdir()] == []
        else:
            assert address.startswith(f"folder:{inside}")
    assert [*tmp_path.iterdir()] == [inside]


def test_both_versions_of_the_widget_are_understood():
    older = {"a.zip": {"metadata": {"name": "a.zip"}, "content": b"old"}}
    newer = ({"name": "a.zip", "content": memoryview(b"new"), "size": 3},)
    assert uploads.uploaded(older) == ("a.zip", b"old")
    assert uploads.uploaded(newer) == ("a.zip", b"new")
