import os
import stat

import pytest

from simmim_lib.errors import WorkbookError
from simmim_lib.foundation import atomic


def full(*_):
    raise OSError(28, "No space left on device")


def names(folder) -> list[str]:
    return [item.name for item in folder.iterdir()]


def test_the_file_appears_when_it_is_whole(tmp_path):
    path = tmp_path / "file.bin"
    path.write_bytes(b"before")
    with atomic.writing(path) as file:
        file.write(b"after")
        file.flush()
        assert path.read_bytes() == b"before"
    assert path.read_bytes() == b"after"
    assert names(tmp_path) == ["file.bin"]


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps no such modes")
def test_others_may_read_it(tmp_path):
    atomic.write_text(tmp_path / "file", "text")
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o644


@pytest.mark.parametrize("failure", [KeyboardInterrupt, ValueError, OSError])
def test_a_failure_in_the_middle_leaves_the_old_file(tmp_path, failure):
    path = tmp_path / "file"
    path.write_text("before")
    with pytest.raises(failure), atomic.writing(path) as file:
        file.write(b"half")
        raise failure
    assert path.read_text() == "before"
    assert names(tmp_path) == ["file"]


def test_text_is_utf_8_and_keeps_its_line_ends(tmp_path):
    atomic.write_text(tmp_path / "file", "λ × 2\nnext\n")
    assert (tmp_path / "file").read_bytes() == b"\xce\xbb \xc3\x97 2\nnext\n"


def test_text_that_cannot_be_written_gets_one_sentence(tmp_path):
    with pytest.raises(WorkbookError, match=r"Cannot write .*No such file.*choose a folder"):
        atomic.write_text(tmp_path / "missing" / "file.json", "text")
    (tmp_path / "folder").mkdir()
    with pytest.raises(WorkbookError, match="Cannot write"):
        atomic.write_text(tmp_path / "folder", "text")
    assert names(tmp_path) == ["folder"]


@pytest.mark.parametrize("step", ["replace", "chmod"])
def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch, step):
    path = tmp_path / "file.json"
    path.write_text("before")
    monkeypatch.setattr(os, step, full)
    with pytest.raises(WorkbookError, match="No space left on device"):
        atomic.write_text(path, "after")
    assert path.read_text() == "before"
    assert names(tmp_path) == ["file.json"]
