"""Files from the network: downloaded once, resumed when broken off, compared with a checksum."""

import contextlib
import functools
import hashlib
import http.client
import os
import queue
import stat
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from simmim_lib.errors import WorkbookError
from simmim_lib.foundation import locks
from simmim_lib.foundation.links import not_following

Progress = Callable[[int, int], object]
"""Called with the bytes done and the bytes in total (0 when the server does not say)."""

CHUNK_BYTES = 1 << 14
TIMEOUT_SECONDS = 30
"""How long the server may take to answer, or to send the next `CHUNK_BYTES`: 500 a second."""

MAX_WAITING = 64
"""Pieces that have arrived and are not yet written."""


@dataclass(frozen=True)
class RemoteFile:
    """A file that somebody publishes, and its copy in the cache.

    Attributes:
        title: what it holds, for readers.
        url: where it is published.
        md5: the publisher's checksum, as hexadecimal digits.
        path: where the copy is or will be.
        command: what a user runs to fetch it.
        most: bytes that it may have.
    """

    title: str
    url: str
    md5: str
    path: Path
    command: str
    most: int

    def fetch(self, progress: Progress | None = None) -> None:
        """Download the file, unless it is there already with the right checksum.

        A download that breaks off is continued where it stopped by the next call. While another
        process is fetching the file, this one waits for it.

        Args:
            progress: told after every piece; what it raises, such as `KeyboardInterrupt`, ends
                the download.

        Raises:
            WorkbookError: the network or the server fails, the disk is full or read-only, or the
                file has not the publisher's checksum (it is then removed).
        """
        partial = self.path.with_name(self.path.name + ".part")
        try:
            if self._is_there():
                return
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = self.path.with_name(f".{self.path.name}.lock")
            with locks.one_after_another(lock, f"is fetching {self.title}"):
                if not self._is_there():
                    self._bring(partial, progress or (lambda done, total: None))
        except OSError as error:
            # Only the disk can have raised this: _download words what the network does.
            with contextlib.suppress(OSError):
                partial.unlink()
            raise WorkbookError(
                f"{self.title} cannot be stored in {self.path.parent} "
                f"({error.strerror or error}); free some space, or set SIMMIM_DATA_DIR to a "
                "folder that can be written, and fetch again."
            ) from error

    def _is_there(self) -> bool:
        return self.path.exists() and _md5(self.path) == self.md5

    def _bring(self, partial: Path, progress: Progress) -> None:
        """Download the file to `partial`, check it, and put it in its place."""
        _remove_unless_plain(partial)
        self._download(partial, progress)
        if _md5(partial) != self.md5:
            partial.unlink()
            raise WorkbookError(
                f"The file fetched for {self.title} does not match the publisher's checksum "
                f"and was removed; run `{self.command}` again."
            )
        os.replace(partial, self.path)

    def content(self) -> tuple[bytes, bool]:
        """Return the content of the copy, and whether it has the publisher's checksum.

        Raises:
            WorkbookError: it has not been fetched.
        """
        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise WorkbookError(
                f"{self.title} does not come with the workbook and is not at {self.path}; "
                f"run `{self.command}` (once, online)."
            ) from error
        return content, hashlib.md5(content, usedforsecurity=False).hexdigest() == self.md5

    def fingerprint(self) -> str:
        """Return the checksum of the copy, or the publisher's where there is none."""
        try:
            state = self.path.stat()
        except OSError:
            return self.md5
        return _md5_of_state(self.path, state.st_size, state.st_mtime_ns)

    def _download(self, partial: Path, progress: Progress) -> None:
        """Bring `partial` to the full length of the file, keeping what it holds."""
        done = partial.stat().st_size if partial.exists() else 0
        arriving = _arriving(self.url, done)
        with self._network():
            answer: Answer | None = next(arriving)
        if answer is None:
            return
        with _opened(partial, answer.resumed) as file:
            done = done if answer.resumed else 0
            total = done + (answer.length or 0)
            while True:
                with self._network():
                    piece: bytes = next(arriving)
                    if not piece and done < total:
                        raise ConnectionError(f"it stopped after {done:,} of {total:,} bytes")
                if not piece:
                    return
                done += len(piece)
                self._check_size(partial, max(done, total))
                file.write(piece)
                progress(done, total)

    def _check_size(self, partial: Path, size: int) -> None:
        """Refuse a file without end, and forget what came of it."""
        if size > self.most:
            partial.unlink()
            raise WorkbookError(
                f"{self.title} at {self.url} has more than {self.most:,} bytes, so it is not the "
                f"file that was published; run `{self.command}` again another time."
            )

    @contextlib.contextmanager
    def _network(self) -> Iterator[None]:
        """Word what the network or the server does wrong; only network calls belong inside."""
        try:
            yield
        except (OSError, http.client.HTTPException) as error:
            raise WorkbookError(
                f"{self.title} cannot be fetched from {self.url} ({error}); check the network "
                f"connection and run `{self.command}` again, which continues where it stopped."
            ) from error


@functools.cache
def _md5_of_state(path: Path, size: int, changed: int) -> str:
    """Return a file's checksum, computed once until the file changes."""
    return _md5(path)


def _remove_unless_plain(partial: Path) -> None:
    """Remove a link or a pipe at the place of a download: nothing may go where it leads."""
    if os.path.lexists(partial) and not stat.S_ISREG(os.lstat(partial).st_mode):
        partial.unlink()


def _opened(partial: Path, resumed: bool) -> BinaryIO:
    return open(partial, "ab" if resumed else "wb", opener=not_following)


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


class Answer(NamedTuple):
    """What a server answers before it sends a file.

    Attributes:
        resumed: whether it goes on where it was asked to.
        length: bytes that it is going to send, None where it does not say.
    """

    resumed: bool
    length: int | None


def _arriving(url: str, start: int) -> Iterator[Any]:
    """Yield the answer to a request for a file from byte `start` on, then its pieces, then none.

    A thread of its own waits for the server, which could otherwise hold a download for ever with
    a byte now and then: no time that is set for a connection is used up by that.

    Raises:
        OSError, http.client.HTTPException: as the network fails, or takes too long.
    """
    arrived: queue.Queue[Any] = queue.Queue(MAX_WAITING)
    put = functools.partial(arrived.put, timeout=TIMEOUT_SECONDS)

    def bring() -> None:
        with contextlib.suppress(queue.Full):  # nobody wants it any more
            try:
                for each in _received(url, start):
                    put(each)
            except Exception as error:  # raised again where it can be heard
                put(error)

    threading.Thread(target=bring, daemon=True).start()
    while True:
        try:
            each = arrived.get(timeout=TIMEOUT_SECONDS)
        except queue.Empty:
            raise TimeoutError(f"timed out: too little came in {TIMEOUT_SECONDS:g} s") from None
        if isinstance(each, Exception):
            raise each
        yield each


def _received(url: str, start: int) -> Iterator[Any]:
    """Yield what `_arriving` does, or None instead where there is nothing after byte `start`."""
    headers = {"User-Agent": "simmim-workbook"}
    if start:
        headers["Range"] = f"bytes={start}-"
    request = urllib.request.Request(url, headers=headers)
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        yield None
        return
    with response:
        yield Answer(response.status == http.HTTPStatus.PARTIAL_CONTENT, response.length)
        while piece := response.read(CHUNK_BYTES):
            yield piece
        yield b""
