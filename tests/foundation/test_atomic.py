import os
import stat
import subprocess
import sys
import threading

import pytest
from device_making import device

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


posix = pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes and devices")


@posix
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_the_umask_decides_who_may_read_a_new_file(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        atomic.write_text(tmp_path / "file", "text")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o755])
def test_a_file_that_is_there_keeps_its_mode(tmp_path, mode):
    path = tmp_path / "file"
    path.write_text("before")
    path.chmod(mode)
    atomic.write_text(path, "after")
    assert path.read_text() == "after" and stat.S_IMODE(path.stat().st_mode) == mode


@posix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs to be root")
def test_a_file_of_another_user_stays_theirs(tmp_path):
    path = tmp_path / "file"
    path.write_text("before")
    os.chown(path, 1234, 1234)
    path.chmod(0o640)
    atomic.write_text(path, "after")
    status = path.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (1234, 1234, 0o640)


@posix
@pytest.mark.parametrize("call", ["chmod", "chown"])
def test_where_modes_cannot_be_set_the_file_is_written_all_the_same(tmp_path, monkeypatch, call):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    path = tmp_path / "file"
    path.write_text("before")
    path.chmod(0o600)
    monkeypatch.setattr(os, call, refuse)
    atomic.write_text(path, "after")
    assert path.read_text() == "after" and names(tmp_path) == ["file"]


# --- What is no plain file


@posix
def test_a_link_is_followed(tmp_path):
    there, link = tmp_path / "there", tmp_path / "link"
    there.mkdir()
    (there / "file").write_text("before")
    link.symlink_to("there/file")
    atomic.write_text(link, "after")
    assert link.is_symlink() and (there / "file").read_text() == "after"
    assert names(there) == ["file"]


@posix
def test_a_link_to_nothing_yet_leads_to_the_new_file(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "new")
    atomic.write_text(tmp_path / "link", "text")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "new").read_text() == "text"


@posix
@pytest.mark.parametrize("target", ["link", "missing/file"])
def test_a_link_that_leads_nowhere_is_refused(tmp_path, target):
    (tmp_path / "link").symlink_to(tmp_path / target)
    with pytest.raises(WorkbookError, match="Cannot write"):
        atomic.write_text(tmp_path / "link", "text")
    assert names(tmp_path) == ["link"]


@posix
def test_a_name_of_the_workbook_s_own_is_replaced_and_not_followed(tmp_path):
    (tmp_path / "else").write_text("mine")
    (tmp_path / "file").symlink_to("else")
    atomic.write_text(tmp_path / "file", "text", atomic.replacing)
    assert (tmp_path / "else").read_text() == "mine"
    assert not (tmp_path / "file").is_symlink() and (tmp_path / "file").read_text() == "text"


@posix
def test_a_device_is_written_to(tmp_path):
    null = device(tmp_path, "null")
    (tmp_path / "link").symlink_to(null)
    for path in (null, tmp_path / "link"):
        atomic.write_text(path, "text")
    assert null.is_char_device() and (tmp_path / "link").is_symlink()


def test_a_full_device_gets_its_sentence(tmp_path):
    full_device = device(tmp_path, "full")
    with pytest.raises(WorkbookError, match=r"Cannot write .*/full .No space left on device"):
        atomic.write_text(full_device, "text")
    assert full_device.is_char_device()


@posix
def test_a_pipe_is_written_to(tmp_path):
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    atomic.write_text(pipe, "text")
    reader.join(10)
    assert read == ["text"] and stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
@pytest.mark.parametrize("name", ["/proc/self/fd/1", "link", "other-link"])
@pytest.mark.parametrize("to", ["file", "pipe"])
def test_what_is_printed_stays_in_order(tmp_path, name, to):
    """A shell's `> file` makes /dev/stdout a plain file, which is neither replaced nor emptied."""
    (tmp_path / "link").symlink_to("/dev/stdout")
    (tmp_path / "other-link").symlink_to("/dev/fd/1")
    code = (
        "from simmim_lib.foundation import atomic\n"
        f"print('before'); atomic.write_text({name!r}, 'text\\n'); print('after')"
    )
    words = [sys.executable, "-c", code]
    if to == "pipe":
        done = subprocess.run(words, cwd=tmp_path, stdout=subprocess.PIPE, text=True, check=True)
        assert done.stdout == "before\ntext\nafter\n"
        return
    with open(tmp_path / "file", "w") as file:
        subprocess.run(words, cwd=tmp_path, stdout=file, check=True)
    assert (tmp_path / "file").read_text() == "before\ntext\nafter\n"


@posix
def test_a_file_that_cannot_be_replaced_is_written_in_its_place(tmp_path, monkeypatch):
    """As one that a container has mounted by itself."""

    def busy(*_):
        raise OSError(16, "Device or resource busy")

    path = tmp_path / "file"
    path.write_text("before")
    monkeypatch.setattr(os, "replace", busy)
    atomic.write_text(path, "after")
    assert path.read_text() == "after" and names(tmp_path) == ["file"]


def test_a_home_is_known(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    atomic.write_text("~/file", "text")
    assert (tmp_path / "file").read_text() == "text"


def test_bytes_that_are_no_text_are_written_so_that_json_has_them(tmp_path):
    atomic.write_text(tmp_path / "file", '"\udc80 ä"')
    assert (tmp_path / "file").read_bytes() == '"\\udc80 ä"'.encode()


# --- What fails


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


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file.json"
    path.write_text("before")
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(WorkbookError, match="No space left on device"):
        atomic.write_text(path, "after")
    assert path.read_text() == "before"
    assert names(tmp_path) == ["file.json"]
