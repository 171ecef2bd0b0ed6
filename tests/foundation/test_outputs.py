"""Outputs that people name: claimed before the work, and kept whatever happens after it."""

import os
import threading
from pathlib import Path

import pytest
from device_making import device

from simmim_lib.errors import WorkbookError
from simmim_lib.foundation import atomic, outputs

posix = pytest.mark.skipif(os.name != "posix", reason="needs links and devices")


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


# --- Claimed


def test_a_claim_leaves_no_trace(tmp_path):
    with outputs.claimed([tmp_path / "a", tmp_path / "b"]):
        pass
    assert names(tmp_path) == []


def test_a_file_is_claimed_once_at_a_time(tmp_path):
    file = tmp_path / "file"
    with (
        outputs.claimed([file]),
        pytest.raises(WorkbookError, match="Another process is about to write"),
        outputs.claimed([tmp_path / "other", file]),
    ):
        raise AssertionError("it is claimed twice")
    with outputs.claimed([file]):
        pass


@posix
def test_two_names_of_one_file_are_one(tmp_path):
    (tmp_path / "link").symlink_to("file")
    with (
        outputs.claimed([tmp_path / "file"]),
        pytest.raises(WorkbookError, match="Another process"),
        outputs.claimed([tmp_path / "link"]),
    ):
        raise AssertionError("it is claimed twice")
    for pair in (["file", "file"], ["file", "link"]):
        with (
            pytest.raises(WorkbookError, match="named twice"),
            outputs.claimed([tmp_path / name for name in pair]),
        ):
            raise AssertionError("it is claimed twice")


@posix
def test_a_device_can_be_named_as_often_as_one_likes(tmp_path):
    null = device(tmp_path, "null")
    with (
        outputs.claimed([null, null]),
        outputs.claimed([null]),
    ):
        pass
    os.mkfifo(tmp_path / "pipe")
    with outputs.claimed([tmp_path / "pipe"]):  # without waiting for a reader
        pass


@posix
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("folder", "is a folder; name a file in a folder"),
        ("linked-folder", "is a folder"),
        ("missing/file", "folder .*missing does not exist"),
        ("file/below", "cannot be written .Not a directory"),
        ("to-missing", "folder .*missing does not exist"),
        ("circle", "cannot be written"),
    ],
)
def test_what_cannot_be_written_is_refused(tmp_path, name, words):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "linked-folder").symlink_to("folder")
    (tmp_path / "to-missing").symlink_to("missing/file")
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(WorkbookError, match=words) as caught, outputs.claimed([tmp_path / name]):
        raise AssertionError("it is claimed")
    assert "\n" not in str(caught.value)


def test_a_folder_without_locks_will_do(tmp_path, monkeypatch):
    def without_locks(*_, **__):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(outputs.locks, "held", without_locks)
    with outputs.claimed([tmp_path / "file"]):
        pass


# --- Kept


def full(*_, **__):
    raise OSError(28, "No space left on device")


def test_what_can_be_written_is(tmp_path, spare):
    outputs.write_or_spare(tmp_path / "file", lambda path: atomic.write_text(path, "text"))
    assert (tmp_path / "file").read_text() == "text" and names(spare) == []


@pytest.mark.parametrize("name", ["missing/file", "folder"])
def test_what_cannot_be_written_is_kept_in_a_place_that_is_named(tmp_path, spare, name):
    (tmp_path / "folder").mkdir()
    with pytest.raises(WorkbookError, match="Cannot write") as caught:
        outputs.write_or_spare(tmp_path / name, lambda path: atomic.write_text(path, "text"))
    (kept,) = spare.rglob(Path(name).name)
    assert str(kept) in str(caught.value) and kept.read_text() == "text"
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")


def test_an_error_of_the_system_is_one_sentence_too(tmp_path, spare):
    def write(path: Path) -> None:
        if path.parent == tmp_path:
            full()
        path.write_text("text")

    with pytest.raises(WorkbookError, match=r"Cannot write .*file .*No space left"):
        outputs.write_or_spare(tmp_path / "file", write)
    assert [path.read_text() for path in spare.rglob("file")] == ["text"]


def test_where_nothing_can_be_written_the_first_failure_is_told(tmp_path, spare, monkeypatch):
    monkeypatch.setattr(outputs, "SPARE_FOLDERS", (None, str(tmp_path / "missing")))
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(WorkbookError, match="No space left on device") as caught:
        outputs.write_or_spare(tmp_path / "file", lambda path: atomic.write_text(path, "text"))
    assert "What was to be there" not in str(caught.value)
    assert names(spare) == [] and names(tmp_path) == ["spare"]


@posix
def test_a_pipe_whose_reader_has_gone(tmp_path, spare):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: open(pipe, "rb").close(), daemon=True)
    reader.start()
    text = "x" * 1_000_000  # more than fits into a pipe
    with pytest.raises(WorkbookError, match="Broken pipe"):
        outputs.write_or_spare(pipe, lambda path: atomic.write_text(path, text))
    reader.join(10)
    assert [len(path.read_text()) for path in spare.rglob("pipe")] == [1_000_000]
