"""Locks between processes."""

import errno
import os
import subprocess
import sys
import threading
import time
import warnings

import pytest

from simmim_lib.foundation import locks

pytestmark = pytest.mark.floors

HOLD = (
    "import sys, time; from pathlib import Path; from simmim_lib.foundation import locks\n"
    "with locks.held(Path(sys.argv[1])): print('in', flush=True); time.sleep(60)"
)


def test_it_is_held_by_one_and_gone_afterwards(tmp_path):
    path = tmp_path / "lock"
    with locks.held(path), pytest.raises(locks.HeldError), locks.held(path):
        raise AssertionError("two hold it")
    assert list(tmp_path.iterdir()) == []
    with locks.held(path):
        pass


def test_a_process_that_dies_holds_nothing(tmp_path):
    path = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == "in\n"
        with pytest.raises(locks.HeldError), locks.held(path):
            pass
        other.kill()
    with locks.held(path):
        pass


def test_work_is_done_one_after_another(tmp_path):
    busy, most = 0, 0

    def work():
        nonlocal busy, most
        with locks.one_after_another(tmp_path / "lock", "is at work"):
            busy += 1
            most = max(most, busy)
            time.sleep(0.01)
            busy -= 1

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert most == 1 and list(tmp_path.iterdir()) == []


def test_who_waits_says_so(tmp_path):
    told = []

    def work():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with locks.one_after_another(tmp_path / "lock", "is at work"):
                told.extend(str(each.message) for each in caught)

    other = threading.Thread(target=work)
    with locks.held(tmp_path / "lock"):
        other.start()
        time.sleep(0.2)
        assert not told
    other.join()
    assert told == ["Another process is at work; this one waits for it."]


@pytest.mark.parametrize("place", ["missing/lock", "file/lock"])
def test_where_there_can_be_no_lock_work_is_done_all_the_same(tmp_path, place):
    (tmp_path / "file").touch()
    done = []
    with locks.one_after_another(tmp_path / place, "is at work"):
        done.append(place)
    assert done and [each.name for each in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(os.name != "posix", reason="of POSIX")
def test_where_a_file_system_has_no_locks_a_file_that_is_left_over_is_none(tmp_path, monkeypatch):
    import fcntl

    def flock(*_):
        raise OSError(errno.ENOSYS, "not implemented")

    monkeypatch.setattr(fcntl, "flock", flock)
    (tmp_path / "lock").touch()
    with (
        pytest.raises(OSError, match=r"not implemented|file system"),
        locks.held(tmp_path / "lock"),
    ):
        pass
    done = []
    with locks.one_after_another(tmp_path / "lock", "is at work"):
        done.append("work")
    assert done


@pytest.mark.skipif(os.name != "posix", reason="needs links")
def test_a_link_is_no_lock(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / "lock").symlink_to(victim)
    with pytest.raises(OSError), locks.held(tmp_path / "lock"):
        pass
    assert victim.read_text() == "mine" and (tmp_path / "lock").is_symlink()
