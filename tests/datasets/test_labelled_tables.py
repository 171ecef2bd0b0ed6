"""Tables of images: which columns are meant, what the labels are, and what is said of bad rows."""

import contextlib
import os
import re
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest
from fuzzing import many_cases
from hypothesis import given
from hypothesis import strategies as st
from image_making import noise, save

from simmim_lib import datasets
from simmim_lib.datasets import labelled_tables, own
from simmim_lib.errors import WorkbookError

pytestmark = pytest.mark.filterwarnings("error:Left out of")  # asked for, or a mistake


@pytest.fixture(autouse=True)
def _forget(monkeypatch):
    monkeypatch.setattr(own, "_kept", {})


def write(folder: Path, header: str, rows: list[str], encoding: str = "utf-8") -> Path:
    path = folder / "table.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding=encoding)
    return path


@pytest.fixture
def folder(tmp_path) -> Path:
    """Forty images of noise whose first pixel is their number."""
    for number in range(40):
        pixels = noise(number)
        pixels[0, 0] = number
        save(tmp_path / "images" / f"{number:02}.png", pixels)
    return tmp_path


def image(number: int) -> str:
    return f"images/{number:02}.png"


def labels_by_number(dataset: datasets.Dataset) -> dict[int, object]:
    return {
        round(pixels[0, 0, 0] * 255): label.tolist()
        for part in (dataset.train, dataset.test)
        for pixels, label in zip(part.images, part.labels, strict=True)
    }


def load(path: Path, query: str = "") -> datasets.Dataset:
    return datasets.load(f"csv:{path}{query}")


def refused(path: Path, query: str = "") -> str:
    with pytest.raises(WorkbookError) as error:
        load(path, query)
    text = str(error.value)
    assert text.endswith((".", "skip-broken=yes.")) and "\n" not in text
    return text


# --- Kinds


def test_names_are_classes(folder):
    rows = [f"{image(n)},{'cat' if n % 3 else 'dog'}" for n in range(40)]
    dataset = load(write(folder, "image,label", rows))
    assert (dataset.kind, dataset.class_names, dataset.title) == (
        "classification",
        ("cat", "dog"),
        "table",
    )
    assert labels_by_number(dataset) == {n: int(n % 3 == 0) for n in range(40)}
    assert dataset.train.labels.dtype == np.int32
    assert np.bincount(dataset.test.labels).tolist() == [5, 3]


@pytest.mark.parametrize(("different", "kind"), [(19, None), (20, None), (21, "regression")])
def test_more_than_twenty_numbers_are_measured(folder, different, kind):
    path = write(folder, "image,label", [f"{image(n)},{n % different}" for n in range(40)])
    found = datasets.describe(f"csv:{path}")
    assert found.kind == (kind or "classification")
    assert len(found.class_names) == (1 if kind else different)


@pytest.mark.parametrize("written", ["{}", "{}.0"])
def test_few_whole_numbers_are_classes_in_their_order(folder, written):
    rows = [f"{image(n)},{written.format((2, 10, 9)[n % 3])}" for n in range(40)]
    dataset = load(write(folder, "image,stars", rows))
    assert (dataset.kind, dataset.class_names) == ("classification", ("2", "9", "10"))
    assert labels_by_number(dataset) == {n: (0, 2, 1)[n % 3] for n in range(40)}


@pytest.mark.parametrize("value", [lambda n: n / 8 - 1, lambda n: 3 * n], ids=["parts", "many"])
def test_other_numbers_are_measured(folder, value):
    rows = [f"{image(n)},{value(n)}" for n in range(40)]
    dataset = load(write(folder, "image,age", rows))
    assert (dataset.kind, dataset.class_names) == ("regression", ("age",))
    assert dataset.train.labels.shape == (32, 1) and dataset.train.labels.dtype == np.float32
    assert labels_by_number(dataset) == {n: [value(n)] for n in range(40)}
    assert datasets.describe(f"csv:{folder}/table.csv").kind == "regression"


def test_several_columns_are_labels_that_are_true_or_not(folder):
    rows = [f"{image(n)},{n % 2},{int(n % 3 == 0)}.0,{n}" for n in range(40)]
    path = write(folder, "image,wet,cold,row", rows)
    dataset = load(path, "?label=cold+wet")
    assert (dataset.kind, dataset.class_names) == ("multi-label", ("cold", "wet"))
    assert labels_by_number(dataset) == {n: [n % 3 == 0, n % 2] for n in range(40)}
    assert dataset.train.labels.shape == (32, 2) and dataset.train.labels.dtype == np.float32


def test_a_column_may_have_a_plus_in_its_name(folder):
    rows = [f"{image(n)},{n % 2}" for n in range(40)]
    dataset = load(write(folder, "image,ER+", rows), "?label=ER+")
    assert dataset.kind == "classification" and dataset.class_names == ("0", "1")


def test_several_columns_hold_nothing_else(folder):
    rows = [f"{image(n)},{n % 2},{n % 3}" for n in range(40)]
    text = refused(write(folder, "image,wet,cold", rows), "?label=wet+cold")
    assert "Row 4 " in text and "'2' in 'cold'" in text and "0 and 1 only" in text


# --- Columns


def pairs(separator: str = ",") -> list[str]:
    return [f"{image(n)}{separator}{n % 2}" for n in range(40)]


@pytest.mark.parametrize("header", ["image,label", "Path,Class", "x,target", "filename,y"])
def test_columns_are_found_by_name_or_content(folder, header):
    assert len(load(write(folder, header, pairs())).train) == 32


@pytest.mark.parametrize("separator", [";", "\t", ","])
def test_the_separator_is_found(folder, separator):
    path = write(folder, f"image{separator}label", pairs(separator))
    assert len(load(path).train) == 32


@pytest.mark.parametrize("query", ["?sep=|", "?sep=tab", "?sep=semicolon"])
def test_the_separator_is_said(folder, query):
    separator = {"|": "|", "tab": "\t", "semicolon": ";"}[query.removeprefix("?sep=")]
    path = write(folder, f"image, left, right{separator}label", pairs(separator))
    assert len(load(path, f"{query}&image=image, left, right").train) == 32


def test_columns_are_said(folder):
    rows = [f"{image(n)},{image(39 - n)},{n % 2},{n // 20}" for n in range(40)]
    path = write(folder, "front,back,day,night", rows)
    assert "Several columns" in refused(path) and "image=COLUMN" in refused(path)
    text = refused(path, "?image=front")
    assert "label=COLUMN" in text and "back, day, night" in text
    back = load(path, "?image=back&label=day")
    assert labels_by_number(back) == {39 - n: n % 2 for n in range(40)}
    front = load(path, "?image=front&label=night")
    assert labels_by_number(front) == {n: n // 20 for n in range(40)}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?label=lable", "Unknown column of .*'lable'.*Did you mean 'label'"),
        ("?image=imag", "Did you mean 'image'"),
        ("?group=patent", "Did you mean 'patient'"),
        ("?label=label+colour", "'colour'"),
        ("?label=image", "'image'"),
        ("?sep=dot", "Choose one of: comma, semicolon, tab"),
        ("?words=review", "Unknown option of csv:PATH 'words'"),
    ],
)
def test_a_column_that_is_not_there(folder, query, expected):
    path = write(folder, "image,label,patient", [f"{image(n)},{n % 2},{n}" for n in range(9)])
    with pytest.raises(WorkbookError, match=expected):
        load(path, query)


def test_no_column_of_images(folder):
    text = refused(write(folder, "review,stars", [f"good,{n}" for n in range(9)]))
    assert "No column" in text and "image=COLUMN" in text and "review, stars" in text


@pytest.mark.parametrize("query", ["", "?image=front", "?image=c0&label=back"])
def test_of_very_many_columns_a_sentence_names_some(folder, query):
    names = [f"c{number}" for number in range(50_000)]
    text = refused(write(folder, ",".join([*names, "x" * 1000]), [",".join("0" * 50_001)]), query)
    assert "c1, c2" in text and re.search(r" and 4994[01] more", text) and len(text) < 1000


def test_all_images_of_a_patient_are_in_one_part(folder):
    rows = [f"{image(n)},{n // 4 % 2},p{n // 4}" for n in range(40)]
    dataset = load(write(folder, "image,label,patient", rows), "?group=patient")
    tested = {round(pixels[0, 0, 0] * 255) for pixels in dataset.test.images}
    assert len(tested) == 4 * len({n // 4 for n in tested}) >= 8
    assert len(np.unique(dataset.train.groups)) == 10 - len(tested) // 4


def test_subgroups_go_with_their_images_and_are_no_labels(folder):
    rows = [f"{image(n)},{n % 2},{'AB'[n % 2]},{'x' * (n % 3)}" for n in range(40)]
    path = write(folder, "image,label,device,site", rows)
    dataset = load(path, "?subgroup=device+site&label=label")
    assert load(path, "?subgroup=device").class_names == ("0", "1")
    for part in (dataset.train, dataset.test):
        np.testing.assert_array_equal(part.subgroups["device"] == "B", part.labels == 1)
        assert {*part.subgroups["site"]} <= {"x", "xx", "not stated"}
    assert {*dataset.train.subgroups["site"]} == {"x", "xx", "not stated"}
    with pytest.raises(WorkbookError, match=r"'devise'.*device"):
        load(path, "?subgroup=devise")
    with pytest.raises(WorkbookError, match="label"):
        load(path, "?subgroup=label&label=label")


def test_paths_may_be_absolute_and_rows_quoted(folder, monkeypatch):
    rows = [f'"{folder / image(n)}","a, b {n % 2}"' for n in range(40)]
    path = write(folder, "image,label", ["", *rows, ""], "utf-8-sig")
    monkeypatch.chdir(folder / "images")
    assert datasets.load("csv:../table.csv").class_names == ("a, b 0", "a, b 1")
    assert path.exists()


# --- Rows that cannot be used


def broken_rows(folder: Path) -> Path:
    """Row 2 has no label, row 4 no file, row 7 no image, row 9 a broken one."""
    rows = pairs()
    rows[0] = f"{image(0)},NA"
    rows[2] = "images/nowhere.png,0"
    rows[5] = "images/notes.txt,1"
    (folder / "images" / "notes.txt").write_text("about")
    (folder / image(7)).write_bytes(b"")
    return write(folder, "image,label", rows)


def test_all_bad_rows_are_named_at_once(folder):
    text = refused(broken_rows(folder))
    assert "4 of 40 images" in text and "skip-broken=yes" in text
    assert "row 2: images/00.png (its 'label' is empty)" in text
    assert "row 4: images/nowhere.png (there is no such file)" in text
    assert "row 7: images/notes.txt (is none of .png" in text
    assert "row 9: images/07.png (is broken" in text


def test_the_other_rows_are_usable(folder):
    path = broken_rows(folder)
    with pytest.warns(UserWarning, match=r"broken: .*row 9"):
        dataset = load(path, "?skip-broken=yes")
    assert set(labels_by_number(dataset)) == set(range(40)) - {0, 2, 5, 7}


def test_many_bad_rows_are_counted(folder):
    rows = [f"images/lost{n}.png,0" for n in range(55)] + pairs()
    text = refused(write(folder, "image,label", rows))
    assert "55 of 95 images" in text and "images/lost49.png" in text and "and 5 more" in text
    assert "lost50" not in text and text.count("there is no such file") == 1


def test_a_path_too_long_for_any_file(folder):
    text = refused(write(folder, "image,label", [f"{'x' * 5000}.png,0", *pairs()]))
    assert "1 of 41 images" in text and "there is no such file" in text


def test_a_slip_among_measurements(folder):
    rows = [f"{image(n)},{n / 7}" for n in range(39)] + [f"{image(39)},4o"]
    text = refused(write(folder, "image,age", rows))
    assert "1 of 40 images" in text and "row 41" in text and "its 'age' is not a number" in text


def test_numbers_with_commas_are_no_classes(folder):
    """As a spreadsheet in German or French writes them; 40 classes of one image make no sense."""
    rows = [f"{image(n)};{20 + n},{n % 9}" for n in range(40)]
    text = refused(write(folder, "image;age", rows))
    assert "'age'" in text and "such as 20,0" in text and "decimal point" in text


def test_few_names_with_commas_are_classes(folder):
    rows = [f"{image(n)};{n % 2},5" for n in range(40)]
    assert load(write(folder, "image;label", rows)).class_names == ("0,5", "1,5")


def test_no_row_can_be_used(folder):
    text = refused(write(folder, "image,label", ["lost.png,0", "lost2.png,1"]))
    assert "no row that can be used" in text


def test_an_image_with_two_labels(folder):
    text = refused(write(folder, "image,label", [*pairs(), f"{image(3)},0"]))
    assert "1 pair of" in text and "row 5: images/03.png and row 42: images/03.png" in text
    assert "two classes" in text
    measured = [f"{image(n)},{n / 7}" for n in range(40)] + [f"{image(3)},0.1"]
    assert "have other labels" in refused(write(folder, "image,age", measured))


def test_a_row_that_is_there_twice_counts_once(folder):
    with pytest.warns(UserWarning, match="repeating one: row 42"):
        dataset = load(write(folder, "image,label", [*pairs(), f"{image(3)},1"]))
    assert len(dataset.train) + len(dataset.test) == 40


# --- Tables that cannot be used


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "has no rows"),
        (b"image,label\n", "has no rows"),
        (b"image,label\n\n\n", "has no rows"),
        (b"image,image\na,b\n", "two columns 'image'"),
        (b"image,label\na.png,1,2\nb.png,1\nc.png\n", "2 columns, .* in row 2, 4:"),
        (b'image,label\n"a.png,1\nb.png,0\n', "unexpected end of data"),
        (b"image,label\n\xff\xfe,1\n", "UTF-8"),
        (b"image,label\na\0.png,1\n", "cannot be used|cannot be read|no such file|no row"),
    ],
)
def test_what_is_no_table(tmp_path, content, expected):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(WorkbookError, match=expected):
        load(path)


def test_a_table_that_is_not_there(tmp_path):
    assert "No such file" in refused(tmp_path / "nowhere.csv")
    assert "Is a directory" in refused(tmp_path)


def test_one_class_only(folder):
    text = refused(write(folder, "image,label", [f"{image(n)},0" for n in range(9)]))
    assert "'label'" in text and "one class only (0)" in text


def test_too_few_of_a_class(folder):
    rows = [f"{image(n)},{'few' if n < 3 else 'many'}" for n in range(40)]
    assert "'few'" in refused(write(folder, "image,label", rows))
    labels = [f"{image(n)},1,{int(n < 3)}" for n in range(40)]
    assert "'b'" in refused(write(folder, "image,a,b", labels), "?label=a+b")
    assert "'age'" in refused(write(folder, "image,age", [f"{image(n)},{n / 7}" for n in range(4)]))


def test_a_changed_label_is_read_anew(folder):
    path = write(folder, "image,label", pairs())
    before, fingerprint = load(path), datasets.fingerprint(f"csv:{path}")
    write(folder, "image,label", [f"{image(0)},1", *pairs()[1:]])
    assert labels_by_number(load(path)) == {**labels_by_number(before), 0: 1}
    assert datasets.fingerprint(f"csv:{path}") != fingerprint


def test_another_group_makes_another_fingerprint(folder):
    prints = set()
    for moved in (0, 1):
        rows = [f"{image(n)},{n % 2},{(n + moved) // 4}" for n in range(40)]
        path = write(folder, "image,label,patient", rows)
        prints.add(datasets.fingerprint(f"csv:{path}?group=patient"))
        prints.add(datasets.fingerprint(f"csv:{path}"))
    assert len(prints) == 3


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_a_table_in_utf_16_is_told_so(folder, encoding):
    (folder / "table.csv").write_bytes("image,label\n".encode(encoding))
    assert "in UTF-16 or UTF-32" in refused(folder / "table.csv")


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_table_that_never_ends_is_not_waited_for(folder, kind):
    if kind == "pipe":
        os.mkfifo(folder / "table.csv")
    else:
        (folder / "table.csv").symlink_to("/dev/zero")
    assert "is a pipe or a device" in refused(folder / "table.csv")


PIECES = (
    *(
        "image",
        "label",
        "images/01.png",
        "x.png",
        "../",
        "/dev/zero",
        "1",
        "nan",
        "1e999",
        "é",
        " ",
    ),
    *(",", ";", "\t", "\n", "\r", "\r\n", '"', "'", "\0", "\ufeff", "\u2028", "[" * 300),
)


@pytest.mark.slow
@many_cases
@given(
    pieces=st.lists(st.sampled_from(PIECES), max_size=30),
    encoding=st.sampled_from(["utf-8", "utf-8", "utf-8", "latin-1", "utf-16"]),
)
def test_any_text_is_a_table_or_refused_in_a_sentence(pieces, encoding):
    content = f"image,label\n{''.join(pieces)}".encode(encoding, "replace")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "table.csv")
        path.write_bytes(content)
        with contextlib.suppress(WorkbookError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            load(path)
        assert [*Path(folder).iterdir()] == [path] and path.read_bytes() == content


def test_an_underscore_is_part_of_a_name():
    """Python reads 1_1 as 11; plates and patients are numbered so."""
    assert labelled_tables._class_name("1_1") == "1_1"
    assert labelled_tables._class_name("1.0") == "1"
