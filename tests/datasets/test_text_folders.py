"""Folders of texts of one's own: what is read, what `data show` says, and what is refused."""

import numpy as np
import pytest

from simmim_lib import datasets
from simmim_lib.commands import cli
from simmim_lib.datasets import own, text_files
from simmim_lib.datasets.survey import survey
from simmim_lib.datasets.survey_text import as_text
from simmim_lib.errors import WorkbookError


@pytest.fixture(autouse=True)
def _forget(monkeypatch):
    monkeypatch.setattr(own, "_kept", {})


def write(folder, name, text, encoding="utf-8"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


@pytest.fixture
def reviews(tmp_path):
    """A hundred kind texts and fifty others, each of which ends with its number in its class."""
    folder = tmp_path / "reviews"
    for kind, count in (("kind", 100), ("other", 50)):
        for n in range(count):
            write(folder / kind, f"{n:03}.txt", f"This was {kind}, as I said\nbefore, number {n}\n")
    return folder


def test_a_folder_of_texts_is_read_as_one_of_images_is(reviews):
    data = datasets.load(f"folder:{reviews}")
    assert data.holds_texts and data.class_names == ("kind", "other")
    assert datasets.describe(f"folder:{reviews}").content == "texts"
    assert np.bincount(data.train.labels).tolist() == [80, 40]
    assert np.bincount(data.test.labels).tolist() == [20, 10]
    for part in (data.train, data.test):
        for file, text, label in zip(part.files, part.images, part.labels, strict=True):
            kind = data.class_names[label]
            number = int(file.removeprefix(f"{kind}/").removesuffix(".txt"))
            assert text == f"This was {kind}, as I said\nbefore, number {number}"


def test_parts_and_groups_mean_what_they_mean_for_images(reviews, tmp_path):
    parted = tmp_path / "parted"
    for part in ("train", "test"):
        (parted / part).mkdir(parents=True)
    reviews.rename(parted / "train" / "reviews")
    for kind in ("kind", "other"):
        (parted / "train" / "reviews" / kind).rename(parted / "train" / kind)
        write(parted / "test" / kind, "one.txt", f"{kind} at last")
    (parted / "train" / "reviews").rmdir()
    data = datasets.load(f"folder:{parted}")
    assert sorted(data.test.images) == ["kind at last", "other at last"]
    assert len(data.train) == 150


def test_texts_that_say_the_same_are_in_one_part_and_may_have_two_labels(reviews):
    for n in range(100):
        write(reviews / "other", f"again-{n}.txt", f"THIS WAS KIND as i said before; number {n}")
    data = datasets.load(f"folder:{reviews}")
    assert len(data.train) + len(data.test) == 250
    words = [{datasets.texts.same_words(text) for text in part.images} for part in
             (data.train, data.test)]  # fmt: skip
    assert not words[0] & words[1]
    assert "with two labels (same words): 100" in as_text(survey(f"folder:{reviews}"))


def test_notes_beside_images_are_no_examples(tmp_path):
    from image_making import noise, save

    for first, kind in enumerate(("cats", "dogs")):
        for n in range(6):
            save(tmp_path / "pets" / kind / f"{n}.png", noise(10 * first + n, (30, 30, 3)))
        write(tmp_path / "pets" / kind, "notes.txt", "about these")
    with pytest.warns(UserWarning, match=r"not images.*cats/notes.txt"):
        data = datasets.load(f"folder:{tmp_path / 'pets'}")
    assert not data.holds_texts


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("kind/empty.txt", b" \n", "is empty"),
        ("kind/latin.txt", "caf\xe9".encode("latin-1"), "is not in UTF-8: save it anew"),
        ("kind/wide.txt", "wide".encode("utf-16"), "is in UTF-16 or UTF-32"),
        ("kind/long.txt", b"x " * (text_files.MAX_BYTES // 2 + 1), "has 10,000,002 bytes, but"),
    ],
)
def test_what_cannot_be_read_is_named_and_left_out_if_that_is_asked_for(
    reviews, name, content, reason
):
    (reviews / name).write_bytes(content)
    with pytest.raises(WorkbookError, match=rf"1 of 151 texts .*{name} \({reason}"):
        datasets.load(f"folder:{reviews}")
    with pytest.warns(UserWarning, match=f"broken: {name}"):
        data = datasets.load(f"folder:{reviews}?skip-broken=yes")
    assert len(data.train) + len(data.test) == 150


def test_a_text_in_two_parts_is_named_with_both_files(reviews, tmp_path):
    both = tmp_path / "both"
    both.mkdir()
    reviews.rename(both / "train")
    for kind in ("kind", "other"):
        write(both / "test" / kind, "new.txt", f"never seen {kind}")
    write(both / "test" / "kind", "old.txt", "this was kind, as I said before, number 7")
    told = r"same words in two parts: train/kind/007.txt and test/kind/old.txt"
    with pytest.raises(WorkbookError, match=told):
        datasets.load(f"folder:{both}")
    with pytest.warns(UserWarning, match="in two classes or parts: train/kind/007.txt"):
        data = datasets.load(f"folder:{both}?skip-broken=yes")
    assert (len(data.train), len(data.test)) == (149, 2)


def test_a_class_without_texts_gets_the_endings_of_texts(reviews):
    (reviews / "empty").mkdir()
    with pytest.raises(WorkbookError, match=r"'empty' .*has no texts: .*\.txt"):
        datasets.load(f"folder:{reviews}")


def test_a_class_of_few_texts_is_not_told_of_images(reviews):
    for path in sorted((reviews / "other").iterdir())[3:]:
        path.unlink()
    with pytest.raises(WorkbookError, match="too few different texts, 3"):
        datasets.load(f"folder:{reviews}")


def test_data_show_counts_words_and_finds_repeats(reviews, capsys):
    write(reviews / "kind", "again.txt", "this was kind as I said before -- number 3")
    assert cli.main(["data", "show", f"folder:{reviews}"]) == 0
    told = capsys.readouterr().out
    assert "reviews: 151 texts, classification" in told
    assert "lengths: smallest 9, median 9, largest 10 words" in told
    assert "kind/003.txt and kind/again.txt" in told and "pixels" not in told
    assert not any(word in told for word in ("images", "grey"))


def test_data_show_looks_at_tables_and_at_bundled_texts(tmp_path):
    rows = "\n".join(f"text number {n},{'ab'[n % 2]}" for n in range(30))
    table = write(tmp_path, "table.csv", f"review,label\n{rows}\n")
    assert "table: 30 texts, classification" in as_text(survey(f"csv:{table}?text=review"))
    found = survey("imdb")
    assert sum(map(len, found.labels.values())) == len(found.looks.texts) == 1000
