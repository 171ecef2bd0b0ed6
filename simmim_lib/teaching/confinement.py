"""What an answer may do to the machine: little.

Where Linux allows it, the kernel closes the network; it limits memory and the size of files; and
every descendant is ended. An audit hook (PEP 578) refuses, to Python code, processes, connections
and writing outside the answer's own folder. That keeps mistakes and pranks away; it is no prison:
compiled code passes an audit hook.
"""

import contextlib
import ctypes
import importlib
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

LARGEST_FILE = 100 * 2**20  # bytes

_NEW_USER, _NEW_NET = 0x10000000, 0x40000000  # linux/sched.h
_DEATH_SIGNAL, _ADOPT = 1, 36  # linux/prctl.h: PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

_PROCESSES = {
    *("os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "pty.spawn"),
    *("subprocess.Popen", "os.kill", "os.killpg"),
}
_UNSEEN = {
    "_posixsubprocess": ("fork_exec",),
    "os": ("mkfifo", "mknod"),
    "posix": ("mkfifo", "mknod"),
    "subprocess": ("_fork_exec",),
}
"""Functions that no audit event tells of, by module."""

_NETWORK = {
    *("socket.bind", "socket.connect", "socket.getaddrinfo", "socket.gethostbyname"),
    *("socket.sendmsg", "socket.sendto", "urllib.Request"),
}
_PATHS = {  # which of an event's arguments are paths that it changes
    "os.chmod": 1,
    "os.chown": 1,
    "os.link": 2,
    "os.mkdir": 1,
    "os.remove": 1,
    "os.rename": 2,
    "os.rmdir": 1,
    "os.symlink": 2,
    "os.truncate": 1,
}


def environment(folder: str | os.PathLike[str]) -> dict[str, str]:
    """Return all variables that a process gets: none of the teacher's.

    One thread each: several notebooks are checked side by side, and a thread's stack is memory.
    """
    place = os.fspath(folder)
    return {
        "HOME": place,
        "TMPDIR": place,
        "MPLCONFIGDIR": place,
        "MPLBACKEND": "agg",
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }


def adopt_orphans() -> None:
    """Let descendants of this process whose parents end become its children (Linux)."""
    _process_control(_ADOPT, 1)


def end_with_parent() -> None:
    """Let this process be killed when its parent ends, however that happens (Linux)."""
    _process_control(_DEATH_SIGNAL, signal.SIGKILL)


def _process_control(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def close_network() -> bool:
    """Put this process into a network of its own that leads nowhere.

    Returns:
        Whether the system allows that: Linux does, unless its administrator forbids it.
    """
    if sys.platform != "linux":
        return False
    return ctypes.CDLL(None).unshare(_NEW_USER | _NEW_NET) == 0


def can_close_network() -> bool:
    """Tell whether `close_network` will succeed, by trying it in a child."""
    child = os.fork()
    if not child:
        os._exit(0 if close_network() else 1)
    return os.waitpid(child, 0)[1] == 0


def confine(folder: str, memory: int) -> None:
    """Confine this process, which must have one thread only, for the rest of its life.

    Args:
        folder: where it may write; becomes its working directory.
        memory: in bytes, beyond what it has now.
    """
    os.environ.clear()
    os.environ.update(environment(folder))
    os.chdir(folder)
    tempfile.tempdir = folder  # it was looked up before, in another environment
    close_network()
    _limit_memory(memory)
    _limit(resource.RLIMIT_FSIZE, LARGEST_FILE)
    _limit(resource.RLIMIT_CORE, 0)
    _take_away()
    sys.addaudithook(_refusal(os.path.realpath(folder) + os.sep))


def _take_away() -> None:
    """Replace what would start processes or make files unseen."""

    def refuse(*given: object, **named: object) -> None:
        raise PermissionError("an answer may neither start processes nor make pipes and devices")

    for module, names in _UNSEEN.items():
        for name in names:
            if hasattr(loaded := importlib.import_module(module), name):
                setattr(loaded, name, refuse)


def _limit_memory(more: int) -> None:
    """Limit what is written to; what is only reserved, as by each thread's allocator, is free."""
    with contextlib.suppress(OSError):  # outside Linux there is no such file, and no limit
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmData:"):
                _limit(resource.RLIMIT_DATA, int(line.split()[1]) * 1024 + more)


def _limit(which: int, most: int) -> None:
    _, hard = resource.getrlimit(which)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(which, (most, most))


def _refusal(inside: str) -> Callable[[str, tuple[Any, ...]], None]:
    """Return the audit hook of a process that may write inside one folder."""

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _PROCESSES:
            raise PermissionError("an answer may not start or end processes")
        if event in _NETWORK:
            raise PermissionError("an answer may not use the network")
        for path in _written(event, arguments):
            if not (os.path.realpath(path) + os.sep).startswith(inside):
                raise PermissionError("an answer may not write outside its own folder")

    return refuse


def _is_folder(path: object) -> bool:
    return isinstance(path, str | bytes | os.PathLike) and os.path.isdir(path)


def _written(event: str, arguments: tuple[Any, ...]) -> Iterator[str]:
    """Yield the paths that something is about to change."""
    if event == "open":
        path, mode, flags = arguments  # of `os.open` there is no mode
        # What is named relative to an open folder, as `shutil.rmtree` does, is seen nowhere.
        written = isinstance(flags, int) and flags & _WRITING
        paths = (path,) if written or (mode is None and _is_folder(path)) else ()
    else:
        paths = arguments[: _PATHS.get(event, 0)]
    for path in paths:
        if isinstance(path, str | bytes | os.PathLike):  # an open file is known by a number
            name = os.fsdecode(path)
            if name != os.devnull:
                yield name


def processor_seconds(process: int) -> float:
    """Return for how long a process has computed; outside Linux, what the clock says."""
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return time.monotonic()
    # The name before the bracket may hold anything; user and system time are fields 14 and 15.
    user, system = text.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def end_descendants() -> None:
    """Kill all processes that come from this one, which must have called `adopt_orphans`."""
    while children := _children():
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child, 0)


def _children() -> list[int]:
    try:
        return [
            int(word)
            for word in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        ]
    except OSError:  # outside Linux
        return []


def remove(folder: str) -> None:
    """Remove a folder, whatever an answer has done to the rights of what lies in it."""
    for path, _, _ in os.walk(folder):
        with contextlib.suppress(OSError):
            os.chmod(path, 0o700)
    shutil.rmtree(folder, ignore_errors=True)
